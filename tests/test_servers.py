"""The servers that the tests themselves lean on."""

from pathlib import Path

import psycopg
import pytest
import redis
from django.db import connection

from tests import embedded_postgres, redis_server


@pytest.mark.django_db
def test_the_tests_run_on_the_database_they_were_asked_to(pytestconfig):
    assert connection.vendor == pytestconfig.getoption("--database")


@pytest.mark.once
def test_a_machine_without_postgresql_gets_one_that_leaves_nothing_behind():
    with embedded_postgres.running() as url, psycopg.connect(url) as session:
        (folder,) = session.execute("SHOW data_directory").fetchone()

    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    assert not Path(folder).exists()


@pytest.mark.once
def test_a_machine_without_redis_gets_one_that_keeps_its_queue(tmp_path):
    with redis_server.started(tmp_path) as url, redis.Redis.from_url(url) as server:
        server.rpush("queue", "message")
    with redis_server.started(tmp_path) as url, redis.Redis.from_url(url) as server:
        assert server.lrange("queue", 0, -1) == [b"message"]


def test_redis_is_real_and_empty():
    with redis_server.running() as url, redis.Redis.from_url(url) as server:
        assert server.dbsize() == 0
        assert int(server.info("server")["redis_version"].split(".")[0]) >= 7
