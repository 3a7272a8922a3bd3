"""Performing the actions of a delivery: each effect once, however often it is tried (STORE-60, STORE-61)."""

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import PreparedMessage
from moxlite.store.delivery.actions import (
    AnyAction,
    Delivery,
    Discard,
    FileInto,
    KeepReject,
    Mark,
    NoCarrier,
    Notify,
    Redirect,
    Vacation,
    messages_by_messageid,
)
from moxlite.store.delivery.perform import OwedRow, perform, suppress_retry
from moxlite.store.delivery.reasons import MAX_WHY, read_why
from moxlite.store.errors import OverQuota, StoreError
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.facts import MessageFacts, SMTPFacts
from moxlite.store.options import Options
from moxlite.store.types import Flag
from moxlite.store.upkeep.check import check_account
from moxlite.store.upkeep.erase import reclaim
from tests.store_fixtures import accounts, store_options
from tests.store_mail import box, look, mail, prepared, rows
from tests.tools import top

__all__ = ["accounts", "store_options"]

NAMES = ("Inbox", "Lists", "Lists/Trio", "Rejects")


def made_up(rng: random.Random) -> list[AnyAction]:
    """Any list of actions that can be performed."""

    def one() -> AnyAction:
        some: list[AnyAction] = [Discard(), KeepReject(mailbox="Rejects", destined="Inbox")]
        some += [
            FileInto(
                mailbox=name,
                flags=rng.choice([0, int(Flag.SEEN), int(Flag.FLAGGED | Flag.SEEN)]),
                keywords=rng.choice([(), ("work",), ("$label1", "x")]),
                mark=rng.choice([None, None, Mark.REJECT, Mark.LIST]),
                destined=rng.choice(["", "", "Inbox"]),
            )
            for name in NAMES[:3]
        ]
        return rng.choice(some)

    return [one() for _ in range(rng.randrange(6))]


FACTS = MessageFacts(smtp=SMTPFacts(remote_ip="192.0.2.1"))


class _Killed(StoreError):
    """Stands for whatever ends a unit before its commit."""


def effects(actions: list[AnyAction]) -> Counter[tuple[str, int, tuple[str, ...], bool]]:
    """The messages that a list of actions leaves, by the rules: the model. Mailbox, flags, keywords, is_reject."""
    found: dict[str, tuple[str, int, tuple[str, ...], bool]] = {}
    for action in actions:
        if isinstance(action, FileInto) and action.mailbox not in found:
            words = tuple(sorted(action.keywords))
            found[action.mailbox] = (action.mailbox, action.flags, words, action.mark is Mark.REJECT)
        elif isinstance(action, KeepReject) and action.mailbox not in found:
            found[action.mailbox] = (action.mailbox, int(Flag.SEEN), (), True)
    return Counter(found.values())


async def state(account: Account, messageid: str) -> Counter[tuple[str, int, tuple[str, ...], bool]]:
    """What there is, but for the flags that mailboxes set (STORE-84)."""
    found = await look(
        account,
        lambda r: r.rows(
            "SELECT b.name, m.flags & ~48, m.keywords, m.is_reject FROM message m JOIN mailbox b ON b.id = m.mailbox_id"
            " WHERE m.messageid = ?",
            messageid,
        ),
    )
    return Counter((name, flags, tuple(sorted(words.split())), reject != 0) for name, flags, words, reject in found)


@pytest.mark.parametrize("seed", range(4))
async def test_any_list_of_actions_is_done_once_however_often_it_is_cut_off(accounts: Accounts, seed: int) -> None:
    """STORE-60, STORE-61, STORE-189: the unit is aborted before any of its statements, and performed again."""
    rng = random.Random(seed)
    async with accounts.use("mia") as account:
        for number in range(1000, 1020):
            actions = made_up(rng)
            ready = await prepared(mail(number))
            if rng.random() < 0.3:  # as a large one, whose body is written before the unit
                ready = msgspec.structs.replace(ready, chunks=None)
            kills = [rng.randrange(1, 60) for _ in range(rng.randrange(4))]
            await cut_off(account, ready, Delivery(actions=tuple(actions), facts=FACTS, why=b"why"), number, kills)
        await account.write(reclaim)  # as the next open does: a kill may have hit the unit that removes an unused body
        assert await account.scan(lambda r: check_account(r, deep=True), op="test") == []


async def cut_off(account: Account, ready: PreparedMessage, delivery: Delivery, number: int, kills: list[int]) -> None:
    """Perform a delivery with failures before these statements, then twice in peace."""
    key, owed = b"key %d" % number, OwedRow(b"owed %d" % number, "submit", b"data")
    messageid, wanted = f"{number}@example.com", effects(list(delivery.actions))
    for statement in kills:
        before = await state(account, messageid)
        with pytest.MonkeyPatch.context() as patch:
            kill_at(patch, statement)
            try:
                await perform(account, ready, delivery, key, owes=[owed])
            except _Killed:
                wanted_now = before
            else:
                wanted_now = wanted
        assert await state(account, messageid) == wanted_now
    for _ in range(2):
        await perform(account, ready, delivery, key, owes=[owed])
        assert await state(account, messageid) == wanted
        assert await look(account, lambda r: r.value("SELECT count(*) FROM outbox WHERE key = ?", owed.key)) == 1
    for message_id in await look(account, lambda r: messages_by_messageid(r, messageid)):
        assert await look(account, lambda r, i=message_id: read_why(r, i)) == b"why"  # type: ignore[misc]  # binds the loop's value


