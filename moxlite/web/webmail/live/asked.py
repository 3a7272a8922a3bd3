"""Requests of a browser that wait for its stream (WEBMAIL-36)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trio

    from moxlite.web.webmail.querytypes import Request


class Asked:
    """The request to answer next, the search to cancel, and the words to end with.

    Attributes:
      newest: id of the newest request.
      ending: the stream ends with this message to the user; None: it goes on.
    """

    def __init__(self) -> None:
        self.newest = 0
        self.ending: str | None = None
        self._request: Request | None = None
        self._cancelled: int | None = None
        self._sleep: trio.CancelScope | None = None

    def submit(self, request: Request) -> None:
        """Take a request for a view, or for more of it; or cancel a search. A request that arrives after a later one is
        dropped: the browser has sent both at once, over two connections.
        """
        if request.cancel:
            self._cancelled = request.view_id
        elif request.id >= self.newest:
            self.newest = request.id
            self._request = request
        self._wake()

    def end(self, message: str) -> None:
        """End the stream with this message to the user."""
        self.ending = self.ending or message
        self._wake()

    def _wake(self) -> None:
        if self._sleep is not None:
            self._sleep.cancel()

    @contextmanager
    def waking(self, scope: trio.CancelScope) -> Iterator[None]:
        """Cancel `scope` when something is asked during the block."""
        self._sleep = scope
        try:
            yield
        finally:
            self._sleep = None

    @property
    def waits(self) -> bool:
        """Whether something is asked."""
        return self.interrupts or self._cancelled is not None

    @property
    def interrupts(self) -> bool:
        """Whether what is being sent is no longer wanted."""
        return self._request is not None or self.ending is not None

    def take_request(self) -> Request | None:
        """The request to answer, which is no longer kept."""
        request, self._request = self._request, None
        return request

    def take_cancelled(self) -> int | None:
        """Id of the view whose search the browser has cancelled, which is no longer kept."""
        view_id, self._cancelled = self._cancelled, None
        return view_id
