"""Exports: what files hold, that they come back whole, and that memory stays bounded (moxlite/store/exports)."""

import io
import itertools
import mailbox as stdlib
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.delivery.actions import Delivery, FileInto
from moxlite.store.delivery.perform import deliver, perform
from moxlite.store.exports.containers import ZipWriter
from moxlite.store.exports.items import Container, ExportFailed, ExportOrder, FileForm, download_name, file_names
from moxlite.store.imports.forms import find
from moxlite.store.imports.items import Form, Order
from moxlite.store.mail.facts import NO_FACTS
from moxlite.store.mail.mailboxes import create_mailbox
from moxlite.store.types import Flag
from tests.store_fixtures import accounts, store_options
from tests.store_imports import contents, done, export, folder, imported, tar
from tests.store_mail import deliver_mail, look, mail, prepared, put
from tests.tools import untar

__all__ = ["accounts", "store_options"]

ODD = [
    mail(1),
    b"Subject: bare\r\n\r\nline\nfeed\r\n",
    b"Subject: cr\r\n\r\nx\r\r\n\rthere\r\n",
    b"Subject: quoting\r\n\r\nFrom me\r\n>From you\r\n\r\nFrom\r\n\r\n",
    b"Subject: no body\r\n",
    b"\r\nno header\r\n",
    b"nothing that is a field\r\n\r\nFrom x\r\n",
    b"Subject: nul\r\n\r\n\0\xff\r\n",
    mail(2, body=("From here " + "x" * 60 + "\r\n") * 40_000),
    b"Subject: long\r\n\r\n" + b"x" * 300_000 + b"\r\n",
    b"X: " + b"y" * 200_000 + b"\r\nSubject: long header\r\n\r\nbody\r\n",
]


async def fill(account: Account) -> None:
    """Mailboxes with all that files must carry."""
    await account.write(lambda tx: create_mailbox(tx, "Work/2026/über"))
    await account.write(lambda tx: create_mailbox(tx, "Work/new"))
    flags = [Flag(0), Flag.SEEN, Flag.SEEN | Flag.ANSWERED | Flag.FLAGGED | Flag.DELETED | Flag.DRAFT, Flag.FORWARDED]
    flags += [Flag.JUNK | Flag.PHISHING, Flag.SEEN | Flag.MDNSENT]
    for number, octets in enumerate(ODD):
        for name in ("Inbox", "Work/2026/über"):
            filed = FileInto(
                mailbox=name,
                flags=int(flags[number % len(flags)]),
                keywords=("Label", "b") if number % 3 == 0 else (),
            )
            delivery = Delivery(actions=(filed,), facts=NO_FACTS, received=(1_790_848_800 + number) * 1_000_000)
            await perform(account, await prepared(octets), delivery, b"")
    await put(account, 3, "Archive", keywords=[f"k{number}" for number in range(4)])


ALL = [(form, container) for form in FileForm for container in (Container.TAR, Container.TGZ, Container.ZIP)]


@pytest.mark.parametrize(("form", "container"), ALL)
async def test_what_is_exported_and_imported_is_the_same(
    accounts: Accounts, form: FileForm, container: Container
) -> None:
    """STORE-124, STORE-125, STORE-135, STORE-137, STORE-138, STORE-139"""
    async with accounts.use("mia") as account:
        await fill(account)
        order = ExportOrder(form=form, container=container)
        data = await export(account, order, folder(accounts))
        before = await contents(account)
    source = Order(form=Form.TAR if container is Container.TAR else Form.ARCHIVE)
    async with accounts.use("zoe") as account:
        progress = await imported(accounts, data, source, name="zoe")
        done(progress)
        assert progress.problems == []
        after = await contents(account)
    assert before.keys() - {"Work/new"} <= after.keys()
    junk = {"$Junk", "$NotJunk"}  # which the mailboxes set
    for name, messages in before.items():
        got = after["Work/new_" if name == "Work/new" else name]
        assert (
            [octets for octets, _, _ in got] == [octets for octets, _, _ in messages]
            if form is FileForm.MBOX
            else (sorted(octets for octets, _, _ in got) == sorted(octets for octets, _, _ in messages))
        ), name
        assert sorted((octets, received, sorted(words - junk)) for octets, received, words in got) == sorted(
            (octets, received, sorted(words - junk)) for octets, received, words in messages
        ), name


LINES = [  # octets of a message, as they are in files
    (b"Subject: plain\r\n\r\ntwo\r\nlines\r\n", b"Subject: plain\n\ntwo\nlines\n"),
    (b"Subject: bare LF\r\n\r\nline\nfeed\r\n", None),
    (b"Subject: CR before CRLF\r\n\r\nx\r\r\n", None),
    (b"Subject: CR alone\r\n\r\na\rb\r\n", b"Subject: CR alone\n\na\rb\n"),
]


