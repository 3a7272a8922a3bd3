"""Walks of a message through the packages: the functions and files of its way, and which calls climb, from a lower
package up into a higher one.

Packages call what they import, so a call goes down the order of imports (`pyproject.toml`), but for functions that a
higher package has handed down: handlers, callbacks, units and reads of the store, implementations of a lower package's
interface. A function that calls up into a higher package is a *climb*, counted once for each such package: a place
where a reader cannot follow the imports. The begin of a task or thread is no call. `script/measure walk` prints way
and climbs of one incoming message and one submission.
"""

import base64
import contextlib
import os
import sys
import threading
import tomllib
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from types import CodeType, FrameType
from typing import Final, NamedTuple

import trio
import trio.testing

import moxlite
from moxlite.net.resolver import FakeResolver
from tests.house import PASSWORD, STATIC, Running, house
from tests.session.imapd_harness import Client as IMAPClient
from tests.session.smtpd_harness import Client as SMTPClient

__all__ = ["Calls", "Climb", "Tracer", "Walk", "follow"]

HERE: Final = os.path.dirname(os.path.abspath(moxlite.__file__)) + os.sep
STARTING: Final = (os.path.join("trio", "_core", "_run.py"), HERE + "supervision.py")
"""Ends of the paths of modules that start tasks: what a task does is not called by them."""

WALKS: Final = STATIC.replace(
    "[listeners.one]", "[listeners.one]\nsubmission = { enabled = true, port = 1587, require_tls = false }", 1
)
"""moxlite.toml of the walks: the first listener accepts submissions as well."""

MESSAGE: Final = b"From: <%s>\r\nTo: <%s>\r\nSubject: walk %d\r\nMessage-ID: <%s%d@remote.example>\r\n\r\nHi\r\n"

WARM_UP: Final = 2
"""Messages of each walk before those that are followed."""

RUNS: Final = 3
"""Messages of each walk that are followed."""

ZONES: Final = {
    "A": {"remote.example": ["127.0.0.1"], "client.example": ["127.0.0.1"]},
    "PTR": {"127.0.0.1": ["client.example"]},
    "TXT": {"remote.example": ["v=spf1 ip4:127.0.0.1 -all"]},
}
"""DNS of the walks: a sender with SPF."""

SETTLED: Final = 0.3
"""Seconds without a step of any task, after which nothing of a walk is left to do but what a thread still does."""

SECONDS: Final = 10.0
"""Seconds in which a message must come to its mail program."""

Climb = tuple[str, str]
"""The function that calls, as ``module.qualname``, and the package that it calls."""

Calls = Mapping[Climb, Counter[str]]
"""The functions that are called, by climb."""


class Walk(NamedTuple):
    """The climbs of a walk, and the functions of its way: each its file below moxlite, and its name."""

    climbs: Calls
    functions: frozenset[tuple[str, str]]

    def __str__(self) -> str:
        """The numbers of functions, files, folders and packages of the way."""
        files = {file for file, _ in self.functions}
        folders = {os.path.dirname(file) for file in files}
        packages = {file.partition(os.sep)[0] for file in files if os.sep in file}
        numbers = (len(self.functions), len(files), len(folders), len(packages))
        return "{} functions in {} files, {} folders, {} packages".format(*numbers)


@cache
def ranks() -> Mapping[str, int]:
    """Packages and modules of moxlite with their height in the order of imports, 0 the lowest; equal ones are
    siblings.
    """
    text = (Path(HERE).parent / "pyproject.toml").read_text()
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    layers: list[str] = next(one["layers"] for one in contracts if "containers" not in one and one["type"] == "layers")
    return {
        name.strip().removeprefix("moxlite."): height
        for height, layer in enumerate(reversed(layers))
        for name in layer.split("|")
    }


