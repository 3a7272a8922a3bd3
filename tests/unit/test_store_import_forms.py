"""Archives of mail as other programs write them, each made here in a few files (moxlite/store/imports/forms.py).

What the forms are known from is beside each; all of them were made by hand for these tests.
"""

import io
import tarfile
from collections.abc import Mapping
from email.message import EmailMessage

import pytest
from hypothesis import given, settings, strategies as st

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.imports.forms import FORMS, FileKind, find
from moxlite.store.imports.items import Form, Order
from moxlite.store.imports.sources import recognise
from tests.store_fixtures import accounts, store_options
from tests.store_imports import contents, done, imported, mbox, tar, tgz, zipped
from tests.store_mail import mail
from tests.unit.test_mbox_forms import BOM, FROM, emlx

__all__ = ["accounts", "store_options"]

ARCHIVE = Order(form=Form.ARCHIVE)
SEEN = {r"\Seen"}


def lf(message: bytes) -> bytes:
    """As programs on Unix write it."""
    return message.replace(b"\r\n", b"\n")


def labelled(number: int, labels: str) -> bytes:
    """A message of Google's Takeout."""
    return f"X-GM-THRID: {number}\r\nX-Gmail-Labels: {labels}\r\n".encode() + mail(number)


TEXT = b"Only a text, which nobody sent.\n"
MESSAGE = lf(mail(1))
TREES: dict[str, tuple[Mapping[str, bytes], Mapping[str, int], list[str]]] = {
    # Mail > Mailbox > Export Mailbox (https://support.apple.com/guide/mail/mlhlp1030): a folder with two files each
    "Apple Mail, exported": (
        {
            "Work.mbox/": b"",
            "Work.mbox/mbox": mbox([mail(1), mail(2)]),
            "Work.mbox/table_of_contents": b"\0\1",
            "Work/Sub.mbox/mbox": mbox([mail(3)]),
            "__MACOSX/Work.mbox/._mbox": b"\0\5\x16\7",
        },
        {"Work": 2, "Work/Sub": 1},
        [],
    ),
    # ~/Library/Mail: https://docs.fileformat.com/email/emlx/, https://github.com/qqilihq/partial-emlx-converter
    "Apple Mail, its store": (
        {
            "V10/0F1E2D3C-0000-4000-8000-000000000001/Work.mbox/Sub.mbox/0F1E2D3C-0000-4000-8000-000000000002/Data/1/"
            "Messages/1234.emlx": emlx(lf(mail(1)), 1),
            "V10/0F1E2D3C-0000-4000-8000-000000000001/Work.mbox/Info.plist": b"<plist/>",
            "loose/7.emlx": emlx(lf(mail(2)), 1),
        },
        {"Work/Sub": 1, "loose": 1},
        [],
    ),
    # readpst(1) of libpst, option -r: src/readpst.c, item_type_to_name
    "readpst -r": (
        {
            "Outlook Data File/Inbox/mbox": mbox([mail(1)]),
            "Outlook Data File/Inbox/Sub/mbox": mbox([mail(2)]),
            "Outlook Data File/Calendar/calendar": b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
            "Outlook Data File/Contacts/contacts": b"BEGIN:VCARD\nFN:Ada\nEND:VCARD\n",
        },
        {"Outlook Data File/Inbox": 1, "Outlook Data File/Inbox/Sub": 1},
        [
            "Outlook Data File/Calendar/calendar.ics: calendars and contacts are imported by a running server only",
            "Outlook Data File/Contacts/contacts.vcf: calendars and contacts are imported by a running server only",
        ],
    ),
    # https://docs.kde.org/stable5/en/kmail/kmail2/the-index-files.html, and KMail's "Export Folder as Archive"
    "KMail": (
        {
            "x": mbox([mail(1)]),
            ".x.directory/Sub": mbox([mail(2)]),
            ".x.directory/.Sub.directory/Deep/cur/1790848740.1.x:2,S": lf(mail(3)),
            ".x.index": b"# KMail-Index V1506\n",
            ".x.index.ids": b"# KMail-Index-IDs V1002\n",
        },
        {"x": 1, "x/Sub": 1, "x/Sub/Deep": 1},
        [],
    ),
    # mh-folders(5) and mh-sequence(5) of nmh; Claws Mail and Sylpheed have files of their own
    "MH": (
        {
            "Mail/inbox/1": MESSAGE,
            "Mail/inbox/12": lf(mail(2)),
            "Mail/inbox/,3": lf(mail(3)),
            "Mail/inbox/.claws_cache": b"\0",
            "Mail/inbox/.mh_sequences": b"cur: 1\n",
        },
        {"Mail/inbox": 2},
        [],
    ),
    # https://github.com/ProtonMail/proton-mail-export: ID.eml with ID.metadata.json, and labels.json
    "Proton's export": (
        {
            "mail_20260101_120000/a==.eml": mail(1),
            "mail_20260101_120000/a==.metadata.json": b"{}",
            "mail_20260101_120000/labels.json": b"{}",
        },
        {"mail_20260101_120000": 1},
        [],
    ),
    "byte order marks": ({"A.mbox": BOM + mbox([mail(1)]), "B/1.eml": BOM + mail(2)}, {"A": 1, "B": 1}, []),
    # Mailman's archives, and mail without a suffix or with one of another program
    "other suffixes": (
        {"2009-March.txt": mbox([mail(1)]), "In.mbx": mbox([mail(2)]), "x/saved.msg": mail(3), "x/note.txt": TEXT},
        {"2009-March": 1, "In": 1, "x": 1},
        ["x/note.txt: not a mail file"],
    ),
}


