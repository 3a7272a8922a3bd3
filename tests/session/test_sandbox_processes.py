"""The processes of the sandbox: started, confined, asked, ended. All with real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import trio

from moxlite.compose.reply import PlainText, Quotable
from moxlite.sandbox import process as process_module, processes
from moxlite.sandbox.confine import FILES, MEMORY
from moxlite.sandbox.jobs import JOBS, DrawHTML, Drawn, Picture, Quote, Shown, ShowText
from moxlite.sandbox.messages import Refused, Reply
from moxlite.sandbox.metrics import deaths, processes as running
from moxlite.sandbox.process import Died, Process, start_process
from moxlite.sandbox.processes import JobFailed, Sandbox
from moxlite.sandbox.sanitize import sanitize
from moxlite.sandbox.work import SAMPLES, WORK, work
from tests.house import soon
from tests.htmlcorpus import all_vectors
from tests.newsletters import blown_up, newsletters
from tests.sandboxchild import Own, TellOwn
from tests.tools import until

pytestmark = [pytest.mark.served, pytest.mark.skipif(sys.platform != "linux", reason="limits and /proc are Linux's")]

SLOW = "<p " + " ".join(f"a{number}='>'" for number in range(200_000)) + ">"
"""HTML that takes a minute: attributes are compared with each other, and the bounds do not see that they are of one
tag."""

HUNGRY = "<p>x" * 2_000_000
"""HTML of 8 MB that takes a gigabyte."""


def runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def told(pid: int, name: str) -> str:
    """A file of a process in /proc."""
    return Path(f"/proc/{pid}/{name}").read_text()


def draw(html: str, *pictures: Picture, room: int = 10 << 20) -> DrawHTML:
    return DrawHTML(html, pictures, room, "data:moxlite-1,", external=False)


@asynccontextmanager
async def serving() -> AsyncIterator[Sandbox]:
    """A sandbox that is looked after."""
    sandbox = Sandbox()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sandbox.serve)
        yield sandbox
        nursery.cancel_scope.cancel()
    assert running.value == 0


async def ask(sandbox: Sandbox, html: str, account: str = "mia") -> str:
    """The harmless HTML, or why it could not be made."""
    try:
        async with sandbox.turn(account) as turn:
            return (await turn.do(draw(html))).html.decode()
    except (Refused, JobFailed) as error:
        return f"{type(error).__name__}: {error}"


@pytest.fixture
def counted() -> dict[str, float]:
    """How many processes died during the test, by cause, once it asks by `update`."""
    causes = ("deadline", "ended", "answer", "start")
    before = {cause: deaths.labels(cause=cause).value for cause in causes}

    class Counted(dict[str, float]):
        def __missing__(self, cause: str) -> float:
            return deaths.labels(cause=cause).value - before[cause]

    return Counted()


def test_each_job_has_one_function_and_a_sample() -> None:
    """WEBMAIL-109a: the table of jobs; by the samples all libraries are loaded before the limits are set."""
    assert set(WORK) == set(JOBS) == {type(sample) for sample in SAMPLES}
    for sample in SAMPLES:
        answer = msgspec.msgpack.decode(msgspec.msgpack.encode(work(sample)), type=sample.ANSWER)
        assert answer == work(sample)


async def test_a_process_can_open_nothing_and_start_nothing() -> None:
    """WEBMAIL-109a: the limits of the system, read from outside."""
    child = await start_process()
    try:
        limits = told(child.pid, "limits")
        for name, limit in (
            ("Max open files", FILES),
            ("Max address space", MEMORY),
            ("Max file size", 0),
            ("Max processes", 0),
            ("Max core file size", 0),
        ):
            line = next(line for line in limits.splitlines() if line.startswith(name))
            assert line.removeprefix(name).split()[:2] == [str(limit)] * 2, line
    finally:
        assert await child.end() == 0


async def test_a_process_has_four_descriptors_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-109a: told by the process itself, without its filter of system calls: it is not dumpable, so that only
    root may look there.
    """
    monkeypatch.setattr(process_module, "PROGRAM", (sys.executable, "-P", "-m", "tests.sandboxchild", "unfiltered"))
    child = await start_process()
    reply = await child.ask(msgspec.msgpack.encode(TellOwn()), 30)
    assert await child.end() == 0
    own = msgspec.msgpack.decode(reply.answer, type=Own)
    assert sorted(own.links) == [0, 1, 2, 3]
    assert own.links[0].startswith("socket:")
    assert own.links[1].startswith("pipe:")
    assert (own.links[2], own.links[3]) == ("/dev/null", f"/proc/{child.pid}/statm")
    assert {*own.variables} <= {"PATH", "PYTHONPATH", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME", "PWD"}


async def test_a_confined_process_shows_all_mail_as_one_without_limits() -> None:
    """WEBMAIL-109a: nothing is missing there, no module, table or codec."""
    async with serving() as sandbox:
        vectors = [*newsletters().values(), *all_vectors()]
        for at in range(0, len(vectors), 50):
            html = "\n".join(vectors[at : at + 50])
            assert await ask(sandbox, html) == sanitize(html, {}, external=False).html
        link = '<a href="https://xn--bcher-kva.example/">https://b\u00fccher.other.co.uk</a>'
        assert "\u2192" in await ask(sandbox, link)
        async with sandbox.turn("mia") as turn:
            text = await turn.do(ShowText("<p>a &auml;<p>b", 100))
            quoted = await turn.do(
                Quote(Quotable(kind="answer", subject="Re: x", head="A:", texts=(PlainText("b \r\nc", flowed=True),)))
            )
        assert text == Shown("a \u00e4\nb")
        assert (quoted.subject, quoted.text) == ("Re: x", "A:\n> b c\n")
        assert running.value == 1


@pytest.mark.nightly
@pytest.mark.slow
async def test_newsletters_of_a_megabyte_are_shown_whole() -> None:
    """WEBMAIL-109a: within the limits of memory and time."""
    async with serving() as sandbox:
        for name, html in newsletters().items():
            large, _ = blown_up(html, 1_000_000)
            shown = await ask(sandbox, large)
            assert shown.startswith("<"), name
            assert shown.rstrip().endswith("</div>"), name


async def test_a_process_that_takes_too_long_is_killed_and_replaced(
    monkeypatch: pytest.MonkeyPatch, counted: dict[str, float]
) -> None:
    """WEBMAIL-109a, WEBMAIL-109c."""
    monkeypatch.setattr(processes, "JOB_SECONDS", 0.5)
    async with serving() as sandbox:
        assert await ask(sandbox, "<p>a") == '<div class="body"><p>a</p></div>'
        [first] = sandbox.pids
        assert await ask(sandbox, SLOW) == f"JobFailed: {processes.TOO_LONG}"
        assert not runs(first)
        assert (counted["deadline"], counted["ended"]) == (1, 0)
        monkeypatch.setattr(processes, "JOB_SECONDS", 30.0)
        assert await ask(sandbox, "<p>b") == '<div class="body"><p>b</p></div>'


async def test_a_process_without_memory_ends_alone(monkeypatch: pytest.MonkeyPatch, counted: dict[str, float]) -> None:
    """WEBMAIL-109a, WEBMAIL-109c: it is the process that dies, and another is there for the next mail."""
    monkeypatch.setattr(processes, "JOB_SECONDS", 30.0)
    async with serving() as sandbox:
        assert await ask(sandbox, HUNGRY) == f"JobFailed: {processes.TOO_LONG}"
        assert counted["ended"] == 1
        assert await ask(sandbox, "<p>b") == '<div class="body"><p>b</p></div>'


async def test_a_process_that_was_killed_is_replaced(counted: dict[str, float]) -> None:
    """WEBMAIL-109c: by the system, while it waited for a job."""
    async with serving() as sandbox:
        assert await ask(sandbox, "<p>a") == '<div class="body"><p>a</p></div>'
        [first] = sandbox.pids
        os.kill(first, signal.SIGKILL)
        until(lambda: told(first, "stat").rpartition(")")[2].split()[0] == "Z", what="its end")
        assert await ask(sandbox, "<p>b") == '<div class="body"><p>b</p></div>'
        assert counted["ended"] == 1
        assert first not in sandbox.pids


async def test_octets_that_come_during_a_job_do_not_end_it() -> None:
    """WEBMAIL-109c: the system may tell of octets late, when the job that they ask for has begun."""
    child = await start_process()
    job = msgspec.msgpack.encode(draw("<p>x" * 50_000))
    frame = len(job).to_bytes(4, "big") + job
    try:
        async with trio.open_nursery() as nursery:
            for first in (1, 1000, 100_000):

                @nursery.start_soon
                async def rest(first: int = first) -> None:
                    """Send the next job while this one is done, which takes some 50 ms."""
                    await trio.sleep(0.01)
                    await child._stream.send_all(frame[:first])
                    await trio.sleep(0.01)
                    await child._stream.send_all(frame[first:])

                reply = await child.ask(job, 30)
                assert reply.outcome == "done"
                size = int.from_bytes(await child._octets(4), "big")
                assert msgspec.msgpack.decode(await child._octets(size), type=Reply).outcome == "done"
        assert await child.end() == 0
    except BaseException:
        await child.end(kill=True)
        raise


async def test_answers_are_a_strangers(monkeypatch: pytest.MonkeyPatch, counted: dict[str, float]) -> None:
    """WEBMAIL-109c: a process that a mail has taken over answers what it likes; what is no answer ends it."""
    answers = [
        Reply("done", answer=msgspec.Raw(msgspec.msgpack.encode({"html": "text"}))),
        Reply("done", answer=msgspec.Raw(msgspec.msgpack.encode(Drawn(b"", 0, ("a",) * 6, False, 0, False, False)))),
        Reply("done", answer=msgspec.Raw(b"\xc1")),
        Reply("failed", "a bug", last=True),
    ]

    async def reply(self: Process, frame: bytes, seconds: float) -> Reply:
        return answers.pop(0)

    async with serving() as sandbox:
        with monkeypatch.context() as patched:
            patched.setattr(Process, "ask", reply)
            while answers:
                assert await ask(sandbox, "<p>a") == f"JobFailed: {processes.TOO_LONG}"
        assert (counted["answer"], counted["ended"]) == (3, 1)
        assert await ask(sandbox, "<p>a") == '<div class="body"><p>a</p></div>'


@pytest.mark.parametrize("octets", [b"\xff\xff\xff\xff", b"\0\0\0\2\xc1\xc1", b""])
async def test_frames_are_bounded(octets: bytes) -> None:
    """WEBMAIL-109c: an answer of more than 16 MB is not read."""
    ours, theirs = trio.socket.socketpair()
    child = await trio.lowlevel.open_process([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    life = os.open("/dev/null", os.O_WRONLY)
    found = Process(child, trio.SocketStream(ours), life)
    async with trio.SocketStream(theirs) as other:
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def answer() -> None:
                await other.receive_some()
                await other.send_all(octets)
                await other.send_eof()

            with pytest.raises(Died):
                await found.ask(b"x", 30)
        await found.end(kill=True)


async def test_no_process_runs_without_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-109a: started when a page comes, ended when none has been there for a while; its jobs count as well."""
    monkeypatch.setattr(processes, "IDLE_SECONDS", 0.3)
    async with serving() as sandbox:
        await trio.testing.wait_all_tasks_blocked()
        assert running.value == 0
        with sandbox.page():
            await soon(lambda: sandbox.pids, "a process")
            [first] = sandbox.pids
            assert await ask(sandbox, "<p>a") == '<div class="body"><p>a</p></div>'
            await trio.sleep(0.5)
            assert sandbox.pids == [first]
        await soon(lambda: not sandbox.pids, "its end")
        await soon(lambda: not runs(first), "its end")
        assert await ask(sandbox, "<p>a") == '<div class="body"><p>a</p></div>'
        await soon(lambda: not sandbox.pids, "the end of one that no page needed")


async def test_accounts_have_a_process_each_and_there_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-109c: the mail that takes long is in the way of its owner alone."""
    monkeypatch.setattr(processes, "JOB_SECONDS", 30.0)
    async with serving() as sandbox, trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask, sandbox, SLOW, "mia")
        await soon(lambda: running.value == 1, "the process of mia")
        for name in ("tom", "eva", "tom"):
            began = time.monotonic()
            assert await ask(sandbox, "<p>a", name) == '<div class="body"><p>a</p></div>'
            assert time.monotonic() - began < 25
            assert running.value <= 2
        nursery.cancel_scope.cancel()


async def test_a_process_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch, counted: dict[str, float]) -> None:
    """WEBMAIL-109c."""
    monkeypatch.setattr(process_module, "PROGRAM", ("/nonexistent/python",))
    async with serving() as sandbox:
        assert await ask(sandbox, "<p>a") == f"JobFailed: {processes.NO_PROCESS}"
        monkeypatch.setattr(process_module, "PROGRAM", ("/bin/false",))
        assert await ask(sandbox, "<p>a") == f"JobFailed: {processes.NO_PROCESS}"
        assert counted["start"] == 2


PARENT = """
import sys, trio
from moxlite.sandbox.processes import Sandbox
from moxlite.sandbox.jobs import DrawHTML
from tests.session.test_sandbox_processes import SLOW
async def main():
    sandbox = Sandbox()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sandbox.serve)
        with sandbox.page():
            while not sandbox.pids: await trio.sleep(0.01)
            print(*sandbox.pids, flush=True)
            async with sandbox.turn("mia") as turn:
                if sys.argv[1] == "busy":
                    nursery.start_soon(turn.do, DrawHTML(SLOW, (), 0, "x", external=False))
                await trio.sleep(0.5)
                print("now", flush=True)
                await trio.sleep(60)
trio.run(main)
"""


@pytest.mark.parametrize("state", ["busy", "idle"])
def test_a_process_dies_with_the_server(state: str) -> None:
    """WEBMAIL-109a: in the middle of a job as well, within native code."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, state], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent:
        pid = int(parent.stdout.readline())
        assert parent.stdout.readline() == "now\n"
        assert runs(pid)
        parent.kill()
    until(lambda: not runs(pid), what="the end of the process")


def test_an_answer_is_bounded_by_its_type() -> None:
    """WEBMAIL-109c: each text of an answer has a bound."""

    def texts(answer: type[msgspec.Struct]) -> Iterator[object]:
        for field in msgspec.structs.fields(answer):
            if field.type is str:
                yield field.name

    assert not [name for job in JOBS for name in texts(job.ANSWER)]
