"""What is fuzzed: for each codec how it is fed, what may come out of it, and valid transcripts to begin with.

A target's `run` feeds one input in the given pieces and returns what came out, as values that can be compared: they
must not depend on the pieces. It lets pass nothing but what the codec documents; any other exception is a finding.
"""

import re
from collections.abc import Awaitable, Iterable, Sequence
from ipaddress import IPv4Address
from pathlib import Path as FilePath
from typing import Final, Protocol, TypeVar

import msgspec
import trio

from moxlite.net.admission import ConnectionInfo, Shutdown
from moxlite.net.listeners import SIGNATURE, ProxyError, read_proxy_header
from moxlite.proto import sasl
from moxlite.proto.address import NULL_PATH, Address, AddressError, Domain, Path, parse_ip_literal, parse_localpart
from moxlite.proto.dsn import DSNError, parse_dsn
from moxlite.proto.imap import server as imap
from moxlite.proto.imap.client import ClientDecoder
from moxlite.proto.imap.commands import Authenticate, Idle
from moxlite.proto.imap.errors import ProtocolError as IMAPProtocolError
from moxlite.proto.imap.responses import State
from moxlite.proto.managesieve import ManageSieveError, ServerDecoder as ManageSieveDecoder
from moxlite.proto.mbox import MboxError, MboxReader
from moxlite.proto.mime.decode import decode, decoder
from moxlite.proto.mime.headers import HeaderSection, select_content_fields, select_fields
from moxlite.proto.mime.messageid import base_subject, canonical_message_id, references
from moxlite.proto.mime.sections import find_section
from moxlite.proto.mime.structure import scan
from moxlite.proto.mime.text import body_text, header_text, preview, token_text
from moxlite.proto.mime.types import MIMEError, decode_structure, encode_structure
from moxlite.proto.mime.wire import quote_literals, read_envelope, render_bodystructure
from moxlite.proto.smtp import commands as smtp
from moxlite.proto.smtp.client import ClientConnection
from moxlite.proto.smtp.conversation import (
    ClientAuth,
    Compute,
    Exchange,
    NeedBody,
    Receive,
    Recipient,
    Send,
    SendKind,
    StartTLS,
    TLSFacts,
    Transaction,
)
from moxlite.proto.smtp.errors import ConnectionLost, SMTPError
from moxlite.proto.smtp.replies import Response
from moxlite.proto.smtp.server import (
    NEED_DATA,
    AuthData,
    DataChunk,
    DataEnd,
    Oversize,
    Refusal,
    ServerConnection,
    ServerLimits,
)
from moxlite.web.context import Route, Router, any_host
from moxlite.web.http.connection import Connection
from moxlite.web.http.errors import Drain, HTTPError
from moxlite.web.http.exchange import Request, ResponseWriter
from moxlite.web.http.messages import Response as WebResponse
from tests.fuzzing.inputs import LIMIT

__all__ = ["TARGETS", "Target"]

T = TypeVar("T")
FOLDER: Final = FilePath(__file__).parent / "seeds"
Pieces = Sequence[bytes]


class Run(Protocol):
    """Feeds the pieces of an input to a codec in the state that `variant` chooses."""

    def __call__(self, pieces: Pieces, variant: int) -> object | Awaitable[object]:
        """What came out, the same for all ways to cut the input; to be awaited when the codec reads from a stream."""


class Target(msgspec.Struct, frozen=True):
    """A codec under test.

    variants: how many states `run` knows. words: pieces of the language. splits: whether the input comes in pieces.
    """

    name: str
    run: Run
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()
    variants: int = 1
    splits: bool = True


def seeds(name: str) -> tuple[bytes, ...]:
    """The transcripts of a file beside this one, with CRLF."""
    text = (FOLDER / f"{name}.txt").read_text()
    return tuple(part.replace("\n", "\r\n").encode() for part in text.split("-----8<-----\n"))


def words(name: str) -> tuple[bytes, ...]:
    """The words of a file beside this one, which blanks part."""
    return tuple(word.encode() for word in (FOLDER / f"{name}.words").read_text().split())


# --- ManageSieve


