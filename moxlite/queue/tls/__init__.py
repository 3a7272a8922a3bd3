"""TLS policies for connections to other servers (docs/spec/queue.md §6, §10, §11). TLS handshakes are not here, but in
`net`.

- `policies`: MTA-STS policies of domains, kept in cache.db; fetching of policies over HTTPS
- `hostpolicy`: the TLS policy of one host, decided before connecting; pure
- `results`: results of sessions, as TLS reports count them
"""
