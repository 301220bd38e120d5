"""The read-only JSON API for ticket systems and scripts."""
