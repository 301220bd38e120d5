"""What each role may do: plain data. Each role may also do what those before it may; reading takes no permission."""

ADDED_BY = {
    "viewer": (),
    "triager": ("triage",),
    "operator": ("check_now", "sync_now", "override_lease", "change_alerts", "view_audit"),
    "admin": ("manage_tokens",),
}
ROLES = tuple(ADDED_BY)
# What an admin finds on the administration pages: apps to edit, models to edit, apps to look at.
EDITED_APPS, EDITED_MODELS, VIEWED_APPS = ("auth", "axes"), ("identity",), ("migrations_sync",)


def least_role(codename: str) -> str:
    """The first role that holds the permission ``codename``."""
    return next(role for role, added in ADDED_BY.items() if codename in added)
