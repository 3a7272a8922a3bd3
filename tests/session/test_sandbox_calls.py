"""What a process of the sandbox can do, tried in a real one by a job that makes one system call after the other."""

import errno
import os
import quopri
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import trio

from moxlite.proto.mime.charset import CODECS
from moxlite.sandbox import confine, process as process_module, processes
from moxlite.sandbox.jobs import DrawHTML, ReadCalendar
from moxlite.sandbox.messages import Reply
from moxlite.sandbox.metrics import deaths
from moxlite.sandbox.process import Died, Process, start_process
from moxlite.sandbox.processes import JobFailed, Sandbox
from tests.sandboxchild import CALLS, Tried, TryCall
from tests.tools import top

pytestmark = [
    pytest.mark.served,
    pytest.mark.skipif(sys.platform != "linux", reason="seccomp and Landlock are Linux's"),
]

ALLOWED = {**confine._CALLS, **confine._MAPPING, **confine._SIGNALS}
"""Numbers of all allowed calls on x86-64 and aarch64, by name."""

REFUSED = {errno.EACCES, errno.EPERM, errno.EMFILE, errno.EAGAIN, errno.ESRCH, errno.EXDEV}
"""Errors with which limits and Landlock refuse a call."""

HEADERS = ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm-generic/unistd.h")
"""Numbers of system calls of x86-64 and aarch64, from Debian's linux-libc-dev."""

UNEXPLAINED = {"fork"}
"""Calls that a process may not live to name: the C library of Debian 13 holds signals back while it forks."""


CALENDAR = (
    "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261123T100000Z\r\n"
    "SUMMARY;ENCODING=QUOTED-PRINTABLE;CHARSET={charset}:{title}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


@pytest.fixture
def own_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "PROGRAM", (sys.executable, "-P", "-m", "tests.sandboxchild"))


@pytest.fixture
def unfiltered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "PROGRAM", (sys.executable, "-P", "-m", "tests.sandboxchild", "unfiltered"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "account.db"
    found.write_bytes(b"mail")
    found.chmod(0o600)
    return found


@asynccontextmanager
async def two_processes() -> AsyncIterator[tuple[Process, Process]]:
    first, second = await start_process(), await start_process()
    try:
        yield first, second
    finally:
        await first.end(kill=True)
        await second.end(kill=True)


async def ask(process: Process, job: TryCall) -> Reply:
    return await process.ask(msgspec.msgpack.encode(job), 30)


def untouched(file: Path) -> bool:
    found = file.stat()
    return (file.read_bytes(), found.st_mode & 0o777, os.listdir(file.parent)) == (b"mail", 0o600, [file.name])


@pytest.mark.skipif(not confine.is_available(), reason="not protected by a system call filter")
@pytest.mark.usefixtures("own_job")
async def test_a_call_that_no_job_needs_ends_the_job_and_is_counted(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """WEBMAIL-109a: files of an account, sockets, processes, and the memory of another process of the sandbox."""
    counted = deaths.labels(cause="denied")
    sandbox = Sandbox()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sandbox.serve)
        other = await start_process()
        for call in CALLS:
            before = counted.value
            with pytest.raises(JobFailed) as failed:
                async with sandbox.turn("mia") as turn:
                    await turn.do(TryCall(call, str(file), other.pid))
            assert str(failed.value) == processes.DENIED, call
            assert counted.value == before + 1, call
            assert untouched(file), call
        assert other.alive
        await other.end(kill=True)
        causes = [record.kv["err"] for record in caplog.records]  # type: ignore[attr-defined]  # of our log
        for call, cause in zip(CALLS, causes, strict=True):
            assert re.fullmatch(r"system call \d+", cause) or call in UNEXPLAINED, (call, cause)
        async with sandbox.turn("mia") as turn:
            assert (await turn.do(DrawHTML("<p>a", (), 0, "x", external=False))).html == (
                b'<div class="body"><p>a</p></div>'
            )
        nursery.cancel_scope.cancel()


@pytest.mark.skipif(not confine.is_available(), reason="not protected by a system call filter")
@pytest.mark.usefixtures("own_job")
async def test_a_filter_that_ends_a_process_by_itself_is_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-109c: a process that holds the signal back is ended by it, without a word."""
    counted = deaths.labels(cause="denied")
    before = counted.value
    program = "import os, signal, sys; os.kill(os.getpid(), signal.SIGSYS)"
    sandbox = Sandbox()

    async def start() -> Process:
        ours, theirs = trio.socket.socketpair()
        life = os.open(os.devnull, os.O_WRONLY)
        found = await trio.lowlevel.open_process([sys.executable, "-c", program], stdin=theirs.fileno())
        theirs.close()
        await found.wait()
        return Process(found, trio.SocketStream(ours), life)

    monkeypatch.setattr(processes, "start_process", start)
    with pytest.raises(JobFailed, match="can't be displayed safely"):
        async with sandbox.turn("mia") as turn:
            await turn.do(DrawHTML("<p>a", (), 0, "x", external=False))
    assert counted.value == before + 1


@pytest.mark.nightly
async def test_a_calendar_may_be_in_each_charset_of_mail() -> None:
    """WEBMAIL-109a, WEBMAIL-129: codecs are modules, and none is loaded once the process is confined."""
    sandbox = Sandbox()
    async with sandbox.turn("mia") as turn:
        for codec in CODECS:
            title = quopri.encodestring("a plain title".encode(codec)).decode().replace("=\n", "=\r\n").strip()
            text = CALENDAR.format(charset=codec, title=title)
            found = await turn.do(ReadCalendar(text))
            assert found.event.title in ("a plain title", ""), codec
            assert found.event.title or codec.startswith(("utf-16", "utf-32")), codec


@pytest.mark.skipif(confine.abi() < 6, reason="the kernel's Landlock knows no signals")
@pytest.mark.usefixtures("unfiltered")
async def test_landlock_refuses_without_the_filter(file: Path) -> None:
    """WEBMAIL-109a: where seccomp is missing; files that are not opened but by their names, and other processes."""
    for call in ("truncate", "rename", "unlink", "symlink", "mkdir", "kill", "ptrace", "process_vm_readv"):
        async with two_processes() as (first, second):
            reply = await ask(first, TryCall(call, str(file), second.pid))
            assert reply.outcome == "done", (call, reply)
            assert msgspec.msgpack.decode(reply.answer, type=Tried).number in REFUSED, call
            assert untouched(file), call


@pytest.mark.usefixtures("unfiltered")
async def test_the_memory_of_a_process_is_for_root_alone() -> None:
    """WEBMAIL-109a: another program of the same user reads nothing there, and no core dump is made."""
    async with two_processes() as (first, _):
        assert msgspec.msgpack.decode((await ask(first, TryCall("prctl"))).answer, type=Tried) == Tried(0)


@pytest.mark.parametrize("place", [0, 1], ids=["x86-64", "aarch64"])
def test_the_numbers_of_calls_are_those_of_the_kernel(place: int) -> None:
    """WEBMAIL-109a: of both processors, against the kernel's own headers."""
    try:
        text = Path(HEADERS[place]).read_text()
    except FileNotFoundError:
        pytest.skip("the headers of Linux are not installed (linux-libc-dev)")
    numbers = dict(re.findall(r"(?m)^#define __NR(?:3264)?_(\w+)\s+(\d+)", text))
    assert {name: int(numbers[name]) for name in ALLOWED} == {name: found[place] for name, found in ALLOWED.items()}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_allows_its_calls_and_no_other(machine: str) -> None:
    """WEBMAIL-109a: the program of each processor, run as the kernel runs it (seccomp(2))."""
    place, audit = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}[machine]
    allowed = {numbers[place] for name, numbers in ALLOWED.items()}
    found = list(confine.program(machine, 77))
    signal_number = ALLOWED["tgkill"][place]
    mapping = {ALLOWED[name][place] for name in ("mmap", "mprotect")}
    for number in (*range(600), 0x40000000, 0x40000000 | 39, 0xFFFFFFFF):
        assert run(found, number, audit, 77, 3) == ("allow" if number in allowed else "trap"), number
        assert run(found, number, 0x40000003, 77, 3) == "kill"
        assert run(found, number, audit, 78, 3) == ("allow" if number in allowed - {signal_number} else "trap")
        assert run(found, number, audit, 77, 5) == ("allow" if number in allowed - mapping else "trap")


