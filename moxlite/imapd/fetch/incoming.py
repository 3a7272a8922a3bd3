"""Receiving messages of APPEND and REPLACE, up to the end of the command (IMAP-85..88, RFC 9051 §6.3.12, RFC 3502, RFC
7888).

All checks that do not need the octets are made before they come, which saves the client of a synchronizing literal the
upload. Messages are parsed as they come, while the client sends the next.
"""

from __future__ import annotations

import logging
import time
from typing import Final

import msgspec

from moxlite.imapd.session.errors import Disconnect, bad, no
from moxlite.imapd.session.named import resolve
from moxlite.imapd.session.place import Place, at
from moxlite.imapd.session.state import Session
from moxlite.imapd.updates.changes import parse_words
from moxlite.ledger import FREE, ledger
from moxlite.processor import turn
from moxlite.proto.imap.append import AppendHead
from moxlite.proto.imap.server import LiteralRequest
from moxlite.store.content.prepare import PreparedMessage, prepare_in_thread, prepare_on_loop
from moxlite.store.content.spool import Spool, SpoolFile
from moxlite.store.file.transaction import Reader
from moxlite.store.rows.mailboxes import state

logger = logging.getLogger("moxlite.imapd")

MAX_FACTOR: Final = 4
"""Maximum size of all messages of one APPEND together, in multiples of the limit for one (IMAP-88)."""

MEMORY: Final = 1 << 20
"""Octets of one command's messages that are kept in memory, compressed (SMTP-37, IMAP-143). More are kept in one
file.
"""

JOINED_MEMORY: Final = 16_384
"""Octets that are kept in memory of a message joined from parts."""

UNCHECKED: Final = 65_536
"""Octets received before the target mailbox is checked, if the client sends them in any case. The transaction that adds
the messages makes the same checks.
"""

BUSY: Final = 0.002
"""Seconds of parsing messages before a checkpoint."""


class Target(msgspec.Struct, frozen=True):
    """The target mailbox at the announcement of the first message: the user's rights, the account's quota in octets (0:
    unlimited), and the octets in use.
    """

    rights: str
    quota: int
    used: int


async def find_target(place: Place) -> Target:
    """Look up the mailbox that messages are added to. Raises Refused (TRYCREATE, NOPERM), BadMailboxName."""
    quota = place.account.config.quota

    def read(r: Reader) -> Target:
        return Target(place.rights(r, place.box(r).id), quota, state(r).total_size if quota else 0)

    return await place.account.read(read, op="imap-append")


def require_catenate(session: Session) -> None:
    """Raise Refused (BAD) if CATENATE is disabled (IMAP-37)."""
    if "CATENATE" in session.login.disabled:
        raise bad("CATENATE isn't supported")


