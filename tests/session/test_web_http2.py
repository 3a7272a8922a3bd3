"""HTTP/2 over memory streams: requests at once, bodies both ways, windows, ends of connections."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest
import trio
import trio.testing
from h2.errors import ErrorCodes
from trio.testing import MockClock

from moxlite.ledger import begin, ledger
from moxlite.net.admission import ConnectionInfo, Shutdown
from moxlite.net.limits import OpenConnections
from moxlite.web.http.errors import ClientGone, Drain
from moxlite.web.http.exchange import Handler, Request, ResponseWriter
from moxlite.web.http.messages import Response
from moxlite.web.http2.connection import Connection
from moxlite.web.http2.stream import REQUEST
from tests.http2client import Client, fields, talking

pytestmark = pytest.mark.served

REMOTE = ip_address("192.0.2.7")


async def echo(request: Request, writer: ResponseWriter) -> None:
    """Says what it was asked, and the body."""
    body = await request.body.read(1 << 20)
    text = f"{request.method} {request.host.name} {request.path} {request.query} ".encode()
    await writer.respond(Response(200, (("content-type", "text/plain"),), text + body))


@asynccontextmanager
async def opened(
    handler: Handler = echo,
    *,
    drain: Drain | None = None,
    requests: OpenConnections | None = None,
) -> AsyncIterator[trio.abc.Stream]:
    """A connection whose client is yet to speak."""
    ours, theirs = trio.testing.memory_stream_pair()
    info = ConnectionInfo(
        cid=1,
        remote=REMOTE,
        remote_port=4242,
        local=ip_address("127.0.0.1"),
        local_port=443,
        listener="local",
        shutdown=Shutdown(),
    )

    async def serve() -> None:
        async with ours:
            await Connection(ours, info, handler=handler, drain=drain or Drain(), requests=requests).serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        async with theirs:
            yield theirs
    assert ledger().octets == 0


@asynccontextmanager
async def serving(
    handler: Handler = echo,
    *,
    drain: Drain | None = None,
    requests: OpenConnections | None = None,
    checks: bool = True,
) -> AsyncIterator[Client]:
    async with (
        opened(handler, drain=drain, requests=requests) as stream,
        talking(stream, checks=checks) as client,
    ):
        yield client


async def test_requests_and_answers_carry_their_fields_and_bodies() -> None:
    """WEB-2: pseudo-header fields become method, target and host; cookies one field; names are lower case."""
    seen: list[Request] = []

    async def handler(request: Request, writer: ResponseWriter) -> None:
        seen.append(request)
        await echo(request, writer)

    async with serving(handler) as client:
        answer = await client.fetch(
            "POST", "/a%20b/../c?d=e", ("cookie", "a=1"), ("x-own", "1"), ("cookie", "b=2"), body=b"hello"
        )
    assert (answer.status, bytes(answer.body)) == (200, b"POST x /c d=e hello")
    assert dict(answer.headers)["content-length"] == str(len(answer.body))
    assert "connection" not in dict(answer.headers)
    request = seen[0]
    assert (request.http_version, request.target) == ("2", "/a%20b/../c?d=e")
    assert request.headers.all("cookie") == ["a=1; b=2"]
    assert (request.body.declared, request.body.undeclared) == (None, True)


async def test_many_requests_run_at_once_and_a_slow_one_holds_up_no_other() -> None:
    """WEB-2: neither a handler that waits, nor a client that does not read one answer, delays the others."""
    waits = trio.Event()

    async def handler(request: Request, writer: ResponseWriter) -> None:
        if request.path == "/waits":
            await waits.wait()
        await writer.respond(Response(200, (), b"x" * (300_000 if request.path == "/long" else 10)))

    async with serving(handler) as client:
        client.reads = False
        client.h2.increment_flow_control_window(1 << 24)
        await client.flush()
        slow = [await client.begin_request(fields(path=path)) for path in ("/waits", "/long", "/long")]
        for _ in range(50):
            assert len((await client.fetch()).body) == 10
        assert [len(client.answers[one].body) for one in slow] == [0, 65535, 65535]
        for one in slow[1:]:
            client.h2.increment_flow_control_window(300_000, one)
        waits.set()
        await client.flush()
        assert [len((await client.answer(one)).body) for one in slow] == [10, 300_000, 300_000]


async def test_a_body_that_is_not_read_stops_no_other() -> None:
    """WEB-2: an upload waits in its own window; the window of one that is read goes on, for megabytes."""
    go = trio.Event()

    async def handler(request: Request, writer: ResponseWriter) -> None:
        if request.path == "/waits":
            await go.wait()
        octets = 0
        while piece := await request.body.receive(1 << 30):
            octets += len(piece)
        await writer.respond(Response.text(200, str(octets)))

    async with serving(handler) as client:
        stuck = [await client.begin_request(fields("POST", "/waits"), ends=False) for _ in range(30)]
        for one in stuck:
            await client.send(one, bytes(65_535))
        answer = await client.fetch("POST", "/reads", body=bytes(3_000_000))
        assert bytes(answer.body) == b"3000000\n"
        assert ledger().held["request"] == 30 * 65_535 + 29 * REQUEST
        go.set()
        for one in stuck:
            await client.send(one, b"", ends=True)
            assert bytes((await client.answer(one)).body) == b"65535\n"


async def test_octets_that_wait_on_all_connections_are_limited() -> None:
    """WEB-2: a request whose body nobody reads ends when there is no room for it."""
    begin(100_000)

    async def handler(request: Request, writer: ResponseWriter) -> None:
        await trio.sleep_forever()

    async with serving(handler) as client:
        first, second = [await client.begin_request(fields("GET", "/"), ends=False) for _ in range(2)]
        await client.send(first, bytes(60_000))
        await client.send(second, bytes(60_000))
        assert (await client.answer(second)).reset == ErrorCodes.ENHANCE_YOUR_CALM
        assert not client.answers[first].over


async def test_continue_informational_answers_trailers_and_heads() -> None:
    """WEB-2, WEB-4: 100 is said when the body is wanted; HEAD, 204 and 304 have no body."""

    async def handler(request: Request, writer: ResponseWriter) -> None:
        if request.method == "POST":
            await writer.inform(103, (("link", "</a>"),))
            body = await request.body.read(100)
            await writer.start(200, (("connection", "close"), ("keep-alive", "x"), ("x-own", "1")))
            await writer.write(body)
            await writer.finish((*request.body.trailers(), ("x-after", "1")))
        elif request.path == "/none":
            await writer.respond(Response(204))
        else:
            await writer.respond(Response(200, (), b"hello"))

    async with serving(handler) as client:
        number = await client.begin_request(fields("POST", "/", ("expect", "100-continue")), ends=False)
        await client.until(lambda: client.answers[number].informed == [103, 100])
        await client.send(number, b"body")
        client.h2.send_headers(number, [("x-mine", "2")], end_stream=True)
        await client.flush()
        answer = await client.answer(number)
        assert (bytes(answer.body), answer.trailers) == (b"body", [("x-mine", "2"), ("x-after", "1")])
        assert not {"connection", "keep-alive"} & {name for name, _ in answer.headers}
        head = await client.fetch("HEAD")
        assert (bytes(head.body), dict(head.headers)["content-length"]) == (b"", "5")
        none = await client.fetch("GET", "/none")
        assert (none.status, bytes(none.body), none.ended) == (204, b"", True)


async def test_requests_over_the_limits_get_an_answer() -> None:
    """WEB-4 over HTTP/2: 414, 417, 431; other requests of the connection go on."""
    async with serving() as client:
        assert (await client.fetch("GET", "/" + "a" * 9000)).status == 414
        assert (await client.fetch("POST", "/", ("expect", "beer"), body=b"x")).status == 417
        assert (await client.fetch("GET", "/", *((f"x-{n}", "1") for n in range(200)))).status == 431
        assert (await client.fetch("GET", "/", ("x-long", "a" * 60_000), ("x-more", "b" * 12_000))).status == 431
        assert (await client.fetch()).status == 200


@pytest.mark.parametrize(
    "head",
    [
        fields("GET", "a"),
        fields("GET", "*"),
        fields("GET", "/a b"),
        fields("GET", "/\r\nX: y"),
        fields("G T", "/"),
        fields("GET", "/", host=""),
        fields("GET", "/", host="user@x"),
        fields("GET", "/", ("host", "y")),
        fields("GET", "/", ("host", "x"), ("host", "x")),
        fields("GET", "/", ("X-Upper", "1")),
        fields("GET", "/", ("x bad", "1")),
        fields("GET", "/", ("", "1")),
        fields("GET", "/", ("x-a", "1\r\nx-b: 2")),
        fields("GET", "/", ("x-a", "1\n")),
        fields("GET", "/", ("x-a", "\x00")),
        fields("GET", "/", ("x-a", " 1")),
        fields("GET", "/", ("connection", "close")),
        fields("GET", "/", ("transfer-encoding", "chunked")),
        fields("GET", "/", ("upgrade", "websocket")),
        fields("GET", "/", ("te", "gzip")),
        fields("GET", "/", ("content-length", "1")),
        fields("GET", "/", ("content-length", "0"), ("content-length", "0")),
        fields("GET", "/", (":path", "/b")),
        fields("GET", "/", ("x-a", "1"), (":protocol", "websocket")),
        [*fields("GET", "/"), (":protocol", "websocket")],
        fields("GET", "/")[1:],
        fields("GET", "/")[:3],
        [fields("GET", "/")[0], *fields("GET", "/")[2:]],
        fields("CONNECT", "/"),
    ],
    ids=lambda head: repr(head[:1] + head[3:])[:60],
)
async def test_malformed_requests_end_their_stream_alone(head: list[tuple[str, str]]) -> None:
    """WEB-2, WEB-5, WEB-139: what a server behind could read as something else is no request."""
    async with serving(checks=False) as client:
        number = await client.begin_request(head)
        assert (await client.answer(number)).reset == ErrorCodes.PROTOCOL_ERROR
        assert (await client.fetch()).status == 200


async def test_a_body_shorter_than_announced_reaches_no_handler_as_a_whole() -> None:
    """WEB-5 over HTTP/2: the length in the head and the end of the stream must agree."""
    outcomes: list[str] = []

    async def handler(request: Request, writer: ResponseWriter) -> None:
        try:
            await request.body.read(100)
        except ClientGone:
            outcomes.append("gone")
            raise
        await writer.respond(Response(200))

    for trailers in (False, True):
        async with serving(handler, checks=False) as client:
            number = await client.begin_request(fields("POST", "/", ("content-length", "10")), ends=False)
            await client.send(number, b"123", ends=not trailers)
            if trailers:
                client.h2.send_headers(number, [("x-a", "1")], end_stream=True)
                await client.flush()
            await client.until(lambda: client.goodbye is not None or client.answers[number].over)  # noqa: B023
    assert outcomes == ["gone", "gone"]


async def test_what_a_client_gives_up_is_cancelled_if_it_changes_nothing() -> None:
    """WEB-2: a GET ends at once; a POST that has its body goes on to its end."""
    ended: list[str] = []
    go = trio.Event()

    async def handler(request: Request, writer: ResponseWriter) -> None:
        try:
            await request.body.read(100)
            await go.wait()
            ended.append(f"{request.method} done")
            await writer.respond(Response(200))
        except trio.Cancelled:
            ended.append(f"{request.method} cancelled")
            raise

    async with serving(handler) as client:
        numbers = [await client.begin_request(fields(method)) for method in ("GET", "POST")]
        await trio.testing.wait_all_tasks_blocked()
        for number in numbers:
            client.h2.reset_stream(number, ErrorCodes.CANCEL)
        await client.flush()
        await trio.testing.wait_all_tasks_blocked()
        assert ended == ["GET cancelled"]
        go.set()
        await trio.testing.wait_all_tasks_blocked()
        assert ended == ["GET cancelled", "POST done"]


async def test_an_answer_that_breaks_off_resets_its_stream() -> None:
    """WEB-18 over HTTP/2: nothing else can tell the client that the answer is not whole."""

    async def handler(request: Request, writer: ResponseWriter) -> None:
        await writer.start(200, ())
        await writer.write(b"half")
        raise ClientGone

    async with serving(handler) as client:
        answer = await client.fetch()
        assert (bytes(answer.body), answer.reset) == (b"half", ErrorCodes.INTERNAL_ERROR)
        assert client.goodbye is None


async def test_the_rest_of_an_unwanted_body_is_stopped_without_blame() -> None:
    """WEB-4 over HTTP/2, RFC 9113 §8.1: an early answer, then RST_STREAM with NO_ERROR."""

    async def handler(request: Request, writer: ResponseWriter) -> None:
        await writer.respond(Response.text(413, "too large"))

    async with serving(handler) as client:
        number = await client.begin_request(fields("POST"), ends=False)
        await client.until(lambda: client.answers[number].reset is not None)
        assert (client.answers[number].status, client.answers[number].reset) == (413, ErrorCodes.NO_ERROR)


async def test_requests_in_progress_end_before_the_connection_when_the_server_stops() -> None:
    """WEB-17 over HTTP/2: GOAWAY with the last stream that is answered; later ones are refused."""
    drain, go = Drain(), trio.Event()

    async def handler(request: Request, writer: ResponseWriter) -> None:
        await go.wait()
        await writer.respond(Response.text(200, "done"))

    async with serving(handler, drain=drain) as client:
        number = await client.begin_request(fields())
        await trio.testing.wait_all_tasks_blocked()
        drain.begin()
        await client.until(lambda: client.goodbye is not None)
        assert client.goodbye == (number, ErrorCodes.NO_ERROR)
        late = await client.begin_request(fields())
        assert (await client.answer(late)).reset == ErrorCodes.REFUSED_STREAM
        go.set()
        assert bytes((await client.answer(number)).body) == b"done\n"
        await client.until(lambda: client.gone)
    drain = Drain()
    async with serving(drain=drain) as client:
        await client.fetch()
        drain.begin()
        await client.until(lambda: client.gone)
        assert client.goodbye == (1, ErrorCodes.NO_ERROR)


async def test_a_client_that_says_goodbye_gets_its_answers() -> None:
    """WEB-2, RFC 9113 §6.8: GOAWAY of the client ends the connection after the last answer."""
    go = trio.Event()

    async def handler(request: Request, writer: ResponseWriter) -> None:
        await go.wait()
        await writer.respond(Response.text(200, "done"))

    async with serving(handler) as client:
        number = await client.begin_request(fields())
        await client.octets(bytes.fromhex("000008070000000000 00000000 00000000"))
        await trio.testing.wait_all_tasks_blocked()
        go.set()
        assert bytes((await client.answer(number)).body) == b"done\n"
        await client.until(lambda: client.gone)


async def test_a_connection_ends_after_its_share_of_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-2: what is remembered of old streams is freed."""
    monkeypatch.setattr("moxlite.web.http2.connection.MAX_REQUESTS", 10)
    async with serving() as client:
        for _ in range(10):
            assert (await client.fetch()).status == 200
        await client.until(lambda: client.gone)
        assert client.goodbye == (19, ErrorCodes.NO_ERROR)


