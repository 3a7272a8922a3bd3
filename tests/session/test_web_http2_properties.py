"""HTTP/2 with random clients: no exception, no stuck stream, no task left (hypothesis)."""

import random

import pytest
import trio
import trio.testing
from h2.exceptions import ProtocolError
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from moxlite.ledger import ledger
from moxlite.net.limits import OpenConnections
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import Request, ResponseWriter
from moxlite.web.http.messages import Response
from tests.http2client import Client, fields
from tests.session.test_web_http2 import REMOTE, serving

pytestmark = pytest.mark.served

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without making a failing example smaller, which would take minutes."""

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ("get", "post", "data", "end", "trailers", "reset", "window", "ping", "settings", "priority", "wait")
        ),
        st.integers(0, 7),
        st.integers(0, 70_000),
    ),
    max_size=60,
)


async def mixed(request: Request, writer: ResponseWriter) -> None:
    """Reads some, all or nothing of the body; answers at once, in pieces or late. No informational answers: h2's client
    side cannot bear one on a stream that it has reset.
    """
    luck = random.Random(request.path)
    try:
        for _ in range(luck.choice((0, 1, 100))):
            if not await request.body.receive(1 << 20):
                break
    except HTTPError as e:
        await writer.respond(Response.text(e.status, e.text))
        return
    if luck.random() < 0.5:
        await writer.respond(Response(200, (), luck.randbytes(luck.choice((0, 10, 100_000)))))
        return
    await writer.start(200, ())
    for _ in range(luck.randint(0, 5)):
        await writer.write(luck.randbytes(luck.randint(0, 40_000)))
        await trio.lowlevel.checkpoint()
    await writer.finish((("x-after", "1"),) if luck.random() < 0.3 else ())


async def act(client: Client, numbers: list[int], writable: set[int], step: tuple[str, int, int]) -> None:
    """Do one step, if the rules of the protocol allow it: h2's client side does not survive a mistake of its user.
    `writable`: streams whose requests have not ended.
    """
    what, which, size = step
    number = numbers[which % len(numbers)] if numbers else 0
    match what:
        case "get" | "post":
            numbers.append(await client.begin_request(fields(what.upper(), f"/{size}"), ends=what == "get"))
            if what == "post":
                writable.add(numbers[-1])
            return
        case "window":
            client.h2.increment_flow_control_window(size + 1, number or None)
        case "ping":
            client.h2.ping(b"12345678")
        case "settings":
            client.h2.update_settings({4: 65_535 + size})  # h2's client side does not survive a window below what came
        case "wait":
            await trio.testing.wait_all_tasks_blocked()
        case _ if not number or client.answers[number].reset is not None:
            return
        case "data" | "end" | "trailers" if number not in writable:
            return
        case "data" | "end":
            octets = bytes(min(size, 16_000, client.h2.local_flow_control_window(number)))
            client.h2.send_data(number, octets, end_stream=what == "end", pad_length=which if octets[9:] else None)
            if what == "end":
                writable.discard(number)
        case "trailers":
            client.h2.send_headers(number, [("x-t", "1")], end_stream=True)
            writable.discard(number)
        case "reset":
            client.h2.reset_stream(number)
            writable.discard(number)
            client.answers[number].reset = 0
        case "priority":
            client.h2.prioritize(number, weight=1 + which)
    await client.flush()


@settings(max_examples=60, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, reads=st.booleans())
def test_honest_clients_in_random_order_get_all_answers(steps: list[tuple[str, int, int]], *, reads: bool) -> None:
    """WEB-2: whatever the order of requests, pieces, resets, windows and settings, each stream ends."""

    async def run() -> None:
        requests = OpenConnections((200, 500, 1000))
        async with serving(mixed, requests=requests) as client:
            client.reads = reads
            numbers: list[int] = []
            writable: set[int] = set()
            for step in steps:
                try:
                    await act(client, numbers, writable, step)
                except (ProtocolError, KeyError):
                    pass  # h2's client side does not let a client break the rules
            client.reads = True
            for number in writable:  # let all end: bodies, then windows
                if client.answers[number].reset is None:
                    client.h2.end_stream(number)
            with trio.fail_after(20):
                while not client.gone and not all(client.answers[one].over for one in numbers):
                    for window in (None, *numbers):
                        try:
                            client.h2.increment_flow_control_window(100_000, window)
                        except (ProtocolError, KeyError, ValueError):  # the stream has ended, the window is wide
                            pass
                    await client.flush()
                    await trio.testing.wait_all_tasks_blocked()
            assert not client.gone
            assert (await client.fetch("GET", "/1")).status == 200
        assert ledger().octets == 0
        assert requests.pressure(REMOTE) == 0

    trio.run(run)


@settings(max_examples=150, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(
    pieces=st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.builds(
                lambda kind, flags, number, body: (
                    len(body).to_bytes(3, "big") + bytes([kind, flags]) + number.to_bytes(4, "big") + body
                ),
                st.integers(0, 12),
                st.sampled_from((0, 1, 4, 5, 8, 0x20, 0x25, 0xFF)),
                st.integers(0, 9),
                st.one_of(
                    st.binary(max_size=20),
                    st.sampled_from((b"", b"\x82\x84\x87\x41\x01x", bytes(4), bytes(5), b"\x00\x04\x00\x00\x00\x01")),
                ),
            ),
        ),
        max_size=30,
    ),
    step=st.integers(1, 50),
)
def test_random_frames_end_the_connection_or_are_answered(pieces: list[bytes], step: int) -> None:
    """WEB-2: no octets raise anything but a refusal; the connection ends when the client leaves."""

    async def run() -> None:
        async with serving(mixed) as client:
            octets = b"".join(pieces)
            client.h2.receive_data = lambda octets: []  # type: ignore[assignment,method-assign]
            for start in range(0, len(octets), step):
                await client.octets(octets[start : start + step])
            await trio.testing.wait_all_tasks_blocked()
        with trio.fail_after(60):
            await trio.testing.wait_all_tasks_blocked()
        assert ledger().octets == 0

    trio.run(run)