class Incoming:
    """The messages of the command that is being received.

    Attributes:
      messages: received so far: parsed messages, and literals that CATENATE joins.
      target: None until it has been looked up.
      failed: the disk is full: further octets are discarded, and the command fails (IMAP-153).
      limit: octets of the largest message that may be added.
    """

    __slots__ = (
        "_busy",
        "_file",
        "_hold",
        "_memory",
        "_part",
        "_session",
        "_size",
        "_spool",
        "failed",
        "limit",
        "messages",
        "target",
    )

    def __init__(self, session: Session) -> None:
        self.limit = session.context.append_limit
        self._session = session
        self._size = 0
        self._memory = MEMORY
        self._busy = 0.0
        spools = session.context.spools
        self._file = SpoolFile(spools.directory, spools.share(session.info))
        self._hold = ledger().hold()  # of what the spools no longer have: octets in the form for the store
        self._spool: Spool | None = None  # the literal being received
        self._part = False  # and whether it is a part of a message
        self.messages: list[PreparedMessage | Spool] = []
        self.target: Target | None = None
        self.failed = False

    async def begin(self, request: LiteralRequest) -> None:
        """Handle the announcement of message data. Raises Refused, with the answer to the command, if it is not
        accepted.
        """
        head = request.command_head
        assert head is not None
        session, limit = self._session, self.limit
        # These octets come whether or not they are wanted: gigabytes would have to be read only to be refused.
        if not request.sync and request.size > MAX_FACTOR * limit:
            raise Disconnect("message too large", "TOOBIG")
        if head.catenate:
            require_catenate(session)
        if head.replace is not None:
            await self._check_replace(head)
        parse_words(head.flags)
        self._size += request.size
        if self.target is None and (request.sync or self._size > UNCHECKED):
            prefix, name = session.login.prefix, head.mailbox
            if prefix is not None:
                name = await prefix.own_name(session.home.account, name)
            async with at(session, name) as place:
                self.target = await find_target(place)
                place.account.check_space()
        if request.size > limit or self._size > MAX_FACTOR * limit:
            raise no(f"messages can be up to {limit} bytes", "TOOBIG")
        if not request.size and not head.catenate:
            raise no("can't store an empty message")  # RFC 3502 §6.3.11: a client gives up in this way
        if self.target is not None and 0 < self.target.quota < self.target.used + self._size:
            raise no("over quota", "OVERQUOTA")
        self._spool = self._spool_of(request.size)
        self._part = head.catenate

    def _spool_of(self, memory: int) -> Spool:
        """A spool that keeps in memory as many octets as the command has left there, or none."""
        limit = memory if memory <= self._memory else 0
        return Spool(self._session.context.spools.directory, memory_limit=limit, file=self._file)

    def join(self) -> Spool:
        """A spool of any size for joining a message from parts (RFC 4469); one after the other."""
        self._spool = self._spool_of(JOINED_MEMORY)
        return self._spool

    async def parse(self, spool: Spool) -> PreparedMessage:
        """A whole message in the form for the store; its octets in memory are counted. Raises OSError, BadMessage."""
        limit = self.limit
        chunks = spool.size <= self._memory or self._memory == MEMORY  # one message of any size: one transaction
        began = time.perf_counter()
        prepared = prepare_on_loop(spool, max_size=limit, chunks=chunks)
        self._busy += time.perf_counter() - began
        if prepared is None:
            prepared = await prepare_in_thread(spool, max_size=limit, chunks=chunks)
        elif self._busy > BUSY:
            self._busy = 0.0
            await turn()
        # Encoded for the store by now, so the spool is not needed: only the compressed octets stay in memory.
        if prepared.chunks is not None:
            octets = sum([len(chunk.data) for chunk in prepared.chunks])
            self._memory -= octets
            spool.close()
            if octets > FREE:
                self._hold.count("spool", octets)
        return prepared

    async def _check_replace(self, head: AppendHead) -> None:
        """Check that the message to replace exists (RFC 8508 §3.3)."""
        assert head.replace is not None
        view = self._session.writable("te")
        if head.replace.star and not view.exists:
            raise bad("the mailbox is empty")
        uids = await resolve(view, head.replace, uid=head.uid)
        if not uids:
            raise no("no such message")
        if not view.live(uids):
            raise no("the message no longer exists", "EXPUNGEISSUED")

    async def write(self, octets: bytes) -> None:
        """Add octets to the message that is being received."""
        if not self.failed:
            assert self._spool is not None
            try:
                await self._spool.write(octets)
            except OSError as error:
                self.fail(error)

    async def finish(self) -> None:
        """Finish the literal: parse a whole message, or keep a part for CATENATE."""
        if not self.failed:
            spool, self._spool = self._spool, None
            assert spool is not None
            try:
                await spool.finish()
                if self._part:
                    self._memory -= spool.size if spool.size <= self._memory else 0
                    self.messages.append(spool)
                else:
                    self.messages.append(await self.parse(spool))
            except OSError as error:
                self.fail(error)

    def fail(self, error: OSError) -> None:
        """Discard all messages, as the disk is full."""
        logger.error("failed to spool message", extra={"kv": {"err": error}})
        self.failed = True
        self.close()

    def close(self) -> None:
        """Free memory and the file."""
        self._file.close()
        for message in (*self.messages, self._spool):
            spool = message.spool if isinstance(message, PreparedMessage) else message
            if spool is not None:
                spool.close()
        self._spool = None
        self._hold.close()
        self.messages.clear()


def under_way(session: Session) -> Incoming:
    """The messages of the command that the session is receiving."""
    if session.running.incoming is None:
        session.running.incoming = Incoming(session)
    assert isinstance(session.running.incoming, Incoming)
    return session.running.incoming
