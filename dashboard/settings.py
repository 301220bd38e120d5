"""The one settings module. Everything that may differ between places comes from the environment."""

from contextlib import suppress
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from dashboard import embedded, logs, mail, permissions, redaction, reports, tickets
from dashboard.env import Env

env = Env()
BASE_DIR = Path(__file__).resolve().parent.parent
# What the product writes by itself when it has no servers to write to: database, queue, logs.
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / "var")))

# --- who may talk to this process -----------------------------------------------------------------

DEBUG = env.boolean("DEBUG", default=False)
SECRET_KEY = env.secret("SECRET_KEY")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set: give it 50 or more random characters, or a file in SECRET_KEY_FILE"
        )
    SECRET_KEY = "only-for-debug-" + "0" * 50
ALLOWED_HOSTS: list[str] = env.words("ALLOWED_HOSTS", "localhost 127.0.0.1 [::1]")
CSRF_TRUSTED_ORIGINS: list[str] = env.words("CSRF_TRUSTED_ORIGINS")
for _origin in CSRF_TRUSTED_ORIGINS:
    if not _origin.startswith(("http://", "https://")):
        raise ImproperlyConfigured(f"CSRF_TRUSTED_ORIGINS={_origin!r}: each needs its scheme, as in https://host")

# Behind a proxy that ends TLS, HTTPS is what people see. On this machine's own loopback addresses plain HTTP
# works too; INSECURE_HTTP=1 lets it work everywhere.
HTTPS = not env.boolean("INSECURE_HTTP", default=DEBUG)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SILENCED_SYSTEM_CHECKS = ["security.W008"]  # HttpsMiddleware redirects in place of SECURE_SSL_REDIRECT
# Probes come from inside and speak plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}

# --- who people are -------------------------------------------------------------------------------

SESSION_COOKIE_AGE = env.integer("SESSION_MAX_AGE", default=12 * 3600, at_least=60)  # seconds since signing in
SESSION_IDLE_AGE = env.integer("SESSION_IDLE_AGE", default=2 * 3600, at_least=60)  # seconds without a request
# The role of a new account; "none" refuses whoever comes by single sign-on without a mapped group.
DEFAULT_ROLE = env.choice("DEFAULT_ROLE", (*permissions.ROLES, "none"), default="viewer")