def run(program: list[confine.Instruction], number: int, audit: int, first: int, third: int) -> str:
    """What a program of classic BPF returns for a call with these arguments."""
    fields = {0: number, 4: audit, 16: first, 32: third}
    at = accumulator = 0
    while True:
        code, yes, no, operand = program[at]
        at += 1
        match code:
            case 0x20:
                accumulator = fields[operand]
            case 0x15:
                at += yes if accumulator == operand else no
            case 0x45:
                at += yes if accumulator & operand else no
            case _:
                return {0x80000000: "kill", 0x30000: "trap", 0x7FFF0000: "allow"}[operand]


BOUNDED = """
import ctypes, errno, sys
sys.path.insert(0, {top!r})
from moxlite.sandbox import child, confine
{change}
child.main()
"""
"""A process of the sandbox on another system."""

NO_LIMITS = "import resource; resource.setrlimit = lambda *_: None; confine.restrict = lambda: False"


def changed(monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    code = BOUNDED.format(top=str(top()), change=change)
    monkeypatch.setattr(process_module, "PROGRAM", (sys.executable, "-P", "-c", code))


def failing(error: int) -> str:
    """A kernel whose Landlock fails by an error."""
    return (
        "class Call:\n"
        "    def __call__(self, *_):\n"
        f"        ctypes.set_errno({error})\n"
        "        return -1\n"
        "class Library:\n"
        "    syscall = Call()\n"
        "real, original = ctypes.CDLL, confine._call\n"
        "def call(*arguments):\n"
        "    ctypes.CDLL = lambda *_, **__: Library\n"
        "    try:\n"
        "        return original(*arguments)\n"
        "    finally:\n"
        "        ctypes.CDLL = real\n"
        "confine._call = call\n"
    )


@pytest.mark.parametrize("error", [errno.ENOSYS, errno.EPERM, errno.EOPNOTSUPP])
async def test_landlock_alone_may_be_missing(monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    """WEBMAIL-109a: an old kernel, a container whose filter refuses the calls, and a kernel that has it off."""
    changed(monkeypatch, failing(error))
    process = await start_process()
    assert (process.bounds.landlock, process.bounds.filtered) == (False, confine.is_available())
    await process.end()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (failing(errno.EINVAL), "sandbox isn't working: Landlock failed: Invalid argument"),
        (NO_LIMITS, "sandbox isn't working: the process can open a file"),
    ],
    ids=["Landlock", "a file"],
)
async def test_a_process_that_is_not_confined_gets_no_mail(
    monkeypatch: pytest.MonkeyPatch, change: str, said: str
) -> None:
    """WEBMAIL-109a: it says why, and ends; the reader is told that no process can be started."""
    changed(monkeypatch, change)
    with pytest.raises(Died, match=said):
        await start_process()
    with pytest.raises(JobFailed) as failed:
        async with Sandbox().turn("mia") as turn:
            await turn.do(DrawHTML("<p>a", (), 0, "x", external=False))
    assert str(failed.value) == processes.NO_PROCESS
