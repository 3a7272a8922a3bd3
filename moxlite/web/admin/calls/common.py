"""Values and functions that the admin app's pages share."""

from __future__ import annotations

from moxlite.operations import Operation, R
from moxlite.web.admin.dependencies import Dependencies
from moxlite.web.admin.sessions import AdminSessions
from moxlite.web.errors import translated


class AdminCalls:
    """Calls that use the server's parts, and the operations of the command line (WEB-165)."""

    def __init__(self, dependencies: Dependencies, sessions: AdminSessions) -> None:
        self._server = dependencies
        self._sessions = sessions

    async def _perform(self, operation: Operation[R], **fields: str) -> R:
        """The result of an operation. `fields`: names of its fields in the call. Raises APIError."""
        with translated(**fields):
            return await self._server.perform(operation)
