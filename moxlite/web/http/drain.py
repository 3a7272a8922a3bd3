"""The end of serving: what waits without work stops at once, what works finishes (WEB-17)."""

from collections.abc import Iterator
from contextlib import contextmanager

import trio

__all__ = ["Drain"]


class Drain:
    """Tells all connections that the server stops.

    No task waits for it: each wait that may be cut short runs inside `waiting()`, whose scope is cancelled when the
    drain begins.
    """

    def __init__(self) -> None:
        self.begun = False
        self._scopes: set[trio.CancelScope] = set()

    def begin(self) -> None:
        """Cut all idle waits short; responses in flight go on."""
        self.begun = True
        for scope in self._scopes:
            scope.cancel()

    @contextmanager
    def waiting(self) -> Iterator[trio.CancelScope]:
        """A scope for an idle wait; it is cancelled by `begin`, at once when that was before."""
        with trio.CancelScope() as scope:
            self._scopes.add(scope)
            if self.begun:
                scope.cancel()
            try:
                yield scope
            finally:
                self._scopes.discard(scope)
