"""The templates as such: each can be used, prints nothing as it came, and those about errors need nothing."""

import re

import jinja2
import pytest
from django.conf import settings
from django.template import engines
from django.template.loader import render_to_string

from dashboard import templating
from dashboard.parts import Pager
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
        assert "&lt;b&gt;&#x27;&quot;&amp;" in page


def test_a_name_that_nobody_gave_is_an_error_and_no_blank():
    for source in ("{{ sentense }}", "{% if row.typo %}x{% endif %}"):
        with pytest.raises(jinja2.UndefinedError):
            engines["jinja2"].from_string(source).render({"row": {"items": 1}})


def test_a_key_of_a_row_comes_before_the_methods_of_a_dictionary():
    assert engines["jinja2"].from_string("{{ row.items }}").render({"row": {"items": "<3"}}) == "&lt;3"


def test_what_a_template_includes_sees_what_stands_around_it():
    source = '{% for pager in pagers %}{% include "dashboard/_pager.html" %}{% endfor %}{{ icon("star") }}'
    shown = engines["jinja2"].from_string(source).render({"pagers": [Pager("<1>", first="/?a&b"), Pager("2")]})

    assert shown.count('<nav class="pager"') == 2
    assert "&lt;1&gt;" in shown
    assert 'href="/?a&amp;b"' in shown
    assert shown.endswith("</svg>")


def test_what_is_edited_is_read_again_with_what_it_includes(settings):
    settings.DEBUG = True
    while_editing = templating.Environment(loader=engines["jinja2"].env.loader, autoescape=True)

    assert not while_editing.extensions
    assert while_editing.get_template("404.html").render() == engines["jinja2"].env.get_template("404.html").render()
