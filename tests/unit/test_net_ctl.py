"""The control socket: requests, streams under credit, refusals, hostile peers."""

import contextlib
import json
import os
import stat
import struct
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
import trio
import trio.testing

from moxlite import __version__
from moxlite.lazyimport import Lazy
from moxlite.net.control import server
from moxlite.net.control.client import CtlClient, CtlFailed, NotRunning, VersionMismatch, connect_ctl
from moxlite.net.control.protocol import (
    CHUNK,
    WINDOW,
    CtlProtocolError,
    LineReader,
    LineWriter,
    Message,
    StreamBroken,
    StreamReceiver,
)
from moxlite.net.control.server import Command, CommandFailed, Exchange, listen_ctl, serve_ctl
from moxlite.supervision import open_supervisor
from moxlite.wording import worded

pytestmark = pytest.mark.served


class AddArgs(msgspec.Struct, forbid_unknown_fields=True):
    a: int
    b: int = 0


class NoArgs(msgspec.Struct, forbid_unknown_fields=True):
    pass


async def add(args: AddArgs, exchange: Exchange) -> int:
    if args.a < 0:
        raise CommandFailed("negative", "must not be negative")
    return args.a + args.b


async def crash(args: NoArgs, exchange: Exchange) -> None:
    raise RuntimeError("bug")


async def reverse(args: NoArgs, exchange: Exchange) -> int:
    """Sends back each chunk turned round, telling how many so far."""
    count = 0
    async for chunk in exchange.upload:
        count += 1
        await exchange.progress({"chunks": count})
        await exchange.download.send(chunk[::-1])
    await exchange.download.end()
    return count


async def partly(args: NoArgs, exchange: Exchange) -> None:
    for number in range(2 * WINDOW):
        await exchange.download.send(bytes([number]))
    await exchange.download.end()
    raise CommandFailed("failed", "one is missing")


async def much(args: NoArgs, exchange: Exchange) -> list[str]:
    return ["x" * 1000] * 5000


async def reasons(args: AddArgs, exchange: Exchange) -> list[str]:
    """A reason with values: as progress and answer, or as the failure."""
    reason = worded("{host} is closed", host="mx.example")
    if args.a:
        raise CommandFailed("failed", reason)
    await exchange.progress(reason)
    return [reason]


class Limited(msgspec.Struct):
    days: Annotated[int, msgspec.Meta(le=7)] = 1
    short_name: Annotated[str, msgspec.Meta(max_length=3)] = ""


async def limited(args: Limited, exchange: Exchange) -> None:
    raise CommandFailed("badRequest", "isn't an account on this server", "guest_name")


cancelled = trio.Event()


async def forever(args: NoArgs, exchange: Exchange) -> None:
    try:
        await exchange.progress("running")
        await trio.sleep_forever()
    finally:
        cancelled.set()


COMMANDS = {
    "add": Command(AddArgs, add),
    "crash": Command(NoArgs, crash),
    "reverse": Command(NoArgs, reverse),
    "partly": Command(NoArgs, partly),
    "much": Command(NoArgs, much),
    "forever": Command(NoArgs, forever),
    "reasons": Command(AddArgs, reasons),
    "limited": Command(Limited, limited),
}


@contextlib.asynccontextmanager
async def serving(tmp_path: Path, allowed_uids: frozenset[int] | None = None) -> AsyncIterator[Path]:
    path = tmp_path / "ctl"
    async with open_supervisor("test") as tree:
        commands = Lazy(lambda: COMMANDS).get
        await tree.start_ready("ctl.accept", partial(serve_ctl, path, commands, tree, allowed_uids=allowed_uids))
        yield path


@contextlib.asynccontextmanager
async def client(tmp_path: Path) -> AsyncIterator[CtlClient]:
    async with serving(tmp_path) as path, connect_ctl(path) as connected:
        yield connected


async def test_request_is_answered(tmp_path: Path) -> None:
    """ADMIN-22: arguments and results are typed; requests follow each other on one connection."""
    async with client(tmp_path) as ctl:
        assert await ctl.call("add", {"a": 2, "b": 3}, int) == 5
        assert await ctl.call("add", AddArgs(7), int) == 7
        assert ctl.version == __version__


