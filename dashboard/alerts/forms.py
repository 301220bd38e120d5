"""What may be typed in about rules, channels and mutes. A channel's address and secret go in and never come out."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from dashboard.alerts import channels, guard
from dashboard.alerts.rules import Kind
from dashboard.models import AlertChannel, AlertRule, Mute
from migrations_sync import statuses
from migrations_sync.models import StatusCount

YEAR = 365 * 24 * 60  # minutes
SHORTEST_SECRET = 24  # bytes, as Standard Webhooks ask


def _minutes(label: str, hint: str, most: int = YEAR) -> forms.IntegerField:
    return forms.IntegerField(label=label, help_text=hint, min_value=0, max_value=most, initial=0)


def _known_statuses() -> list[tuple[str, str]]:
    """The documented statuses, and those that the API sent beside them."""
    met = StatusCount.objects.exclude(status__in=statuses.DOCUMENTED).values_list("status", flat=True)
    return [(code, statuses.get(code).label) for code in [*statuses.DOCUMENTED, *sorted(set(met))]]


class RuleForm(forms.ModelForm):
    statuses = forms.MultipleChoiceField(
        label="Statuses",
        choices=_known_statuses,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="For rules about a status, running or waiting. None: the usual ones of that kind.",
    )
    after_minutes = _minutes(
        "Only after (minutes)", "It has to be so for that long. For running and waiting long, this is “long”."
    )
    at_least = forms.IntegerField(
        label="Only from (migrations)", help_text="That many at once.", min_value=1, max_value=1_000_000, initial=1
    )
    clear_minutes = _minutes("Over only after (minutes)", "It has to be away for that long.")
    cap = forms.IntegerField(
        label="List at most",
        help_text="Further ones are counted: “and 37 more”.",
        min_value=1,
        max_value=200,
        initial=20,
    )
    digest_minutes = _minutes("Digest over (minutes)", "0: a message for each sync.", 7 * 24 * 60)
    remind_minutes = _minutes("Remind every (minutes)", "Of what is still bad. 0: never.")

    class Meta:
        model = AlertRule
        fields = [
            "name", "kind", "statuses", "company_id", "channels", "after_minutes", "at_least", "clear_minutes", "cap",
            "digest_minutes", "remind_minutes", "tell_cleared", "enabled",
        ]  # fmt: skip
        labels = {
            "kind": "When",
            "company_id": "Company",
            "channels": "Tell",
            "tell_cleared": "Tell when it is over",
            "enabled": "Switched on",
        }
        help_texts = {
            "company_id": "Its id; empty: every company.",
            "channels": "None: alerts are only shown on the page.",
        }
        widgets = {"channels": forms.CheckboxSelectMultiple}

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("kind") == Kind.COMPANY and not given.get("company_id"):
            self.add_error("company_id", "A rule about a company needs one.")
        return given


class ChannelForm(forms.ModelForm):
    """For one kind of channel. Left empty, address and secret stay as they are."""

    class Meta:
        model = AlertChannel
        fields = ["name", "address", "secret", "enabled"]
        labels = {"enabled": "Switched on"}
        widgets = {
            "address": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            "secret": forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        }

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = AlertChannel.Kind(kind)
        self.stored: tuple[str, str] = (self.instance.address, self.instance.secret)
        self.instance.kind = kind
        self.fields["address"].required = self.fields["secret"].required = not self.instance.pk
        keeps = " Empty: stays as it is." if self.instance.pk else ""
        if self.kind == AlertChannel.Kind.EMAIL:
            self.fields["address"].label = "Addresses"
            self.fields["address"].help_text = "Separated by commas."
        else:
            self.initial["address"] = ""
            self.fields["address"].label = "URL"
            self.fields["address"].help_text = f"It is a secret: never shown again.{keeps}"
        if self.kind == AlertChannel.Kind.WEBHOOK:
            self.fields["secret"].help_text = f"whsec_ and 24 or more bytes in base64, as the receiver has it.{keeps}"
        else:
            del self.fields["secret"]

    def clean_address(self) -> str:
        address = str(self.cleaned_data["address"]).strip()
        if not address:
            return self.stored[0]
        if self.kind == AlertChannel.Kind.EMAIL:
            return ", ".join(channels.recipients(address))
        try:
            guard.check(address, allow_private=settings.ALERTS_ALLOW_PRIVATE_URLS)
        except guard.AddressRefused as refused:
            raise forms.ValidationError(str(refused)) from None
        return address

    def clean_secret(self) -> str:
        secret = str(self.cleaned_data["secret"]).strip()
        if not secret:
            return self.stored[1]
        try:
            strong = secret.startswith("whsec_") and len(Webhook(secret)._whsecret) >= SHORTEST_SECRET
        except (ValueError, EmptyWebhookSecretError):
            strong = False
        if not strong:
            raise forms.ValidationError("Use whsec_ and 24 or more bytes in base64.")
        return secret


class MuteForm(forms.ModelForm):
    starts_at = forms.DateTimeField(
        label="From (UTC)", required=False, help_text="As in 2026-11-23 14:45; empty: from now on."
    )
    minutes = forms.TypedChoiceField(
        label="For",
        coerce=int,
        choices=[(30, "30 min"), (60, "1 h"), (240, "4 h"), (480, "8 h"), (1440, "1 day"), (10080, "1 week")],
    )

    class Meta:
        model = Mute
        fields = ["reason", "rule", "company_id", "starts_at"]
        labels = {"company_id": "Only this company"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rule = self.fields["rule"]
        rule.label, rule.empty_label = "Only this rule", "Every rule"  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("rule") and given.get("company_id"):
            self.add_error("company_id", "Mute a rule or a company, not both.")
        starts_at = given.get("starts_at") or timezone.now()
        self.instance.starts_at = given["starts_at"] = starts_at
        self.instance.ends_at = starts_at + timedelta(minutes=given.get("minutes") or 30)
        if self.instance.ends_at <= timezone.now():
            self.add_error("starts_at", "That is over already.")
        return given
