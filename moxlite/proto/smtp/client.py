"""SMTP client (RFC 5321) without I/O: one connection, from the greeting through STARTTLS and AUTH to QUIT.

`conversation` describes how conversations run; `delivery` has the conversation that sends a message.
"""

import base64
import re
from functools import partial
from typing import Final

from moxlite.proto import sasl
from moxlite.proto.address import Path
from moxlite.proto.smtp.conversation import (
    QUIT_TIMEOUT,
    ClientAuth,
    Compute,
    Exchange,
    Outcome,
    Send,
    SendKind,
    StartTLS,
    TLSFacts,
    TLSMode,
    Transaction,
    expect,
    receive,
)
from moxlite.proto.smtp.delivery import Delivery, Extensions, parse_extensions
from moxlite.proto.smtp.errors import NoMechanism, ProtocolError, SMTPError, SMTPUTF8Missing, TLSRefused
from moxlite.proto.smtp.replies import CONTROL, Response

AUTH_STEPS: Final = 10  # challenges: no mechanism has more than three


class ClientConnection:
    """The client's side of one connection."""

    def __init__(
        self,
        ehlo_name: str,
        *,
        tls_mode: TLSMode = TLSMode.OPPORTUNISTIC,
        tls: TLSFacts | None = None,
        auth: ClientAuth | None = None,
    ) -> None:
        """`ehlo_name`: own host name in A-labels.

        `tls`: facts of a TLS connection that is active already (IMMEDIATE).
        """
        assert (tls is not None) == (tls_mode is TLSMode.IMMEDIATE)
        self.extensions = Extensions()
        self.greeting = ""
        self.tls = tls
        self.transactions = 0  # number of transactions on this connection, for MAILMAX
        self._ehlo_name = ehlo_name
        self._tls_mode = tls_mode
        self._auth = auth
        self._reader = ReplyReader()
        self.needs_reset = False  # the last transaction did not end in 2xx: RSET comes before the next one
        self.begins_anew = False  # the server has accepted a MAIL after an accepted message, without RSET
        self.usable = True  # False after an error that leaves the connection in an unknown state

    def receive_data(self, data: bytes) -> None:
        """Take octets from the server, for `next_reply`."""
        self._reader.receive_data(data)

    def next_reply(self) -> Response | None:
        """Return the next reply, None while it is incomplete. Raises ProtocolError: throw it into the exchange."""
        return self._reader.next_reply(enhanced="ENHANCEDSTATUSCODES" in self.extensions)

    @property
    def exhausted(self) -> bool:
        """Whether no further transaction may begin: after an error, or at the server's MAILMAX (RFC 9422)."""
        mailmax = self.extensions.mailmax
        return not self.usable or (mailmax is not None and self.transactions >= mailmax)

    # Beginning and end

    def hello(self) -> Exchange[None]:
        """Read the greeting, send EHLO, and STARTTLS and AUTH as configured. Raises SMTPError."""
        try:
            return (yield from self._hello())
        except SMTPError as error:
            self.usable = self.usable and error.usable
            raise

    def _hello(self) -> Exchange[None]:
        greeting = expect("greeting", (yield from receive("greeting")))
        self.greeting = greeting.text
        yield from self._ehlo(may_fall_back=self.tls is None)
        if self._tls_mode is TLSMode.REQUIRED_STARTTLS or (
            self._tls_mode is TLSMode.OPPORTUNISTIC and "STARTTLS" in self.extensions
        ):
            yield from self._starttls()
            yield from self._ehlo(may_fall_back=False)
        if self._auth is not None:
            yield from self._log_in(self._auth)

    def _ehlo(self, *, may_fall_back: bool) -> Exchange[None]:
        """Send EHLO, or HELO if the server does not know EHLO (RFC 5321 §3.2).

        `may_fall_back` is false after TLS: a server that knew EHLO before is then not trusted.
        """
        # What was announced before TLS is forgotten (RFC 3207 §4.2): a third party may have written it, to have a
        # weaker log-in chosen, or REQUIRETLS believed.
        self.extensions = Extensions()
        yield Send(f"EHLO {self._ehlo_name}\r\n".encode("ascii"))
        reply = yield from receive("ehlo")
        if may_fall_back and 500 <= reply.code <= 504:
            yield Send(f"HELO {self._ehlo_name}\r\n".encode("ascii"))
            expect("helo", (yield from receive("helo")))
            return
        expect("ehlo", reply)
        self.extensions = parse_extensions(reply.lines)

    def _starttls(self) -> Exchange[None]:
        yield Send(b"STARTTLS\r\n")
        reply = yield from receive("starttls")
        if not reply.ok:
            raise TLSRefused(False, reply.code, reply.ecode, "starttls", reply.lines[0], reply.lines[1:])
        facts = yield StartTLS(self._reader.leftover())
        assert isinstance(facts, TLSFacts)
        self.tls = facts

    def _log_in(self, auth: ClientAuth) -> Exchange[None]:
        tls = self.tls
        try:
            mechanism = sasl.choose_mechanism(
                self.extensions.auth,
                auth.username,
                auth.password,
                bindings=tls.bindings if tls else sasl.NO_BINDINGS,
                tls=tls is not None,
                certificate=tls is not None and tls.certificate,
                allow_clear=auth.allow_clear,
                only=auth.mechanisms,
            )
        except ValueError as error:
            raise NoMechanism(str(error)) from error
        if mechanism is None:
            offered = ", ".join(self.extensions.auth) or "none"
            raise NoMechanism(f"no supported login mechanism (the server offers {offered})")
        initial = mechanism.initial()
        command = f"AUTH {mechanism.name}"
        if initial is not None:
            command += " " + (base64.b64encode(initial).decode() or "=")  # RFC 4954 §4: "=" is the empty response
        yield Send(command.encode("ascii") + b"\r\n", kind=SendKind.AUTH)
        for _ in range(AUTH_STEPS):
            reply = yield from receive("auth")
            if reply.code != 334:
                expect("auth", reply)
                # The server's 235 does not count by itself: with SCRAM it must have shown that it knows the password,
                # else a third party in between could accept any, and take the mail.
                try:
                    mechanism.finish()
                except sasl.SASLError as error:
                    raise ProtocolError(str(error), "auth") from error
                return
            try:
                challenge = base64.b64decode(reply.text, validate=True)
                answer = yield Compute(partial(mechanism.step, challenge))
                assert isinstance(answer, bytes)
            except (sasl.SASLError, ValueError) as error:  # ValueError: not base64
                yield Send(b"*\r\n", kind=SendKind.AUTH)  # RFC 4954 §4: the client cancels
                yield from receive("auth")
                if isinstance(error, sasl.Refused):
                    raise SMTPError(True, 535, "5.7.8", "auth", f"login failed: {error}") from error
                raise ProtocolError(f"login failed: {error}", "auth") from error
            yield Send(base64.b64encode(answer) + b"\r\n", kind=SendKind.AUTH)
        raise ProtocolError("too many login challenges", "auth")

    def quit(self) -> Exchange[None]:
        """Send QUIT. Errors are ignored."""
        try:
            yield Send(b"QUIT\r\n", QUIT_TIMEOUT)
            yield from receive("quit", QUIT_TIMEOUT)
        except SMTPError:
            return
        finally:
            self.usable = False

    # Transactions

    def ask(self, recipient: Path) -> Exchange[Response]:
        """Ask whether the server takes mail for a recipient, from the null path and without a message: the reply to
        RCPT. The connection is for no transaction afterwards. Raises SMTPError if the server does not come so far.
        """
        utf8 = recipient.needs_smtputf8
        if utf8 and "SMTPUTF8" not in self.extensions:
            raise SMTPUTF8Missing
        yield Send(b"MAIL FROM:<> SMTPUTF8\r\n" if utf8 else b"MAIL FROM:<>\r\n")
        expect("mail", (yield from receive("mail")))
        yield Send(f"RCPT TO:<{recipient.pack(utf8)}>\r\n".encode())
        return (yield from receive("rcpt"))

    def deliver(self, transaction: Transaction) -> Exchange[Outcome]:
        """Send one message. SMTP errors are in the outcome; other exceptions are raised."""
        return Delivery(self, transaction).run(reset=self.needs_reset)


