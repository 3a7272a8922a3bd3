"""A script's decision about a message that is stored already (WEBMAIL-130a): the mailbox alone. All else that a script
does, such as sending on, answering or discarding, is for mail that comes in.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from moxlite.acceptance.rules import Place, SortPage, StoredMessage, sort_page
from moxlite.acceptance.sieve.filtering import Included, offset_of, ready, time_limit, turn_of, uses_of
from moxlite.proto.sieve.message import Body, Mailbox as SieveAddress, Message
from moxlite.proto.sieve.outcome import FileAction
from moxlite.proto.sieve.program import Program, run
from moxlite.proto.sieve.state import Mailboxes, World
from moxlite.store.changelog.account import Account
from moxlite.store.content import body
from moxlite.store.delivery.scripts import NoSuchScript, compiled_script, other_scripts
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.facts import Arrived, SMTPArrival
from moxlite.store.rows.mailboxes import mailboxes

INBOX: Final = "Inbox"


class StoredScript:
    """A script of the account, ready to decide about stored messages.

    Args:
      name: of the script. Raises NoSuchScript, also for one that this version cannot read.
    """

    def __init__(self, r: Reader, name: str) -> None:
        program = ready(compiled_script(r, name))
        if program is None:
            raise NoSuchScript(name)
        self._program: Program = program
        self._others = Included(other_scripts(r, name) if program.includes else {})
        boxes = mailboxes(r)
        self._names = frozenset(box.name for box in boxes if not box.system)
        self._mailboxes = Mailboxes(
            names=frozenset(box.name for box in boxes),
            ids={f"F{box.id}": box.name for box in boxes},
            uses={box.name: uses_of(box.special_use) for box in boxes if box.special_use},
        )

    def __call__(self, r: Reader, one: Arrived, stored: StoredMessage) -> str:
        """The first mailbox into which the script files the message, "" where it keeps it, or fails."""
        place = body.locate(r, one.message_id)
        structure, came = stored.structure, stored.came
        message = Message(
            stored.section,
            structure.size,
            lambda: Body(structure, lambda start, end: body.read_content(r, place, start, end)),
        )
        outcome = run(
            self._program,
            message,
            World(
                now=one.received,
                offset=offset_of,
                sender=_sender(came),
                recipient=SieveAddress(one.localpart, one.domain),
                mailboxes=self._mailboxes,
                scripts=self._others,
                overdue=time_limit(),
            ),
        )
        if outcome.error:
            return ""
        return next(
            (
                action.mailbox
                for action in outcome.actions
                if isinstance(action, FileAction) and (action.mailbox in self._names or action.create)
            ),
            "",
        )


async def sort_page_by_script(account: Account, name: str, after: Place | None) -> SortPage:
    """Decide by a script about the next messages of the Inbox, as `sort_page`. Raises NoSuchScript, StoreError."""
    script = await account.scan(lambda r: StoredScript(r, name), op="sorting")
    return await sort_page(
        account, INBOX, script, lambda _: True, after, at_once=1, turn=partial(turn_of, account.name)
    )


def _sender(came: SMTPArrival) -> SieveAddress | None:
    return SieveAddress(came.mailfrom, came.mailfrom_domain) if came.mailfrom_domain else None