SIEVE: Final = tuple(
    b"%b\r\n" % text.replace(b"\n", b"\r\n")
    for text in (
        b'AUTHENTICATE "PLAIN" {8+}\nAGEAYg==',
        b'HAVESPACE "my \\"script\\"" 435\nSTARTTLS',
        b'PUTSCRIPT "a" {12+}\nkeep;\nstop;\nSETACTIVE "a"',
        b"CHECKSCRIPT {7}\n# NOOP\n\nLISTSCRIPTS",
        b'RENAMESCRIPT "a" "b"\nDELETESCRIPT "b"\nGETSCRIPT {1+}\nb\nNOOP "x"\nLOGOUT',
    )
)
SIEVE_WORDS: Final = (
    b"\r\n",
    b"\n",
    b" ",
    b'"',
    b"\\",
    b"NOOP ",
    b'""',
    b"{3+}\r\nabc",
    b"{3}\r\nabc",
    b"{1000001+}\r\n",
)


def sieve(pieces: Pieces, variant: int) -> object:
    """The server's codec; where a challenge waits, a string comes first."""
    decoder_ = ManageSieveDecoder(pedantic=bool(variant & 1))
    challenged = bool(variant & 2)
    found: list[object] = []
    for piece in pieces:
        decoder_.feed(piece)
        event: object = True
        while event is not None:
            try:
                event = decoder_.next_string() if challenged else decoder_.next_request()
            except ManageSieveError as error:
                event = str(error)
                if error.fatal:
                    return found, event
            if event is not None:
                found.append(event)
                challenged = False
    return found, ""


# --- SMTP


SMTP_SERVER: Final = seeds("smtp-server")
SMTP_WORDS: Final = words("smtp-server") + (b"\r\n.\r\n", b"\n.\r\n", b"\r\n.\n", b" ", b"\r\n", b"BDAT 3\r\n")


