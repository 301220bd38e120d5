"""The templates as such: each can be used, prints nothing as it came, and those about errors need nothing."""

import re

import jinja2
import pytest
from django.conf import settings
from django.template import engines
from django.template.loader import render_to_string

from tests.reading import words

pytestmark = pytest.mark.once

FOLDER = settings.BASE_DIR / "templates"
FILES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.*"))
ERRORS = {
    "400.html": "This request could not be read",
    "403.html": "You may not do this",
    "403_csrf.html": "This form has expired",
    "404.html": "There is no such page",
    "500.html": "Something broke here",
    "503_slow.html": "The database took too long",
}


@pytest.mark.parametrize("name", FILES)
def test_every_template_can_be_used(name):
    assert engines["jinja2"].get_template(name)


@pytest.mark.parametrize("name", FILES)
def test_no_template_prints_anything_without_escaping_it(name):
    assert not re.search(r"\|\s*safe\b|autoescape|Markup", (FOLDER / name).read_text())


@pytest.mark.parametrize(("name", "heading"), ERRORS.items())
def test_an_error_page_can_be_made_without_a_request(name, heading):
    page = render_to_string(
        name, {"seconds": 10, "request_id": "req-1", "again": "/"} if name == "503_slow.html" else {}
    )

    assert page.startswith("<!doctype html>")
    assert f"<h1>{heading}</h1>" in page
    assert "None" not in words(page)


def test_a_page_about_what_was_refused_or_not_found_quotes_the_reason_as_text():
    for name in ("403.html", "404.html"):
        page = render_to_string(name, {"exception": "<b>'\"&"})
        assert "&lt;b&gt;&#39;&#34;&amp;" in page


def test_a_name_that_nobody_gave_is_an_error_and_no_blank():
    for source in ("{{ sentense }}", "{% if row.typo %}x{% endif %}"):
        with pytest.raises(jinja2.UndefinedError):
            engines["jinja2"].from_string(source).render({"row": {"items": 1}})


def test_a_key_of_a_row_comes_before_the_methods_of_a_dictionary():
    assert engines["jinja2"].from_string("{{ row.items }}").render({"row": {"items": "<3"}}) == "&lt;3"
