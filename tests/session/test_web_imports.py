"""Imports by a browser: the form, what it may not be, the progress, one at a time, the end."""

import gzip
import io
import json
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import h11
import pytest
import trio

from moxlite.operations.access import SetPassword
from moxlite.operations.accounts import AddAccount, RemoveAccount
from moxlite.proto.cards.cardobject import read_card
from moxlite.proto.cards.photo import photo_of
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.collection import collections_of
from moxlite.store.groupware.resources import resource_data, resources_of
from moxlite.store.imports import adding, engine
from moxlite.store.rows.mailboxes import mailbox_by_name, state
from moxlite.web.importing import browser as imports, upload
from moxlite.web.importing.browser import ImportProgress
from tests.store_imports import AppearingGate, contents, mbox, tar, tgz, zipped
from tests.store_mail import deliver_mail, look, mail
from tests.tools import eventually
from tests.web_rig import ADDRESS, PASSWORD, STATIC, Answer, Browser, Events, Rig, open_rig

BOUNDARY = "xX-the-boundary-Xx"
LARGE = b"".join(b"%08d\r\n" % number for number in range(40_000))  # 400 kB
SMALL_LIMIT = STATIC.replace("min_free_space = 0 ", 'min_free_space = 0, import_max_size = "100k" ')


@pytest.fixture(autouse=True)
def quick_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is told once a second, which tests of other things need not pay."""
    monkeypatch.setattr(imports, "TICK", 0.01)


@pytest.fixture
async def mia(rig: Rig) -> Browser:
    """A browser that has logged in to the account app."""
    browser = rig.browser(app="/")
    await browser.log_in()
    return browser


class Gate:
    """Holds an import in its reading thread, once `octets` of the file were read."""

    def __init__(self, octets: int) -> None:
        self.octets = octets
        self.reached = threading.Event()
        self.go = threading.Event()

    async def wait(self) -> None:
        """Until the import stands."""
        with trio.fail_after(60):
            while not self.reached.is_set():  # noqa: ASYNC110 - it is another thread's
                await trio.sleep(0.005)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Imports stop at their first octet behind 100,000."""
    found = Gate(100_000)
    real = upload.CountingFile.read

    def read(file: upload.CountingFile, size: int = -1) -> bytes:
        if file.octets > found.octets:
            found.reached.set()
            assert found.go.wait(60)
        return real(file, size)

    monkeypatch.setattr(upload.CountingFile, "read", read)
    yield found
    found.go.set()


def form(*parts: tuple[str, bytes], filename: str = "mail.zip") -> bytes:
    """The body of a form; the field ``file`` has a file name."""
    body = b""
    for name, data in parts:
        more = f'; filename="{filename}"\r\nContent-Type: application/octet-stream' if name == "file" else ""
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + data + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


async def send(browser: Browser, *parts: tuple[str, bytes], **headers: str) -> Answer:
    """Post a form with these fields."""
    return await post(browser, form(*parts), **headers)


async def post(browser: Browser, body: bytes, **headers: str) -> Answer:
    fields = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "x-moxlite-csrf": browser.csrf}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await browser.fetch("/import", method="POST", headers=fields, body=body)


async def begun(browser: Browser, *parts: tuple[str, bytes]) -> str:
    """Begin an import; its token."""
    answer = await send(browser, *parts)
    assert answer.status == 200, answer.body
    token = answer.json["token"]
    assert len(bytes.fromhex(token)) == 16
    return str(token)


@asynccontextmanager
async def listening(rig: Rig, token: str) -> AsyncIterator[Events]:
    """The events of an import, heard by somebody without a session."""
    codec, octets = rig.browser().request("GET", f"/importprogress?token={token}")
    stream = rig.connect()
    async with stream:
        await stream.send_all(octets)
        yield Events(codec, stream)


async def heard(rig: Rig, token: str) -> list[Any]:
    """All events to the end."""
    found = []
    async with listening(rig, token) as events:
        while (event := await events.next()) is not None:
            del event["id"]
            found.append(event)
    return found


async def imported(rig: Rig, browser: Browser, *parts: tuple[str, bytes]) -> Any:
    """Import a form; the last event."""
    return (await heard(rig, await begun(browser, *parts)))[-1]


def tmp(rig: Rig) -> list[Path]:
    """Files that have a name in data/tmp."""
    return list((rig.holder.current.static.data_dir / "tmp").iterdir())


