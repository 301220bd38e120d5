"""How gunicorn serves the product: ``gunicorn --config python:dashboard.server dashboard.wsgi``.

There is no access log: addresses of pages may hold e-mail addresses.
"""

from dashboard.env import Env

_env = Env()
host = _env.text("HOST", "127.0.0.1")
port = _env.integer("PORT", default=8000, at_least=1, at_most=65535)
bind = f"{host}:{port}"
worker_class = "gthread"  # pages wait for the database, and an export for its reader
workers = _env.integer("WEB_WORKERS", default=2, at_least=1, at_most=64)
threads = _env.integer("WEB_THREADS", default=4, at_least=1, at_most=64)
preload_app = True  # a wrong setting ends the start, and workers share the code's memory
control_socket_disable = True
