"""State of one IMAP session: the log-in, the selected mailbox, enabled extensions, and the buffer of responses.

Beginning and end of its commands are in `imapd.loop`. The session has no socket, but a `Wire`. Handlers of commands get
the session, and change it.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Protocol

import msgspec
import trio

from moxlite.imapd.session.context import SLOW_FAILURES, Context
from moxlite.imapd.session.errors import Disconnect, no
from moxlite.imapd.session.output import HIGH_WATER, Wire
from moxlite.imapd.session.seat import Seat
from moxlite.imapd.session.sessions import SessionFacts
from moxlite.imapd.session.trace import Masker
from moxlite.imapd.session.view import View
from moxlite.logins.identity import Identity
from moxlite.proto.imap.encode import encode
from moxlite.proto.imap.fetchitems import FetchItem
from moxlite.proto.imap.responses import Code, Response, State
from moxlite.proto.imap.server import LiteralRequest
from moxlite.store.accounts.access import check_rights
from moxlite.store.mail.systemmailbox import UNCHANGEABLE
from moxlite.store.types import Event
from moxlite.wakeup import Alarm

__all__ = ["Done", "Enabled", "Handler", "Intake", "Need", "Session", "Watcher"]


class Enabled(enum.IntFlag):
    """Extensions that the client has enabled (RFC 9051 §6.3.1, IMAP-39)."""

    IMAP4REV2 = 1
    UTF8 = 2
    CONDSTORE = 4
    QRESYNC = 8
    UIDONLY = 16
    METADATA = 32
    METADATA_SERVER = 64


class Done(msgspec.Struct, frozen=True):
    """A command has succeeded: the tagged OK."""

    text: str
    code: Code | None = None


class Need(enum.Enum):
    """The state that a command needs (IMAP-52)."""

    NOTHING = enum.auto()
    NO_LOGIN = enum.auto()
    LOGIN = enum.auto()
    MAILBOX = enum.auto()


class Handler(msgspec.Struct, frozen=True):
    """Handler of a command.

    tells: whether changes are sent around it; commands that begin or end a view have none to send. after: action after
    the tagged OK. capability: the capability with which the command is disabled (IMAP-37). changes: it changes the
    account, so a read-only log-in may not use it (IMAP-158).
    """

    run: Callable[[Session, Any], Awaitable[Done]]
    need: Need
    tells: bool = True
    after: Callable[[Session], Awaitable[None]] | None = None
    capability: str = ""
    changes: bool = False


class Intake(Protocol):
    """Receiver of the messages of a running command (`fetch.incoming`)."""

    async def begin(self, request: LiteralRequest) -> None:
        """Handle the announcement of a literal. Raises Refused, with the answer to the command, if it is not
        accepted.
        """

    async def write(self, octets: bytes) -> None:
        """Add octets of the literal."""

    async def finish(self) -> None:
        """Finish the literal."""

    def close(self) -> None:
        """Free memory and files. Idempotent."""


class Watcher(Protocol):
    """The notifications that a client has requested, and how they are sent (`mailboxes.notify`, RFC 5465)."""

    @property
    def active(self) -> bool:
        """Whether changes may have to be sent between commands."""

    @property
    def whole(self) -> bool:
        """Whether all changes of the selected mailbox are sent."""

    @property
    def delayed(self) -> bool:
        """Whether removals are held back until a command allows them."""

    @property
    def selected(self) -> frozenset[str]:
        """The message events of the selected mailbox that are sent."""

    @property
    def items(self) -> tuple[FetchItem, ...]:
        """FETCH items to send for a new message."""

    async def wants(self, session: Session, event: str, *names: str) -> bool:
        """Whether an event other than message events is wanted for one of these mailbox names."""

    async def tell_mailboxes(self, session: Session, events: Sequence[Event]) -> None:
        """Send LIST lines for changed mailboxes and subscriptions."""

    async def tell_others(self, session: Session, events: Iterable[Event]) -> None:
        """Send STATUS of the mailboxes with changed messages."""

    async def tell_new(self, session: Session, view: View, uids: Sequence[int]) -> None:
        """Send FETCH of new messages, with `items`."""

    def check_held(self, session: Session) -> None:
        """If too many removals are held back, stop all notifications, and tell the client."""


class Session:
    """The state of one client's session.

    Attributes:
      context, wire, info: the server, the connection, and its addresses and TLS.
      tag: the running command's.
      enabled: extensions switched on by ENABLE, or by their use. In parts, since each answer needs them:
        utf8: names and strings are UTF-8 (IMAP-32). rev2: the client speaks IMAP4rev2 (IMAP-40). condstore: MODSEQ is
        sent with flags (IMAP-76). qresync: VANISHED replaces EXPUNGE (RFC 7162 §3.2.10). uidonly: there are no message
        numbers (RFC 9586).
      identity: the logged-in user; None before.
      view: the selected mailbox, None without one.
      certificate: the owner of the client certificate, until it is used (IMAP-48).
      client: the client's name from ID. command: the last command's name; both for the list of log-ins.
      failures: failed log-ins on this connection.
      disabled: capabilities that the account's owner has switched off (IMAP-37).
      quiet: see `hush`. told: UIDs whose flags were sent in the running command, None if that is not recorded.
      to_tell: number of changes that the running command may still send; below 0 if the last transaction had more.
      held: modseq of the first removal that is held back, 0 for none.
      limited: code for the response if the running command works on fewer messages than it names (RFC 9738).
      incoming: the messages of an APPEND that is being received.
      notify: the notifications that the client has requested, None before NOTIFY (RFC 5465).
    """

    __slots__ = (
        "_home",
        "_masker",
        "_stack",
        "certificate",
        "client",
        "command",
        "condstore",
        "context",
        "disabled",
        "enabled",
        "ending",
        "failures",
        "held",
        "identity",
        "incoming",
        "info",
        "limited",
        "notify",
        "qresync",
        "quiet",
        "rev2",
        "scope",
        "tag",
        "to_tell",
        "told",
        "uidonly",
        "utf8",
        "view",
        "wire",
    )

    def __init__(self, context: Context, wire: Wire) -> None:
        self.context = context
        self.wire = wire
        self.info = wire.info
        self.tag = ""
        self.enabled = Enabled(0)
        self.utf8 = self.rev2 = self.condstore = self.qresync = self.uidonly = False
        self.identity: Identity | None = None
        self.certificate: Identity | None = None
        self.client = ""
        self.command = ""
        self.failures = 0
        self.disabled: frozenset[str] = frozenset()
        self.view: View | None = None
        self.quiet: dict[int, bool] = {}
        self.told: set[int] | None = None
        self.to_tell = 0
        self.held = 0
        self.limited: Code | None = None
        self.incoming: Intake | None = None
        self.notify: Watcher | None = None
        self.ending: Disconnect | None = None
        self.scope: trio.CancelScope | None = None  # what to cancel in order to end while waiting
        self._home: Seat | None = None
        self._stack = AsyncExitStack()
        self._masker: Masker | None = None

    # -- user and place

    @property
    def home(self) -> Seat:
        """The seat at the account of the logged-in user."""
        assert self._home is not None
        return self._home

    @property
    def logged_in(self) -> bool:
        """Whether the session is in authenticated or selected state."""
        return self._home is not None

    @property
    def selected(self) -> View:
        """The view, for commands that need one. Raises Refused (NONEXISTENT) if its mailbox was deleted (IMAP-58)."""
        if self.view is None:
            raise no("no mailbox is selected")
        if self.view.deleted:
            raise no("the mailbox was deleted", "NONEXISTENT")
        return self.view

    @property
    def writable(self) -> View:
        """The view, for commands that change messages. Raises Refused after EXAMINE."""
        return self.writable_with("")

    @property
    def movable(self) -> View:
        """The view, for MOVE. The store checks that messages in the system's mailbox move to the trash only (IMAP-162).
        Raises as `writable_with`.
        """
        view = self.selected
        return view if view.system and not view.read_only else self.writable_with("te")

    def writable_with(self, rights: str) -> View:
        """The view, for commands that need rights on the mailbox (RFC 4314 §4). Raises Refused (NOPERM), also for the
        system's mailbox (CANNOT).
        """
        view = self.selected
        if view.read_only:
            raise no("mailbox is read-only")
        if view.system:
            raise no(UNCHANGEABLE, "CANNOT")
        check_rights(view.rights, rights)
        return view

    @property
    def read_only(self) -> bool:
        """Whether the user may change nothing: logged in by an app password for reading (IMAP-158)."""
        return self.identity is not None and self.identity.read_only

    def wants_metadata(self, *, server: bool) -> bool:
        """Whether changed entries are sent: of mailboxes, or of the server (RFC 5464 §4.1)."""
        wanted = Enabled.METADATA | Enabled.METADATA_SERVER if server else Enabled.METADATA
        return bool(self.enabled & wanted)

    # -- writing

    def write(self, octets: bytes) -> None:
        """Put octets of a response into the buffer."""
        if self._masker is not None:
            self.transcribe(self._masker.feed(octets))
        self.wire.write(octets)

    def respond(self, response: Response) -> None:
        """Put a response into the buffer."""
        self.write(encode(response, utf8=self.utf8))

    def follow(self) -> None:
        """Begin or end the transcript if the operator has requested that (IMAP-159). Called where a response begins."""
        tapped = self._home is not None and bool(self._home.share.taps)
        if tapped and self._masker is None:
            self._masker = Masker()
            self.transcribe([f"{self.identity.address if self.identity else ''} {self.info.remote} {self.client}"], "-")
        elif not tapped:
            self._masker = None

    @property
    def tapped(self) -> bool:
        """Whether a transcript is being written."""
        return self._masker is not None

    def transcribe(self, lines: Iterable[str], side: str = "S") -> None:
        """Add lines to the transcript: from the server, from the client (``C``) or about both (``-``)."""
        for tap in self._home.share.taps if self._home is not None else ():
            for line in lines:
                tap.tell(self.info.cid, side, line)

    async def drain(self, *, turn: bool = True) -> None:
        """Let the client accept the buffer. A handler with much output calls it between slices (IMAP-9, IMAP-148).

        turn: run a checkpoint, too; not needed by a caller that reads between slices.
        """
        if self.wire.pending >= HIGH_WATER and (turn or not self.wire.flush(much=True)):
            await self.wire.drain()

    # -- extensions

    def enable(self, what: Enabled) -> None:
        """Enable an extension, for the codec too (IMAP-5)."""
        if what & Enabled.QRESYNC:
            what |= Enabled.CONDSTORE
        self.enabled |= what
        self.utf8 = bool(self.enabled & (Enabled.IMAP4REV2 | Enabled.UTF8))
        self.rev2 = Enabled.IMAP4REV2 in self.enabled
        self.condstore = Enabled.CONDSTORE in self.enabled
        self.qresync = Enabled.QRESYNC in self.enabled
        self.uidonly = Enabled.UIDONLY in self.enabled
        modes = self.wire.decoder.modes
        modes.utf8, modes.qresync, modes.uidonly = self.utf8, self.qresync, self.uidonly

    def use_condstore(self) -> None:
        """Note that a command of CONDSTORE was used: from here on MODSEQ is sent (IMAP-76)."""
        if not self.condstore:
            self.enable(Enabled.CONDSTORE)
            if self.view is not None:
                self.respond(State("OK", "CONDSTORE is on", Code("HIGHESTMODSEQ", b"%d" % self.view.modseq)))

    # -- log-in

    async def log_in(self, identity: Identity) -> None:
        """Open the account of an authenticated user. Raises Refused if it cannot be used now."""
        describe = partial(self._describe, identity)
        share = self.context.sessions.join(identity.account, self.end, describe, expires=identity.app_expires)
        self._stack.callback(self.context.sessions.leave, share, self.end)
        account = await self._stack.enter_async_context(self.context.accounts.use(identity.account))
        _, cursor = await account.subscribe(keep_own=True)
        self._stack.enter_context(cursor)
        share.sharing = self.context.sessions.sharing(account)
        self._home = Seat(owner=identity.account, account=account, cursor=cursor, share=share, stack=self._stack)
        self.identity = identity
        self.info.seat.known = True
        configured = self.context.config.current.account(identity.account)
        self.disabled = frozenset(configured.imap_capabilities_disabled) if configured is not None else frozenset()
        self.wire.decoder.authenticated = True
        self.wire.slow = False
        self.failures = 0

    def _describe(self, identity: Identity) -> SessionFacts:
        return SessionFacts(
            id=self.info.cid,
            account=identity.account,
            address=identity.address,
            remote=str(self.info.remote),
            client=self.client,
            owner=identity.account if self.view is None else self.view.seat.owner,
            mailbox_id=None if self.view is None else self.view.mailbox_id,
            received=self.wire.received,
            sent=self.wire.sent,
            command=self.command,
            app_password=identity.app_password,
        )

    def failed_login(self) -> None:
        """Count one more failed log-in on this connection (IMAP-20)."""
        self.failures += 1
        self.wire.slow = self.failures >= SLOW_FAILURES

    # -- life

    def end(self, text: str, code: str = "UNAVAILABLE") -> None:
        """End the session with BYE: at once while it waits, else after the running command. May be called from any
        task.
        """
        if self.ending is None:
            self.ending = Disconnect(text, code)
            if self.scope is not None:
                self.scope.cancel()

    def enter(self, view: View) -> None:
        """Select a mailbox."""
        if self.notify is not None and not self.notify.whole:
            view.behind = view.since
        self.view = view
        view.seat.share.views.add(view)

    async def leave(self) -> bool:
        """Leave the selected mailbox. Returns whether there was one."""
        view = self.view
        if view is None:
            return False
        view.seat.share.views.discard(view)
        self.view = None
        self.held = 0
        if view.seat is not self.home:
            await view.seat.stack.aclose()
        return True

    def pending(self) -> bool:
        """Whether something has happened that may have to be sent."""
        home, view = self.home, self.view
        return home.cursor.pending() or (view is not None and view.seat is not home and view.seat.cursor.pending())

    def alarm(self) -> Alarm:
        """The alarm that is set when something may be `pending`, as long as the same mailbox is selected."""
        alarm = self.home.cursor.alarm
        if self.view is not None:
            self.view.seat.cursor.alarm = alarm
        return alarm

    def drop_incoming(self) -> None:
        """Drop the received messages, as they are stored or not needed."""
        if self.incoming is not None:
            self.incoming.close()
            self.incoming = None

    def hush(self, modseq: int) -> None:
        """Suppress the flag changes of our own transaction with that modseq: the client knows them.

        If no other change came between the last one sent and that transaction, they are recognised even when they are
        read back from the database. If an older change of another session is sent later, ours must be sent after it.
        """
        assert self.view is not None
        self.quiet[modseq] = self.view.seat.cursor.modseq == modseq - 1 or self.quiet.get(modseq - 1, False)
        if self.told is None:
            self.told = set()

    async def aclose(self) -> None:
        """Release the account, and the place among its sessions."""
        await self._stack.aclose()