@pytest.mark.served
async def test_an_archive_is_imported_while_its_progress_is_told(rig: Rig, mia: Browser) -> None:
    """WEB-72, WEB-73, WEB-75, STORE-128."""
    messages = [mail(number) for number in range(250)]
    archive = zipped({"Work/Old.mbox": mbox(messages), "Empty/cur/": b"", "notes.pdf": b"%PDF"})
    token = await begun(mia, ("skip_mailbox_prefix", b"Work"), ("file", archive))
    events = await heard(rig, token)
    assert events[0]["kind"] == "step"
    assert {"kind": "count", "mailbox": "Old", "count": 250} in events
    assert {"kind": "count", "mailbox": "Empty", "count": 0} in events
    assert {"kind": "problem", "message": "notes.pdf: not a mail file"} in events
    assert {"kind": "step", "title": "finishing"} in events
    assert events[-1] == {"kind": "done", "messages": 250, "problems": 1, "dry_run": False}
    async with rig.account() as account:
        found = await contents(account)
    assert [octets for octets, _, _ in found["Old"]] == messages
    assert found["Empty"] == []
    assert tmp(rig) == []


@pytest.mark.served
@pytest.mark.parametrize(
    ("file", "mailbox"),
    [
        (zipped({"A.mbox": mbox([mail(1)])}), "A"),
        (tgz({"A/cur/1.x:2,S": mail(1)}), "A"),
        (tar({"A/new/1.x": mail(1)}), "A"),
        (gzip.compress(tar({"Takeout/Mail/All.mbox": mbox([b"X-Gmail-Labels: Cats\r\n" + mail(1)])})), "Cats"),
        (mbox([mail(1)]), "Inbox"),
        (mbox([b"X-Gmail-Labels: Cats\r\n" + mail(1)]), "Cats"),
        (mail(1), "Inbox"),
        (b"X-Gmail-Labels: Cats\r\n" + mail(1), "Cats"),
    ],
    ids=["zip", "tgz", "tar", "takeout.tgz", "mbox", "takeout.mbox", "eml", "takeout.eml"],
)
async def test_a_file_is_what_its_first_octets_say(rig: Rig, mia: Browser, file: bytes, mailbox: str) -> None:
    """WEB-72, STORE-120, STORE-194."""
    assert (await imported(rig, mia, ("file", file)))["messages"] == 1
    async with rig.account() as account:
        found = {name: len(messages) for name, messages in (await contents(account)).items() if messages}
    assert found == {mailbox: 1}


@pytest.mark.served
@pytest.mark.parametrize("pack", [tgz, zipped])
async def test_calendars_and_contacts_of_takeout_come_with_its_mail(rig: Rig, mia: Browser, pack: Any) -> None:
    """STORE-194b: a second import changes nothing; what cannot be read is told; a trial adds nothing."""
    match = "BEGIN:VEVENT\r\nDTSTART:20260101T100000Z\r\nSUMMARY:Match\r\nEND:VEVENT\r\n"
    bad = "BEGIN:VEVENT\r\nUID:bad\r\nDTSTART:yesterday\r\nEND:VEVENT\r\n"
    calendar = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:Club\r\n{match}{bad}END:VCALENDAR\r\n"
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada\r\nN:;Ada;;;\r\nURL:http\\://a.example\r\nEND:VCARD\r\n"
    file = pack(
        {
            "Takeout/Mail/All.mbox": mbox([mail(1)]),
            "Takeout/Calendar/Club.ics": calendar.encode(),
            "Takeout/Contacts/All/All.vcf": card.encode(),
            "Takeout/Contacts/Friends/Friends.vcf": card.encode(),
        }
    )

    def entries(r: Reader) -> list[tuple[str, bytes]]:
        return [
            (where.display_name, resource_data(r, resource.id))
            for kind in ("calendar", "contact")
            for where in collections_of(r, kind)
            for resource in resources_of(r, where.id, 0, 10)
        ]

    assert (await imported(rig, mia, ("file", file), ("dry_run", b"1")))["problems"] == 0
    async with rig.account() as account:
        assert await look(account, entries) == []
    done = await imported(rig, mia, ("file", file))
    assert (done["messages"], done["problems"]) == (1, 1)
    await imported(rig, mia, ("file", file), ("skip_duplicates", b"1"))
    async with rig.account() as account:
        [(title, event), (_, contact)] = await look(account, entries)
    assert (title, b"SUMMARY:Match" in event, b"URL:http://a.example" in contact) == ("Club", True, True)


