from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from dashboard import audit, badges
from dashboard.models import Badge


class Command(BaseCommand):
    help = "Lists and revokes badges."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("list", help="print every badge that still shows")
        revoke = acts.add_parser("revoke", help="end one")
        revoke.add_argument("number", type=int, help="as `list` prints it")

    def handle(self, *args: Any, **options: Any) -> None:
        usable = Badge.objects.usable(timezone.now()).select_related("migration", "made_by").order_by("id")
        if options["act"] == "list":
            for badge in usable:
                until = f"until {badge.expires_at:%Y-%m-%d}"
                self.stdout.write(f"{badge.pk}  {badge.migration.api_id}  by {badge.made_by or 'somebody'}  {until}")
            return
        found = usable.filter(pk=options["number"]).first()
        if not found:
            raise CommandError(f"There is no badge {options['number']} that still shows: see `manage.py badge list`.")
        badges.revoke(found)
        audit.record(None, "badge.revoked", migration=found.migration.api_id, target=str(found), detail="by command")
        self.stdout.write(f"Revoked badge {found.pk}.")