# A client's reader of SMTP replies (RFC 5321 §4.2, RFC 2034).


REPLY_LINE_LIMIT: Final = 2048  # octets that we read: some servers put URLs and addresses there (QUEUE-62)
REPLY_LINES: Final = 100  # lines of one reply that we read (QUEUE-62)

_ENHANCED: Final = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})(?: |$)")  # RFC 2034 §4


class ReplyReader:
    """Parser of replies, with a buffer of received octets."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._code = 0
        self._lines: list[str] = []

    def receive_data(self, data: bytes) -> None:
        """Take octets from the peer."""
        self._buffer += data

    def leftover(self) -> bytes:
        """Remove and return the unread octets, which are not SMTP (after the reply to STARTTLS)."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def next_reply(self, *, enhanced: bool) -> Response | None:
        """Return the next reply, None while it is incomplete.

        `enhanced`: the peer announced ENHANCEDSTATUSCODES, so texts begin with an enhanced code. A line may end in a
        bare LF, and the space after the code may be missing. Raises ProtocolError: the connection is then unusable.
        """
        while True:
            end = self._buffer.find(b"\n", 0, REPLY_LINE_LIMIT + 1)
            if end < 0:
                if len(self._buffer) > REPLY_LINE_LIMIT:
                    raise ProtocolError("reply line too long")
                return None
            line = bytes(self._buffer[:end]).removesuffix(b"\r")
            del self._buffer[: end + 1]
            if self._add(line):
                code, lines = self._code, self._lines
                self._code, self._lines = 0, []
                return _with_enhanced(code, lines) if enhanced else Response(code, "", tuple(lines))

    def _add(self, line: bytes) -> bool:
        """Add a line; returns whether it ends the reply."""
        digits = line[:3]
        if len(digits) < 3 or not digits.isdigit() or not 200 <= int(digits) <= 599:
            raise ProtocolError("missing reply code")
        if self._lines and int(digits) != self._code:
            raise ProtocolError("inconsistent reply codes")
        if len(self._lines) == REPLY_LINES:
            raise ProtocolError("reply has too many lines")
        self._code = int(digits)
        rest = line[4:] if line[3:4] in b" -" else line[3:]
        self._lines.append(CONTROL.sub("?", rest.decode("utf-8", "replace")))
        return line[3:4] != b"-"


def _with_enhanced(code: int, lines: list[str]) -> Response:
    """Make a reply from lines that begin with an enhanced code, if its class matches the code (QUEUE-62)."""
    match = _ENHANCED.match(lines[0])
    if not match or match[1] != str(code)[0]:
        return Response(code, "", tuple(lines))
    ecode = match[0].rstrip(" ")
    return Response(code, ecode, tuple(line.removeprefix(ecode).removeprefix(" ") for line in lines))
