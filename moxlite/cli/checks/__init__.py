"""Commands that check mail, DNS records and servers of others: ``dane``, ``dkim``, ``mtasts``, ``tlsrpt`` and more
(AUTH-90). The checks themselves are not here but in `mailauth`.
"""
