"""Requests that servers may read in two ways, through the proxy: over HTTP/1.1 and HTTP/2, to a server behind ours.

The server behind keeps all octets. They are read by the strict grammar of RFC 9112: where a request follows it to the
letter, all readers find the same one, however lenient they are.
"""

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from tests.http2client import fields, talking
from tests.session.test_web_forward import Opening, opening as opening
from tests.web_rig import Rig

pytestmark = pytest.mark.served

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
CHUNKS = b"0\r\n\r\n" + SMUGGLED
LINE = re.compile(rb"[A-Z]+ /[!-~]* HTTP/1\.1")
FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [!-~\x80-\xff]?(?:[ \t!-~\x80-\xff]*[!-~\x80-\xff])?")


class Behind:
    """A server that answers each request it reads, and keeps the octets of each connection."""

    def __init__(self) -> None:
        self.url = ""
        self.octets: list[bytearray] = []

    async def serve(self, stream: trio.abc.Stream) -> None:
        mine = bytearray()
        self.octets.append(mine)
        answered = 0
        async with stream:
            while octets := await stream.receive_some():
                mine += octets
                while answered < len(strict(bytes(mine))):
                    answered += 1
                    await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def targets(self) -> list[bytes]:
        return [target for one in self.octets for target, _ in strict(bytes(one))]


def strict(octets: bytes) -> list[tuple[bytes, bytes]]:
    """Target and body of each whole request. Raises AssertionError where the octets leave a reader any choice."""
    found: list[tuple[bytes, bytes]] = []
    while b"\r\n\r\n" in octets:
        head, rest = octets.split(b"\r\n\r\n", 1)
        line, *lines = head.split(b"\r\n")
        assert LINE.fullmatch(line), line
        assert all(FIELD.fullmatch(one) for one in lines), lines
        names = [one.split(b":")[0].lower() for one in lines]
        values = {one.split(b": ")[0].lower(): one.split(b": ", 1)[1] for one in lines}
        assert names.count(b"host") == 1
        assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1, lines
        body = b""
        if b"transfer-encoding" in values:
            assert values[b"transfer-encoding"] == b"chunked"
            while True:
                if b"\r\n" not in rest:
                    return found
                size, rest = rest.split(b"\r\n", 1)
                assert re.fullmatch(rb"[0-9a-f]{1,8}", size), size
                if not int(size, 16):
                    break
                body += rest[: int(size, 16)]
                if len(rest) < int(size, 16) + 2:
                    return found
                assert rest[int(size, 16) :][:2] == b"\r\n"
                rest = rest[int(size, 16) + 2 :]
            if not rest.startswith(b"\r\n"):
                assert not rest, rest
                return found
            rest = rest[2:]
        elif b"content-length" in values:
            assert values[b"content-length"].isdigit()
            length = int(values[b"content-length"])
            if len(rest) < length:
                return found
            body, rest = rest[:length], rest[length:]
        found.append((line.split(b" ")[1], body))
        octets = rest
    assert LINE.fullmatch(octets.split(b"\r\n")[0]) or not octets, octets
    return found


@pytest.fixture
async def behind() -> AsyncIterator[Behind]:
    found = Behind()
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    found.url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, found.serve, [listener])
        yield found
        nursery.cancel_scope.cancel()


def post(*lines: bytes, line: bytes = b"POST /first HTTP/1.1", host: bytes = b"Host: www.example.org") -> bytes:
    return b"\r\n".join([line, host, *lines, b"", b""])


