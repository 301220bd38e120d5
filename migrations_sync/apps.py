from django.apps import AppConfig


class MigrationsSyncConfig(AppConfig):
    name = "migrations_sync"
    verbose_name = "Mirror of the Migrations API"
