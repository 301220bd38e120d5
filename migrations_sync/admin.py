"""The mirror in Django's admin: to look at, never to change. Usable at a million rows."""

from typing import Any, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from migrations_sync.models import (
    BlindSpot,
    Drift,
    Lease,
    Migration,
    QuarantinedRow,
    Source,
    StatusChange,
    SyncRun,
    WebhookDelivery,
)

_COUNTED = 10_000


class CappedPaginator(Paginator):
    """Counts no further than a person would page: a whole count costs more than everything else together."""

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list)
        return rows.order_by()[:_COUNTED].count()


class LookOnly(admin.ModelAdmin):
    """Lists by primary key, newest first, without counts, dropdowns or joins that grow with the table."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    ordering = ("-pk",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ByExactWord(LookOnly):
    """Searches by whole values: what an index can find."""

    exact: tuple[str, ...] = ()
    source = ""  # what leads to the source, with which the index of API ids begins
    search_help_text = "A whole id, company or user"
    search_fields = ("pk",)  # shows the box; what it does is below

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        word = search_term.strip()
        if not word or "\0" in word:
            return queryset, False
        found = [queryset.filter(**self._sources(name), **{name: word}) for name in self.exact]
        numbers = [number for rows in found for number in rows.values_list("pk", flat=True)[:_COUNTED]]
        return queryset.filter(pk__in=numbers), False

    def _sources(self, name: str) -> dict[str, Any]:
        if not (self.source and name.endswith("api_id")):
            return {}
        return {f"{self.source}__in": list(Source.objects.values_list("pk", flat=True))}


@admin.register(Migration)
class MigrationAdmin(ByExactWord):
    list_display = ("api_id", "status", "company_id", "created_by_user_id", "created", "changed_at", "gone_at")
    exact = ("api_id", "company_id", "created_by_user_id")
    source = "source"


@admin.register(StatusChange)
class StatusChangeAdmin(ByExactWord):
    list_display = ("migration", "kind", "old", "new", "not_before", "observed_at", "via")
    list_select_related = ("migration",)
    exact = ("migration__api_id",)
    source = "migration__source"


@admin.register(SyncRun)
class SyncRunAdmin(LookOnly):
    list_display = ("id", "mode", "outcome", "started_at", "finished_at", "requests", "seen", "changed", "error")
    list_filter = ("mode", "outcome")


@admin.register(QuarantinedRow)
class QuarantinedRowAdmin(LookOnly):
    list_display = ("reason", "api_id", "page", "times", "first_seen_at", "last_seen_at")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ByExactWord):
    list_display = ("message_id", "event_type", "api_id", "outcome", "received_at", "repeats")
    exact = ("message_id", "api_id")


@admin.register(BlindSpot)
class BlindSpotAdmin(LookOnly):
    list_display = ("cause", "detail", "started_at", "ended_at")


@admin.register(Drift)
class DriftAdmin(LookOnly):
    list_display = ("kind", "name", "times", "first_seen_at", "last_seen_at")


@admin.register(Source)
class SourceAdmin(LookOnly):
    list_display = ("name", "version", "attempted_at", "succeeded_at", "swept_at", "failures", "list_order")


@admin.register(Lease)
class LeaseAdmin(LookOnly):
    list_display = ("source", "owner", "renewed_at", "expires_at", "conflicts")
