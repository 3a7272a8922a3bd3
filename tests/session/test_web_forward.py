"""The handler `forward`: requests go to a server behind ours, and answers come back, octet by octet."""

import gzip
import hashlib
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from moxlite.net import httpclient
from moxlite.web.handlers import forward
from tests.backend import Backend, Reader, backend
from tests.logs import kv
from tests.session.test_web_handlers import PLAIN, WEBSERVER, get, handler
from tests.tools import eventually
from tests.web_rig import DOMAINS, Rig, http_exchange, open_rig

pytestmark = pytest.mark.served

Opening = Callable[..., Awaitable[Rig]]
TRUSTING = WEBSERVER.replace(
    "webserver_http = { enabled = true, port = 1080 }",
    "webserver_http = { enabled = true, port = 1080, forwarded = true }",
)


@pytest.fixture
async def opening(tmp_path: Path) -> AsyncIterator[Opening]:
    """Opens the room with a handler that forwards to a server."""
    async with trio.open_nursery() as nursery:

        async def serve(url: str, fields: str = "", more: str = "", path: str = "^/", *, compress: bool = False) -> Rig:
            options = PLAIN + ("compress = true\n" if compress else "")
            rules = more + handler(f'forward = {{ url = "{url}"{fields} }}', path=path, more=options)
            return await open_rig(tmp_path / "room", nursery, static=TRUSTING, domains=DOMAINS + rules)

        yield serve
        nursery.cancel_scope.cancel()


@pytest.fixture
async def behind() -> AsyncIterator[Backend]:
    async with backend() as found:
        yield found


@asynccontextmanager
async def client(rig: Rig) -> AsyncIterator[tuple[trio.abc.Stream, Reader]]:
    """A connection that speaks for itself."""
    stream = rig.connect(ip="127.0.0.2", port=80)
    async with stream:
        yield stream, Reader(stream)


def request(line: str, *fields: str, body: bytes = b"", close: bool = True) -> bytes:
    last = ["Connection: close"] if close else []
    return "\r\n".join([f"{line} HTTP/1.1", "Host: www.example.org", *fields, *last, "", ""]).encode() + body


async def exchange(rig: Rig, octets: bytes) -> bytes:
    return await http_exchange(rig.connect(ip="127.0.0.2", port=80), octets)