@pytest.mark.served
@pytest.mark.parametrize("pack", [tgz, zipped])
async def test_photos_of_takeout_come_with_their_contacts(rig: Rig, mia: Browser, pack: Any) -> None:
    """STORE-194b: they are files beside the contacts, named after them; other pictures are problems, as other files."""

    def card(name: str, more: str = "") -> str:
        return f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nN:;{name};;;\r\n{more}END:VCARD\r\n"

    jpeg, png = b"\xff\xd8\xff\xe0 photo", b"\x89PNG\r\n\x1a\n picture"
    url = "PHOTO:https://lh3.example/photo\r\n"
    file = pack(
        {
            "Takeout/Mail/All.mbox": mbox([mail(1)]),
            "Takeout/Contacts/All/Ada_ Countess.jpg": jpeg,
            "Takeout/Contacts/All/All.vcf": (card("Ada: Countess", url) + card("Bo")).encode(),
            "Takeout/Contacts/All/Nobody.jpg": jpeg,
            "Takeout/archive_browser.html": b"<html>",
            "holiday.png": png,
            "large.jpg": jpeg + bytes(200_000),
        }
    )
    events = await heard(rig, await begun(mia, ("file", file)))
    assert [event["message"] for event in events if event["kind"] == "problem"] == [
        "large.jpg: not a mail file",
        "holiday.png: not a mail file",
        "skipped 1 photo without a contact of that name",
    ]
    assert [event["message"] for event in events if event["kind"] == "note"] == [
        "skipped 1 file without mail, for example archive_browser.html"
    ]
    assert (events[-1]["messages"], events[-1]["problems"]) == (1, 3)

    def photos(r: Reader) -> dict[str, bytes]:
        [book] = collections_of(r, "contact")
        cards = [read_card(resource_data(r, resource.id)) for resource in resources_of(r, book.id, 0, 10)]
        return {card.title: photo.data if (photo := photo_of(card.card)) is not None else b"" for card in cards}

    async with rig.account() as account:
        assert await look(account, photos) == {"Ada: Countess": jpeg, "Bo": b""}


@pytest.mark.served
@pytest.mark.parametrize("top", ["", "Maildir/", "home/mia/Maildir/"])
async def test_the_same_maildir_twice_is_recognised(rig: Rig, mia: Browser, top: str) -> None:
    """STORE-126, STORE-127: also a home directory, whose Maildir is no mailbox; what has come since comes."""
    files = {f"{top}cur/1790848740.1.x:2,S": mail(1), f"{top}.Sent/cur/1790848740.2.x:2,S": mail(2)}
    prefix = ("skip_mailbox_prefix", b"home/mia/Maildir")
    assert (await imported(rig, mia, prefix, ("file", tgz(files))))["messages"] == 2
    again = await imported(rig, mia, prefix, ("file", tgz(files)))
    assert (again["kind"], again["message"]) == ("aborted", "all 2 messages have already been imported")
    more = tgz({**files, f"{top}new/1790848741.3.x": mail(3)})
    events = await heard(rig, await begun(mia, prefix, ("file", more)))
    assert (events[-1]["messages"], events[-1]["problems"]) == (3, 1)
    [problem] = [event["message"] for event in events if event["kind"] == "problem"]
    assert problem.startswith("2 messages now exist twice")
    async with rig.account() as account:
        found = {name: len(messages) for name, messages in (await contents(account)).items() if messages}
    assert found == {"Inbox": 3, "Sent": 2}


@pytest.mark.served
async def test_stores_that_only_their_programs_read_are_named(rig: Rig, mia: Browser) -> None:
    """STORE-126: with the command that makes files of them; alone, and among others that come."""
    alone = await imported(rig, mia, ("file", b"!BDN" + b"\0" * 600))
    assert alone["kind"] == "aborted"
    assert "readpst -e -o" in alone["message"]
    files = {"a/Outlook.pst": b"!BDN", "mdbox/storage/m.1": b"x", "A/dbox-Mails/u.7": b"x", "B.mbox": mbox([mail(1)])}
    events = await heard(rig, await begun(mia, ("file", zipped(files))))
    told = [event["message"] for event in events if event["kind"] == "problem"]
    assert ["readpst" in told[0], *("doveadm" in text for text in told[1:])] == [True, True, True]
    assert (events[-1]["messages"], events[-1]["problems"]) == (1, 3)