def kill_at(patch: pytest.MonkeyPatch, statement: int) -> None:
    """Let the unit fail before so many statements that change something."""
    left = statement
    for name in ("execute", "executemany", "insert", "row"):
        real = getattr(AccountTx, name)

        def counted(self: AccountTx, *args: Any, real: Any = real) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                raise _Killed
            return real(self, *args)

        patch.setattr(AccountTx, name, counted, raising=False)


async def test_the_content_of_copies_is_shared(accounts: Accounts) -> None:
    """STORE-25, STORE-61: of those alike also what is beside the message."""
    async with accounts.use("mia") as account:
        actions = (FileInto(mailbox="Inbox"), FileInto(mailbox="A"), FileInto(mailbox="B", flags=int(Flag.SEEN)))
        done = await perform(account, await prepared(mail()), Delivery(actions=actions, why=b"why"))
        assert done.added is not None
        assert len(done.copies) == 2
        assert await look(account, lambda r: r.rows("SELECT refs FROM body")) == [(3,)]
        assert await look(account, lambda r: r.rows("SELECT email_id, why FROM message_header ORDER BY 1")) == [
            (done.added.message_id, b"why"),
            (done.copies[1], b"why"),
        ]
        await account.write(lambda tx: expunge_ids(tx, [done.added.message_id, *done.copies]))  # type: ignore[union-attr]
        await account.eraser.once()
        assert await look(account, lambda r: r.rows("SELECT 1 FROM message_header")) == []
        assert await account.scan(check_account, op="test") == []


async def test_nothing_is_kept_of_what_is_discarded_but_its_key(accounts: Accounts) -> None:
    """STORE-189"""
    async with accounts.use("mia") as account:
        done = await perform(account, await prepared(mail()), Delivery(actions=(Discard(),)), b"key")
        assert done.added is None
        assert not done.again
        files = Delivery(actions=(FileInto(mailbox="Inbox"),))
        assert (await perform(account, await prepared(mail()), files, b"key")).again
        assert await rows(account) == []


@pytest.mark.parametrize(
    "action",
    [
        Redirect(to="a@b.example"),
        Vacation(handle=b"h", to="ann@remote.example", seconds=604800, subject="away", text="soon"),
        Notify(method="webhook", target="https://example.org"),
    ],
)
async def test_an_action_without_a_carrier_is_refused_and_nothing_is_done(
    accounts: Accounts, action: AnyAction
) -> None:
    """STORE-61"""
    async with accounts.use("mia") as account:
        with pytest.raises(NoCarrier):
            await perform(account, await prepared(mail()), Delivery(actions=(FileInto(mailbox="Inbox"), action)))
        assert await rows(account) == []


async def test_a_copy_beyond_the_quota_undoes_all(accounts: Accounts, store_options: Options) -> None:
    """STORE-61, STORE-62"""
    async with accounts.use("mia") as account:
        size = len(mail())
        account.options = msgspec.structs.replace(
            store_options,
            account_config=lambda name: msgspec.structs.replace(account_config(store_options), quota=size + 1),
        )
        both = Delivery(actions=(FileInto(mailbox="Inbox"), FileInto(mailbox="A")))
        with pytest.raises(OverQuota):
            await perform(account, await prepared(mail()), both, b"k")
        assert await rows(account) == []
        assert (await perform(account, await prepared(mail()), Delivery(actions=both.actions[:1]), b"k")).added


def account_config(options: Options) -> Any:
    found = options.account_config("mia")
    assert found is not None
    return found


async def test_what_a_client_brings_again_is_not_stored_twice(accounts: Accounts) -> None:
    """SMTP-108: it was told to try again, and this account has the message; a third one is another message."""
    files = Delivery(actions=(FileInto(mailbox="Inbox"),))
    async with accounts.use("mia") as account:
        await perform(account, await prepared(mail()), files, b"first", retried=b"digest")
        await suppress_retry(account, b"digest")
        assert (await perform(account, await prepared(mail()), files, b"second", retried=b"digest")).again
        assert (await perform(account, await prepared(mail()), files, b"third", retried=b"digest")).added
        assert len(await rows(account)) == 2


