"""Verbs that look at mail and servers of others: ``dane``, ``dkim``, ``mtasts``, ``tlsrpt`` (AUTH-90)."""
