"""Reads ``EMAIL_URL``: which server sends the product's mail."""

from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class MailServer:
    """``host`` is empty where no mail can be sent."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    use_tls: bool = False
    use_ssl: bool = False


_REFUSED = "EMAIL_URL can't be read: use smtp://user:password@host:587/?tls=1 or smtps://user:password@host:465"


def parse(url: str) -> MailServer:
    """``smtp://`` speaks plain SMTP, with ``?tls=1`` upgraded by STARTTLS; ``smtps://`` speaks TLS from the start.

    Raises:
        ImproperlyConfigured: without naming the value, which holds a password.
    """
    if not url:
        return MailServer()
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured(_REFUSED) from None
    tls = parse_qs(parts.query).get("tls", ["0"])[-1]
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or tls not in ("0", "1"):
        raise ImproperlyConfigured(_REFUSED)
    over_tls = parts.scheme == "smtps"
    return MailServer(
        host=parts.hostname,
        port=port or (465 if over_tls else 587 if tls == "1" else 25),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        use_tls=tls == "1" and not over_tls,
        use_ssl=over_tls,
    )