async def test_fields_are_passed_on_and_written_anew(opening: Opening, behind: Backend) -> None:
    """WEB-44, WEB-45: hop-by-hop fields, claims about proxies and our cookies go; paths stay as they were written."""
    rig = await opening(
        f"{behind.url}/base/?x=1", ', response_headers = { X-Kind = "own", Cache-Control = "no-store" }'
    )
    behind.raw["/base/a%2Fb"] = (
        b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
        b"X-Kind: theirs\r\nDate: Mon, 02 Nov 2026 00:00:00 GMT\r\nSet-Cookie: webmailsession=1; Path=/\r\n"
        b"Set-Cookie: other=2\r\nSet-Cookie: adminlogin =3\r\n\r\nok"
    )
    answer = await exchange(
        rig,
        request(
            "GET /a%2Fb?q=%20&r",
            *("Forwarded: for=1.2.3.4", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Ssl: on", "X-Forwarded: x"),
            *("X_Forwarded_For: 1.2.3.4", "X-Real_IP: 1.2.3.4", "Content_Length: 5", "Proxy: http://a.example"),
            *(
                "Cookie: a=1; accountsession=x y; b=2",
                "Cookie: webmaillogin=1; adminsession=2",
                "TE: trailers, deflate",
            ),
            *("Proxy-Authorization: Basic eA==", "X-Other: kept", "Upgrade: h2c", "Connection: x-own", "X-Own: hop"),
        ),
    )
    head, _, body = answer.partition(b"\r\n\r\n")
    fields = sorted(line.lower() for line in head.split(b"\r\n")[1:])
    assert body == b"ok"
    assert fields == [
        b"cache-control: no-store",
        b"connection: close",
        b"content-length: 2",
        b"date: mon, 02 nov 2026 00:00:00 gmt",
        b"set-cookie: other=2",
        b"x-kind: own",
    ]
    [seen] = behind.seen
    assert seen.target == "/base/a%2Fb?q=%20&r"
    assert (seen.get("host"), seen.get("cookie"), seen.get("x-other")) == ("www.example.org", "a=1; b=2", "kept")
    assert (seen.get("connection"), seen.get("te")) == ("te", "trailers")
    for name in (
        "x-forwarded",
        "x-forwarded-ssl",
        "proxy-authorization",
        "upgrade",
        "x-own",
        "proxy",
        "content-length",
    ):
        assert seen.get(name) is None
    assert [name for name, _ in seen.headers if "_" in name] == []
    peer = seen.get("x-forwarded-for")
    assert seen.get("x-real-ip") == peer
    assert peer is not None
    assert (seen.get("x-forwarded-host"), seen.get("x-forwarded-proto")) == ("www.example.org", "http")
    assert seen.get("forwarded") == f"for={peer};host=www.example.org;proto=http"
    assert (seen.get("via") or "").startswith("1.1 moxlite-")


async def test_a_trusted_front_is_extended(opening: Opening, behind: Backend) -> None:
    """WEB-45, WEB-28: on a port with `forwarded`, its fields stay and ours follow; https there needs no redirect."""
    rig = await opening(behind.url, more="", path="^/")
    fields = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https", "forwarded": "for=203.0.113.9"}
    answer = await get(rig, "/x", ip="127.0.0.1", port=1080, remote="10.0.0.7", headers=fields)
    assert answer.status == 200
    [seen] = behind.seen
    chain = (seen.get("x-forwarded-for") or "").split(", ")
    assert (chain[0], len(chain), seen.get("x-forwarded-proto")) == ("203.0.113.9", 2, "https")
    assert seen.get("x-real-ip") == "203.0.113.9"
    assert (seen.get("forwarded") or "").startswith("for=203.0.113.9, for=10.0.0.7;")
    fields |= {"x-real-ip": "203.0.113.9"}
    await get(rig, "/x", ip="127.0.0.1", port=1080, remote="192.0.2.8", headers=fields)
    assert behind.seen[1].get("x-real-ip") == "192.0.2.8"
    assert behind.seen[1].get("x-forwarded-for") == "192.0.2.8"


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("/app/x%2Fy", "/x%2Fy"),
        ("/app", "/"),
        ("/%61pp/%C3%A9", "/%C3%A9"),
        ("/other/../app/x", "/x"),
        ("/app//x", "/x"),
        ("/app/%2e%2e/app/x", "/x"),
        ('/app/a\\b|c"d', "/a%5Cb%7Cc%22d"),
    ],
)
async def test_the_matched_part_is_cut_off(opening: Opening, behind: Backend, raw: str, wanted: str) -> None:
    """WEB-44, WEB-6: with `strip_path`; what our rules and the server behind could read differently is made one."""
    rig = await opening(behind.url, ", strip_path = true", path="^/app")
    await exchange(rig, request(f"GET {raw}"))
    assert [one.target for one in behind.seen] == [wanted]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("OPTIONS *", "/b/*"),
        ("GET /a%0d%0aX-Bad:%20y?q=%0d%0a", "/b/a%0d%0aX-Bad:%20y?q=%0d%0a"),
        ("GET /a/..%0d%0a/x", "/b/a/..%0d%0a/x"),
        ("GET /a/%2e%2e/%0d%0aX:y%00", "/b/%0D%0AX:y%00"),
        ("GET http://www.example.org?x", "/b/?x"),
        ("GET /?a#b\\c", "/b/?a%23b%5Cc"),
    ],
)
async def test_no_path_becomes_a_line(opening: Opening, behind: Backend, line: str, wanted: str) -> None:
    """WEB-44, WEB-135: escaped line ends stay escaped, in the client's form and in the normal one."""
    rig = await opening(f"{behind.url}/b")
    await exchange(rig, request(line))
    [seen] = behind.seen
    assert seen.target == wanted
    assert seen.get("x-bad") is None


