"""Opening HTML mail in the webmail: ``python -m bench.opening``, figures on standard output.

A server of its own in a folder that goes away, and its client in the same process; the thirty newsletters of the
tests, and ten of them blown up to a megabyte. Times are of the clock, and of processors: the second are what counts on
a machine that is busy otherwise.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec
import trio

from moxlite.sandbox import processes
from moxlite.sandbox.process import Process, start_process
from moxlite.store.types import MessageID
from tests.house import soon
from tests.newsletters import blown_up, newsletters
from tests.store_mail import deliver_mail
from tests.web_rig import Browser, Rig, open_rig

__all__ = ["main"]

HEAD = "From: a@example.com\r\nSubject: news\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"


SETTLE = 10.0
"""Seconds for the search index and the like."""


class Took(msgspec.Struct, frozen=True):
    """Milliseconds of a request: of the clock, and of processors in the server with its client, and in the process."""

    clock: float
    server: float
    process: float


def worked(pid: int) -> float:
    """Milliseconds of processors that a process has taken."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6 if pid else 0.0


async def took(work: Callable[[], Awaitable[object]], pid: int = 0) -> Took:
    """Measure one request."""
    began, server, process = time.perf_counter(), time.process_time(), worked(pid)
    await work()
    return Took(1000 * (time.perf_counter() - began), 1000 * (time.process_time() - server), worked(pid) - process)


def told(name: str, times: list[Took]) -> None:
    """Print a line: medians."""
    clock, server, process = (
        statistics.median(getattr(one, part) for one in times) for part in ("clock", "server", "process")
    )
    print(f"{name}: clock {clock:.1f} ms, processor {server:.1f} ms + {process:.1f} ms, {len(times)} times")


def memory(pid: int) -> float:
    """MB of a process: its own, and its part of what it shares."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1024


async def started() -> Took:
    """The start of a process, until it is ready."""
    found: list[Process] = []

    async def start() -> None:
        found.append(await start_process())

    one = await took(start)
    one = msgspec.structs.replace(one, process=worked(found[0].pid))
    await found[0].end()
    return one


async def measure(rig: Rig) -> None:
    """All figures."""
    browser = rig.browser()
    await browser.log_in()
    letters = [*newsletters().values()]
    processes.JOB_SECONDS = 60.0  # type: ignore[misc]  # figures, not bounds: the machine may be busy
    told("a process starts", [await started() for _ in range(10)])
    sandbox = rig.house.services.sandbox
    small = await delivered(rig, letters)
    with sandbox.page():
        await soon(lambda: sandbox.pids, "a process")
        [pid] = sandbox.pids
        told("head", [await took(partial(browser.call, "parsed_message", message_id=one)) for one in small])
        told("HTML", [await took(partial(drawn, browser, one), pid) for one in small])
        print(f"memory of the process: {memory(pid):.1f} MB")
        large = await delivered(rig, [blown_up(html, 1_000_000)[0] for html in letters[::3]])
        told("HTML of 1 MB", [await took(partial(drawn, browser, one), pid) for one in large])
        print(f"memory of the process: {memory(pid):.1f} MB")


async def delivered(rig: Rig, letters: Sequence[str]) -> list[MessageID]:
    """Ids of mails of HTML, a while after their delivery: the server has looked at them on its own by then."""
    async with rig.account() as account:
        found = [(await deliver_mail(account, (HEAD + html).encode())).message_id for html in letters]
    await trio.sleep(SETTLE)
    return found


async def drawn(browser: Browser, message: MessageID) -> None:
    """Fetch HTML that is shown as such."""
    answer = await browser.fetch(f"/webmail/msg/{message}/html")
    assert answer.status == 200
    assert b"to display" not in answer.body


async def run() -> None:
    """A server, measured."""
    with tempfile.TemporaryDirectory() as folder:
        async with trio.open_nursery() as nursery:
            await measure(await open_rig(Path(folder), nursery))
            nursery.cancel_scope.cancel()


def main() -> None:
    """Measure."""
    trio.run(run)


if __name__ == "__main__":
    main()
