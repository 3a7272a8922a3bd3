"""The spool of incoming octets (moxlite/store/content/spool.py)."""

import hashlib
import os
import random
import re
import stat
from pathlib import Path
from typing import Final

import pytest
import trio
import trio.testing
from hypothesis import given, strategies as st

from moxlite.ledger import begin, ledger, own, visit
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool, SpoolFile
from moxlite.store.content.spoolmemory import STEP, WRITE_SIZE
from tests.tools import top


async def filled(directory: Path, chunks: list[bytes], memory_limit: int = 64) -> Spool:
    spool = Spool(directory, memory_limit=memory_limit)
    for chunk in chunks:
        await spool.write(chunk)
    await spool.finish()
    return spool


async def test_messages_without_room_in_memory_go_to_the_disk(tmp_path: Path) -> None:
    """STORE-198a, SMTP-37: at once and whole; they have a quarter of the total, and only that in memory is counted."""
    begin(4 << 20)
    own("mia")
    whole = random.Random(1).randbytes(900_000)
    first, second = [await filled(tmp_path, [whole[:500_000], whole[500_000:]], 1 << 20) for _ in range(2)]
    assert (first.in_memory, second.in_memory) == (True, False)
    assert 900_000 <= ledger().held["spool"] <= 1 << 20
    assert ledger().hold().try_take("request", 1 << 20), "of others there is still room"
    assert second.whole() == whole
    await trio.to_thread.run_sync(first.close)  # any thread may be the last that reads it
    second.close()
    await trio.testing.wait_all_tasks_blocked()
    assert ledger().held["spool"] == 0
    with await filled(tmp_path, [b"x" * 4000]) as small, await filled(tmp_path, [whole], 1 << 20) as third:
        assert third.in_memory
        assert ledger().held["spool"] == 14 * STEP
        assert small.size == 4000
    with await filled(tmp_path, [whole[:500_000], whole], 1 << 20) as long:
        assert not long.in_memory
        assert ledger().held["spool"] == WRITE_SIZE, "of what is not written yet"
    assert ledger().held["spool"] == 0
    assert ledger().hold().try_take("spool", 1 << 20)
    with Spool(tmp_path) as short:
        await short.write(whole[:20_000])
        assert short.size == 20_000
        assert short._file is not None
        assert short._file.in_memory(20_000)
        assert not short.in_memory, "it is written at once"


async def test_encoded_bodies_wait_in_memory_only_with_room(tmp_path: Path) -> None:
    """STORE-198a, STORE-7: else a piece at a time is encoded, and written before the unit that links it."""
    begin(8 << 20)
    own("mia")
    whole = random.Random(1).randbytes(900_000)
    with await filled(tmp_path, [whole], 1 << 20) as first, await filled(tmp_path, [whole]) as second:
        prepared = [await prepare(spool) for spool in (first, second)]
        assert [message.chunks is None for message in prepared] == [False, True]
        assert first.memory.take_beside(first.size), "it has been taken before"
        assert 2 * len(whole) <= ledger().held["spool"] <= 2 << 20
    assert ledger().held["spool"] == 0


async def test_messages_never_take_the_place_of_what_is_larger_than_its_share(tmp_path: Path) -> None:
    """STORE-198a: a network of strangers has a sixteenth."""
    book = begin(4 << 20)
    visit("192.0.2.0/24")
    with await filled(tmp_path, [b"x" * 300_000], 1 << 20) as spool:
        assert not spool.in_memory
        assert book.large is None


async def test_what_a_thread_fills_is_in_the_ledger(tmp_path: Path) -> None:
    """STORE-198a: room is taken before, and what it doesn't need comes back; without room it goes to the disk."""
    begin(4 << 20)
    own("mia")
    whole = random.Random(1).randbytes(900_000)
    with Spool(tmp_path) as short, Spool(tmp_path) as other:
        for spool, octets in ((short, whole[:100_000]), (other, whole)):
            spool.reserve()
            await trio.to_thread.run_sync(spool.fill, [octets])
            await trio.testing.wait_all_tasks_blocked()
        assert (short.in_memory, other.in_memory) == (True, False)
        assert ledger().held["spool"] == 100_000
    assert ledger().held["spool"] == 0
    with await filled(tmp_path, [whole], 1 << 20) as long, await long.rewritten(lambda view: [bytes(view)]) as second:
        assert (long.in_memory, second.in_memory) == (True, False)
        assert second.whole() == whole


IN_THREADS: Final = {"store/imports/reading.py": "an import reads one message after the other"}
"""Modules that fill spools and take no room before, with the reason."""


def test_what_fills_a_spool_takes_room_before() -> None:
    """STORE-198a: also in modules that are new."""
    texts = {str(path.relative_to(top() / "moxlite")): path.read_text() for path in (top() / "moxlite").rglob("*.py")}
    filling = {name for name, text in texts.items() if re.search(r"\b(spool|new)\.fill\(", text)}
    assert {name for name in filling if ".reserve()" not in texts[name]} == {*IN_THREADS}


async def test_short_message_stays_in_memory(tmp_path: Path) -> None:
    """SMTP-37"""
    with await filled(tmp_path, [b"a" * 64]) as spool:
        assert spool.in_memory
        assert spool.read(0, 100) == b"a" * 64


