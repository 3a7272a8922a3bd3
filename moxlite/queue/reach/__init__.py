"""From where other servers are connected to, and how often (docs/spec/queue.md §2, §5).

- `source`: whether IPv6 is good to send from
- `load`: connections per host, and hosts that are not to be connected to for a while
"""
