"""What the documents promise an operator is what the product does."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
VARIABLE = r"^(?:# )?([A-Z_]+)="  # in the example: a line of it, commented out or not
MAKEFILE = (ROOT / "Makefile").read_text()


def variables_read() -> dict[str, bool]:
    """Each variable that the product reads, and whether it may come from a file instead."""
    settings = (ROOT / "dashboard" / "settings.py").read_text()
    return {name: "secret" in how for how, name in re.findall(r'env\.(\w+)\(\s*"([A-Z_]+)"', settings)}


def test_the_example_environment_names_every_variable_that_is_read_and_no_other():
    read = variables_read()
    files = {f"{name}_FILE" for name, secret in read.items() if secret}

    product, _, compose_only = EXAMPLE.partition("# --- docker compose only")
    assert sorted(re.findall(VARIABLE, product, re.MULTILINE)) == sorted(read.keys() | files)
    for name in re.findall(VARIABLE, compose_only, re.MULTILINE):
        assert f"${{{name}" in (ROOT / "docker-compose.yml").read_text()


def test_the_readme_explains_every_variable_that_is_read_and_no_other():
    cells = re.findall(r"^\| (`[A-Z_]+`.*?) \|", README, re.MULTILINE)
    explained = {name: bool(star) for cell in cells for name, star in re.findall(r"`([A-Z_]+)`( \*)?", cell)}

    assert explained == variables_read()


def test_help_lists_every_target_that_a_person_calls():
    (phony,) = re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    described = re.findall(r"^([a-z]+):.*## \S", MAKEFILE, re.MULTILINE)

    assert sorted(described) == sorted(phony.split())


def test_every_command_in_the_readme_exists():
    targets = set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE))
    commands = set(re.findall(r"manage\.py (\w+)", README))

    assert targets <= set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    assert commands <= get_commands().keys()