@pytest.mark.parametrize("pack", [tgz, zipped])
@pytest.mark.parametrize("program", TREES)
async def test_archives_of_other_programs(accounts: Accounts, program: str, pack: object) -> None:
    """STORE-126, STORE-194c: each message is in the mailbox that the program shows, and no other mailbox is made."""
    assert callable(pack)
    files, boxes, problems = TREES[program]
    async with accounts.use("mia") as account:
        before = {name for name, messages in (await contents(account)).items() if not messages}
        progress = await imported(accounts, pack(files), ARCHIVE)
        assert done(progress).messages == sum(boxes.values())
        assert sorted(progress.problems) == problems
        found = {name: len(messages) for name, messages in (await contents(account)).items() if name not in before}
        parents = {name.rpartition("/")[0] for name in boxes} | {"Mail", "Outlook Data File", "x", "Old"}
        assert {name: number for name, number in found.items() if number or name not in parents} == boxes
        for messages in (await contents(account)).values():
            assert all(octets in {mail(number) for number in range(1, 5)} for octets, _, _ in messages)


async def test_a_zip_file_of_windows(accounts: Accounts) -> None:
    """STORE-155, STORE-194c: APPNOTE.TXT §4.4.17.1 asks for slashes; .NET before 4.6.1 wrote what Windows has."""
    files = {"Old\\": b"", "Old\\A.mbox": mbox([mail(1)]), "Old\\B\\2.eml": mail(2), "Old\\..\\..\\x.mbox": b""}
    async with accounts.use("mia") as account:
        progress = await imported(accounts, zipped(files), ARCHIVE)
        assert progress.problems == ["'Old/../../x.mbox': the file name points outside the archive"]
        found = {name: len(messages) for name, messages in (await contents(account)).items() if messages}
        assert found == {"Old/A": 1, "Old/B": 1}


async def test_a_file_that_nobody_knows_is_reported(accounts: Accounts) -> None:
    """STORE-126a, STORE-194c: whatever its name and octets; what programs keep beside mail is one quiet line."""
    unknown = {"a.docx": b"PK\x03\x04", "b": b"\0" * 99, "c.json": b"{}", "d/1": TEXT, "e.txt": b"Date: today\n"}
    quiet = {"A.msf": b"x", "archive_browser.html": b"<html>", "m/x.metadata.json": b"{}"}
    async with accounts.use("mia"):
        progress = await imported(accounts, zipped({**unknown, **quiet, "A.mbox": mbox([mail(1)])}), ARCHIVE)
        assert done(progress).messages == 1
        assert sorted(progress.problems) == [f"{name}: not a mail file" for name in sorted(unknown)]
        assert progress.notes == [
            "skipped 3 files without mail, for example A.msf, archive_browser.html, x.metadata.json"
        ]


@given(
    st.lists(st.sampled_from(["", "a", "x.mbox", ".a.b", ".a.directory", "cur", "A.sbd", "12", "é"]), max_size=4),
    st.text(max_size=12) | st.sampled_from(["mbox", "1.emlx", "1", "a.eml", ".mh_sequences", "x.jpg", "a.b", "x.mbox"]),
)
@settings(max_examples=200)
def test_any_file_has_one_form(folders: list[str], name: str) -> None:
    """STORE-155, STORE-194c: a name means a mailbox, or that its content decides; it never leads out of the archive."""
    from moxlite.store.imports.forms import BadPath

    try:
        entry = find("/".join([*filter(None, folders), name]), ARCHIVE)
    except BadPath:
        return
    assert entry.what in {form.kind for form in FORMS} | {FileKind.UNKNOWN, FileKind.NOTHING}
    assert ".." not in entry.mailbox.split("/")
    if entry.what is FileKind.UNKNOWN:
        assert entry.mailbox
        assert entry.inside


