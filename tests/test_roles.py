import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.core.management import call_command

from dashboard import roles

pytestmark = pytest.mark.django_db


def user_with(role: str) -> User:
    user = User.objects.create_user(f"a-{role}")
    roles.assign(user, role)
    return User.objects.get(pk=user.pk)


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("viewer", [], ["triage", "check_now", "sync_now", "view_audit"]),
        ("triager", ["triage"], ["check_now", "sync_now", "change_alerts", "view_audit"]),
        (
            "operator",
            ["triage", "check_now", "sync_now", "override_lease", "change_alerts", "view_audit"],
            ["manage_tokens"],
        ),
        ("admin", ["triage", "sync_now", "change_alerts", "manage_tokens"], []),
    ],
)
def test_each_role_may_what_those_before_it_may_and_no_more(role, may, may_not):
    user = user_with(role)

    assert all(user.has_perm(f"dashboard.{act}") for act in may)
    assert not any(user.has_perm(f"dashboard.{act}") for act in may_not)
    assert roles.of(user) == role


def test_an_admin_may_edit_accounts_and_nobody_else():
    assert user_with("admin").has_perm("auth.change_user")
    assert not user_with("operator").has_perm("auth.change_user")


def test_a_new_role_takes_the_old_one_away_and_leaves_other_groups():
    user = user_with("admin")
    user.groups.add(Group.objects.create(name="night shift"))

    roles.assign(user, "triager")

    assert set(user.groups.values_list("name", flat=True)) == {"triager", "night shift"}


def test_a_role_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="'boss' is no role: use one of viewer, triager, operator, admin"):
        roles.assign(User.objects.create_user("ann"), "boss")


def test_a_refusal_names_the_role_it_takes():
    with pytest.raises(PermissionDenied, match="To start a sync now, you need the role “operator” or a higher one"):
        roles.require(user_with("triager"), "dashboard.sync_now")


def test_a_database_that_was_emptied_gets_its_groups_back():
    Group.objects.all().delete()

    call_command("migrate", verbosity=0)

    assert user_with("operator").has_perm("dashboard.sync_now")


@pytest.mark.parametrize(("default", "role"), [("viewer", {"viewer"}), ("triager", {"triager"}), ("none", set())])
def test_a_new_account_has_the_role_that_the_setting_says(settings, default, role):
    settings.DEFAULT_ROLE = default

    assert set(User.objects.create_user("ann").groups.values_list("name", flat=True)) == role


def test_admins_and_nobody_else_enter_the_administration_pages():
    user = user_with("operator")
    assert not user.is_staff

    user.groups.add(Group.objects.get(name="admin"))
    assert User.objects.get(pk=user.pk).is_staff
    Group.objects.get(name="admin").user_set.remove(user)
    assert not User.objects.get(pk=user.pk).is_staff


def test_a_superuser_stays_one_whatever_their_groups():
    root = User.objects.create_superuser("root")

    root.groups.set([Group.objects.get(name="viewer")])

    assert User.objects.get(pk=root.pk).is_staff
    assert roles.of(root) == "admin"
