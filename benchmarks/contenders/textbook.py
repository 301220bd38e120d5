"""What a Django project shows first: django-tables2 with its two paginators, and a ``ModelAdmin``.

``/tables2/``, ``/lazy/`` and ``/admin/textbook/migration/``, over the floor's table with its good indexes.
"""

import csv
from collections.abc import Iterator
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, StreamingHttpResponse

from benchmarks.contenders import django_settings

settings.configure(
    **django_settings.common(__name__),
    INSTALLED_APPS=[
        "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
        "django.contrib.messages", "django.contrib.staticfiles", "django_tables2", __name__,
    ],
    TEMPLATES=[{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": [
            "django.template.context_processors.request",
            "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages",
        ]},
    }],
)  # fmt: skip
django.setup()

import django_tables2  # noqa: E402  (the settings come first)
from django.contrib import admin  # noqa: E402
from django.contrib.auth.mixins import LoginRequiredMixin  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import models  # noqa: E402
from django.db.models import Count, QuerySet  # noqa: E402
from django.db.models.functions import TruncDay  # noqa: E402
from django.template import engines  # noqa: E402
from django.urls import path  # noqa: E402
from django.views.generic import DetailView, TemplateView  # noqa: E402
from django_tables2 import LazyPaginator, SingleTableView  # noqa: E402

PER_PAGE = 50


class Migration(models.Model):
    api_id = models.TextField(unique=True)
    created = models.DateTimeField()
    status = models.TextField()
    company_id = models.TextField(null=True)
    created_by_user_id = models.TextField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "floor_migration"
        managed = False


class MigrationAdmin(admin.ModelAdmin):
    list_display = ("api_id", "status", "company_id", "created_by_user_id", "created", "changed_at")
    list_filter = ("status",)
    search_fields = ("api_id", "company_id", "created_by_user_id")
    date_hierarchy = "created"
    ordering = ("-created", "-id")
    list_per_page = PER_PAGE


admin.site.register(Migration, MigrationAdmin)


class MigrationTable(django_tables2.Table):
    class Meta:
        model = Migration
        fields = ("status", "api_id", "company_id", "created_by_user_id", "created", "changed_at")
        template_name = "django_tables2/bootstrap5.html"
        row_attrs = {"data-migration-id": lambda record: record.api_id}


class FromString:
    """A template without a folder of its own."""

    template_string = ""

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> Any:
        template = engines["django"].from_string(self.template_string)
        return django.http.HttpResponse(template.render(context, self.request))  # type: ignore[attr-defined]


class MigrationList(LoginRequiredMixin, FromString, SingleTableView):
    table_class = MigrationTable
    table_pagination = {"per_page": PER_PAGE}
    template_string = "{% load render_table from django_tables2 %}<h1>Migrations</h1>{% render_table table %}"

    def get_queryset(self) -> QuerySet[Migration]:
        lookups = {
            "status": "status", "company": "company_id", "user": "created_by_user_id", "q": "api_id__icontains",
            "created_after": "created__gte", "created_before": "created__lt",
        }  # fmt: skip
        given = {lookup: self.request.GET[name] for name, lookup in lookups.items() if name in self.request.GET}
        return Migration.objects.filter(**given).order_by("-created", "-id")


class LazyMigrationList(MigrationList):
    table_pagination = {"per_page": PER_PAGE, "paginator_class": LazyPaginator}


class MigrationDetail(LoginRequiredMixin, FromString, DetailView):
    model = Migration
    slug_field = slug_url_kwarg = "api_id"
    template_string = (
        "<h1>{{ object.api_id }}</h1>{{ object.status }} {{ object.company_id }} {{ object.created|date }}"
    )


class Overview(LoginRequiredMixin, FromString, TemplateView):
    template_string = (
        "{% for status, n in counts %}<p>{{ status }} {{ n }}{% endfor %}"
        "{% for day, status, n in days %}<i>{{ day|date }} {{ status }} {{ n }}</i>{% endfor %}"
    )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        by_status = Migration.objects.values_list("status").annotate(n=Count("id")).order_by("status")
        per_day = Migration.objects.annotate(day=TruncDay("created")).values_list("day", "status")
        return {"counts": by_status, "days": per_day.annotate(n=Count("id")).order_by("-day", "status")[:240]}


class _Echo:
    def write(self, line: str) -> str:
        return line


def export(request: HttpRequest) -> StreamingHttpResponse:
    """Rows by ``iterator``, as Django's documentation streams CSV."""
    rows = Migration.objects.order_by("-created", "-id")
    columns = ("api_id", "status", "company_id", "created_by_user_id", "created", "changed_at")

    def lines() -> Iterator[str]:
        writer = csv.writer(_Echo())
        yield writer.writerow(columns)
        for row in rows.values_list(*columns).iterator():
            yield writer.writerow(row)

    return StreamingHttpResponse(lines(), content_type="text/csv")


urlpatterns = [
    path("admin/", admin.site.urls),
    path("tables2/", MigrationList.as_view()),
    path("lazy/", LazyMigrationList.as_view()),
    path("tables2/overview/", Overview.as_view()),
    path("tables2/<str:api_id>/", MigrationDetail.as_view()),
    path("export/", export),
]
application = get_wsgi_application()