class Tracer:
    """Counts the climbs of all threads that start in its block, while `on`, and keeps the functions that they call."""

    def __init__(self) -> None:
        self.on = False
        self.functions: set[CodeType] = set()
        self.climbs: defaultdict[Climb, Counter[str]] = defaultdict(Counter)
        self._known: dict[CodeType, tuple[str, int] | None] = {}
        self._starts: dict[CodeType, bytes] = {}

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Watch this thread and those that start within the block."""
        threading.setprofile(self._called)
        sys.setprofile(self._called)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def _called(self, frame: FrameType, event: str, _: object) -> None:
        if not self.on or event != "call":
            return
        called = self._place(frame.f_code)
        if called is None or self._resumed(frame):
            return
        self.functions.add(frame.f_code)
        caller = self._caller(frame)
        if caller is not None and caller[1] < called[1]:
            self.climbs[caller[0], called[0].partition(".")[0]][called[0]] += 1

    def _resumed(self, frame: FrameType) -> bool:
        """Whether a coroutine or generator goes on, which was called earlier: RESUME has an argument then."""
        code = self._starts.get(frame.f_code)
        if code is None:
            code = self._starts[frame.f_code] = frame.f_code.co_code
        return bool(code[frame.f_lasti + 1])

    def _caller(self, frame: FrameType) -> tuple[str, int] | None:
        """The nearest function of moxlite that this call comes from; None for the begin of a task or thread."""
        at = frame.f_back
        while at is not None and not at.f_code.co_filename.endswith(STARTING):
            place = self._place(at.f_code)
            if place is not None:
                return place
            at = at.f_back
        return None

    def _place(self, code: CodeType) -> tuple[str, int] | None:
        """Name and height of a function; None for one of others."""
        with contextlib.suppress(KeyError):
            return self._known[code]
        place = None
        if code.co_filename.startswith(HERE):
            module = code.co_filename.removeprefix(HERE).removesuffix(".py").replace(os.sep, ".")
            height = ranks().get(module.partition(".")[0])
            if height is not None:
                place = f"{module}.{code.co_qualname}", height
        self._known[code] = place
        return place


async def follow(folder: Path) -> Mapping[str, Walk]:
    """Way and climbs of each walk, in a server below `folder`: an incoming message, and a submission to an account of
    the same server; each until the recipient's mail program is told. Walks go over files and modules that an earlier
    message has opened.
    """
    tracer = Tracer()
    found: dict[str, Walk] = {}
    with tracer.installed():
        async with house(folder, static=WALKS, resolver=FakeResolver(ZONES)) as running:
            walks: Sequence[tuple[str, Callable[[], Awaitable[SMTPClient]], str, str, str]] = (
                ("message", running.smtp, "mia", "ann@remote.example", "mia@example.org"),
                ("submission", partial(_submission, running), "tom", "mia@example.org", "tom@example.org"),
            )
            for walk, begin, account, sender, to in walks:
                program = await running.imap(account)
                await program.select()
                await program.idle()
                runs: list[Walk] = []
                for number in range(WARM_UP + RUNS):
                    tracer.climbs, tracer.functions = defaultdict(Counter), set()
                    tracer.on = number >= WARM_UP
                    client = await begin()
                    message = MESSAGE % (sender.encode(), to.encode(), number, walk.encode(), number)
                    assert (await client.deliver(to, message, sender)).startswith("250")
                    await _told(program)
                    await trio.testing.wait_all_tasks_blocked(SETTLED)
                    tracer.on = False
                    runs.append(Walk(tracer.climbs, frozenset(map(_named, tracer.functions))))
                followed = runs[WARM_UP:]
                functions = frozenset.intersection(*(run.functions for run in followed))
                found[walk] = Walk(_in_all([run.climbs for run in followed]), functions)
    return found


def _named(code: CodeType) -> tuple[str, str]:
    """File and name of a function."""
    return code.co_filename.removeprefix(HERE), code.co_qualname


def _in_all(runs: Sequence[Calls]) -> Calls:
    """The climbs that each run has: others are of the server's periodic tasks."""
    first, *others = runs
    return {
        climb: Counter({one: count for one, count in called.items() if all(one in run[climb] for run in others)})
        for climb, called in first.items()
        if all(climb in run for run in others)
    }


async def _told(program: IMAPClient) -> None:
    """Wait until an idling mail program is told of a new message."""
    with trio.fail_after(SECONDS):
        while b"EXISTS" not in (line := await program.line()):
            assert line, "the connection was closed"


async def _submission(running: Running) -> SMTPClient:
    """A client of mia that has logged in at the submission port."""
    client = await running.smtp(service="submission")
    plain = base64.b64encode(f"\0mia@example.org\0{PASSWORD}".encode()).decode()
    assert (await client.say(f"AUTH PLAIN {plain}")).startswith("235")
    return client
