"""Every setting, read from the environment; a bad or unsafe value stops the start with one line."""

from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF

from config import environment
from config.embedded import broker

ROOT = Path(__file__).resolve().parent.parent
VAR = environment.folder("QUORUM_VAR", ROOT / "var")
DEBUG = environment.flag("DEBUG")
ALLOWED_HOSTS = environment.hosts("ALLOWED_HOSTS")
BEHIND_HTTPS = environment.flag("BEHIND_HTTPS")
TRUSTED_PROXIES = environment.number("TRUSTED_PROXIES", 0, least=0, most=10)
UPLOAD_LIMIT = environment.number("UPLOAD_LIMIT_MB", 2048, least=1, most=1_000_000) * 2**20
API_LIMIT_PER_MINUTE = environment.number("API_LIMIT_PER_MINUTE", 0, least=0, most=1_000_000)
EMBEDDING_MODEL = environment.text("EMBEDDING_MODEL")
EMBEDDING_DEVICE = environment.device("EMBEDDING_DEVICE")
SECRET_KEY = environment.secret_key("SECRET_KEY", VAR)
if DEBUG and (BEHIND_HTTPS or set(ALLOWED_HOSTS) - set(environment.LOOPBACK)):
    raise environment.refuse(
        "DEBUG is for this machine alone; switch it off where ALLOWED_HOSTS or BEHIND_HTTPS is set"
    )

INSTALLED_APPS = [
    "config.apps.ConfigConfig",
    "annotation.apps.AnnotationConfig",
    "curation.apps.CurationConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "pgtrigger",
    "rest_framework",
    "template_partials",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.errors.RefusalMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES = {
    "default": environment.database("DATABASE_URL")
    or {"ENGINE": "config.embedded.backend", "NAME": "quorum", "USER": "postgres"}
}
# A connection that a restart of the server has cut is noticed before a request uses it.
DATABASES["default"] |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
# Limits for pages and the API; commands and workers may take their time. See config/wsgi.py.
WEB_DATABASE_LIMITS = {
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "annotation.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
LOGIN_URL = "annotation:login"
LOGIN_REDIRECT_URL = "annotation:home"
LOGOUT_REDIRECT_URL = "annotation:login"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "annotation.views.account.locked_out"
AXES_IPWARE_PROXY_COUNT = TRUSTED_PROXIES

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = BEHIND_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REDIRECT_EXEMPT = [r"^health/$"]  # asked by the machine itself, without HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_HTTPS else 0
# The browsers' preload list cannot be left again: whether to be on it is the operator's choice.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SECURE_HSTS_INCLUDE_SUBDOMAINS = BEHIND_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 2**20
FILE_UPLOAD_TEMP_DIR = None

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # empty: the finders serve; WhiteNoise warns if it is not there
STATICFILES_DIRS = [ROOT / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["annotation.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [
        "annotation.api.authentication.HasScope",
        "annotation.api.defaults.KnownFilters",
    ],
    "DEFAULT_RENDERER_CLASSES": ["annotation.api.defaults.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "annotation.api.defaults.OnlyJSON",
    "DEFAULT_THROTTLE_CLASSES": ["annotation.api.throttle.TokenThrottle"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_PARSER_CLASSES": ["annotation.api.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "annotation.api.errors.answer_refusal",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Quorum",
    "DESCRIPTION": "Judgments in, preference data out.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": False,
}

CELERY = {
    "broker_url": environment.broker("BROKER_URL", broker.url_under(VAR)),
    "broker_connection_retry_on_startup": True,
    "broker_transport_options": {
        "visibility_timeout": 6 * 3600,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
        "socket_timeout": 10,
        "socket_connect_timeout": 2,
    },
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_ignore_result": True,
    "task_serializer": "json",
    "accept_content": ["json"],
    "worker_prefetch_multiplier": 1,
    "timezone": "UTC",
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
