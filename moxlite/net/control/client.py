"""The command line's end of the control socket (ADMIN-22..24); the protocol is in `protocol`."""

import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import trio

from moxlite import __version__
from moxlite.encoding import from_json, to_json
from moxlite.net.control.protocol import (
    MAX_ANSWER,
    VERSION,
    CtlProtocolError,
    Greeting,
    LineReader,
    LineWriter,
    Message,
    StreamReceiver,
    StreamSender,
)
from moxlite.net.control.tcp import TokenRejected, open_ctl
from moxlite.wording import causes

T = TypeVar("T")

CONNECT_SECONDS: Final = 30.0
"""Seconds for connecting to a server on the same machine, its greeting included."""


class NotRunning(Exception):
    """No server answers at the control socket (exit code 3)."""


class VersionMismatch(Exception):
    """The running server is of another major version (exit code 4)."""


class CtlFailed(Exception):
    """The server refused or failed: ``code`` for programs, the text for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@contextlib.asynccontextmanager
async def connect_ctl(path: Path) -> AsyncIterator["CtlClient"]:
    """Connect to the running server. Raises NotRunning or VersionMismatch."""
    try:
        with trio.fail_after(CONNECT_SECONDS):
            stream = await open_ctl(path)
            try:
                greeting = await _greeting(LineReader(stream))
            except BaseException:
                await trio.aclose_forcefully(stream)
                raise
    except (FileNotFoundError, ConnectionRefusedError) as exc:
        raise NotRunning(
            f"the server isn't running (no response at {path}); to start it, run `systemctl start moxlite`"
        ) from exc
    except PermissionError as exc:
        raise NotRunning(f"permission denied for {path}; run this as root or as the server's user") from exc
    except (trio.TooSlowError, CtlProtocolError, trio.BrokenResourceError, TokenRejected) as exc:
        raise NotRunning(f"unexpected response from {path}: {str(exc) or 'timeout'}") from exc
    async with stream:
        if greeting.ctl != VERSION or _major(greeting.version) != _major(__version__):
            raise VersionMismatch(
                f"version mismatch: the running server is {greeting.version}, but this program is {__version__}"
            )
        yield CtlClient(stream, greeting.version)


async def _greeting(reader: LineReader) -> Greeting:
    line = await reader.line()
    if line is None:
        raise CtlProtocolError("the server closed the connection")
    try:
        return from_json(line, Greeting)
    except msgspec.DecodeError as exc:
        raise CtlProtocolError(f"bad greeting: {exc}") from exc


def _major(version: str) -> str:
    return version.partition(".")[0]


class CtlClient:
    """One connection, one request at a time."""

    def __init__(self, stream: trio.abc.Stream, version: str) -> None:
        self.version = version
        self._reader = LineReader(stream, MAX_ANSWER)
        self._writer = LineWriter(stream)
        self._number = 0

    async def call(
        self,
        command: str,
        args: object,
        result: type[T],
        *,
        upload: AsyncIterable[bytes] | None = None,
        download: Callable[[bytes], Awaitable[None]] | None = None,
        progress: Callable[[msgspec.Raw], None] | None = None,
    ) -> T:
        """Run a command of the server.

        Args:
          command: its name.
          args: a struct or mapping.
          result: the type to decode the answer into.
          upload: octets to send along.
          download: takes each chunk of octets that the server sends.
          progress: takes each progress message, as JSON.

        Raises CtlFailed, and NotRunning when the connection ends before the answer.
        """
        self._number += 1
        message = Message(self._number, cmd=command, args=msgspec.Raw(to_json(args)))
        try:
            await self._writer.send(message)
            answer = await _Call(self._reader, self._writer, self._number, progress).run(upload, download)
        except (CtlProtocolError, trio.BrokenResourceError) as exc:
            raise NotRunning(f"lost connection to the server: {exc}") from exc
        if not answer.ok:
            raise CtlFailed(answer.code or "failed", answer.error or "failed")
        return from_json(answer.result, result)


class _Call:
    """A request until its answer. The first failure of its tasks ends the others and is raised by itself."""

    def __init__(
        self, reader: LineReader, writer: LineWriter, number: int, progress: Callable[[msgspec.Raw], None] | None
    ) -> None:
        self.reader = reader
        self.number = number
        self.progress = progress
        self.sender = StreamSender(writer, number)
        self.receiver = StreamReceiver(writer, number)
        self.answer: Message | None = None
        self.downloaded = trio.Event()

    async def run(
        self, upload: AsyncIterable[bytes] | None, download: Callable[[bytes], Awaitable[None]] | None
    ) -> Message:
        try:
            async with trio.open_nursery() as nursery:
                if upload is not None:
                    nursery.start_soon(self.send, upload)
                if download is not None:
                    nursery.start_soon(self.receive, download)
                await self.read_answer()
                if download is not None and self.answer is not None and (self.answer.ok or self.receiver.ended):
                    await self.downloaded.wait()
                nursery.cancel_scope.cancel()
        except ExceptionGroup as group:
            raise causes(group)[0] from None  # the first one to fail has cancelled the others
        assert self.answer is not None
        return self.answer

    async def send(self, upload: AsyncIterable[bytes]) -> None:
        try:
            async for chunk in upload:
                await self.sender.send(chunk)
        except OSError as exc:
            await self.sender.fail(str(exc))
            raise
        await self.sender.end()

    async def receive(self, download: Callable[[bytes], Awaitable[None]]) -> None:
        async for chunk in self.receiver:
            await download(chunk)
        self.downloaded.set()

    async def read_answer(self) -> None:
        while self.answer is None:
            message = await self.reader.message()
            if message is None:
                raise NotRunning("the server stopped before responding")
            if message.id != self.number:
                continue
            if message.ok is not None:
                self.answer = message
            elif message.stream is not None:
                self.receiver.arrived(message)
            elif message.ack is not None:
                self.sender.acknowledged(message.ack)
            elif bytes(message.progress) and self.progress is not None:
                self.progress(message.progress)
