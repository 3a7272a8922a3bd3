"""Imports for tests: sources in memory, an import that runs to its end."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.changelog.account import Account
from moxlite.store.content.body import message_range
from moxlite.store.exports.engine import Export
from moxlite.store.exports.items import ExportOrder
from moxlite.store.file.transaction import Reader
from moxlite.store.imports import adding, appearing
from moxlite.store.imports.engine import Imports
from moxlite.store.imports.items import Done, Form, Order, Progress
from moxlite.store.rows.mailboxes import flag_words, mailboxes
from moxlite.store.rows.messages import rows_by_uid

__all__ = ["AppearingGate", "contents", "done", "export", "imported", "mbox", "tar", "tgz", "zipped"]


class AppearingGate:
    """Holds an import behind one of its units in which messages appear, two each; `unit` counts from 1."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, unit: int = 1) -> None:
        self.reached, self.opened = trio.Event(), trio.Event()
        self._units = 0
        write = OpenAccount.write

        async def holding(account: OpenAccount, work: Callable[..., Any], **options: Any) -> Any:
            result = await write(account, work, **options)
            if isinstance(work, partial) and work.func.__name__ == "_appear":
                self._units += 1
                if self._units == unit:
                    self.reached.set()
                    await self.opened.wait()
            return result

        monkeypatch.setattr(OpenAccount, "write", holding)
        monkeypatch.setattr(adding, "AT_ONCE", 2)
        for module in (adding, appearing):
            monkeypatch.setattr(module, "SLICE", 2)


def mbox(messages: Iterable[bytes], *, sender: str = "ann@example.org") -> bytes:
    """An mbox of messages with CR LF, received at 10:00, 10:01, … on 1 October 2026; none has a line to be quoted."""
    parts = []
    for number, message in enumerate(messages):
        parts.append(f"From {sender} Thu Oct  1 {10 + number // 60:02}:{number % 60:02}:00 2026\n".encode())
        parts.append(message.replace(b"\r\n", b"\n") + b"\n")
    return b"".join(parts)


def tar(files: Mapping[str, bytes], *, mtime: int = 1_790_848_800) -> bytes:
    """A tar file; a name that ends in / is a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name.rstrip("/"))
            info.size, info.mtime = len(data), mtime
            if name.endswith("/"):
                info.type = tarfile.DIRTYPE
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def tgz(files: Mapping[str, bytes]) -> bytes:
    """The same, compressed."""
    return gzip.compress(tar(files), mtime=0)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def folder(accounts: Accounts) -> Path:
    """For temporary files."""
    tmp = accounts.directory / "tmp"
    tmp.mkdir(parents=True, exist_ok=True)
    return tmp


async def imported(
    accounts: Accounts, data: bytes | BinaryIO, order: Order | None = None, *, name: str = "mia"
) -> Progress:
    """Import an archive, or what the order says; how it ended is in the result."""
    imports = Imports(accounts, folder(accounts))
    progress = imports.begin(name)
    file = cast("BinaryIO", io.BytesIO(data)) if isinstance(data, bytes) else data
    with trio.fail_after(60):
        await imports.run(progress, order or Order(form=Form.ARCHIVE), file)
    return progress


def done(progress: Progress) -> Done:
    """The good end of an import."""
    assert isinstance(progress.end, Done), progress.end
    return progress.end


async def export(account: Account, order: ExportOrder, tmp: Path) -> bytes:
    """All octets of an export."""
    return b"".join([piece async for piece in Export(account, order, tmp).stream()])


async def contents(account: Account) -> dict[str, list[tuple[bytes, int, set[str]]]]:
    """By mailbox: octets, time of arrival in seconds, flags and keywords of all messages."""

    def read(r: Reader) -> dict[str, list[tuple[bytes, int, set[str]]]]:
        return {
            box.name: [
                (message_range(r, row.id), row.received // 1_000_000, set(flag_words(row.flags, row.keywords)))
                for row in rows_by_uid(r, box.id, 1, limit=100_000)
            ]
            for box in mailboxes(r)
        }

    return await account.scan(read, op="test")
