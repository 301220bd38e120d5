#!/usr/bin/env python3
import gc
import os
import sys


def main() -> int:
    # Nearly all that starting makes is code that stays: looking through it for garbage is a tenth of the start.
    gc.disable()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    if sys.argv[1:2] == ["demo"]:
        from dashboard import demo

        demo.prepare(os.environ)  # the settings are read from it next
    import django
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        _ = settings.DEBUG  # reads the environment
    except ImproperlyConfigured as error:
        print(error, file=sys.stderr)  # noqa: T201  (one line that names the variable, not a traceback)
        return 2
    django.setup()
    gc.freeze()
    gc.enable()
    try:
        execute_from_command_line(sys.argv)
    finally:
        gc.freeze()  # nor need anybody look through it when the process ends
    return 0


if __name__ == "__main__":
    sys.exit(main())