def smtp_server(pieces: Pieces, variant: int) -> object:
    """The server's codec, answering as a session could."""
    connection = ServerConnection(
        submission=bool(variant & 1),
        pedantic=bool(variant & 2),
        starttls=True,
        tls=bool(variant & 4),
        tolerate_space=bool(variant & 8),
        limits=ServerLimits(max_message_size=LIMIT // 2),  # at twice of it the connection ends, a read earlier or later
    )
    if variant & 16:
        connection.account_known()
    found: list[object] = []
    content = bytearray()
    turn = 0
    for piece in pieces:
        connection.receive_data(piece)
        while (event := connection.next_event()) is not NEED_DATA:
            if isinstance(event, DataChunk):
                content += event.data  # its pieces follow those of the input
                continue
            if content and not isinstance(event, Oversize):  # of a message too large, some of it comes before
                found.append(bytes(content))
            content.clear()
            found.append(event)
            turn += 1
            if isinstance(event, Refusal):
                found.append(event.response.encode())
                if event.close:
                    return found
                connection.send(event.response)
                continue
            if isinstance(event, Oversize):
                continue
            response = _smtp_response(event, turn + variant, connection)
            found.append(connection.send(response))
            if isinstance(event, smtp.StartTLS) and response.ok:
                connection.leftover()
                return found
            if isinstance(event, smtp.Quit):
                return found
    if content:
        found.append(bytes(content))
    return found


def _smtp_response(event: object, turn: int, connection: ServerConnection) -> Response:
    """What a session says: mostly yes."""
    if turn % 29 == 28:
        return Response(451, "4.3.0", ("not now, ü",))
    match event:
        case smtp.Data():
            return Response(354, "", ("go on",))
        case smtp.Auth() | AuthData():
            return Response(334, "", ("",)) if turn % 3 else Response(235, "2.7.0", ("welcome",))
        case smtp.Ehlo():
            connection.offer(frozenset({"SMTPUTF8", "8BITMIME", "CHUNKING", "DSN", "REQUIRETLS", "SIZE"}))
            return Response(250, "", ("mx.example", "SMTPUTF8", "CHUNKING"))
        case DataEnd():
            return Response(250, "2.0.0", ("taken",))
        case _:
            return Response(250, "2.0.0", ("fine",))


SMTP_REPLIES: Final = seeds("smtp-client")
SMTP_REPLY_WORDS: Final = words("smtp-client") + (b"\r\n250 ok\r\n", b"\r\n", b"\n", b"-", b" ")
TRANSACTION: Final = Transaction(
    mail_from=Path.of(Address.parse("a@example.org")),
    recipients=(Recipient(Path.of(Address.parse("b@example.com")), ("FAILURE",)), Recipient(NULL_PATH)),
    size=20,
    eight_bit=True,
)


def smtp_client(pieces: Pieces, variant: int) -> object:
    """The client's codec: greeting, log-in, two transactions, farewell; the server says what the input holds."""
    auth = ClientAuth("u", "p", allow_clear=True) if variant & 1 else None
    connection = ClientConnection("c.example", auth=auth)
    feed = iter(pieces)
    found: list[object] = []
    try:
        found.append(_converse(connection, connection.hello(), feed, found))
        for _ in range(2):
            if not connection.exhausted:
                found.append(_converse(connection, connection.deliver(TRANSACTION), feed, found))
        _converse(connection, connection.quit(), feed, found)
    except SMTPError as error:
        found.append(repr(error))
    return found


def _converse(connection: ClientConnection, exchange: Exchange[T], feed: Iterable[bytes], found: list[object]) -> T:
    """Run one exchange to its end."""
    body = iter((b"Subject: x\r\n\r\n", b".text\r\n", b""))
    try:
        action = next(exchange)
        while True:
            try:
                match action:
                    case Send(data=data, kind=kind):
                        found.append(data if kind is not SendKind.AUTH else kind)  # nonces differ
                        action = exchange.send(None)
                    case Receive():
                        action = exchange.send(_reply(connection, feed))
                    case StartTLS(leftover=leftover):
                        connection.receive_data(leftover)  # as if it had come encrypted
                        action = exchange.send(TLSFacts())
                    case Compute():
                        raise ConnectionLost("a challenge of SCRAM has its own target")
                    case NeedBody():
                        action = exchange.send(next(body, b""))
            except SMTPError as error:
                action = exchange.throw(error)
    except StopIteration as stop:
        value: T = stop.value
        return value


def _reply(connection: ClientConnection, feed: Iterable[bytes]) -> Response:
    while (reply := connection.next_reply()) is None:
        for piece in feed:
            connection.receive_data(piece)
            break
        else:
            raise ConnectionLost("end")
    return reply


# --- IMAP


IMAP_COMMANDS: Final = seeds("imap-server")
IMAP_WORDS: Final = words("imap-server") + (
    b"\r\n",
    b"\r\na ",
    b" {5+}\r\nabcde",
    b"{2}\r\nab",
    b"{1000001+}\r\n",
    b" ",
)


def imap_server(pieces: Pieces, variant: int) -> object:
    """The server's codec in one of its modes; literals are taken, or refused, by their size."""
    decoder_ = imap.ServerDecoder(pedantic=bool(variant & 1))
    decoder_.authenticated = bool(variant & 2)
    decoder_.modes.utf8 = bool(variant & 4)
    decoder_.modes.qresync = bool(variant & 8)
    decoder_.modes.uidonly = bool(variant & 16)
    found: list[object] = []
    for piece in (*pieces, None):
        if piece is None:
            decoder_.feed_eof()
        else:
            decoder_.feed(piece)
        while (event := decoder_.next_event()) is not imap.NEED_DATA:
            found.append(event)
            match event:
                case imap.LiteralRequest(size=size, tag=tag):
                    if size % 5 == 4:
                        decoder_.reject(State("NO", "no", None, tag))
                    else:
                        decoder_.accept()
                case imap.Command(command=Authenticate()):
                    decoder_.expect = "sasl"
                case imap.SaslLine(octets=octets):
                    decoder_.expect = "sasl" if octets == b"a" else "command"
                case imap.Command(command=Idle()):
                    decoder_.expect = "idle"
                case imap.IdleDone():
                    decoder_.expect = "command"
                case imap.Closed() | imap.BadCommand(fatal=True):
                    return found
                case imap.BadCommand():
                    decoder_.expect = "command"
    return found


IMAP_RESPONSES: Final = seeds("imap-client")
IMAP_RESPONSE_WORDS: Final = words("imap-client") + (b"\r\n", b"\r\n* ", b"{5}\r\nabcde", b" ")


def imap_client(pieces: Pieces, variant: int) -> object:
    """The client's codec."""
    decoder_ = ClientDecoder()
    decoder_.utf8 = bool(variant)
    found: list[object] = []
    for piece in pieces:
        decoder_.feed(piece)
        while True:
            try:
                response = decoder_.next_response()
            except IMAPProtocolError as error:
                found.append((error.text, error.fatal))
                if error.fatal:
                    return found
                continue
            if response is None:
                break
            found.append(response)
    return found


# --- messages


MIME: Final = (
    *seeds("mime"),
    b"Content-Type: text/plain; charset=iso-2022-jp\r\nContent-Language: de, en\r\n\r\n\x1b$B@5\x1b(B\r\n",
    b"Subject: Re: [x] Fwd: (fwd)\r\nDate: 1 Jan 70 00:00 EST\r\n\r\n\0nul\r\n",
)
MIME_WORDS: Final = words("mime") + (
    b"\r\n--b\r\n",
    b"\r\n--b--\r\n",
    b"\r\n\r\n",
    b"\r\n ",
    b"\r\n",
    b"=\r\n",
    b"=C3",
    b"; ",
    b"(" * 30,
)


def mime(pieces: Pieces, variant: int) -> object:
    """All that is made of a message when it comes, and all that is made of it on demand."""
    data = b"".join(pieces)
    try:
        structure = scan(data, strict=variant == 3)
    except MIMEError as error:
        return str(error)

    def read(start: int, end: int) -> bytes:
        return data[start:end]

    root = structure.root
    header = data[root.header : root.body]
    section = HeaderSection(header, hint=root.hint)
    assert decode_structure(encode_structure(structure)) == structure
    wires = [read_envelope(section)[1]]
    for utf8 in (False, True):
        wires += [render_bodystructure(root, extended=extended, utf8=utf8) for extended in (False, True)]
    for part in root.walk():
        assert 0 <= part.header <= part.body <= part.end <= len(data)
    found: list[object] = [structure, *wires, *map(quote_literals, wires)]
    found.append(preview(structure, read))
    match variant:
        case 0:
            found += [body_text(structure, read), header_text(section)]
        case 1:
            found += list(token_text(structure, read))
            found += [decode(data[part.body : part.end], part.encoding) for part in root.walk()]
        case 2:
            found += [find_section(structure, part, kind) for part in ((), (1,), (2, 1)) for kind in KINDS]
            found += [select_fields(header, {b"subject"}), select_content_fields(header), list(HeaderSection(header))]
            section = HeaderSection(header)
            found += [references(section.texts(b"references"), section.text(b"in-reply-to"))]
            found += [canonical_message_id(section.text(b"message-id") or b"")]
            found += [base_subject(structure.envelope.subject)]
        case _:
            pass
    try:
        found.append(parse_dsn(structure, read))
    except DSNError as error:
        found.append(str(error))
    return found


KINDS: Final = ("", "HEADER", "TEXT", "MIME")


def transfer(pieces: Pieces, variant: int) -> object:
    """The decoders of transfer encodings, fed in pieces."""
    undo = decoder(("BASE64", "QUOTED-PRINTABLE")[variant])
    return b"".join([undo.feed(piece) for piece in pieces]) + undo.finish()


TRANSFER: Final = (
    b"aGVsbG8gd29ybGQh\r\nbW9yZQ==\r\n",
    b"YQ==YWE=YWFh\r\n====\r\njunk",
    b"x=C3=BC =\r\nsoft  \r\nhard\t\r\n=3D=zz=",
    b"blanks" + b" " * 3000 + b"\r\n" + b"\t" * 50,
)
MBOX: Final = (
    b"From a@b Thu Oct  1 10:00:00 2026\nSubject: x\nStatus: RO\nX-Status: AF\n\nbody\n>From me\n\n",
    b"From c@d Thu Oct  1 10:00:00 +0200 2026\nX-Mozilla-Status: 0009\nX-Keywords: a b\n\nx\n\nFrom d\n\ny\n\n",
    b"From MAILER-DAEMON\r\nContent-Length: 5\r\n\r\n\r\nFrom x\r\n\r\n",
)


def mbox(pieces: Pieces, variant: int) -> object:
    """An mbox file, read in pieces."""
    reader = MboxReader()
    found: list[object] = []
    body = bytearray()

    def take(events: Iterable[object]) -> None:
        for event in events:
            if isinstance(event, bytes):
                body.extend(event)
                continue
            found.append(bytes(body))
            body.clear()
            found.append(event)

    try:
        for piece in pieces:
            take(reader.feed(piece))
        take(reader.finish())
    except MboxError as error:
        found.append(str(error))
    return found


# --- names and log-in


ADDRESSES: Final = tuple(
    text.encode()
    for text in (
        "a@example.org",
        '"quoted \\" x"@example.org',
        "ü@grüße.example",
        "a.b+c@xn--gre-hoa.example",
        "<@a,@b:c@d.example>",
        "<a@[192.0.2.1]>",
        "[IPv6:2001:db8::1]",
        "<>",
        "a@b.c.d.e.f",
    )
)


def address(pieces: Pieces, variant: int) -> object:
    """All parsers of addresses; what they take can be written and read again."""
    text = b"".join(pieces).decode("utf-8", "replace")
    strict = bool(variant)
    found: list[object] = []
    try:
        one = Address.parse(text, strict=strict)
        found.append(one)
        assert Address.parse(one.pack(True)) == one
    except AddressError as error:
        found.append(str(error))
    for parse in (Path.parse, Domain.parse, parse_localpart):
        try:
            found.append(parse(text, strict=strict))
        except AddressError as error:
            found.append(str(error))
    try:
        found.append(parse_ip_literal(text, untagged_ipv6=strict))
    except AddressError as error:
        found.append(str(error))
    return found


SASL: Final = (
    b"\0user@example.org\0secret",
    b"user\0user\0secret",
    b"user@example.org\nsecret",
    b"user 0123456789abcdef0123456789abcdef",
    b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL\nc=biws,r=fyko+d2lbbFgONRv9qkxdawL,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    b"p=tls-exporter,,n=u=2Cs=3De,r=abc\nc=cD10bHMtZXhwb3J0ZXIsLHg=,r=abc,p=AAAA",
    b"y,a=other,n=user,r=x,ext=y\nc=eSwsLA==,r=x,p=",
    b"\n",
)
SASL_WORDS: Final = words("sasl")
SCRAM_SECRETS: Final = sasl.Secrets(
    scram_sha_1=sasl.ScramSecrets(b"salt", 1, b"\0" * 20, b"\0" * 20),
    scram_sha_256=sasl.ScramSecrets(b"salt", 1, b"\0" * 32, b"\0" * 32),
    cram_md5=b"\0" * 32,
)


def sasl_server(pieces: Pieces, variant: int) -> object:
    """A server's mechanism; each line of the input is one message of the client."""
    name = sasl.SERVER_ORDER[variant % len(sasl.SERVER_ORDER)]
    bindings = {"tls-exporter": b"x"} if variant >= len(sasl.SERVER_ORDER) or name.endswith("-PLUS") else {}
    mechanism = sasl.server_mechanism(name, hostname="mx.example", bindings=bindings)
    assert mechanism is not None
    kinds: list[str] = []
    try:
        for line in b"".join(pieces).split(b"\n"):
            step = mechanism.step(line)
            if isinstance(step, sasl.NeedCredentials):
                step = mechanism.credentials(SCRAM_SECRETS)
            kinds.append(type(step).__name__)
            if not isinstance(step, sasl.Challenge):
                break
    except sasl.SASLError as error:
        kinds.append(str(error))
    return kinds


SASL_CHALLENGES: Final = (
    b"r=%NONCE%3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096\nv=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    b"<1896.697170952@postoffice.example.net>",
    b"Username:\nPassword:",
    b"e=other-error",
    b"\n",
)


_COST: Final = re.compile(rb"i=(\d+)")


def sasl_client(pieces: Pieces, variant: int) -> object:
    """A client's mechanism; each line of the input is one challenge. Its own nonce stands for ``%NONCE%``."""
    name = sasl.SERVER_ORDER[variant]
    mechanism = sasl.choose_mechanism(
        [name], "user", "secret", bindings={"tls-exporter": b"x"}, tls=True, certificate=True, only=[name]
    )
    assert mechanism is not None
    first = mechanism.initial() or b""
    nonce = first.partition(b"r=")[2]
    try:
        for line in b"".join(pieces).split(b"\n"):
            if (costly := _COST.search(line)) and int(costly[1][:12]) > 5000:
                return "as costly as it says: a limit of the mechanism, tested elsewhere"
            mechanism.step(line.replace(b"%NONCE%", nonce))
        mechanism.finish()
    except sasl.SASLError as error:
        return type(error).__name__
    return "done"


# --- the web, and the line before everything


class Feed(trio.abc.Stream):
    """A stream that gives the pieces of an input, then ends; it never blocks."""

    def __init__(self, pieces: Pieces) -> None:
        self.pieces = [piece for piece in pieces if piece]
        self.sent = bytearray()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """The next piece, or as much of it as is asked for."""
        if not self.pieces:
            return b""
        piece = self.pieces[0]
        size = len(piece) if max_bytes is None else max_bytes
        if size < len(piece):
            self.pieces[0] = piece[size:]
            return piece[:size]
        return self.pieces.pop(0)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Keep what is sent."""
        self.sent += data

    async def wait_send_all_might_not_block(self) -> None:
        """It never does."""

    async def aclose(self) -> None:
        """Nothing is open."""


HTTP: Final = seeds("http")
HTTP_WORDS: Final = words("http") + (b"\r\n", b"\r\n\r\n", b"\n", b"\r\n ", b": ", b"0\r\n\r\n")


async def http(pieces: Pieces, variant: int) -> object:
    """A connection with a router and a handler that reads bodies, or does not."""
    seen: list[object] = []

    async def handle(request: Request, writer: ResponseWriter) -> None:
        route = ROUTER.system(request) or ROUTER.service(request)
        seen.append((request.method, request.path, request.query, request.host, route and route.name))
        try:
            if variant:
                seen.append(await request.body.read(1000))
            await writer.respond(WebResponse.text(200, "fine"))
        except HTTPError as error:
            seen.append(error.status)
            await writer.respond(WebResponse.text(error.status, error.text))

    stream = Feed(pieces)
    info = ConnectionInfo(
        cid=1,
        remote=IPv4Address("192.0.2.1"),
        remote_port=1,
        local=IPv4Address("192.0.2.2"),
        local_port=443,
        listener="fuzz",
        shutdown=Shutdown(),
    )
    await Connection(stream, info, handler=handle, drain=Drain()).serve()
    seen.append(stream.sent.count(b"HTTP/1.1 "))
    return seen


async def _nobody(request: Request, writer: ResponseWriter) -> None:
    """The handler of routes that are only looked for."""


ROUTER: Final = Router(
    [Route("acme", "/.well-known/acme-challenge/", any_host, _nobody)],
    [Route("api", "/api", any_host, _nobody), Route("webmail", "/webmail/", any_host, _nobody)],
)

PROXY: Final = (
    b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\r\nEHLO",
    b"PROXY TCP6 2001:db8::1 2001:db8::2 1234 25\r\n",
    b"PROXY UNKNOWN ffff:f...f 65535\r\n",
    SIGNATURE + b"\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\xd2\x00\x19EHLO",
    SIGNATURE + b"\x21\x21\x00\x27" + bytes(range(36)) + b"\x03\x00\x00",
    SIGNATURE + b"\x20\x00\x00\x00",
)


async def proxy(pieces: Pieces, variant: int) -> object:
    """The header that a proxy puts in front; what follows it must still be there."""
    stream = Feed(pieces)
    try:
        found = await read_proxy_header(stream)
    except ProxyError as error:
        return str(error)
    return found, b"".join(stream.pieces)


TARGETS: Final = (
    Target("smtp server", smtp_server, SMTP_SERVER, SMTP_WORDS, 32),
    Target("smtp client", smtp_client, SMTP_REPLIES, SMTP_REPLY_WORDS, 4),
    Target("imap server", imap_server, IMAP_COMMANDS, IMAP_WORDS, 32),
    Target("imap client", imap_client, IMAP_RESPONSES, IMAP_RESPONSE_WORDS, 2),
    Target("managesieve", sieve, SIEVE, SIEVE_WORDS, 4),
    Target("mime", mime, MIME, MIME_WORDS, 4, splits=False),
    Target("transfer encodings", transfer, TRANSFER, MIME_WORDS, 2),
    Target("mbox", mbox, (*MBOX, *MIME), MIME_WORDS),
    Target("addresses", address, ADDRESSES, words("addresses"), 2, splits=False),
    Target("sasl server", sasl_server, SASL, SASL_WORDS, 2 * len(sasl.SERVER_ORDER), splits=False),
    Target("sasl client", sasl_client, SASL_CHALLENGES, SASL_WORDS, len(sasl.CLIENT_ORDER), splits=False),
    Target("http", http, HTTP, HTTP_WORDS, 2),
    Target(
        "proxy protocol", proxy, PROXY, tuple(b"PROXY TCP4 TCP6 UNKNOWN 192.0.2.1 ::1 65536 ::ffff:1.2.3.4".split())
    ),
)