async def test_reasons_with_values_arrive_as_texts(tmp_path: Path) -> None:
    """ADMIN-22, MOVE-9: in progress, answers and failures."""
    told: list[object] = []
    async with client(tmp_path) as ctl:
        found = await ctl.call("reasons", {"a": 0}, list[str], progress=lambda raw: told.append(json.loads(bytes(raw))))
        assert [*told, *found] == ["mx.example is closed"] * 2
        with pytest.raises(CtlFailed, match=r"mx\.example is closed"):
            await ctl.call("reasons", {"a": 1}, list[str])


@pytest.mark.parametrize(
    ("command", "args", "code"),
    [
        ("nosuch", {}, "unknownCommand"),
        ("add", {"a": "x"}, "badRequest"),
        ("add", {"a": 1, "c": 2}, "badRequest"),
        ("add", {}, "badRequest"),
        ("add", {"a": -1}, "negative"),
        ("crash", {}, "serverError"),
    ],
)
async def test_refusals_have_a_code_and_leave_the_connection_usable(
    tmp_path: Path, command: str, args: dict[str, object], code: str
) -> None:
    """ADMIN-24: unknown commands and arguments, refusals of the command itself, a crash."""
    async with client(tmp_path) as ctl:
        with pytest.raises(CtlFailed) as caught:
            await ctl.call(command, args, int)
        assert caught.value.code == code
        assert await ctl.call("add", {"a": 1}, int) == 1


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ({"days": 30}, "days must be at most 7"),
        ({"short_name": "x" * 4}, "short name must be at most 3 characters long"),
        ({"days": 2}, "guest name isn't an account on this server"),
    ],
)
async def test_what_is_wrong_with_an_argument_is_a_sentence(tmp_path: Path, args: dict[str, object], text: str) -> None:
    """ADMIN-18: with its subject, and without the words of a library."""
    async with client(tmp_path) as ctl:
        with pytest.raises(CtlFailed) as caught:
            await ctl.call("limited", args, type(None))
        assert str(caught.value) == text


async def test_streams_flow_both_ways_far_beyond_the_window(tmp_path: Path) -> None:
    """ADMIN-23: credit is given after consuming, so nothing deadlocks and nothing piles up."""
    chunks = 5 * WINDOW
    got = bytearray()
    seen: list[int] = []

    async def upload() -> AsyncIterator[bytes]:
        for n in range(chunks):
            yield bytes([n]) + b"x" * (CHUNK - 1)

    async def download(chunk: bytes) -> None:
        got.extend(chunk)

    async with client(tmp_path) as ctl:
        count = await ctl.call(
            "reverse",
            {},
            int,
            upload=upload(),
            download=download,
            progress=lambda raw: seen.append(json.loads(bytes(raw))["chunks"]),
        )
    assert count == chunks
    assert [got[(n + 1) * CHUNK - 1] for n in range(chunks)] == list(range(chunks))
    assert seen == list(range(1, chunks + 1))


async def test_an_answer_may_be_longer_than_a_request(tmp_path: Path) -> None:
    """ADMIN-22: such as a list of thousands of addresses, or of messages with what hosts have said."""
    async with client(tmp_path) as ctl:
        assert sum(map(len, await ctl.call("much", {}, list[str]))) == 5_000_000
        with pytest.raises(NotRunning, match="broke"):
            await ctl.call("add", {"a": 1, "c": "x" * (2 << 20)}, int)


async def test_a_stream_that_has_ended_is_read_before_a_refusal(tmp_path: Path) -> None:
    """ADMIN-23: such as a file from which the command had to leave something out."""
    chunks: list[bytes] = []

    async def download(chunk: bytes) -> None:
        await trio.testing.wait_all_tasks_blocked(0.01)
        chunks.append(chunk)

    async with client(tmp_path) as ctl:
        with pytest.raises(CtlFailed, match="one is missing"):
            await ctl.call("partly", {}, type(None), download=download)
    assert b"".join(chunks) == bytes(range(2 * WINDOW))


async def test_client_that_goes_away_cancels_its_requests(tmp_path: Path) -> None:
    """ADMIN-23, ADMIN-64: closing is cancelling."""
    global cancelled
    cancelled = trio.Event()
    async with serving(tmp_path) as path:
        async with connect_ctl(path) as ctl:
            begun = trio.Event()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(lambda: ctl.call("forever", {}, int, progress=lambda _: begun.set()))
                await begun.wait()
                nursery.cancel_scope.cancel()
        with trio.fail_after(60):
            await cancelled.wait()
        async with connect_ctl(path) as ctl:
            assert await ctl.call("add", {"a": 1}, int) == 1


