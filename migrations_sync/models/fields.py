from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class ApiText(models.CharField):
    """Text from the API, compared byte by byte on every database.

    So an index serves equality, order and a range of prefixes alike, and never depends on a server's locale.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters = dict(super().db_parameters(connection))
        if connection.vendor == "postgresql":  # SQLite's own default already is byte order
            parameters["collation"] = "C"
        return parameters
