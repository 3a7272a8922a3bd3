"""One IMAP session: its state, which command may come in which state, and how a command begins and ends (RFC 9051 §3,
§6; IMAP-52..54).

Theory of operation
-------------------
The session has no socket: it takes events of the codec from its `Wire` and writes responses to
it. `HANDLERS` (in `dispatch`) maps the type of each command to the coroutine that carries it out and the state that
it needs. A handler writes untagged responses with `write` or `respond` and returns `Done`, the tagged OK; it raises
`Refused` for NO and BAD, or lets errors of the store pass, which become responses in one place (`errors`).

Around each command the session tells what has happened to the selected mailbox: before it, new messages and flags;
after it, also what was removed, unless the command's message numbers forbid it (IMAP-54). The session's own changes
arrive on the same way: its cursor keeps its own events, so whatever a command did to the mailbox is told in the order
in which it was committed.
"""

from __future__ import annotations

import enum
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
import trio

from moxlite.imapd import metrics
from moxlite.imapd.fetch.incoming import Incoming
from moxlite.imapd.session.access import check_rights
from moxlite.imapd.session.context import SLOW_FAILURES, Context
from moxlite.imapd.session.errors import Disconnect, Refused, no, refusal
from moxlite.imapd.session.output import HIGH_WATER, Wire
from moxlite.imapd.session.seat import Seat
from moxlite.imapd.session.sessions import SessionFacts
from moxlite.imapd.session.trace import Masker, command_line
from moxlite.imapd.session.view import View
from moxlite.imapd.telling.changes import check_view, tell
from moxlite.imapd.telling.recent import write_claims
from moxlite.imapd.telling.watch import receive_while_telling
from moxlite.logins.logins import Identity
from moxlite.net.connections import guard
from moxlite.net.log import TRACE, TRACEAUTH
from moxlite.proto.imap import commands as c
from moxlite.proto.imap import server as codec
from moxlite.proto.imap.encode import encode
from moxlite.proto.imap.responses import Code, Continue, Response, State
from moxlite.store.errors import StoreError
from moxlite.store.mail.systemmailbox import UNCHANGEABLE

if TYPE_CHECKING:
    from moxlite.bell import Alarm
    from moxlite.imapd.telling.notify import Notification

__all__ = ["Done", "Enabled", "Handler", "Need", "Session"]

logger = logging.getLogger("moxlite.imapd")

MAX_BAD: Final = 20
"""BAD responses in a row after which the client is sent away (IMAP-18)."""
MAX_BAD_EARLY: Final = 3
"""The same before login."""


TELL: Final = 1_000
"""Changes by others that a command tells before it leaves the rest to the next ones, at the end of a unit (IMAP-61a):
5 ms, or 6 for a unit of STORE.
"""
TELL_NOOP: Final = 4_000
"""The same for commands that have nothing else to do."""


class Enabled(enum.IntFlag):
    """What the client has switched on (RFC 9051 §6.3.1, IMAP-39)."""

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
    """Who carries out a command.

    tells: whether changes are told around it; SELECT and what ends the view have nothing to tell. after: what follows
    the tagged OK. capability: what brings the command, so that it goes with it (IMAP-37). changes: it changes
    something of the account, so a log-in that is read-only may not (IMAP-158).
    """

    run: Callable[[Session, Any], Awaitable[Done]]
    need: Need
    tells: bool = True
    after: Callable[[Session], Awaitable[None]] | None = None
    capability: str = ""
    changes: bool = False


_BY_NUMBER: Final = frozenset({c.Fetch, c.Store, c.Search, c.Sort, c.Thread})
_IDLING: Final = frozenset({c.Noop, c.Check})  # these have nothing else to do but to tell

_GUARD: Final = guard("imapd")


def may_expunge(command: c.Command) -> bool:
    """Whether EXPUNGE may be told with this command: not with those that use message numbers (RFC 9051 §7.5.1)."""
    return type(command) not in _BY_NUMBER or getattr(command, "uid", False) is True


