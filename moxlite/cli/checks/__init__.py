"""Verbs that look at other servers as a sender does: ``dane``, ``mtasts``, ``tlsrpt`` (AUTH-90)."""
