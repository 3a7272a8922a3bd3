"""Drives the SMTP client codec over a Trio stream (QUEUE-60, SMTP-119..130): writing, reading, TLS, deadlines, trace,
metrics.

`moxlite.proto.smtp` decides by the rules of SMTP; this module carries out its actions.
"""

import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Final, TypeVar

import trio

from moxlite.metrics import Histogram
from moxlite.net.log import TRACE, TRACEAUTH, TRACEDATA
from moxlite.net.tls.errors import TLSError
from moxlite.net.tls.handshake import ClientTLS
from moxlite.net.tls.stream import TLSStream
from moxlite.proto import sasl
from moxlite.proto.address import Path
from moxlite.proto.smtp.client import ClientConnection
from moxlite.proto.smtp.conversation import (
    ClientAuth,
    Compute,
    Exchange,
    NeedBody,
    Outcome,
    Receive,
    Send,
    SendKind,
    StartTLS,
    TLSFacts,
    TLSMode,
    Transaction,
)
from moxlite.proto.smtp.delivery import Extensions
from moxlite.proto.smtp.errors import ConnectionLost, SMTPError
from moxlite.proto.smtp.replies import Response

if TYPE_CHECKING:
    from moxlite.net.tls.certificates import Trust

logger = logging.getLogger("moxlite.net.smtpclient")

commands = Histogram(
    "moxlite_smtpclient_command_duration_seconds",
    "Time until the reply to a command.",
    ["command", "code", "secode"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 20, 60, 300),
)

MAX_LABELS: Final = 300
"""Different reply codes counted each for itself. Codes beyond this number are counted as "other"."""

ALERT_SECONDS: Final = 1.0
"""Seconds for reading what the server sent before it disconnected: all of it has arrived already."""

_seen_labels: set[tuple[str, str, str]] = set()

T = TypeVar("T")


class HandshakeFailed(ConnectionLost):
    """The TLS handshake failed. ``error`` gives the reason."""

    def __init__(self, error: TLSError) -> None:
        super().__init__(f"TLS handshake failed: {error}", "tls")
        self.error = error


class CertificateRejected(ConnectionLost):
    """The server's certificate does not meet the caller's policy. No command was sent on this connection (QUEUE-54)."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "tls")


def certified(trust: "Trust", host: str) -> Callable[[TLSStream], None]:
    """A check of the server's certificate, which must be valid for `host`; it raises CertificateRejected."""

    def check(stream: TLSStream) -> None:
        problem = trust.check(stream.peer_chain(), host)
        if problem is not None:
            raise CertificateRejected(f"{host}'s certificate: {problem.text}")

    return check