async def test_requests_at_once_are_limited_for_a_connection_and_for_a_network() -> None:
    """WEB-2, WEB-14: the first request of a connection is free, others count for its network as connections do."""
    go = trio.Event()

    async def handler(request: Request, writer: ResponseWriter) -> None:
        await go.wait()
        await writer.respond(Response(200))

    requests = OpenConnections((3, 500, 1000))
    async with serving(handler, requests=requests) as client:
        numbers = [await client.begin_request(fields()) for _ in range(6)]
        await trio.testing.wait_all_tasks_blocked()
        resets = [client.answers[number].reset for number in numbers]
        assert resets == [None] * 4 + [ErrorCodes.REFUSED_STREAM] * 2
        go.set()
        assert [(await client.answer(one)).status for one in numbers[:4]] == [200] * 4
    assert requests.acquire(REMOTE)
    requests.release(REMOTE)
    assert requests.pressure(REMOTE) == 0
    go = trio.Event()
    async with serving(handler) as client:  # as of a proxy
        assert client.settings.get(3, 100) == 100
        numbers = [await client.begin_request(fields()) for _ in range(100)]
        await trio.testing.wait_all_tasks_blocked()
        go.set()
        assert {(await client.answer(one)).status for one in numbers} == {200}


async def test_idle_connections_end(autojump_clock: MockClock) -> None:
    """WEB-3 over HTTP/2: 30 s until the first octets, 65 s between requests; pings change nothing; a request in
    progress keeps the connection.
    """

    async def handler(request: Request, writer: ResponseWriter) -> None:
        await trio.sleep(300 if request.path == "/long" else 0)
        await writer.respond(Response(200))

    began = trio.current_time()
    async with serving(handler) as client:
        assert (await client.fetch()).status == 200
        number = await client.begin_request(fields(path="/long"))
        await client.until(lambda: client.answers[number].over, 400)
        assert trio.current_time() == pytest.approx(began + 300, abs=2)
        last = trio.current_time()
        while not client.gone:
            client.h2.ping(b"12345678")
            await client.flush()
            await trio.sleep(1)
        assert trio.current_time() == pytest.approx(last + 65, abs=2)


