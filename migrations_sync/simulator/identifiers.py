"""Migration ids that look random and still say which row they name.

A million ids need no index: the UUID is a keyed permutation of the row's serial number, so the way back is
two multiplications.
"""

import random
import re

_BITS = 122  # what a version 4 UUID leaves free
_MASK = (1 << _BITS) - 1
_UUID4 = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-4([0-9a-f]{3})-([89ab])([0-9a-f]{3})-([0-9a-f]{12})")


class Identifiers:
    """UUIDs of one seed: ``encode(serial)`` and its inverse."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(f"identifiers {seed}")
        # Odd numbers have an inverse modulo a power of two.
        self._first, self._second = rng.getrandbits(_BITS) | 1, rng.getrandbits(_BITS) | 1
        self._key = rng.getrandbits(_BITS)
        self._undo_first = pow(self._first, -1, _MASK + 1)
        self._undo_second = pow(self._second, -1, _MASK + 1)

    def encode(self, serial: int) -> str:
        """The id of the row with this serial number (0 or more)."""
        bits = (serial + 1) * self._first & _MASK
        bits ^= bits >> 61  # brings the high bits, which vary most, down to the low ones
        bits = bits * self._second & _MASK ^ self._key
        digits = f"{bits >> 2:030x}"
        variant = "89ab"[bits & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-{variant}{digits[15:18]}-{digits[18:]}"

    def decode(self, text: str) -> int:
        """The serial number an id stands for, -1 when it is no UUID of this kind.

        A foreign UUID decodes to some huge number: the caller compares with how many rows there are.
        """
        match = _UUID4.fullmatch(text)
        if match is None:
            return -1
        one, two, three, variant, four, five = match.groups()
        bits = int(one + two + three + four + five, 16) << 2 | "89ab".index(variant)
        bits = (bits ^ self._key) * self._undo_second & _MASK
        bits ^= bits >> 61
        return (bits * self._undo_first & _MASK) - 1
