"""The command loop of a session: beginning and end of commands, and the states that allow them (RFC 9051 §3, §6;
IMAP-52..54).

Theory of operation
-------------------
The loop has no socket: it takes events of the codec from the session's `Wire`. `HANDLERS` (in `dispatch`) maps the type
of each command to the coroutine that carries it out and the state that it needs. A handler writes untagged responses
with `Session.write` or `respond` and returns `Done`, the tagged OK; it raises `Refused` for NO and BAD, or lets errors
of the store pass, which become responses in one place (`errors`).

Around each command the session sends the changes of the selected mailbox: before it, new messages and flags; after it,
also removals, unless the command's message numbers forbid them (IMAP-54). The session's own changes take the same way:
its cursor keeps its own events, so the effects of a command are sent in the order of their commits.
"""

import logging
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec
import trio

from moxlite.imapd import metrics
from moxlite.imapd.fetch.incoming import under_way
from moxlite.imapd.session.errors import Disconnect, Refused, no, refusal
from moxlite.imapd.session.sessions import uid_array
from moxlite.imapd.session.state import Done, Handler, Need, Session, Watcher
from moxlite.imapd.session.trace import command_line
from moxlite.imapd.updates.changes import check_view, tell
from moxlite.imapd.updates.recent import write_claims
from moxlite.imapd.updates.watch import receive_while_telling
from moxlite.ledger import FREE, Hold, NoRoom, ledger
from moxlite.net.admission import guard
from moxlite.net.log import TRACE, TRACEAUTH
from moxlite.net.refusals import refusals, with_id
from moxlite.processor import calling, give_way
from moxlite.proto.imap import commands as c, server as codec
from moxlite.proto.imap.responses import Code, Continue, State
from moxlite.proto.imap.search import Return
from moxlite.store.errors import StoreError

logger = logging.getLogger("moxlite.imapd")

MAX_BAD: Final = 20
"""BAD responses in a row after which the client is disconnected (IMAP-18)."""
MAX_BAD_EARLY: Final = 3
"""BAD responses in a row before login after which the client is disconnected."""

LITERAL: Final = 4
"""Times its octets that a literal takes while its command is read: measured with texts in UTF-8."""

TELL: Final = 1_000
"""Changes by others that a command sends before it leaves the rest to the next commands, at the end of a transaction
(IMAP-61a): 5 ms, or 6 for a transaction of STORE.
"""
TELL_NOOP: Final = 4_000
"""The same number for commands without other work."""

_BY_NUMBER: Final = frozenset({c.Fetch, c.Store, c.Search, c.Sort, c.Thread})
_IDLING: Final = frozenset({c.Noop, c.Check})  # commands without other work than sending changes

_SELECTS: Final = frozenset({c.Select, c.Examine})
_SELECT_WORDS: Final = frozenset({"SELECT", "EXAMINE"})

_APPENDS: Final = frozenset({"APPEND", "REPLACE", "UID REPLACE"})

_GUARD: Final = guard("imapd")


def may_expunge(command: c.Command) -> bool:
    """Whether EXPUNGE may be sent with this command: not with a command that uses message numbers (RFC 9051 §7.5.1)."""
    return type(command) not in _BY_NUMBER or getattr(command, "uid", False) is True