async def test_bodies_go_both_ways_whatever_their_chunks(opening: Opening, behind: Backend) -> None:
    """WEB-46: random sizes, chunked or not, in random pieces; connections to the server behind are used again."""
    rig = await opening(behind.url)
    chance = random.Random(7)
    async with client(rig) as (stream, reader):
        for number in range(30):
            body = chance.randbytes(chance.choice((0, 1, 2000, 70_000, 300_000)))
            path = chance.choice(("/echo", "/chunks"))
            if chance.random() < 0.5:
                octets = request(f"POST {path}", f"Content-Length: {len(body)}", body=body, close=False)
            else:
                octets = request(f"POST {path}", "Transfer-Encoding: chunked", "Trailer: X-T", close=False)
                rest = body
                while rest:
                    piece, rest = rest[: (size := chance.randrange(1, 60_000))], rest[size:]
                    octets += b"%x\r\n%s\r\n" % (len(piece), piece)
                octets += b"0\r\nX-T: end\r\nHost: bad\r\n\r\n"

            async def send(octets: bytes = octets) -> None:
                while octets:
                    size = chance.randrange(1, 50_000)
                    await stream.send_all(octets[:size])
                    octets = octets[size:]

            async with trio.open_nursery() as nursery:
                nursery.start_soon(send)
                assert (await reader.line()).startswith(b"HTTP/1.1 200")
                fields = dict(await reader.fields())
                if "content-length" in fields:
                    found = await reader.octets(int(fields["content-length"]))
                else:
                    found = b""
                    while size := int(await reader.line(), 16):
                        found += await reader.octets(size)
                        await reader.octets(2)
                    trailers = await reader.fields()
                    assert trailers == [("x-sum", hashlib.sha256(body).hexdigest())]
            assert found == body
            seen = behind.seen[number]
            assert (seen.body, seen.whole) == (body, True)
            assert seen.trailers == ([("x-t", "end")] if seen.get("transfer-encoding") else [])
    assert behind.connections == 1


async def test_trailers_lose_what_heads_lose(opening: Opening, behind: Backend) -> None:
    """WEB-45: a server behind may read trailers as if they were in the head."""
    rig = await opening(behind.url)
    names = (
        *("X-Real-IP", "X_Real_IP", "X-Forwarded-For", "x_forwarded_proto", "Forwarded", "X-Forwarded", "Proxy", "Via"),
        *("X-Own", "Cookie", "Content_Length", "TE", "Connection", "Host", "Authorization", "Set-Cookie"),
    )
    trailers = "".join(f"{name}: 1.2.3.4\r\n" for name in (*names, "X-Sum"))
    octets = request("POST /echo", "Transfer-Encoding: chunked", "Connection: close, X-Own", close=False)
    await exchange(rig, octets + f"2\r\nok\r\n0\r\n{trailers}\r\n".encode())
    [seen] = behind.seen
    assert (seen.body, seen.trailers) == (b"ok", [("x-sum", "1.2.3.4")])


async def test_trailers_of_answers_lose_what_heads_lose(opening: Opening, behind: Backend) -> None:
    """WEB-45: cookies with names of ours, and what the administrator's fields replace."""
    rig = await opening(behind.url, ', response_headers = { X-Kind = "own" }')
    behind.raw["/t"] = (
        b"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
        b"X-Kind: theirs\r\nSet-Cookie: webmailsession=1\r\nKeep-Alive: x\r\nX-Sum: 1\r\n\r\n"
    )
    answer = await exchange(rig, request("GET /t"))
    assert answer.endswith(b"0\r\nx-sum: 1\r\n\r\n")


async def test_answers_without_length_and_without_body(opening: Opening, behind: Backend) -> None:
    """WEB-46: until the close of the connection; HEAD, 204, 304; a client of HTTP/1.0."""
    rig = await opening(behind.url)
    body = os.urandom(100_000)
    answer = await get(rig, "/until-close", method="POST", body=body)
    assert (answer.body, answer.headers["transfer-encoding"]) == (body, "chunked")
    head = await get(rig, "/echo", method="HEAD")
    assert (head.status, head.body, head.headers["x-kind"]) == (200, b"", "echo")
    behind.raw["/kept"] = b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 70\r\n\r\n'
    assert (await get(rig, "/kept")).headers["etag"] == '"x"'
    behind.raw["/kept204"] = b"HTTP/1.1 204 No Content\r\n\r\n"
    assert (await get(rig, "/kept204")).status == 204
    old = b"POST /chunks HTTP/1.0\r\nHost: www.example.org\r\nContent-Length: 5\r\n\r\nhello"
    answer_old = await exchange(rig, old)
    assert answer_old.endswith(b"\r\n\r\nhello")
    assert b"chunked" not in answer_old.lower()


