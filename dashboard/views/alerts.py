"""Alerts: what is bad now, who is told of what, what was sent. Everybody may look; operators change it."""

from copy import copy
from datetime import datetime, timedelta
from functools import partial

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from dashboard import audit, current, hrefs, preferences, roles, tasks, wording
from dashboard.alerts import deliver, outbox
from dashboard.alerts import messages as alert_messages
from dashboard.alerts.forms import ChannelForm, MuteForm, RuleForm
from dashboard.alerts.rules import USUAL, watched
from dashboard.models import Alert, AlertChannel, AlertDelivery, AlertRule, Mute
from migrations_sync import statuses

MAY = "dashboard.change_alerts"
SHOWN = 50  # messages on a page of the log
NEWEST = 15  # of each list on the first page
STATES = {"sent": ("good", "check"), "waiting": ("late", "clock"), "failed": ("bad", "alert")}


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """What is bad now, and everything that decides who hears of it."""
    is_open = Q(alerts__cleared_at__isnull=True, alerts__id__isnull=False)
    rules = AlertRule.objects.annotate(open=Count("alerts", filter=is_open)).prefetch_related("channels")
    found = Alert.objects.open().select_related("rule", "migration").order_by("-id")[:NEWEST]
    context = {
        "alerts": [_shown_alert(request, alert) for alert in found],
        "total": Alert.objects.open().count(),
        "rules": [{"rule": rule, "says": says(rule), "channels": list(rule.channels.all())} for rule in rules],
        "channels": AlertChannel.objects.annotate(told_by=Count("rules")),
        "mutes": [_shown_mute(request, mute) for mute in _current_mutes(request)],
        "deliveries": _shown_deliveries(request, _log()[:NEWEST]),
        "kinds": AlertChannel.Kind.choices,
        "may": request.user.has_perm(MAY),
    }
    return render(request, "dashboard/alerts.html", context)


@require_safe
def deliveries(request: HttpRequest) -> HttpResponse:
    """The log of everything sent or to be sent, newest first, paged by ``before``, an id."""
    log = _log()
    before = request.GET.get("before", "")
    if before.isascii() and before.isdecimal() and len(before) < 19:
        log = log.filter(id__lt=int(before))
    rows = list(log[: SHOWN + 1])
    context = {
        "deliveries": _shown_deliveries(request, rows[:SHOWN]),
        "older": rows[SHOWN - 1].pk if len(rows) > SHOWN else None,
        "may": request.user.has_perm(MAY),
    }
    return render(request, "dashboard/alert_deliveries.html", context)


def _log() -> QuerySet:
    """All messages, newest first, but for pings that went well: one for each sweep says nothing."""
    well = Q(event=AlertDelivery.Event.PING, state=AlertDelivery.State.SENT)
    return AlertDelivery.objects.exclude(well).order_by("-id").select_related("channel")


