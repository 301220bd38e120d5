"""Takes secrets out of text that leaves the process: log lines, error pages, alerts, error reports."""

import html
import json
import re
from urllib.parse import quote, urlsplit

HIDDEN = "[hidden]"
# Shorter values are words that occur by chance; no secret worth the name is that short.
SHORTEST = 8
_hidden: dict[str, None] = {}
_shapes = re.compile(
    r"(?P<before>\bBearer\s+(?=\S{8})|://[^\s/:@\"'<>]{0,256}:)(?P<given>[^\s\"'<>@\\]+)"
    r"|\b(?:whsec_|anon_)[A-Za-z0-9+/=_-]{8,}"
    r"|(?<=hooks\.slack\.com/)[^\s\"'<>]+",
    re.IGNORECASE,
)


def hide(*secrets: str) -> None:
    """Never let these through again, in whichever of the usual spellings they turn up."""
    for secret in secrets:
        if len(secret) >= SHORTEST:
            _hidden.update(dict.fromkeys(_spellings(secret)))


def _spellings(secret: str) -> tuple[str, ...]:
    return secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret, safe=""), html.escape(secret)


def hide_address(url: str) -> None:
    """Hide an address that is itself a secret, and its path, which HTTP libraries log apart from the host."""
    parts = urlsplit(url)
    hide(url, parts.path + (f"?{parts.query}" if parts.query else ""))


def scrub(text: str) -> str:
    """``text`` without the hidden secrets and without anything that has the shape of one."""
    for secret in _hidden:
        if secret in text:
            text = text.replace(secret, HIDDEN)
    return _shapes.sub(_cover, text) if _is_suspect(text.lower()) else text


def _is_suspect(lowered: str) -> bool:
    """Whether ``_shapes`` can match at all: every line of the log is scrubbed, and hardly any holds one of these."""
    return "bearer" in lowered or "://" in lowered or "whsec_" in lowered or "anon_" in lowered or "slack" in lowered


def _cover(found: re.Match[str]) -> str:
    before = found["before"]
    if before and before.startswith("://") and not found.string.startswith("@", found.end()):
        return found[0]  # host:port, not user:password@
    return f"{before or ''}{HIDDEN}"
