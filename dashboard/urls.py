from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path

from dashboard.views import alerts, health, live, migrations, preferences, signin, tickets

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/login/", signin.SignIn.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/sso/", signin.sso_begin, name="sso-begin"),
    path("accounts/sso/callback/", signin.sso_finish, name="sso-callback"),
    path("migrations/", migrations.table, name="migration-list"),
    path("preferences/", preferences.edit, name="preferences"),
    path("live/", live.live, name="live"),
    path("alerts/", alerts.overview, name="alerts"),
    path("alerts/messages/", alerts.deliveries, name="alerts-deliveries"),
    path("alerts/messages/<int:pk>/retry/", alerts.try_again, name="alerts-retry"),
    path("alerts/rules/new/", alerts.rule, name="alerts-rule-new"),
    path("alerts/rules/usual/", alerts.usual_rules, name="alerts-usual-rules"),
    path("alerts/rules/<int:pk>/", alerts.rule, name="alerts-rule"),
    path("alerts/channels/new/<str:kind>/", alerts.channel, name="alerts-channel-new"),
    path("alerts/channels/<int:pk>/", alerts.channel, name="alerts-channel"),
    path("alerts/channels/<int:pk>/test/", alerts.send_test, name="alerts-test"),
    path("alerts/mutes/new/", alerts.mute, name="alerts-mute-new"),
    path("alerts/mutes/<int:pk>/end/", alerts.end_mute, name="alerts-mute-end"),
    path("tickets/<path:text>/", tickets.ticket, name="ticket"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.scrape, name="metrics"),
    path("webhooks/", include("migrations_sync.urls")),
    path("admin/login/", signin.administration_login, name="administration-login"),
    path("admin/", admin.site.urls),
]