TE = b"Transfer-Encoding: "
CL = b"Content-Length: "
FORMS: dict[str, bytes] = {
    "length and chunks": post(CL + b"5", TE + b"chunked") + CHUNKS,
    "chunks and length": post(TE + b"chunked", CL + b"5") + CHUNKS,
    "two lengths": post(CL + b"0", CL + b"%d" % len(SMUGGLED)) + SMUGGLED,
    "two lengths in one": post(CL + b"0, %d" % len(SMUGGLED)) + SMUGGLED,
    "length with a sign": post(CL + b"+%d" % len(SMUGGLED)) + SMUGGLED,
    "negative length": post(CL + b"-1") + SMUGGLED,
    "length in hex": post(CL + b"0x10") + SMUGGLED,
    "length with an underscore": post(CL + b"1_0") + SMUGGLED,
    "length with a space inside": post(CL + b"1 0") + SMUGGLED,
    "length without a value": post(CL) + SMUGGLED,
    "length with other digits": post(CL + "٣".encode()) + SMUGGLED,
    "length of 30 digits": post(CL + b"9" * 30) + SMUGGLED,
    "length with a NUL": post(CL + b"0\0") + SMUGGLED,
    "space before the colon": post(b"Content-Length : 50") + SMUGGLED,
    "space before the colon of the coding": post(b"Transfer-Encoding : chunked", CL + b"0") + CHUNKS,
    "tab before the colon": post(b"Transfer-Encoding\t: chunked", CL + b"0") + CHUNKS,
    "folded coding": post(b"Transfer-Encoding:\r\n chunked", CL + b"0") + CHUNKS,
    "folded length": post(b"Content-Length:\r\n 50") + SMUGGLED,
    "fold before the first field": post(host=b" X: y\r\nHost: www.example.org") + SMUGGLED,
    "unknown coding": post(TE + b"xchunked", CL + b"0") + CHUNKS,
    "unknown coding alone": post(TE + b"cow") + CHUNKS,
    "coding before chunks": post(TE + b"gzip, chunked") + CHUNKS,
    "coding after chunks": post(TE + b"chunked, identity") + CHUNKS,
    "chunks twice": post(TE + b"chunked, chunked") + CHUNKS,
    "two fields of codings": post(TE + b"chunked", TE + b"identity") + CHUNKS,
    "quoted coding": post(TE + b'"chunked"') + CHUNKS,
    "coding with a vertical tab": post(TE + b"\x0bchunked", CL + b"0") + CHUNKS,
    "coding with a NUL": post(TE + b"chunked\0", CL + b"0") + CHUNKS,
    "coding behind a bare CR": post(b"X: y\rTransfer-Encoding: chunked", CL + b"0") + CHUNKS,
    "coding with a bare CR": post(b"Transfer-Encoding:\rchunked", CL + b"0") + CHUNKS,
    "coding in HTTP/1.0": post(TE + b"chunked", line=b"POST /first HTTP/1.0") + CHUNKS,
    "name with an underscore": post(b"Transfer_Encoding: chunked", CL + b"0", b"X\0: y") + CHUNKS,
    "name with a NUL": post(b"Transfer\0-Encoding: chunked", CL + b"0") + CHUNKS,
    "name with high octets": post(b"Transfer-Encod\xefng: chunked", CL + b"0") + CHUNKS,
    "no name": post(b": x", CL + b"0") + SMUGGLED,
    "line without a colon": post(b"GET /smuggled HTTP/1.1", CL + b"0") + SMUGGLED,
    "two hosts": post(b"Host: other.example", CL + b"0") + SMUGGLED,
    "no host": b"POST /first HTTP/1.1\r\nContent-Length: 0\r\n\r\n" + SMUGGLED,
    "chunk size with a sign": post(TE + b"chunked") + b"+0\r\n\r\n" + SMUGGLED,
    "chunk size in 0x": post(TE + b"chunked") + b"0x0\r\n\r\n" + SMUGGLED,
    "chunk size negative": post(TE + b"chunked") + b"-1\r\n\r\n" + SMUGGLED,
    "chunk size of 20 digits": post(TE + b"chunked") + b"1" + b"0" * 20 + b"\r\n" + SMUGGLED,
    "chunk size with an underscore": post(TE + b"chunked") + b"1_0\r\n\r\n" + SMUGGLED,
    "chunk size of nothing": post(TE + b"chunked") + b"\r\n\r\n" + SMUGGLED,
    "chunk longer than its size": post(TE + b"chunked") + b"1\r\nxyz\r\n0\r\n\r\n" + SMUGGLED,
    "chunk extension with a line end": post(TE + b"chunked") + b"0;a=\nb\r\n\r\n" + SMUGGLED,
    "chunk extension with a bare CR": post(TE + b"chunked") + b"5;a=\r0\r\nhello\r\n0\r\n\r\n" + SMUGGLED,
    "chunk extension with a CR at its end": post(TE + b"chunked") + b"5;a\r\r\nhello\r\n0\r\n\r\n" + SMUGGLED,
    "last chunk with a bare CR": post(TE + b"chunked") + b"0;\r5\r\n\r\n" + SMUGGLED,
    "chunk extension with a NUL": post(TE + b"chunked") + b"5;a=\0\r\nhello\r\n0\r\n\r\n" + SMUGGLED,
    "trailer with a bare CR": post(TE + b"chunked") + b"0\r\nX: y\rZ: z\r\n\r\n" + SMUGGLED,
    "space in the target": post(CL + b"0", line=b"POST /first /smuggled HTTP/1.1") + SMUGGLED,
    "bare CR in the line": post(CL + b"0", line=b"POST /first\rGET /smuggled HTTP/1.1") + SMUGGLED,
    "tab in the line": post(CL + b"0", line=b"POST\t/first HTTP/1.1") + SMUGGLED,
    "HTTP/0.9": b"GET /smuggled\r\n\r\n" + SMUGGLED,
    "HTTP/2.0 in words": post(CL + b"0", line=b"POST /first HTTP/2.0") + SMUGGLED,
    "version without dot": post(CL + b"0", line=b"POST /first HTTP/11") + SMUGGLED,
}


