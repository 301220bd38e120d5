"""Questions that the pages and the engine ask of the mirror, by their names."""

from typing import Self

from django.db import models
from django.db.models import Q

from migrations_sync import statuses


class MigrationQuerySet(models.QuerySet):
    def present(self) -> Self:
        """Those that the API still serves, as far as the mirror knows."""
        return self.filter(gone_at__isnull=True)

    def gone(self) -> Self:
        return self.filter(gone_at__isnull=False)

    def open(self) -> Self:
        """Those that may still change by themselves. A status nobody has documented counts as open."""
        return self.exclude(status__in=statuses.FINISHED)

    def unknown_status(self) -> Self:
        return self.exclude(status__in=statuses.DOCUMENTED)

    def needs_attention(self) -> Self:
        """Those whose status asks for a person, and those that went away while open."""
        return self.filter(~Q(status__in=statuses.CALM) | Q(gone_at__isnull=False, status__in=statuses.OPEN))

    def for_company(self, company_id: str) -> Self:
        """Those of one company; an empty ``company_id`` means those without one."""
        return self.filter(company_id=company_id) if company_id else self.filter(company_id__isnull=True)

    def id_starts_with(self, prefix: str) -> Self:
        """Those whose API id begins so: a range that every index can seek, whatever the prefix holds."""
        return self.filter(api_id__gte=prefix, api_id__lt=prefix + "\U0010ffff")
