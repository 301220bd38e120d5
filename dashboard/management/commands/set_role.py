from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from dashboard import audit, roles
from dashboard.permissions import ROLES


class Command(BaseCommand):
    help = "Gives an account a role: for the first admin, where nobody can do it on the administration pages yet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("role", choices=ROLES)

    def handle(self, *args: Any, username: str, role: str, **options: Any) -> None:
        user = User.objects.filter(username=username).first()
        if not user:
            raise CommandError(f"There is no account called {username!r}; it comes to be at the first sign-in.")
        roles.assign(user, role)
        audit.record(None, "role.changed", target=username, detail=f"{role}, by command")
        self.stdout.write(f"{username} is now {role}.")
