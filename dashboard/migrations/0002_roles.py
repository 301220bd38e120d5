from collections.abc import Callable

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

GROUPS = ("viewer", "triager", "operator", "admin")

REFUSE_CHANGES = """
CREATE FUNCTION dashboard_auditentry_is_final() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'audit entries are only ever added'; END $$;
CREATE TRIGGER auditentry_is_final BEFORE UPDATE OR DELETE ON dashboard_auditentry
FOR EACH ROW EXECUTE FUNCTION dashboard_auditentry_is_final();
"""
ALLOW_CHANGES = """
DROP TRIGGER IF EXISTS auditentry_is_final ON dashboard_auditentry;
DROP FUNCTION IF EXISTS dashboard_auditentry_is_final();
"""


def make_groups(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    # Their permissions do not exist yet: ``dashboard.roles.grant`` adds them once they do.
    Group = apps.get_model("auth", "Group")
    for name in GROUPS:
        Group.objects.get_or_create(name=name)


def on_postgresql(sql: str) -> Callable[[StateApps, BaseDatabaseSchemaEditor], None]:
    def run(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(sql)

    return run


class Migration(migrations.Migration):
    dependencies = [("dashboard", "0001_people"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.RunPython(make_groups, migrations.RunPython.noop),
        migrations.RunPython(on_postgresql(REFUSE_CHANGES), on_postgresql(ALLOW_CHANGES)),
    ]
