"""Base class of the admin app's groups of calls."""

from __future__ import annotations

from moxlite.web.admin.console import Console
from moxlite.web.admin.sessions import AdminSessions
from moxlite.web.admin.surroundings import Surroundings
from moxlite.web.factorcalls.calls import FactorCalls


class AdminCalls(FactorCalls):
    """Calls that use the server's parts, and its commands."""

    def __init__(self, surroundings: Surroundings, sessions: AdminSessions) -> None:
        super().__init__(sessions, surroundings.factors)
        self._server = surroundings
        self._admin_sessions = sessions
        self._console = Console(surroundings.commands)