class Session:
    """One client.

    Attributes:
      context, wire, info: what it works with.
      tag: of the running command.
      enabled: what ENABLE, or the use of an extension, switched on. In parts, since each answer asks for them:
        utf8: names and strings are UTF-8 (IMAP-32). rev2: the client speaks IMAP4rev2 (IMAP-40). condstore: MODSEQ is
        told with flags (IMAP-76). qresync: VANISHED replaces EXPUNGE (RFC 7162 §3.2.10). uidonly: there are no message
        numbers (RFC 9586).
      identity: who is logged in; None before.
      view: the selected mailbox, None without one.
      certificate: who the client certificate belongs to, as long as it's dormant (IMAP-48).
      client: what ID said, for the list of log-ins.
      failures: failed log-ins on this connection.
      disabled: capabilities that the account's owner has switched off (IMAP-37).
      quiet: see `hush`. told: UIDs whose flags were told in the running command, None if nobody asks.
      to_tell: changes that the running command may still tell; below 0 when the last unit had more.
      held: modseq of the first removal that is held back, 0 for none.
      limited: what to say when the running command works on fewer messages than it names (RFC 9738).
      incoming: the messages of an APPEND that is on its way in.
      notify: what the client wants to hear of, None as long as it hasn't said so (RFC 5465).
    """

    __slots__ = (
        "_bad",
        "_closed",
        "_handlers",
        "_home",
        "_last",
        "_masker",
        "_stack",
        "_started",
        "certificate",
        "client",
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

    def __init__(self, context: Context, wire: Wire, handlers: Mapping[type, Handler]) -> None:
        self.context = context
        self.wire = wire
        self.info = wire.info
        self.tag = ""
        self.enabled = Enabled(0)
        self.utf8 = self.rev2 = self.condstore = self.qresync = self.uidonly = False
        self.identity: Identity | None = None
        self.certificate: Identity | None = None
        self.client = ""
        self.failures = 0
        self.disabled: frozenset[str] = frozenset()
        self.view: View | None = None
        self.quiet: dict[int, bool] = {}
        self.told: set[int] | None = None
        self.to_tell = 0
        self.held = 0
        self.limited: Code | None = None
        self.incoming: Incoming | None = None
        self.notify: Notification | None = None
        self.ending: Disconnect | None = None
        self.scope: trio.CancelScope | None = None  # what to cancel in order to end while waiting
        self._handlers = handlers
        self._home: Seat | None = None
        self._stack = AsyncExitStack()
        self._bad = 0
        self._last = ""
        self._masker: Masker | None = None
        self._started = False  # a valid command has come
        self._closed = False

    # -- who and where we are

    @property
    def home(self) -> Seat:
        """What we have at the account of the user, who is logged in."""
        assert self._home is not None
        return self._home

    @property
    def logged_in(self) -> bool:
        """Whether the session is in authenticated or selected state."""
        return self._home is not None

    @property
    def selected(self) -> View:
        """The view, for commands that need one. Raises Refused (NONEXISTENT) when its mailbox was deleted (IMAP-58)."""
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
        """The view, for MOVE. Out of the system's mailbox messages move to the trash alone, which is for the store to
        say (IMAP-162). Raises as `writable_with`.
        """
        view = self.selected
        return view if view.system and not view.read_only else self.writable_with("te")

    def writable_with(self, rights: str) -> View:
        """The same for commands that need rights on the mailbox (RFC 4314 §4). Raises Refused (NOPERM), also for the
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
        """The user may change nothing: logged in by an app password for reading (IMAP-158)."""
        return self.identity is not None and self.identity.read_only

    def wants_metadata(self, *, server: bool) -> bool:
        """Changed entries are told: of mailboxes, or of the server (RFC 5464 §4.1)."""
        wanted = Enabled.METADATA | Enabled.METADATA_SERVER if server else Enabled.METADATA
        return bool(self.enabled & wanted)

    # -- writing

    def write(self, octets: bytes) -> None:
        """Put octets of a response into the buffer."""
        if self._masker is not None:
            self._tell_taps(self._masker.feed(octets))
        self.wire.write(octets)

    def respond(self, response: Response) -> None:
        """Put a response into the buffer."""
        self.write(encode(response, utf8=self.utf8))

    def follow(self) -> None:
        """Begin or end the transcript for the operator, if that is asked for (IMAP-159): here a response begins."""
        tapped = self._home is not None and bool(self._home.share.taps)
        if tapped and self._masker is None:
            self._masker = Masker()
            self._tell_taps([f"{self.identity.address if self.identity else ''} {self.info.remote} {self.client}"], "-")
        elif not tapped:
            self._masker = None

    def _tell_taps(self, lines: Iterable[str], side: str = "S") -> None:
        for tap in self._home.share.taps if self._home is not None else ():
            for line in lines:
                tap.tell(self.info.cid, side, line)

    async def drain(self, *, turn: bool = True) -> None:
        """Let the client take what is in the buffer; a handler with much to say calls it between slices (IMAP-9,
        IMAP-148).

        turn: whether it gives others their turn, too; who reads between slices has done so.
        """
        if self.wire.pending >= HIGH_WATER and (turn or not self.wire.flush(much=True)):
            await self.wire.drain()

    # -- what the client has switched on

    def enable(self, what: Enabled) -> None:
        """Switch something on, for the codec too (IMAP-5)."""
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
        """A command of CONDSTORE was used: from here on MODSEQ is told (IMAP-76)."""
        if not self.condstore:
            self.enable(Enabled.CONDSTORE)
            if self.view is not None:
                self.respond(State("OK", "CONDSTORE is on", Code("HIGHESTMODSEQ", b"%d" % self.view.modseq)))

    # -- log-in

    async def log_in(self, identity: Identity) -> None:
        """The user is known: open the account. Raises Refused when it can't be used now."""
        describe = partial(self._describe, identity)
        share = self.context.sessions.join(identity.account, self.end, describe, expires=identity.app_expires)
        self._stack.callback(self.context.sessions.leave, share, self.end)
        account = await self._stack.enter_async_context(self.context.accounts.use(identity.account))
        _, cursor = await account.subscribe(keep_own=True)
        self._stack.enter_context(cursor)
        share.sharing = self.context.sessions.sharing(account)
        self._home = Seat(owner=identity.account, account=account, cursor=cursor, share=share, stack=self._stack)
        self.identity = identity
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
            command=self._last,
            app_password=identity.app_password,
        )

    def failed_login(self) -> None:
        """One more log-in on this connection has failed (IMAP-20)."""
        self.failures += 1
        self.wire.slow = self.failures >= SLOW_FAILURES

    # -- life

    def end(self, text: str, code: str = "UNAVAILABLE") -> None:
        """End the session with BYE: at once while it waits, else after the running command. Callable from any task."""
        if self.ending is None:
            self.ending = Disconnect(text, code)
            if self.scope is not None:
                self.scope.cancel()

    def enter(self, view: View) -> None:
        """A mailbox is selected."""
        if self.notify is not None and not self.notify.whole:
            view.behind = view.since
        self.view = view
        view.seat.share.views.add(view)

    async def leave(self) -> bool:
        """No mailbox is selected any more; whether one was."""
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
        """Whether something has happened that may have to be told."""
        home, view = self.home, self.view
        return home.cursor.pending() or (view is not None and view.seat is not home and view.seat.cursor.pending())

    def alarm(self) -> Alarm:
        """What rings when there may be something `pending`, as long as the same mailbox is selected."""
        alarm = self.home.cursor.alarm
        if self.view is not None:
            self.view.seat.cursor.alarm = alarm
        return alarm

    async def aclose(self) -> None:
        """Leave the account. Idempotent."""
        if not self._closed:
            self._closed = True
            if self.incoming is not None:
                self.incoming.close()
            await self.leave()
            if self._masker is not None:
                self._tell_taps(["the session ends"], "-")
            if self._home is not None:
                share = self._home.share
                self.context.sessions.leave(share, self.end)
                if not share.enders:
                    await write_claims(self)
            await self._stack.aclose()

    async def run(self) -> None:
        """Carry out commands until the client logs out or leaves.

        Raises Disconnect when the session must end with BYE.
        """
        with trio.CancelScope() as waiting:  # cancelled only while we wait for the client: see `end`
            await self._run(waiting)
        if waiting.cancelled_caught:
            assert self.ending is not None
            raise self.ending

    async def _run(self, waiting: trio.CancelScope) -> None:
        while True:
            if self.ending is not None:
                raise self.ending
            if self.notify is None:
                event = await self.wire.receive(within=waiting)
            else:
                event = await self._receive(self.notify, waiting)
            # By identity, in the order of how often they come: `match` looks at each class for several times as long.
            if type(event) is codec.Command:
                await self._command(event.tag, event.command)
                if type(event.command) is c.Logout:
                    return
            elif type(event) is codec.LiteralRequest:
                await self._literal(event)
            elif type(event) is codec.LiteralChunk:
                assert self.incoming is not None
                await self.incoming.write(event.octets)
            elif type(event) is codec.LiteralEnd:
                assert self.incoming is not None
                await self.incoming.finish()
            elif type(event) is codec.Rejected:
                self.drop_incoming()
                self.respond(event.response)
            elif type(event) is codec.BadCommand:
                self.drop_incoming()
                self.follow()
                if self._masker is not None:
                    self._tell_taps([f"({event.text})"], "C")
                self._bad_command(event)
            elif type(event) is codec.Closed:
                return
            else:
                raise Disconnect("unexpected line", "CLIENTBUG")

    async def _receive(self, notify: Notification, waiting: trio.CancelScope) -> codec.Event:
        """The next event; with NOTIFY, what happens until it comes is told at once (RFC 5465 §3.1)."""
        if not notify.active or self.incoming is not None or self.wire.decoder.buffered:
            return await self.wire.receive(within=waiting)
        event = await receive_while_telling(self, expunge=not notify.delayed)
        assert event is not None
        return event

    def drop_incoming(self) -> None:
        if self.incoming is not None:
            self.incoming.close()
            self.incoming = None

    def _bad_command(self, event: codec.BadCommand) -> None:
        if event.fatal:
            if event.tag is not None and event.code == "TOOBIG" and self._started:
                self.respond(State("BAD", event.text, Code("TOOBIG"), event.tag))
            raise Disconnect(event.text, event.code)
        if not self._started:  # HTTP, a TLS hello, a scanner (IMAP-18)
            raise Disconnect("this is an IMAP server")
        code = Code(event.code) if event.code else None
        self.respond(State(event.condition, event.text, code, event.tag))
        self._count_bad()

    def _count_bad(self) -> None:
        self._bad += 1
        if self._bad >= (MAX_BAD if self.logged_in else MAX_BAD_EARLY):
            raise Disconnect("too many bad commands", "CLIENTBUG")

    async def _literal(self, request: codec.LiteralRequest) -> None:
        """A literal is announced: take it, or not (IMAP-85)."""
        if request.command_head is not None:
            try:
                self._check_changes()
                if self.incoming is None:
                    self.incoming = Incoming(self)
                await self.incoming.begin(request)
            except (Refused, StoreError) as error:
                refused = refusal(error) if isinstance(error, StoreError) else error
                self.wire.decoder.reject(State(refused.condition, refused.text, refused.code, request.tag))
                return
        self.wire.decoder.accept()
        if request.sync:
            self.respond(Continue(b"go ahead"))

    async def _command(self, tag: str, command: c.Command) -> None:
        """Carry out one command, and answer it."""
        self.tag = tag
        name = self._last = _name(type(command), getattr(command, "uid", False))
        self.follow()
        if self._masker is not None:
            self._tell_taps([command_line(tag, command)], "C")
        self._trace(tag, command)
        started = time.perf_counter()
        outcome: State | Disconnect | None = None
        with _GUARD:  # a crash costs the command, not the connection (IMAP-27)
            outcome = await self._outcome(tag, command)
        self.quiet.clear()
        self.told = None
        self.limited = None
        result = _result(outcome)
        metrics.observe_command(name, result, time.perf_counter() - started)
        if outcome is None:
            if self.wire.broken:
                raise trio.BrokenResourceError("connection lost during a command")
            self.respond(State("NO", "the server made a mistake, it was logged", Code("SERVERBUG"), tag))
            if self.view is not None:
                raise Disconnect("the state of the mailbox is in doubt, connect again", "SERVERBUG")
            return
        if isinstance(outcome, Disconnect):
            raise outcome
        self.respond(outcome)
        self._started = True
        if outcome.condition == "BAD":
            self._count_bad()
        else:
            self._bad = 0
        after = self._handlers[type(command)].after if outcome.condition == "OK" else None
        if after is not None:
            await after(self)

    async def _outcome(self, tag: str, command: c.Command) -> State | Disconnect:
        """The tagged response of a command, or the end of the session."""
        try:
            done = await self._carry_out(command)
        except Refused as refused:
            return State(refused.condition, refused.text, refused.code, tag)
        except Disconnect as end:
            return end
        return State("OK", done.text, done.code, tag)

    async def _carry_out(self, command: c.Command) -> Done:
        """Run the handler between the changes before and after it. Raises Refused."""
        handler = self._handlers.get(type(command))
        if handler is None or handler.capability in self.disabled:
            raise Refused("BAD", "command is not supported")
        self._check_state(handler.need)
        if handler.changes:
            self._check_changes()
        tells = handler.tells
        kind = type(command)
        self.to_tell = TELL_NOOP if kind in _IDLING else TELL
        try:
            if self.view is not None:
                await check_view(self, self.view)
            if tells and self.view is not None and kind in _BY_NUMBER:
                self.told = set() if isinstance(command, c.Store) and command.silent else None
                await tell(self, expunge=False)  # so that the command sees the newest messages
            done = self._with_limit(await handler.run(self, command))
        except StoreError as error:
            await self._tell_rest(command, tells=tells)
            raise refusal(error) from error
        except Refused:
            await self._tell_rest(command, tells=tells)
            raise
        await self._tell_rest(command, tells=tells)
        return done

    def _with_limit(self, done: Done) -> Done:
        """Say that the command worked on fewer messages than were named: beside another code in a line of its own (RFC
        9738 §3.1).
        """
        code, self.limited = self.limited, None
        if code is None:
            return done
        if done.code is None:
            return Done(f"{done.text}, but only the messages with the highest UIDs", code)
        self.respond(State("NO", "only the messages with the highest UIDs were looked at", code))
        return done

    async def _tell_rest(self, command: c.Command, *, tells: bool) -> None:
        if tells and self._home is not None:
            await tell(self, expunge=may_expunge(command))

    def hush(self, modseq: int) -> None:
        """Don't tell the flag changes of our own unit of that modseq: the client knows them.

        When nothing lay between what we had told and that unit, they are recognised also when they're read back from
        the database. Where an older change of another is told from here on, ours has to be told after it.
        """
        assert self.view is not None
        self.quiet[modseq] = self.view.seat.cursor.modseq == modseq - 1 or self.quiet.get(modseq - 1, False)
        if self.told is None:
            self.told = set()

    def _check_state(self, need: Need) -> None:
        if need is Need.NOTHING:
            return
        if need is Need.NO_LOGIN:
            if self._home is not None:
                raise no("already logged in")
        elif self._home is None:
            raise no("log in first")
        elif need is Need.MAILBOX and self.view is None:
            raise no("select a mailbox first")

    def _check_changes(self) -> None:
        if self.read_only:
            raise no("this app password is only for reading", "NOPERM")

    def _trace(self, tag: str, command: c.Command) -> None:
        """Log the command, without its secrets below level traceauth (IMAP-25)."""
        if not logger.isEnabledFor(TRACE):
            return
        secret = isinstance(command, c.Login | c.Authenticate)
        if secret and not logger.isEnabledFor(TRACEAUTH):
            logger.log(TRACE, "command", extra={"kv": {"tag": tag, "command": type(command).__name__}})
        else:
            logger.log(TRACEAUTH if secret else TRACE, "command", extra={"kv": {"tag": tag, "command": repr(command)}})


def _result(outcome: State | Disconnect | None) -> str:
    """The label of a command's outcome, for metrics (IMAP-24)."""
    if outcome is None:
        return "panic"
    if isinstance(outcome, Disconnect) or outcome.condition == "OK":
        return "ok"
    if outcome.condition == "BAD":
        return "badsyntax"
    server = outcome.code is not None and outcome.code.name in ("UNAVAILABLE", "CORRUPTION", "SERVERBUG")
    return "servererror" if server else "usererror"


@lru_cache(maxsize=256)  # twice as many as there are commands
def _name(kind: type[c.Command], uid: bool) -> str:
    """The word of a command of that kind, for metrics."""
    name = kind.__name__.lower()
    return f"uid {name}" if uid else name
