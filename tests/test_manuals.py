"""Every command, variable, path and page that ``docs/`` and the units of systemd name is real."""

import configparser
import re
import shlex
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

from tests.test_docs import MAKEFILE, ROOT, variables_read

pytestmark = pytest.mark.once

MANUALS = sorted((ROOT / "docs").glob("*.md"))
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
CODE = r"```\w*\n(.*?)```|`([^`\n]+)`"
# Read by a library itself, or by docker-compose.yml alone.
BESIDE = {"POSTGRES_PASSWORD"}


def snippets(manual: Path) -> list[str]:
    """What stands in code style, lines that go on joined."""
    found = re.findall(CODE, manual.read_text(), re.DOTALL)
    return [(block or inline).replace("\\\n", " ") for block, inline in found]


def test_there_is_a_manual_for_each_reader():
    assert {"operators.md", "support.md", "developers.md"} <= {manual.name for manual in MANUALS}


@pytest.mark.parametrize("manual", MANUALS, ids=lambda manual: manual.name)
def test_every_command_and_option_is_real(manual):
    for line in "\n".join(snippets(manual)).splitlines():
        for name, rest in re.findall(r"manage\.py (\w+)([^#&|;]*)", line):
            assert name in get_commands(), line
            parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
            for option in re.findall(r"(?<!\S)--[a-z-]+", rest):
                assert option in parser._option_string_actions, line
        for target in re.findall(r"^make ([a-z]+)", line):
            assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), line


@pytest.mark.parametrize("manual", MANUALS, ids=lambda manual: manual.name)
def test_every_variable_is_read(manual):
    read = variables_read()
    known = read.keys() | {f"{name}_FILE" for name, secret in read.items() if secret} | BESIDE
    named = {name for code in snippets(manual) for name in re.findall(r"\b[A-Z]{2,}(?:_[A-Z]+)+\b", code)}
    words = set(re.findall(r"\b[A-Z_]+\b", (ROOT / "migrations_sync" / "statuses.py").read_text()))

    assert named - words <= known


@pytest.mark.parametrize("manual", MANUALS, ids=lambda manual: manual.name)
def test_every_file_is_there(manual):
    tops = {path.name for path in ROOT.iterdir()}
    for code in snippets(manual):
        for word in re.findall(r"(?<![\w/.<-])([\w.-]+(?:/[\w.-]+)*/?)", code):
            if word.split("/")[0] in tops and ("/" in word or "." in word[1:]) and "*" not in code:
                assert (ROOT / word).exists(), word


@pytest.mark.parametrize("manual", MANUALS, ids=lambda manual: manual.name)
def test_every_page_is_there(manual):
    for code in snippets(manual):
        if re.fullmatch(r"/[a-z][a-z/<>-]*", code) and not (ROOT / code.strip("/")).exists():
            path = re.sub(r"<\w+>", "123", code)
            try:
                resolve(path)
            except Resolver404:
                pytest.fail(f"{code} is no page")


def unit(path: Path) -> configparser.RawConfigParser:
    read = configparser.RawConfigParser(strict=False)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read_string(path.read_text())
    return read


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_what_is_there_without_more_rights_than_it_needs(path):
    service = unit(path)["Service"]
    program, *arguments = shlex.split(service["ExecStart"])

    assert program.rpartition("/")[2] in ("python", "gunicorn", "celery")
    if arguments[0] == "manage.py":
        assert arguments[1] in get_commands()
    else:
        assert {"dashboard.wsgi", "dashboard"} & set(arguments)
    assert service["User"] == "migrations-dashboard"
    assert (service["NoNewPrivileges"], service["ProtectSystem"]) == ("yes", "strict")


def test_the_units_are_the_parts_that_docker_compose_starts():
    target = (ROOT / "deploy" / "systemd" / "migrations-dashboard.target").read_text()
    parts = set(re.findall(r"migrations-dashboard-(\w+)\.service", target))
    services = (ROOT / "docker-compose.yml").read_text()

    assert parts == {"web", "worker", "beat"}
    assert all(f"\n  {part}:\n" in services for part in parts)
    for part in parts:
        text = (ROOT / "deploy" / "systemd" / f"migrations-dashboard-{part}.service").read_text()
        assert "Requires=migrations-dashboard-migrate.service" in text
