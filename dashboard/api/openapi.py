"""The API described by OpenAPI 3.1. Written by hand; the tests hold the running service to it."""

from collections.abc import Iterable
from typing import Any

from dashboard.filters import ORDERS
from dashboard.preferences import PAGE_SIZES
from migrations_sync import statuses
from migrations_sync.models import StatusChange

Schema = dict[str, Any]
TIMES = ("created_after", "created_before", "changed_after")
PARAMETERS = (
    "status", "company", "no_company", "user", "q", *TIMES, "longer", "attention", "unknown", "gone", "sort",
    "per_page", "after", "before",
)  # fmt: skip
_TEXT: Schema = {"type": "string"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_MAYBE_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
_MAYBE_TEXT: Schema = {"type": ["string", "null"]}
_YES: Schema = {"type": "string", "enum": ["1"]}
_WORD: Schema = {"type": "string", "pattern": "^[^\\u0000]*$", "maxLength": 255}
_LENGTH = "[0-9]{1,3}(min|h|d|w)"
_MOMENT: Schema = {
    "anyOf": [
        {"type": "string", "format": "date"},
        {"type": "string", "format": "date-time"},
        {"type": "string", "pattern": f"^(today|now(-{_LENGTH})?)$"},
    ]
}
_CURSOR: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "maxLength": 1000}
_BOOLEAN: Schema = {"type": "boolean"}
_INTERVAL = {"not_before": _MAYBE_TIME, "observed_at": _TIME}


def document(server: str, seen: Iterable[str]) -> dict[str, Any]:
    """The whole description. ``server``: the address that it was asked under, without a slash at its end;
    ``seen``: every status that a migration ever had here.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Migrations dashboard",
            "version": "1",
            "description": "Read-only. Every answer says as of when it is true. Send a token made on the page "
            "“API tokens”. `RateLimit-*` headers say how many requests are left; an `ETag` sent back as "
            "`If-None-Match` is answered 304 while nothing changed.",
        },
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "paths": {
            "/api/migrations/": {"get": _listing(seen)},
            "/api/migrations/{id}/": {"get": _one()},
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
            "responses": {"Problem": _answer("What was wrong", "Problem", "application/problem+json")},
        },
    }


def _listing(seen: Iterable[str]) -> dict[str, Any]:
    return {
        "operationId": "listMigrations",
        "summary": "Migrations, a page at a time",
        "parameters": _parameters(seen),
        "responses": {"200": _answer("A page of migrations", "MigrationPage"), **_problems("400", "403")},
    }


def _one() -> dict[str, Any]:
    return {
        "operationId": "getMigration",
        "summary": "One migration and its history",
        "description": "An id that the mirror has not met is asked of the vendor's API once.",
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {**_TEXT, "minLength": 1, "maxLength": 255}}
        ],
        "responses": {
            "200": _answer("The migration", "MigrationWithHistory"),
            **_problems("400", "403", "404", "503"),
        },
    }


def _parameters(seen: Iterable[str]) -> list[dict[str, Any]]:
    codes = [*statuses.DOCUMENTED, *sorted(set(seen) - set(statuses.DOCUMENTED))]
    moment = "A date, a time, `today`, or `now-24h`. Without an offset it is UTC."
    sorts = [sign + name for name in ORDERS for sign in ("", "-")]
    return [
        _query("status", {"type": "array", "items": {"type": "string", "enum": codes}}, "Any of these"),
        _query("company", _WORD, "The company's id"),
        _query("user", _WORD, "Who created it. Takes the scope `users`"),
        _query("q", _WORD, "An id, its beginning (4 characters or more), a company, a user"),
        *(_query(name, _MOMENT, moment) for name in TIMES),
        _query("longer", {"type": "string", "pattern": f"^{_LENGTH}$"}, "In its status for longer than `6h`, `3d`"),
        _query("attention", _YES, "Those that need a person"),
        _query("unknown", _YES, "Those in a status that nobody documented"),
        _query("no_company", _YES, "Those without a company"),
        _query("gone", {"type": "string", "enum": ["1", "0"]}, "Those that the API no longer serves, or only others"),
        _query("sort", {"type": "string", "enum": sorts}, "`-` for descending; `-created` by default"),
        _query("per_page", {"type": "integer", "enum": list(PAGE_SIZES)}, "100 by default"),
        _query("after", _CURSOR, "From an answer's `next`"),
        _query("before", _CURSOR, "From an answer's `previous`"),
    ]


def _query(name: str, schema: Schema, description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _answer(description: str, schema: str, media_type: str = "application/json") -> dict[str, Any]:
    content = {media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def _problems(*statuses_: str) -> dict[str, Any]:
    return {status: {"$ref": "#/components/responses/Problem"} for status in (*statuses_, "401", "405", "429")}


def _schemas() -> dict[str, Schema]:
    page = {"migrations": {"type": "array", "items": _ref("Migration")}, "next": _MAYBE_TEXT, "previous": _MAYBE_TEXT}
    one = {
        "migration": _ref("Migration"),
        "history": {"type": "array", "items": _ref("Change")},
        "history_complete": _BOOLEAN,
    }
    frame = {"as_of": _MAYBE_TIME, "freshness": _ref("Freshness")}
    return {
        "Migration": _migration(),
        "Change": _object(
            {
                "kind": {"type": "string", "enum": list(StatusChange.Kind.values)},
                "from": _MAYBE_TEXT,
                "to": _TEXT,
                "via": {"type": "string", "enum": list(StatusChange.Via.values)},
                **_INTERVAL,
            }
        ),
        "Freshness": _freshness(),
        "MigrationPage": _object(frame | page),
        "MigrationWithHistory": _object(frame | one),
        "Problem": _object(
            {"title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT, "parameter": _TEXT},
            optional=("parameter",),
        ),
    }


def _migration() -> Schema:
    return _object(
        {
            "id": _TEXT,
            "url": _TEXT | {"format": "uri"},
            "status": _TEXT | {"description": "As the API spells it; there may be more than the documented ones"},
            "label": _TEXT,
            "open": _BOOLEAN,
            "needs_attention": _BOOLEAN,
            "company_id": _MAYBE_TEXT,
            "created_by_user_id": _MAYBE_TEXT | {"description": "Only with the scope `users`"},
            "created": _TIME,
            "first_seen_at": _TIME,
            "in_status_since": _object(_INTERVAL),
            "changed_at": _TIME,
            "checked_at": _TIME,
            "gone": {"oneOf": [_object(_INTERVAL), {"type": "null"}]},
        },
        optional=("created_by_user_id",),
    )


def _freshness() -> Schema:
    return _object(
        {
            "level": {"type": "string", "enum": ["never", "fresh", "late", "stale", "blind"]},
            "trusted": _BOOLEAN | {"description": "Whether “there are none” may be said"},
            "attempted_at": _MAYBE_TIME,
            "swept_at": _MAYBE_TIME,
            "blind_since": _MAYBE_TIME,
            "cause": _TEXT,
        }
    )


def _object(properties: dict[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
