"""Looking at our own proofs before a CA does (WEB-119)."""

from collections.abc import Callable
from functools import partial

import pytest
import trio

from moxlite.autotls.messages import Prove
from moxlite.autotls.rehearsal import ChallengePort, RehearsalResult, rehearse
from tests.tools import free_port

HERE = "127.0.0.1"


def nothing(_: Prove) -> None:
    """Show no proof."""


async def rehearsed(
    answer: Callable[[trio.SocketStream], object], kind: str, name: str = "mx.example.org"
) -> RehearsalResult:
    """What is seen of a program at a port of this machine."""
    async with trio.open_nursery() as nursery:
        serve = partial(trio.serve_tcp, answer, 0, host=HERE)  # type: ignore[arg-type]  # of any result
        [listener] = await nursery.start(serve)
        port = listener.socket.getsockname()[1]
        found = await rehearse("mx.example.org", (HERE,), (ChallengePort(kind, port),), nothing)  # type: ignore[arg-type]  # of two
        nursery.cancel_scope.cancel()
    return found


async def page(stream: trio.SocketStream) -> None:
    await stream.receive_some(4096)
    await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    await stream.send_eof()


async def flood(stream: trio.SocketStream) -> None:
    try:
        while True:
            await stream.send_all(b"x" * 65536)
    except trio.BrokenResourceError:
        pass


async def silence(stream: trio.SocketStream) -> None:
    await trio.sleep_forever()


@pytest.mark.parametrize("answer", [page, flood])
@pytest.mark.parametrize("kind", ["http-01", "tls-alpn-01"])
async def test_another_program_is_told(answer: Callable[[trio.SocketStream], object], kind: str) -> None:
    """WEB-119: whatever it says, and however much."""
    found = await rehearsed(answer, kind)
    assert list(found.wrong) == [kind]
    assert "another program is using port " in found.wrong[kind]  # type: ignore[index]  # of two
    assert found.well == frozenset()


async def test_silence_ends(autojump_clock: object) -> None:
    """WEB-119: a program that says nothing costs five seconds."""
    for kind in ("http-01", "tls-alpn-01"):
        began = trio.current_time()
        found = await rehearsed(silence, kind)
        assert trio.current_time() - began < 6
        assert "didn't respond within 5 s" in "".join(found.wrong.values())


async def test_addresses_of_others_are_left_alone() -> None:
    """WEB-119: behind NAT, the router's address says nothing; a port that is closed here is told, once for all ports of
    a kind.
    """
    closed = (ChallengePort("http-01", free_port()), ChallengePort("http-01", free_port()))
    assert await rehearse("mx.example.org", ("192.0.2.1", "2001:db8::1"), closed, nothing) == RehearsalResult(
        {}, frozenset()
    )
    found = await rehearse("mx.example.org", ("192.0.2.1", HERE), closed, nothing)
    assert found.wrong["http-01"].count("isn't responding") == 2
