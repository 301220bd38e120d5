from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import URLPattern, URLResolver, include, path

from dashboard.views import health, live, preferences

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/login/", LoginView.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("preferences/", preferences.edit, name="preferences"),
    path("live/", live.live, name="live"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.scrape, name="metrics"),
    path("webhooks/", include("migrations_sync.urls")),
    path("admin/", admin.site.urls),
]
