"""What is made at its first use."""

import threading

import pytest
import trio

from moxlite.lazyimport import Lazy


async def test_it_is_made_once_for_all_who_ask_and_in_a_thread() -> None:
    """ADMIN-82: the event loop goes on meanwhile."""
    made: list[str] = []
    asked = threading.Event()

    def make() -> object:
        assert asked.wait(30)
        made.append(threading.current_thread().name)
        return object()

    one = Lazy(make)
    got: list[object] = []

    async def ask() -> None:
        got.append(await one.get())

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        asked.set()
    assert len(made) == 1
    assert made[0] != threading.main_thread().name
    assert len(got) == 3
    assert len(set(map(id, got))) == 1
    assert await one.get() is got[0]


async def test_what_could_not_be_made_is_tried_again() -> None:
    """A file that was missing may be there the next time."""
    answers: list[OSError | str] = [OSError("gone"), "made"]

    def make() -> str:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    one = Lazy(make)
    with pytest.raises(OSError, match="gone"):
        await one.get()
    assert await one.get() == "made"
