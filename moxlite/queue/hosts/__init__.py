"""The hosts to connect to, the source address, and limits of connections (docs/spec/queue.md §2, §5). TLS policies and
SMTP are not here.

- `hosts`: the hosts of a domain and their addresses; whether IPv6 is good to send from
- `load`: connections per host, and pauses of hosts
"""
