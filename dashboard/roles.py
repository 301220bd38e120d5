"""Groups of people, their permissions, and who may enter the administration pages."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db.models import Q

from dashboard.models import Acts
from dashboard.permissions import ADDED_BY, EDITED_APPS, EDITED_MODELS, ROLES, VIEWED_APPS, least_role


def require(user: AbstractBaseUser | AnonymousUser, permission: str) -> None:
    """Raise ``PermissionDenied``, saying which role it takes, unless ``user`` holds ``dashboard.<codename>``."""
    if not user.has_perm(permission):  # type: ignore[union-attr]
        codename = permission.removeprefix("dashboard.")
        act = dict(Acts._meta.permissions)[codename]
        raise PermissionDenied(f"To {act}, you need the role “{least_role(codename)}” or a higher one.")


def held(user: AbstractBaseUser | AnonymousUser) -> frozenset[str]:
    """Which of this dashboard's permissions ``user`` holds, without ``dashboard.``; one query."""
    if not isinstance(user, User) or user.is_superuser:
        return frozenset(codename for codename, _ in Acts._meta.permissions if isinstance(user, User))
    ours = Permission.objects.filter(content_type__app_label="dashboard").order_by().values_list("codename")
    own, by_group = ours.filter(user=user), ours.filter(group__user=user)
    return frozenset(codename for (codename,) in own.union(by_group))


def of(user: User) -> str:
    """The highest role of ``user``; anybody with a login at least views."""
    if user.is_superuser:
        return ROLES[-1]
    held = set(user.groups.values_list("name", flat=True))
    return next((role for role in reversed(ROLES) if role in held), ROLES[0])


def assign(user: User, role: str) -> None:
    """Give ``user`` the role and take the other roles away; groups that are no roles stay."""
    if role not in ROLES:
        raise ValueError(f"{role!r} is no role: use one of {', '.join(ROLES)}")
    user.groups.remove(*Group.objects.filter(name__in=ROLES).exclude(name=role))
    user.groups.add(Group.objects.get_or_create(name=role)[0])


def open_administration(user: User) -> None:
    """Let ``user`` into the administration pages exactly if they are an admin."""
    staff = of(user) == ROLES[-1]
    if user.is_staff != staff:
        user.is_staff = staff
        user.save(update_fields=["is_staff"])


def grant() -> None:
    """Make the groups and give them their permissions. Adds only: what an admin granted beside stays."""
    wanted = Q(pk__in=())
    for role, codenames in ADDED_BY.items():
        wanted |= Q(content_type__app_label="dashboard", codename__in=codenames)
        if role == ROLES[-1]:
            wanted |= _administered()
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.add(*Permission.objects.filter(wanted))


def _administered() -> Q:
    """The permissions that the administration pages ask for."""
    return (
        Q(content_type__app_label__in=EDITED_APPS)
        | Q(content_type__app_label="dashboard", content_type__model__in=EDITED_MODELS)
        | Q(content_type__app_label__in=VIEWED_APPS, codename__startswith="view_")
    )
