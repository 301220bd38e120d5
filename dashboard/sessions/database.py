from django.contrib.sessions.backends import db

from dashboard.sessions.lifetime import Lifetime


class SessionStore(Lifetime, db.SessionStore):
    """In the database alone: for a process that shares no cache with others, so that a logout holds everywhere."""
