"""The administrator is told of databases that cannot be used (docs/spec/store.md, STORE-158)."""

import logging
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import apsw
import pytest
import trio
import trio.lowlevel

from moxlite.admin.notices import notify_postmaster
from moxlite.admin.storage import alarms
from moxlite.admin.storage.alarms import StorageFaults
from moxlite.admin.storage.settings import store_options
from moxlite.config.load import load
from moxlite.config.snapshot import FixedConfig
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content.body import message_range
from moxlite.store.errors import FilterDamaged, StorageBroken, StorageFull, StoreError
from moxlite.store.file.boundary import of_filter
from moxlite.store.file.transaction import Tx
from tests.small_config import STATIC
from tests.store_fixtures import soon
from tests.store_mail import look, rows
from tests.supervised import supervised

DOMAINS = '[domains."example.org"]\n' + "".join(
    f'[accounts.{name}]\ndomain = "example.org"\n[accounts.{name}.destinations."{name}@example.org"]\n'
    for name in ("me", "you", "them")
)


class Place:
    """Accounts of a server whose faults are told to the postmaster, `me`."""

    def __init__(self, accounts: Accounts, faults: StorageFaults, listen: Callable[[], None]) -> None:
        self.accounts = accounts
        self.faults = faults
        self.listen = listen

    async def fail(self, name: str, error: apsw.Error) -> None:
        """Something goes wrong with an account."""

        def unit(tx: Tx) -> None:
            raise error

        with pytest.raises(StorageBroken):
            async with self.accounts.use(name) as account:
                await account.write(unit)

    async def notices(self) -> list[str]:
        """The texts in the mailbox of the postmaster."""
        async with self.accounts.use("me") as account:
            if not await look(account, lambda r: r.value("SELECT 1 FROM mailbox WHERE name = 'Postmaster'")):
                return []
            ids = [row.id for row in await rows(account, "Postmaster")]
            return [(await look(account, lambda r, i=i: message_range(r, i))).decode() for i in ids]  # type: ignore[misc]


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    (tmp_path / "data/tmp").mkdir(parents=True)
    snapshot, _ = load(tmp_path / "moxlite.toml")
    monkeypatch.setattr(alarms, "GATHER", 0.01)
    monkeypatch.setattr(alarms, "RETRY", 0.05)
    faults = StorageFaults()
    accounts = Accounts(snapshot.static.data_dir, store_options(FixedConfig(snapshot), degraded=faults.note))
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, accounts)
        yield Place(accounts, faults, lambda: nursery.start_soon(faults.serve, accounts, FixedConfig(snapshot)))
        nursery.cancel_scope.cancel()


async def test_the_postmaster_hears_of_a_damaged_junk_filter(place: Place) -> None:
    """STORE-158h: the account isn't degraded, and the notice says that mail is delivered."""

    def unit(tx: Tx) -> None:
        with of_filter():
            raise apsw.CorruptError("bad page")

    place.listen()
    async with place.accounts.use("you") as account:
        with pytest.raises(FilterDamaged):
            await account.write(unit)
        await account.write(lambda tx: tx.execute("UPDATE state SET id = id"))
    await soon(place.notices, seconds=30)
    [text] = await place.notices()
    assert "the junk filter can't be used, but mail is delivered: bad page" in " ".join(text.split())


async def test_the_postmaster_hears_of_a_degraded_account_once(place: Place) -> None:
    """STORE-158: what breaks together is told together, with what to do; repeated failures say nothing new."""
    await place.fail("you", apsw.CorruptError("bad page"))
    await place.fail("them", apsw.IOError("disk I/O error"))
    place.listen()
    await soon(place.notices, seconds=30)
    await place.fail("you", apsw.CorruptError("bad page"))
    await place.fail("them", apsw.IOError("disk I/O error"))
    [text] = await place.notices()
    assert "Subject: [moxlite mx.example.org] Storage problem: account them and 1 more is damaged or read-only" in (
        text.replace("\r\n ", " ")
    )
    assert "- account you" in text
    assert "CorruptError: bad page" in text
    assert "moxlite store check you --deep" in text
    assert not place.faults._waiting


async def test_an_account_that_cannot_even_be_opened_is_told(place: Place) -> None:
    """STORE-158: NOTADB at the first use, in whichever thread that was."""
    place.listen()
    folder = place.accounts.path("you")
    folder.mkdir(parents=True)
    (folder / "account.db").write_bytes(b"no database at all " * 1000)
    for _ in range(3):
        with pytest.raises(StoreError):
            async with place.accounts.use("you"):
                pass
    await soon(place.notices, seconds=30)
    [text] = await place.notices()
    assert "Storage problem: account you is damaged" in text.replace("\r\n ", " ")


async def test_a_notice_that_cannot_be_stored_is_tried_again(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-158: as when it is the postmaster's own disk that is full."""
    failures = iter([True, True])

    async def notify(*args: Any, **more: Any) -> None:
        if next(failures, False):
            raise StorageFull("no room")
        await notify_postmaster(*args, **more)

    monkeypatch.setattr(alarms, "notify_postmaster", notify)
    place.listen()
    with caplog.at_level(logging.ERROR):
        await place.fail("you", apsw.IOError("disk I/O error"))
        await soon(place.notices, seconds=30)
    assert [one.message for one in caplog.records].count("failed to send postmaster email") == 2
    assert len(await place.notices()) == 1


def test_a_database_is_told_again_the_next_day(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """STORE-158: and no more databases are kept in mind than a bound."""
    faults = StorageFaults()
    path = tmp_path / "account.db"
    faults._told[path] = time.monotonic()
    faults.note("you", path, "x")
    assert not faults._waiting
    faults._told[path] -= alarms.TOLD_AGAIN
    faults.note("you", path, "x")
    assert list(faults._waiting) == [path]
    monkeypatch.setattr(alarms, "MAX_FAULTS", 2)
    for number in range(5):
        faults.note("more", tmp_path / str(number), "x")
    assert len(faults._waiting) == 2
