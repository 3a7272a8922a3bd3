"""Sending without waiting: nothing is lost, doubled or out of order when a socket's buffer is full."""

import random

import pytest
import trio

from moxlite.net.sockets import AT_ONCE, MUCH, Prompt, at_once, send_now, unsent
from tests.smallsockets import layered


async def read(stream: trio.abc.ReceiveStream, count: int) -> bytes:
    """So many octets."""
    data = bytearray()
    while len(data) < count:
        data += await stream.receive_some(65_536)
    return bytes(data)


@pytest.mark.parametrize("kind", ["plain", "tls", "deflate", "tls deflate"])
async def test_what_does_not_fit_is_sent_later_and_in_order(kind: str) -> None:
    """IMAP-9, IMAP-148: a client that takes nothing is noticed, and has lost nothing once it reads again."""
    rng = random.Random(5)
    server, client = await layered(kind)
    async with server, client:
        wanted = bytearray()
        for _ in range(20):
            full = False
            while not full:
                octets = rng.randbytes(rng.randrange(1, 3_000))
                taken = send_now(server, octets)
                wanted += octets[:taken]
                full = taken < len(octets) or unsent(server)
                assert taken in (0, len(octets)) or not isinstance(server, Prompt)
            assert not unsent(server) or send_now(server, b"x") == 0
            last = rng.randbytes(rng.randrange(2) * 1_000)
            got: list[bytes] = []

            async def take(count: int = len(wanted) + len(last), got: list[bytes] = got) -> None:
                got.append(await read(client, count))

            with trio.fail_after(60):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(take)
                    await server.send_all(last)
            assert not unsent(server)
            assert got == [bytes(wanted) + last]
            wanted.clear()


async def test_a_gone_client_is_noticed() -> None:
    """IMAP-19"""
    for kind in ("plain", "tls", "deflate"):
        server, client = await layered(kind)
        async with server:
            await trio.aclose_forcefully(client)
            with pytest.raises(trio.BrokenResourceError):  # noqa: PT012  # the first ones may still fit
                for _ in range(3):
                    send_now(server, b"x" * 100)
        with pytest.raises((trio.ClosedResourceError, trio.BrokenResourceError)):
            send_now(server, b"x")


async def test_large_pieces_are_not_compressed_at_once() -> None:
    """IMAP-172"""
    server, client = await layered("deflate")
    async with server, client:
        assert send_now(server, bytes(AT_ONCE + 1)) == 0


@pytest.mark.parametrize(("kind", "most"), [("plain", MUCH), ("tls", AT_ONCE), ("tls deflate", AT_ONCE)])
async def test_only_a_bare_socket_takes_much_at_once(kind: str, most: int) -> None:
    """IMAP-9: what has to be encrypted or compressed would hold the loop."""
    server, client = await layered(kind)
    async with server, client:
        assert at_once(server) == most
        octets = random.Random(6).randbytes(most)
        taken = send_now(server, octets)
        assert 0 < taken <= most
        got: list[bytes] = []

        async def take() -> None:
            got.append(await read(client, most))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(take)
            await server.send_all(octets[taken:])
        assert got == [octets]
