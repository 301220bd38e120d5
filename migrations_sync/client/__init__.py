"""Reads the Migrations API: signs, tries again, pages. Knows no database and no Django.

From the wire upwards: ``transport`` (one GET within bounds), ``answers`` (what a status and a body mean),
``retry`` (when to ask again), ``envelope`` (the shapes a list comes in), ``pages`` (where a list ends), ``ahead``
(several pages in flight), and ``client``, which puts them together.
"""

from migrations_sync.client.client import Answer, Client
from migrations_sync.client.pages import Page

__all__ = ["Answer", "Client", "Page"]
