"""The API key, kept so that no log, page or traceback shows it."""

from html import escape
from typing import NoReturn
from urllib.parse import quote


class Hidden(str):
    """A text that goes out on the wire as it is, and shows itself nowhere else."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'(hidden)'"

    def __str__(self) -> str:
        return "(hidden)"

    def __format__(self, spec: str) -> str:
        return "(hidden)"


class Secret:
    """The API key. Checked only in ``bearer``, when no caller holds the bare value any more in a local variable
    that a traceback would show.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = Hidden(value)

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("the API key goes into no message, cache or file")

    def bearer(self) -> Hidden:
        """The value of the ``Authorization`` header.

        Raises:
            ValueError: no header can carry the key, for example because a line end was copied with it.
        """
        if not (self._value.isascii() and self._value.isprintable()) or not self._value or " " in self._value:
            raise ValueError("MIGRATIONS_API_KEY: use the key alone, in ASCII, without spaces or line ends")
        return Hidden("Bearer " + self._value)

    def scrub(self, text: str) -> str:
        """The text without the key, should a server have echoed it, plainly or quoted for an address or HTML."""
        for form in {self._value + "", quote(self._value), quote(self._value, safe=""), escape(self._value)}:
            text = text.replace(form, "(key)")
        return text