async def test_deadlines_of_bodies_and_of_clients_that_do_not_read(autojump_clock: MockClock) -> None:
    """WEB-3 over HTTP/2, WEB-138: 60 s for a piece of a body (408), 60 s for a slice that is not taken."""

    async def handler(request: Request, writer: ResponseWriter) -> None:
        from moxlite.web.http.errors import BodyTimeout

        try:
            await request.body.read(100)
        except BodyTimeout as e:
            await writer.respond(Response.text(e.status, e.text))
            return
        await writer.respond(Response(200, (), bytes(200_000)))

    async with serving(handler) as client:
        began = trio.current_time()
        number = await client.begin_request(fields("POST"), ends=False)
        await client.until(lambda: client.answers[number].over, 100)
        assert client.answers[number].status == 408
        assert trio.current_time() == pytest.approx(began + 60, abs=2)
        client.reads = False
        began = trio.current_time()
        number = await client.begin_request(fields())
        await client.until(lambda: client.answers[number].over, 100)
        assert client.answers[number].reset == ErrorCodes.CANCEL
        assert trio.current_time() == pytest.approx(began + 60, abs=2)


async def test_answers_are_equal_to_the_octet_under_random_windows() -> None:
    """WEB-2: many answers at once over windows that open by random steps."""
    luck = random.Random(7)
    bodies = {f"/{n}": luck.randbytes(luck.choice((0, 1, 16_384, 65_535, 65_536, 200_000))) for n in range(40)}

    async def handler(request: Request, writer: ResponseWriter) -> None:
        await writer.start(200, ())
        body, at = bodies[request.path], 0
        while at < len(body):
            step = luck.randint(1, 100_000)
            await writer.write(body[at : at + step])
            at += step
        await writer.finish()

    async with serving(handler) as client:
        client.reads = False
        numbers = {await client.begin_request(fields(path=path)): path for path in bodies}
        with trio.fail_after(30):
            while not all(client.answers[number].over for number in numbers):
                client.h2.increment_flow_control_window(luck.randint(1, 300_000))
                for number in numbers:
                    if not client.answers[number].over and luck.random() < 0.3:
                        client.h2.increment_flow_control_window(luck.randint(1, 30_000), number)
                await client.flush()
                await trio.testing.wait_all_tasks_blocked()
        assert {path: bytes(client.answers[number].body) for number, path in numbers.items()} == bodies
