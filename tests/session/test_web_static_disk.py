"""Static files and the disk: compressed copies, and octets that the system copies to the client's socket."""

import gzip
import os
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trio

from moxlite.web.handlers import files
from moxlite.web.handlers.files import Copies, File, close, open_file
from tests.session.test_web_handlers import PLAIN, Opening, decompress, get, opening as opening, static, www as www
from tests.tools import eventually
from tests.web_rig import Rig

pytestmark = pytest.mark.served

TEXT = b"".join(b"line %d of a page\n" % number for number in range(3000))
COMPRESSED = PLAIN + "compress = true\n"
ACCEPT = {"accept-encoding": "gzip"}


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a test are not some seconds old."""
    monkeypatch.setattr(files, "SETTLED_SECONDS", 0)


def kept(rig: Rig) -> list[Path]:
    return sorted((rig.holder.current.static.data_dir / files.FOLDER).glob("*"))


# Compressed copies


@pytest.mark.parametrize("size", [1024, 50_000, 700_000])
async def test_a_compressed_file_is_kept_and_sent_again(
    opening: Opening, www: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-11: one copy for each coding, with length, the validators of the first answer, and without ranges."""
    text = (TEXT * 20)[:size]
    (www / "page.txt").write_bytes(text)
    rig = await opening(static(www, more=COMPRESSED))
    first = await get(rig, "/page.txt", headers=ACCEPT)
    assert (gzip.decompress(first.body), len(kept(rig))) == (text, 1)
    assert first.headers["content-length"] == str(len(first.body))
    assert "accept-ranges" not in first.headers
    monkeypatch.setattr(files, "coder", None)
    again = await get(rig, "/page.txt", headers=ACCEPT)
    assert (again.body, again.headers["etag"], again.headers["vary"]) == (
        first.body,
        first.headers["etag"],
        "Accept-Encoding",
    )
    known = ACCEPT | {"if-none-match": first.headers["etag"]}
    assert (await get(rig, "/page.txt", headers=known)).status == 304
    head = await get(rig, "/page.txt", headers=ACCEPT, method="HEAD")
    assert (head.headers["content-encoding"], head.body) == ("gzip", b"")
    part = await get(rig, "/page.txt", headers=ACCEPT | {"range": "bytes=3-9"})
    assert (part.status, part.body) == (206, text[3:10])
    monkeypatch.undo()
    monkeypatch.setattr(files, "SETTLED_SECONDS", 0)
    other = await get(rig, "/page.txt", headers={"accept-encoding": "zstd"})
    assert (decompress(other.body), len(kept(rig))) == (text, 2)
    assert {one.stat().st_mode & 0o777 for one in kept(rig)[0].parents[:1]} == {0o700}