@pytest.mark.parametrize("form", FORMS)
async def test_what_could_be_two_requests_is_refused(opening: Opening, behind: Behind, form: str) -> None:
    """WEB-5: no second request reaches the server behind, and the connection of the client ends."""
    rig = await opening(behind.url)
    answer = bytearray()
    async with rig.connect(ip="127.0.0.2", port=80) as client:
        await client.send_all(FORMS[form])
        with trio.fail_after(20):
            while octets := await client.receive_some():
                answer += octets
    assert re.findall(rb"HTTP/1\.1 ([45]\d\d)", bytes(answer)), bytes(answer)
    assert len(re.findall(rb"HTTP/1\.1 \d\d\d", bytes(answer))) == 1, bytes(answer)
    assert behind.targets() == []


async def test_what_is_clear_is_written_clearly(opening: Opening, behind: Behind) -> None:
    """WEB-5, WEB-46: lenient forms that RFC 9112 allows reach the server behind by the letter; the rest is a body."""
    rig = await opening(behind.url)
    forms = [
        post(TE + b"CHUNKED") + b'33;a=b;c="d e"\r\n' + SMUGGLED.ljust(0x33) + b"\r\n0\r\n\r\n",
        post(CL + b" \t51 \t") + SMUGGLED.ljust(51),
        post(CL + b"51", CL + b"51") + SMUGGLED.ljust(51),
        post(CL + b"051") + SMUGGLED.ljust(51),
        post(CL + b"51", line=b"POST http://www.example.org/first HTTP/1.1") + SMUGGLED.ljust(51),
    ]
    for form in forms:
        async with rig.connect(ip="127.0.0.2", port=80) as client:
            await client.send_all(form)
            assert (await client.receive_some(12)) == b"HTTP/1.1 200"
    assert behind.targets() == [b"/first"] * len(forms)
    assert {body for one in behind.octets for _, body in strict(bytes(one))} == {SMUGGLED.ljust(51)}


