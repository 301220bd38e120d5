"""Which migrations a sweep has met: one bit each, so a million of them are 125 kB."""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence

from migrations_sync.models import Migration, Source

_CHUNK = 50_000


class Seen:
    """A set of the mirror's own numbers. ``count``: how many; ``twice``: how often one was met again."""

    def __init__(self) -> None:
        self._bits = bytearray()
        self.count = 0
        self.twice = 0

    def add(self, numbers: Sequence[int]) -> set[int]:
        """Note some; the indexes of those that had been met before."""
        bits, again = self._bits, set()
        most = max(numbers, default=0) >> 3
        if most >= len(bits):
            bits.extend(bytes(most + 4096 - len(bits)))
        for index, number in enumerate(numbers):
            place, bit = number >> 3, 1 << (number & 7)
            if bits[place] & bit:
                again.add(index)
            bits[place] |= bit
        self.twice += len(again)
        self.count += len(numbers) - len(again)
        return again

    def pack(self) -> str:
        """All of it as a short text: who stands together in the list was mostly added together, too."""
        bits = self._bits.rstrip(b"\0")
        start = len(bits) - len(bits.lstrip(b"\0"))
        return f"{start}:{b64encode(zlib.compress(bits[start:], 1)).decode()}"

    def unpack(self, text: str) -> None:
        """Add what ``pack`` made of another one; those that are in both were met twice."""
        start, _, packed = text.partition(":")
        place, bits = int(start), zlib.decompress(b64decode(packed))
        end = place + len(bits)
        self._bits.extend(bytes(max(end - len(self._bits), 0)))
        mine, theirs = int.from_bytes(self._bits[place:end], "little"), int.from_bytes(bits, "little")
        again = (mine & theirs).bit_count()
        self._bits[place:end] = (mine | theirs).to_bytes(len(bits), "little")
        self.twice += again
        self.count += theirs.bit_count() - again

    def __contains__(self, number: int) -> bool:
        place = number >> 3
        return place < len(self._bits) and bool(self._bits[place] & 1 << (number & 7))

    def count_upto(self, number: int) -> int:
        """How many of those numbered at most ``number`` were met."""
        bits = int.from_bytes(self._bits[: (number >> 3) + 1], "little")
        return (bits & (1 << number + 1) - 1).bit_count()

    def missing(self, source: Source, *, upto: int) -> Iterator[tuple[int, str]]:
        """Number and API id of each migration that the mirror holds, numbered at most ``upto``, and not met."""
        last = 0
        rows = Migration.objects.filter(source=source, gone_at__isnull=True, pk__lte=upto).order_by("pk")
        while chunk := list(rows.filter(pk__gt=last).values_list("pk", flat=True)[:_CHUNK]):
            absent = [number for number in chunk if number not in self]
            yield from rows.filter(pk__in=absent).values_list("pk", "api_id") if absent else ()
            last = chunk[-1]
