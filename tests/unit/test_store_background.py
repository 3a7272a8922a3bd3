"""Background work gives way to everything else (moxlite/store/file/threads.py)."""

import hashlib
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content.body import Compression
from moxlite.store.file import threads
from moxlite.store.file.threads import BUSY, LOOK, PIECE, REST, Background
from moxlite.store.junk import words
from moxlite.store.junk.words import GENERATIONS, Meta
from moxlite.store.junkflags import Grams
from moxlite.store.options import Options
from moxlite.store.search import builder
from moxlite.store.upkeep import reparse, scrub
from tests.store_mail import put

META = Meta(GENERATIONS[0], None, 0, 0, b"s" * 16, Grams(), 1, False, None)


class Machine:
    """One processor and its clocks. `busy`: the share of it that others use, while this thread works and rests."""

    def __init__(self) -> None:
        self.now = self.ours = self.others = self.rested = 0.0
        self.busy = 0.0

    def work(self, seconds: float) -> None:
        self.now += seconds
        self.ours += seconds
        self.others += seconds * self.busy

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.rested += seconds
        self.others += seconds * self.busy

    def perf_counter(self) -> float:
        return self.now

    def thread_time(self) -> float:
        return self.ours

    def process_time(self) -> float:
        return self.ours + self.others

    def pthread_getcpuclockid(self, thread: int) -> int:
        return thread

    def clock_gettime(self, clock: int) -> float:
        return self.ours


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(threads, "time", machine)
    monkeypatch.setattr(threads, "_ours", threads._BackgroundTime())
    return machine


def run(machine: Machine, seconds: float) -> None:
    with Background() as work:
        end = machine.ours + seconds
        while machine.ours < end:
            machine.work(PIECE / 4)
            work.give_way()


def test_without_others_it_does_not_rest(machine: Machine) -> None:
    """STORE-112"""
    run(machine, 1.0)
    machine.busy = BUSY / 2
    run(machine, 1.0)
    assert machine.rested == 0


def test_while_others_are_at_work_a_tenth_of_the_time_is_left(machine: Machine) -> None:
    """STORE-112: it comes to an end, however busy the server is."""
    machine.busy = 1.0
    run(machine, 0.2)
    assert machine.rested == pytest.approx(0.2 * REST / PIECE, rel=0.25)


def test_it_goes_on_soon_after_others_have_ended(machine: Machine) -> None:
    """STORE-112"""
    machine.busy = 1.0
    with Background() as work:
        machine.work(2 * PIECE)
        machine.busy = 0.0
        work.give_way()
    assert machine.rested == pytest.approx(LOOK)
    run(machine, 0.1)
    assert machine.rested == pytest.approx(LOOK)


@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="threads' clocks can't be read here")
def test_two_of_its_kind_do_not_hold_up_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-112: what other background work uses is not taken for others, though its piece is not over."""
    monkeypatch.setattr(threads, "_ours", threads._BackgroundTime())
    rests: list[str] = []
    monkeypatch.setattr(Background, "_rest", lambda work: rests.append(threading.current_thread().name))
    begun, over = threading.Barrier(2, timeout=60), threading.Event()

    def one_long_piece() -> None:
        with Background():
            begun.wait()
            while not over.is_set():
                hashlib.sha256(bytes(100_000)).digest()

    other = threading.Thread(target=one_long_piece)
    other.start()
    begun.wait()
    try:
        with Background() as work:
            until = time.thread_time() + 50 * PIECE
            while time.thread_time() < until:
                hashlib.sha256(bytes(100_000)).digest()
                work.give_way()
    finally:
        over.set()
        other.join()
    assert len(rests) <= 2  # other tests' threads may come to their end meanwhile


async def test_all_that_works_in_the_background_gives_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-59, STORE-86, STORE-112, STORE-181, STORE-182: after each message, or chunk."""
    pieces = 0

    class Counted(Background):
        def give_way(self) -> None:
            nonlocal pieces
            pieces += 1
            super().give_way()

    rooms: tuple[Any, ...] = (builder, words, reparse, scrub)
    for room in rooms:
        monkeypatch.setattr(room, "Background", Counted)
    accounts = Accounts(tmp_path / "data", Options(min_free_space=0, search_index=True))
    async with accounts.use("mjl") as account:
        await put(account, 5)
        await account.indexer.once()
        assert pieces == 10  # read, and written
        await account.scan(lambda r: words.tokenise(r, META, [1, 2, 3, 4, 5]), op="test")
        assert pieces == 15
        await reparse.reparse(account, force=True)
        assert pieces == 20
        await scrub.scrub(account)
        assert pieces == 25
        await scrub.recompress(account, Compression.NONE)
        assert pieces == 30
    await accounts.aclose()
