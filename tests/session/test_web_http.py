"""The HTTP server over memory streams: what clients may send, and what they get."""

import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from itertools import pairwise

import pytest
import trio
import trio.testing
from hypothesis import given, settings, strategies as st
from trio.testing import MockClock

from moxlite.ledger import MAX_WAITING, begin, ledger, visit
from moxlite.net.admission import ConnectionInfo, Shutdown
from moxlite.net.sockets import QuickStream
from moxlite.web.http.connection import Connection
from moxlite.web.http.errors import Drain, HTTPError
from moxlite.web.http.exchange import Handler, Request, ResponseWriter
from moxlite.web.http.messages import Response
from tests.smallsockets import layered


def info() -> ConnectionInfo:
    """A connection of a browser elsewhere."""
    return ConnectionInfo(
        cid=1,
        remote=ip_address("192.0.2.7"),
        remote_port=4242,
        local=ip_address("127.0.0.1"),
        local_port=80,
        listener="local",
        shutdown=Shutdown(),
    )


GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


async def echo(request: Request, writer: ResponseWriter) -> None:
    """Says what it was asked; refuses bodies over 100 octets."""
    try:
        body = await request.body.read(100)
    except HTTPError as e:
        await writer.respond(Response.text(e.status, e.text))
        return
    await writer.respond(Response.text(200, f"{request.method} {request.path} {body.decode()}"))


@asynccontextmanager
async def serving(handler: Handler = echo, drain: Drain | None = None) -> AsyncIterator[trio.abc.Stream]:
    client, server = trio.testing.memory_stream_pair()
    facts = info()

    async def serve() -> None:
        async with server:
            await Connection(server, facts, handler=handler, drain=drain or Drain()).serve()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        async with client:
            yield client


async def everything(client: trio.abc.Stream) -> bytes:
    received = b""
    while data := await client.receive_some():
        received += data
    return received


async def talk(octets: bytes, handler: Handler = echo) -> bytes:
    """Send octets and the end of the stream; all that comes back."""
    async with serving(handler) as client:
        await client.send_all(octets)
        await client.send_eof()  # type: ignore[attr-defined]  # memory streams are stapled
        return await everything(client)


def statuses(answer: bytes | bytearray) -> list[int]:
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d+) ", answer)]


@pytest.mark.served
async def test_pipelined_requests_are_answered_in_order() -> None:
    """WEB-1."""
    answer = await talk(
        GET + b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + GET.replace(b"/a", b"/c")
    )
    assert statuses(answer) == [200, 200, 200]
    assert answer.index(b"GET /a") < answer.index(b"POST /b abc") < answer.index(b"GET /c")


@pytest.mark.served
async def test_pipelined_requests_leave_others_their_turns() -> None:
    """WEB-12: also while the socket takes each answer at once."""
    ours, theirs = trio.socket.socketpair()
    server, client = QuickStream(trio.SocketStream(ours)), trio.SocketStream(theirs)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async def serve() -> None:
        async with server:
            await Connection(server, info(), handler=echo, drain=Drain()).serve()

    async with client, trio.open_nursery() as nursery:
        await client.send_all(GET * 200)
        await client.send_eof()
        nursery.start_soon(serve)
        nursery.start_soon(other)
        assert statuses(await everything(client)) == [200] * 200
        assert turns >= 200
        nursery.cancel_scope.cancel()


@pytest.mark.served
async def test_a_client_of_http_1_0_is_answered_and_left() -> None:
    """WEB-1."""
    answer = await talk(b"GET / HTTP/1.0\r\n\r\n")
    assert statuses(answer) == [200]
    assert b"connection: close" in answer.lower()


@pytest.mark.served
async def test_a_response_to_head_has_the_length_but_no_body() -> None:
    """WEB-9."""
    answer = await talk(b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n" + GET)
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert b"content-length: 9" in head
    assert rest.startswith(b"HTTP/1.1 200")


@pytest.mark.served
@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: the unexpected\r\n\r\n", 417),
    ],
)
async def test_what_could_be_understood_in_two_ways_is_refused(octets: bytes, status: int) -> None:
    """WEB-5."""
    answer = await talk(octets + GET)
    assert statuses(answer) == [status]
    assert b"connection: close" in answer.lower()


@pytest.mark.served
async def test_the_authority_of_the_target_wins_over_the_host_field() -> None:
    """WEB-5."""
    hosts: list[str | None] = []

    async def note(request: Request, writer: ResponseWriter) -> None:
        hosts.append(request.host.name)
        await echo(request, writer)

    await talk(b"GET http://one.example/x HTTP/1.1\r\nHost: two.example\r\n\r\n", note)
    assert hosts == ["one.example"]


