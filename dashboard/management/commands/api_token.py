from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from dashboard import audit
from dashboard.api import tokens
from dashboard.models import ApiToken


class Command(BaseCommand):
    help = "Makes, lists and revokes tokens of the JSON API."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        make = acts.add_parser("make", help="make one and print its text, once")
        make.add_argument("username")
        make.add_argument("--name", default="made by command")
        make.add_argument("--days", type=int, default=90, choices=range(1, tokens.LONGEST + 1), metavar="N")
        make.add_argument(
            "--scope",
            action="append",
            choices=ApiToken.Scope.values,
            help="several may be given; default: migrations",
        )
        acts.add_parser("list", help="print every token that still works")
        revoke = acts.add_parser("revoke", help="end one")
        revoke.add_argument("start", help="how its text begins, at least ten characters")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['act']}")(options)

    def _make(self, options: dict[str, Any]) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if not user:
            raise CommandError(f"There is no account called {options['username']!r}.")
        scopes = options["scope"] or [ApiToken.Scope.MIGRATIONS]
        token, text = tokens.make(user, name=options["name"], scopes=scopes, days=options["days"])
        audit.record(None, "token.made", target=str(token), detail=f"for {user.get_username()}, by command")
        self.stdout.write(text)

    def _list(self, options: dict[str, Any]) -> None:
        for token in ApiToken.objects.usable(timezone.now()).select_related("user").order_by("id"):
            until = f"until {token.expires_at:%Y-%m-%d}"
            self.stdout.write(f"{token.start}…  {token.user.get_username()}  {token.scopes}  {until}  {token.name}")

    def _revoke(self, options: dict[str, Any]) -> None:
        start = options["start"][:10]
        found = list(ApiToken.objects.usable(timezone.now()).filter(start=start))
        if len(found) != 1:
            raise CommandError(f"{len(found)} tokens begin with {start!r} and still work: see `api_token list`.")
        tokens.revoke(found[0])
        audit.record(None, "token.revoked", target=str(found[0]), detail="by command")
        self.stdout.write(f"Revoked {found[0]}.")
