"""One SMTP session: greeting, command loop, and dispatch of commands to handlers (RFC 5321 §3, §4; SMTP-6..21).

Theory of operation
-------------------
The codec (`moxlite.proto.smtp.server`) turns octets into commands and refuses by itself what is out of sequence or
malformed. The session asks it for events, gives each command to the function in `HANDLERS`, and sends the reply that
this returns. A handler raises `Refused` to refuse its command, `Goodbye` to end the connection, and lets errors of the
store pass, which become replies in one place (`replies.store_reply`).

`Session.run` greets, then carries out event after event. A shutdown ends its wait for a command with 421
(`Wire.shut_down`).
"""

import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import trio

from moxlite.config.listeners import Listener, SMTPService
from moxlite.config.snapshot import Recipient, Snapshot, outgoing_name
from moxlite.logins.identity import CertificateLogin, Identity, LoginRequest, fingerprint
from moxlite.mailauth.results import SPFResult
from moxlite.net.admission import ConnectionInfo
from moxlite.net.limits import MinimumRate
from moxlite.net.log import TRACE
from moxlite.net.refusals import refusals
from moxlite.net.tls.handshake import ServerTLS
from moxlite.processor import Stretch, act_for, calling
from moxlite.proto.address import Address, Path
from moxlite.proto.mime.headers import HeaderWatch
from moxlite.proto.smtp import commands as c
from moxlite.proto.smtp.commands import MailFrom, RcptTo
from moxlite.proto.smtp.replies import OwnFault, Response
from moxlite.proto.smtp.server import NEED_DATA, AuthData, Event, Refusal, ServerConnection, ServerLimits
from moxlite.smtpd import metrics, replies
from moxlite.smtpd.context import Context, Timeouts
from moxlite.smtpd.replies import Goodbye, Refused
from moxlite.smtpd.wire import Wire
from moxlite.store.content.spool import Spool
from moxlite.store.errors import StoreError

# The state of one SMTP transaction, from MAIL to the reply to its message.


class AcceptedRecipient:
    """A recipient accepted by RCPT: the command, and the account or alias it resolves to."""

    __slots__ = ("command", "found")

    def __init__(self, command: RcptTo, found: Recipient) -> None:
        self.command = command
        self.found = found

    @property
    def path(self) -> Path:
        """The address as the client wrote it, separators and case included."""
        return self.command.path


class Transaction:
    """A mail transaction, begun by MAIL.

    Attributes:
      mail: the command.
      hold_until: µs UTC of FUTURERELEASE, None for at once.
      recipients: the accepted ones, in order.
      spool: the octets so far, once DATA or BDAT began.
      rate: checks the minimum rate of the message's octets.
      header: checks the size of the header section as it arrives.
      chunked: the message comes by BDAT.
      refused: the reply, if known before the end of the message; the rest is then read and dropped.
      spf: SPF result of the sender, once checked.
      home: the first sender of a message that was sent on, if this is a bounce of it; the code of a question, if this
        is the answer to it.
      identifier: key by which an account stores the message only once (STORE-60): random, or the key given by our own
        queue.
      received: time of MAIL, µs UTC.
    """

    __slots__ = (
        "chunked",
        "header",
        "hold_until",
        "home",
        "identifier",
        "mail",
        "rate",
        "received",
        "recipients",
        "refused",
        "spf",
        "spool",
    )

    def __init__(self, mail: MailFrom, hold_until: int | None = None, identifier: bytes = b"") -> None:
        self.mail = mail
        self.hold_until = hold_until
        self.recipients: list[AcceptedRecipient] = []
        self.spool: Spool | None = None
        self.rate: MinimumRate | None = None
        self.header = HeaderWatch()
        self.chunked = False
        self.refused: Response | None = None
        self.spf: SPFResult | None = None
        self.home: Address | str | None = None
        self.identifier = identifier or secrets.token_bytes(16)
        self.received = time.time_ns() // 1000

    @property
    def sender(self) -> Path:
        """The reverse path."""
        return self.mail.path

    @property
    def lax(self) -> bool:
        """Whether the client put a space before a path (SMTP-66)."""
        return self.mail.lax or any(recipient.command.lax for recipient in self.recipients)

    def refuse(self, response: Response) -> None:
        """Set the reply to the message, and drop its spool."""
        self.refused = response
        self.drop_spool()

    def drop_spool(self) -> None:
        """Close the spool, which frees its space. Idempotent."""
        if self.spool is not None:
            self.spool.close()
            self.spool = None


