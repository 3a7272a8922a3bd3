"""The admin app as one service: its document, parts and calls, below its path (WEB-30, WEB-80..90)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

from moxlite.operations import Role
from moxlite.operations.performing import performer
from moxlite.web import metrics
from moxlite.web.admin.adminapi import OPERATIONS, VERSION, AdminAPI
from moxlite.web.admin.calls.access import AccessCalls, AuditCalls
from moxlite.web.admin.calls.accounts import AccountCalls
from moxlite.web.admin.calls.domains import DNSCalls, DomainCalls
from moxlite.web.admin.calls.live import Happenings, LiveCalls, LiveStreams
from moxlite.web.admin.calls.machine import BackupCalls, LogCalls, NetworkCalls, ProcessCalls
from moxlite.web.admin.calls.overview import HistoryCalls, OverviewCalls
from moxlite.web.admin.calls.reports import ReportCalls
from moxlite.web.admin.calls.settings import SettingsCalls
from moxlite.web.admin.providerlogin import AdminProviderLogins
from moxlite.web.admin.sessions import AdminSessions
from moxlite.web.calls import Source
from moxlite.web.callserver import CallServer, SessionAuth
from moxlite.web.cookies import Caller
from moxlite.web.document import LICENSES, Bundles, Document, licenses
from moxlite.web.factorcalls import FactorCalls
from moxlite.web.http.errors import HTTPError
from moxlite.web.logincalls import LoginCalls
from moxlite.web.providerlogin import BACK_CHANNEL, ProviderCalls

if TYPE_CHECKING:
    from moxlite.web.admin.dependencies import Dependencies
    from moxlite.web.http.exchange import Request, ResponseWriter


class AdminApp:
    """The admin app of a server. One instance serves all listeners; `mounted` returns the handler for one of them."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._document = Document("admin", dependencies.holder.path.parent, "webadmin")
        self._bundles = Bundles("admin")
        sessions = AdminSessions(
            auth=dependencies.auth,
            logins=dependencies.logins,
            factors=dependencies.factors.factors,
            config=dependencies.holder,
            resets=lambda: dependencies.factors.admin_resets,
        )
        self._provided = AdminProviderLogins(sessions, dependencies.people, dependencies.auth, dependencies.logins)
        shared: Mapping[type, object] = {
            LoginCalls: LoginCalls(sessions),
            FactorCalls: FactorCalls(sessions, dependencies.factors),
            ProviderCalls: ProviderCalls(self._provided),
        }

        self._calls = CallServer(
            API,
            lambda page: shared.get(page) or page(dependencies, sessions),
            SessionAuth(sessions),
            metrics.admin_api_seconds,
            title="moxlite admin",
            events=Happenings,
            perform=dependencies.perform,
            audit=dependencies.auth.audit,
            answers=dependencies.auth.answers,
        )
        self._live = LiveStreams(sessions)
        dependencies.auth.sessions.watchers.append(self._live.doubt)
        self._programs = AdminAPI(
            dependencies.logins, performer(dependencies.commands, Role.TOKEN), dependencies.auth.answers
        )

    def mounted(self, path: str, *, forwarded: bool) -> Callable[[Request, ResponseWriter], Awaitable[None]]:
        """The handler for a port where the app is at `path`."""

        async def handle(request: Request, writer: ResponseWriter) -> None:
            await self._handle(Caller(request, path, forwarded=forwarded), writer)

        return handle

    async def _handle(self, caller: Caller, writer: ResponseWriter) -> None:
        rest = caller.request.path.removeprefix(caller.path)
        if rest == "":
            await self._document.handle(caller.request, writer)
        elif rest.startswith("api/"):
            await self._calls.answer(caller, rest.removeprefix("api/"), writer)
        elif rest.startswith(VERSION):
            await self._programs.answer(caller, rest.removeprefix(VERSION), writer)
        elif rest == "live":
            await self._live.serve(caller, writer)
        elif rest == BACK_CHANNEL:
            await self._provided.logged_out(caller, writer)
        elif rest.startswith("part/"):
            await self._bundles.handle(rest.removeprefix("part/"), caller.request, writer)
        elif rest == LICENSES:
            await licenses(caller.request, writer)
        else:
            raise HTTPError(404, "Page not found.")


API: Final[tuple[Source, ...]] = (
    LoginCalls,
    ProviderCalls,
    FactorCalls,
    HistoryCalls,
    ReportCalls,
    AuditCalls,
    BackupCalls,
    ProcessCalls,
    LogCalls,
    LiveCalls,
    NetworkCalls,
    DNSCalls,
    DomainCalls,
    AccessCalls,
    AccountCalls,
    SettingsCalls,
    OverviewCalls,
    *(operation for operation in OPERATIONS if Role.ADMIN in operation.who),
)
"""The calls of the admin app: methods of its pages, and the operations for the administrator."""
