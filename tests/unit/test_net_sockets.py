"""Streams of clients over real sockets (IMAP-13, IMAP-19)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from moxlite.net.sockets import QuickStream

MEGABYTES = bytes(range(256)) * 16_384


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[QuickStream, trio.SocketStream]]:
    """Ours, and the client's."""
    ours, theirs = trio.socket.socketpair()
    async with QuickStream(trio.SocketStream(ours)) as stream, trio.SocketStream(theirs) as client:
        yield stream, client


async def test_streams_keep_what_streams_promise() -> None:
    """IMAP-13: Trio's own checks of a stream's behaviour, but that a send need not be a checkpoint."""
    async with pair() as (stream, client):
        await client.send_all(b"a NOOP")
        assert await stream.receive_some(1) == b"a"
        assert await stream.receive_some() == b" NOOP"
        await stream.send_all(b"* OK")
        await stream.send_all(b" more")
        await stream.wait_send_all_might_not_block()
        await stream.send_eof()
        assert await client.receive_some() == b"* OK more"
        assert await client.receive_some() == b""
        await client.aclose()
        assert await stream.receive_some() == b""


async def test_one_answer_is_sent_at_once_and_the_next_one_gives_others_a_turn() -> None:
    """IMAP-19: who sends again and again can't keep the loop from others."""
    async with pair() as (stream, client):
        await client.send_all(b"x")
        await stream.receive_some()
        with trio.CancelScope() as scope:
            scope.cancel()
            await stream.send_all(b"one")
        assert not scope.cancelled_caught
        with trio.CancelScope() as scope:
            scope.cancel()
            await stream.send_all(b"two")
        assert scope.cancelled_caught
        assert await client.receive_some() == b"one"


async def test_what_the_kernel_does_not_take_is_sent_when_it_does() -> None:
    """IMAP-19"""
    got = bytearray()
    async with pair() as (stream, client):
        await client.send_all(b"x")
        await stream.receive_some()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send_all, MEGABYTES)
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(trio.BusyResourceError):
                await stream.send_all(b"another task")
            while len(got) < len(MEGABYTES):
                got += await client.receive_some()
    assert got == MEGABYTES


async def test_ends_are_told_as_by_any_stream() -> None:
    """IMAP-13"""
    async with pair() as (stream, client):
        await client.send_all(b"x")
        await stream.receive_some()
        await client.aclose()
        with pytest.raises(trio.BrokenResourceError):
            await stream.send_all(b"nobody listens")
        await stream.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await stream.receive_some()
        with pytest.raises(trio.ClosedResourceError):
            await stream.send_all(b"closed")
    async with pair() as (stream, client), trio.open_nursery() as nursery:
        nursery.start_soon(_closed, stream)
        await trio.testing.wait_all_tasks_blocked()
        await stream.aclose()


async def test_closing_waits_for_no_turn() -> None:
    """IMAP-13: also when it is closed twice, or cancelled."""
    async with pair() as (stream, client):
        with trio.CancelScope() as scope:
            scope.cancel()
            await stream.aclose()
            await stream.aclose()
        assert not scope.cancelled_caught
        assert await client.receive_some() == b""


async def _closed(stream: QuickStream) -> None:
    with pytest.raises(trio.ClosedResourceError):
        await stream.receive_some()