logger = logging.getLogger("moxlite.smtpd")

CROWDED: Final = 0.8
"""Share of a network's open connections from which on sessions use the shorter deadline for commands (SMTP-14)."""

NAMED_ERRORS: Final[Mapping[str, str]] = {"5.5.0": "linetoolong", "5.5.1": "unknowncommand", "5.5.2": "unknowncommand"}

ENVELOPE: Final = frozenset({"MAIL", "RCPT", "DATA", "BDAT"})
"""Commands by which a message is submitted."""

Handler = Callable[["Session", Any], Awaitable[Response | None]]
"""Function that carries out one command; returns the reply, or None if it has sent the reply itself."""


class Session:
    """One client.

    Attributes:
      context, wire: services and stream.
      snapshot: the configuration, updated at each EHLO, HELO and MAIL.
      hostname: our name on this listener, as others may see it.
      dialogue: commands and replies, with the SMTP state machine.
      login: the logged-in user, the client certificate, failed log-ins.
      record: numbers of commands and failed transactions.
      hello: EHLO or HELO, None before.
      transaction: the current mail transaction, None outside of one.
    """

    def __init__(self, context: Context, wire: Wire, handlers: Mapping[type[c.Command], Handler]) -> None:
        self.context = context
        self.wire = wire
        self.snapshot: Snapshot = context.config.current
        self.hostname = outgoing_name(self.snapshot, wire.info.listener)
        self.dialogue = Dialogue(
            wire,
            ServerConnection(
                submission=context.submission,
                pedantic=self.snapshot.static.pedantic,
                limits=ServerLimits(self.listener.max_message_size),
                starttls=self.starttls is not None,
                tolerate_space=self.listener.smtp.tolerate_space,
                tls=self.info.tls is not None,
            ),
            kind=context.kind,
            received_id=context.received_id.encode(wire.info.cid),
            timeouts=context.timeouts,
        )
        self.login = LoginState(context, wire, self.dialogue.codec)
        self.record = Record()
        self.hello: c.Ehlo | c.Helo | None = None
        self.transaction: Transaction | None = None
        self._refusal_noted = False  # since the last transaction began
        self._handlers = handlers

    # Facts

    @property
    def info(self) -> ConnectionInfo:
        """Facts about the connection; replaced after STARTTLS."""
        return self.wire.info

    @property
    def listener(self) -> Listener:
        """The configuration of our listener."""
        return self.snapshot.listener(self.info.listener)

    @property
    def smtp(self) -> SMTPService:
        """The configuration for incoming mail."""
        return self.listener.smtp

    @property
    def starttls(self) -> ServerTLS | None:
        """TLS settings for STARTTLS, None if not offered."""
        return self.context.starttls if self.context.submission or self.smtp.starttls else None

    @property
    def network_checks(self) -> bool:
        """Whether the client is another host, about which DNS is asked."""
        return self.context.resolver is not None and not (self.info.trusted_local or self.context.localserve)

    @property
    def sender_checks(self) -> bool:
        """Whether the sender of a message is authenticated; in localserve for all mail, as if it came from elsewhere
        (AUTH-14).
        """
        return self.network_checks or (self.context.resolver is not None and self.context.localserve)

    # The loop

    async def run(self) -> None:
        """Speak until the client quits, breaks the protocol or times out.

        Raises only cancellation and unexpected exceptions, after a last reply to the client.
        """
        metrics.connection_total.labels(kind=self.context.kind).inc()
        end = Goodbye()
        try:
            with self.info.shutdown.tell(self.wire.shut_down), self.wire.deadline as scope:
                await self._greet()
                await self._loop()
            if scope.cancelled_caught:
                end = self._interrupted()
        except Goodbye as goodbye:
            end = goodbye
        # A last 451 in place of a broken connection: the client knows that it must keep the message, and its log says
        # why.
        except Exception:
            await self.dialogue.say_last(replies.INTERNAL)  # SMTP-17
            raise
        finally:
            self.end_transaction()
            self.login.leave()
        if end.error:
            metrics.errors_total.labels(error=end.error).inc()
            level = logging.DEBUG if end.error == "starttls" else logging.INFO  # that has a line of its own
            logger.log(level, "connection ended", extra={"kv": self.log_facts() | {"reason": end.error}})
        if end.response is not None:
            await self.dialogue.say_last(end.response)

    def _interrupted(self) -> Goodbye:
        """The reason why a wait for the client was ended."""
        if self.info.shutdown.is_set():
            return Goodbye(replies.SHUTTING_DOWN)
        return Goodbye(replies.TIMEOUT, "timeout") if self.wire.ended is None else Goodbye(self.wire.ended)

    async def _greet(self) -> None:
        context, info = self.context, self.info
        if info.shutdown.is_set():
            raise Goodbye(replies.SHUTTING_DOWN)
        if context.submission:
            if not context.logins.attempts.allowed(self.login.request()):
                raise Goodbye(replies.TOO_MANY_FAILURES)
            await self.login.look_at_certificate()
        elif self.smtp.greet_delay and not info.trusted_local:
            await self._wait_for_early_talker()
        self.wire.write(f"220 {self.hostname.ascii} ESMTP moxlite\r\n".encode())

    async def _wait_for_early_talker(self) -> None:
        """Refuse a client that speaks before the greeting. It does not read replies, and only sends spam (SMTP-142)."""
        with trio.move_on_after(self.smtp.greet_delay):
            if await self.wire.receive_block(self.context.timeouts.command_short):
                raise Goodbye(replies.EARLY, "earlytalker")
            raise Goodbye

    async def _loop(self) -> None:
        while (event := await self.dialogue.next_event()) is not None:
            await self._handle(event)

    async def _handle(self, event: Event) -> None:
        """Carry out one command; its reply is in the write buffer when this returns."""
        if isinstance(event, Refusal):
            self.refuse(event)
            return
        assert isinstance(event, c.Command)
        self.dialogue.verb = event.verb
        calling.set(f"smtp {event.verb}")
        self.info.seat.touch()
        if self.info.shutdown.is_set():
            raise Goodbye(replies.SHUTTING_DOWN)
        if self.wire.ended is not None:
            raise Goodbye(self.wire.ended)
        self.record.command()
        transaction = self.transaction  # which may have ended by the reply
        try:
            response = await self._handlers[type(event)](self, event)
        except Goodbye as goodbye:
            if goodbye.response is not None:
                self._note_refusal(event.verb, goodbye.response, transaction, event)
            raise
        except Refused as refused:
            response = refused.response
            logger.debug("command rejected", extra={"kv": {"cmd": event.verb, "reply": str(response)}})
        except StoreError as error:
            response = replies.store_reply(error)
            logger.warning("command failed", extra={"kv": {"cmd": event.verb, "err": error}})
        if response is not None:
            self._note_refusal(event.verb, response, transaction, event)
            self.dialogue.send(response)

    def _note_refusal(
        self, verb: str, response: Response, transaction: Transaction | None, command: c.Command | None = None
    ) -> None:
        """Log the reply to a user's message that isn't taken (SMTP-140a)."""
        identity = self.login.identity
        if response.code < 400 or verb not in ENVELOPE or identity is None or not self.context.submission:
            return
        if response.code == 503 and self._refusal_noted:  # bad sequence (RFC 5321 §4.2.3)
            return  # pipelined behind the command whose refusal has its line
        self._refusal_noted = True
        sender = None if transaction is None else transaction.sender
        recipients = [] if transaction is None else [recipient.path for recipient in transaction.recipients]
        if isinstance(command, MailFrom):
            sender = command.path
        elif isinstance(command, RcptTo):
            recipients = [command.path]
        named = "" if sender is None else sender.pack(False) or "<>"
        texts = [path.pack(False) for path in recipients]
        identifier = self.dialogue.received_id
        refusals().note("smtp", identity.account, response, sender=named, recipients=texts, cmd=verb, id=identifier)

    def refuse(self, refusal: Refusal) -> None:
        """Reply to a command that the codec refuses. Raises Goodbye if the refusal ends the connection."""
        self.dialogue.verb = refusal.verb or "unknown"
        error = "" if refusal.verb else NAMED_ERRORS.get(refusal.response.ecode, "")
        self._note_refusal(refusal.verb, refusal.response, self.transaction)
        if refusal.verb == "RSET":
            self.end_transaction()
        if refusal.close:
            raise Goodbye(refusal.response, error or "linetoolong")
        if error:
            metrics.errors_total.labels(error=error).inc()
        self.record.command()
        self.dialogue.send(refusal.response)

    # The transaction

    def begin_transaction(self, transaction: Transaction) -> None:
        """Begin a transaction: MAIL was accepted."""
        self.end_transaction()
        self.transaction = transaction
        self._refusal_noted = False

    def end_transaction(self) -> None:
        """End the transaction, if there is one, and release its spool."""
        if self.transaction is not None:
            self.transaction.drop_spool()
            self.transaction = None
            self.info.seat.busy = False

    def begin_content(self, *, chunked: bool = False) -> None:
        """Begin to receive the message. From now on the transaction counts as failed until it succeeds (SMTP-21)."""
        assert self.transaction is not None
        spools = self.context.spools
        self.transaction.spool = Spool(spools.directory, space=spools.share(self.info))
        slow_is_fine = self.login.identity is not None or not self.dialogue.crowded
        self.transaction.rate = None if slow_is_fine else MinimumRate()
        self.transaction.chunked = chunked
        self.info.seat.busy = True
        self.record.transaction_begun()

    # Log

    def log_facts(self) -> dict[str, object]:
        """Fields of every log line about this connection (SMTP-140)."""
        info, tls = self.info, self.info.tls
        facts: dict[str, object] = {"remote": info.remote, "local": info.local, "listener": info.listener}
        facts["id"] = self.dialogue.received_id
        if tls is not None:
            facts["tls"] = tls.version
        if self.login.identity is not None:
            facts["username"] = self.login.identity.address
        return facts


