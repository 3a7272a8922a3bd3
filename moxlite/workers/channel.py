"""One end of the connection between two processes: asks questions, and answers the other end's questions.

A channel is bounded in all that the other process could make it hold: questions that are open, octets of a message,
descriptors. A sender waits while the other process does not read, until its question's time is over. When the other
process ends, all open questions fail at once, and the answers that are being made for it are canceled.
"""

from __future__ import annotations

import itertools
import logging
import os
import socket
import struct
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

import msgspec
import trio

from moxlite.encoding import from_msgpack, to_msgpack
from moxlite.workers.messages import (
    IN_FILE,
    MAX_DESCRIPTORS,
    MAX_PACKET,
    Answer,
    Ask,
    Garbled,
    Refuse,
    Value,
    Withdraw,
    decode,
    encode,
    read_file,
    write_file,
)
from moxlite.workers.questions import (
    Answering,
    Descriptors,
    Ended,
    Failed,
    Late,
    Question,
    Reply,
    Request,
    Role,
    error_of,
    refusal,
)

logger = logging.getLogger("moxlite.workers")

DESCRIPTOR: Final = struct.calcsize("i")
"""Octets of a descriptor in a control message (unix(7))."""

MAX_TEXT: Final = 500
"""Characters of an unexpected error's text that the other process is told."""

SPACE: Final = socket.CMSG_SPACE((MAX_DESCRIPTORS + 1) * DESCRIPTOR) if hasattr(socket, "CMSG_SPACE") else 0