async def test_a_delivery_packs_into_a_row(accounts: Accounts) -> None:
    """QUEUE-28: and damaged octets are not taken for one."""
    delivery = Delivery(
        actions=(
            FileInto(mailbox="A", flags=1, keywords=("x",), mark=Mark.FORWARD, forwarder="b.example", destined="B"),
            KeepReject(mailbox="R", destined="Inbox", unlimited=True),
            Discard(),
            Redirect(to="a@b.example", owed=b"x"),
            Vacation(handle=b"h", to="a@b.example", seconds=9, owed=b"y"),
            Notify(method="mailto", target="a@b.example", payload=b"x"),
        ),
        facts=FACTS,
        why=b"why",
        clear_rejects="R",
        received=5,
    )
    assert Delivery.unpack(delivery.pack()) == delivery
    with pytest.raises((msgspec.DecodeError, msgspec.ValidationError)):
        Delivery.unpack(delivery.pack()[:-1])


async def test_reasons_are_bounded(accounts: Accounts) -> None:
    """ADMIN-77: at most 2 KiB are beside a message."""
    async with accounts.use("mia") as account:
        files = Delivery(actions=(FileInto(mailbox="Inbox"),), why=b"x" * MAX_WHY)
        await perform(account, await prepared(mail()), files)
        with pytest.raises(ValueError, match="delivery details are too large"):
            await perform(account, await prepared(mail(2)), msgspec.structs.replace(files, why=b"x" * (MAX_WHY + 1)))
        assert (await box(account)).exists == 1


CHILD = """
import sys, trio
from pathlib import Path
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.actions import Delivery, FileInto, KeepReject, Redirect
from moxlite.store.delivery.forwarding import confirm_target
from moxlite.store.delivery.perform import OwedRow, perform
from moxlite.store.options import Options

async def main():
    accounts = Accounts(Path(sys.argv[1]), Options(min_free_space=0))
    try:
        async with accounts.use("mia") as account:
            await account.write(lambda tx: confirm_target(tx, "eva@far.example"))
            for n in range(int(sys.argv[2])):
                head = f"Message-ID: <{n}@x>\\r\\n\\r\\n{n}\\r\\n".encode()
                actions = (FileInto(mailbox="Inbox"), FileInto(mailbox="Copy"),
                    KeepReject(mailbox="Rejects", destined="Inbox"))
                if "redirect" in sys.argv:
                    actions = (Redirect(to="eva@far.example", owed=b"owed"),)
                owed = OwedRow(b"owed %d" % n, "submit", b"data")
                with Spool.of(head) as spool:
                    await perform(account, await prepare(spool), Delivery(actions=actions, why=b"w"), b"key %d" % n,
                        owes=[owed])
                print(n, flush=True)
    finally:
        await accounts.aclose()

trio.run(main)
"""


def deliver_until(folder: Path, count: int, lines: int | None, *kind: str) -> None:
    """Let a process make deliveries, and kill it once it has told of so many; None lets it end."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), str(count), *kind],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(top())},
    ) as child:
        assert child.stdout is not None
        for number, _ in enumerate(child.stdout, 1):
            if number == lines:
                os.kill(child.pid, signal.SIGKILL)
                return
        assert child.wait() == 0


@pytest.mark.slow
async def test_after_kill_9_the_same_deliveries_end_in_the_same_account(tmp_path: Path) -> None:
    """STORE-160, STORE-189: a process is killed again and again; each begins with the first delivery."""
    count = 60
    rng = random.Random("perform")
    for lines in (*(rng.randrange(1, count) for _ in range(4)), None):
        await trio.to_thread.run_sync(deliver_until, tmp_path, count, lines)
    accounts = Accounts(tmp_path, Options(min_free_space=0, check_on_close=True))
    try:
        async with accounts.use("mia") as account:
            assert await account.scan(lambda r: check_account(r, deep=True), op="test") == []
            found = await look(
                account,
                lambda r: r.rows(
                    "SELECT b.name, count(*), count(DISTINCT m.messageid) FROM message m"
                    " JOIN mailbox b ON b.id = m.mailbox_id GROUP BY b.name ORDER BY b.name"
                ),
            )
            assert json.dumps(found) == json.dumps([(name, count, count) for name in ("Copy", "Inbox", "Rejects")])
            assert await look(account, lambda r: r.value("SELECT count(*) FROM outbox")) == count
    finally:
        await accounts.aclose()


@pytest.mark.slow
async def test_after_kill_9_each_redirect_is_owed_once(tmp_path: Path) -> None:
    """SMTP-159, SMTP-160a: a kill between a unit and the next one leaves a message sent on, and kept."""
    count, kills = 60, 4
    rng = random.Random("redirect")
    for lines in (*(rng.randrange(1, count) for _ in range(kills)), None):
        await trio.to_thread.run_sync(deliver_until, tmp_path, count, lines, "redirect")
    accounts = Accounts(tmp_path, Options(min_free_space=0, check_on_close=True))
    try:
        async with accounts.use("mia") as account:
            assert await account.scan(lambda r: check_account(r, deep=True), op="test") == []
            owed = "SELECT count(*), count(message_id) FROM outbox"
            assert await look(account, lambda r: r.rows(owed)) == [(2 * count, count)]
            assert await look(account, lambda r: r.value("SELECT count(*) FROM message")) <= kills
    finally:
        await accounts.aclose()
