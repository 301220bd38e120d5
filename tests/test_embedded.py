import socket

import pytest

from dashboard import embedded
from dashboard.celery import refuse_without_broker

pytestmark = pytest.mark.once


def test_the_broker_of_a_deep_folder_listens_where_a_socket_path_fits(tmp_path):
    deep = tmp_path / ("d" * 120)

    path = embedded.socket_path(deep)

    assert len(str(path)) < 104
    assert path == embedded.socket_path(deep)
    assert path != embedded.socket_path(tmp_path / ("e" * 120))


def test_celery_and_the_cache_are_told_the_same_server(tmp_path):
    path = embedded.socket_path(tmp_path)

    assert embedded.celery_url(embedded.url(tmp_path)) == f"redis+socket://{path}?virtual_host=0"
    assert embedded.celery_url("unix:///run/redis.sock?db=3") == "redis+socket:///run/redis.sock?virtual_host=3"
    assert embedded.celery_url("rediss://:secret@host:6379/2") == "rediss://:secret@host:6379/2"


def test_a_socket_left_behind_by_a_killed_broker_counts_as_no_broker(tmp_path):

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(embedded.socket_path(tmp_path)))

    assert embedded.socket_path(tmp_path).exists()
    assert not embedded.answers(tmp_path)


def test_a_worker_without_a_broker_says_in_one_line_what_to_start(settings, tmp_path):
    settings.REDIS_URL, settings.DATA_DIR = "", tmp_path

    with pytest.raises(SystemExit) as refusal:
        refuse_without_broker()

    assert "REDIS_URL" in str(refusal.value)
    assert "make run" in str(refusal.value)
    assert "\n" not in str(refusal.value)
