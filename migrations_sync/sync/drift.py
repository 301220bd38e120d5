"""Differences between what the API is documented to send and what it sends: kept with first sight and example."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F

from migrations_sync.models import Drift, Source

_EXAMPLE_KEPT = 2000  # characters


@dataclass(slots=True)
class Drifts:
    """What a pass met, each thing once; ``save`` writes it down."""

    met: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, kind: Drift.Kind, name: str, *, example: str = "") -> None:
        self.met.setdefault((kind.value, name[:255]), example[:_EXAMPLE_KEPT])

    def fields(self, names: Iterable[str], *, example: str) -> None:
        for name in names:
            self.add(Drift.Kind.FIELD, name, example=example)

    def save(self, source: Source, at: datetime) -> None:
        """Note first sights with their example, and count the others once for this pass."""
        for (kind, name), example in self.met.items():
            drift, is_new = Drift.objects.get_or_create(
                source=source, kind=kind, name=name,
                defaults={"example": example, "first_seen_at": at, "last_seen_at": at},
            )  # fmt: skip
            if not is_new:
                Drift.objects.filter(pk=drift.pk).update(last_seen_at=at, times=F("times") + 1)
        self.met.clear()