# Dialogue with one client: octets become commands, replies become octets, and each reply is counted.


class Dialogue:
    """Commands and replies of one connection.

    Attributes:
      codec: the SMTP state machine.
      received_id: the id of the connection, as error texts and Received fields show it (SMTP-8).
      verb: the command that is carried out, for metrics.
      crowded: whether the client's network has so many connections that it gets the shorter deadline (SMTP-14).
    """

    def __init__(self, wire: Wire, codec: ServerConnection, *, kind: str, received_id: str, timeouts: Timeouts) -> None:
        self.codec = codec
        self.received_id = received_id
        self.verb = "connect"
        self.crowded = False
        self._wire = wire
        self._kind = kind
        self._timeouts = timeouts
        self._began = time.perf_counter()  # of the command
        self._stretch = Stretch()  # a stranger may pipeline 1000 recipients in one block, which takes 0.1 s
        self._tracing = logger.isEnabledFor(TRACE)

    async def next_event(self) -> Event | None:
        """The next command or refusal, None when the client has gone. Raises Goodbye."""
        while (event := self.codec.next_event()) is NEED_DATA:
            octets = await self._receive()
            self._stretch.begin()
            if not octets:
                return None
            if self._tracing:
                self._wire.trace_commands(octets)
            self.codec.receive_data(octets)
        await self._stretch.step()
        self._began = time.perf_counter()
        return event

    async def next_line(self) -> AuthData | Refusal:
        """Read the client's answer in an AUTH exchange. Raises Goodbye."""
        while (event := self.codec.next_event()) is NEED_DATA:
            octets = await self._receive()
            if not octets:
                raise Goodbye
            if self._tracing:
                self._wire.trace_received(octets, auth=True)
            self.codec.receive_data(octets)
        assert isinstance(event, AuthData | Refusal)
        return event

    async def _receive(self) -> bytes:
        timeouts = self._timeouts
        return await self._wire.receive(timeouts.command_short if self._wire.slow or self.crowded else timeouts.command)

    def send(self, response: Response) -> None:
        """Put a reply into the write buffer."""
        self._wire.write(self._encode(response))

    async def say_last(self, response: Response) -> None:
        """Send the reply that ends the connection."""
        await self._wire.say_last(self._encode(response))

    def _encode(self, response: Response) -> bytes:
        """Encode and count a reply; error texts end in the id of the connection (SMTP-8)."""
        if response.code >= 400:
            response = response.with_note(self.received_id)
        octets = self.codec.send(response)
        if self._tracing:
            self._wire.trace_sent(octets, auth=response.code == 334)
        metrics.observe_command(self._kind, self.verb, response.code, response.ecode, time.perf_counter() - self._began)
        return octets

    def trace_data(self, octets: bytes) -> None:
        """Log content of a message, at its own trace level."""
        if self._tracing:
            self._wire.trace_received(octets, data=True)


