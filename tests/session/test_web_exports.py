"""Exports by a browser: what a form asks for, the file that comes, and who takes too long for it."""

import email
import io
import mailbox
import tarfile
import zipfile
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from moxlite.store import errors
from moxlite.store.exports import engine
from moxlite.store.exports.engine import mbox_pieces
from moxlite.store.mail.mailboxes import create_mailbox
from moxlite.web import exports, metrics
from tests.store_mail import deliver_mail, look, mail
from tests.tools import eventually
from tests.web_rig import Answer, Browser, Rig, http_exchange

pytestmark = pytest.mark.served

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def mia(rig: Rig) -> Browser:
    """A browser that has logged in to the account app; the account has mail in three mailboxes."""
    async with rig.account() as account:
        for name in ("Work", "Work/Büro"):
            await account.write(partial(create_mailbox, name=name))
        for number, name in enumerate(("Inbox", "Work", "Work/Büro", "Work/Büro")):
            await deliver_mail(account, mail(number), name)
    browser = rig.browser(app="/")
    await browser.log_in()
    return browser


async def export(browser: Browser, **fields: Any) -> Answer:
    """Post the form of an export."""
    fields = {"csrf": browser.csrf, **fields}
    body = urlencode({name: value for name, value in fields.items() if value is not None}).encode()
    return await browser.fetch(f"{browser.app}export", method="POST", headers={"content-type": FORM}, body=body)


def members(archive: str, body: bytes) -> dict[str, bytes]:
    """Names and octets of the files in an archive."""
    if archive == "zip":
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            return {info.filename: packed.read(info) for info in packed.infolist() if not info.is_dir()}
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz" if archive == "tgz" else "r:") as opened:
        found = {info.name: opened.extractfile(info) for info in opened.getmembers() if info.isfile()}
        return {name: file.read() for name, file in found.items() if file is not None}


def subjects(text: bytes, folder: Path) -> list[str]:
    """Subjects of the messages in an mbox."""
    path = folder / "read.mbox"
    path.write_bytes(text)
    return [str(message["Subject"]) for message in mailbox.mbox(path)]


@pytest.mark.parametrize("archive", ["tar", "tgz", "zip"])
@pytest.mark.parametrize("form", ["mbox", "maildir"])
async def test_all_mail_comes_as_an_archive(rig: Rig, mia: Browser, tmp_path: Path, archive: str, form: str) -> None:
    """WEB-79, STORE-135, STORE-136."""
    before = metrics.account_exports.labels(result="complete").value
    answer = await export(mia, format=form, archive=archive)
    assert answer.status == 200
    kinds = {"tar": "application/x-tar", "tgz": "application/gzip", "zip": "application/zip"}
    assert answer.headers["content-type"] == kinds[archive]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    name = answer.headers["content-disposition"]
    assert name.startswith("attachment; filename*=UTF-8''mailexport-all-20")
    assert name.endswith(f".{form}.{archive}")
    found = members(archive, answer.body)
    if form == "mbox":
        counts = {name: len(subjects(text, tmp_path)) for name, text in found.items()}
        assert {name: count for name, count in counts.items() if count} == {
            "Inbox.mbox": 1,
            "Work.mbox": 1,
            "Work/Büro.mbox": 2,
        }
    else:
        folders = sorted(name.rpartition("/new/")[0] for name in found if "/new/" in name)
        assert folders == ["Inbox", "Work", "Work/Büro", "Work/Büro"]
        texts = [text.replace(b"\n", b"\r\n") for name, text in sorted(found.items()) if name.startswith("Inbox/new/")]
        assert texts == [mail(0)]
    complete = metrics.account_exports.labels(result="complete")
    await eventually(lambda: complete.value >= before + 1)


@pytest.mark.parametrize(
    ("fields", "files"),
    [
        ({"mailbox": "Work"}, {"Work.mbox"}),
        ({"mailbox": "Work", "recursive": "1"}, {"Work.mbox", "Work/Büro.mbox"}),
        ({"mailbox": "Work/Büro", "recursive": "1"}, {"Büro.mbox"}),
    ],
)
async def test_a_mailbox_comes_with_or_without_those_below_it(
    mia: Browser, fields: dict[str, str], files: set[str]
) -> None:
    """WEB-79, STORE-136: a sub-mailbox loses its parent path; the download's name has no slash."""
    answer = await export(mia, format="mbox", archive="zip", **fields)
    assert set(members("zip", answer.body)) == files
    start = "mailexport-Work-B%C3%BCro-20" if "Büro" in fields["mailbox"] else "mailexport-Work-20"
    assert start in answer.headers["content-disposition"]


