"""The addresses of pages, for whatever ids the API may use."""

from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.urls.converters import PathConverter

address = cache(reverse)  # of a page without parameters: the same for as long as the process lives
# Browsers and proxies resolve or merge these parts of a path, so an id that holds one travels as a parameter.
_LOST = {"", ".", ".."}


class Anything(PathConverter):
    """For ids: slashes and line ends too. A route that takes it comes after all others that begin alike."""

    regex = r"[\s\S]+"


def migrations(**criteria: Any) -> str:
    """The list of migrations, narrowed; a value may be a list, and what is empty stays out."""
    query = urlencode({name: value for name, value in criteria.items() if value}, doseq=True)
    return address("migration-list") + (f"?{query}" if query else "")


def of_company(company_id: str | None, **criteria: Any) -> str:
    """The list of one company's migrations, or of those without one."""
    return migrations(company=company_id, no_company="" if company_id else "1", **criteria)


def migration(api_id: str) -> str:
    return f"{address('migration-list')}{quote(api_id, safe='')}/"


def short(request: HttpRequest, api_id: str, **query: str) -> str:
    """The whole address of a migration for a ticket, host and all."""
    path = reverse("short-link", args=["x"]).removesuffix("x") + quote(api_id, safe="")
    return request.build_absolute_uri(path) + (f"?{urlencode(query)}" if query else "")


def company(company_id: str | None) -> str:
    """The page of a company; an empty id means the migrations without one."""
    if _LOST & set((company_id or "").split("/")):
        return f"{address('company-list')}?{urlencode({'id': company_id or ''})}"
    return address("company-list") + quote(company_id or "", safe="") + "/"


def changes(**criteria: Any) -> str:
    """The list of observed status changes, narrowed by ``run``, or by ``first`` and ``last`` day and ``status``."""
    return f"{address('change-list')}?{urlencode(criteria)}"


def attention(reason: str) -> str:
    """All that need a person for one reason."""
    return f"{address('attention')}?{urlencode({'reason': reason})}"


def runs() -> str:
    return address("run-list")


def run(number: int) -> str:
    return reverse("run-detail", args=[number])