async def test_request_can_be_cancelled_by_a_line(tmp_path: Path) -> None:
    """ADMIN-23: the answer is then `canceled`; other requests of the connection run at the same time."""
    async with serving(tmp_path) as path:
        stream = await trio.open_unix_socket(path)
        reader, writer = LineReader(stream), LineWriter(stream)
        await reader.line()
        await writer.send(Message(1, cmd="forever"))
        await writer.send(Message(2, cmd="add", args=msgspec.Raw(b'{"a":4}')))
        answers: dict[int, Message] = {}
        while len(answers) < 1:
            message = await reader.message()
            assert message is not None
            if message.ok is not None:
                answers[message.id] = message
        await writer.send(Message(1, cancel=True))
        message = await reader.message()
        assert message is not None
        assert answers[2].ok
        assert (message.id, message.ok, message.code) == (1, False, "canceled")


@pytest.mark.parametrize(
    "octets",
    [
        b"garbage\n",
        b"\xff\xfe\n",
        b'{"id":"x"}\n',
        b"[]\n",
        b'{"id":1,"cmd":"forever"}\n{"id":1,"cmd":"forever"}\n',
        b'{"id":1,"cmd":"forever"}\n{"id":1}\n',
        b'{"id":1,"cmd":"forever"}\n{"id":1,"ack":5}\n',
        b'{"id":1,"cmd":"forever"}\n{"id":1,"stream":"data","b64":"***"}\n',
        b'{"id":1,"cmd":"forever"}\n' + b'{"id":1,"stream":"data","b64":"eHh4"}\n' * (WINDOW + 2),
        b"x" * (2 << 20),
    ],
    ids=["text", "octets", "types", "array", "id twice", "empty", "ack", "base64", "credit", "long line"],
)
async def test_hostile_lines_end_that_connection_only(tmp_path: Path, octets: bytes) -> None:
    """ADMIN-64: the server is unaffected."""
    async with serving(tmp_path) as path:
        stream = await trio.open_unix_socket(path)
        with contextlib.suppress(trio.BrokenResourceError):
            await stream.send_all(octets)
        with contextlib.suppress(trio.BrokenResourceError), trio.fail_after(60):
            while await stream.receive_some():
                pass
        async with connect_ctl(path) as ctl:
            assert await ctl.call("add", {"a": 1}, int) == 1


async def test_connections_beyond_the_limit_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-64: 64, here 2."""
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 2)
    async with serving(tmp_path) as path, connect_ctl(path), connect_ctl(path) as second:
        with pytest.raises(NotRunning):
            async with connect_ctl(path):
                pass
        assert await second.call("add", {"a": 1}, int) == 1


async def test_other_users_are_refused(tmp_path: Path) -> None:
    """ADMIN-22: by the kernel's word on who is at the other end."""
    async with serving(tmp_path, allowed_uids=frozenset({os.geteuid() + 1})) as path:
        with pytest.raises(NotRunning):
            async with connect_ctl(path):
                pass


@pytest.mark.parametrize(
    ("platform", "asked", "answer"),
    [
        ("darwin", (0, 1, 76), struct.pack("IIh16I", 0, 501, 2, 20, *[0] * 15)),
        ("freebsd14", (0, 1, 76), struct.pack("IIh16I", 0, 501, 1, 20, *[0] * 15)),
        ("netbsd10", (0, 3, 12), struct.pack("3i", 4711, 501, 20)),
        ("openbsd7", (0xFFFF, 0x1022, 12), struct.pack("3i", 501, 20, 4711)),
    ],
)
def test_the_user_at_the_other_end_is_known_on_each_unix(
    monkeypatch: pytest.MonkeyPatch, platform: str, asked: tuple[int, int, int], answer: bytes
) -> None:
    """ADMIN-22: each system has its own question and layout; an answer that is cut is none."""

    class Stream:
        def getsockopt(self, *args: int) -> bytes:
            assert args == asked
            return answer

    monkeypatch.setattr(server.sys, "platform", platform)  # type: ignore[attr-defined] # the module that it uses
    assert server._peer_uid(Stream()) == 501  # type: ignore[arg-type] # all of it that is asked
    answer = answer[:-1]
    assert server._peer_uid(Stream()) is None  # type: ignore[arg-type]
    monkeypatch.setattr(server.sys, "platform", "sunos5")  # type: ignore[attr-defined]
    assert server._peer_uid(Stream()) is None  # type: ignore[arg-type]


