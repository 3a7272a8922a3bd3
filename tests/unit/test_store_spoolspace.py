"""Room on the disk for messages on their way in (moxlite.store.content.spool)."""

import errno
from pathlib import Path

import pytest

from moxlite.store.content.spool import Spool, SpoolFull, SpoolSpace
from moxlite.store.content.spoolmemory import WRITE_SIZE

MIB = 1 << 20


class Disk:
    """A disk whose free octets and clock the test sets."""

    def __init__(self, free: int) -> None:
        self.free = free
        self.looks = 0
        self.now = 0.0

    def look(self) -> int:
        """What statvfs would say."""
        self.looks += 1
        return self.free

    def space(self, folder: Path, **options: int) -> SpoolSpace:
        """The room on it."""
        return SpoolSpace(folder, free=self.look, clock=lambda: self.now, **options)


def test_all_spools_take_half_of_what_is_free(tmp_path: Path) -> None:
    """SMTP-43a: what has come is written a second time."""
    disk = Disk(1100)
    space = disk.space(tmp_path, reserve=100)
    share = space.share()
    share.take(500)
    with pytest.raises(SpoolFull) as caught:
        share.take(1)
    assert caught.value.errno == errno.ENOSPC
    disk.free, disk.now = 600, 1.0  # the octets are written
    with pytest.raises(SpoolFull):
        share.take(1)
    share.give_back(500)
    share.take(250)
    assert space.used == 250


def test_the_disk_is_asked_once_a_second(tmp_path: Path) -> None:
    """SMTP-43a: what comes in between is counted."""
    disk = Disk(1000)
    space = disk.space(tmp_path)
    share = space.share()
    assert space.due
    for _ in range(5):
        share.take(10)
        assert not space.due
    assert disk.looks == 1
    disk.free, disk.now = 5, 1.0
    assert space.due
    with pytest.raises(SpoolFull):
        share.take(10)
    assert disk.looks == 2


def test_a_network_has_its_share_and_others_go_on(tmp_path: Path) -> None:
    """SMTP-43a: an address an eighth, its neighbourhood a quarter, a provider's customer half."""
    space = Disk(16_000).space(tmp_path, message=10)
    space.share(("a", "near", "far")).take(1000)
    with pytest.raises(SpoolFull):
        space.share(("a", "near", "far")).take(1)
    space.share(("b", "near", "far")).take(1000)
    with pytest.raises(SpoolFull):
        space.share(("c", "near", "far")).take(1)
    space.share(("d", "elsewhere", "far")).take(1000)
    space.share(("e", "elsewhere", "far")).take(1000)
    with pytest.raises(SpoolFull):
        space.share(("f", "third", "far")).take(1)
    space.share(("g", "fourth", "other")).take(1000)


def test_a_network_may_have_one_large_message(tmp_path: Path) -> None:
    """SMTP-43a: on a small disk the shares would be smaller than that. It never has more than half."""
    space = Disk(2400).space(tmp_path, message=600)
    space.share(("a", "near", "far")).take(600)
    with pytest.raises(SpoolFull):
        space.share(("a", "near", "far")).take(1)
    space.share(("b", "other", "else")).take(600)
    with pytest.raises(SpoolFull):
        Disk(2000).space(tmp_path, message=600).share(("a",)).take(501)


def test_files_are_counted(tmp_path: Path) -> None:
    """ADMIN-39b"""
    space = Disk(1 << 40).space(tmp_path, files=1)
    first = Spool(tmp_path, memory_limit=10, space=space.share())
    second = Spool(tmp_path, memory_limit=10, space=space.share())
    first.fill([b"x" * WRITE_SIZE])
    with pytest.raises(SpoolFull):
        second.fill([b"x" * WRITE_SIZE])
    second.close()
    first.close()
    first.close()
    with Spool(tmp_path, memory_limit=10, space=space.share()) as third:
        third.fill([b"x" * WRITE_SIZE])


async def test_a_spool_takes_what_goes_to_the_disk_and_gives_it_back(tmp_path: Path) -> None:
    """SMTP-37, SMTP-43a"""
    space = Disk(20 * MIB).space(tmp_path)
    share = space.share()
    with Spool(tmp_path, space=share) as spool:
        await spool.write(b"x" * MIB)
        assert space.used == 0  # in memory
        await spool.write(b"x" * (3 * MIB))
        assert space.used == 4 * MIB
        await spool.finish()
        with await spool.with_header(b"Subject: x\r\n\r\n", 2 * MIB) as changed:
            assert space.used == 4 * MIB + changed.size
        full = Spool(tmp_path, space=share)
        await full.write(b"x" * (3 * MIB))
        with pytest.raises(SpoolFull):
            await full.write(b"x" * (3 * MIB))
        full.close()
    assert space.used == 0
