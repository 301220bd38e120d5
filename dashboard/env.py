"""Typed reads of the environment. A wrong value is one line that names the variable, never a secret."""

import os
from base64 import b64decode
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


class Env:
    """Reads ``environ``. Every method raises ``ImproperlyConfigured`` for a value it can't use."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ

    def text(self, name: str, default: str = "") -> str:
        """The value without surrounding space; an empty one counts as not given."""
        return self._environ.get(name, "").strip() or default

    def boolean(self, name: str, *, default: bool) -> bool:
        value = self.text(name).lower()
        if not value:
            return default
        if value in _TRUE | _FALSE:
            return value in _TRUE
        raise ImproperlyConfigured(f"{name}={value!r}: use 1 or 0")

    def integer(self, name: str, *, default: int, at_least: int = 0, at_most: int | None = None) -> int:
        value = self.text(name)
        bound = f"{at_least} or more" if at_most is None else f"{at_least} to {at_most}"
        try:
            number = int(value) if value else default
        except ValueError:
            raise ImproperlyConfigured(f"{name}={value!r}: use a whole number, {bound}") from None
        if number < at_least or (at_most is not None and number > at_most):
            raise ImproperlyConfigured(f"{name}={number}: use a whole number, {bound}")
        return number

    def words(self, name: str, default: str = "") -> list[str]:
        """A list, separated by commas or spaces."""
        return self.text(name, default).replace(",", " ").split()

    def networks(self, name: str) -> list[IPv4Network | IPv6Network]:
        """A list of addresses or networks, such as ``10.0.0.7 10.1.0.0/16``."""
        try:
            return [ip_network(word) for word in self.words(name)]
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}: {error}: use addresses or networks as in 10.1.0.0/16") from None

    def pairs(self, name: str, values: tuple[str, ...]) -> dict[str, str]:
        """``key=value, other key=value``, each value one of ``values``."""
        found = {}
        for pair in filter(None, (part.strip() for part in self.text(name).split(","))):
            key, _, value = (side.strip() for side in pair.rpartition("="))
            if not key or value not in values:
                raise ImproperlyConfigured(f"{name}: {pair!r}: use name=value with one of {', '.join(values)}")
            found[key] = value
        return found

    def choice(self, name: str, options: tuple[str, ...], *, default: str) -> str:
        value = self.text(name, default)
        if value not in options:
            raise ImproperlyConfigured(f"{name}={value!r}: use one of {', '.join(options)}")
        return value

    def url(self, name: str, default: str = "") -> str:
        """An http or https address, without its trailing slashes."""
        value = self.text(name, default)
        if value and not value.lower().startswith(("http://", "https://")):
            raise ImproperlyConfigured(f"{name}={value!r}: use an address that starts with https:// or http://")
        return value.rstrip("/")

    def secret(self, name: str) -> str:
        """A secret from ``name`` or from the file that ``name_FILE`` points to; the value is never shown."""
        given, path = self.text(name), self.text(f"{name}_FILE")
        if given and path:
            raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: keep one")
        if not path:
            return given
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise ImproperlyConfigured(f"{name}_FILE={path!r}: {reason}") from None

    def webhook_secrets(self, name: str) -> list[str]:
        """Signing secrets, separated by spaces, each ``whsec_`` and base64."""
        secrets = self.secret(name).split()
        for place, secret in enumerate(secrets, 1):
            try:
                key = b64decode(secret.removeprefix("whsec_"), validate=True)
            except ValueError:
                key = b""
            if not key or not secret.startswith("whsec_"):
                raise ImproperlyConfigured(f"{name}: secret {place} of {len(secrets)} is not whsec_ and base64")
        return secrets
