"""Commands about an account that another process owns: asked of that process, with their streams.

The owner performs the command with its own table, so it's recorded in the audit log there, by who asked here. Octets
and progress are questions the other way, one at a time, each answered once the client has taken it. If the client goes,
the command is canceled, as if the client had asked the owner.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import msgspec
import trio

from moxlite.encoding import from_json, to_json
from moxlite.net.control.protocol import StreamBroken, StreamReceiver, StreamSender
from moxlite.net.control.server import Command, CommandFailed, Commands, Exchange
from moxlite.operations import description
from moxlite.store.changelog.origin import Origin, acting_as, origin
from moxlite.workers.channel import Channel
from moxlite.workers.messages import TooLong
from moxlite.workers.questions import Answering, Descriptors, Failed, NoAnswer, Question, Reply, Request

LONGEST: Final = 24 * 3600.0
"""Seconds for a command, and for the next octets of a client: a deep check of a large account takes hours, and so may
who types at a terminal. A process that hangs is killed long before.
"""

Owner: TypeAlias = Callable[[str], Channel | None]
"""Returns the channel to the process that owns an account, None for this one. Raises CommandFailed while that
process is being started again.
"""


class ClientGone(Exception):
    """The client of a command has gone; the command is about to be canceled."""


class Performing(msgspec.Struct, frozen=True):
    """A command: its name, its arguments as JSON, who asks; `exchange` numbers its streams."""

    name: str
    args: bytes
    origin: Origin
    exchange: int


class Octets(msgspec.Struct, frozen=True):
    """Octets of a stream, or JSON of a progress message, of the command with this number."""

    exchange: int
    octets: bytes


class End(msgspec.Struct, frozen=True):
    """The end of what a command sends; with a text if it failed."""

    exchange: int
    failure: str | None = None


PERFORM: Final[Question[Performing, bytes]] = Question(
    name="command",
    request=Performing,
    reply=bytes,
    by=("first",),
    of="worker",
    seconds=LONGEST,
    errors=(CommandFailed,),
)
PROGRESS: Final[Question[Octets, None]] = Question(
    name="command.progress",
    request=Octets,
    reply=None,
    by=("worker",),
    of="first",
    seconds=LONGEST,
    errors=(ClientGone,),
)
UPLOAD: Final[Question[int, bytes | None]] = Question(
    name="command.upload",
    request=int,
    reply=bytes | None,
    by=("worker",),
    of="first",
    seconds=LONGEST,
    errors=(ClientGone, StreamBroken),
)
DOWNLOAD: Final[Question[Octets, None]] = Question(
    name="command.download",
    request=Octets,
    reply=None,
    by=("worker",),
    of="first",
    seconds=LONGEST,
    errors=(ClientGone,),
)
END: Final[Question[End, None]] = Question(
    name="command.end",
    request=End,
    reply=None,
    by=("worker",),
    of="first",
    seconds=LONGEST,
    errors=(ClientGone,),
)


# In the process that is asked by clients


class Forwarding:
    """Commands that are asked of the owner of their account."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._exchanges: dict[int, Exchange] = {}
        self._numbers = itertools.count(1)

    def commands(self, table: Mapping[str, Command], names: Collection[str]) -> Mapping[str, Command]:
        """The same commands. Commands of these `names`, whose arguments have an `account`, go to its owner."""
        return {
            name: msgspec.structs.replace(command, run=self._forwarded(name, command)) if name in names else command
            for name, command in table.items()
        }

    def answers(self) -> list[Answering[Any, Any]]:
        """The answers about streams, for all workers."""
        return [
            Answering(PROGRESS, self._progress),
            Answering(UPLOAD, self._upload),
            Answering(DOWNLOAD, self._download),
            Answering(END, self._end),
        ]

    def _forwarded(self, name: str, command: Command) -> Callable[[Any, Exchange], Awaitable[object]]:
        async def run(args: Any, exchange: Exchange) -> object:
            channel = self._owner(args.account)
            if channel is None:
                return await command.run(args, exchange)
            number = next(self._numbers)
            self._exchanges[number] = exchange
            try:
                result = await channel.ask(PERFORM, Performing(name, to_json(args), origin(), number))
            except CommandFailed as error:
                if error.field and len(error.fields) == 1:
                    error.fields = [(error.field, error.args[0])]  # which can still be translated
                raise
            except Failed as error:
                raise CommandFailed("serverError", "unexpected error, see the server's log") from error
            except (NoAnswer, OSError) as error:
                raise CommandFailed("busy", "this account isn't available right now; try again in a moment") from error
            except TooLong as error:
                raise CommandFailed("badRequest", "the request is too large") from error
            finally:
                del self._exchanges[number]
            return from_json(result, description(command.args).result)

        return run

    async def _progress(self, message: Octets, _: Descriptors) -> None:
        with self._client(message.exchange) as exchange:
            await exchange.progress(msgspec.Raw(message.octets))

    async def _upload(self, number: int, _: Descriptors) -> bytes | None:
        with self._client(number) as exchange:
            return await anext(exchange.upload, None)

    async def _download(self, message: Octets, _: Descriptors) -> None:
        with self._client(message.exchange) as exchange:
            await exchange.download.send(message.octets)

    async def _end(self, end: End, _: Descriptors) -> None:
        with self._client(end.exchange) as exchange:
            await (exchange.download.end() if end.failure is None else exchange.download.fail(end.failure))

    @contextmanager
    def _client(self, number: int) -> Iterator[Exchange]:
        """The streams of a client. Raises ClientGone."""
        try:
            yield self._exchanges[number]
        except (KeyError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise ClientGone from error


# In the owner


class Performer:
    """Performs commands that the first process forwards, with the `commands` of this process."""

    def __init__(self, commands: Commands, channel: Channel) -> None:
        self._commands = commands
        self._channel = channel

    def answers(self) -> list[Answering[Any, Any]]:
        """The answer to the first process."""
        return [Answering(PERFORM, self._perform)]

    async def _perform(self, performing: Performing, _: Descriptors) -> bytes:
        command = (await self._commands())[performing.name]
        with acting_as(performing.origin):
            args = from_json(performing.args, command.args)
            return to_json(await command.run(args, _RemoteExchange(self._channel, performing.exchange)))


class _RemoteExchange(Exchange):
    """The streams of a client of the first process."""

    def __init__(self, channel: Channel, number: int) -> None:
        self._channel = channel
        self._number = number
        self.upload = _Upload(channel, number)
        self.download = _Download(channel, number)

    async def progress(self, value: object) -> None:
        await _ask(self._channel, PROGRESS, Octets(self._number, to_json(value)))


async def _ask(channel: Channel, question: Question[Request, Reply], request: Request) -> Reply:
    """Ask about a stream; never returns once the client has gone."""
    try:
        return await channel.ask(question, request)
    except ClientGone:
        await trio.sleep_forever()  # the first process withdraws the command


class _Upload(StreamReceiver):
    def __init__(self, channel: Channel, number: int) -> None:
        self._channel = channel
        self._number = number

    def close(self) -> None:
        """Nothing is kept here."""

    async def __anext__(self) -> bytes:
        octets = await _ask(self._channel, UPLOAD, self._number)
        if octets is None:
            raise StopAsyncIteration
        return octets


class _Download(StreamSender):
    def __init__(self, channel: Channel, number: int) -> None:
        self._channel = channel
        self._number = number

    async def send(self, data: bytes | memoryview) -> None:
        await _ask(self._channel, DOWNLOAD, Octets(self._number, bytes(data)))

    async def end(self) -> None:
        await _ask(self._channel, END, End(self._number))

    async def fail(self, text: str) -> None:
        await _ask(self._channel, END, End(self._number, text))