BREAK = "x\r\nTransfer-Encoding: chunked\r\n\r\n"
HTTP2: dict[str, list[tuple[str, str]]] = {
    "coding": fields("POST", "/first", ("transfer-encoding", "chunked")),
    "coding beside a length": fields("POST", "/first", ("transfer-encoding", "chunked"), ("content-length", "5")),
    "short length": fields("POST", "/first", ("content-length", "5")),
    "long length": fields("POST", "/first", ("content-length", "5000")),
    "two lengths": fields("POST", "/first", ("content-length", "0"), ("content-length", "5")),
    "length with a sign": fields("POST", "/first", ("content-length", "+5")),
    "length in a list": fields("POST", "/first", ("content-length", "5, 5000")),
    "line end in a value": fields("POST", "/first", ("x", BREAK)),
    "LF in a value": fields("POST", "/first", ("x", "y\nTransfer-Encoding: chunked")),
    "CR in a value": fields("POST", "/first", ("x", "y\rTransfer-Encoding: chunked")),
    "NUL in a value": fields("POST", "/first", ("x", "y\0")),
    "line end in a name": fields("POST", "/first", ("x: y\r\ntransfer-encoding", "chunked")),
    "colon in a name": fields("POST", "/first", ("transfer-encoding: chunked\r\nx", "y")),
    "colon alone in a name": fields("POST", "/first", ("x:y", "z")),
    "space in a name": fields("POST", "/first", ("transfer-encoding ", "chunked")),
    "upper case in a name": fields("POST", "/first", ("Transfer-Encoding", "chunked")),
    "no name": fields("POST", "/first", ("", "x")),
    "line end in the method": fields("POST / HTTP/1.1\r\nHost: a\r\n\r\nGET", "/first"),
    "space in the method": fields("GET /smuggled HTTP/1.1", "/first"),
    "line end in the path": fields("POST", "/first HTTP/1.1\r\nHost: a\r\n\r\nGET /smuggled"),
    "space in the path": fields("POST", "/first /smuggled"),
    "path without a slash": fields("POST", "first"),
    "no path": [one for one in fields("POST") if one[0] != ":path"],
    "two paths": [*fields("POST", "/first"), (":path", "/smuggled")],
    "two methods": [*fields("POST", "/first"), (":method", "GET")],
    "line end in the authority": fields("POST", "/first", host="www.example.org\r\nTransfer-Encoding: chunked"),
    "space in the authority": fields("POST", "/first", host="www.example.org x"),
    "other host": fields("POST", "/first", ("host", "other.example")),
    "two hosts": fields("POST", "/first", ("host", "www.example.org"), ("host", "other.example")),
    "line end in the scheme": [
        (name, "https://a/ HTTP/1.1\r\nx: y" if name == ":scheme" else value) for name, value in fields("POST")
    ],
    "pseudo field behind others": [("x", "y"), *fields("POST", "/first")],
    "unknown pseudo field": [(":x", "y"), *fields("POST", "/first")],
    "connection": fields("POST", "/first", ("connection", "transfer-encoding")),
    "keep-alive": fields("POST", "/first", ("keep-alive", "x")),
    "proxy-connection": fields("POST", "/first", ("proxy-connection", "x")),
    "upgrade": fields("POST", "/first", ("upgrade", "websocket")),
    "te": fields("POST", "/first", ("te", "chunked")),
    "line end in a cookie": fields("POST", "/first", ("cookie", "a=" + BREAK), ("cookie", "b=c")),
}


@asynccontextmanager
async def secure(rig: Rig) -> AsyncIterator[trio.SSLStream[trio.abc.Stream]]:
    context = ssl._create_unverified_context()
    context.set_alpn_protocols(["h2"])
    async with trio.SSLStream(rig.connect(ip="127.0.0.2", port=443), context, https_compatible=True) as stream:
        await stream.do_handshake()
        yield stream


@pytest.mark.parametrize("form", HTTP2)
async def test_what_could_be_two_requests_is_refused_over_http_2(opening: Opening, behind: Behind, form: str) -> None:
    """WEB-5, WEB-2: the fields of a stream never become lines of a request."""
    rig = await opening(behind.url)
    head = [
        (name, "www.example.org" if value == "x" and name == ":authority" else value) for name, value in HTTP2[form]
    ]
    async with secure(rig) as stream, talking(stream, checks=False) as client:
        number = await client.begin_request(head, ends=False)
        if not client.gone:
            await client.send(number, SMUGGLED, ends=True)
        await client.until(lambda: client.answers[number].over)
        answer = client.answers[number]
        assert client.gone or answer.reset is not None or answer.status >= 400, answer
    assert behind.targets() == []
