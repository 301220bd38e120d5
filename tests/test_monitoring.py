"""The sample rules and the board ask for what ``/metrics`` really exports."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from dashboard import metrics
from tests.factories import T0

FOLDER = Path(__file__).resolve().parent.parent / "monitoring"
RULES = yaml.safe_load((FOLDER / "alerts.yml").read_text())
BOARD = json.loads((FOLDER / "grafana-board.json").read_text())


# Under which name something can be asked for, by its type.
SUFFIX = {"counter": "_total", "histogram": "_bucket"}


def rules() -> list[dict[str, Any]]:
    return [rule for group in RULES["groups"] for rule in group["rules"]]


def board_expressions() -> list[str]:
    return [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]


def names_in(expressions: list[str]) -> set[str]:
    return {name for text in expressions for name in re.findall(r"\bmigrations_[a-z_]+", text)}


@pytest.fixture
def exported(db) -> dict[str, str]:
    """Each name that can be asked for, and its type; families count although they have no sample yet."""
    found = {}
    for family in text_string_to_metric_families(metrics.text(T0).decode()):
        found[family.name + SUFFIX.get(family.type, "")] = family.type
    return found


def test_every_metric_that_the_rules_and_the_board_name_is_exported(exported):
    named = names_in([rule["expr"] for rule in rules()] + board_expressions())

    assert len(named) > 20
    assert named <= exported.keys()


def test_the_board_shows_every_metric_there_is(exported):
    own = {name for name in exported if name.startswith("migrations_")}
    assert own - names_in(board_expressions()) == {"migrations_last_attempt_timestamp_seconds"}


def test_what_only_grows_is_asked_for_its_increase(exported):
    """Its bare value says how long the product runs, not how it fares."""
    for expression in [rule["expr"] for rule in rules()] + board_expressions():
        for name in names_in([expression]):
            assert exported[name] not in SUFFIX or re.search(rf"(increase|rate)\({name}", expression)


def test_every_rule_says_what_is_wrong_and_how_bad_it_is():
    assert len({rule["alert"] for rule in rules()}) == len(rules()) > 8
    for rule in rules():
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["expr"].count("(") == rule["expr"].count(")")


def test_every_page_that_a_rule_points_to_is_there(client):
    text = (FOLDER / "alerts.yml").read_text()
    for path in set(re.findall(r"\s(/[a-z/]+/)", text)):
        assert client.get(path).status_code == 302, path
