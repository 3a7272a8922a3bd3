"""Which TLS other servers must show (docs/spec/queue.md §6, §10, §11).

- `policies`: MTA-STS policies of domains, kept in cache.db
- `fetching`: where they come from
- `hostpolicy`: what one host must show, decided before it is connected to; pure
- `results`: how sessions went, as TLS reports count it
"""