class SMTPClient:
    """One connection to an SMTP server, in use by one task.

    Args:
      stream: the connection; closed by `quit` and `abort`.
      ehlo_name: own host name in A-labels.
      tls_mode: when TLS begins.
      tls: the client side of TLS; needed unless `tls_mode` is SKIP.
      server_name: for SNI, in A-labels.
      check: looks at the TLS connection right after the handshake, before a word is said; raises SMTPError
      (CertificateRejected) to
        refuse it.
      auth: how to log in, None for not at all.
      shows_certificate: `tls` has a client certificate, so EXTERNAL can be used.

    Methods raise SMTPError for everything that went wrong with this server; `deliver` has it in its outcome.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        ehlo_name: str,
        *,
        tls_mode: TLSMode = TLSMode.OPPORTUNISTIC,
        tls: ClientTLS | None = None,
        server_name: str | None = None,
        check: Callable[[TLSStream], None] | None = None,
        auth: ClientAuth | None = None,
        shows_certificate: bool = False,
    ) -> None:
        assert tls is not None or tls_mode is TLSMode.SKIP
        self._stream = stream
        self._ehlo_name = ehlo_name
        self._tls_mode = tls_mode
        self._tls = tls
        self._server_name = server_name
        self._check = check
        self._auth = auth
        self._shows_certificate = shows_certificate
        self._codec: ClientConnection | None = None

    @property
    def codec(self) -> ClientConnection:
        """The SMTP codec, with the server's state; available after `hello`."""
        assert self._codec is not None, "hello() comes first"
        return self._codec

    @property
    def announced(self) -> Extensions | None:
        """The extensions in the server's latest answer to EHLO; None before the first one."""
        return self._codec.extensions if self._codec is not None and self._codec.extensions.keywords else None

    @property
    def stream(self) -> trio.abc.Stream:
        """The connection as it is, with TLS if that has begun, for a caller that continues the session itself after
        `hello`.
        """
        return self._stream

    @property
    def tls_stream(self) -> TLSStream | None:
        """The TLS connection, None in clear."""
        return self._stream if isinstance(self._stream, TLSStream) else None

    async def hello(self) -> None:
        """Begin TLS at once if that is the mode, then greeting, EHLO, STARTTLS and log-in. Raises SMTPError."""
        facts = await self._start_tls(b"") if self._tls_mode is TLSMode.IMMEDIATE else None
        self._codec = ClientConnection(self._ehlo_name, tls_mode=self._tls_mode, tls=facts, auth=self._auth)
        await self._run(self._codec.hello())

    async def ask(self, recipient: Path) -> Response:
        """Ask whether the server takes mail for a recipient; the reply to RCPT. Raises SMTPError."""
        return await self._run(self.codec.ask(recipient))

    async def deliver(self, transaction: Transaction, body: AsyncIterator[bytes]) -> Outcome:
        """Send one message, whose octets come from `body`. Failures of SMTP are in the outcome; exceptions of `body`
        are raised.
        """
        return await self._run(self.codec.deliver(transaction), body)

    async def quit(self) -> None:
        """Send QUIT if the connection still works, wait a few seconds for the reply, and close."""
        try:
            if self._codec is not None and self._codec.greeting and self._codec.usable:
                await self._run(self._codec.quit())
        finally:
            await self._stream.aclose()

    async def abort(self) -> None:
        """Close at once, without QUIT."""
        await trio.aclose_forcefully(self._stream)

    async def _run(self, exchange: Exchange[T], body: AsyncIterator[bytes] | None = None) -> T:
        """Carry out the actions of an exchange until its result."""
        outcome: Response | TLSFacts | bytes | None = None
        failure: SMTPError | sasl.SASLError | None = None
        with contextlib.closing(exchange):
            while True:
                try:
                    action = exchange.send(outcome) if failure is None else exchange.throw(failure)
                except StopIteration as done:
                    result: T = done.value
                    return result
                outcome = failure = None
                try:
                    match action:
                        case Send():
                            await self._send(action)
                        case Receive():
                            outcome = await self._receive(action)
                        case StartTLS():
                            outcome = await self._start_tls(action.leftover)
                        case Compute():
                            outcome = await trio.to_thread.run_sync(action.call)
                        case NeedBody():
                            assert body is not None
                            outcome = await anext(body, b"")
                except (SMTPError, sasl.SASLError) as exc:
                    failure = exc

    async def _send(self, action: Send) -> None:
        self._trace(action)
        try:
            with trio.fail_after(action.timeout):
                await self._stream.send_all(action.data)
        except trio.TooSlowError:
            raise ConnectionLost(f"timed out after {action.timeout:.0f} s while sending data") from None
        except trio.BrokenResourceError as exc:
            raise _lost(await self._alert() or exc) from exc
        except trio.ClosedResourceError as exc:
            raise _lost(exc) from exc

    async def _alert(self) -> trio.BrokenResourceError | None:
        """The TLS alert that a server sent before it disconnected, which made our sends fail."""
        if self.tls_stream is None:
            return None
        with trio.move_on_after(ALERT_SECONDS):
            try:
                while await self.tls_stream.receive_some():
                    await trio.lowlevel.checkpoint()
            except trio.BrokenResourceError as exc:
                return exc
        return None

    async def _receive(self, action: Receive) -> Response:
        started = time.monotonic()
        reply: Response | None = None
        try:
            # For the whole reply, not for each read: a server that sends an octet a minute is given up like a silent
            # one (QUEUE-150).
            with trio.fail_after(action.timeout):
                while (reply := self.codec.next_reply()) is None:
                    data = await self._stream.receive_some()
                    if not data:
                        raise ConnectionLost("server closed the connection", action.command)
                    self.codec.receive_data(bytes(data))
        except trio.TooSlowError:
            raise ConnectionLost(f"no reply after {action.timeout:.0f} s", action.command) from None
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            raise _lost(exc, action.command) from exc
        finally:
            _observe(action.command, reply, time.monotonic() - started)
        if logger.isEnabledFor(TRACE):
            logger.log(TRACE, "smtp client read", extra={"kv": {"reply": reply}})
        return reply

    async def _start_tls(self, leftover: bytes) -> TLSFacts:
        assert self._tls is not None
        try:
            stream = await self._tls.connect(self._stream, self._server_name, leftover=leftover)
        except TLSError as exc:
            raise HandshakeFailed(exc) from exc
        self._stream = stream
        if self._check is not None:
            self._check(stream)
        return TLSFacts(_bindings(stream), self._shows_certificate)

    def _trace(self, action: Send) -> None:
        match action.kind:
            case SendKind.COMMAND:
                level, hidden = TRACE, ""
            case SendKind.AUTH:
                level, hidden = TRACEAUTH, "***"
            case SendKind.DATA:
                level, hidden = TRACEDATA, f"... {len(action.data)} octets"
        if logger.isEnabledFor(level):
            logger.log(level, "smtp client write", extra={"kv": {"data": action.data}})
        elif hidden and logger.isEnabledFor(TRACE):
            logger.log(TRACE, "smtp client write", extra={"kv": {"data": hidden}})


def _lost(exc: Exception, command: str = "") -> ConnectionLost:
    """The error for a broken connection. A TLS alert says more than the broken stream."""
    if isinstance(exc.__cause__, TLSError):
        return HandshakeFailed(exc.__cause__)
    return ConnectionLost(f"connection lost: {str(exc) or type(exc).__name__}", command)


def _bindings(stream: TLSStream) -> sasl.ChannelBindings:
    return {kind: stream.channel_binding(kind) for kind in stream.channel_bindings()}


def _observe(command: str, reply: Response | None, seconds: float) -> None:
    labels = (command, str(reply.code) if reply else "none", reply.ecode.partition(".")[2] if reply else "")
    if labels not in _seen_labels:
        if len(_seen_labels) >= MAX_LABELS:
            labels = (command, "other", "")
        else:
            _seen_labels.add(labels)
    commands.labels(*labels).observe(seconds)
