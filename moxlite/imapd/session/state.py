"""State of one IMAP session: the log-in, the selected mailbox, enabled extensions, and the buffer of responses.

Beginning and end of its commands are in `imapd.loop`. The session has no socket, but a `Wire`. Handlers of commands get
the session, and change it.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final, Protocol

import msgspec
import trio

from moxlite.config.domains import Account
from moxlite.imapd.session.context import SLOW_FAILURES, Context
from moxlite.imapd.session.errors import Disconnect, no
from moxlite.imapd.session.oldprefix import OldPrefix, Spelling
from moxlite.imapd.session.sessions import Seat, SessionFacts
from moxlite.imapd.session.trace import Transcript
from moxlite.imapd.session.view import View
from moxlite.logins.identity import Identity, origin_of
from moxlite.net.admission import ConnectionInfo
from moxlite.processor import act_for
from moxlite.proto.imap.encode import encode
from moxlite.proto.imap.fetchitems import FetchItem
from moxlite.proto.imap.reading.parsing import Modes
from moxlite.proto.imap.responses import Code, Response, State
from moxlite.proto.imap.server import Event as ServerEvent, LiteralRequest, ServerDecoder
from moxlite.proto.sasl import ChannelBindings
from moxlite.store.accounts.access import check_rights
from moxlite.store.accounts.accounts import IDLE
from moxlite.store.changelog.origin import act_from
from moxlite.store.mail.systemmailbox import UNCHANGEABLE
from moxlite.store.types import Event
from moxlite.wakeup import Alarm


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


class Session:
    """The state of one client's session.

    Attributes:
      context, wire, info: the server, the connection, and its addresses and TLS.
      extensions: extensions that are switched on.
      login: the user, and the attempts to log in.
      running: state of the running command.
      ending: why and how the session ends.
      transcript: the transcript for the operator.
      view: the selected mailbox, None without one.
      held: modseq of the first removal that is held back, 0 for none.
      notify: the notifications that the client has requested, None before NOTIFY (RFC 5465).
    """

    __slots__ = (
        "_stack",
        "context",
        "ending",
        "extensions",
        "held",
        "info",
        "login",
        "notify",
        "running",
        "transcript",
        "view",
        "wire",
    )

    def __init__(self, context: Context, wire: Wire) -> None:
        self.context = context
        self.wire = wire
        self.info = wire.info
        self.extensions = Extensions(wire.decoder.modes)
        self.login = LoginState()
        self.running = Running()
        self.ending = Ending()
        self.transcript = Transcript(self.info.cid)
        self.view: View | None = None
        self.held = 0
        self.notify: Watcher | None = None
        self._stack = AsyncExitStack()

    # -- user and place

    @property
    def home(self) -> Seat:
        """The seat at the account of the logged-in user."""
        assert self.login.seat is not None
        return self.login.seat

    @property
    def logged_in(self) -> bool:
        """Whether the session is in authenticated or selected state."""
        return self.login.seat is not None

    @property
    def selected(self) -> View:
        """The view, for commands that need one. Raises Refused (NONEXISTENT) if its mailbox was deleted (IMAP-58)."""
        if self.view is None:
            raise no("no mailbox is selected")
        if self.view.access.lost:
            raise no("the mailbox was deleted", "NONEXISTENT")
        return self.view

    @property
    def movable(self) -> View:
        """The view, for MOVE. The store checks that messages in the system's mailbox move to the trash only (IMAP-162).
        Raises as `writable`.
        """
        view = self.selected
        return view if view.access.system and not view.access.read_only else self.writable("te")

    def writable(self, rights: str = "") -> View:
        """The view, for commands that change messages and need rights on the mailbox (RFC 4314 §4).

        Raises Refused after EXAMINE, without the rights (NOPERM) and for the system's mailbox (CANNOT).
        """
        view = self.selected
        if view.access.read_only:
            raise no("mailbox is read-only")
        if view.access.system:
            raise no(UNCHANGEABLE, "CANNOT")
        check_rights(view.access.rights, rights)
        return view

    # -- writing

    def write(self, octets: bytes) -> None:
        """Put octets of a response into the buffer."""
        if self.transcript.active:
            self.transcript.response(octets)
        self.wire.output.write(octets)

    def respond(self, response: Response) -> None:
        """Put a response into the buffer."""
        self.write(encode(self.running.spelled(response), utf8=self.extensions.utf8))

    async def drain(self, *, turn: bool = True) -> None:
        """Let the client accept the buffer. A handler with much output calls it between slices (IMAP-9, IMAP-148).

        turn: run a checkpoint, too; not needed by a caller that reads between slices.
        """
        if self.wire.output.pending >= HIGH_WATER and (turn or not self.wire.output.flush(much=True)):
            await self.wire.output.drain()

    def use_condstore(self) -> None:
        """Note that a command of CONDSTORE was used: from here on MODSEQ is sent (IMAP-76)."""
        if not self.extensions.condstore:
            self.extensions.enable(Enabled.CONDSTORE)
            if self.view is not None:
                self.respond(State("OK", "CONDSTORE is on", Code("HIGHESTMODSEQ", b"%d" % self.view.modseqs.last)))

    # -- log-in

    async def log_in(self, identity: Identity) -> None:
        """Open the account of an authenticated user. Raises Refused if it cannot be used now."""
        act_for(identity.account)
        act_from(origin_of(identity, "imap", self.info.remote))
        describe = partial(self._describe, identity)
        # Registered before the file is opened: the limit costs no descriptor, and a password that is changed meanwhile
        # ends this session, too.
        share = self.context.sessions.join(identity.account, self.ending.end, describe, expires=identity.app_expires)
        self._stack.callback(self.context.sessions.leave, share, self.ending.end)
        account = await self._stack.enter_async_context(self.context.accounts.use(identity.account, linger=IDLE))
        _, cursor = await account.subscribe(keep_own=True)
        self._stack.enter_context(cursor)
        share.sharing = self.context.sessions.sharing(account)
        self.login.seat = Seat(owner=identity.account, account=account, cursor=cursor, share=share, stack=self._stack)
        self.transcript.taps = share.taps
        self.info.seat.known = True
        self.login.succeeded(identity, self.context.config.current.account(identity.account))
        self.wire.decoder.authenticated = True
        self.wire.output.slow = False

    def _describe(self, identity: Identity) -> SessionFacts:
        return SessionFacts(
            id=self.info.cid,
            identity=identity,
            remote=str(self.info.remote),
            client=self.login.client,
            owner=identity.account if self.view is None else self.view.seat.owner,
            mailbox_id=None if self.view is None else self.view.mailbox_id,
            received=self.wire.received,
            sent=self.wire.output.sent,
            command=self.running.command,
        )

    def failed_login(self) -> None:
        """Count one more failed log-in on this connection (IMAP-20)."""
        self.login.failures += 1
        self.wire.output.slow = self.login.failures >= SLOW_FAILURES

    def user(self) -> str:
        """The user, for the first line of a transcript."""
        address = self.login.identity.address if self.login.identity is not None else ""
        return f"{address} {self.info.remote} {self.login.client}"

    # -- the selected mailbox

    def enter(self, view: View) -> None:
        """Select a mailbox."""
        if self.notify is not None and not self.notify.whole:
            view.modseqs.behind = view.modseqs.since
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

    def hush(self, modseq: int) -> None:
        """Suppress the flag changes of our own transaction with that modseq: the client knows them."""
        assert self.view is not None
        self.running.hush(modseq, last=self.view.seat.cursor.modseq)

    async def aclose(self) -> None:
        """Release the account, and the place among its sessions."""
        await self._stack.aclose()


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


class Ending:
    """Whether and why a session ends: another task may ask for it.

    Attributes:
      reason: the BYE, None while the session goes on.
      scope: the scope to cancel in order to end while waiting for the client.
    """

    __slots__ = ("reason", "scope")

    def __init__(self) -> None:
        self.reason: Disconnect | None = None
        self.scope: trio.CancelScope | None = None

    def end(self, text: str, code: str = "UNAVAILABLE") -> None:
        """End the session with BYE: at once while it waits, else after the running command. May be called from any
        task.
        """
        if self.reason is None:
            self.reason = Disconnect(text, code)
            if self.scope is not None:
                self.scope.cancel()


# Log-in state of one session: its user, its client certificate and its failures.


class LoginState:
    """The user of a session, as far as known.

    Attributes:
      identity: the logged-in user; None before.
      certificate: the owner of the client certificate, until it is used (IMAP-48).
      client: the client's name from ID, for the list of log-ins.
      failures: failed log-ins on this connection.
      disabled: capabilities that the account's owner has switched off (IMAP-37).
      prefix: what devices may put before mailbox names, None for no such.
      seat: the seat at the user's own account, None before the log-in.
    """

    __slots__ = ("certificate", "client", "disabled", "failures", "identity", "prefix", "seat")

    def __init__(self) -> None:
        self.identity: Identity | None = None
        self.certificate: Identity | None = None
        self.client = ""
        self.failures = 0
        self.disabled: frozenset[str] = frozenset()
        self.prefix: OldPrefix | None = None
        self.seat: Seat | None = None

    def succeeded(self, identity: Identity, account: Account | None) -> None:
        """Record the user, with the configuration of the account."""
        self.identity = identity
        self.failures = 0
        if account is not None:
            self.disabled = frozenset(account.imap_capabilities_disabled)
            self.prefix = OldPrefix(account.imap_prefix) if account.imap_prefix else None

    @property
    def read_only(self) -> bool:
        """Whether the user may change nothing: logged in by an app password for reading (IMAP-158)."""
        return self.identity is not None and self.identity.read_only

    @property
    def shares(self) -> bool:
        """Whether the user may change permissions with this log-in."""
        return self.identity is not None and self.identity.shares


# State of the running command of a session.


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


class Running:
    """State of the running command.

    Attributes:
      tag: the command's tag.
      command: its name, for the list of log-ins.
      own_changes: transactions of this session, by modseq, whose flag changes are not sent back (`hush`).
      flags_sent: UIDs whose flags were sent in this command, None if that is not recorded.
      budget: number of changes that may still be sent; below 0 if the last transaction had more.
      limited: code for the response if the command works on fewer messages than it names (RFC 9738).
      incoming: the messages of an APPEND that is being received.
      spelling: of mailbox names in its answers, None if it has them as they are here.
    """

    __slots__ = ("budget", "command", "flags_sent", "incoming", "limited", "own_changes", "spelling", "tag")

    def __init__(self) -> None:
        self.tag = ""
        self.command = ""
        self.own_changes: dict[int, bool] = {}
        self.flags_sent: set[int] | None = None
        self.budget = 0
        self.limited: Code | None = None
        self.incoming: Intake | None = None
        self.spelling: Spelling | None = None

    def begin(self, tag: str, command: str) -> None:
        """A command begins."""
        self.tag = tag
        self.command = command

    def finish(self) -> None:
        """The command has ended; its tag stays for late responses."""
        self.own_changes.clear()
        self.flags_sent = None
        self.limited = None
        self.spelling = None

    def spelled(self, response: Response) -> Response:
        """A response with mailbox names as the command has them."""
        return response if self.spelling is None else self.spelling.of(response)

    def hush(self, modseq: int, *, last: int) -> None:
        """Suppress the flag changes of our own transaction with that modseq; `last` is the modseq that was sent last.

        If no other change came between the two, they are recognised even when they are read back from the database. If
        an older change of another session is sent later, ours must be sent after it.
        """
        self.own_changes[modseq] = last == modseq - 1 or self.own_changes.get(modseq - 1, False)
        if self.flags_sent is None:
            self.flags_sent = set()

    def drop_incoming(self) -> None:
        """Drop the received messages, as they are stored or not needed."""
        if self.incoming is not None:
            self.incoming.close()
            self.incoming = None


# Interface between a session and its connection, implemented by the connection runner and tests.


HIGH_WATER: Final = 65_536
"""Octets written but not sent above which a command drains before it goes on (IMAP-148)."""


class Output(Protocol):
    """Octets to the client, in a buffer and sent."""

    pending: int
    """Octets written but not sent."""
    sent: int
    """Octets sent so far, as the client counts them."""
    broken: bool
    """The client is gone: nothing more can be sent."""
    slow: bool
    """Send and read slowly (IMAP-20)."""

    def write(self, octets: bytes) -> None:
        """Put octets of a response into the buffer; nothing is sent before `drain` or `Wire.receive`."""

    def pending_octets(self) -> bytes:
        """The octets in the buffer."""

    def flush(self, *, much: bool = False) -> bool:
        """Send the octets that the client's socket accepts at once. Returns whether nothing is left for `drain`.

        much: send up to a larger limit, for a caller that soon runs a checkpoint.
        """

    async def drain(self) -> None:
        """Send the buffer, and wait until the client has accepted it."""


class Wire(Protocol):
    """Both directions of a connection, in terms of the codec."""

    decoder: ServerDecoder
    info: ConnectionInfo
    received: int
    """Octets received so far, as the client counts them."""

    @property
    def output(self) -> Output:
        """The direction to the client."""

    async def receive(self, seconds: float | None = None, *, within: trio.CancelScope | None = None) -> ServerEvent:
        """Send the buffer, and wait for the next event; never NEED_DATA.

        seconds: timeout for a silent client, None for the timeout of its state. Raises Disconnect after it. within: a
        scope without a deadline around all waits of the caller. It is cancelled at the timeout instead; then
        `Session.ending` has the reason.
        """

    async def start_tls(self) -> None:
        """Shake hands; from here on everything is encrypted, and `info.tls` is set. Raises BrokenResourceError if it
        fails.
        """

    @property
    def compressed(self) -> bool:
        """Octets go through DEFLATE in both directions."""

    async def compress(self) -> None:
        """Send the buffer. From here on everything goes through DEFLATE (RFC 4978)."""

    def bindings(self) -> ChannelBindings:
        """Channel bindings of this connection, for SCRAM-…-PLUS."""


# Extensions that a client has switched on, by ENABLE or by their use (RFC 9051 §6.3.1, IMAP-39).


class Enabled(enum.IntFlag):
    """Extensions that the client has enabled (RFC 9051 §6.3.1, IMAP-39)."""

    IMAP4REV2 = 1
    UTF8 = 2
    CONDSTORE = 4
    QRESYNC = 8
    UIDONLY = 16
    METADATA = 32
    METADATA_SERVER = 64


class Extensions:
    """The extensions of one session, in parts, since each answer needs them.

    Attributes:
      enabled: all of them.
      utf8: names and strings are UTF-8 (IMAP-32).
      rev2: the client speaks IMAP4rev2 (IMAP-40).
      condstore: MODSEQ is sent with flags (IMAP-76).
      qresync: VANISHED replaces EXPUNGE (RFC 7162 §3.2.10).
      uidonly: there are no message numbers (RFC 9586).
    """

    __slots__ = ("_modes", "condstore", "enabled", "qresync", "rev2", "uidonly", "utf8")

    def __init__(self, modes: Modes) -> None:
        self._modes = modes
        self.enabled = Enabled(0)
        self.utf8 = self.rev2 = self.condstore = self.qresync = self.uidonly = False

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
        modes = self._modes
        modes.utf8, modes.qresync, modes.uidonly = self.utf8, self.qresync, self.uidonly
        modes.utf8_accept = Enabled.UTF8 in self.enabled

    def wants_metadata(self, *, server: bool) -> bool:
        """Whether changed entries are sent: of mailboxes, or of the server (RFC 5464 §4.1)."""
        wanted = Enabled.METADATA | Enabled.METADATA_SERVER if server else Enabled.METADATA
        return bool(self.enabled & wanted)