async def test_informational_answers(opening: Opening, behind: Backend) -> None:
    """WEB-4, WEB-46: 100 is asked of the server behind; a refusal comes before the body; 103 is passed on; one that
    says nothing gets the body after a second.
    """
    rig = await opening(behind.url)
    async with client(rig) as (stream, reader):
        expect = ("Expect: 100-continue", "Content-Length: 5")
        await stream.send_all(request("POST /echo", *expect, close=False))
        assert (await reader.line()).startswith(b"HTTP/1.1 100")
        await reader.fields()
        assert behind.seen[0].get("expect") == "100-continue"
        await stream.send_all(b"hello")
        assert (await reader.line()).startswith(b"HTTP/1.1 200")
        assert await reader.octets(int(dict(await reader.fields())["content-length"])) == b"hello"
        behind.raw["/kept"] = (
            b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        )
        await stream.send_all(request("GET /kept", close=False))
        assert (await reader.line()).startswith(b"HTTP/1.1 103")
        assert await reader.fields() == [("link", "</s.css>")]
        assert (await reader.line()).startswith(b"HTTP/1.1 200")
        assert await reader.octets(int(dict(await reader.fields())["content-length"])) == b"ok"
        await stream.send_all(request("POST /no-continue", *expect, close=False))
        assert (await reader.line()).startswith(b"HTTP/1.1 100")
        await reader.fields()
        await stream.send_all(b"later")
        assert (await reader.line()).startswith(b"HTTP/1.1 200")
        await reader.fields()
        assert await reader.octets(5) == b"later"
        await stream.send_all(request("POST /early", *expect, close=False))
        assert (await reader.line()).startswith(b"HTTP/1.1 413")
    refused = await get(rig, "/early", method="POST", body=bytes(200_000))
    assert (refused.status, refused.body) == (413, b"big")


ANSWERS = {
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "length and chunks": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    ),
    "other coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "garbage": b"SSH-2.0-OpenSSH_9.2\r\n\r\n" * 10,
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "endless informational": b"HTTP/1.1 102 Processing\r\n\r\n" * 5000,
    "long head": b"HTTP/1.1 200 OK\r\n" + b"X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 40_000,
    "long field": b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 3_000_000,
    "NUL": b"HTTP/1.1 200 OK\r\nX-Bad: a\0b\r\nContent-Length: 0\r\n\r\n",
    "many fields": b"HTTP/1.1 200 OK\r\n" + b"a:\r\n" * 15_000 + b"\r\n",
    "space": b"HTTP/1.1 200 OK\r\nX-Bad : a\r\nContent-Length: 0\r\n\r\n",
    "unasked switch": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_bad_answers_become_an_error_page(opening: Opening, behind: Backend, name: str) -> None:
    """WEB-47, WEB-138, WEB-8: 502 with the id; that connection ends, and the client's goes on."""
    rig = await opening(behind.url)
    behind.raw["/bad"] = ANSWERS[name]
    async with client(rig) as (stream, reader):
        await stream.send_all(request("POST /bad", "Content-Length: 1", body=b"x", close=False))
        line = await reader.line()
        while line.startswith(b"HTTP/1.1 102"):
            assert await reader.fields() == []
            line = await reader.line()
        assert line.startswith(b"HTTP/1.1 502"), line
        fields = dict(await reader.fields())
        assert b"(id " in await reader.octets(int(fields["content-length"]))
        await stream.send_all(request("POST /echo", "Content-Length: 1", body=b"x", close=False))
        assert (await reader.line()).startswith(b"HTTP/1.1 200")
    await eventually(lambda: behind.open <= 1)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"200 OK\r\nX: " + b"a" * 100_000, id="field"),
        pytest.param(b"200 OK\r\nX: a\r\n".ljust(100_000, b"x") + b"\r\n", id="fields"),
        pytest.param(b"102 Processing\r\n\r\nHTTP/1.1 ", id="informational"),
        pytest.param(b"a" * 100_000, id="line"),
    ],
)
async def test_a_head_without_end_ends(opening: Opening, behind: Backend, octets: bytes) -> None:
    """WEB-47, WEB-138: 502 once it is over the limits; a download from the same server goes on meanwhile."""
    rig = await opening(behind.url)
    behind.forever["/flood"] = octets
    async with client(rig) as (stream, reader):
        await stream.send_all(request("GET /endless"))
        await reader.octets(10_000)
        answer = await exchange(rig, request("GET /flood"))
        assert b"HTTP/1.1 502" in answer
        assert b"(id " in answer
        await eventually(lambda: behind.open == 1)
        await reader.octets(3_000_000)