@pytest.mark.served
async def test_a_line_of_text_that_begins_with_from_ends_no_message(rig: Rig, mia: Browser) -> None:
    """STORE-124: an mbox by a program that escapes none; a separator is an address and a date."""
    texts = [b"Subject: %b\r\n\r\nHi\r\n\r\nFrom my end it works\r\n" % name for name in (b"one", b"two")]
    file = b"".join(b"From a@b.example Thu Oct  1 10:00:00 2026\r\n%b\r\n" % text for text in texts)
    end = await imported(rig, mia, ("file", file))
    assert (end["messages"], end["problems"]) == (2, 0)
    async with rig.account() as account:
        assert [octets for octets, _, _ in (await contents(account))["Inbox"]] == texts


@pytest.mark.served
async def test_mail_goes_where_the_form_says_and_only_once_if_it_says_so(rig: Rig, mia: Browser) -> None:
    """STORE-126, STORE-127: the mailbox of the form counts more than labels."""
    file = mbox([b"X-Gmail-Labels: Cats\r\n" + mail(1), mail(2)])
    into = ("mailbox", "Büro/Alt".encode())
    trial = await imported(rig, mia, into, ("file", file), ("dry_run", b"1"))
    assert trial == {"kind": "done", "messages": 2, "problems": 0, "dry_run": True}
    async with rig.account() as account:
        assert await look(account, lambda r: mailbox_by_name(r, "Büro/Alt")) is None
    assert (await imported(rig, mia, into, ("file", file)))["messages"] == 2
    assert (await imported(rig, mia, into, ("skip_duplicates", b"1"), ("file", file)))["messages"] == 0
    assert (await imported(rig, mia, into, ("skip_duplicates", b"0"), ("file", mail(1))))["messages"] == 1
    async with rig.account() as account:
        assert len((await contents(account))["Büro/Alt"]) == 3


@pytest.mark.served
async def test_a_trial_asks_what_labels_mean_and_the_import_takes_the_answer(rig: Rig, mia: Browser) -> None:
    """WEB-72, WEB-73, STORE-194a."""
    kinds = {
        "Qinbox": b"Delivered-To: mia@gmail.example\r\nFrom: a@b.example\r\n",
        "Qsent": b"From: mia@gmail.example\r\n",
    }
    file = mbox(
        [b"X-Gmail-Labels: %b\r\n%b\r\n%d\r\n" % (name.encode(), kinds[name], n) for n in range(10) for name in kinds]
    )
    events = await heard(rig, await begun(mia, ("dry_run", b"1"), ("file", file)))
    [asked] = [event for event in events if event["kind"] == "asked"]
    assert asked["labels"] == [
        {"name": "Qinbox", "messages": 10, "own": 0, "delivered": 10, "meaning": "inbox"},
        {"name": "Qsent", "messages": 10, "own": 10, "delivered": 0, "meaning": "sent"},
    ]
    answers = {one["name"]: one["meaning"] for one in asked["labels"]} | {"é" * 225: "mailbox"}
    end = await imported(rig, mia, ("labels", json.dumps(answers, ensure_ascii=False).encode()), ("file", file))
    assert end == {"kind": "done", "messages": 20, "problems": 0, "dry_run": False}
    async with rig.account() as account:
        found = await contents(account)
    assert (len(found["Inbox"]), len(found["Sent"])) == (10, 10)


BAD_FORMS = {
    "bad labels": form(("labels", b'{"A": "outbox"}'), ("file", mail(1))),
    "labels that are none": form(("labels", b"[]"), ("file", mail(1))),
    "many labels": form(("labels", json.dumps({str(n): "sent" for n in range(1_001)}).encode()), ("file", mail(1))),
    "long labels": form(("labels", b'{"A": "sent"}' + b" " * 300_000), ("file", mail(1))),
    "no file": form(("mailbox", b"A")),
    "two files": form(("file", mail(1)), ("file", mail(2))),
    "a field twice": form(("mailbox", b"A"), ("mailbox", b"B"), ("file", mail(1))),
    "unknown field": form(("file", mail(1)), ("surprise", b"")),
    "long field": form(("mailbox", b"a" * 5000), ("file", mail(1))),
    "bad flag": form(("dry_run", b"maybe"), ("file", mail(1))),
    "bad mailbox": form(("mailbox", b"a//b"), ("file", mail(1))),
    "truncated": form(("file", mail(1)))[:-20],
    "many fields": form(*((f"f{number}", b"") for number in range(50)), ("file", mail(1))),
    "long header": form(("x" * 9000, b""), ("file", mail(1))),
    "no form at all": mail(1) * 50,
    "no mail": form(("file", b"%PDF-1.7")),
    "rar": form(("file", b"Rar!\x1a\x07")),
    "text": form(("file", b"hello: world\r\n")),
    "empty": form(("file", b"")),
}


