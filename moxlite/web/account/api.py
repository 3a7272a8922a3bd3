"""The calls of the account app (WEB-61..76), in groups by subject. All are for the user's own account."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from moxlite.admin.factors.changes import FactorChanges
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.web.account.calls.addresses import AddressCalls
from moxlite.web.account.calls.common import Server
from moxlite.web.account.calls.copying import CopyingCalls
from moxlite.web.account.calls.devices import DeviceCalls
from moxlite.web.account.calls.forwarding import ForwardCalls
from moxlite.web.account.calls.junk import JunkCalls
from moxlite.web.account.calls.keys import KeyCalls
from moxlite.web.account.calls.overview import OverviewCalls
from moxlite.web.account.calls.scripts import ScriptCalls
from moxlite.web.account.calls.security import SecurityCalls
from moxlite.web.account.calls.sending import SendingCalls
from moxlite.web.account.calls.shares import ShareCalls
from moxlite.web.account.calls.sorting import SortingCalls
from moxlite.web.account.calls.vacation import VacationCalls
from moxlite.web.account.types import Mailbox
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.factorcalls.calls import RecoveryCalls
from moxlite.web.importing.browser import BrowserImports
from moxlite.web.importing.types import ImportState
from moxlite.web.sessions import Sessions

Size = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Token = Annotated[str, Meta(max_length=64)]


class API(
    OverviewCalls,
    SecurityCalls,
    AddressCalls,
    ScriptCalls,
    VacationCalls,
    ForwardCalls,
    KeyCalls,
    SendingCalls,
    JunkCalls,
    DeviceCalls,
    CopyingCalls,
    ShareCalls,
    SortingCalls,
    RecoveryCalls,
):
    """The calls of the account app. `Caller.session` is set for all calls but the public ones."""

    def __init__(self, sessions: Sessions, server: Server, imports: BrowserImports, factors: FactorChanges) -> None:
        RecoveryCalls.__init__(self, sessions, factors)
        self._server = server
        self._imports = imports

    @call()
    async def logout(self, caller: Caller) -> None:
        """End the session."""
        await self._sessions.log_out(caller)

    @call()
    async def mailboxes(self, caller: Caller) -> list[Mailbox]:
        """All mailboxes but the system's, by name: the ones that can be imported to and exported."""
        async with self._open(caller) as account:
            found = await account.read(mailbox_rows.mailboxes, op="account_mailboxes")
        return [Mailbox(box.name, box.total, box.size) for box in found if not box.system]

    @call()
    async def import_state(self, caller: Caller) -> ImportState:
        """Whether an import is running, and the token by which a page follows it."""
        return self._imports.state(caller.require().account)

    @call()
    async def import_check(self, caller: Caller, size: Size) -> None:
        """Check whether a file of this size can be imported now; an error gives the reason."""
        await self._imports.check(caller.require().account, size)

    @call()
    async def import_abort(self, caller: Caller, token: Token) -> None:
        """Abort an import with nothing changed; refused if it has finished already."""
        self._imports.abort(caller.require().account, token)
