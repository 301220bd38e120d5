"""Who may do what. Reading needs a login and nothing more; each role may also do what those before it may."""

from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db.models import Q


@dataclass(frozen=True, slots=True)
class Role:
    """``adds``: permissions beyond those of the role before it, as ``app.codename``."""

    name: str
    adds: tuple[str, ...]


_ALL = (
    Role("viewer", ()),
    Role("triager", ("dashboard.triage", "dashboard.check_now")),
    Role(
        "operator",
        ("dashboard.sync_now", "dashboard.override_lease", "dashboard.change_alerts", "dashboard.view_audit"),
    ),
    Role("admin", ("dashboard.manage_tokens", "dashboard.administer")),
)
NAMES = tuple(role.name for role in _ALL)
# Whose models an admin edits on the administration pages.
ADMINISTERED = ("auth", "axes")


def needed_for(permission: str) -> str:
    """The least role that holds ``permission``."""
    return next(role.name for role in _ALL if permission in role.adds)


def require(user: object, permission: str) -> None:
    """Raise ``PermissionDenied``, saying which role it takes, unless ``user`` holds ``permission``."""
    if not user.has_perm(permission):  # type: ignore[attr-defined]
        act = Permission.objects.get(codename=permission.partition(".")[2], content_type__app_label="dashboard").name
        raise PermissionDenied(f"To {act}, you need the role “{needed_for(permission)}” or higher.")


def of(user: User) -> str:
    """The highest role of ``user``; anybody with a login at least views."""
    if user.is_superuser:
        return NAMES[-1]
    held = set(user.groups.values_list("name", flat=True))
    return next((name for name in reversed(NAMES) if name in held), NAMES[0])


def assign(user: User, name: str) -> None:
    """Give ``user`` the role ``name`` and take the other roles away; groups that are no roles stay."""
    if name not in NAMES:
        raise ValueError(f"{name!r} is no role: use one of {', '.join(NAMES)}")
    user.groups.remove(*Group.objects.filter(name__in=NAMES).exclude(name=name))
    user.groups.add(Group.objects.get_or_create(name=name)[0])


def grant() -> None:
    """Make the groups and give them their permissions. Adds only: what an admin granted beside stays."""
    held: list[Permission] = []
    for role in _ALL:
        held += _permissions(role)
        group, _ = Group.objects.get_or_create(name=role.name)
        group.permissions.add(*held)


def _permissions(role: Role) -> list[Permission]:
    wanted = Q(pk__in=())
    for permission in role.adds:
        app, _, codename = permission.partition(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    if "dashboard.administer" in role.adds:
        wanted |= Q(content_type__app_label__in=ADMINISTERED)
    return list(Permission.objects.filter(wanted))
