"""The memory that the server's process has, beside what the budget's table reckons with."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from moxlite.heap import Trimmer, memory_used
from moxlite.ledger import begin
from moxlite.process import budget
from moxlite.process.budget import CHILDREN, keep_within, make_budget


def test_the_process_may_have_what_its_children_and_the_system_leave() -> None:
    """STORE-198c"""
    most = make_budget(None, 384_000_000).memory
    assert most is not None
    assert 280_000_000 < most < 384_000_000 - CHILDREN
    assert make_budget(None).memory is None


def test_memory_of_files_is_not_counted(tmp_path: Path) -> None:
    """STORE-198c: the system takes it back by itself."""
    statm = tmp_path / "statm"
    assert memory_used(statm) is None  # not on Linux
    statm.write_text("900 300 100 1 0 250 0\n")
    used = memory_used(statm)
    assert used is not None
    assert used % 200 == 0


async def test_the_ledger_gives_out_less_while_the_process_has_too_much(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """STORE-198c"""
    total, most = 64_000_000, 300_000_000
    used = most + total // 4
    monkeypatch.setattr(budget, "memory_used", lambda: used)
    monkeypatch.setattr(Trimmer, "early", lambda _: True)  # its thread wouldn't keep to the clock of the test
    book = begin(total)

    def room() -> int:
        """Bytes that the ledger still gives out."""
        hold = book.hold()
        left = total
        while not hold.try_take("request", left):
            left -= total // 8
        hold.close()
        return left

    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_within, most)
        await trio.sleep(0.5)
        assert room() == total * 3 // 4
        used = most
        await trio.sleep(2)
        assert room() == total
        nursery.cancel_scope.cancel()
