"""Scrubbing, recompressing and measuring bodies (moxlite/store/upkeep/scrub.py)."""

import os

import pytest
import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content import body
from moxlite.store.content.body import CHUNK_SIZE, Compression, compression_of
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import append
from moxlite.store.mail.adding import Append
from moxlite.store.mail.copying import copy_messages
from moxlite.store.upkeep import scrub as scrub_module
from moxlite.store.upkeep.scrub import BodyStats, Damage, body_stats, recompress, scrub
from tests.store_fixtures import accounts, store_options
from tests.store_mail import box, look, mail, put

__all__ = ["accounts", "store_options"]


async def test_scrub_names_damaged_chunks_and_their_messages(accounts: Accounts) -> None:
    """STORE-181"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        await put(account, 3)
        long = await prepare(Spool.of(mail(9) + os.urandom(20 * CHUNK_SIZE)))
        added = (await append(account, inbox.id, [Append(long)]))[0]
        copied = await account.write(lambda tx: copy_messages(tx, inbox.id, [added.uid], inbox.id))
        assert await scrub(account, rate=1 << 40) == []
        body_id = await look(account, lambda r: r.value("SELECT max(id) FROM body"))
        harm = "UPDATE body_chunk SET digest = digest + ? WHERE id = ?"
        await account.write(lambda tx: tx.execute(harm, 1, (body_id << 16) + 18))
        assert await scrub(account, rate=1 << 40) == [Damage(body_id, 18, (added.message_id, *copied.message_ids))]
        await account.write(lambda tx: tx.execute(harm, -1, (body_id << 16) + 18))


async def test_scrub_keeps_to_its_rate(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-181"""
    waits: list[float] = []

    async def sleep_until(deadline: float) -> None:
        waits.append(deadline - trio.current_time())
        await trio.lowlevel.checkpoint()

    async with accounts.use("mia") as account:
        await put(account, 3)
        stored = (await look(account, body_stats)).stored
        monkeypatch.setattr("moxlite.store.upkeep.scrub.trio.sleep_until", sleep_until)
        await scrub(account, rate=1)
        monkeypatch.undo()
    assert len(waits) == 1
    assert waits[0] == pytest.approx(stored, abs=5)


async def test_bodies_are_measured_once_however_many_messages_have_them(accounts: Accounts) -> None:
    """STORE-180"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        await put(account, 2)
        await account.write(lambda tx: copy_messages(tx, inbox.id, [1, 2], inbox.id))
        stats = await look(account, body_stats)
        size = len(mail(1))
        assert stats == BodyStats(messages=4, logical=4 * size, bodies=2, plain=2 * size, stored=stats.stored)
        assert 0 < stats.stored <= 2 * size


async def test_recompressing_changes_the_encoding_and_no_octet(accounts: Accounts) -> None:
    """STORE-182"""
    text = mail(1, body="some text, again and again. " * 20_000)
    async with accounts.use("mia") as account:
        inbox = await box(account)
        added = await append(account, inbox.id, [Append(await prepare(Spool.of(text)))])
        noise = await append(account, inbox.id, [Append(await prepare(Spool.of(mail(2) + os.urandom(5000))))])

        async def encodings() -> list[Compression | None]:
            rows = await look(account, lambda r: r.rows("SELECT enc FROM body_chunk ORDER BY id"))
            return [compression_of(row[0]) for row in rows]

        assert await encodings() == [1, 1, 1, 0]
        for compression, expected in [
            (Compression.NONE, [0, 0, 0, 0]),
            (Compression.ZLIB, [2, 2, 2, 0]),
            (Compression.ZSTD, [1, 1, 1, 0]),
        ]:
            assert await recompress(account, compression, rate=1 << 40) == 3
            assert await recompress(account, compression, rate=1 << 40) == 0
            assert await encodings() == expected
            assert await account.scan(lambda r: body.message_range(r, added[0].message_id), op="test") == text
        assert len(await look(account, lambda r: body.message_range(r, noise[0].message_id))) == len(mail(2)) + 5000


@pytest.mark.parametrize("harm", ["NULL, b.size", "'text', b.size", "5, b.size", "c.data, 'x'", "c.data, NULL"])
async def test_a_row_that_is_no_chunk_any_more_is_damage(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    """STORE-159, STORE-181: a damaged page may give anything for a column; neither care stops there."""
    async with accounts.use("mia") as account:
        one, _ = await put(account, 2)
        columns = "c.data, b.size"
        assert columns in scrub_module.CHUNKS
        monkeypatch.setattr(scrub_module, "CHUNKS", scrub_module.CHUNKS.replace(columns, harm))
        found = await scrub(account, rate=1 << 40)
        assert [(damage.seq, len(damage.messages)) for damage in found] == [(0, 1), (0, 1)]
        assert one.message_id in found[0].messages
        assert await recompress(account, Compression.ZLIB, rate=1 << 40) == 0
