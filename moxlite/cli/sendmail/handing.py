"""Handing a letter to the mail server: one SMTP session with log-in (QUEUE-141, QUEUE-143). And the session of a
program that speaks SMTP on standard input (-bs).
"""

import base64
import binascii
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import BinaryIO, Final

import trio
from cryptography.hazmat.primitives.asymmetric import ed25519

from moxlite.cli.sendmail.message import MAX_MESSAGE, BadLetter, Flags, OutgoingMessage, make_letter
from moxlite.cli.sendmail.settings import Settings
from moxlite.escapes import printable
from moxlite.net.dial import DialError, dial
from moxlite.net.limits import IPAddress
from moxlite.net.smtpclient import SMTPClient, certified
from moxlite.net.tls.certificates import CertificateError, KeyPair, Trust, self_signed
from moxlite.net.tls.handshake import ClientTLS
from moxlite.proto.address import NULL_PATH, Path as MailPath
from moxlite.proto.mime.sevenbit import Unconvertible, convert
from moxlite.proto.smtp import commands
from moxlite.proto.smtp.conversation import ClientAuth, Outcome, Recipient, TLSMode, Transaction
from moxlite.proto.smtp.errors import SMTPError
from moxlite.proto.smtp.replies import Response
from moxlite.proto.smtp.server import (
    NEED_DATA,
    DataChunk,
    DataEnd,
    Event,
    Oversize,
    Refusal,
    ServerConnection,
    ServerLimits,
)

SESSION_SECONDS: Final = 15 * 60.0
"""Seconds for the whole session; a program waits for it."""

PIECE: Final = 64 << 10
"""Octets of the message that are sent at a time."""

MAX_PEM: Final = 1 << 20
"""Octets of the file with key and certificate: another file, named by mistake, is not read to its end."""


class BadKey(Exception):
    """The client's key cannot be used; the text is for people."""


class NotAccepted(Exception):
    """The server has not accepted the letter for all recipients. `temporary`: it may be tried again."""

    def __init__(self, text: str, *, temporary: bool) -> None:
        super().__init__(text)
        self.temporary = temporary


async def hand_in(letter: OutgoingMessage, settings: Settings) -> None:
    """Submit a letter. Raises NotAccepted, BadKey."""
    try:
        with trio.fail_after(SESSION_SECONDS):
            await _hand_in(letter, settings)
    except trio.TooSlowError:
        raise NotAccepted(f"{settings.host} timed out", temporary=True) from None
    except SMTPError as error:
        raise NotAccepted(f"{settings.host}: {error}", temporary=not error.permanent) from None


async def _hand_in(letter: OutgoingMessage, settings: Settings) -> None:
    key = _client_key(settings)
    trust = Trust()
    if not settings.tls_insecure_skip_verify:
        await trust.ready()
    try:
        # `inside`: the server is the owner's, and may have a private address.
        dialed = await dial(await _addresses(settings), settings.port, inside=True)
    except DialError as error:
        raise NotAccepted(f"{settings.host}: {error}", temporary=True) from None

    encrypted = settings.tls or settings.starttls
    mode = TLSMode.IMMEDIATE if settings.tls else TLSMode.REQUIRED_STARTTLS if settings.starttls else TLSMode.SKIP
    client = SMTPClient(
        dialed.stream,
        settings.local_hostname,
        tls_mode=mode,
        tls=ClientTLS(certificate=key) if encrypted else None,
        server_name=None if _parse_ip(settings.host) else settings.host,  # RFC 6066 §3: no addresses
        check=None if settings.tls_insecure_skip_verify else certified(trust, settings.host),
        auth=ClientAuth(
            settings.username,
            settings.password,
            (settings.auth_method,) if settings.auth_method else () if settings.password else ("EXTERNAL",),
            allow_clear=not encrypted,
        ),
        shows_certificate=key is not None,
    )
    try:
        await client.hello()
        octets = letter.octets
        if not octets.isascii() and "8BITMIME" not in client.codec.extensions:
            with suppress(Unconvertible):  # the client then reports the missing extension
                octets = b"".join(convert(octets))
        for sender in letter.senders:
            addresses = letter.recipients if sender is None else (sender, *letter.recipients)
            transaction = Transaction(
                NULL_PATH if sender is None else MailPath.of(sender),
                tuple(Recipient(MailPath.of(recipient)) for recipient in letter.recipients),
                len(octets),
                eight_bit=not octets.isascii(),
                smtputf8=any(address.needs_smtputf8 for address in addresses),
                requiretls=settings.require_tls == "yes",
            )
            outcome = await client.deliver(transaction, _pieces(octets))
            if not _may_dislike_sender(outcome):
                break
    finally:
        with trio.CancelScope(shield=True):  # bounded by the client's own time for QUIT
            await client.quit()
    failed = [
        (str(address), result.error)
        for address, result in zip(letter.recipients, outcome.recipients, strict=True)
        if result.error is not None
    ]
    if failed:
        text = "; ".join(f"{address}: {error}" for address, error in failed)
        if len(failed) < len(letter.recipients):  # another try would send it to the others twice
            raise NotAccepted(f"{settings.host}: {text}; accepted for the other recipients", temporary=False)
        raise NotAccepted(f"{settings.host}: {text}", temporary=not any(error.permanent for _, error in failed))


