"""Counts kept in the transactions that change what they count, so that no page ever has to count."""

from django.db import models

from migrations_sync.models.fields import ApiText
from migrations_sync.models.source import Source


class StatusCount(models.Model):
    """Migrations by status; those that are gone are counted apart."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, db_index=False)
    status = ApiText(max_length=64)
    gone = models.BooleanField(default=False)
    n = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "status", "gone"], name="statuscount_key")]

    def __str__(self) -> str:
        return f"{self.status}: {self.n}"


class CompanyCount(models.Model):
    """Migrations of one company, gone ones too. ``company_id`` is empty for those without a company.

    Like the table below without a constraint on the source, which a first load would check for each new row.
    """

    source = models.ForeignKey(Source, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    company_id = ApiText(max_length=255, blank=True)
    total = models.BigIntegerField(default=0)
    open = models.BigIntegerField(default=0)
    attention = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "company_id"], name="companycount_key")]
        indexes = [models.Index(fields=["attention", "total", "id"], name="companycount_need")]

    def __str__(self) -> str:
        return f"{self.company_id}: {self.total}"


class CompanyStatusCount(models.Model):
    """Migrations of one company by status, gone ones too."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    company_id = ApiText(max_length=255, blank=True)
    status = ApiText(max_length=64)
    n = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "company_id", "status"], name="companystatuscount_key")
        ]
        indexes = [models.Index(fields=["status", "n", "id"], name="companystatuscount_most")]

    def __str__(self) -> str:
        return f"{self.company_id} {self.status}: {self.n}"


class DayCount(models.Model):
    """Per UTC day: migrations ``created`` then, by their status now; changes ``observed`` then, by new status."""

    class Kind(models.TextChoices):
        CREATED = "created", "created"
        OBSERVED = "observed", "observed"

    source = models.ForeignKey(Source, on_delete=models.CASCADE, db_index=False)
    day = models.DateField()
    kind = models.CharField(max_length=8, choices=Kind)
    status = ApiText(max_length=64)
    n = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "day", "kind", "status"], name="daycount_key")]

    def __str__(self) -> str:
        return f"{self.day} {self.kind} {self.status}: {self.n}"


class DailyTally(models.Model):
    """How often something happened on a UTC day that leaves no row of its own, such as a forged delivery."""

    day = models.DateField()
    kind = models.CharField(max_length=32)
    label = models.CharField(max_length=64, blank=True, default="")
    n = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "kind", "label"], name="dailytally_key")]

    def __str__(self) -> str:
        return f"{self.day} {self.kind} {self.label}: {self.n}"