@pytest.mark.parametrize(
    "answer",
    [
        b"Content-Length: 100\r\n\r\nshort",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n2;a=\rb\r\nok\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n0;a=\rb\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n0\r\n" + b"a:\r\n" * 15_000 + b"\r\n",
    ],
)
async def test_an_answer_that_breaks_off_breaks_off(opening: Opening, behind: Backend, answer: bytes) -> None:
    """WEB-47, WEB-18: the client must not take a part for the whole."""
    rig = await opening(behind.url)
    behind.raw["/cut"] = b"HTTP/1.1 200 OK\r\n" + answer
    found = await exchange(rig, request("GET /cut"))
    assert b"short" in found
    assert not found.endswith(b"0\r\n\r\n")
    assert b"502" not in found


async def test_a_dead_connection_is_replaced_where_that_is_safe(opening: Opening, behind: Backend) -> None:
    """WEB-46: a pooled one that died before an answer; not for POST, nor for a new connection."""
    rig = await opening(behind.url)
    assert (await get(rig, "/once")).body == b"ok"
    assert (await get(rig, "/once")).body == b"ok"
    assert (await get(rig, "/echo")).status == 200
    assert (await get(rig, "/vanish")).status == 502  # on the pooled connection, then on a new one
    assert [one.target for one in behind.seen].count("/vanish") == 2
    assert (await get(rig, "/echo")).status == 200
    assert (await get(rig, "/vanish", method="POST", body=b"x")).status == 502
    assert [one.target for one in behind.seen].count("/vanish") == 3


async def test_a_connection_is_not_kept_after_a_refused_body(opening: Opening, behind: Backend) -> None:
    """WEB-46: the server behind may close it without a word; after other errors it is kept."""
    rig = await opening(behind.url)
    behind.raw["/kept"] = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"
    for _ in range(2):
        assert (await get(rig, "/kept")).status == 404
    assert behind.connections == 1
    assert (await get(rig, "/kept", method="POST", body=b"x")).status == 404
    await eventually(lambda: behind.open == 0)
    assert (await get(rig, "/echo", method="POST", body=b"x")).status == 200
    assert behind.connections == 2


