"""Which servers are connected to, from where, and how often (docs/spec/queue.md §2, §5).

- `hosts`: the hosts of a domain and their addresses
- `source`: whether IPv6 is good to send from
- `load`: connections per host, and hosts that are not to be connected to for a while
"""