OIDC_ISSUER = env.url("OIDC_ISSUER")
OIDC_CLIENT_ID = env.text("OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = env.secret("OIDC_CLIENT_SECRET")
OIDC_SCOPES = env.text("OIDC_SCOPES", "openid profile email")
OIDC_GROUPS_CLAIM = env.text("OIDC_GROUPS_CLAIM", "groups")
OIDC_GROUP_ROLES = env.pairs("OIDC_GROUP_ROLES", permissions.ROLES)
if OIDC_ISSUER and not OIDC_CLIENT_ID:
    raise ImproperlyConfigured("OIDC_CLIENT_ID is not set, though OIDC_ISSUER is: the provider gives you one")
if OIDC_ISSUER and not find_spec("authlib"):
    raise ImproperlyConfigured("OIDC_ISSUER is set, but Authlib is not installed: install requirements.txt")

# Whose word counts on where a request comes from (X-Forwarded-For) and, with a header named, on who sends it.
TRUSTED_PROXY_ADDRESSES = env.networks("TRUSTED_PROXY_ADDRESSES")
TRUSTED_PROXY_HEADER = env.text("TRUSTED_PROXY_HEADER")
if TRUSTED_PROXY_HEADER and not TRUSTED_PROXY_ADDRESSES:
    raise ImproperlyConfigured("TRUSTED_PROXY_HEADER needs the proxy's address in TRUSTED_PROXY_ADDRESSES")

API_RATE_LIMIT = env.integer("API_RATE_LIMIT", default=300, at_least=1)  # requests a minute, by token or login

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
# Ten failures for one account from one address lock that pair for a quarter of an hour; see also views.signin.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # so that the time the page names is true
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "dashboard.addresses.client_address"
AXES_LOCKOUT_CALLABLE = "dashboard.views.signin.locked_out"
AXES_VERBOSE = False
AXES_DISABLE_ACCESS_LOG = True  # the audit has it
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "dashboard.backends.Password",
    "dashboard.backends.SingleSignOn",
    "dashboard.backends.ProxyHeader",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- the API and the mirror -----------------------------------------------------------------------

MIGRATIONS_API_URL = env.url("MIGRATIONS_API_URL", "https://worker.anon.com/api/v1")
MIGRATIONS_API_KEY = env.secret("MIGRATIONS_API_KEY")
MIGRATIONS_API_PAGE_SIZE = env.integer("MIGRATIONS_API_PAGE_SIZE", default=100, at_least=1, at_most=10_000)
MIGRATIONS_API_CONCURRENCY = env.integer("MIGRATIONS_API_CONCURRENCY", default=4, at_least=1, at_most=64)
MIGRATIONS_API_TIMEOUT = env.integer("MIGRATIONS_API_TIMEOUT", default=10, at_least=1, at_most=300)  # seconds
MIGRATIONS_API_MAX_RETRIES = env.integer("MIGRATIONS_API_MAX_RETRIES", default=5, at_least=0, at_most=20)
# Requests a second of all workers together; 0 is any number.
MIGRATIONS_API_RATE_LIMIT = env.integer("MIGRATIONS_API_RATE_LIMIT", default=0, at_most=10_000)
MIGRATIONS_WEBHOOK_SECRET = env.webhook_secrets("MIGRATIONS_WEBHOOK_SECRET")
SYNC_INTERVAL = env.integer("SYNC_INTERVAL", default=60, at_least=1)  # seconds
SYNC_FULL_INTERVAL = env.integer("SYNC_FULL_INTERVAL", default=3600, at_least=1)  # seconds
# Whether several workers read a full sweep, and how many at once; "auto": from a size of the list that is worth it.
SYNC_SPLIT = env.choice("SYNC_SPLIT", ("auto", "on", "off"), default="auto")
SYNC_SPLIT_WORKERS = env.integer("SYNC_SPLIT_WORKERS", default=2, at_least=2, at_most=64)
# Days that each is kept; 0 is for ever. Status history always is.
RETENTION_RUNS = env.integer("RETENTION_RUNS", default=90)
RETENTION_DELIVERIES = env.integer("RETENTION_DELIVERIES", default=90)
RETENTION_VERSIONS = env.integer("RETENTION_VERSIONS", default=365)

# Seconds after which waiting for the user, or the vendor's work, needs a person; 0: what is usual decides.
ATTENTION_WAITING_AFTER = env.integer("ATTENTION_WAITING_AFTER", default=0)
ATTENTION_RUNNING_AFTER = env.integer("ATTENTION_RUNNING_AFTER", default=0)
# Who may read /metrics from another machine; empty: nobody.
METRICS_TOKEN = env.secret("METRICS_TOKEN")

# --- Django ---------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "migrations_sync",
    "dashboard",
]
MIDDLEWARE = [
    "dashboard.middleware.RequestLogMiddleware",
    "dashboard.middleware.SecurityHeadersMiddleware",
    "dashboard.middleware.HttpsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "dashboard.visit.VisitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "dashboard.conditional.NotModifiedMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "dashboard.middleware.CompressionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "dashboard.proxy_login.ProxyLoginMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "dashboard.audit.CurrentRequestMiddleware",
    "dashboard.middleware.SlowStatementMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "dashboard.urls"
WSGI_APPLICATION = "dashboard.wsgi.application"
_PEOPLE = ["django.contrib.auth.context_processors.auth", "django.contrib.messages.context_processors.messages"]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "environment": "dashboard.templating.Environment",
            "context_processors": [*_PEOPLE, "dashboard.context_processors.frame"],
        },
    },
    # For the administration.
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request", *_PEOPLE]},
    },
]
LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "dashboard.static_files.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"

# --- the web server, see `dashboard.server` -------------------------------------------------------

HOST = env.text("HOST", "127.0.0.1")
PORT = env.integer("PORT", default=8000, at_least=1, at_most=65_535)
WEB_WORKERS = env.integer("WEB_WORKERS", default=2, at_least=1, at_most=64)
WEB_THREADS = env.integer("WEB_THREADS", default=4, at_least=1, at_most=64)

# --- databases, cache, broker ---------------------------------------------------------------------


def _database(url: str) -> dict[str, Any]:
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(url))
    except ValueError as error:
        raise ImproperlyConfigured(
            "DATABASE_URL can't be read: use postgres://user:password@host:5432/name or sqlite:///path"
        ) from error
    if config["ENGINE"].endswith("sqlite3"):
        config["ENGINE"] = "dashboard.sqlite"
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536",
        }
    elif config["ENGINE"].endswith("postgresql"):
        config |= {"ENGINE": "dashboard.postgresql", "CONN_HEALTH_CHECKS": True}
    else:
        raise ImproperlyConfigured("DATABASE_URL: only postgres:// and sqlite:// are supported")
    # Opening one takes longer than a page; on SQLite, too, which then reads its whole schema.
    return config | {"CONN_MAX_AGE": 60}


