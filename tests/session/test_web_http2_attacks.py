"""Known attacks on HTTP/2 and what each gets (docs/webserver.md): over memory streams, frame by frame."""

from collections.abc import Callable, Iterable
from functools import partial

import pytest
import trio
import trio.testing
from h2.errors import ErrorCodes
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    ExtensionFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from trio.testing import MockClock

from moxlite.ledger import begin, ledger
from moxlite.web.http.exchange import WRITE_SIZE, Request, ResponseWriter
from moxlite.web.http.messages import Response
from moxlite.web.http2.stream import REQUEST
from tests.http2client import Client, fields
from tests.session.test_web_http2 import opened, serving

pytestmark = pytest.mark.served


def block(*more: tuple[str, str], method: str = "GET") -> bytes:
    return Encoder().encode(fields(method, "/a", *more))


def headers(number: int, *flags: str, data: bytes | None = None) -> HeadersFrame:
    return HeadersFrame(number, block() if data is None else data, flags=list(flags))


async def attack(frames: Iterable[Frame], *, at_once: int = 100) -> tuple[int, Client]:
    """Send frames until the connection ends; returns how many were sent."""
    sent = 0
    pending: list[Frame] = []
    async with serving() as client:
        for one in frames:
            pending.append(one)
            if len(pending) == at_once:
                await client.frame(*pending)
                sent += len(pending)
                pending.clear()
                await trio.testing.wait_all_tasks_blocked()
            if client.goodbye is not None:
                break
        await client.frame(*pending)
        await client.until(lambda: client.goodbye is not None)
        return sent, client


def ids(limit: int) -> Iterable[int]:
    return range(1, 2 * limit, 2)