@pytest.mark.served
@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"GET /" + b"a" * 8200 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET /" + b"a" * 90_000, 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 70_000, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 70_000 + b"\r\n\r\n", 431),
    ],
)
async def test_heads_are_limited(octets: bytes, status: int) -> None:
    """WEB-4."""
    assert statuses(await talk(octets)) == [status]


@pytest.mark.served
async def test_a_body_that_is_announced_as_too_large_is_refused_unread() -> None:
    """WEB-4, WEB-20."""
    async with serving() as client:
        await client.send_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        answer = await client.receive_some()
    assert statuses(answer) == [413]
    assert b"connection: close" in answer


@pytest.mark.served
async def test_a_body_without_length_is_refused_once_it_is_too_large() -> None:
    """WEB-4."""
    chunk = b"40\r\n" + b"x" * 64 + b"\r\n"
    async with serving() as client:
        await client.send_all(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk)
        assert statuses(await client.receive_some()) == [413]


@pytest.mark.served
async def test_continue_is_only_said_when_the_body_is_wanted() -> None:
    """WEB-4: Expect: 100-continue."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    async with serving() as client:
        await client.send_all(head % 3)
        assert (await client.receive_some()).startswith(b"HTTP/1.1 100 ")
        await client.send_all(b"abc")
        assert b"POST / abc" in await client.receive_some()
    async with serving() as client:
        await client.send_all(head % 101)
        assert statuses(await client.receive_some()) == [413]


@pytest.mark.served
async def test_a_connection_goes_on_after_a_body_that_nobody_read() -> None:
    """WEB-1."""

    async def ignore(request: Request, writer: ResponseWriter) -> None:
        await writer.respond(Response.text(200, request.path))

    answer = await talk(b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000 + GET, ignore)
    assert statuses(answer) == [200, 200]


@pytest.mark.served
async def test_small_chunks_come_in_one_piece() -> None:
    """WEB-4: what has come is handed on at once, however it was cut."""
    pieces: list[int] = []

    async def count(request: Request, writer: ResponseWriter) -> None:
        while data := await request.body.receive(1 << 20):
            pieces.append(len(data))
        await writer.respond(Response.text(200, str(sum(pieces))))

    async with serving(count) as client:
        await client.send_all(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 4000 + b"0\r\n\r\n"
        )
        assert b"4000" in await client.receive_some()
    assert len(pieces) <= 8, "16 KiB are read at once"


@pytest.mark.served
async def test_a_body_of_tiny_chunks_is_refused_and_others_have_their_turn() -> None:
    """WEB-4: each chunk costs as much as many octets do."""
    turns = 0

    async def read(request: Request, writer: ResponseWriter) -> None:
        try:
            await request.body.read(25 << 20)
        except HTTPError as e:
            await writer.respond(Response.text(e.status, e.text))

    async def look_on() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with serving(read) as client, trio.open_nursery() as nursery:
        nursery.start_soon(look_on)
        await client.send_all(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 100_000
        )
        answer = await client.receive_some()
        nursery.cancel_scope.cancel()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"too small" in answer
    assert turns > 20


@pytest.mark.served
async def test_a_stream_is_sent_in_chunks_and_ended() -> None:
    """WEB-1."""

    async def count(request: Request, writer: ResponseWriter) -> None:
        await writer.start(200, (("content-type", "text/plain"),))
        for piece in (b"one", b"two"):
            await writer.write(piece)
        await writer.finish()

    answer = await talk(GET + GET, count)
    assert answer.count(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n") == 2


@pytest.mark.served
async def test_a_head_must_come_within_thirty_seconds(autojump_clock: MockClock) -> None:
    """WEB-3, WEB-130: slow clients."""
    async with serving() as client:
        for octet in GET[:-2]:
            await client.send_all(bytes([octet]))
            await trio.sleep(1.2)
        answer = await everything(client)
    assert statuses(answer) == [408]
    assert 30 <= trio.current_time() < 33


@pytest.mark.served
async def test_an_idle_connection_is_closed_after_65_seconds(autojump_clock: MockClock) -> None:
    """WEB-3."""
    async with serving() as client:
        await client.send_all(GET)
        assert statuses(await client.receive_some()) == [200]
        assert await everything(client) == b""
    assert 65 <= trio.current_time() < 66


@pytest.mark.served
async def test_a_body_that_stops_is_given_up(autojump_clock: MockClock) -> None:
    """WEB-3."""
    async with serving() as client:
        await client.send_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        answer = await everything(client)
    assert statuses(answer) == [408]
    assert 60 <= trio.current_time() < 62


@pytest.mark.served
async def test_a_client_that_takes_nothing_is_given_up(autojump_clock: MockClock) -> None:
    """WEB-3, WEBMAIL-45."""

    async def flood(request: Request, writer: ResponseWriter) -> None:
        await writer.start(200, ())
        while True:
            await writer.write(b"x" * 10_000)

    client, server = trio.testing.lockstep_stream_pair()
    facts = info()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Connection(server, facts, handler=flood, drain=Drain()).serve)
        await client.send_all(GET)
        await client.receive_some(10)
    assert 60 <= trio.current_time() < 62


@pytest.mark.served
async def test_a_drain_closes_idle_connections_at_once(autojump_clock: MockClock) -> None:
    """WEB-17."""
    drain = Drain()
    async with serving(drain=drain) as client:
        await client.send_all(GET)
        await client.receive_some()
        drain.begin()
        assert await everything(client) == b""
    assert trio.current_time() < 1


@pytest.mark.served
async def test_a_drain_lets_the_response_in_flight_finish_and_says_that_it_is_the_last() -> None:
    """WEB-17."""
    drain = Drain()

    async def stop(request: Request, writer: ResponseWriter) -> None:
        drain.begin()
        await echo(request, writer)

    async with serving(stop, drain) as client:
        await client.send_all(GET)
        answer = await everything(client)
    assert statuses(answer) == [200]
    assert b"connection: close" in answer


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 170), max_size=8), st.integers(0, 2))
def test_the_split_of_the_octets_changes_nothing(cuts: list[int], variant: int) -> None:
    """WEB-1, WEB-5: events are the same however the network cuts."""
    octets = [
        GET + b"POST /b?q HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + GET,
        b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n" + GET,
        b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
    ][variant]
    places = sorted({0, len(octets), *(cut for cut in cuts if cut < len(octets))})

    async def main(pieces: list[bytes]) -> bytes:
        async with serving() as client:
            for piece in pieces:
                await client.send_all(piece)
                await trio.testing.wait_all_tasks_blocked()
            await client.send_eof()  # type: ignore[attr-defined]
            return await everything(client)

    def bodies(answer: bytes) -> list[bytes]:
        return [line for line in answer.split(b"\r\n") if not line.startswith(b"date: ")]

    run: Callable[..., bytes] = trio.run
    whole = run(main, [octets])
    split = run(main, [octets[start:end] for start, end in pairwise(places)])
    assert bodies(split) == bodies(whole)


async def test_in_a_shortage_only_clients_end_that_take_nothing(autojump_clock: MockClock) -> None:
    """WEB-4a: a client that reads gets its answer however many do not; events end for events alone."""
    body = bytes(200_000)
    begin(16 << 20)  # a network has a mebibyte: three answers, each with a slice

    async def handler(request: Request, writer: ResponseWriter) -> None:
        if request.path == "/events":
            await writer.start(200, (("content-type", "text/event-stream"),))
            await writer.write(bytes(60_000))
        else:
            await writer.respond(Response(200, (), body))

    async with trio.open_nursery() as nursery:
        ended: list[str] = []

        async def serve(name: str, server: trio.abc.Stream) -> None:
            visit("192.0.2.7/32")
            async with server:
                await Connection(server, info(), handler=handler, drain=Drain()).serve()
            ended.append(name)

        async def opened(name: str, request: bytes = GET) -> trio.abc.Stream:
            client, server = trio.testing.lockstep_stream_pair()
            nursery.start_soon(serve, name, server)
            await client.send_all(request)
            await trio.testing.wait_all_tasks_blocked()
            return client

        tab = await opened("tab", GET.replace(b" /a ", b" /events "))
        await tab.receive_some(10_000)
        slow = await opened("slow")
        for number in range(4):
            await opened(str(number))
        assert not ended
        received = 0
        while received < len(body):  # a slice in two seconds: slower than any line, and never given up
            piece = await slow.receive_some(65_536)
            received += len(piece)
            await trio.sleep(2)
        assert "slow" not in ended
        assert "0" in ended
        assert "tab" not in ended
        nursery.cancel_scope.cancel()
    assert ledger().octets == 0


@pytest.mark.served
@pytest.mark.parametrize("size", [6_000, 12_000, 16_000, 200_000])
async def test_an_answer_ends_when_the_client_has_room_again(size: int) -> None:
    """WEB-3: TLS takes all of a short answer at once, also what the socket has no room for yet."""
    body = random.Random(size).randbytes(size)

    async def handler(request: Request, writer: ResponseWriter) -> None:
        await writer.respond(Response(200, (), body))

    server, client = await layered("tls")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Connection(server, info(), handler=handler, drain=Drain()).serve)
        for _ in range(5):
            await client.send_all(GET)
            await trio.testing.wait_all_tasks_blocked()  # the socket is full
            received = b""
            with trio.fail_after(60):
                while not received.endswith(body):
                    received += await client.receive_some()
        nursery.cancel_scope.cancel()
        await trio.aclose_forcefully(client)


async def test_a_client_of_a_thousand_octets_a_second_gets_its_answer(autojump_clock: MockClock) -> None:
    """WEB-3: the time for progress begins anew with what it takes."""
    body = bytes(200_000)

    async def handler(request: Request, writer: ResponseWriter) -> None:
        await writer.respond(Response(200, (), body))

    async with trio.open_nursery() as nursery:
        client, server = trio.testing.lockstep_stream_pair()
        nursery.start_soon(Connection(server, info(), handler=handler, drain=Drain()).serve)
        await client.send_all(GET)
        received = 0
        while received < len(body):
            with trio.fail_after(3600):
                piece = await client.receive_some(2_000)
            assert piece, f"given up after {received} octets"
            received += len(piece)
            await trio.sleep(2)
        nursery.cancel_scope.cancel()


async def test_a_file_that_has_begun_arrives_whole_and_more_are_refused(autojump_clock: MockClock) -> None:
    """WEB-4a: a network's clients that read nothing take its share, and many more wait. A download that has begun
    continues. A further one gets 429, and not the head of a file that breaks off.
    """
    begin(16 << 20)  # a network has a mebibyte: four pieces, each with a slice
    piece, pieces = bytes(180_000), 12

    async def handler(request: Request, writer: ResponseWriter) -> None:
        try:
            await writer.start(200, (("content-length", str(pieces * len(piece))),), first=len(piece))
        except HTTPError as error:
            await writer.respond(Response.text(error.status, error.text, error.headers))
            return
        for _ in range(pieces):
            await writer.write(piece)
        await writer.finish()

    async with trio.open_nursery() as nursery:

        async def serve(server: trio.abc.Stream) -> None:
            visit("192.0.2.7/32")
            async with server:
                await Connection(server, info(), handler=handler, drain=Drain()).serve()

        async def opened() -> trio.abc.Stream:
            client, server = trio.testing.lockstep_stream_pair()
            nursery.start_soon(serve, server)
            await client.send_all(GET)
            await trio.testing.wait_all_tasks_blocked()
            return client

        reader = await opened()
        received = len(await reader.receive_some(65_536))
        for _ in range(3 + MAX_WAITING):
            await opened()
        answer = bytes(await (await opened()).receive_some(65_536))
        assert answer.startswith(b"HTTP/1.1 429 ")
        assert b"retry-after" in answer
        while received < pieces * len(piece):
            more = await reader.receive_some(65_536)
            assert more, "it broke off"
            received += len(more)
        nursery.cancel_scope.cancel()
    assert ledger().octets == 0


async def test_strangers_hold_little_and_a_body_waits_for_its_turn(autojump_clock: MockClock) -> None:
    """WEB-4b: unfinished bodies of a network have a sixteenth of the total; one more waits, then gets 429, and another
    network's passes meanwhile. What has a few octets always does.
    """
    begin(16 << 20)
    answers: list[int] = []

    async def handler(request: Request, writer: ResponseWriter) -> None:
        try:
            await request.body.read(1 << 20)
        except HTTPError as error:
            await writer.respond(Response.text(error.status, error.text, error.headers))
            return
        await writer.respond(Response.text(200, "read"))

    async def post(network: str, octets: int, sent: int) -> None:
        client, server = trio.testing.memory_stream_pair()

        async def serve() -> None:
            visit(network)
            async with server:
                await Connection(server, info(), handler=handler, drain=Drain()).serve()

        async with trio.open_nursery() as inner:
            inner.start_soon(serve)
            head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % octets
            await client.send_all(head + bytes(sent))
            answer = bytes(await client.receive_some())
            answers.append(int(answer[9:12]))
            assert (answers[-1] == 429) == (b"retry-after" in answer)
            inner.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(post, "192.0.2.7/32", 500_000, 100_000)
        await trio.testing.wait_all_tasks_blocked()
        assert 900_000 < ledger().octets <= 1 << 20
        nursery.start_soon(post, "192.0.2.7/32", 500_000, 500_000)
        await post("198.51.100.1/32", 500_000, 500_000)
        await post("192.0.2.7/32", 300, 300)
        assert {*answers} == {200}
    # the two that sent no more ended for the one that had sent all
    assert sorted(answers) == [200, 200, 200, 408, 408]
    assert ledger().octets == 0