async def test_one_mbox_comes_without_an_archive(rig: Rig, mia: Browser, tmp_path: Path) -> None:
    """WEB-79, STORE-135, STORE-138."""
    answer = await export(mia, format="mbox", archive="none", mailbox="Work/Büro")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/mbox")
    assert answer.headers["content-disposition"].endswith(".mbox")
    assert len(subjects(answer.body, tmp_path)) == 2
    assert email.message_from_bytes(answer.body).get_unixfrom()
    async with rig.account() as account:
        ids = await look(account, lambda r: [row[0] for row in r.rows("SELECT id FROM message ORDER BY id")])
    selected = await export(mia, format="mbox", archive="none", messageids=",".join(map(str, [ids[3], ids[0], 999])))
    assert "mailexport-selection-" in selected.headers["content-disposition"]
    assert len(subjects(selected.body, tmp_path)) == 2
    nothing = await export(mia, format="mbox", archive="none", messageids="999")
    assert (nothing.status, nothing.body) == (200, b"")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"format": "mbox"},
        {"archive": "zip"},
        {"format": "pst", "archive": "zip"},
        {"format": "mbox", "archive": "rar"},
        {"format": "mbox", "archive": "none"},
        {"format": "maildir", "archive": "none", "mailbox": "Inbox"},
        {"format": "mbox", "archive": "none", "mailbox": "Inbox", "recursive": "1"},
        {"format": "mbox", "archive": "zip", "mailbox": "Nowhere"},
        {"format": "mbox", "archive": "zip", "mailbox": "a//b"},
        {"format": "mbox", "archive": "zip", "mailbox": "Inbox", "messageids": "1"},
        {"format": "mbox", "archive": "zip", "messageids": "1,x"},
        {"format": "mbox", "archive": "zip", "messageids": "1" * 20},
        {"format": "mbox", "archive": "zip", "surprise": "1"},
    ],
)
async def test_what_cannot_be_exported_is_an_error_of_the_user(mia: Browser, fields: dict[str, str]) -> None:
    """WEB-79."""
    answer = await export(mia, **fields)
    assert (answer.status, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")


async def test_only_the_owners_own_page_may_export(rig: Rig, mia: Browser) -> None:
    """WEB-53, WEB-55, WEB-132, WEBMAIL-14."""
    wanted = {"format": "mbox", "archive": "zip"}
    assert (await export(mia, csrf="wrong", **wanted)).status == 403
    assert (await export(mia, csrf=None, **wanted)).status == 403
    assert (await export(rig.browser(app="/"), **wanted)).status == 403
    for foreign in ({"sec-fetch-site": "cross-site"}, {"origin": "null"}, {"origin": "https://evil.example"}):
        body = urlencode({"csrf": mia.csrf, **wanted}).encode()
        answer = await mia.fetch("/export", method="POST", headers={"content-type": FORM, **foreign}, body=body)
        assert answer.status == 403
    assert (await mia.fetch("/export")).status == 405
    json = await mia.fetch("/export", method="POST", headers={"content-type": "application/json"}, body=b"{}")
    assert json.status == 415
    large = await mia.fetch("/export", method="POST", headers={"content-type": FORM}, body=b"x" * (1 << 20) + b"y")
    assert large.status == 413


async def test_the_webmail_exports_with_its_own_session(rig: Rig, mia: Browser) -> None:
    """WEBMAIL-85, WEB-52."""
    wanted = {"format": "mbox", "archive": "none", "mailbox": "Work"}
    webmail = rig.browser()
    assert (await export(webmail, **wanted)).status == 403
    await webmail.log_in()
    answer = await export(webmail, **wanted)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/mbox")
    webmail.app = "/"
    assert (await export(webmail, **wanted)).status == 403


def asked(browser: Browser, **fields: str) -> bytes:
    """The octets of a request for an export."""
    body = urlencode({"csrf": browser.csrf, **fields}).encode()
    return browser.request("POST", "/export", {"content-type": FORM}, body)[1]


async def test_who_takes_nothing_is_left_and_the_snapshot_with_it(
    rig: Rig, mia: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """WEB-79, STORE-161: an account has a few exports at a time, and none holds its snapshot for ever."""
    monkeypatch.setattr(exports, "MAX_PER_ACCOUNT", 1)
    async with rig.account() as account:
        await deliver_mail(account, mail(50, body="0123456789" * 100_000))
        slow = rig.connect(small=True)
        await slow.send_all(asked(mia, format="mbox", archive="tar"))
        head = await slow.receive_some(100)
        assert head.startswith(b"HTTP/1.1 200 ")
        refused = await export(mia, format="mbox", archive="zip")
        assert (refused.status, refused.headers["retry-after"]) == (429, "60")
        assert any(opened.op == "export" for opened in account.database._readers.open.reads)
        monkeypatch.setattr(exports, "GRACE", -1.0)
        monkeypatch.setattr(exports, "SLOWEST", 1 << 40)
        received = head
        while data := await slow.receive_some(1 << 16):
            received += data
        assert not received.endswith(b"0\r\n\r\n")
        assert not any(opened.op == "export" for opened in account.database._readers.open.reads)
    assert any("timed out" in record.message for record in caplog.records)
    monkeypatch.setattr(exports, "GRACE", 600.0)
    assert (await export(mia, format="mbox", archive="zip")).status == 200


@pytest.mark.parametrize("failure", [errors.ReadInterrupted("export"), OSError(28, "No space left on device")])
async def test_a_file_that_cannot_be_finished_is_cut_off(
    rig: Rig, mia: Browser, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """WEB-79, WEB-141, RFC 9112 §8: the browser must not take a part for the whole."""
    async with rig.account() as account:
        await deliver_mail(account, mail(50, body="0123456789" * 100_000))
        await deliver_mail(account, mail(51))
    good = [1, 2]

    def failing(*args: Any, **options: Any) -> Any:
        if not good:
            raise failure
        good.pop()
        return mbox_pieces(*args, **options)

    monkeypatch.setattr(engine, "mbox_pieces", failing)
    received = await http_exchange(rig.connect(), asked(mia, format="mbox", archive="none", mailbox="Inbox"))
    assert received.startswith(b"HTTP/1.1 200 ")
    assert len(received) > 200_000
    assert not received.endswith(b"0\r\n\r\n")
    answer = await export(mia, format="mbox", archive="none", mailbox="Inbox")
    assert answer.status == (507 if isinstance(failure, OSError) else 503)