def _may_dislike_sender(outcome: Outcome) -> bool:
    """Whether nothing was accepted, at MAIL, or at RCPT, where many servers check the sender."""
    errors = [result.error for result in outcome.recipients]
    return all(error is not None and error.permanent and error.command in ("mail", "rcpt") for error in errors)


def _client_key(settings: Settings) -> KeyPair | None:
    if path := settings.client_auth_cert_private_key_pem_file:
        try:
            with Path(path).open("rb") as file:
                pem = file.read(MAX_PEM)
            return KeyPair.load(pem, pem)
        except OSError as error:
            raise BadKey(f"{path}: {error.strerror or error}") from None
        except CertificateError as error:
            raise BadKey(f"{path}: {error}") from None
    if text := settings.client_auth_ed25519_private_key:
        try:
            seed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        except (binascii.Error, ValueError) as error:
            raise BadKey(f"client_auth_ed25519_private_key: {error}") from None
        return self_signed([settings.username], key=key)
    return None


def _parse_ip(host: str) -> IPAddress | None:
    """The address in `host`, or None if it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


async def _addresses(settings: Settings) -> Sequence[IPAddress]:
    """Addresses by the system's resolver: this machine need not have a mail server's own."""
    try:
        found = await trio.socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NotAccepted(f"{settings.host}: {error.strerror or error}", temporary=True) from None
    except UnicodeError as error:
        raise NotAccepted(f"{settings.host} isn't a server name: {error}", temporary=False) from None
    return [ip_address(str(address[0]).partition("%")[0]) for *_, address in found]


async def _pieces(octets: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(octets), PIECE):
        yield octets[start : start + PIECE]


# The session of a program that speaks SMTP on standard input: Symfony, Laravel, alpine.
#
# Each message is handed in before its reply, so that the program learns how that went. What the mail server refuses
# isn't kept: the program knows.


KEYWORDS: Final = frozenset({"8BITMIME", "SIZE", "SMTPUTF8"})
"""Extensions whose parameters are taken. The mail server is asked by what the message needs."""

OK: Final = Response(250, "2.0.0", ("ok",))
REPLIES: Final[dict[type[object], Response]] = {
    commands.Helo: Response(250, "", ("ready",)),
    commands.Ehlo: Response(250, "", ("ready", "PIPELINING", "8BITMIME", f"SIZE {MAX_MESSAGE}", "SMTPUTF8")),
    commands.MailFrom: OK,
    commands.RcptTo: OK,
    commands.Data: Response(354, "", ("end with a line with a single dot",)),
    commands.Rset: OK,
    commands.Noop: OK,
    commands.Help: Response(214, "2.0.0", ("moxlite sendmail",)),
    commands.Vrfy: Response(252, "2.1.5", ("send a message to find out",)),
    commands.Expn: Response(502, "5.5.1", ("not supported",)),
    commands.Auth: Response(502, "5.5.1", ("no login needed",)),
    commands.Quit: Response(221, "2.0.0", ("bye",)),
}


def speak(settings: Settings, source: int, sink: BinaryIO) -> None:
    """Speak SMTP with a program until it quits, or ends its output, which is the file descriptor `source`. Blocks."""
    codec = ServerConnection(submission=True, limits=ServerLimits(MAX_MESSAGE))
    codec.account_known()  # who may start this may send
    session = _ProgramSession(settings)

    def say(response: Response) -> None:
        sink.write(codec.send(response))
        sink.flush()

    say(Response(220, "", (f"{settings.local_hostname} ESMTP",)))
    while octets := os.read(source, PIECE):
        codec.receive_data(octets)
        while (event := codec.next_event()) is not NEED_DATA:
            if isinstance(event, commands.Ehlo):
                codec.offer(KEYWORDS)
            if (response := session.reply(event)) is not None:
                say(response)
            if isinstance(event, commands.Quit) or getattr(event, "close", False) or getattr(event, "overrun", False):
                return


class _ProgramSession:
    """The transaction that a program begins, and the replies to it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._begin("")

    def _begin(self, sender: str) -> None:
        self._sender = sender
        self._recipients: list[str] = []
        self._data = bytearray()
        self._too_large = False

    def reply(self, event: Event) -> Response | None:
        """The reply to a command, or to the end of a message; None where none is due."""
        match event:
            case Refusal():
                return event.response
            case DataChunk():
                self._data += event.data
                return None
            case Oversize():
                self._too_large = True
                return None
            case DataEnd():
                return self._answer() if event.last else OK
            case commands.MailFrom():
                self._begin(str(event.path))
            case commands.RcptTo():
                self._recipients.append(str(event.path))
            case _:
                pass
        return REPLIES.get(type(event))

    def _answer(self) -> Response:
        """Hand the message in; the reply tells how that went."""
        if self._too_large:
            return Response(552, "5.3.4", (f"message exceeds {MAX_MESSAGE >> 20} MiB",))
        flags = Flags(tuple(self._recipients), dots=True, sender=self._sender, mode="s")
        data = bytes(self._data)
        self._begin("")
        try:
            trio.run(hand_in, make_letter(data, flags, self._settings), self._settings)
        except NotAccepted as error:
            code, ecode = (451, "4.0.0") if error.temporary else (554, "5.0.0")
            return Response.of(code, ecode, printable(str(error)))
        except (BadLetter, BadKey) as error:
            return Response.of(554, "5.6.0", printable(str(error)))
        return OK
