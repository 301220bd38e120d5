from typing import Any

from django.http import HttpRequest
from django.template.backends.utils import csrf_input
from django.utils.functional import SimpleLazyObject

from dashboard import frame as frames
from dashboard import preferences
from dashboard.templating import file


def frame(request: HttpRequest) -> dict[str, Any]:
    """What the frame of every page shows beside its own content; asks nothing until a template needs it."""
    return {
        "frame": SimpleLazyObject(lambda: frames.frame(request)),
        "preferences": preferences.read(request),
        "icons": file("icons.svg"),
        # Masked once for all forms of a page, or it would compress badly.
        "csrf_input": SimpleLazyObject(lambda: csrf_input(request)),
    }
