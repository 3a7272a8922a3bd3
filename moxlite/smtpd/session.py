"""One SMTP session: greeting, command loop, and dispatch of commands to handlers (RFC 5321 §3, §4; SMTP-6..21).

Theory of operation
-------------------
The codec (`moxlite.proto.smtp.server`) turns octets into commands and refuses by itself what is out of sequence or
malformed. The session asks it for events, gives each command to the function in `HANDLERS`, and sends the reply that
this returns. A handler raises `Refused` to refuse its command, `Goodbye` to end the connection, and lets errors of the
store pass, which become replies in one place (`replies.store_reply`).

    serve_connection
     ├─ Wire.watch_shutdown     ends the wait for a command with 421
     └─ Session.run             greeting, then event after event
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import trio

from moxlite.config.listeners import Listener, SMTPService
from moxlite.config.snapshot import Snapshot
from moxlite.net.connections import ConnectionInfo
from moxlite.net.limits import MinimumRate
from moxlite.net.tls.handshake import ServerTLS
from moxlite.proto.smtp import commands as c
from moxlite.proto.smtp.replies import Response
from moxlite.proto.smtp.server import Event, Refusal, ServerConnection, ServerLimits
from moxlite.smtpd import metrics, replies
from moxlite.smtpd.context import Context
from moxlite.smtpd.dialogue import Dialogue
from moxlite.smtpd.loginstate import LoginState
from moxlite.smtpd.record import Record
from moxlite.smtpd.replies import Goodbye, Refused
from moxlite.smtpd.transaction import Transaction
from moxlite.smtpd.wire import Wire
from moxlite.store.content.spool import Spool
from moxlite.store.errors import StoreError

logger = logging.getLogger("moxlite.smtpd")

CROWDED: Final = 0.8
"""Share of a network's open connections from which on sessions use the shorter deadline for commands (SMTP-14)."""

NAMED_ERRORS: Final[Mapping[str, str]] = {"5.5.0": "linetoolong", "5.5.1": "unknowncommand", "5.5.2": "unknowncommand"}

Handler = Callable[["Session", Any], Awaitable[Response | None]]
"""Function that carries out one command; returns the reply, or None if it has sent the reply itself."""


class Session:
    """One client.

    Attributes:
      context, wire: services and stream.
      snapshot: the configuration, updated at each EHLO, HELO and MAIL.
      hostname: our name on this listener.
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
        self.hostname = self.snapshot.hostname(wire.info.listener)
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
            pace=context.pace,
        )
        self.login = LoginState(context, wire, self.dialogue.codec)
        self.record = Record()
        self.hello: c.Ehlo | c.Helo | None = None
        self.transaction: Transaction | None = None
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
            with self.wire.deadline as scope:
                await self._greet()
                await self._loop()
            if scope.cancelled_caught:
                end = self._interrupted()
        except Goodbye as goodbye:
            end = goodbye
        except Exception:
            await self.dialogue.say_last(replies.INTERNAL)  # SMTP-17
            raise
        finally:
            self.end_transaction()
            self.login.leave()
        if end.error:
            metrics.errors_total.labels(error=end.error).inc()
            logger.info("connection ended", extra={"kv": self.log_facts() | {"reason": end.error}})
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
            if await self.wire.receive_block(self.context.pace.command_short):
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
        self.info.seat.touch()
        if self.info.shutdown.is_set():
            raise Goodbye(replies.SHUTTING_DOWN)
        if self.wire.ended is not None:
            raise Goodbye(self.wire.ended)
        self.record.command()
        try:
            response = await self._handlers[type(event)](self, event)
        except Refused as refused:
            response = refused.response
            logger.debug("command refused", extra={"kv": {"cmd": event.verb, "reply": str(response)}})
        except StoreError as error:
            response = replies.store_reply(error)
            logger.warning("command failed", extra={"kv": {"cmd": event.verb, "err": error}})
        if response is not None:
            self.dialogue.send(response)

    def refuse(self, refusal: Refusal) -> None:
        """Reply to a command that the codec refuses. Raises Goodbye if the refusal ends the connection."""
        self.dialogue.verb = refusal.verb or "unknown"
        error = "" if refusal.verb else NAMED_ERRORS.get(refusal.response.ecode, "")
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
        self.transaction.rate = MinimumRate()
        self.transaction.chunked = chunked
        self.info.seat.busy = True
        self.record.transaction_begun()

    # Log

    def log_facts(self) -> dict[str, object]:
        """Fields of every log line about this connection (SMTP-140)."""
        info, tls = self.info, self.info.tls
        facts: dict[str, object] = {"remote": info.remote, "local": info.local, "listener": info.listener}
        if tls is not None:
            facts["tls"] = tls.version
        if self.login.identity is not None:
            facts["username"] = self.login.identity.address
        return facts