async def test_rapid_reset() -> None:
    """WEB-2a, CVE-2023-44487: 200 resets in 10 s; requests that were reset count until their handlers have ended."""
    running = most = 0

    async def handler(request: Request, writer: ResponseWriter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            with trio.CancelScope(shield=True):
                await trio.sleep(0.01)
        finally:
            running -= 1

    async with serving(handler) as client:
        for number in ids(1000):
            await client.frame(headers(number, "END_HEADERS", "END_STREAM"), RstStreamFrame(number, error_code=8))
            if client.goodbye:
                break
        await client.until(lambda: client.goodbye is not None)
        assert client.goodbye is not None
        assert client.goodbye[1] == ErrorCodes.ENHANCE_YOUR_CALM
        assert client.goodbye[0] <= 401
    assert most <= 100


async def test_resets_that_the_server_is_made_to_send() -> None:
    """WEB-2a, CVE-2025-8671 (MadeYouReset): malformed requests, and windows over their bound, count like resets."""
    malformed = (headers(number, "END_HEADERS", "END_STREAM", data=block(("te", "x"))) for number in ids(1000))
    sent, client = await attack(malformed, at_once=10)
    assert client.goodbye is not None
    assert client.goodbye[1] == ErrorCodes.ENHANCE_YOUR_CALM
    assert sent <= 220

    def overflowing() -> Iterable[Frame]:
        for number in ids(1000):
            yield headers(number, "END_HEADERS")
            yield WindowUpdateFrame(number, window_increment=2**31 - 1)

    sent, client = await attack(overflowing(), at_once=10)
    assert client.goodbye is not None
    assert client.goodbye[1] in (ErrorCodes.ENHANCE_YOUR_CALM, ErrorCodes.FLOW_CONTROL_ERROR)
    assert sent <= 420


FLOODS: dict[str, tuple[Callable[[], Iterable[Frame]], int]] = {
    "ping (CVE-2019-9512)": (lambda: (PingFrame(0, opaque_data=b"12345678") for _ in range(500)), 200),
    "settings (CVE-2019-9515)": (lambda: (SettingsFrame(0, settings={4: 65535}) for _ in range(500)), 100),
    "settings, empty": (lambda: (SettingsFrame(0) for _ in range(500)), 100),
    "priority (CVE-2019-9513)": (
        lambda: (PriorityFrame(n * 2 + 1, depends_on=n * 2 + 3, stream_weight=n % 256) for n in range(5000)),
        1100,
    ),
    "window updates (CVE-2019-9511)": (
        lambda: (WindowUpdateFrame(0, window_increment=1) for _ in range(5000)),
        1100,
    ),
    "unknown frames": (lambda: (ExtensionFrame(0xFA, 0, body=b"x") for _ in range(1000)), 300),
    "continuation (CVE-2024-27316)": (
        lambda: (headers(1, data=b"") if n == 0 else ContinuationFrame(1, data=b"") for n in range(1000)),
        100,
    ),
    "continuation, full": (
        lambda: (headers(1, data=b"") if n == 0 else ContinuationFrame(1, data=bytes(16384)) for n in range(100)),
        100,
    ),
    "empty data (CVE-2019-9518)": (
        lambda: (headers(1, "END_HEADERS") if n == 0 else DataFrame(1) for n in range(10_000)),
        4200,
    ),
    "data of one octet": (
        lambda: (headers(1, "END_HEADERS") if n == 0 else DataFrame(1, b"x") for n in range(10_000)),
        4200,
    ),
    "padding alone": (
        lambda: (
            headers(1, "END_HEADERS") if n == 0 else DataFrame(1, b"", pad_length=9, flags=["PADDED"])
            for n in range(10_000)
        ),
        4200,
    ),
}


@pytest.mark.parametrize("name", FLOODS)
async def test_floods_end_the_connection(name: str) -> None:
    """WEB-2a, WEB-139: after a number that no client needs, GOAWAY with ENHANCE_YOUR_CALM."""
    make, most = FLOODS[name]
    sent, client = await attack(make())
    assert client.goodbye is not None
    assert client.goodbye[1] == ErrorCodes.ENHANCE_YOUR_CALM, name
    assert sent <= most


BROKEN: dict[str, tuple[list[Frame], bytes | None]] = {
    "window update of 0, connection": ([WindowUpdateFrame(0, window_increment=1)], b"\x00\x00\x00\x00"),
    "window over 2^31-1": ([WindowUpdateFrame(0, window_increment=2**31 - 1)], None),
    "priority loop (RFC 7540 §5.3.1)": ([PriorityFrame(3, depends_on=3, stream_weight=1)], None),
    "naked continuation": ([ContinuationFrame(1, data=b"")], None),
    "data on no stream": ([DataFrame(1, b"x")], None),
    "push promise": ([PushPromiseFrame(1, promised_stream_id=2, data=b"", flags=["END_HEADERS"])], None),
    "even stream": ([headers(2, "END_HEADERS", "END_STREAM")], None),
    "frame within a header list": ([headers(1), PingFrame(0, opaque_data=b"12345678")], None),
    "bad compression": ([headers(1, "END_HEADERS", data=b"\xff\xff\xff\xff\xff\xff\xff\xff")], None),
    "hpack bomb (CVE-2016-6581)": (
        [headers(1, "END_HEADERS", data=block(("x", "a" * 3900)) + b"\xbe" * 100)],
        None,
    ),
    "settings on a stream": ([], b"\x00\x00\x00\x04\x00\x00\x00\x00\x01"),
    "frame too large": ([], b"\x01\x00\x00\x00\x00\x00\x00\x00\x01"),
    "ping of 7 octets": ([], b"\x00\x00\x07\x06\x00\x00\x00\x00\x001234567"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_broken_frames_end_the_connection(name: str) -> None:
    """WEB-2a: a violation of RFC 9113 that concerns the connection ends it, with GOAWAY."""
    frames, octets = BROKEN[name]
    async with serving() as client:
        if name.startswith("window update of 0"):
            await client.octets(b"\x00\x00\x04\x08\x00\x00\x00\x00\x00" + bytes(4))
        else:
            await client.octets(b"".join(one.serialize() for one in frames) + (octets or b""))
        await client.until(lambda: client.goodbye is not None)
        assert client.goodbye is not None
        assert client.goodbye[1] != ErrorCodes.NO_ERROR


async def test_a_window_update_of_0_on_a_stream() -> None:
    """WEB-2a: RFC 9113 §6.9 lets it end the stream or the connection; it must not do nothing."""
    async with serving() as client:
        number = await client.begin_request(fields("POST"), ends=False)
        await client.octets(b"\x00\x00\x04\x08\x00" + number.to_bytes(4, "big") + bytes(4))
        await client.until(lambda: client.goodbye is not None or client.answers[number].over)


async def test_other_protocols_and_http_1_on_an_http_2_connection() -> None:
    """WEB-2a: what does not begin with the preface is refused at once."""
    async with opened() as stream:
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b""
        while octets := await stream.receive_some():
            received += octets
        assert b"HTTP/1" not in received


async def test_a_compression_table_of_4_gib_is_not_kept() -> None:
    """WEB-2a, CVE-2016-1544: our encoder's table stays at 4 KiB whatever the client offers."""

    async def handler(request: Request, writer: ResponseWriter) -> None:
        await writer.respond(Response(200, (("x-path", request.path * 50),)))

    async with serving(handler) as client:
        client.h2.update_settings({1: 2**32 - 1})
        await client.flush()
        for n in range(150):
            assert (await client.fetch("GET", f"/{n:08}")).status == 200
        assert client.h2.decoder.header_table.maxsize <= 4096
        assert client.h2.decoder.header_table._current_size <= 4096


async def test_slow_readers_hold_one_slice_each(autojump_clock: MockClock) -> None:
    """WEB-2a, WEB-138, CVE-2019-9517: answers to a client with a closed window wait without copies, for 60 s."""
    body = bytes(1 << 20)

    async def handler(request: Request, writer: ResponseWriter) -> None:
        await writer.respond(Response(200, (), body))

    async with serving(handler) as client:
        client.reads = False
        client.h2.update_settings({4: 0})
        await client.flush()
        numbers = [await client.begin_request(fields()) for _ in range(90)]
        began = trio.current_time()
        await client.until(lambda: all(client.answers[one].over for one in numbers), 100)
        assert trio.current_time() == pytest.approx(began + 60, abs=5)
        assert {client.answers[one].reset for one in numbers} == {ErrorCodes.CANCEL}
        assert client.goodbye is None


def has_head(client: Client, number: int) -> bool:
    return bool(client.answers[number].headers)


async def test_in_a_shortage_those_end_that_take_nothing(autojump_clock: MockClock) -> None:
    """WEB-4a: streams of a client that reads nothing end for others, which wait until then; nothing else of it ends."""
    body = bytes(1 << 20)

    async def handler(request: Request, writer: ResponseWriter) -> None:
        await writer.respond(Response(200, (), body))

    begin(10 << 20)
    async with serving(handler) as client:
        client.reads = False
        client.h2.update_settings({4: 0})
        await client.flush()
        numbers = []
        for _ in range(9):  # one after the other: tasks that can begin at once begin in any order
            numbers.append(number := await client.begin_request(fields()))
            await client.until(partial(has_head, client, number))
        more = [await client.begin_request(fields()) for _ in range(3)]
        await client.until(lambda: all(has_head(client, one) for one in more), 20)
        assert {client.answers[one].reset for one in numbers[:3]} == {ErrorCodes.CANCEL}
        assert not any(client.answers[one].over for one in (*numbers[5:], *more))
        assert (8 << 20) < ledger().octets <= (10 << 20)
        client.reads = True
        client.h2.update_settings({4: 1 << 20})
        client.h2.increment_flow_control_window(20 << 20)
        await client.flush()
        for one in (*numbers[5:], *more):
            assert bytes((await client.answer(one)).body) == body
    assert ledger().octets == 0


async def test_shared_octets_cost_no_request_anything_and_requests_still_count() -> None:
    """WEB-4a."""
    body = bytes(1 << 20)

    async def handler(request: Request, writer: ResponseWriter) -> None:
        await writer.respond(Response(200, (), body, shared=True))

    async with serving(handler) as client:
        client.reads = False
        client.h2.update_settings({4: 0})
        await client.flush()
        for _ in range(90):
            await client.begin_request(fields())
        await client.until(lambda: all(one.headers for one in client.answers.values()))
        assert ledger().octets == 89 * REQUEST + 90 * WRITE_SIZE
    assert ledger().octets == 0
