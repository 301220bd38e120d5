from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path

from dashboard.views import health, live, preferences, signin

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/login/", signin.SignIn.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/sso/", signin.sso_begin, name="sso-begin"),
    path("accounts/sso/callback/", signin.sso_finish, name="sso-callback"),
    path("preferences/", preferences.edit, name="preferences"),
    path("live/", live.live, name="live"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.scrape, name="metrics"),
    path("webhooks/", include("migrations_sync.urls")),
    path("admin/login/", signin.administration_login, name="administration-login"),
    path("admin/", admin.site.urls),
]
