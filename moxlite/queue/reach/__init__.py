"""From where other servers are connected to, and how often (docs/spec/queue.md §2, §5).

- `source`: whether IPv6 is good to send from
"""
