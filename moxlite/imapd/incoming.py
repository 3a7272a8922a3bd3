"""Messages on their way in: APPEND and REPLACE up to the end of the command (IMAP-85..88, RFC 9051 §6.3.12, RFC 3502,
RFC 7888).

What can be checked before the octets come is checked then: the client of a synchronizing literal is spared the
upload.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from moxlite.proto.imap.append import AppendHead
from moxlite.proto.imap.server import LiteralRequest
from moxlite.store.errors import BadMailboxName
from moxlite.store.names import check_name
from moxlite.store.reading import mailbox_by_name, state
from moxlite.store.spool import Spool
from moxlite.store.transaction import Reader
from moxlite.store.types import Mailbox

from .errors import Disconnect, bad, no
from .flagwire import parse_words
from .named import resolve

if TYPE_CHECKING:
    from .session import Session

__all__ = ["MAX_FACTOR", "Incoming", "require_catenate", "target_mailbox"]

logger = logging.getLogger("moxlite.imapd")

MAX_FACTOR: Final = 4
"""All messages of one APPEND together, in multiples of the limit for one (IMAP-88)."""

MEMORY: Final = 1 << 20
"""Octets of one command's messages that are kept in memory (SMTP-37, IMAP-143); the others lie in files."""

MAX_FILES: Final = 100
"""Messages of one command that lie in files, or are put together from parts: each may be an open file."""

JOINED_MEMORY: Final = 16_384
"""Octets of a message put together that are kept in memory: a hundred of them are as much as `MEMORY`."""


async def target_mailbox(session: Session, name: str) -> Mailbox:
    """The mailbox that messages are added to. Raises Refused (TRYCREATE) if it doesn't exist."""
    try:
        checked = check_name(name)
    except BadMailboxName:
        raise no("no such mailbox", "NONEXISTENT") from None
    box = await session.account.read(lambda r: mailbox_by_name(r, checked), op="imap-append")
    if box is None:
        raise no("no such mailbox", "TRYCREATE")
    return box


def require_catenate(session: Session) -> None:
    """Raises Refused (BAD) where CATENATE is switched off (IMAP-37)."""
    if "CATENATE" in session.disabled:
        raise bad("CATENATE is not supported")


class Incoming:
    """The messages of the command that is being received."""

    __slots__ = ("_files", "_joined", "_memory", "_session", "_size", "failed", "spools")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._size = 0
        self._memory = MEMORY
        self._files = 0
        self._joined: list[Spool] = []
        self.spools: list[Spool] = []
        self.failed = False  # the disk is full: what comes is thrown away, the command fails (IMAP-153)

    async def begin(self, request: LiteralRequest) -> None:
        """Message data is announced. Raises Refused, with the answer to the command, if it isn't wanted."""
        head = request.command_head
        assert head is not None
        session = self._session
        limit = session.context.append_limit
        if not request.sync and request.size > MAX_FACTOR * limit:
            raise Disconnect("message too big", "TOOBIG")
        if head.catenate:
            require_catenate(session)
        if head.replace is not None:
            await self._check_replace(head)
        parse_words(head.flags)
        box = await target_mailbox(session, head.mailbox)
        self._size += request.size
        if request.size > limit or self._size > MAX_FACTOR * limit:
            raise no(f"a message may have {limit} octets", "TOOBIG")
        if not request.size and not head.catenate:
            raise no("empty message, nothing is stored")  # RFC 3502 §3: how a client gives up
        await self._check_quota(box)
        self.spools.append(self._spool(request.size))

    def _spool(self, size: int) -> Spool:
        """Where to keep a message of `size` octets: in memory as long as the command's share of that lasts."""
        directory = self._session.context.spool_directory
        if size <= self._memory:
            self._memory -= size
            return Spool(directory, memory_limit=size)
        if self._files >= MAX_FILES:
            raise no("too many long messages in one command", "LIMIT")
        self._files += 1
        return Spool(directory, memory_limit=0)

    def join(self) -> Spool:
        """Where to put a message together from parts (RFC 4469), of any size."""
        if self._files >= MAX_FILES:
            raise no("too many messages in one command", "LIMIT")
        self._files += 1
        self._joined.append(Spool(self._session.context.spool_directory, memory_limit=JOINED_MEMORY))
        return self._joined[-1]

    async def _check_replace(self, head: AppendHead) -> None:
        """The message to replace must be there (RFC 8508 §3.3)."""
        assert head.replace is not None
        view = self._session.writable
        if head.replace.star and not view.exists:
            raise bad("the mailbox is empty")
        uids = await resolve(self._session, view, head.replace, uid=head.uid)
        if not uids:
            raise no("no such message")
        if not view.live(uids):
            raise no("the message is gone", "EXPUNGEISSUED")

    async def _check_quota(self, box: Mailbox) -> None:
        account = self._session.account
        account.check_space()
        quota = account.config.quota

        def used(r: Reader) -> int:
            return state(r).total_size

        if quota and await account.read(used, op="imap-quota") + self._size > quota:
            raise no("over quota", "OVERQUOTA")

    async def write(self, octets: bytes) -> None:
        """Octets of the message that is being received."""
        if not self.failed:
            try:
                await self.spools[-1].write(octets)
            except OSError as error:
                self._fail(error)

    async def finish(self) -> None:
        """The message is complete."""
        if not self.failed:
            try:
                await self.spools[-1].finish()
            except OSError as error:
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        logger.error("message can't be spooled", extra={"kv": {"err": error}})
        self.failed = True
        self.close()

    def close(self) -> None:
        """Give the space back."""
        for spool in (*self.spools, *self._joined):
            spool.close()
        self.spools.clear()
        self._joined.clear()
