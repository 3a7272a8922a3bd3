"""The account app as one service: its document, calls, imports and exports, below the path where it is mounted
(WEB-30, WEB-61..79).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta

from moxlite.operations.subjects import for_users
from moxlite.store.people.devices import forget_devices
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.web import metrics
from moxlite.web.account.calls.addresses import AddressCalls
from moxlite.web.account.calls.common import AccountCalls, Server
from moxlite.web.account.calls.copying import CalendarCopyingCalls, CopyingCalls
from moxlite.web.account.calls.devices import DeviceCalls, send_profile
from moxlite.web.account.calls.links import LinkCalls
from moxlite.web.account.calls.overview import OverviewCalls
from moxlite.web.account.calls.preferences import PreferenceCalls
from moxlite.web.account.calls.security import SecurityCalls
from moxlite.web.account.calls.sending import MaskedCalls, SendingCalls
from moxlite.web.account.calls.shares import ShareCalls
from moxlite.web.account.calls.sorting import JunkCalls, ScriptCalls, SortingCalls
from moxlite.web.account.types import Mailbox
from moxlite.web.calls import Source, call
from moxlite.web.callserver import CallServer, SessionAuth
from moxlite.web.cookies import Caller
from moxlite.web.document import LICENSES, Bundles, Document, licenses
from moxlite.web.factorcalls import FactorCalls, RecoveryCalls
from moxlite.web.http.errors import HTTPError
from moxlite.web.importing.browser import ImportEvent, ImportState
from moxlite.web.logincalls import LoginCalls
from moxlite.web.notices.calls import NoticeCalls
from moxlite.web.preferences import TemplateCalls
from moxlite.web.providerlogin import BACK_CHANNEL, ProviderCalls, ProviderConnectionCalls, ProviderLogins
from moxlite.web.sessions import Sessions
from moxlite.web.types import LoginResult

if TYPE_CHECKING:
    from pathlib import Path

    from moxlite.admin.providerpeople import ProviderPeople
    from moxlite.web.exports import BrowserExports
    from moxlite.web.http.exchange import Request, ResponseWriter


class AccountApp:
    """The account app of a server. One instance serves all listeners; `mounted` returns the handler for one of them."""

    def __init__(
        self,
        *,
        config_dir: Path,
        server: Server,
        exports: BrowserExports,
        people: ProviderPeople | None,
    ) -> None:
        config = server.config
        self._parts = Bundles("account")
        self._document = Document("account", config_dir, "webaccount", self._parts.languages)
        self._sessions = Sessions(
            "webaccount", auth=server.auth, logins=server.logins, factors=server.factors.factors, config=config
        )
        self._exports = exports
        self._server = server
        self._provided = ProviderLogins(self._sessions, people, server.auth, server.logins)
        shared: Mapping[type, object] = {
            LoginCalls: LoginCalls(self._sessions),
            ProviderCalls: ProviderCalls(self._provided),
            ProviderConnectionCalls: ProviderConnectionCalls(self._provided, server.factors),
            FactorCalls: FactorCalls(self._sessions, server.factors),
            RecoveryCalls: RecoveryCalls(server.factors),
            NoticeCalls: NoticeCalls(server.accounts, server.notices),
            TemplateCalls: TemplateCalls(server.accounts),
        }
        self._calls = CallServer(
            API,
            lambda page: shared.get(page) or page(self._sessions, server),
            SessionAuth(self._sessions),
            metrics.account_api_seconds,
            title="moxlite account",
            events=ImportEvent,
            perform=server.perform,
            audit=server.auth.audit,
            answers=server.auth.answers,
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
            await self._server.imports.receive(caller, self._sessions, writer)
        elif rest == "importprogress":
            await self._server.imports.tell(caller.request, writer)
        elif rest == "export":
            await self._exports.answer(caller, self._sessions, writer)
        elif rest == BACK_CHANNEL:
            await self._provided.logged_out(caller, writer)
        elif rest == LICENSES:
            await licenses(caller.request, writer)
        else:
            raise HTTPError(404, "Page not found.")


# Pages of a few calls.


Size = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Token = Annotated[str, Meta(max_length=64)]


class SessionCalls(AccountCalls):
    """The page's own session."""

    @call(public=True)
    async def login_handed(self, caller: Caller, token: Token) -> LoginResult:
        """Take over the session of the webmail in this browser, by the token of its call `hand_on`."""
        # Stricter than for other calls, which may lack the field: this one starts a session without a secret that the
        # user typed.
        if caller.request.headers.get("origin") != caller.request.origin:
            raise HTTPError(403, "Only this server's own pages can use this URL.")
        return await self._sessions.take_over(caller, token)

    @call()
    async def logout(self, caller: Caller) -> None:
        """End the session; one that was handed on, with the webmail's and its notices to devices."""
        session = caller.require()
        ended = await self._sessions.log_out(caller)
        if session.parent:
            async with self._open(caller) as account:
                await forget_devices(account, ended)


class TransferCalls(AccountCalls):
    """Imports and exports of files."""

    @call()
    async def export_prep(self, caller: Caller) -> None:
        """Check that mail may be exported now: the user must have confirmed that (WEB-63a)."""
        self._sessions.require_confirmed(caller.require())

    @call()
    async def mailboxes(self, caller: Caller) -> list[Mailbox]:
        """All mailboxes but the system's, by name: the ones that can be imported to and exported."""
        async with self._open(caller) as account:
            found = await account.read(mailbox_rows.mailboxes, op="account_mailboxes")
        return [Mailbox(box.name, box.total, box.size) for box in found if not box.system]

    @call()
    async def import_state(self, caller: Caller) -> ImportState:
        """Whether an import is running, and the token by which a page follows it."""
        return self._server.imports.state(caller.require().account)

    @call()
    async def import_check(self, caller: Caller, size: Size) -> None:
        """Check whether a file of this size can be imported now; an error gives the reason."""
        await self._server.imports.check(caller.require().account, size)

    @call(once=True)
    async def import_abort(self, caller: Caller, token: Token) -> None:
        """Abort an import with nothing changed; refused if it has finished already."""
        self._server.imports.abort(caller.require().account, token)


API: Final[tuple[Source, ...]] = (
    LoginCalls,
    ProviderCalls,
    ProviderConnectionCalls,
    FactorCalls,
    RecoveryCalls,
    SortingCalls,
    MaskedCalls,
    LinkCalls,
    ShareCalls,
    CopyingCalls,
    CalendarCopyingCalls,
    DeviceCalls,
    JunkCalls,
    SendingCalls,
    ScriptCalls,
    AddressCalls,
    SecurityCalls,
    OverviewCalls,
    PreferenceCalls,
    TemplateCalls,
    NoticeCalls,
    SessionCalls,
    TransferCalls,
    *for_users(),
)
"""The pages of the account app, whose marked methods are its calls (WEB-61..76), and the operations for users. They are
for the user's own account; all but the public ones need a session.
"""
