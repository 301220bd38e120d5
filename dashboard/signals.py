"""What follows when somebody signs in or out, and when an account or its groups change."""

from hashlib import sha256
from typing import Any

from axes.signals import user_locked_out
from django.conf import settings
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models import F
from django.db.models.signals import m2m_changed, post_migrate, post_save
from django.dispatch import receiver
from django.http import HttpRequest

from dashboard import audit, roles, throttle
from dashboard.backends import ProxyHeader, SingleSignOn
from dashboard.sessions import lifetime
from migrations_sync.models import Source

_BY = {SingleSignOn.path: "by single sign-on", ProxyHeader.path: "by the proxy's header"}


@receiver(post_migrate)
def _grant(sender: Any, **_: Any) -> None:
    # Permissions come into being after the schema migrations, so the groups get them after that too.
    if sender.name == "dashboard":
        roles.grant()


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    lifetime.begin(request.session)
    by, role = _BY.get(request.session.get(BACKEND_SESSION_KEY, ""), "by password"), roles.of(user)
    request.session["role"] = role  # for the menu alone: what may be done is asked of the database each time
    audit.record(request, "login", user=user, detail=f"{by}, as {role}")


@receiver(user_logged_out)
def _signed_out(request: HttpRequest, user: User | None, **_: Any) -> None:
    if user:
        audit.record(request, "logout", user=user)


@receiver(user_login_failed)
def _failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    if request and not getattr(request, "axes_locked_out", False):
        audit.record(request, "login.failed", who=_known(credentials.get("username")))


@receiver(user_locked_out)
def _locked(request: HttpRequest, username: str | None, ip_address: str | None, **_: Any) -> None:
    # Sent for every further try too; one entry for each lock says it all.
    pair = sha256(f"{ip_address} {username}".encode()).hexdigest()
    if throttle.take(f"locked:{pair}", limit=1, window=int(settings.AXES_COOLOFF_TIME.total_seconds())).allowed:
        audit.record(request, "login.locked", who=_known(username))


def _known(name: object) -> str:
    """``name`` if there is such an account. People also type their password there: that is not kept."""
    known = isinstance(name, str) and User.objects.filter(username=name).exists()
    return str(name) if known else "(no such account)"


@receiver(post_save, sender=User)
def _new_account(instance: User, created: bool, raw: bool, **_: Any) -> None:
    if created and not raw and not instance.is_superuser and settings.DEFAULT_ROLE != "none":
        roles.assign(instance, settings.DEFAULT_ROLE)


@receiver(m2m_changed, sender=User.groups.through)
def _groups_changed(instance: User | Group, action: str, pk_set: set[int] | None, **_: Any) -> None:
    if action.startswith("post_"):
        people = [instance] if isinstance(instance, User) else User.objects.filter(pk__in=pk_set or ())
        for user in people:
            roles.open_administration(user)
        _offer_anew()


@receiver(m2m_changed, sender=User.user_permissions.through)
@receiver(m2m_changed, sender=Group.permissions.through)
def _permissions_changed(action: str, **_: Any) -> None:
    if action.startswith("post_"):
        _offer_anew()


def _offer_anew() -> None:
    """Pages offer what their reader may do: none of those that are open is the same any more."""
    Source.objects.update(version=F("version") + 1)


@receiver(post_save, sender=LogEntry)
def _administered(instance: LogEntry, **_: Any) -> None:
    act = {ADDITION: "admin.add", CHANGE: "admin.change"}.get(instance.action_flag, "admin.delete")
    kind = instance.content_type.name if instance.content_type else "?"
    audit.record(
        audit.current_request(),
        act,
        user=instance.user,
        target=f"{kind} {instance.object_repr}",
        detail=instance.get_change_message(),
    )
