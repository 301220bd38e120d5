from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class DashboardConfig(AppConfig):
    name = "dashboard"

    def ready(self) -> None:
        # Permissions come into being after the schema migrations, so the groups get them after that too.
        post_migrate.connect(_grant, sender=self)


def _grant(**_: Any) -> None:
    from dashboard import roles

    roles.grant()
