"""The account app as one service: its document, calls, imports and exports, below the path where it is mounted
(WEB-30, WEB-61..79).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from moxlite.web import metrics
from moxlite.web.account.api import API
from moxlite.web.account.calls.common import Server
from moxlite.web.account.deviceprofile import send_profile
from moxlite.web.assets import LICENSES, licenses
from moxlite.web.bundles import Bundles
from moxlite.web.callserver import CallServer
from moxlite.web.cookies import Caller
from moxlite.web.document import Document
from moxlite.web.http.errors import HTTPError
from moxlite.web.importing.browser import BrowserImports
from moxlite.web.importing.types import ImportEvent
from moxlite.web.sessions import Sessions

if TYPE_CHECKING:
    from pathlib import Path

    from moxlite.admin.factors.changes import FactorChanges
    from moxlite.logins.logins import Logins
    from moxlite.web.exports import BrowserExports
    from moxlite.web.http.exchange import Request, ResponseWriter


class AccountApp:
    """The account app of a server. One instance serves all listeners; `mounted` returns the handler for one of them."""

    def __init__(
        self,
        *,
        config_dir: Path,
        server: Server,
        logins: Logins,
        factors: FactorChanges,
        imports: BrowserImports,
        exports: BrowserExports,
    ) -> None:
        config = server.config
        self._parts = Bundles("account")
        self._document = Document("account", config_dir, "webaccount", self._parts.languages)
        self._sessions = Sessions("webaccount", auth=server.auth, logins=logins, factors=factors.factors, config=config)
        self._imports = imports
        self._exports = exports
        self._server = server
        self._calls = CallServer(
            API(self._sessions, server, self._imports, factors),
            self._sessions,
            metrics.account_api_seconds,
            title="moxlite account",
            events=ImportEvent,
            audit=server.auth.audit,
        )

    def mounted(
        self, path: str, *, siblings: Mapping[str, str], forwarded: bool
    ) -> Callable[[Request, ResponseWriter], Awaitable[None]]:
        """The handler for a port where the app is at `path` and the apps in `siblings` (by name) are at their paths."""

        async def handle(request: Request, writer: ResponseWriter) -> None:
            await self._handle(Caller(request, path, forwarded=forwarded, siblings=siblings), writer)

        return handle

    async def _handle(self, caller: Caller, writer: ResponseWriter) -> None:
        rest = caller.request.path.removeprefix(caller.path)
        if rest == "":
            await self._document.handle(caller.request, writer)
        elif rest.startswith("api/"):
            await self._calls.answer(caller, rest.removeprefix("api/"), writer)
        elif rest.startswith("part/"):
            await self._parts.handle(rest.removeprefix("part/"), caller.request, writer)
        elif rest == "device/profile":
            await send_profile(
                caller.request,
                writer,
                devices=self._server.devices,
                snapshot=self._server.config.current,
                certificate=self._server.certificate,
            )
        elif rest == "import":
            await self._imports.receive(caller, self._sessions, writer)
        elif rest == "importprogress":
            await self._imports.tell(caller.request, writer)
        elif rest == "export":
            await self._exports.answer(caller, self._sessions, writer)
        elif rest == LICENSES:
            await licenses(caller.request, writer)
        else:
            raise HTTPError(404, "There is nothing at this address.")