def rule(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make a rule, change one, or remove one."""
    roles.require(request.user, MAY)
    found = get_object_or_404(AlertRule, pk=pk) if pk else None
    form = RuleForm(request.POST or None, instance=found)
    return _edit(request, form, "rule", found)


@require_POST
@transaction.atomic
def usual_rules(request: HttpRequest) -> HttpResponse:
    """Make those of the usual rules that are not there yet, telling every channel."""
    roles.require(request.user, MAY)
    missing = [usual for usual in USUAL if not AlertRule.objects.filter(name=usual.name).exists()]
    for usual in missing:
        made = copy(usual)
        made.save()
        made.channels.set(AlertChannel.objects.all())
        audit.record(request, "alerts.added", target=f"rule {made}")
    messages.success(request, f"{wording.plural(len(missing), 'rule')} added. Change them to your needs.")
    return HttpResponseRedirect(reverse("alerts"))


def channel(request: HttpRequest, pk: int | None = None, kind: str = "") -> HttpResponse:
    """Make a channel of ``kind``, change one, or remove one."""
    roles.require(request.user, MAY)
    found = get_object_or_404(AlertChannel, pk=pk) if pk else None
    if not found and kind not in AlertChannel.Kind.values:
        raise Http404(f"There is no kind of channel called “{kind}”.")
    form = ChannelForm(request.POST or None, instance=found, kind=found.kind if found else kind)
    return _edit(request, form, "channel", found)


def mute(request: HttpRequest) -> HttpResponse:
    """Mute a rule, a company or everything for a while."""
    roles.require(request.user, MAY)
    form = MuteForm(request.POST or None, initial={"rule": request.GET.get("rule")})
    form.instance.made_by_id = request.user.pk
    return _edit(request, form, "mute", None)


def _edit(request: HttpRequest, form: ModelForm, what: str, found: AlertRule | AlertChannel | None) -> HttpResponse:
    if request.method == "POST":
        if found and "remove" in request.POST:
            return _remove(request, what, found)
        if form.is_valid():
            return _save(request, form, what, found)
    context = {"form": form, "what": what, "found": found, "fields": [_field(bound) for bound in form]}
    return render(request, "dashboard/alert_form.html", context)


def _field(bound: BoundField) -> dict[str, object]:
    """How the template draws a field: one tick, several, or a control below its label."""
    widget = bound.field.widget
    return {
        "bound": bound,
        "tick": isinstance(widget, CheckboxInput),
        "ticks": isinstance(widget, CheckboxSelectMultiple),
    }


@transaction.atomic
def _save(request: HttpRequest, form: ModelForm, what: str, found: object) -> HttpResponse:
    saved = form.save()
    if what == "rule" and found and {"kind", "statuses", "company_id", "enabled"} & set(form.changed_data):
        outbox.forget(saved)
    changed = ", ".join(name for name in form.changed_data if name not in ("address", "secret"))
    audit.record(request, f"alerts.{'changed' if found else 'added'}", target=f"{what} {saved}", detail=changed)
    messages.success(request, f"Saved: {saved}.")
    return HttpResponseRedirect(reverse("alerts"))


@transaction.atomic
def _remove(request: HttpRequest, what: str, found: AlertRule | AlertChannel) -> HttpResponse:
    name = str(found)
    found.delete()
    audit.record(request, "alerts.removed", target=f"{what} {name}")
    messages.success(request, f"Removed: {name}.")
    return HttpResponseRedirect(reverse("alerts"))


@require_POST
def end_mute(request: HttpRequest, pk: int) -> HttpResponse:
    roles.require(request.user, MAY)
    found = get_object_or_404(Mute, pk=pk)
    return _remove_mute(request, found)


@transaction.atomic
def _remove_mute(request: HttpRequest, found: Mute) -> HttpResponse:
    found.delete()
    audit.record(request, "alerts.removed", target=f"mute {found.reason}")
    messages.success(request, "No longer muted. What is still bad is told now.")
    return HttpResponseRedirect(reverse("alerts"))


@require_POST
@transaction.atomic
def send_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a message sent through one channel; its fate is in the log."""
    roles.require(request.user, MAY)
    found = get_object_or_404(AlertChannel, pk=pk)
    message = alert_messages.of_test(found.name, as_of=current.freshness(request).as_of)
    AlertDelivery.objects.create(channel=found, event=AlertDelivery.Event.TEST, message=message)
    audit.record(request, "alerts.tested", target=f"channel {found}")
    # Without a broker it goes out with the next beat all the same.
    transaction.on_commit(partial(tasks.deliver_alerts.apply_async, retry=False), robust=True)
    messages.info(request, f"A test through {found} is on its way; see how it fares below.")
    return HttpResponseRedirect(reverse("alerts-deliveries"))


@require_POST
@transaction.atomic
def try_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a delivery that was given up back into the queue."""
    roles.require(request.user, MAY)
    found = get_object_or_404(AlertDelivery, pk=pk)
    if deliver.try_again(found):
        audit.record(request, "alerts.retried", target=f"delivery {found}")
        messages.success(request, "It is tried again.")
    return HttpResponseRedirect(reverse("alerts-deliveries"))


def says(rule: AlertRule) -> str:
    """``Failed · company acme · after 10 min · from 3 on``: what a rule minds, in words."""
    minded = " or ".join(statuses.get(code).label for code in watched(rule))
    parts = [
        minded,
        f"company {rule.company_id}" if rule.company_id else "",
        f"after {_minutes(rule.after_minutes)}" if rule.after_minutes else "",
        f"from {rule.at_least} on" if rule.at_least > 1 else "",
        f"digest over {_minutes(rule.digest_minutes)}" if rule.digest_minutes else "",
        f"reminder every {_minutes(rule.remind_minutes)}" if rule.remind_minutes else "",
    ]
    return " · ".join(part for part in parts if part)


def _minutes(minutes: int) -> str:
    return wording.span(timedelta(minutes=minutes))


def _shown_alert(request: HttpRequest, alert: Alert) -> dict[str, object]:
    migration = alert.migration
    return {
        "rule": alert.rule.name,
        "status": statuses.get(migration.status) if migration else None,
        "migration": migration,
        "href": hrefs.migration(migration.api_id) if migration else "",
        "detail": alert.detail,
        "since": _said(request, alert.since),
        "told": _said(request, alert.told_at) if alert.told_at else "",
    }


def _said(request: HttpRequest, at: datetime) -> str:
    return wording.minute(at, preferences.read(request).zone)


def _current_mutes(request: HttpRequest) -> list[Mute]:
    return list(Mute.objects.filter(ends_at__gt=current.now(request)).select_related("rule", "made_by"))


def _shown_mute(request: HttpRequest, mute: Mute) -> dict[str, object]:
    of = f"rule {mute.rule}" if mute.rule else f"company {mute.company_id}" if mute.company_id else "everything"
    span = f"{_said(request, mute.starts_at)} to {_said(request, mute.ends_at)}"
    return {"pk": mute.pk, "of": of, "reason": mute.reason, "span": span, "by": mute.made_by}


def _shown_deliveries(request: HttpRequest, found: object) -> list[dict[str, object]]:
    shown = []
    for delivery in found:  # type: ignore[attr-defined]
        tone, icon = STATES[delivery.state]
        shown.append(
            {
                "pk": delivery.pk,
                "tone": tone,
                "icon": icon,
                "state": delivery.get_state_display(),
                "failed": delivery.state == AlertDelivery.State.FAILED,
                "title": delivery.message.get("title", delivery.get_event_display()),
                "event": delivery.get_event_display(),
                "to": delivery.channel or ("watchman" if delivery.event == "ping" else "ticket system"),
                "made": _said(request, delivery.created_at),
                "tries": delivery.tries,
                "next": _said(request, delivery.next_try_at) if delivery.state == "waiting" else "",
                "error": delivery.error,
            }
        )
    return shown