# Log-in state of one connection: its user, its client certificate and its failures.


SLOW_FAILURES: Final = 3
"""Number of failed log-ins at which the connection goes into slow mode (SMTP-15)."""


class LoginState:
    """The user of a connection, as far as known.

    Attributes:
      identity: the logged-in user, None without a log-in.
      certificate: the account of the client certificate, None without a known one.
      failures: failed log-ins.
    """

    def __init__(self, context: Context, wire: Wire, codec: ServerConnection) -> None:
        self.identity: Identity | None = None
        self.certificate: CertificateLogin | None = None
        self.failures = 0
        self._context = context
        self._wire = wire
        self._codec = codec

    def request(self) -> LoginRequest:
        """The origin of an attempt to log in, for `Logins`."""
        info = self._wire.info
        tls = info.tls
        return LoginRequest(
            protocol=self._context.kind,
            remote=info.remote,
            local=info.local,
            tls=f"{tls.version} {tls.cipher}" if tls else "",
            fingerprint=fingerprint(tls.peer_key) if tls else "",
            failures=self.failures,
        )

    async def look_at_certificate(self) -> None:
        """Look up the account of the client certificate, after a TLS handshake (SMTP-59)."""
        tls = self._wire.info.tls
        if tls is not None and tls.peer_key is not None:
            self.certificate = await self._context.logins.certificate(self.request())
        if self.certificate is not None:
            self._codec.account_known()

    def failed(self) -> None:
        """Count a failed log-in on this connection."""
        self.failures += 1
        if self.failures >= SLOW_FAILURES:
            self._wire.slow = True

    def succeeded(self, identity: Identity) -> None:
        """Record the user of a successful log-in."""
        self.identity = identity
        act_for(identity.account)
        self._wire.info.seat.known = True
        self._context.senders.join(identity, self._revoked)
        self._wire.slow = False

    def leave(self) -> None:
        """The connection ends."""
        if self.identity is not None:
            self._context.senders.leave(self.identity.account, self._revoked)

    def _revoked(self, text: str) -> None:
        """End the session, because its log-in was disabled or revoked (SMTP-62a). `text`: for the user."""
        self._wire.end(Response(421, "4.7.0", (text,)))


