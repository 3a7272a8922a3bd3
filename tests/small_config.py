"""The smallest configuration that a server starts with, for tests of single parts of it."""

from collections.abc import Callable

from moxlite.config.snapshot import Snapshot

__all__ = ["DOMAINS", "STATIC", "Changing"]

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


class Changing:
    """A configuration that a test changes, by the function that returns the one in use."""

    def __init__(self, get: Callable[[], Snapshot]) -> None:
        self._get = get

    @property
    def current(self) -> Snapshot:
        """As `CurrentConfig`."""
        return self._get()