@pytest.mark.served
@pytest.mark.parametrize("body", BAD_FORMS.values(), ids=BAD_FORMS)
async def test_what_is_no_good_form_is_an_error_of_the_user(rig: Rig, mia: Browser, body: bytes) -> None:
    """WEB-72, WEB-134, WEB-136: and leaves nothing."""
    answer = await post(mia, body)
    assert (answer.status, answer.json["error"]["code"]) == (400, "user:error"), answer.body
    assert tmp(rig) == []
    assert await mia.call("import_state") == {"token": "", "uploading": False}
    assert (await imported(rig, mia, ("file", mail(1))))["kind"] == "done"


@pytest.mark.served
async def test_only_forms_are_taken(mia: Browser) -> None:
    """WEB-72."""
    for kind in ("application/zip", "multipart/form-data", "multipart/mixed; boundary=x", 'multipart/form-data; x="'):
        assert (await post(mia, form(("file", mail(1))), content_type=kind)).status == 400


@pytest.mark.served
@pytest.mark.parametrize(
    "archive",
    [
        zipped({"../../etc/cron.d/A.mbox": mbox([mail(1)])}),
        tgz({"../A.mbox": mbox([mail(1)])}),
        zipped({"A.mbox": mbox([mail(1)])})[:-30],
        gzip.compress(tar({"A.mbox": mbox([mail(1)])}))[:-40],
        b"PK\x03\x04" + bytes(100),
    ],
    ids=["zip that leads out", "tgz that leads out", "zip cut short", "tgz cut short", "broken zip"],
)
async def test_hostile_archives_change_nothing(rig: Rig, mia: Browser, archive: bytes) -> None:
    """WEB-136, STORE-155."""
    async with rig.account() as account:
        before = await look(account, state)
        end = await imported(rig, mia, ("file", archive))
        assert end["kind"] == "aborted" or (end["messages"], end["problems"]) == (0, 1)
        assert await look(account, state) == before
    assert tmp(rig) == []


@pytest.mark.served
async def test_only_the_owners_own_page_may_import(rig: Rig, mia: Browser) -> None:
    """WEB-53, WEB-55, WEB-132: without a session, with a wrong token, from another site, by another app's session."""
    file = ("file", mail(1))
    assert (await send(rig.browser(app="/"), file)).status == 403
    assert (await send(mia, file, x_moxlite_csrf="wrong")).status == 403
    assert (await send(mia, file, sec_fetch_site="cross-site")).status == 403
    assert (await send(mia, file, origin="https://evil.example")).status == 403
    webmail = rig.browser()
    await webmail.log_in()
    assert (await send(webmail, file)).status == 403
    assert (await mia.fetch("/import")).status == 405
    assert (await mia.fetch("/importprogress?token=00", method="POST")).status == 405
    async with rig.account() as account:
        assert (await look(account, state)).total_size == 0


@pytest.mark.served
async def test_nothing_of_a_refused_file_is_asked_for(rig: Rig, mia: Browser) -> None:
    """WEB-4, WEB-72: no 100 Continue before the log-in, the limits and the rest are looked at."""
    mia.csrf = "wrong"
    codec = h11.Connection(h11.CLIENT)
    head = mia.request("POST", "/import", {"expect": "100-continue", "x-moxlite-csrf": "wrong"})[1]
    head = head.replace(b"content-length: 0", b"content-length: 1000000")
    stream = rig.connect()
    async with stream:
        await stream.send_all(head)
        codec.send(h11.Request(method="POST", target="/", headers=[("host", "x"), ("content-length", "9")]))
        codec.receive_data(bytes(await stream.receive_some()))
        event = codec.next_event()
    assert isinstance(event, h11.Response)
    assert event.status_code == 403


@pytest.mark.served
async def test_a_file_over_the_limit_is_refused_by_its_announcement_or_when_it_comes(tmp_path: Path) -> None:
    """WEB-20, STORE-156."""
    async with trio.open_nursery() as nursery:
        room = await open_rig(tmp_path / "room", nursery, static=SMALL_LIMIT)
        browser = room.browser(app="/")
        await browser.log_in()
        answer = await send(browser, ("file", mbox([mail(1, body="x" * 200_000)])))
        assert (answer.status, "(102,400 bytes)" in answer.json["error"]["message"]) == (413, True)
        assert await browser.error("import_check", size=102_401) == (413, "user:error")
        assert await browser.call("import_check", size=102_400) is None
        # unpacked it counts, too
        end = await imported(room, browser, ("file", tgz({"A.mbox": mbox([mail(1, body="x" * 200_000)])})))
        assert end["kind"] == "aborted"
        assert "102400" in end["message"]
        nursery.cancel_scope.cancel()


