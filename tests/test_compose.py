"""Docker is not at hand everywhere, so its files are held against the product as far as that goes."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from celery.bin.celery import celery
from django.core.management import get_commands, load_command_class
from gunicorn.config import Config

from dashboard import server
from tests.test_docs import EXAMPLE, VARIABLE, variables_read

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES = yaml.safe_load(TEXT)["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "migrations-dashboard"}
(IMAGE_COMMAND,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)


def command(name: str) -> list[str]:
    return SERVICES[name].get("command") or yaml.safe_load(IMAGE_COMMAND)


def test_there_is_exactly_one_beat_and_there_can_be_no_second():
    (beat,) = [name for name in SERVICES if "beat" in command(name)]

    assert SERVICES[beat]["container_name"]  # two containers can't share it
    assert not [name for name in OURS if {"-B", "--beat"} & set(command(name))]


def test_the_product_runs_as_web_worker_beat_and_one_step_that_upgrades_the_database():
    assert {"web", "worker", "beat", "migrate"} <= OURS.keys()
    for name in ("web", "worker", "beat"):
        assert OURS[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("name", OURS)
def test_each_command_is_one_that_the_product_has_with_options_that_it_takes(name):
    program, *arguments = command(name)
    if program == "python":
        manage, subcommand, *options = arguments
        assert (ROOT / manage).exists()
        found = load_command_class(get_commands()[subcommand], subcommand)
        found.create_parser(manage, subcommand).parse_args(options)
    elif program == "celery":
        assert arguments[:2] == ["--app", "dashboard"]
        subcommand, *options = arguments[2:]
        celery.commands[subcommand].make_parser(celery.make_context("celery", arguments[:2])).parse_args(options)
    else:
        assert program == "gunicorn"
        options = Config().parser().parse_args(arguments)
        assert (options.config, options.args) == ("python:dashboard.server", ["dashboard.wsgi"])
        assert server.bind


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_watched_restarted_and_unable_to_write_to_its_image(name):
    service = SERVICES[name]

    assert service["read_only"] is True
    if name == "migrate":
        assert service["restart"] == "on-failure"
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"]


def test_state_is_kept_in_volumes():
    volumes = yaml.safe_load(TEXT)["volumes"]
    for name in ("postgres", "redis"):
        (mount,) = SERVICES[name]["volumes"]
        assert mount.partition(":")[0] in volumes


def test_every_variable_is_documented_and_read():
    documented = set(re.findall(VARIABLE, EXAMPLE, re.MULTILINE))

    assert set(re.findall(r"\$\{([A-Z_]+)", TEXT)) <= documented
    for service in OURS.values():
        assert service["environment"].keys() <= variables_read().keys()


def test_images_are_pinned_and_the_product_does_not_run_as_root():
    images = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    images += [service["image"] for name, service in SERVICES.items() if name not in OURS]

    assert [image for image in images if not re.search(r":\d+\.\d+(\.\d+)?-\w+$", image)] == []
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)[-1] not in ("root", "0")


def test_the_build_copies_only_what_is_there_and_let_in():
    let_in = {line.strip("!/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [shlex.split(line)[1] for line in DOCKERFILE.splitlines() if re.match(r"COPY (?!--from)", line)]

    assert set(copied) == let_in
    assert [name for name in copied if not (ROOT / name).exists()] == []