async def test_states_of_messages_come_with_them(accounts: Accounts) -> None:
    """STORE-194c: the property list of Apple Mail; sequences of MH that come after the messages, and none."""
    files = {
        "A.mbox/Messages/1.emlx": emlx(MESSAGE, 1 | 1 << 2 | 1 << 4, 1_600_000_000),
        "B/1": lf(mail(2)),
        "B/2": lf(mail(3)),
        "B/.mh_sequences": b"unseen: 2-9\nflagged: 1\n",
        "C/1": lf(mail(4)),
    }
    async with accounts.use("mia") as account:
        assert done(await imported(accounts, tgz(files), ARCHIVE)).problems == 0
        # Mailboxes say by themselves what isn't junk.
        boxes = await contents(account)
        found = {name: [(text, at, words - {"$NotJunk"}) for text, at, words in box] for name, box in boxes.items()}
        assert found["A"] == [(mail(1), 1_600_000_000, {*SEEN, r"\Answered", r"\Flagged"})]
        assert [words for _, _, words in found["B"]] == [{*SEEN, r"\Flagged"}, set()]
        assert [words for _, _, words in found["C"]] == [SEEN]


async def test_a_message_whose_attachments_are_elsewhere_is_told(accounts: Accounts) -> None:
    """STORE-194c"""
    files = {
        "A.mbox/Data/Messages/1.partial.emlx": emlx(MESSAGE),
        "A.mbox/Data/Attachments/1/2/offer.pdf": b"%PDF",
        "A.mbox/Data/Messages/2.emlx": b"999\nSubject: cut\n",
    }
    async with accounts.use("mia"):
        progress = await imported(accounts, tgz(files), ARCHIVE)
        assert done(progress).messages == 1
        assert ["without the attachments" in text or "the file is truncated" in text for text in progress.problems] == [
            True,
            True,
        ]


@pytest.mark.parametrize("pack", [tgz, zipped])
async def test_a_message_with_several_labels_comes_once(accounts: Accounts, pack: object) -> None:
    """STORE-194: Takeout of chosen labels has an mbox for each, and each copy all labels ("archive_browser.html")."""
    assert callable(pack)
    both, one = labelled(1, "Inbox,Work,Home"), labelled(2, "Work,Inbox")
    files = {
        "Takeout/Mail/Work.mbox": mbox([both, one, one]),
        "Takeout/Mail/Home.mbox": mbox([both]),
        "Takeout/archive_browser.html": b"<html>",
    }
    async with accounts.use("mia") as account:
        progress = await imported(accounts, pack(files), ARCHIVE)
        assert (done(progress).messages, progress.problems) == (3, [])
        found = (await contents(account))["Inbox"]
        assert [octets for octets, _, _ in found] == [both, one, one]
        assert {"work", "home"} <= found[0][2]
        assert any(text.startswith("skipped 1 message already imported") for text in progress.notes)


async def test_a_text_that_quotes_a_separator_stays_whole(accounts: Accounts) -> None:
    """STORE-124a"""
    message = mail(1, body="See:\r\n\r\nFrom bob@example.org Sun Nov  1 10:00:00 2026\r\nSubject: x\r\n\r\nHello\r\n")
    text = lf(message).partition(b"\n\n")
    file = FROM + text[0] + b"\nContent-Length: %d\n\n" % len(text[2]) + text[2] + b"\n" + mbox([mail(2)])
    async with accounts.use("mia") as account:
        assert done(await imported(accounts, file, Order(form=Form.MBOX))).messages == 2
        assert [octets for octets, _, _ in (await contents(account))["Inbox"]] == [message, mail(2)]


@pytest.mark.parametrize(
    ("file", "form"),
    [
        (BOM + mail(1), Form.MESSAGE),
        (BOM + mbox([mail(1)]), Form.MBOX),
        (emlx(MESSAGE), Form.EMLX),
        (b"12\nhello\n", None),
        (b"{}", None),
    ],
)
async def test_single_files_are_recognised_by_their_content(accounts: Accounts, file: bytes, form: Form | None) -> None:
    """STORE-120"""
    assert recognise(file) is form
    if form is not None:
        async with accounts.use("mia") as account:
            assert done(await imported(accounts, file, Order(form=form))).messages == 1
            assert [octets for octets, _, _ in (await contents(account))["Inbox"]] == [mail(1)]


async def test_links_in_a_maildir_are_told(accounts: Accounts) -> None:
    """STORE-155: they may lead to the mail of another user."""
    out = io.BytesIO(tar({"A/cur/1790848740.1.x:2,S": MESSAGE}))
    with tarfile.open(fileobj=out, mode="a") as archive:
        info = tarfile.TarInfo("A/cur/1790848741.2.x:2,S")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/shadow"
        archive.addfile(info)
    async with accounts.use("mia"):
        progress = await imported(accounts, out.getvalue(), Order(form=Form.TAR))
        assert (done(progress).messages, progress.problems) == (1, ["A/cur/1790848741.2.x:2,S: link"])


def test_a_message_made_by_python_is_recognised() -> None:
    """STORE-120"""
    message = EmailMessage()
    message["Subject"] = "Grüße"
    assert recognise(message.as_bytes()) is Form.MESSAGE