@pytest.mark.served
@pytest.mark.parametrize("full_after", [0, 1])
async def test_a_disk_that_is_or_becomes_full_ends_an_upload(
    rig: Rig, mia: Browser, monkeypatch: pytest.MonkeyPatch, full_after: int
) -> None:
    """WEB-20, WEB-141, STORE-157."""
    looks = 0

    def room_for(directory: Path, octets: int, reserve: int) -> bool:
        nonlocal looks
        looks += 1
        return looks <= full_after

    monkeypatch.setattr(upload, "LOOK_SIZE", 1 << 10)
    monkeypatch.setattr(upload, "room_for", room_for)
    answer = await send(mia, ("file", mbox([mail(1, body="x" * 900_000)])))
    assert (answer.status, answer.json["error"]["message"]) == (507, upload.DISK_FULL)
    assert await mia.error("import_check", size=10) == (507, "user:error")
    assert looks == full_after + 2
    assert tmp(rig) == []
    monkeypatch.undo()
    assert upload.room_for(Path("/"), 0, 0)
    assert not upload.room_for(Path("/"), shutil.disk_usage("/").total, 0)


@pytest.mark.served
async def test_an_upload_that_is_cut_leaves_nothing_and_frees_the_account(rig: Rig, mia: Browser) -> None:
    """WEB-136, STORE-130: meanwhile a second one is refused."""
    body = form(("file", mbox([mail(1, body="x" * 100_000)])))
    kind = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "x-moxlite-csrf": mia.csrf}
    _, octets = mia.request("POST", "/import", kind, body)
    stream = rig.connect()
    await stream.send_all(octets[:-1000])
    with trio.fail_after(60):
        while not (state := await mia.call("import_state"))["uploading"]:  # noqa: ASYNC110 - told to pages only
            await trio.sleep(0.01)
    assert state == {"token": "", "uploading": True}
    second = await send(mia, ("file", mail(1)))
    assert (second.status, second.json["error"]["code"]) == (409, "user:conflict")
    assert await mia.error("import_check", size=1) == (409, "user:conflict")
    await stream.aclose()
    with trio.fail_after(30):
        while (await mia.call("import_state"))["uploading"]:  # noqa: ASYNC110 - told to pages only
            await trio.sleep(0.01)
    assert tmp(rig) == []
    assert (await imported(rig, mia, ("file", mail(1))))["messages"] == 1


@pytest.mark.served
@pytest.mark.rig(app="/", static=STATIC.replace('postmaster = { account = "mia"', 'postmaster = { account = "tom"'))
@pytest.mark.parametrize("when", ["upload", "running", "ended"])
async def test_the_import_of_a_removed_account_ends_with_it(rig: Rig, mia: Browser, gate: Gate, when: str) -> None:
    """WEB-73, STORE-130, ADMIN-15: an account of that name, added in the same second, neither sees it nor gets mail."""
    body = form(("file", mbox([mail(n, body=LARGE.decode()) for n in range(3)])))
    kind = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "x-moxlite-csrf": mia.csrf}
    _, octets = mia.request("POST", "/import", kind, body)
    stream = rig.connect()
    await stream.send_all(octets[:-1000])
    with trio.fail_after(60):
        while not (await mia.call("import_state"))["uploading"]:  # noqa: ASYNC110 - told to pages only
            await trio.sleep(0.01)
    if when != "upload":
        await stream.send_all(octets[-1000:])
        await gate.wait()
    if when == "ended":
        gate.go.set()
        await heard(rig, (await mia.call("import_state"))["token"])
    async with rig.running.ctl() as ctl:

        async def remove() -> None:
            await ctl.call("config account rm", RemoveAccount("mia"), type(None))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(remove)
            await eventually(lambda: rig.holder.current.account("mia") is None)
            gate.go.set()  # its thread reads on until the next piece
        await ctl.call("config account add", AddAccount("mia", ADDRESS), type(None))
        await ctl.call("account set-password", SetPassword("mia", PASSWORD), type(None))
    again = rig.browser(app="/")
    await again.log_in()
    assert await again.call("import_state") == {"token": "", "uploading": False}
    if when == "upload":
        with suppress(trio.BrokenResourceError):
            await stream.send_all(octets[-1000:])
    async with rig.account() as account:
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert not any((await contents(account)).values())
        assert await look(account, lambda r: r.value("SELECT count(*) FROM import_job")) == 0
    assert (await imported(rig, again, ("file", mail(9))))["messages"] == 1


