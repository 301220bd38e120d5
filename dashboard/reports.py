"""Optional reports to the outside: errors to Sentry, traces to an OpenTelemetry collector. Off unless configured."""

from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from dashboard.redaction import scrub

_TRACING = {
    "opentelemetry.sdk.trace": "opentelemetry-sdk",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter": "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry.instrumentation.django": "opentelemetry-instrumentation-django",
    "opentelemetry.instrumentation.celery": "opentelemetry-instrumentation-celery",
    "opentelemetry.instrumentation.requests": "opentelemetry-instrumentation-requests",
}
# Attributes of a span that may hold a query, and so a person's e-mail address.
_QUERIES = ("http.url", "http.target", "url.full", "url.query")


def report_errors(dsn: str) -> None:
    """Send exceptions to Sentry: without personal data, local variables or secrets.

    Raises:
        ImproperlyConfigured: sentry-sdk is not installed, or ``dsn`` is none.
    """
    try:
        import sentry_sdk
    except ImportError:
        raise _missing("SENTRY_DSN", "sentry-sdk") from None
    try:
        sentry_sdk.init(
            dsn=dsn,
            include_local_variables=False,
            max_request_body_size="never",
            before_send=without_secrets,
            before_breadcrumb=without_secrets,
        )
    except ValueError:  # its message quotes the DSN
        raise ImproperlyConfigured("SENTRY_DSN can't be read: use https://key@host/project") from None


def without_secrets(event: Any, _hint: object = None) -> Any:
    """``event`` as it may leave: every text scrubbed, of the request only its method and path."""
    event.pop("user", None)
    request = event.get("request")
    if isinstance(request, dict):
        event["request"] = {
            "method": request.get("method"),
            "url": urlsplit(request.get("url") or "")._replace(query="").geturl(),
        }
    return _scrubbed(event)


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {_scrubbed(key): _scrubbed(inner) for key, inner in value.items()}
    return [_scrubbed(inner) for inner in value] if isinstance(value, list | tuple) else value


def trace() -> None:
    """Send traces of requests, tasks and API calls to the collector that OpenTelemetry's own variables name.

    Raises:
        ImproperlyConfigured: a package it needs is not installed.
    """
    sdk, exporter, django, celery, requests = (_tracing(module, package) for module, package in _TRACING.items())
    api, batches = import_module("opentelemetry.trace"), import_module("opentelemetry.sdk.trace.export")
    provider = sdk.TracerProvider()
    provider.add_span_processor(batches.BatchSpanProcessor(exporter.OTLPSpanExporter()))
    api.set_tracer_provider(provider)
    django.DjangoInstrumentor().instrument(response_hook=_without_query)
    celery.CeleryInstrumentor().instrument()
    requests.RequestsInstrumentor().instrument()


def _without_query(span: Any, request: Any, response: Any) -> None:
    for name in _QUERIES:
        if name in (getattr(span, "attributes", None) or {}):
            span.set_attribute(name, request.path if name != "url.query" else "")


def _tracing(module: str, package: str) -> Any:
    """A part of OpenTelemetry, which is no dependency of the product: its instruments have no release yet."""
    try:
        return import_module(module)
    except ImportError:
        raise _missing("OTEL_EXPORTER_OTLP_ENDPOINT", package) from None


def _missing(variable: str, package: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{variable} is set, but {package} is not installed: pip install {package}")
