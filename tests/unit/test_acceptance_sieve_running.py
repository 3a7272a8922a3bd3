"""Turns of Sieve scripts, and scripts that are ready to run (IMAP-142c)."""

import trio
from trio.testing import wait_all_tasks_blocked

from moxlite.acceptance.sieve.filtering import AT_ONCE, KEPT, ready, turn_of
from moxlite.proto.sieve.checker import check
from moxlite.proto.sieve.script import pack
from moxlite.store.delivery.scripts import Compiled


async def test_an_account_has_one_turn_and_all_have_two() -> None:
    """IMAP-142c: an account that waits comes after one run of each other one, however much mail it gets."""
    order: list[str] = []
    running: list[str] = []
    over = trio.Event()

    async def one(account: str) -> None:
        async with turn_of(account):
            running.append(account)
            assert len(running) <= AT_ONCE
            assert len(set(running)) == len(running)
            order.append(account)
            await over.wait()
            await trio.lowlevel.checkpoint()
            running.remove(account)

    async with trio.open_nursery() as nursery:
        for account in ("a", "a", "a", "a", "b", "c"):
            nursery.start_soon(one, account)
            await wait_all_tasks_blocked()
        assert order == ["a", "b"]
        over.set()
    assert order[2] == "c" or order.index("c") < 4
    assert order.count("a") == 4


def compiled(text: str) -> Compiled:
    return Compiled(text.encode(), pack(check(text.encode())))


def test_few_large_scripts_are_kept_ready() -> None:
    """IMAP-142c: by their size, since a script of 64 KiB takes 5 MB; the ones used last."""
    first = compiled("# first\nkeep;")
    program = ready(first)
    assert ready(first) is program
    large = [compiled(f"# {at}\n" + "keep;" * 4000) for at in range(KEPT // 20_000 + 1)]
    for one in large:
        ready(one)
    assert ready(first) is not program
    assert ready(large[-1]) is ready(large[-1])


def test_a_script_that_this_version_refuses_is_none() -> None:
    """IMAP-141: packed by another version, and its text is refused now."""
    assert ready(Compiled(b"nothing;", b"")) is None