async def test_a_server_that_is_slow_or_away(
    opening: Opening, behind: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-47: 504 after the time for a head, 502 where nothing listens; a smaller request beside it is not delayed."""
    monkeypatch.setattr(forward, "HEAD_SECONDS", 0.2)
    gone = handler('forward = { url = "http://127.0.0.1:1" }', path="^/gone")
    rig = await opening(behind.url, more=gone)
    slow = await get(rig, "/hang")
    assert (slow.status, b"timed out" in slow.body, b"(id " in slow.body) == (504, True, True)
    away = await get(rig, "/gone")
    assert (away.status, b"(id " in away.body) == (502, True)
    await eventually(lambda: behind.open == 0)


async def test_a_client_that_leaves_ends_the_request_behind(opening: Opening, behind: Backend) -> None:
    """WEB-47: before the answer, in its middle, and in the middle of the body."""
    rig = await opening(behind.url)
    for first in (request("GET /hang"), request("POST /echo", "Content-Length: 100000", body=bytes(100))):
        async with client(rig) as (stream, _):
            await stream.send_all(first)
            await eventually(lambda: behind.open == 1)
        await eventually(lambda: behind.open == 0)
    async with client(rig) as (stream, reader):
        await stream.send_all(request("GET /endless"))
        await reader.octets(100_000)
    await eventually(lambda: behind.open == 0)


async def test_the_slower_side_sets_the_pace(opening: Opening, behind: Backend) -> None:
    """WEB-46, WEB-172: an endless answer to a client that does not read fills buffers of the system, not ours."""
    rig = await opening(behind.url)
    async with client(rig) as (stream, reader):
        await stream.send_all(request("GET /endless"))
        await reader.octets(100)
        await trio.sleep(0.3)
        assert behind.open == 1
    await eventually(lambda: behind.open == 0)


async def test_a_socket_in_the_file_system(opening: Opening, tmp_path: Path) -> None:
    """WEB-44: `unix:/path:/base`."""
    async with backend(tmp_path / "s") as found:
        rig = await opening(f"{found.url}:/base")
        assert (await get(rig, "/x", method="POST", body=b"hi")).body == b"hi"
        assert [one.target for one in found.seen] == ["/base/x"]
    assert (await get(rig, "/x")).status == 502


async def test_answers_are_compressed_where_that_is_wanted(opening: Opening, behind: Backend) -> None:
    """WEB-10: with `compress`, text without a coding; the tag becomes a weak one."""
    both = handler(f'forward = {{ url = "{behind.url}" }}', path="^/kept-plain")
    rig = await opening(behind.url, more=both, compress=True)
    text = b"hello world\n" * 500
    kind = b'Content-Type: text/plain\r\nETag: "a"\r\n'
    answer = b"HTTP/1.1 200 OK\r\n" + kind + b"Content-Length: %d\r\n\r\n" % len(text) + text
    behind.raw |= {"/kept": answer, "/kept-plain": answer}
    plain = await get(rig, "/kept-plain", headers={"accept-encoding": "gzip"})
    assert (plain.body, "content-encoding" in plain.headers) == (text, False)
    squeezed = await get(rig, "/kept", headers={"accept-encoding": "gzip"})
    assert (gzip.decompress(squeezed.body), squeezed.headers["content-encoding"]) == (text, "gzip")
    assert (squeezed.headers["etag"], squeezed.headers["vary"]) == ('W/"a"', "Accept-Encoding")
    assert (await get(rig, "/kept", headers={"accept-encoding": "br"})).body == text


async def test_a_circle_is_found(opening: Opening, behind: Backend) -> None:
    """WEB-45: a request that has passed this server before (RFC 9110 §7.6.3)."""
    rig = await opening(behind.url)
    await get(rig, "/echo")
    via = behind.seen[0].get("via") or ""
    assert (await get(rig, "/echo", headers={"via": f"1.0 other, {via}"})).status == 508


async def test_idle_connections_end(opening: Opening, behind: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-46: after a time, and beyond a number."""
    monkeypatch.setattr(httpclient, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(httpclient, "MAX_IDLE", 2)
    rig = await opening(behind.url)
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(get, rig, "/echo")
    await eventually(lambda: behind.open <= 2)
    await eventually(lambda: behind.open == 0)


# Websockets


WEBSOCKET = ("Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
ACCEPT = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"


async def test_octets_of_a_websocket_are_copied_unseen(opening: Opening, caplog: pytest.LogCaptureFixture) -> None:
    """WEB-48: whatever they are, both ways, until one side closes; sizes are in the access log."""
    caplog.set_level("DEBUG", "moxlite.web")
    ended = trio.Event()

    async def echo(stream: trio.abc.Stream) -> None:
        async with stream:
            reader = Reader(stream)
            line, fields = await reader.line(), dict(await reader.fields())
            assert line == b"GET /socket?x HTTP/1.1"
            assert (fields["upgrade"], fields["connection"]) == ("websocket", "upgrade")
            assert fields["sec-websocket-protocol"] == "chat"
            assert "cookie" not in fields
            await stream.send_all(SWITCH + ACCEPT + b"Sec-WebSocket-Protocol: chat\r\n\r\n" + b"first")
            while octets := await stream.receive_some():
                await stream.send_all(octets)
        ended.set()

    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, echo, [listener])
        rig = await opening(f"http://127.0.0.1:{listener.socket.getsockname()[1]}")
        async with client(rig) as (stream, reader):
            opened = request("GET /socket?x", *WEBSOCKET, KEY, "Sec-WebSocket-Protocol: chat", "Cookie: adminsession=1")
            await stream.send_all(opened.replace(b"Connection: close\r\n", b"") + b"early")
            assert await reader.line() == b"HTTP/1.1 101 Switching Protocols"
            fields = dict(await reader.fields())
            assert (fields["upgrade"], fields["sec-websocket-protocol"]) == ("websocket", "chat")
            assert await reader.octets(10) == b"firstearly"
            body = os.urandom(500_000)
            async with trio.open_nursery() as sending:
                sending.start_soon(stream.send_all, body)
                assert await reader.octets(len(body)) == body
        with trio.fail_after(60):
            await ended.wait()
        nursery.cancel_scope.cancel()
    await eventually(lambda: any("sizetoclient" in getattr(one, "kv", {}) for one in caplog.records))
    [line] = [kv(one) for one in caplog.records if "sizetoclient" in getattr(one, "kv", {})]
    assert (line["statuscode"], line["sizetoclient"], line["sizefromclient"]) == (101, 500_010, 500_005)


async def test_websockets_are_limited_in_number_and_in_silence(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-48: octets in either direction keep one open, a silent one ends; 503 beyond the number, until one ends."""
    monkeypatch.setattr(httpclient, "MAX_TUNNELS", 2)
    monkeypatch.setattr(forward, "IDLE_SECONDS", 3.0)

    async def accept(stream: trio.abc.Stream) -> None:
        async with stream:
            reader = Reader(stream)
            speaks = b"speaks" in await reader.line()
            await reader.fields()
            await stream.send_all(SWITCH + ACCEPT + b"\r\n")
            with trio.move_on_after(60):
                while speaks:
                    await trio.sleep(0.1)
                    await stream.send_all(b".")
                await stream.receive_some()

    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, accept, [listener])
        rig = await opening(f"http://127.0.0.1:{listener.socket.getsockname()[1]}")
        async with client(rig) as (speaking, hears), client(rig) as (silent, _), client(rig) as (third, reads):
            await speaking.send_all(request("GET /speaks", *WEBSOCKET, KEY, close=False))
            assert b" 101 " in await hears.line()
            await hears.fields()
            await silent.send_all(request("GET /silent", *WEBSOCKET, KEY, close=False))
            assert b" 101 " in await silent.receive_some()
            await third.send_all(request("GET /silent", *WEBSOCKET, KEY, close=False))
            assert b" 503 " in await reads.line()
            answer = dict(await reads.fields())
            assert answer["retry-after"] == "60"
            await reads.octets(int(answer["content-length"]))
            with trio.fail_after(60):
                assert await silent.receive_some() == b""
                assert await hears.octets(50)
            await third.send_all(request("GET /silent", *WEBSOCKET, KEY, close=False))
            assert b" 101 " in await reads.line()
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "fields",
    [
        (*WEBSOCKET,),
        (*WEBSOCKET, "Sec-WebSocket-Key: short"),
        (*WEBSOCKET[:2], "Sec-WebSocket-Version: 8", KEY),
        (*WEBSOCKET[1:], KEY),
        (*WEBSOCKET, KEY, "Content-Length: 1"),
    ],
)
async def test_a_bad_opening_goes_no_further(opening: Opening, behind: Backend, fields: tuple[str, ...]) -> None:
    """WEB-48: 400, with the version where that is wrong."""
    rig = await opening(behind.url)
    octets = request("GET /socket", *fields, close=False) + (b"x" if "Content-Length: 1" in fields else b"")
    async with client(rig) as (stream, reader):
        await stream.send_all(octets)
        assert (await reader.line()).startswith(b"HTTP/1.1 400")
        assert dict(await reader.fields()).get("sec-websocket-version") == (
            "13" if "Version: 8" in str(fields) else None
        )
    assert behind.seen == []


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (SWITCH + b"\r\n", 502),
        (SWITCH + b"Sec-WebSocket-Accept: wrong\r\n\r\n", 502),
        (SWITCH + ACCEPT + ACCEPT + b"\r\n", 502),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", 403),
        (b"", 502),
    ],
)
async def test_a_server_that_opens_no_websocket(opening: Opening, behind: Backend, answer: bytes, status: int) -> None:
    """WEB-48: a wrong acceptance is an error of that server; another answer is passed on; the connection goes on."""
    rig = await opening(behind.url)
    behind.raw["/socket"] = answer
    async with client(rig) as (stream, reader):
        await stream.send_all(request("GET /socket", *WEBSOCKET, KEY, close=False))
        assert (await reader.line()).startswith(b"HTTP/1.1 %d" % status)
        await reader.octets(int(dict(await reader.fields())["content-length"]))
        await stream.send_all(request("POST /echo", "Content-Length: 1", body=b"x", close=False))
        assert (await reader.line()).startswith(b"HTTP/1.1 200")
