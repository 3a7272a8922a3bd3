"""The calls for imports of files into a mailbox, with an end before the time and a way back (WEBMAIL-141)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from moxlite.store.errors import NoSuchMailbox
from moxlite.store.imports.engine import take_back
from moxlite.store.imports.items import Into
from moxlite.store.mail.acl import RIGHTS
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.store.types import MailboxID
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotFound
from moxlite.web.http.exchange import query_parameters
from moxlite.web.importing.browser import TargetMailbox
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.holders import Holder
from moxlite.web.webmail.live.importing import importing
from moxlite.web.webmail.queryactions import TAKING
from moxlite.web.webmail.querytypes import ID
from moxlite.web.webmail.types import Importing
from moxlite.wording import worded

if TYPE_CHECKING:
    from moxlite.store.auth.sessions import Session
    from moxlite.store.file.transaction import Reader
    from moxlite.web.http.exchange import ResponseWriter


Token = Annotated[str, Meta(max_length=64)]
Size = Annotated[int, Meta(ge=0, le=1 << 50)]
Number = Annotated[int, Meta(ge=1, le=100_000)]
"""Messages that Undo takes back: 250 units, some seconds."""

FLAGGING = "stw"
"""Rights that set flags; an import goes without those that the user lacks."""


class ImportCalls(AccountCalls):
    """Calls for imports into mailboxes of the user, and of others who let the user add messages."""

    async def receive_import(self, caller: Caller, writer: ResponseWriter) -> None:
        """Answer ``POST import?mailbox_id=…``: the form has the files, the answer a token."""
        shown = query_parameters(caller.request).get("mailbox_id", "")
        mailbox_id = int(shown) if shown.isascii() and shown.isdigit() and len(shown) <= 16 else 0
        await self._server.imports.receive(caller, self._sessions, writer, partial(self._choose, mailbox_id=mailbox_id))

    @call()
    async def import_check(self, caller: Caller, mailbox_id: ID, size: Size) -> None:
        """Check whether files of this size can be imported into a mailbox now; an error gives the reason."""
        chosen = await self._choose(caller.require(), mailbox_id)
        await self._server.imports.check(chosen.account, size)

    @call()
    async def import_state(self, caller: Caller, token: Token) -> Importing | None:
        """The state of an import that the user began; null for one that ended over a minute ago, or with the server."""
        for progress, job in self._server.imports.begun_by(caller.require().account):
            if progress.token.hex() == token:
                return importing(progress, job)
        return None

    @call(once=True)
    async def import_abort(self, caller: Caller, token: Token) -> None:
        """Abort an import with nothing changed; refused if it has finished already."""
        self._server.imports.abort(caller.require().account, token)

    @call(once=True)
    async def import_undo(self, caller: Caller, first_id: ID, messages: Number) -> int:
        """Remove the messages of an import, by the id of the first, that were not moved since; returns their number.

        Raises NotFound if all of them are gone.
        """
        async with self._holders.at(caller.require(), first_id) as holder:

            def allowed(r: Reader, mailbox_id: MailboxID) -> bool:
                try:
                    holder.check_box(r, mailbox_id)
                except NoSuchMailbox:  # to the guest there is nothing
                    return False
                holder.check_box(r, mailbox_id, TAKING)
                return True

            removed = await take_back(holder.account, holder.local_id(first_id), messages, allowed)
        if not removed:
            raise NotFound(worded("message {missing} no longer exists", missing=str(first_id)))
        return removed

    async def _choose(self, session: Session, mailbox_id: int) -> TargetMailbox:
        """The chosen mailbox. Raises NoSuchMessage, NoSuchMailbox, NoRight, MailboxNotAllowed."""
        async with self._holders.at(session, mailbox_id) as holder:
            return await holder.account.read(lambda r: _chosen(r, holder, mailbox_id), op="webmail_import")


def _chosen(r: Reader, holder: Holder, shown: int) -> TargetMailbox:
    there = MailboxID(holder.local_id(shown))
    holder.check_box(r, there, "i")
    box = mailbox_rows.mailbox(r, there)
    holder.require(r, box, "i")
    rights = holder.rights_to(r, box) if holder.guest else RIGHTS
    needed = "i" + "".join([letter for letter in FLAGGING if letter in rights])
    return TargetMailbox(holder.owner, box.name, Into(box.id, holder.guest, needed), shown)