def channel_pair() -> tuple[socket.socket, socket.socket]:
    """The sockets of both ends; neither is inherited by programs that are executed. Raises OSError."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


class _Asked:
    """A question of ours that is open, and its outcome."""

    def __init__(self, question: Question[Any, Any]) -> None:
        self.question = question
        self.over = trio.Event()
        self.reply: Any = None
        self.error: Exception | None = None

    def settle(self, *, reply: Any = None, error: Exception | None = None) -> None:
        """Give the outcome to the task that asked."""
        self.reply, self.error = reply, error
        self.over.set()


class Channel:
    """The end of `role`, in a process whose other end belongs to `peer`. Questions are asked while `serve` runs.

    Args:
      sock: from `channel_pair`; closed by the channel.
      answers: to the questions that the other process may ask.
    """

    def __init__(
        self, sock: socket.socket, role: Role, peer: Role, answers: Iterable[Answering[Any, Any]] = ()
    ) -> None:
        sock.setblocking(False)
        self._socket = trio.socket.from_stdlib_socket(sock)
        self._role: Final[Role] = role
        self._peer: Final[Role] = peer
        self._answers: dict[str, Answering[Any, Any]] = {}
        self.add_answers(answers)
        self._sending = trio.StrictFIFOLock()
        self._nursery: trio.Nursery | None = None
        self._asked: dict[int, _Asked] = {}
        self._numbers = itertools.count(1)
        self._places: defaultdict[str, trio.Semaphore] = defaultdict(lambda: trio.Semaphore(0))
        self._answered: dict[int, tuple[str, trio.CancelScope]] = {}

    def add_answers(self, answers: Iterable[Answering[Any, Any]]) -> None:
        """Answer these questions, too. To be called before `serve`: for answers of what asks by this channel."""
        for answering in answers:
            assert answering.question.crosses(self._peer, self._role), answering.question.name
            self._answers[answering.question.name] = answering

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Answer questions, and take answers, until the other process has ended or `close` was called.

        Raises Garbled. The channel is closed at the end in any way.
        """
        garbled = None
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                task_status.started()
                try:
                    await self._take_all(nursery)
                except Garbled as error:
                    garbled = error
                nursery.cancel_scope.cancel()
        finally:
            self._end()
        if garbled is not None:
            raise garbled

    async def ask(self, question: Question[Request, Reply], request: Request, descriptors: Sequence[int] = ()) -> Reply:
        """Ask a question and return its reply. The other process gets copies of the descriptors. A canceled caller
        withdraws its question, which may have been answered by then.

        Raises:
          NoAnswer: see its kinds.
          OSError: a descriptor, or the file of a long request, could not be sent.
          TooLong: the request is.
          Errors of the question.
        """
        assert question.crosses(self._role, self._peer), question.name
        assert len(descriptors) == question.descriptors, question.name
        value = Value(to_msgpack(request))
        with trio.move_on_after(question.seconds):
            await self._take_place(question)
            number, asked = next(self._numbers), _Asked(question)
            self._asked[number] = asked
            await self._send_question(Ask(number, question.name, value), descriptors)
            try:
                await asked.over.wait()
            except trio.Cancelled:
                self._withdraw(number)
                raise
            if asked.error is not None:
                raise asked.error
            return cast("Reply", asked.reply)
        raise Late(f"{question.name}: no answer within {question.seconds:g} s")

    def close(self) -> None:
        """Close the channel, as the end of the other process does."""
        self._socket.close()

    # Asking

    async def _take_place(self, question: Question[Any, Any]) -> None:
        """Wait for a place among the open questions of this name, which `_free_place` frees. Raises Ended."""
        if question.name not in self._places:
            self._places[question.name] = trio.Semaphore(question.most)
        await self._places[question.name].acquire()
        if self._nursery is None:
            self._free_place(question.name)
            raise Ended(f"{question.name}: the {self._peer} process has ended")

    def _free_place(self, name: str) -> None:
        self._places[name].release()

    async def _send_question(self, ask: Ask, descriptors: Sequence[int]) -> None:
        """Raises Ended, OSError, TooLong."""
        try:
            await self._send(encode(ask), descriptors)
        except BaseException as error:
            if self._asked.pop(ask.number, None) is not None:
                self._free_place(ask.name)
            if isinstance(error, ConnectionError | trio.ClosedResourceError):
                raise Ended(f"{ask.name}: the {self._peer} process has ended") from None
            raise

    def _withdraw(self, number: int) -> None:
        """Tell the other process not to go on. The place is free once it has answered, so that it never has more
        questions than places.
        """
        if self._nursery is not None and number in self._asked:
            self._nursery.start_soon(self._send_last, encode(Withdraw(number)))

    # Receiving

    async def _take_all(self, nursery: trio.Nursery) -> None:
        """Take messages until the other process has ended. Never waits for anything else, so that two processes that
        both wait to send go on. Raises Garbled.
        """
        while (packet := await self._receive()) is not None:
            octets, descriptors = packet
            try:
                message = decode(octets)
                match message:
                    case Ask():
                        self._take_question(nursery, message, descriptors)
                        descriptors = Descriptors()
                    case Withdraw(number):
                        if (answered := self._answered.get(number)) is not None:  # else its answer is on the way
                            answered[1].cancel()
                    case Answer() | Refuse():
                        self._take_answer(message)
            finally:
                descriptors.close()

    async def _receive(self) -> tuple[bytes, Descriptors] | None:
        """The octets of the next message, and its descriptors; None if there is no further one. Raises Garbled."""
        try:
            octets, ancillary, flags, _ = await self._socket.recvmsg(MAX_PACKET, SPACE, socket.MSG_CMSG_CLOEXEC)
        except (OSError, trio.ClosedResourceError):
            return None
        numbers = [
            number
            for level, kind, data in ancillary
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
            for (number,) in struct.iter_unpack("i", data[: len(data) - len(data) % DESCRIPTOR])
        ]
        descriptors = Descriptors(numbers)
        try:
            if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
                # The second flag also means that this process has no free descriptor, for which it keeps a reserve.
                raise Garbled("a message is too long, or its descriptors don't fit")
            if octets == IN_FILE:
                if not numbers:
                    raise Garbled("no file with a message")
                descriptors, last = Descriptors(numbers[:-1]), numbers[-1]
                try:
                    octets = read_file(last)
                finally:
                    os.close(last)
        except Garbled:
            descriptors.close()
            raise
        return (octets, descriptors) if octets else None

    def _take_answer(self, message: Answer | Refuse) -> None:
        asked = self._asked.pop(message.number, None)
        if asked is None:
            raise Garbled(f"an answer to no question: {message.number}")
        question = asked.question
        try:
            match message:
                case Answer(reply=reply):
                    asked.settle(reply=from_msgpack(reply, question.reply))
                case Refuse(kinds=()):
                    asked.settle(error=Failed(f"{question.name}: {'; '.join(message.texts) or 'withdrawn'}"))
                case Refuse():
                    asked.settle(error=error_of(message, question.errors))
        except (msgspec.MsgspecError, Garbled) as error:
            asked.settle(error=Ended(f"{question.name}: {error}"))
            raise Garbled(f"{question.name}: {error}") from None
        finally:
            self._free_place(question.name)

    # Answering

    def _take_question(self, nursery: trio.Nursery, ask: Ask, descriptors: Descriptors) -> None:
        """Start the answer, which closes the descriptors. Raises Garbled; then they are closed."""
        try:
            answering = self._answers.get(ask.name)
            if answering is None or ask.number in self._answered:
                raise Garbled(f"a question that the {self._peer} process may not ask: {ask.name[:80]!r}")
            if Counter(name for name, _ in self._answered.values())[ask.name] >= answering.question.most:
                raise Garbled(f"more open questions than allowed: {ask.name}")
            if len(descriptors) != answering.question.descriptors:
                raise Garbled(f"{len(descriptors)} descriptors for {ask.name}")
            try:
                request = from_msgpack(ask.request, answering.question.request)
            except msgspec.MsgspecError as error:
                raise Garbled(f"{ask.name}: {error}") from None
        except Garbled:
            descriptors.close()
            raise
        scope = trio.CancelScope()
        self._answered[ask.number] = ask.name, scope
        nursery.start_soon(self._answer, ask.number, answering, request, descriptors, scope)

    async def _answer(
        self,
        number: int,
        answering: Answering[Any, Any],
        request: Any,
        descriptors: Descriptors,
        scope: trio.CancelScope,
    ) -> None:
        question = answering.question
        octets = encode(Refuse(number))  # if it is withdrawn
        try:
            with scope:
                reply = await answering.answer(request, descriptors)
                octets = encode(Answer(number, Value(to_msgpack(reply))))
        except question.errors as error:
            octets = encode(refusal(number, error, question.errors))
        except Exception as error:  # noqa: BLE001 - a bug ends this answer, not all others
            octets = self._failed(number, question, error)
        finally:
            descriptors.close()
            del self._answered[number]
        try:
            await self._send_last(octets)
        except OSError as error:  # no descriptor for the file of a long reply
            await self._send_last(self._failed(number, question, error))

    def _failed(self, number: int, question: Question[Any, Any], error: Exception) -> bytes:
        """Log a failure, and return the message that tells of it."""
        kv = {"question": question.name, "err": f"{type(error).__name__}: {error}"}
        logger.error("failed to answer another process", extra={"kv": kv}, exc_info=error)
        return encode(Refuse(number, texts=(kv["err"][:MAX_TEXT],)))

    # Sending

    async def _send_last(self, octets: bytes) -> None:
        """Send a message that gets no answer; nothing happens if the other process has ended. Raises OSError."""
        try:
            await self._send(octets)
        except (ConnectionError, trio.ClosedResourceError):
            return  # `serve` is about to end

    async def _send(self, octets: bytes, descriptors: Sequence[int] = ()) -> None:
        """Send a message as a whole, or if canceled not at all. Raises OSError, trio.ClosedResourceError."""
        if len(octets) <= MAX_PACKET:
            await self._send_packet(octets, descriptors)
            return
        file = write_file(octets)
        try:
            await self._send_packet(IN_FILE, [*descriptors, file])
        finally:
            os.close(file)

    async def _send_packet(self, octets: bytes, descriptors: Sequence[int]) -> None:
        rights = struct.pack(f"{len(descriptors)}i", *descriptors)
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if descriptors else []
        async with self._sending:  # trio lets one task wait for a socket
            if self._socket.fileno() < 0:
                raise BrokenPipeError
            await self._socket.sendmsg([octets], ancillary)

    # The end

    def _end(self) -> None:
        """Let all tasks know that the other process has ended."""
        self._nursery = None
        self._socket.close()
        for asked in self._asked.values():
            asked.settle(error=Ended(f"{asked.question.name}: the {self._peer} process has ended"))
        self._asked.clear()
        for places in self._places.values():
            for _ in range(places.statistics().tasks_waiting):
                places.release()  # they find that there is no process