class CommandLoop:
    """Runs the commands of one session, one after the other."""

    __slots__ = ("_announced", "_bad", "_handlers", "_hold", "_session", "_started")

    def __init__(self, session: Session, handlers: Mapping[type, Handler]) -> None:
        self._session = session
        self._handlers = handlers
        self._bad = 0  # BAD responses in a row
        self._started = False  # a valid command was received
        self._announced = 0  # octets of the literals of the incoming command, without messages
        self._hold: Hold | None = None  # of these

    async def run(self) -> None:
        """Run commands until the client logs out or disconnects.

        Raises Disconnect when the session must end with BYE.
        """
        session = self._session
        with trio.CancelScope() as waiting:  # cancelled only while it waits for the client: see `Session.end`
            await self._run(waiting)
        if waiting.cancelled_caught:
            assert session.ending.reason is not None
            raise session.ending.reason

    async def _run(self, waiting: trio.CancelScope) -> None:
        session = self._session
        while True:
            if session.ending.reason is not None:
                raise session.ending.reason
            if session.notify is None:
                event = await session.wire.receive(within=waiting)
            else:
                event = await self._receive(session.notify, waiting)
            # By identity, in the order of frequency: `match` takes several times as long per class.
            if type(event) is codec.Command:
                await self._command(event.tag, event.command)
                self._give_back()
                if type(event.command) is c.Logout:
                    return
            elif type(event) is codec.LiteralRequest:
                await self._literal(event)
            elif type(event) is codec.LiteralChunk:
                assert session.running.incoming is not None
                await session.running.incoming.write(event.octets)
            elif type(event) is codec.LiteralEnd:
                assert session.running.incoming is not None
                await session.running.incoming.finish()
            elif type(event) is codec.Rejected:
                session.running.drop_incoming()
                self._give_back()
                await self._deselect_for(event.word)
                session.respond(_noted(session, event.word, event.response))
            elif type(event) is codec.BadCommand:
                session.running.drop_incoming()
                self._give_back()
                session.transcript.follow(session.user)
                if session.transcript.active:
                    session.transcript.add([f"({event.text})"], "C")
                await self._deselect_for(event.word)
                if event.saves and event.condition == "NO":
                    _forget_saved(session)
                self._bad_command(event)
            elif type(event) is codec.Closed:
                return
            else:
                raise Disconnect("unexpected line", "CLIENTBUG")
            del event  # its literals are no longer held, and the next event may be hours away

    async def _receive(self, notify: Watcher, waiting: trio.CancelScope) -> codec.Event:
        """The next event. With NOTIFY, changes that happen until then are sent at once (RFC 5465 §3.1)."""
        session = self._session
        if not notify.active or session.running.incoming is not None or session.wire.decoder.buffered:
            return await session.wire.receive(within=waiting)
        event = await receive_while_telling(session, expunge=not notify.delayed)
        assert event is not None
        return event

    async def _deselect_for(self, word: str) -> None:
        """Leave the selected mailbox if that is the word of a command that can't be read or is refused early: the
        client that sends on must not meet the former mailbox.
        """
        if word in _SELECT_WORDS and self._session.logged_in:
            await self._deselect()

    async def _deselect(self) -> None:
        """Leave the selected mailbox, as SELECT and EXAMINE do before anything else (IMAP-73, RFC 9051 §6.3.2)."""
        session = self._session
        if await session.leave():
            session.write(b"* OK [CLOSED] previous mailbox closed\r\n")
        # Of earlier changes only those to mailboxes still matter. The cursor moves close to the snapshot, and removals
        # held back by the old view are released.
        cursor = session.home.cursor
        if cursor.pending() or cursor.acknowledged < cursor.modseq:
            await tell(session, expunge=True)

    def _bad_command(self, event: codec.BadCommand) -> None:
        session = self._session
        if event.fatal:
            if event.tag is not None and event.code == "TOOBIG" and self._started:
                session.respond(State("BAD", event.text, Code("TOOBIG"), event.tag))
            raise Disconnect(event.text, event.code)
        if not self._started:  # HTTP, a TLS hello, a scanner (IMAP-18)
            raise Disconnect("this is an IMAP server")
        response = State(event.condition, event.text, Code(event.code) if event.code else None, event.tag)
        session.respond(_noted(session, event.word, response))
        self._count_bad()

    def _count_bad(self) -> None:
        self._bad += 1
        if self._bad >= (MAX_BAD if self._session.logged_in else MAX_BAD_EARLY):
            raise Disconnect("too many invalid commands", "CLIENTBUG")

    async def _literal(self, request: codec.LiteralRequest) -> None:
        """Accept an announced literal, or refuse it (IMAP-85)."""
        session = self._session
        try:
            if request.command_head is None:
                await self._hold_more(request.size)
            else:
                self._check_changes()
                await under_way(session).begin(request)
        except (Refused, StoreError) as error:
            refused = refusal(error) if isinstance(error, StoreError) else error
            session.wire.decoder.reject(State(refused.condition, refused.text, refused.code, request.tag))
            return
        session.wire.decoder.accept()
        if request.sync:
            session.respond(Continue(b"go ahead"))

    async def _hold_more(self, octets: int) -> None:
        """Wait for room for a literal that is no message, with the others of its command. Raises Refused."""
        self._announced += octets
        if self._announced <= FREE:
            return
        if self._hold is None:
            self._hold = ledger().hold()
        try:
            await self._hold.take("command", LITERAL * self._announced - self._hold.octets)
        except NoRoom as error:
            raise no(str(error), "LIMIT" if error.own else "UNAVAILABLE") from None

    def _give_back(self) -> None:
        """Hold the literals of the last command no longer."""
        self._announced = 0
        if self._hold is not None:
            self._hold.close()
            self._hold = None

    async def _command(self, tag: str, command: c.Command) -> None:
        """Run one command, and send its tagged response."""
        session = self._session
        # A heavy account waits here, so that its many small commands leave turns to other users (decisions/016).
        await give_way()
        session.info.seat.touch()
        name = _name(type(command), getattr(command, "uid", False))
        session.running.begin(tag, name)
        calling.set(f"imap {name}")
        session.transcript.follow(session.user)
        if session.transcript.active:
            session.transcript.add([command_line(tag, command)], "C")
        self._trace(tag, command)
        started = time.perf_counter()
        outcome: State | Disconnect | None = None
        with _GUARD:  # a crash ends the command, not the connection (IMAP-27)
            outcome = await self._outcome(tag, command)
        session.running.finish()
        result = _result(outcome)
        metrics.observe_command(name, result, time.perf_counter() - started)
        if outcome is None:
            if session.wire.output.broken:
                raise trio.BrokenResourceError("connection lost during a command")
            session.respond(State("NO", "server error; see the server log", Code("SERVERBUG"), tag))
            # The view may be half changed: message numbers would then name other messages than the client means.
            if session.view is not None:
                raise Disconnect("the mailbox may have changed; reconnect", "SERVERBUG")
            return
        if isinstance(outcome, Disconnect):
            raise outcome
        if outcome.condition != "OK":
            outcome = _noted(session, name.upper(), outcome, getattr(command, "mailbox", ""))
        session.respond(outcome)
        self._started = True
        if outcome.condition == "BAD":
            self._count_bad()
        else:
            self._bad = 0
        after = self._handlers[type(command)].after if outcome.condition == "OK" else None
        if after is not None:
            await after(session)

    async def _outcome(self, tag: str, command: c.Command) -> State | Disconnect:
        """The tagged response of a command, or the end of the session."""
        session = self._session
        try:
            done = await self._carry_out(command)
        except Refused as refused:
            returns = getattr(command, "returns", None)
            if refused.condition == "NO" and isinstance(returns, Return) and returns.save:
                _forget_saved(session)
            return State(refused.condition, refused.text, refused.code, tag)
        except Disconnect as end:
            return end
        return State("OK", done.text, done.code, tag)

    async def _carry_out(self, command: c.Command) -> Done:
        """Run the handler, and send changes before and after it. Raises Refused."""
        session = self._session
        handler = self._handlers.get(type(command))
        if handler is None or handler.capability in session.login.disabled:
            raise Refused("BAD", "command isn't supported")
        self._check_state(handler.need)
        if handler.changes:
            self._check_changes()
        tells = handler.tells
        kind = type(command)
        session.running.budget = TELL_NOOP if kind in _IDLING else TELL
        if kind in _SELECTS:
            await self._deselect()
        try:
            if session.login.prefix is not None and session.logged_in:
                prefix, account = session.login.prefix, session.home.account
                command, session.running.spelling = await prefix.translated(account, command)
            if session.view is not None:
                await check_view(session, session.view)
            if tells and session.view is not None and kind in _BY_NUMBER:
                session.running.flags_sent = set() if isinstance(command, c.Store) and command.silent else None
                await tell(session, expunge=False)  # so that the command sees the newest messages
            done = self._with_limit(await handler.run(session, command))
        except StoreError as error:
            await self._tell_rest(command, tells=tells)
            raise refusal(error) from error
        except Refused:
            await self._tell_rest(command, tells=tells)
            raise
        await self._tell_rest(command, tells=tells)
        return done

    def _with_limit(self, done: Done) -> Done:
        """Add the notice that the command worked on fewer messages than were named; if there is another code, on its
        own line (RFC 9738 §3.1).
        """
        session = self._session
        code, session.running.limited = session.running.limited, None
        if code is None:
            return done
        if done.code is None:
            return Done(f"{done.text}, but only for the messages with the highest UIDs", code)
        session.respond(State("NO", "only searched messages with the highest UIDs", code))
        return done

    async def _tell_rest(self, command: c.Command, *, tells: bool) -> None:
        session = self._session
        if tells and session.logged_in:
            await tell(session, expunge=may_expunge(command))

    def _check_state(self, need: Need) -> None:
        session = self._session
        if need is Need.NOTHING:
            return
        if need is Need.NO_LOGIN:
            if session.logged_in:
                raise no("already logged in")
        elif not session.logged_in:
            raise no("log in first")
        elif need is Need.MAILBOX and session.view is None:
            raise no("select a mailbox first")

    def _check_changes(self) -> None:
        if self._session.login.read_only:
            raise no("this app password is read-only", "NOPERM")

    def _trace(self, tag: str, command: c.Command) -> None:
        """Log the command, without its secrets below level traceauth (IMAP-25)."""
        if not logger.isEnabledFor(TRACE):
            return
        secret = isinstance(command, c.Login | c.Authenticate)
        if secret and not logger.isEnabledFor(TRACEAUTH):
            logger.log(TRACE, "command", extra={"kv": {"tag": tag, "command": type(command).__name__}})
        else:
            logger.log(TRACEAUTH if secret else TRACE, "command", extra={"kv": {"tag": tag, "command": repr(command)}})

    async def aclose(self) -> None:
        """Close the account. Its last session stores which messages were claimed as recent."""
        session = self._session
        self._give_back()
        session.running.drop_incoming()
        await session.leave()
        if session.transcript.active:
            session.transcript.add(["session closed"], "-")
        if session.logged_in:
            share = session.home.share
            session.context.sessions.leave(share, session.ending.end)
            if not share.enders:
                await write_claims(session)
        await session.aclose()


def _noted(session: Session, word: str, response: State, mailbox: str = "") -> State:
    """Log that a message of the user isn't stored; returns the response with the id of that line (SMTP-140a)."""
    identity = session.login.identity
    if word not in _APPENDS or identity is None:
        return response
    code = f"[{response.code.name}] " if response.code is not None else ""
    reply = f"{response.condition} {code}{response.text}"
    identifier = refusals().note("imap", identity.account, reply, cmd=word, mailbox=mailbox)
    return msgspec.structs.replace(response, text=with_id(response.text, identifier))


def _forget_saved(session: Session) -> None:
    """Empty the saved result: a search that should have set it ended in NO (IMAP-124, RFC 5182 §2.1)."""
    if session.view is not None:
        session.view.saved = uid_array()


def _result(outcome: State | Disconnect | None) -> str:
    """Label of a command's outcome, for metrics (IMAP-24)."""
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
    """Name of that kind of command, for metrics."""
    name = kind.__name__.lower()
    return f"uid {name}" if uid else name
