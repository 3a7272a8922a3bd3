"""Whatever happens to messages, the filter ends up as one that learns everything anew (STORE-85..87)."""

import tempfile
from pathlib import Path

import pytest
import trio
from hypothesis import HealthCheck, given, settings, strategies as st

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.delivery.perform import append
from moxlite.store.junk import trainer
from moxlite.store.junk.words import read_meta
from moxlite.store.junkflags import JunkParams
from moxlite.store.mail.adding import Append
from moxlite.store.mail.copying import copy_messages, move_messages
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.flags import store_flags
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.options import AccountConfig, Options
from moxlite.store.types import Flag, MailboxID
from moxlite.store.upkeep.check import check_account
from tests.store_mail import box, look, mail, prepared

BOXES = ("Inbox", "Junk", "Work")
WORDS = ("alpha", "bravo", "charlie", "delta")

sets = st.lists(st.integers(1, 6), min_size=1, max_size=4)
box_index = st.integers(0, len(BOXES) - 1)
flags = st.sampled_from([Flag.JUNK, Flag.NOTJUNK, Flag.JUNK | Flag.NOTJUNK, Flag.SEEN])
operations = st.lists(
    st.one_of(
        st.tuples(st.just("append"), box_index, st.lists(st.sampled_from(WORDS), min_size=1, max_size=3)),
        st.tuples(st.just("store"), box_index, sets, st.sampled_from(["add", "remove", "replace"]), flags),
        st.tuples(st.just("copy"), box_index, sets, box_index),
        st.tuples(st.just("move"), box_index, sets, box_index),
        st.tuples(st.just("expunge"), box_index, sets),
        st.just(("learn",)),
        st.just(("erase",)),
        st.tuples(st.just("retrain"), st.integers(0, 3)),
    ),
    max_size=20,
)


class Stop(Exception):
    """Instead of a kill: the retraining ends between two of its units."""


async def stopped_retraining(account: OpenAccount, units: int) -> None:
    fill, left = trainer._fill, units

    def limited(tx: object, **args: object) -> int:
        nonlocal left
        left -= 1
        if left < 0:
            raise Stop
        return fill(tx, **args)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "BATCH", 1)
        patch.setattr(trainer, "_fill", limited)
        try:
            await account.trainer.retrain()
        except Stop:
            pass


async def perform(account: OpenAccount, ids: list[MailboxID], number: int, operation: tuple[object, ...]) -> None:
    match operation:
        case ("append", int(at), list(words)):
            await append(account, ids[at], [Append(await prepared(mail(number, body=" ".join(words))))])
        case ("store", int(at), list(uids), ("add" | "remove" | "replace") as mode, Flag() as bits):
            await account.write(lambda tx: store_flags(tx, ids[at], uids, mode=mode, flags=bits))
        case ("copy", int(at), list(uids), int(target)):
            await account.write(lambda tx: copy_messages(tx, ids[at], uids, ids[target]))
        case ("move", int(at), list(uids), int(target)) if at != target:
            await account.write(lambda tx: move_messages(tx, ids[at], uids, ids[target]))
        case ("expunge", int(at), list(uids)):
            await account.write(lambda tx: expunge(tx, ids[at], uids))
        case ("learn",):
            await account.trainer.once()
        case ("erase",):
            await account.eraser.once()
        case ("retrain", int(units)):
            await stopped_retraining(account, units)


async def counts(account: OpenAccount) -> tuple[int, int, list[tuple[int, int]]]:
    """What was learnt, without the hashes, which differ from generation to generation."""
    meta = (await look(account, read_meta))[0]
    assert meta is not None
    return (
        meta.hams,
        meta.spams,
        sorted((row[1], row[2]) for row in await look(account, lambda r: r.rows(meta.generation.all))),
    )


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(operations)
def test_incremental_counts_are_those_of_a_retraining(done: list[tuple[object, ...]]) -> None:
    """STORE-36, STORE-84, STORE-85, STORE-86, STORE-87: also when retrainings are cut short in between."""

    async def main() -> None:
        with tempfile.TemporaryDirectory() as folder:
            options = Options(
                min_free_space=0,
                check_on_close=True,
                account_config=lambda name: AccountConfig(junk_filter=JunkParams()),
            )
            accounts = Accounts(Path(folder), options)
            async with accounts.use("mia") as account:
                await account.write(lambda tx: ensure_mailbox(tx, "Work"))
                ids = [(await box(account, name)).id for name in BOXES]
                for number, operation in enumerate(done):
                    await perform(account, ids, number, operation)
                    assert await account.scan(lambda r: check_account(r, deep=True), op="check") == []
                await account.settle()
                incremental = await counts(account)
                await account.trainer.retrain()
                assert await counts(account) == incremental
                await account.settle()
                assert await look(account, lambda r: r.rows("SELECT * FROM erase_queue")) == []
            await accounts.aclose()

    trio.run(main)