@pytest.mark.served
async def test_files_are_closed_beside_the_loop(rig: Rig, mia: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-72, WEB-136: to free the blocks of a large one takes seconds, after an import, a refusal, and a cut."""
    threads: list[int] = []

    class Noted(io.BufferedRandom):
        def close(self) -> None:
            if not self.closed:
                threads.append(threading.get_ident())
            super().close()

    def nameless(directory: Path) -> BinaryIO:
        return Noted(tempfile.TemporaryFile(dir=directory, buffering=0))

    monkeypatch.setattr(upload, "_nameless", nameless)
    assert (await imported(rig, mia, ("file", mail(1))))["messages"] == 1
    await eventually(lambda: len(threads) == 1)
    assert (await send(mia, ("file", b"neither mail nor an archive"))).status == 400
    assert (await send(mia, ("other", b"x"))).status == 400
    assert len(threads) == 3
    assert threading.get_ident() not in threads


@pytest.mark.served
async def test_a_page_that_comes_again_goes_on_where_the_import_is(rig: Rig, mia: Browser, gate: Gate) -> None:
    """WEB-73, STORE-128, STORE-130: it is found by the account, followed by its token, and one at a time."""
    token = await begun(mia, ("file", mbox([mail(n, body=LARGE.decode()) for n in range(3)])))
    await gate.wait()
    async with listening(rig, token) as events:
        assert (await events.next())["title"] == "reading"
        progress = await events.until("progress")
        assert 0 < progress["octets"] < progress["size"]
    assert await mia.call("import_state") == {"token": token, "uploading": False}
    assert (await send(mia, ("file", mail(1)))).status == 409
    async with listening(rig, token) as again:
        assert (await again.next())["title"] == "reading"
        gate.go.set()
        done = await again.until("done")
    assert done["messages"] == 3
    assert [event["kind"] for event in await heard(rig, token)] == ["step", "count", "done"]
    assert await mia.call("import_state") == {"token": token, "uploading": False}
    assert (await imported(rig, mia, ("file", mail(9))))["messages"] == 1


@pytest.mark.served
async def test_a_page_sees_how_much_of_a_large_import_is_filed(
    rig: Rig, mia: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-73, STORE-128: also a page that comes later."""
    gate = AppearingGate(monkeypatch, 2)
    token = await begun(mia, ("file", mbox([mail(number) for number in range(4)])))
    await gate.reached.wait()
    for _ in range(2):
        async with listening(rig, token) as events:
            assert (await events.until("share"))["percent"] == 25
    gate.opened.set()
    shares = [event["percent"] for event in await heard(rig, token) if event["kind"] == "share"]
    assert shares == sorted(shares)
    assert (await heard(rig, token))[-1]["messages"] == 4


@pytest.mark.served
async def test_an_abort_leaves_the_account_as_it_was(rig: Rig, mia: Browser, gate: Gate) -> None:
    """WEB-74, STORE-129: deliveries meanwhile stay; others cannot abort it."""
    async with rig.account() as account:
        token = await begun(mia, ("file", mbox([mail(n, body=LARGE.decode()) for n in range(3)])))
        await gate.wait()
        await deliver_mail(account, mail(77))
        async with rig.account("tom") as toms:
            from moxlite.store.auth.credentials import change_password

            await change_password(toms, "another horse battery")
        tom = rig.browser(app="/")
        await tom.log_in("tom@example.org", "another horse battery")
        assert await tom.error("import_abort", token=token) == (404, "user:notFound")
        assert await tom.call("import_state") == {"token": "", "uploading": False}
        assert await mia.error("import_abort", token="zz") == (404, "user:notFound")
        await mia.call("import_abort", token=token)
        gate.go.set()
        events = await heard(rig, token)
        assert events[-1] == {"kind": "aborted", "message": "the import was canceled"}
        assert await mia.error("import_abort", token=token) == (400, "user:error")
        assert len((await contents(account))["Inbox"]) == 1
        assert await look(account, lambda r: r.value("SELECT count(*) FROM import_job")) == 0
        assert await look(account, lambda r: r.value("SELECT count(*) FROM body")) == 1


@pytest.mark.served
async def test_the_end_is_told_for_a_minute(rig: Rig, mia: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-73."""
    assert (await rig.browser().fetch("/importprogress?token=" + "0" * 32)).status == 400
    assert (await rig.browser().fetch("/importprogress?token=nonsense")).status == 400
    assert (await rig.browser().fetch("/importprogress")).status == 400
    token = await begun(mia, ("file", mail(1)))
    assert (await heard(rig, token))[-1]["kind"] == "done"
    monkeypatch.setattr(engine, "KEPT_SECONDS", 0.0)
    assert (await rig.browser().fetch(f"/importprogress?token={token}")).status == 400
    assert await mia.call("import_state") == {"token": "", "uploading": False}


@pytest.mark.served
async def test_an_import_has_a_bounded_number_of_listeners(
    rig: Rig, mia: Browser, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-73: it needs no session to listen."""
    monkeypatch.setattr(imports, "MAX_LISTENERS", 1)
    token = await begun(mia, ("file", mbox([mail(n, body=LARGE.decode()) for n in range(3)])))
    await gate.wait()
    async with listening(rig, token) as events:
        await events.until("progress")
        assert (await rig.browser().fetch(f"/importprogress?token={token}")).status == 503
    monkeypatch.setattr(imports, "MAX_LISTENERS", 2)
    gate.go.set()
    assert (await heard(rig, token))[-1]["kind"] == "done"


@pytest.mark.served
async def test_a_listener_hears_that_the_line_stands_and_leaves_when_the_server_stops(
    rig: Rig, mia: Browser, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-17, WEBMAIL-33: as other streams."""
    monkeypatch.setattr(imports, "KEEPALIVE", 0.02)
    token = await begun(mia, ("file", mbox([mail(n, body=LARGE.decode()) for n in range(3)])))
    await gate.wait()
    async with listening(rig, token) as events:
        while not (await events.block()).startswith(":"):
            pass
        rig.shutdown.set()
        while await events.block():
            pass
    gate.go.set()


@pytest.mark.served
async def test_an_import_over_the_quota_says_so(tmp_path: Path) -> None:
    """WEB-76, STORE-123."""
    domains = (
        '[domains."example.org"]\n[accounts.mia]\ndomain = "example.org"\nquota_message_size = "100k"\n'
        '[accounts.mia.destinations."mia@example.org"]\n'
    )
    async with trio.open_nursery() as nursery:
        room = await open_rig(tmp_path / "room", nursery, domains=domains)
        browser = room.browser(app="/")
        await browser.log_in()
        assert (await browser.call("overview"))["storage_limit"] == 102_400
        end = await imported(room, browser, ("file", mbox([mail(1, body="x" * 200_000)])))
        assert (end["kind"], "not enough space" in end["message"]) == ("aborted", True)
        nursery.cancel_scope.cancel()


@pytest.mark.served
async def test_a_bug_in_an_import_ends_it_and_nothing_else(
    rig: Rig, mia: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """WEB-18."""

    def crash(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(adding, "read_source", crash)
    end = await imported(rig, mia, ("file", mail(1)))
    assert (end["kind"], "log" in end["message"]) == ("aborted", True)
    with trio.fail_after(30):  # the browser may be told first
        while not any(record.exc_info for record in caplog.records):  # noqa: ASYNC110  a log has no event
            await trio.sleep(0.01)
    monkeypatch.undo()
    assert (await imported(rig, mia, ("file", mail(1))))["kind"] == "done"


@pytest.mark.parametrize(
    ("seconds", "octets", "left"), [(1.0, 50, None), (10.0, 0, None), (10.0, 25, 30), (9.0, 200, 0)]
)
def test_the_estimate_follows_the_pace(seconds: float, octets: int, left: int | None) -> None:
    """WEB-73."""
    from moxlite.store.imports.items import Progress

    file = upload.CountingFile(None, 100)  # type: ignore[arg-type]
    file.octets = octets
    told = imports._progress(Progress(b"", "mia"), file, seconds)
    assert told == ImportProgress(min(octets, 100), 100, 0, left)


@pytest.mark.served
async def test_the_page_is_told_of_mailboxes_and_use(rig: Rig, mia: Browser) -> None:
    """WEB-61."""
    async with rig.account() as account:
        await deliver_mail(account, mail(1))
    overview = await mia.call("overview")
    assert overview["login_address"] == "mia@example.org"
    assert (overview["storage_used"], overview["storage_limit"]) == (len(mail(1)), 0)
    found = {box["name"]: box["total"] for box in await mia.call("mailboxes")}
    assert Counter(found.values())[1] == 1
    assert found["Inbox"] == 1
    described = (await mia.fetch("/api/")).json
    assert set(described["x-calls"]) >= {"import_abort", "import_check", "import_state", "mailboxes", "overview"}
    assert "x-request" not in described
    await mia.call("logout")
    assert await mia.error("overview") == (401, "user:noAuth")
