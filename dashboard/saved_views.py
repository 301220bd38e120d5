"""Lists of migrations that people gave a name: personal ones, shared ones, and one default of each kind."""

from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest

from dashboard import current
from dashboard.kept import kept
from dashboard.models import SavedView
from migrations_sync.models import Source

KEPT = 300  # seconds
MOST = 50  # of one person


class View(NamedTuple):
    """``mine``: the reader may change it whatever their role."""

    id: int
    name: str
    query: str
    shared: bool
    default: bool
    mine: bool


def visible(request: HttpRequest) -> list[View]:
    """The reader's own and the shared ones by name; kept while nothing that pages show has changed."""
    reader, version = request.user.pk, current.source(request).version

    def read() -> list[View]:
        rows = SavedView.objects.filter(Q(owner=reader) | Q(shared=True)).order_by("name", "id")
        found = rows.values_list("id", "name", "query", "shared", "default", "owner")
        return [View(*row[:-1], row[-1] == reader) for row in found]

    return kept(f"views:{reader}:{version}", read, seconds=KEPT)


def default(views: list[View]) -> View | None:
    """What the bare address opens: the reader's own default, else the shared one."""
    chosen = [view for view in views if view.default]
    own = (view for view in chosen if not view.shared)
    return next(own, next(iter(chosen), None))


@transaction.atomic
def save(owner: User, name: str, query: str, *, shared: bool, as_default: bool) -> SavedView:
    """Make the view, or change the one that ``owner`` already has under this ``name``."""
    if as_default:
        _clear_default(owner, shared=shared)
    values = {"query": query, "shared": shared, "default": as_default}
    view, _ = SavedView.objects.update_or_create(owner=owner, name=name, defaults=values)
    Source.default().touch()
    return view


@transaction.atomic
def set_default(view: SavedView, on: bool) -> None:
    if on:
        _clear_default(view.owner, shared=view.shared)
    SavedView.objects.filter(pk=view.pk).update(default=on)
    Source.default().touch()


@transaction.atomic
def remove(view: SavedView) -> None:
    view.delete()
    Source.default().touch()


def _clear_default(owner: User, *, shared: bool) -> None:
    rivals = SavedView.objects.filter(default=True, shared=shared)
    (rivals if shared else rivals.filter(owner=owner)).update(default=False)
