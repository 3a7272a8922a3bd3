"""Shutdown of connections: idle waits are cancelled, requests in progress finish (WEB-17)."""

from collections.abc import Iterator
from contextlib import contextmanager

import trio


class Drain:
    """Notifies all connections that the server stops.

    No task waits for it. Each wait that may be cut short runs inside `waiting()`, whose scope is cancelled when the
    drain begins.
    """

    def __init__(self) -> None:
        self.begun = False
        self._scopes: set[trio.CancelScope] = set()

    def begin(self) -> None:
        """Cancel all idle waits; responses in progress go on."""
        self.begun = True
        for scope in self._scopes:
            scope.cancel()

    @contextmanager
    def waiting(self) -> Iterator[trio.CancelScope]:
        """A scope for an idle wait. `begin` cancels it; if the drain has begun, it is cancelled from the start."""
        with trio.CancelScope() as scope:
            self._scopes.add(scope)
            if self.begun:
                scope.cancel()
            try:
                yield scope
            finally:
                self._scopes.discard(scope)