@pytest.mark.parametrize("form", list(FileForm))
async def test_lines_of_files_end_in_lf_where_that_can_be_undone(accounts: Accounts, form: FileForm) -> None:
    """STORE-138a: what LF could not carry back is written as it is; and all of it comes back."""
    async with accounts.use("mia") as account:
        for octets, _ in LINES:
            await deliver(account, await prepared(octets), NO_FACTS, "Inbox")
        order = ExportOrder(form=form, container=Container.TAR, mailbox="Inbox")
        data = await export(account, order, folder(accounts))
        before = await contents(account)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        files = [archive.extractfile(member).read() for member in archive if member.isfile()]  # type: ignore[union-attr]
    for octets, written in LINES:
        expected = octets if written is None else written
        # in an mbox, behind the line `From ` and the fields of its flags
        start, _, rest = expected.partition(b"\r\n\r\n" if written is None else b"\n\n")
        assert any(start in file and rest in file for file in files), octets
        if form is FileForm.MAILDIR:
            assert expected in files
    async with accounts.use("zoe") as account:
        done(await imported(accounts, data, Order(form=Form.TAR), name="zoe"))
        after = await contents(account)
    assert sorted(octets for octets, _, _ in after["Inbox"]) == sorted(octets for octets, _, _ in before["Inbox"])


@pytest.mark.parametrize(
    ("octets", "stored"),
    [
        (b"Subject: a\n\nb\n", b"Subject: a\r\n\r\nb\r\n"),
        (b"Subject: a\r\n\r\nb\nc\r\n", b"Subject: a\r\n\r\nb\nc\r\n"),
        (b"Subject: a\n\nb\r\n", b"Subject: a\r\n\r\nb\r\n"),
    ],
)
async def test_the_first_line_tells_how_lines_of_a_file_end(accounts: Accounts, octets: bytes, stored: bytes) -> None:
    """STORE-138a"""
    files = {"Inbox/cur/": b"", "Inbox/new/": b"", "Inbox/tmp/": b"", "Inbox/cur/1.x:2,S": octets}
    async with accounts.use("mia") as account:
        done(await imported(accounts, tar(files), Order(form=Form.TAR)))
        found = await contents(account)
    assert [message for message, _, _ in found["Inbox"]] == [stored]