async def test_socket_is_private_and_replaces_a_stale_one(tmp_path: Path) -> None:
    """ADMIN-22, ADMIN-24: mode 0660."""
    (tmp_path / "ctl").touch()
    async with serving(tmp_path) as path:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert stat.S_ISSOCK(path.stat().st_mode)


async def test_a_folder_of_any_length_has_a_socket(tmp_path: Path) -> None:
    """ADMIN-22: a socket's address has 108 octets (unix(7)); data may be in a folder whose path is longer."""
    folder = tmp_path.joinpath(*["data" * 20] * 3)
    folder.mkdir(parents=True)
    async with serving(folder) as path, connect_ctl(path) as connection:
        assert connection is not None
    assert path.exists()


async def test_absent_server_and_other_version_are_told_apart(tmp_path: Path) -> None:
    """ADMIN-24: exit codes 3 and 4 hang on it."""
    path = tmp_path / "ctl"
    with pytest.raises(NotRunning, match="the server isn't running"):
        async with connect_ctl(path):
            pass
    listener = listen_ctl(path)

    async def serve() -> None:
        stream = await listener.accept()
        await stream.send_all(b'{"ctl":1,"version":"99.0"}\n')
        await stream.receive_some()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        with pytest.raises(VersionMismatch, match=r"99\.0"):
            async with connect_ctl(path):
                pass
    await listener.aclose()


async def test_a_server_that_ends_during_an_upload_is_told_as_that(tmp_path: Path) -> None:
    """ADMIN-18, ADMIN-23: whichever of reading and writing meets the end first."""
    listener = listen_ctl(tmp_path / "ctl")

    async def serve() -> None:
        stream = await listener.accept()
        await stream.send_all(b'{"ctl":1,"version":"%s"}\n' % __version__.encode())
        await stream.receive_some()
        await stream.aclose()

    async def octets() -> AsyncIterator[bytes]:
        await trio.sleep(0.05)  # real time: until the other end is closed
        while True:
            yield b"x"

    async with listener, trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        async with connect_ctl(tmp_path / "ctl") as ctl:
            ctl._reader._stream = trio.testing.memory_stream_pair()[0]  # never reads the end
            with pytest.raises(NotRunning, match="broke"):
                await ctl.call("add", {}, int, upload=octets())


async def test_nothing_follows_a_line_that_was_cut_off() -> None:
    """ADMIN-23, ADMIN-64: a request that is cancelled while it writes; what it has not begun to write does no harm."""
    ours, theirs = trio.testing.memory_stream_pair()
    writer = LineWriter(ours)
    with trio.CancelScope() as scope:
        scope.cancel()
        await writer.send(Message(1, cancel=True))
    await writer.send(Message(2, cancel=True))
    assert (await theirs.receive_some()).startswith(b'{"id":2,')
    blocked = trio.Event()

    async def block() -> None:
        blocked.set()
        await trio.sleep_forever()

    ours.send_stream.send_all_hook = block
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.send, Message(3, cancel=True))
        await blocked.wait()
        nursery.cancel_scope.cancel()
    with pytest.raises(trio.BrokenResourceError, match="incomplete"):
        await writer.send(Message(4, cancel=True))


async def test_broken_off_stream_is_an_error_for_the_reader() -> None:
    """ADMIN-23: half a file is never taken for a whole one."""
    one, _ = trio.testing.memory_stream_pair()
    receiver = StreamReceiver(LineWriter(one), 1)
    receiver.arrived(Message(1, stream="data", b64="eHh4"))
    receiver.arrived(Message(1, stream="error", error="disk full"))
    assert await anext(receiver) == b"xxx"
    with pytest.raises(StreamBroken, match="disk full"):
        await anext(receiver)
    with pytest.raises(CtlProtocolError):
        receiver.arrived(Message(1, stream="nonsense"))