_database_url = env.secret("DATABASE_URL")
if not _database_url:
    DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    _database_url = f"sqlite:///{DATA_DIR / 'migrations.sqlite3'}"
DATABASES = {"default": _database(_database_url)}
# Seconds that one statement of a web request may take on PostgreSQL; 0: any.
DATABASE_STATEMENT_TIMEOUT = env.integer("DATABASE_STATEMENT_TIMEOUT", default=10, at_most=3600)

REDIS_URL = env.secret("REDIS_URL")
if REDIS_URL and not REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
    raise ImproperlyConfigured("REDIS_URL can't be read: use redis://host:6379/0")
if not REDIS_URL and embedded.answers(DATA_DIR):
    REDIS_URL = embedded.url(DATA_DIR)
if SYNC_SPLIT == "on" and not (REDIS_URL and DATABASES["default"]["ENGINE"].endswith("postgresql")):
    raise ImproperlyConfigured("SYNC_SPLIT=on needs PostgreSQL in DATABASE_URL and REDIS_URL: use auto, or set both")
# Without any server, one process works by itself (`sync_migrations`); a worker then says what to start.
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "dashboard.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "dashboard",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},  # seconds
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}
# Whose tasks `migrations_sync` has; a name, for whoever sends no task should not have to import Celery.
TASKS_APP = "dashboard.celery.app"
CELERY_BROKER_URL = embedded.celery_url(REDIS_URL or embedded.url(DATA_DIR))
# A killed worker's task comes back after the visibility timeout; longer than any task may run.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 7500,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
}
SESSION_ENGINE = "dashboard.sessions.database"

CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 7200  # seconds; a first mirror of millions takes its time
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
with suppress(OSError):  # only beat needs it, and says so itself where there can be none
    DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
CELERY_BEAT_SCHEDULER = "dashboard.beat.Scheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")

# --- alerts ---------------------------------------------------------------------------------------

# Where readers of alerts find the pages.
PUBLIC_URL = env.url("PUBLIC_URL", "http://127.0.0.1:8000")
# Alerts may be posted to addresses inside this network; without it only to the internet, over HTTPS.
ALERTS_ALLOW_PRIVATE_URLS = env.boolean("ALERTS_ALLOW_PRIVATE_URLS", default=False)
ALERTS_KEEP_DAYS = env.integer("ALERTS_KEEP_DAYS", default=90, at_least=1)
_mail = mail.parse(env.secret("EMAIL_URL"))
EMAIL_HOST, EMAIL_PORT = _mail.host, _mail.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.user, _mail.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.use_tls, _mail.use_ssl
EMAIL_TIMEOUT = 20  # seconds
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("EMAIL_FROM", "migrations-dashboard@localhost")
TICKET_URL_TEMPLATES = tickets.templates(env.text("TICKET_URL_TEMPLATES"))
TICKET_WEBHOOK_URL = env.secret("TICKET_WEBHOOK_URL")
TICKET_WEBHOOK_SECRET = env.secret("TICKET_WEBHOOK_SECRET")
if TICKET_WEBHOOK_URL and not TICKET_WEBHOOK_SECRET.startswith("whsec_"):
    raise ImproperlyConfigured("TICKET_WEBHOOK_SECRET: give whsec_… to sign what TICKET_WEBHOOK_URL gets")
DEADMAN_PING_URL = env.secret("DEADMAN_PING_URL")
if DEADMAN_PING_URL and not DEADMAN_PING_URL.startswith(("http://", "https://")):
    raise ImproperlyConfigured("DEADMAN_PING_URL: use an address that starts with https:// or http://")

# --- logs -----------------------------------------------------------------------------------------

LOGGING = logs.configuration(
    env.choice("LOG_LEVEL", logs.LEVELS, default="INFO"),
    env.choice("LOG_FORMAT", logs.FORMATS, default="console" if DEBUG else "json"),
)
DEFAULT_EXCEPTION_REPORTER = "dashboard.errors.ScrubbingReporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "dashboard.errors.ScrubbingFilter"
redaction.hide(
    SECRET_KEY,
    MIGRATIONS_API_KEY,
    OIDC_CLIENT_SECRET,
    *MIGRATIONS_WEBHOOK_SECRET,
    EMAIL_HOST_PASSWORD,
    TICKET_WEBHOOK_SECRET,
    METRICS_TOKEN,
    DEADMAN_PING_URL,
    str(DATABASES["default"].get("PASSWORD", "")),
    urlsplit(REDIS_URL).password or "",
)
if _dsn := env.secret("SENTRY_DSN"):
    redaction.hide(_dsn)
    reports.report_errors(_dsn)
if env.text("OTEL_EXPORTER_OTLP_ENDPOINT"):
    reports.trace()
