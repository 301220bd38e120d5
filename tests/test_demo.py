import stat

import pytest

from dashboard import demo, embedded

pytestmark = pytest.mark.once


def prepared(tmp_path, **given: str) -> dict[str, str]:
    environ = {"DATA_DIR": str(tmp_path / "var"), **given}
    demo.prepare(environ)
    return environ


def test_without_a_key_everything_points_at_a_simulator_with_a_mirror_of_its_own(tmp_path):
    environ = prepared(tmp_path)

    assert environ["MIGRATIONS_API_URL"] == f"http://127.0.0.1:{environ[demo.SIMULATOR_PORT]}/api/v1"
    assert environ["MIGRATIONS_API_KEY"]
    assert environ["DATABASE_URL"] == f"sqlite:///{tmp_path}/var/simulated.sqlite3"
    assert environ["REDIS_URL"] == embedded.url(tmp_path / "var", database=1)
    assert environ[demo.BROKER]


@pytest.mark.parametrize("name", ["MIGRATIONS_API_KEY", "MIGRATIONS_API_KEY_FILE"])
def test_with_a_key_it_talks_to_the_real_api_into_the_usual_database(tmp_path, name):
    environ = prepared(tmp_path, **{name: "given"})

    assert environ[name] == "given"
    assert not {demo.SIMULATOR_PORT, "MIGRATIONS_API_URL", "DATABASE_URL", "SYNC_INTERVAL"} & environ.keys()
    assert environ["REDIS_URL"] == embedded.url(tmp_path / "var", database=0)


def test_what_the_environment_says_already_is_left_as_it_is(tmp_path):
    given = {
        "DATABASE_URL": "postgres://host/name",
        "REDIS_URL_FILE": "/run/secrets/redis",
        "SECRET_KEY": "of the operator",
        "SYNC_INTERVAL": "30",
        "INSECURE_HTTP": "0",
    }

    environ = prepared(tmp_path, **given)

    assert {name: environ[name] for name in given} == given
    assert "REDIS_URL" not in environ
    assert demo.BROKER not in environ


def test_an_empty_value_counts_as_not_given(tmp_path):
    assert prepared(tmp_path, SECRET_KEY="")["SECRET_KEY"]


def test_secrets_are_kept_where_only_their_owner_can_read_them(tmp_path):
    first, second = prepared(tmp_path), prepared(tmp_path)
    folder = tmp_path / "var"

    assert first["SECRET_KEY"] == second["SECRET_KEY"]
    assert len(first["SECRET_KEY"]) >= 50
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