async def test_a_changed_file_is_never_answered_with_its_old_copy(opening: Opening, www: Path) -> None:
    """WEB-11: other octets, whatever size and time a program gives them; the same name below another root."""
    page, other = www / "page.txt", www.parent / "other"
    other.mkdir()
    page.write_bytes(TEXT)
    rig = await opening(static(www, path="^/page", more=COMPRESSED) + static(other, more=COMPRESSED))
    assert gzip.decompress((await get(rig, "/page.txt", headers=ACCEPT)).body) == TEXT
    times = page.stat()
    page.write_bytes(TEXT.swapcase())
    os.utime(page, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert gzip.decompress((await get(rig, "/page.txt", headers=ACCEPT)).body) == TEXT.swapcase()
    replaced = www / "new"
    replaced.write_bytes(TEXT.title())
    os.utime(replaced, ns=(times.st_atime_ns, times.st_mtime_ns))
    replaced.rename(page)
    assert gzip.decompress((await get(rig, "/page.txt", headers=ACCEPT)).body) == TEXT.title()
    (other / "x.txt").write_bytes(TEXT)
    assert gzip.decompress((await get(rig, "/x.txt", headers=ACCEPT)).body) == TEXT
    page.unlink()
    assert (await get(rig, "/page.txt", headers=ACCEPT)).status == 404


async def test_what_has_no_copy(opening: Opening, www: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-11: other types, small and very large files, those that have just changed, those for which the disk has no
    room. All are answered.
    """
    (www / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + TEXT)
    (www / "small.txt").write_bytes(b"x" * 1023)
    with (www / "large.txt").open("wb") as large:
        large.write(TEXT)
        large.truncate(files.MAX_SIZE + 1)
    (www / "page.txt").write_bytes(TEXT)
    rig = await opening(static(www, more=COMPRESSED))
    for name, coded in (("picture.png", False), ("small.txt", False), ("large.txt", True)):
        answer = await get(rig, f"/{name}", headers=ACCEPT)
        assert ("content-encoding" in answer.headers) == coded
    monkeypatch.setattr(files, "SETTLED_SECONDS", 2)
    (www / "page.txt").touch()
    assert gzip.decompress((await get(rig, "/page.txt", headers=ACCEPT)).body) == TEXT
    monkeypatch.setattr(files, "SETTLED_SECONDS", 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 0))
    assert gzip.decompress((await get(rig, "/page.txt", headers=ACCEPT)).body) == TEXT
    assert kept(rig) == []


async def test_copies_that_are_gone_or_cannot_be_written_cost_no_answer(opening: Opening, www: Path) -> None:
    """WEB-11: a folder that was emptied, or replaced by a file."""
    (www / "page.txt").write_bytes(TEXT)
    (www / "next.txt").write_bytes(TEXT)
    rig = await opening(static(www, more=COMPRESSED))
    await get(rig, "/page.txt", headers=ACCEPT)
    [copy] = kept(rig)
    shutil.rmtree(copy.parent)
    assert gzip.decompress((await get(rig, "/page.txt", headers=ACCEPT)).body) == TEXT
    assert kept(rig) == [copy]
    shutil.rmtree(copy.parent)
    copy.parent.write_text("not a folder")
    assert gzip.decompress((await get(rig, "/next.txt", headers=ACCEPT)).body) == TEXT
    assert gzip.decompress((await get(rig, "/page.txt", headers=ACCEPT)).body) == TEXT


async def test_requests_at_once_get_whole_answers(opening: Opening, www: Path) -> None:
    """WEB-11: one request writes the copy, those beside it compress for themselves."""
    (www / "page.txt").write_bytes(TEXT * 10)
    rig = await opening(static(www, more=COMPRESSED))
    bodies: list[bytes] = []

    async def ask() -> None:
        bodies.append((await get(rig, "/page.txt", headers=ACCEPT)).body)

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(ask)
    assert {gzip.decompress(body) for body in bodies} == {TEXT * 10}
    assert len(kept(rig)) == 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "copies"


def files_of(root: Path, number: int) -> Iterator[tuple[str, File]]:
    for index in range(number):
        path = root / f"{index}.txt"
        path.write_bytes(TEXT)
        yield str(path), open_file(str(root), path.name, follow=False)


def test_the_least_recently_used_copies_go_beyond_the_limits(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-11: octets and number are bounded, also over a restart; what a crash left unfinished goes."""
    monkeypatch.setattr(files, "MAX_COPIES", 4)
    found = list(files_of(tmp_path, 6))
    store = Copies(folder, reserve=0)
    for path, file in found[:4]:
        made = store.make(path, file, "gzip")
        assert made is not None
        close(made)
    assert store.find(*found[0], "gzip") is not None
    for path, file in found[4:]:
        store.make(path, file, "gzip")
    assert [store.find(path, file, "gzip") is not None for path, file in found] == [
        True,
        False,
        False,
        True,
        True,
        True,
    ]
    (folder / "0.part").write_bytes(b"half")
    (folder / "link").symlink_to(tmp_path / "0.txt")
    size = max(one.stat().st_size for one in folder.glob("[0-9a-f]*"))
    monkeypatch.setattr(files, "MAX_OCTETS", 2 * -(-size // 4096) * 4096)
    again = Copies(folder, reserve=0)
    assert sum(again.find(path, file, "gzip") is not None for path, file in found) == 2
    assert len(list(folder.iterdir())) == 2


def test_copies_under_random_changes_are_of_the_file_as_it_is(folder: Path, tmp_path: Path) -> None:
    """WEB-11: any order of writes, replacements, times set back, and look-ups."""
    luck = random.Random(11)
    store = Copies(folder, reserve=0)
    contents = [TEXT.replace(b"line", word) for word in (b"line", b"LINE", b"Line", b"lIne")]
    page = tmp_path / "page.txt"
    page.write_bytes(contents[0])
    old = page.stat().st_mtime_ns
    for _ in range(300):
        match luck.randrange(3):
            case 0:
                time.sleep(0.011)  # a tick of the file system's clock: files that changed within it have no copy
                page.write_bytes(luck.choice(contents))
                os.utime(page, ns=(old, old))
            case 1:
                time.sleep(0.011)
                (tmp_path / "new").write_bytes(luck.choice(contents))
                os.utime(tmp_path / "new", ns=(old, old))
                (tmp_path / "new").rename(page)
            case 2:
                file = open_file(str(tmp_path), "page.txt", follow=False)
                copy = store.find(str(page), file, "gzip") or store.make(str(page), file, "gzip")
                assert copy is not None
                assert gzip.decompress(copy.first) == file.first


# Octets that go from the disk to the socket


async def test_a_large_file_goes_to_the_socket_by_the_system(
    opening: Opening, www: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-11a, WEB-9: where there is no TLS; whole, in ranges, and with another request behind it."""
    content = random.Random(3).randbytes(3_000_000)
    (www / "large.bin").write_bytes(content)
    calls = 0
    real = os.sendfile

    def counted(*given: int) -> int:
        nonlocal calls
        calls += 1
        return real(*given)

    monkeypatch.setattr(os, "sendfile", counted)
    rig = await opening(static(www))
    assert (await get(rig, "/large.bin")).body == content
    assert calls > 0
    for first, last in ((0, 10), (65_530, 65_540), (70_000, 2_999_999), (2_999_999, 2_999_999)):
        part = await get(rig, "/large.bin", headers={"range": f"bytes={first}-{last}"})
        assert (part.status, part.body) == (206, content[first : last + 1])
    several = await get(rig, "/large.bin", headers={"range": "bytes=0-70000,100000-"})
    assert content[:70_001] in several.body
    assert content[100_000:] in several.body
    assert several.headers["content-length"] == str(len(several.body))
    head = await get(rig, "/large.bin", method="HEAD")
    assert (head.headers["content-length"], head.body) == (str(len(content)), b"")
    before = calls
    assert (await get(rig, "/large.bin", port=443, tls=True)).body == content
    assert calls == before
    async with rig.connect(ip="127.0.0.2", port=80) as client:
        ask = b"GET /%s HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
        await client.send_all(ask % b"large.bin" + ask % b"hello.txt")
        octets = bytearray()
        while not octets.endswith(b"hello world\n"):
            octets += await client.receive_some(1 << 20)
        assert content in octets


async def test_a_file_that_is_cut_while_the_system_sends_it(opening: Opening, www: Path) -> None:
    """WEB-11a, WEB-37: the connection ends, so that the client does not take a part for the whole."""
    (www / "large.bin").write_bytes(bytes(3_000_000))
    rig = await opening(static(www))
    async with rig.connect(ip="127.0.0.2", port=80, small=True) as client:
        await client.send_all(b"GET /large.bin HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
        octets = len(await client.receive_some(1000))
        os.truncate(www / "large.bin", 1_000_000)
        while data := await client.receive_some(1 << 20):
            octets += len(data)
        assert octets < 1_500_000


def is_open(path: Path) -> bool:
    """Whether this process has a descriptor of a file."""
    found = set()
    for one in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            found.add(one.readlink())
    return path in found


async def test_a_client_that_stops_reading_a_file_is_cut_off(
    opening: Opening, www: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-3, WEB-11a: without progress for a time; descriptors are closed."""
    monkeypatch.setattr("moxlite.web.http.connection.WRITE_TIMEOUT", 0.5)
    (www / "large.bin").write_bytes(bytes(3_000_000))
    rig = await opening(static(www))
    await get(rig, "/hello.txt")
    await trio.testing.wait_all_tasks_blocked(0.1)  # its connection is gone
    before = len(os.listdir("/proc/self/fd"))
    async with rig.connect(ip="127.0.0.2", port=80, small=True) as client:
        await client.send_all(b"GET /large.bin HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
        await client.receive_some(1000)
        assert is_open(www / "large.bin")
        await eventually(lambda: not is_open(www / "large.bin"))
        await eventually(lambda: len(os.listdir("/proc/self/fd")) <= before + 1)
        octets = 0
        while data := await client.receive_some(1 << 20):
            octets += len(data)
        assert octets < 3_000_000


async def test_a_slow_client_gets_a_file_however_long_it_takes(
    opening: Opening, www: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-3, WEB-11a: the time limit is for each slice, not for the file."""
    monkeypatch.setattr("moxlite.web.http.connection.WRITE_TIMEOUT", 2)
    (www / "large.bin").write_bytes(bytes(1_000_000))
    rig = await opening(static(www))
    async with rig.connect(ip="127.0.0.2", port=80, small=True) as client:
        await client.send_all(b"GET /large.bin HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\n\r\n")
        octets = 0
        for _ in range(6):
            await trio.sleep(0.5)
            for _ in range(10):
                octets += len(await client.receive_some(15_000))
        while data := await client.receive_some(1 << 20):
            octets += len(data)
        assert octets > 1_000_000
