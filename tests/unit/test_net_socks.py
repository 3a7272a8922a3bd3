"""The SOCKS5 client against proxies that answer well, badly, or not at all."""

import contextlib
from ipaddress import ip_address

import pytest
import trio
import trio.testing
from hypothesis import given, strategies as st

from moxlite.net.dial import SocksError, connect_through_socks

V4, V6 = ip_address("192.0.2.1"), ip_address("2001:db8::1")
OK4 = b"\x05\x00" + b"\x05\x00\x00\x01" + bytes(6)


async def connect(answer: bytes, ip: object = V4) -> tuple[bytes, bytes]:
    """What the proxy heard, and what of `answer` is left in the stream."""
    client, proxy = trio.testing.memory_stream_pair()
    await proxy.send_all(answer)
    await proxy.send_eof()
    await connect_through_socks(client, ip, 25)  # type: ignore[arg-type]  # either family
    await client.send_eof()
    heard = b"".join([bytes(piece) async for piece in proxy])
    return heard, b"".join([bytes(piece) async for piece in client])


@pytest.mark.parametrize(
    ("ip", "answer"),
    [
        (V4, OK4),
        (V6, b"\x05\x00" + b"\x05\x00\x00\x04" + bytes(18)),
        (V4, b"\x05\x00" + b"\x05\x00\x00\x03\x04host" + bytes(2)),
    ],
)
async def test_connection_is_asked_for_by_address_and_the_greeting_stays(ip: object, answer: bytes) -> None:
    """QUEUE-32: RFC 1928 §3, §4, §6."""
    heard, rest = await connect(answer + b"220 hi\r\n", ip)
    packed = b"\x01\xc0\x00\x02\x01" if ip == V4 else b"\x04" + V6.packed
    assert heard == b"\x05\x01\x00" + b"\x05\x01\x00" + packed + b"\x00\x19"
    assert rest == b"220 hi\r\n"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"HT", "not a SOCKS5 proxy"),
        (b"\x05\xff", "requires authentication"),
        (b"\x05\x00\x05\x05\x00\x01", "connection refused"),
        (b"\x05\x00\x05\x63\x00\x01", "failure 99"),
        (b"\x05\x00\x04\x00\x00\x01", "invalid response from proxy"),
        (b"\x05\x00\x05\x00\x00\x09", "invalid response from proxy"),
        (b"\x05\x00\x05\x00", "closed"),
        (b"", "closed"),
    ],
)
async def test_what_a_proxy_does_wrong_is_named(answer: bytes, problem: str) -> None:
    """QUEUE-32: a temporary failure that says what to look at."""
    with pytest.raises(SocksError, match=problem):
        await connect(answer)


@given(st.binary(max_size=40))
def test_no_answer_crashes_the_client(answer: bytes) -> None:
    """QUEUE-32: only SocksError comes out."""

    async def run() -> None:
        for start in (b"", b"\x05\x00"):
            with contextlib.suppress(SocksError):
                await connect(start + answer)

    trio.run(run)