async def test_python_reads_an_exported_maildir(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-137"""
    async with accounts.use("mia") as account:
        await fill(account)
        order = ExportOrder(form=FileForm.MAILDIR, container=Container.TAR, mailbox="Inbox")
        data = await export(account, order, folder(accounts))
    untar(data, tmp_path)
    box = stdlib.Maildir(tmp_path / "Inbox", create=False)
    found = {message["Subject"]: message for message in box}
    assert len(box) == len(ODD)
    assert found["greetings"].get_subdir() == "cur" or found["greetings"].get_subdir() == "new"
    assert found["cr"].get_flags()[:5] == "DFRST"
    assert found["bare"].get_subdir() == "cur"
    assert found["long header"].get_date() == 1_790_848_800 + 10
    assert (tmp_path / "Inbox/dovecot-keywords").read_text().startswith("0 ")
    name = next((tmp_path / "Inbox/cur").glob("*")).name
    assert name.split(":")[0].endswith(".moxlite")


async def test_python_reads_an_exported_mbox_in_a_zip_file(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-136, STORE-138"""
    async with accounts.use("mia") as account:
        await fill(account)
        order = ExportOrder(form=FileForm.MBOX, container=Container.ZIP)
        data = await export(account, order, folder(accounts))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {"Inbox.mbox", "Work.mbox", "Work/2026/über.mbox", "Trash.mbox"} <= set(archive.namelist())
        archive.extract("Archive.mbox", tmp_path)
    assert [message["X-Keywords"] for message in stdlib.mbox(tmp_path / "Archive.mbox")] == ["$NotJunk k0 k1 k2 k3"] * 3


async def test_one_mailbox_alone_is_an_mbox(accounts: Accounts) -> None:
    """STORE-135"""
    async with accounts.use("mia") as account:
        added = await put(account, 3)
        alone = ExportOrder(form=FileForm.MBOX, container=Container.NONE, mailbox="inbox", recursive=False)
        data = await export(account, alone, folder(accounts))
        assert data.count(b"\nSubject: ") == 3
        chosen = ExportOrder(
            form=FileForm.MBOX, container=Container.NONE, ids=(added[2].message_id, added[0].message_id, 99)
        )
        data = await export(account, chosen, folder(accounts))
        assert data.index(b"<3@example.com>") < data.index(b"<1@example.com>")
        assert b"<2@example.com>" not in data
        for order in (
            ExportOrder(form=FileForm.MBOX, container=Container.NONE),
            ExportOrder(form=FileForm.MAILDIR, container=Container.NONE, ids=(1,)),
            ExportOrder(form=FileForm.MBOX, container=Container.TAR, mailbox="Nope"),
        ):
            with pytest.raises(ExportFailed):
                await export(account, order, folder(accounts))


async def test_a_mailbox_below_loses_the_path_above_it(accounts: Accounts) -> None:
    """STORE-136"""
    async with accounts.use("mia") as account:
        await account.write(lambda tx: create_mailbox(tx, "A/B/C"))
        await account.write(lambda tx: create_mailbox(tx, "A/Bx"))
        for recursive, expected in ((True, ["B.mbox", "B/C.mbox"]), (False, ["B.mbox"])):
            order = ExportOrder(form=FileForm.MBOX, container=Container.TAR, mailbox="A/B", recursive=recursive)
            with tarfile.open(fileobj=io.BytesIO(await export(account, order, folder(accounts)))) as archive:
                assert sorted(archive.getnames()) == expected


@pytest.mark.parametrize("form", FileForm)
@pytest.mark.parametrize("container", [Container.TAR, Container.ZIP])
async def test_a_damaged_message_is_skipped_and_listed(tmp_path: Path, form: FileForm, container: Container) -> None:
    """STORE-139, STORE-159"""
    accounts = Accounts(tmp_path)
    async with accounts.use("mia") as account:
        await put(account, 2)
        bad = await deliver_mail(account, mail(9, body="bad\r\n" * 100_000))
        await account.write(lambda tx: tx.execute("UPDATE body_chunk SET digest = digest + 1 WHERE id & 65535 = 1"))
        data = await export(account, ExportOrder(form=form, container=container), folder(accounts))
    if container is Container.ZIP:
        errors = zipfile.ZipFile(io.BytesIO(data)).read("errors.txt")
    else:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            file = archive.extractfile("errors.txt")
            assert file is not None
            errors = file.read()
    assert f"message {bad.message_id} ".encode() in errors
    assert errors.count(b"\n") == 1
    await accounts.aclose()


async def test_keywords_beyond_the_letters_are_listed(accounts: Accounts) -> None:
    """STORE-137"""
    async with accounts.use("mia") as account:
        await put(account, 1, "Inbox", keywords=[f"k{number:02}" for number in range(30)])
        order = ExportOrder(form=FileForm.MAILDIR, container=Container.ZIP)
        archive = zipfile.ZipFile(io.BytesIO(await export(account, order, folder(accounts))))
    assert archive.read("errors.txt").count(b"skipped keyword") == 4
    assert archive.read("Inbox/dovecot-keywords").count(b"\n") == 26


def test_names_of_files_are_safe_and_different() -> None:
    """STORE-136"""
    found = file_names(["a:b", "a_b", "A_B", ".hidden", "x/cur", "x/.new", "é" * 127, "con\\x", "a/..b"])
    assert len({name.lower() for name in found.values()}) == len(found)
    for name in found.values():
        assert find(name + "/cur/1.x", Order(form=Form.TAR)).mailbox
        assert not set('\\:*?"<>|') & set(name)
        assert all(not part.startswith(".") and part != "cur" for part in name.split("/"))
    assert file_names(["A/B", "A/B/C"], "A/B") == {"A/B": "B", "A/B/C": "B/C"}


def test_ten_thousand_mailboxes_of_one_safe_name_are_told_apart_quickly() -> None:
    """STORE-136"""
    began = time.process_time()
    names = ["".join(signs) for signs in itertools.product(":*", repeat=13)]
    assert len(set(file_names(names).values())) == len(names)
    assert time.process_time() - began < 2


def test_names_of_downloads() -> None:
    """STORE-136"""
    at = 1_790_848_800_000_000
    order = ExportOrder(form=FileForm.MAILDIR, container=Container.TGZ, mailbox="A/B")
    assert download_name(order, at) == "mailexport-A-B-20261001-100000.maildir.tgz"
    every = ExportOrder(form=FileForm.MBOX, container=Container.ZIP)
    assert download_name(every, at) == "mailexport-all-20261001-100000.mbox.zip"
    chosen = ExportOrder(form=FileForm.MBOX, container=Container.NONE, ids=(1,))
    assert download_name(chosen, at) == "mailexport-selection-20261001-100000.mbox"


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="\0/\\"), min_size=1), st.binary(max_size=2000)
    )
)
def test_python_reads_our_zip_files(files: dict[str, bytes]) -> None:
    """STORE-136"""
    import tempfile

    writer = ZipWriter(Path(tempfile.gettempdir()))
    data = b""
    for name, octets in files.items():
        data += writer.begin(name, 1_790_848_800) + writer.data(octets[:7]) + writer.data(octets[7:]) + writer.end()
    trailer = writer.trailer()
    data += writer.directory(0, 1 << 20) + trailer
    writer.close()
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    assert {info.filename: archive.read(info) for info in archive.infolist()} == files


async def test_an_export_is_one_snapshot(accounts: Accounts) -> None:
    """STORE-135"""
    from moxlite.store.exports.engine import Export

    async with accounts.use("mia") as account:
        for number in range(8):
            await deliver_mail(account, mail(number, body="x" * 78 + "\r\n" + "y" * 200_000 + "\r\n"))
        order = ExportOrder(form=FileForm.MBOX, container=Container.NONE, mailbox="Inbox", recursive=False)
        job = Export(account, order, folder(accounts))
        sizes, data = [], b""
        async for piece in job.stream():
            if not data:
                await put(account, 1, first=100)
            data += piece
            sizes.append(len(piece))
        assert data.count(b"\nSubject: ") == 8
        assert max(sizes) < 1 << 20
        assert job.messages == 8
        assert await look(account, lambda r: r.value("SELECT count(*) FROM message")) == 9
