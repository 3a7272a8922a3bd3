"""Archives made to fill the memory: what the import of each takes, in a process of its own."""

import io
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.store_imports import mbox

pytestmark = pytest.mark.slow

LIMIT = 50 << 20
"""Octets of memory that an import takes at most: half of what it may (STORE-156)."""

CHILD = """
import re, sys, threading
from pathlib import Path
import trio
from moxlite.store.imports.items import Form, Order
from tests.store_imports import imported, tgz, mbox
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.options import Options

highest, ended = 0, threading.Event()

def look():
    "What the process has for itself alone: pages of a message's temporary file are the kernel's to drop."
    return int(re.search("RssAnon:\\s*([0-9]+)", Path("/proc/self/status").read_text())[1]) << 10

def watch():
    global highest
    while not ended.wait(0.005):
        highest = max(highest, look())

async def main():
    accounts = Accounts(Path(sys.argv[1]), Options(min_free_space=0))
    await accounts.create("mia")
    await imported(accounts, tgz({"a.mbox": mbox([b"A: b\\r\\n\\r\\nc\\r\\n"])}))
    before = look()
    watcher = threading.Thread(target=watch)
    watcher.start()
    with open(sys.argv[2], "rb") as file:
        progress = await imported(accounts, file)
    ended.set()
    watcher.join()
    print(highest - before, len(progress.problems), type(progress.end).__name__, str(progress.end)[:300])
    await accounts.aclose()

trio.run(main)
"""


def packed(pieces: Iterator[bytes]) -> bytes:
    """A gzip file of octets that are never all in memory."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*map(squeeze.compress, pieces), squeeze.flush()])


def member(name: str, data: bytes = b"", *, size: int | None = None) -> bytes:
    """The header of a member of a tar file, and its data; `size` is told where the data comes in pieces."""
    info = tarfile.TarInfo(name)
    info.size = len(data) if size is None else size
    return info.tobuf(tarfile.PAX_FORMAT) + data + bytes(-len(data) % 512)


def zeros(size: int, unit: bytes = b"\0" * 1024) -> Iterator[bytes]:
    """Octets in pieces of 1 MiB."""
    block = unit * ((1 << 20) // len(unit))
    for _ in range(size // len(block)):
        yield block
    yield block[: size % len(block)]


def odd_files() -> Iterator[bytes]:
    for number in range(150_000):
        yield member(f"{number}.jpg")


def long_names() -> Iterator[bytes]:
    for number in range(250):
        yield member(f"{number}/" + "x" * 1_000_000 + ".jpg")


def deep_names() -> Iterator[bytes]:
    for number in range(60):
        yield member(f"{number}/" + "ab/" * 300_000 + "1.eml", b"A: b\n\nc\n")


def bad_mailboxes() -> Iterator[bytes]:
    for number in range(30_000):
        yield member(f"{number}{'x' * 1100}/cur/1.x", b"A: b\n\nc\n")


def keyword_files() -> Iterator[bytes]:
    words = "".join(f"{number} {'é' * 1200}\n" for number in range(26)).encode()
    for number in range(3000):
        yield member(f"{number}/cur/1.x:2,a", b"A: b\n\nc\n")
        yield member(f"{number}/dovecot-keywords", words)


def unknown_letters() -> Iterator[bytes]:
    for number in range(4_000):
        letters = "".join(letter for bit, letter in enumerate("abcdefghijklmnopqrstuvwxyz") if number >> bit % 12 & 1)
        yield member(f"a/cur/{number}.x:2,{letters}", b"A: b\n\nc\n")


def bad_keywords() -> Iterator[bytes]:
    words = b"X-Keywords: " + b"(x){ " * 200_000
    yield member("a.mbox", mbox([words + b"\r\n\r\nc\r\n"] * 30))


def bad_labels() -> Iterator[bytes]:
    for number in range(300):
        yield member(f"{number}.eml", b"X-Gmail-Labels: " + b"%d" % number + b"x" * 300_000 + b"\n\nc\n")


def one_message(unit: bytes, start: bytes = b"") -> Callable[[], Iterator[bytes]]:
    def pieces() -> Iterator[bytes]:
        size = (49 if b"\n" in unit else 99) << 20  # whole blocks; each LF becomes CR LF
        yield member("1.eml", size=size)
        yield start
        yield from zeros(size - len(start), unit)

    return pieces


def many_fields() -> Iterator[bytes]:
    for number in range(50):
        yield tar_with_header(number)


def tar_with_header(number: int) -> bytes:
    """A member behind an extended header of 1 MiB with as many records as there can be."""
    records = b"".join(b"12 a%05x=b\n" % n for n in range(80_000))
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, len(records)
    return info.tobuf(tarfile.USTAR_FORMAT) + records + bytes(-len(records) % 512) + member(f"{number}.jpg")


def zip_of(count: int, name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(count):
            archive.writestr(zipfile.ZipInfo(name.format(number)), b"")
    return out.getvalue()


def zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.mbox", "w") as file:
        file.write(b"From x\nA: b\n\n")
        for _ in range(280):
            file.write(bytes(1 << 20))
    return out.getvalue()


BOMBS: dict[str, Callable[[], bytes | Iterator[bytes]]] = {
    "odd files": odd_files,
    "long names": long_names,
    "deep names": deep_names,
    "bad mailboxes": bad_mailboxes,
    "keyword files": keyword_files,
    "unknown letters": unknown_letters,
    "bad keywords": bad_keywords,
    "bad labels": bad_labels,
    "records": many_fields,
    "zeros": one_message(b"\0"),
    "empty lines": one_message(b"\n"),
    "header of one line": one_message(b"x", b"A: "),
    "header of many fields": one_message(b"a: b\n"),
    "From lines": one_message(b">From \n", b"A: b\n\n"),
    "parts": one_message(b"--a\n\n", b"Content-Type: multipart/mixed; boundary=a\n\n"),
    "zip of many": lambda: zip_of(60_000, "{}.jpg"),
    "zip of long names": lambda: zip_of(500, "{}" + "é" * 15_000),
    "zip of zeros": zip_bomb,
}


@pytest.mark.landing("zip of many", "parts")
@pytest.mark.parametrize("kind", BOMBS)
def test_no_archive_takes_more_than_a_hundred_megabytes(tmp_path: Path, kind: str) -> None:
    """STORE-156: whatever it is made of; problems are told up to a thousand."""
    made = BOMBS[kind]()
    (tmp_path / "bomb").write_bytes(made if isinstance(made, bytes) else packed(made))
    del made
    child = [sys.executable, "-c", CHILD, str(tmp_path / "data"), str(tmp_path / "bomb")]
    done = subprocess.run(child, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    taken, problems, *end = done.stdout.split(maxsplit=2)
    print(kind, (tmp_path / "bomb").stat().st_size >> 10, "KiB", int(taken) >> 20, "MiB", problems, *end)
    assert int(taken) < LIMIT
    assert int(problems) <= 1000
