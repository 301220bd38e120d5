"""What each role may do: plain data. Each role may also do what those before it may; reading takes no permission."""

ADDED_BY = {
    "viewer": (),
    "triager": ("triage",),
    "operator": ("check_now", "sync_now", "override_lease", "change_alerts", "view_audit"),
    "admin": ("manage_tokens",),
}
ROLES = tuple(ADDED_BY)
# Apps of which an admin edits every model on the administration pages.
ADMINISTERED = ("auth", "axes")


def least_role(codename: str) -> str:
    """The first role that holds the permission ``codename``."""
    return next(role for role, added in ADDED_BY.items() if codename in added)