# The record of a client on one connection: its numbers of commands and failed transactions (SMTP-21, 143).


MAX_COMMANDS: Final = 1000
"""Maximum number of commands without a message (SMTP-143): more is a probe, or a client in a loop."""

MAX_BAD: Final = 10
"""Maximum number of failed transactions on a connection without a successful one (SMTP-21)."""


class Record:
    """Counts for the limits that end a connection."""

    def __init__(self) -> None:
        self.transactions = 0
        self._commands = 0  # since the last message
        self._failed = 0
        self._succeeded = False

    def command(self) -> None:
        """Count a command. Raises Goodbye if there were too many without a message."""
        self._commands += 1
        if self._commands > MAX_COMMANDS:
            raise Goodbye(replies.TOO_MANY_COMMANDS, "toomanycommands")

    def part_accepted(self) -> None:
        """Do not count an accepted RCPT or chunk as a command without a message: these have limits of their own
        (SMTP-143).
        """
        self._commands -= 1

    def transaction_begun(self) -> None:
        """Count a transaction, whose message is received now, as failed until it succeeds (SMTP-21)."""
        self._failed += 1
        self.transactions += 1

    def transaction_answered(self, response: Response) -> None:
        """Count the transaction by the reply to its message: as successful, or not at all if the fault is ours."""
        if response.ok:
            self._succeeded = True
            self._commands = 0
        elif isinstance(response, OwnFault):
            self._failed -= 1

    def check(self) -> None:
        """End the connection after too many failed transactions without a successful one. Raises Goodbye."""
        if self._failed > MAX_BAD and not self._succeeded:
            raise Goodbye(replies.TOO_MANY_BAD, "toomanybad")