@pytest.mark.parametrize("memory_limit", [10, 100])
async def test_a_whole_message_is_read_when_it_is_complete(tmp_path: Path, memory_limit: int) -> None:
    """STORE-60"""
    with Spool(tmp_path, memory_limit=memory_limit) as spool:
        await spool.write(b"a" * 30)
        with pytest.raises(ValueError, match="finished"):
            spool.whole()
        await spool.finish()
        assert spool.whole() == b"a" * 30
    with pytest.raises(ValueError, match="finished"):
        spool.whole()


def look_at(spool: Spool, directory: Path) -> tuple[int, int]:
    """The mode of the spool's file, and how many names there are in the directory."""
    assert spool._file is not None
    assert spool._file._file is not None
    mode = stat.S_IMODE(os.fstat(spool._file._file.fileno()).st_mode)
    return mode, len(list(directory.iterdir()))


async def test_long_message_lies_in_a_file_without_a_name(tmp_path: Path) -> None:
    """SMTP-37"""
    chunks = [bytes([n]) * 100_000 for n in range(30)]
    with await filled(tmp_path, chunks, memory_limit=1 << 20) as spool:
        assert not spool.in_memory
        assert look_at(spool, tmp_path) == (0o600, 0)
        assert b"".join(spool.chunks(70_000)) == b"".join(chunks)
        with spool.open_view() as view:
            assert view == b"".join(chunks)


@pytest.mark.parametrize("memory_limit", [10, 1 << 20])
async def test_ranges_are_those_of_the_octets(tmp_path: Path, memory_limit: int) -> None:
    """STORE-60"""
    data = bytes(range(256)) * 3000
    with await filled(tmp_path, [data[:300_000], data[300_000:]], memory_limit) as spool:
        for offset, length in [(0, 1), (299_990, 20), (767_999, 5), (768_000, 5), (0, 10**7)]:
            assert spool.read(offset, length) == data[offset : offset + length]


async def test_octets_not_yet_written_can_be_read(tmp_path: Path) -> None:
    """SMTP-37"""
    with Spool(tmp_path, memory_limit=10) as spool:
        await spool.write(b"x" * 300_000)
        await spool.write(b"y" * 100)
        assert spool.read(299_999, 3) == b"xyy"


@given(st.lists(st.binary(max_size=20) | st.sampled_from([b"\r", b"\n", b"\r\n", b"\0"]), max_size=12))
def test_facts_do_not_depend_on_how_the_octets_come(chunks: list[bytes]) -> None:
    """STORE-180"""
    whole = Spool.of(b"".join(chunks))
    parts = Spool(Path("/nonexistent"), memory_limit=1)  # nothing so short is written yet
    for chunk in chunks:
        parts._take(chunk)
    assert parts.facts == whole.facts
    assert parts.digest() == whole.digest() == hashlib.sha256(b"".join(chunks)).digest()
    data = b"".join(chunks)
    assert whole.facts.bare_lf == (data.replace(b"\r\n", b"").count(b"\n") > 0)
    assert whole.facts.bare_cr == (data.replace(b"\r\n", b"").count(b"\r") > 0)
    assert whole.facts.crlf_final == data.endswith(b"\r\n")
    assert whole.facts.eight_bit == (not data.isascii())
    assert whole.facts.nul == (b"\0" in data)


async def test_closing_twice_is_fine_and_nothing_works_after(tmp_path: Path) -> None:
    """STORE-60"""
    spool = await filled(tmp_path, [b"a" * 600_000])
    spool.close()
    spool.close()
    with pytest.raises(ValueError, match="closed"):
        spool.read(0, 1)
    with pytest.raises(ValueError, match="is already finished"):
        await spool.write(b"a")


async def test_another_header_gives_a_new_spool(tmp_path: Path) -> None:
    """SMTP-112"""
    body = b"b" * 500_000
    with (
        await filled(tmp_path, [b"Bcc: x\r\n\r\n", body], 1000) as spool,
        await spool.with_header(b"To: y\r\n", 8) as changed,
    ):
        assert b"".join(changed.chunks()) == b"To: y\r\n\r\n" + body
        assert spool.read(0, 4) == b"Bcc:"


async def test_disk_full_is_told_at_writing(tmp_path: Path) -> None:
    """STORE-157"""
    with Spool(tmp_path / "missing", memory_limit=10) as spool, pytest.raises(OSError):
        await spool.write(b"x" * 300_000)


async def test_spools_that_share_a_file_keep_apart(tmp_path: Path) -> None:
    """SMTP-37, IMAP-143"""
    rng = random.Random(1)
    file = SpoolFile(tmp_path)
    octets = [rng.randbytes(rng.choice([1, 100, 60_000, 300_000])) for _ in range(30)]
    spools = []
    for number, data in enumerate(octets):
        spool = Spool(tmp_path, memory_limit=100, file=file)
        for start in range(0, len(data), 50_000):
            await spool.write(data[start : start + 50_000])
        await spool.finish()
        spools.append(spool)
        for one, expected in list(zip(spools, octets, strict=False))[:: number // 3 + 1]:
            begin = rng.randrange(len(expected))
            assert one.read(begin, 70_000) == expected[begin : begin + 70_000]
            if number % 4 == 3:
                with one.open_view() as view:
                    assert view == expected
    assert not all(spool.in_memory for spool in spools)
    for spool, data in zip(spools, octets, strict=True):
        spool.close()
        assert spool.digest() == hashlib.sha256(data).digest()
    assert file.read(0, 10)
    file.close()
