"""The smallest configuration that a server starts with, for tests of single parts of it."""

__all__ = ["DOMAINS", "STATIC"]

STATIC = """\
hostname = "mx.example.org"
data_dir = "data"
[postmaster]
account = "me"
mailbox = "Postmaster"
[listeners.local]
ips = ["127.0.0.1"]
"""
"""moxlite.toml. What comes behind it is of the listener, unless it begins a table."""

DOMAINS = """\
[domains."example.org"]
[accounts.me]
domain = "example.org"
[accounts.me.destinations."me@example.org"]
"""
"""domains.toml."""
