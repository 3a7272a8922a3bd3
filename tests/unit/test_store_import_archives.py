"""What is found in archives, and what hostile ones can do (moxlite/store/imports: sources, folders, tarstream, zip)."""

import base64
import csv
import gzip
import io
import os
import stat
import struct
import tarfile
import time
import zipfile
from collections.abc import Callable, Sequence
from email.header import Header
from typing import BinaryIO, cast

import pytest
from hypothesis import example, given, settings, strategies as st

from moxlite.normal import normalized
from moxlite.proto.mime.headers import HeaderSection
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import ImportFailed
from moxlite.store.imports import adding, items, sources
from moxlite.store.imports.archives import members
from moxlite.store.imports.forms import BadPath, FileKind, find
from moxlite.store.imports.items import Aborted, Form, Mail, Order
from moxlite.store.imports.labels import CATEGORIES, KNOWN, MAX_ASKED, TELLING, LabeledMailbox, Labels
from moxlite.store.imports.reading import ExistingState, ReadAhead
from moxlite.store.imports.sources import Budget, read_source, recognise
from moxlite.store.mail import staging
from moxlite.store.mail.labels import add_labels, labels_of
from moxlite.store.rows.mailboxes import flag_words, state
from moxlite.store.types import Flag, Meaning, SpecialUse
from tests.store_fixtures import accounts, store_options
from tests.store_imports import contents, done, imported, mbox, tar, tgz, zipped
from tests.store_mail import look, mail, rows

__all__ = ["accounts", "store_options"]

ARCHIVE = Order(form=Form.ARCHIVE)


def lf(message: bytes) -> bytes:
    """As it is in a Maildir."""
    return message.replace(b"\r\n", b"\n")


FILES = {
    "top/A.mbox": mbox([mail(1), mail(2)]),
    "top/B/cur/1790848740.1.x:2,FSab": lf(mail(3)),
    "top/B/new/1790848740.2.x": lf(mail(4)),
    "top/B/tmp/1790848740.3.x": lf(mail(5)),
    "top/B/.C.Entw&APw-rfe/cur/1790848740.4.x:2,": lf(mail(6)),
    "top/Empty/new/": b"",
    "top/loose.eml": mail(7),
    "top/picture.png": b"\x89PNG",
    "top/B/dovecot-keywords": b"0 Work\n1 NonJunk\n",
    "top/B/dovecot-uidlist": b"3 V1 N1\n",
}


@pytest.mark.parametrize("pack", [tgz, zipped])
async def test_any_mix_of_mail_in_an_archive(accounts: Accounts, pack: object) -> None:
    """STORE-120, STORE-125, STORE-126, STORE-194"""
    assert callable(pack)
    async with accounts.use("mia") as account:
        progress = await imported(accounts, pack(FILES), Order(form=Form.ARCHIVE, prefix="top"))
        assert done(progress).messages == 7
        assert progress.problems == ["top/picture.png: not a mail file"]
        found = await contents(account)
        assert [octets for octets, _, _ in found["A"]] == [mail(1), mail(2)]
        assert found["B"] == [
            (mail(3), 1_790_848_740, {r"\Seen", r"\Flagged", "work", "$NotJunk"}),
            (mail(4), 1_790_848_740, {"$NotJunk"}),
            (mail(5), 1_790_848_740, {"$NotJunk"}),
        ]
        assert [octets for octets, _, _ in found["B/C/Entwürfe"]] == [mail(6)]
        assert found["Empty"] == []
        assert [octets for octets, _, _ in found["Inbox"]] == [mail(7)]


async def test_stores_of_other_programs_say_what_to_do(accounts: Accounts) -> None:
    """STORE-126: Outlook's and Dovecot's own, alone and in an archive."""
    async with accounts.use("mia"):
        progress = await imported(accounts, b"!BDN" + b"\0" * 600, ARCHIVE)
        assert isinstance(progress.end, Aborted)
        assert "readpst -e -o" in progress.end.text
        assert recognise(b"!BDN" + b"\0" * 600) is Form.ARCHIVE
        files = {"old/Outlook.PST": b"!BDN", "mdbox/storage/m.1": b"x", "mdbox/mailboxes/A/dbox-Mails/u.7": b"x"}
        pst, *boxes = (await imported(accounts, tgz(files), ARCHIVE)).problems
        assert pst.startswith("old/Outlook.PST: ")
        assert "readpst" in pst
        assert ["doveadm" in text for text in boxes] == [True, True]


async def test_a_home_directory_is_taken_for_its_maildir(accounts: Accounts) -> None:
    """STORE-126: nothing comes below a mailbox "Maildir"."""
    files = {"Maildir/cur/1790848740.1.x:2,S": lf(mail(1)), "Maildir/.Sent/new/1790848740.2.x": lf(mail(2))}
    async with accounts.use("mia") as account:
        done(await imported(accounts, tgz(files), ARCHIVE))
        assert {name for name, box in (await contents(account)).items() if box} == {"Inbox", "Sent"}


async def test_letters_are_explained_by_a_file_that_comes_last_in_short_units(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-122, STORE-125: each message once, in any folder, and a letter without a keyword is one problem."""
    monkeypatch.setattr(staging, "RESOLVED", 2)
    resolve, units = staging.resolve_letters, list[int]()

    def resolving(tx: AccountTx, meanings: Sequence[tuple[int, str, int]]) -> None:
        units.append(len(meanings))
        resolve(tx, meanings)

    monkeypatch.setattr(adding, "resolve_letters", resolving)
    files = {f"A/cur/{number}.x:2,Sa{'b' if number % 2 else ''}": lf(mail(number)) for number in range(1, 5)}
    files |= {f"B/cur/{number}.x:2,ac": lf(mail(number)) for number in range(5, 8)}
    files |= {"B/cur/8.x:2,": lf(mail(8))}
    files |= {"A/dovecot-keywords": b"0 one\n1 two\n", "B/dovecot-keywords": b"0 other\n"}
    async with accounts.use("mia") as account:
        progress = await imported(accounts, tgz(files))
        assert done(progress).messages == 8
        assert [set(row.keywords) for row in await rows(account, "A")] == [{"one", "two"}, {"one"}] * 2
        assert [row.keywords for row in await rows(account, "B")] == [("other",)] * 3 + [()]
        assert progress.problems == ["B: no keyword for c in dovecot-keywords"]
    assert units == [2, 2, 2, 1]


async def test_letters_without_a_file_of_keywords_are_a_problem(accounts: Accounts) -> None:
    """STORE-125"""
    async with accounts.use("mia") as account:
        progress = await imported(accounts, tgz({"A/cur/1.x:2,Sab": lf(mail(1)), "A/cur/2.x:2,b": lf(mail(2))}))
        assert done(progress).messages == 2
        assert any("no keyword for a, b" in text for text in progress.problems)
        assert [row.keywords for row in await rows(account, "A")] == [(), ()]


async def test_a_maildir_goes_into_the_mailbox_named(accounts: Accounts) -> None:
    """STORE-120, STORE-194"""
    async with accounts.use("mia") as account:
        data = tar({"cur/1.x:2,S": lf(mail(1)), ".Sub.Deep/cur/2.x:2,S": lf(mail(2))})
        done(await imported(accounts, data, Order(form=Form.TAR, mailbox="Old")))
        done(await imported(accounts, data, Order(form=Form.TAR, mailbox="inbox")))
        found = await contents(account)
        assert {name: len(found[name]) for name in ("Old", "Old/Sub/Deep", "Inbox", "Sub/Deep")} == {
            "Old": 1,
            "Old/Sub/Deep": 1,
            "Inbox": 1,
            "Sub/Deep": 1,
        }


@pytest.mark.parametrize("mtime", [0, 10**10, 10**17])
async def test_a_time_of_a_file_that_no_message_can_have_is_not_used(accounts: Accounts, mtime: int) -> None:
    """STORE-125: IMAP has no date for it, and the largest do not fit into the file."""
    message = mail(1).replace(b"Subject", b"Date: Thu, 01 Oct 2026 10:00:00 +0000\r\nSubject")
    async with accounts.use("mia") as account:
        done(await imported(accounts, tar({"Inbox/cur/a:2,S": message}, mtime=mtime), Order(form=Form.TAR)))
        [(_, received, _)] = (await contents(account))["Inbox"]
        assert received == 1_790_848_800


async def test_a_profile_of_thunderbird(accounts: Accounts) -> None:
    """STORE-194"""
    files = {
        "Mail/Local Folders/Inbox": mbox([mail(1)]).replace(b"Subject", b"X-Mozilla-Status: 0001\nSubject"),
        "Mail/Local Folders/Inbox.msf": b"// index",
        "Mail/Local Folders/Lists.sbd/python": mbox([mail(2)]),
        "Mail/Local Folders/Lists.sbd/deep.sbd/x.y": mbox([mail(3), mail(4)]).replace(
            b"Subject", b"X-Mozilla-Status: 0008\nSubject", 1
        ),
        "Mail/Local Folders/popstate.dat": b"",
    }
    async with accounts.use("mia") as account:
        progress = await imported(accounts, zipped(files), Order(form=Form.ARCHIVE, prefix="Mail/Local Folders"))
        assert done(progress).messages == 3
        assert any("skipped 1 message marked as deleted" in text for text in progress.problems)
        found = await contents(account)
        assert [words for _, _, words in found["Inbox"]] == [{r"\Seen"}]
        assert len(found["Lists/python"]) == len(found["Lists/deep/x.y"]) == 1


async def test_labels_of_google_name_the_mailbox(accounts: Accounts) -> None:
    """STORE-194"""

    def labelled(number: int, labels: str) -> bytes:
        return mail(number).replace(b"Subject", f"X-Gmail-Labels: {labels}\r\nSubject".encode())

    labels = ["Inbox,Unread,Starred", "Sent,Opened", "Spam", '"Work, mostly",Travel', "Archived", "Draft,Important"]
    file = mbox([labelled(number, one) for number, one in enumerate(labels)])
    async with accounts.use("mia") as account:
        done(await imported(accounts, tgz({"Takeout/Mail/All mail.mbox": file})))
        found = {name: [words for _, _, words in box] for name, box in (await contents(account)).items() if box}
        assert found == {
            "Inbox": [{r"\Flagged"}],
            "Sent": [{r"\Seen", "$NotJunk"}],
            "Junk": [{r"\Seen", "$Junk"}],
            "Work, mostly": [{r"\Seen", "travel", "$NotJunk"}],
            "Archive": [{r"\Seen", "$NotJunk"}],
            "Drafts": [{r"\Seen", r"\Draft", "$NotJunk"}],
        }


@pytest.mark.parametrize(
    ("opened", "sent", "trash", "starred", "unread", "category"),
    [
        ("Posteingang,Geöffnet", "Gesendet", "Papierkorb", "Markiert", "Ungelesen", "Kategorie: „Neuigkeiten“"),
        (
            "Boîte de réception,Ouvert",
            "Messages envoyés",
            "Corbeille",
            "Favoris",
            "Non lus",
            "Catégorie\u00a0: E-mails",
        ),
        ("Recibidos,Abiertos", "Enviados", "Papelera", "Destacados", "No leídos", "Categoría: Social"),
        ("Postvak IN,Geopend", "Verzonden", "Prullenbak", "Met ster", "Ongelezen", "Categorie: Sociaal"),
        ("Doručené,Otevřeno", "Odesláno", "Koš", "S hvězdičkou", "Nepřečtené", "Kategorie: Sociální sítě"),
        ("Posta in arrivo,Aperti", "Inviati", "Cestino", "Speciali", "Non letti", "Categoria: Social"),
        ("受信トレイ,開封済み", "送信済み", "ゴミ箱", "スター付き", "未読", "カテゴリ: ソーシャル"),
    ],
)
async def test_labels_of_google_are_known_in_other_languages(
    accounts: Accounts, opened: str, sent: str, trash: str, starred: str, unread: str, category: str
) -> None:
    """STORE-194: as Takeout encodes them; no mailbox is made for the path of the file."""

    def labelled(number: int, labels: str) -> bytes:
        value = Header(labels, "utf-8", header_name="X-Gmail-Labels").encode(linesep="\r\n")
        return mail(number).replace(b"Subject", f"X-Gmail-Labels: {value}\r\nSubject".encode())

    labels = [opened, f"{opened.split(',')[0]},{unread},{starred},{category}", f"{sent},{opened.split(',')[1]}", trash]
    file = mbox([labelled(number, one) for number, one in enumerate([*labels, f"{unread},Zahlen"])])
    async with accounts.use("mia") as account:
        progress = await imported(accounts, tgz({"Takeout/Mail/Alle Nachrichten.mbox": file}))
        done(progress)
        assert list(progress.problems) == []
        found = {
            name: sorted(map(sorted, (words for _, _, words in box))) for name, box in (await contents(account)).items()
        }
        assert "Takeout" not in {name.split("/")[0] for name in found}
        assert {name: box for name, box in found.items() if box} == {
            "Inbox": [[r"\Flagged"], [r"\Seen"]],
            "Sent": [["$NotJunk", r"\Seen"]],
            "Trash": [["$NotJunk", r"\Seen"]],
            "Zahlen": [["$NotJunk"]],
        }


def takeout(labels: Sequence[str]) -> bytes:
    """A Takeout with a message for each of these values."""
    values = [Header(one, "utf-8", header_name="X-Gmail-Labels").encode(linesep="\r\n") for one in labels]
    file = mbox(
        [mail(n).replace(b"Subject", f"X-Gmail-Labels: {value}\r\nSubject".encode()) for n, value in enumerate(values)]
    )
    return tgz({"Takeout/Mail/Alle.mbox": file})


async def test_labels_that_are_no_keywords_keep_their_names(accounts: Accounts) -> None:
    """STORE-194, WEBMAIL-84: also where the account has the label, and beside a label with the same keyword."""
    async with accounts.use("mia") as account:
        await account.write(lambda tx: add_labels(tx, {"mine": "Würzburg"}))
        labels = [
            "Inbox,Köln",
            "Archived,Bonn,Köln,Würzburg",
            "Inbox,Two words,two_words,(a){b}",
            'Inbox,"a, b"',
            "..,ü",
        ]
        progress = await imported(accounts, takeout(labels))
        assert (done(progress).messages, progress.problems) == (5, [])
        found = await contents(account)
        assert [words - {r"\Seen"} for _, _, words in found["Inbox"]] == [
            {"koln"},
            {"two_words", "two_words_2", "ab"},
            {"a,_b"},
        ]
        assert [words & {"koln", "mine"} for _, _, words in found["Bonn"]] == [{"koln", "mine"}]
        names = {label.keyword: label.name for label in await look(account, labels_of)}
        assert names == {
            "mine": "Würzburg",
            "koln": "Köln",
            "two_words": "Two words",
            "two_words_2": "two_words",
            "ab": "(a){b}",
            "a,_b": "a, b",
        }


LABEL = (
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs", "M")), min_size=1, max_size=120)
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)
WORD = st.sampled_from([r"\Seen", r"\Flagged", "$Forwarded", "work", "b{d", r"\Odd", "", "x" * 200, "Ümlaut"])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.lists(LABEL, max_size=4), st.lists(WORD, max_size=4)), min_size=1, max_size=5))
def test_messages_labels_and_flags_are_kept_or_problems(
    tmp_path_factory: pytest.TempPathFactory, mail_given: list[tuple[list[str], list[str]]]
) -> None:
    """STORE-194: each that goes in is stored, or named in a problem."""
    mails = []
    for number, (labels, words) in enumerate(mail_given):
        line = io.StringIO()
        csv.writer(line).writerow(["Inbox", *labels])
        value = base64.b64encode(line.getvalue().strip().encode())
        octets = mail(number).replace(b"Subject", b"X-Gmail-Labels: =?utf-8?b?%b?=\r\nSubject" % value, 1)
        mails.append(Mail("Inbox", f"labels {number}", iter([octets]), labels=True))
        mails.append(Mail("Work", f"words {number}", iter([mail(number)]), words=tuple(words)))
    existing = ExistingState({}, {use: str(use.name) for use in SpecialUse}, lambda _: set())
    reader = ReadAhead(iter(mails), existing, 1, tmp_path_factory.getbasetemp(), None, skip_duplicates=False)
    batch = reader.next_batch()
    assert batch.last
    told = "\n".join(batch.problems.texts)
    assert len(batch.staged) == 2 * len(mail_given) == sum(batch.counts.values())
    for number, (labels, words) in enumerate(mail_given):
        labelled, worded = batch.staged[2 * number], batch.staged[2 * number + 1]
        names = {
            normalized("NFC", reader.naming.names.get(one, reader.naming.spellings[one])).casefold()
            for one in labelled.keywords.split(" ")
            if one
        }
        for label in labels:
            known = any(label.lower() in words for words in KNOWN) or label.lower().startswith(CATEGORIES)
            assert known or normalized("NFC", label).casefold() in names or repr(label)[:80] in told
        stored = {word.lower() for word in flag_words(worded.flags, worded.keywords.split(" "))}
        assert all(word.lower() in stored or repr(word)[:80] in told for word in words)


def test_a_label_of_the_user_in_another_language_stays_one() -> None:
    """STORE-194: the labels of an account have one language; an archive may have two accounts."""
    labels = Labels()
    labels.read(b"Inbox,Opened")
    assert labels.read(b"Favoris").mailbox == "Favoris"
    assert labels.read(b"Wichtig,Unread") == LabeledMailbox(None, "Wichtig", ())
    assert labels.read(b"Posteingang,Ungelesen") == LabeledMailbox(None, "Inbox", ())
    assert labels.read(b"Inbox,Unread") == LabeledMailbox(None, "Inbox", ())


async def test_labels_of_an_unknown_language_are_a_problem(accounts: Accounts) -> None:
    """STORE-194, STORE-194a: which says what to do; a word that many languages have does not hide it."""
    file = mbox([mail(n).replace(b"Subject", b"X-Gmail-Labels: Qux,Quux\r\nSubject") for n in range(TELLING)])
    file += mbox([mail(99).replace(b"Subject", b"X-Gmail-Labels: Spam\r\nSubject")])
    [problem] = (await imported(accounts, tgz({"x.mbox": file}))).problems
    assert "takeout.google.com/?hl=en" in problem


@given(st.binary(max_size=100))
def test_any_labels_have_a_meaning(value: bytes) -> None:
    """STORE-194"""
    labels = Labels(trial=True)
    labels.read(value.replace(b"\0", b""), HeaderSection(value))
    assert labels.asked == ()


async def test_the_user_is_asked_what_labels_of_an_unknown_language_mean(accounts: Accounts) -> None:
    """STORE-194a: by structure, and the answers file the mail."""
    data = tgz({"Takeout/Mail/x.mbox": mbox(hebrew())})
    async with accounts.use("mia") as account:
        trial = await imported(accounts, data, Order(form=Form.ARCHIVE, dry_run=True))
        assert trial.problems == []
        assert [(one.name, one.messages, one.own, one.delivered, one.meaning) for one in trial.asked] == [
            ("נפתחו", 16, 6, 10, "opened"),
            ("דואר נכנס", 14, 0, 14, "inbox"),
            ("נשלח", 6, 6, 0, "sent"),
            ("לא נקראו", 4, 0, 4, "mailbox"),
            ("אשפה", 2, 0, 2, "mailbox"),
            ("קטגוריה: עדכונים", 2, 0, 2, "ignored"),
            ("Spam", 1, 0, 1, "mailbox"),
        ]
        meanings: dict[str, Meaning] = {one.name: one.meaning for one in trial.asked}
        meanings |= {"לא  נקראו": "unread", "אשפה": "trash", "Spam": "junk"}
        again = await imported(accounts, data, Order(form=Form.ARCHIVE, dry_run=True, meanings=meanings))
        assert again.problems == []
        assert {one.name: one.meaning for one in again.asked}["אשפה"] == "trash"
        done(await imported(accounts, data, Order(form=Form.ARCHIVE, meanings=meanings)))
        found = {name: [words for _, _, words in box] for name, box in (await contents(account)).items() if box}
        assert {name: len(box) for name, box in found.items()} == {"Inbox": 14, "Sent": 6, "Trash": 2, "Junk": 1}
        assert sum(r"\Seen" not in words for words in found["Inbox"]) == 4


def hebrew() -> list[bytes]:
    """Messages as an export in Hebrew has them: to mia@gmail.example, and from there."""
    labels = ["דואר נכנס,נפתחו"] * 10 + ["דואר נכנס,לא נקראו"] * 4 + ["נשלח,נפתחו"] * 6
    found = []
    for number, value in enumerate([*labels, *["אשפה,קטגוריה: עדכונים"] * 2, "Spam"]):
        encoded = Header(value, "utf-8", header_name="X-Gmail-Labels").encode(linesep="\r\n")
        sent = value.startswith("נשלח")
        more = f"X-Gmail-Labels: {encoded}\r\n" + ("" if sent else "Delivered-To: Mia@gmail.example\r\n")
        author = "Mia <mia@gmail.example>" if sent else f"{number}@example.org"
        found.append(f"{more}From: {author}\r\nSubject: {number}\r\n\r\nx\r\n".encode())
    return found


def test_opened_tells_what_is_unread_where_nothing_else_does() -> None:
    """STORE-194a"""
    labels = Labels({"Q": "opened", "I": "inbox", "S": "sent", "W": "important"})
    assert labels.read(b"i,q") == LabeledMailbox(None, "Inbox", (r"\Seen",))
    assert labels.read(b"I,W") == LabeledMailbox(None, "Inbox", ("$Important",))
    assert labels.read(b"S").words == (r"\Seen",)
    assert Labels({"Q": "opened", "U": "unread"}).read(b"X").words == (r"\Seen",)
    assert Labels({"Inbox": "mailbox"}).read(b"Inbox,Spam") == LabeledMailbox(
        SpecialUse.JUNK, "Inbox", (r"\Seen",), ("Inbox",)
    )


def test_labels_that_are_asked_for_are_bounded() -> None:
    """STORE-194a, STORE-156: 10,000 labels, labels of 10 kB, and as many addresses."""
    labels = Labels(trial=True)
    for number in range(1_000):
        names = b",".join(b"L%d" % (number * 10 + at) for at in range(10))
        header = HeaderSection(b"From: %d@example.org\r\nDelivered-To: %d@example.org\r\n\r\n" % (number, number))
        labels.read(b"All,%b,%b" % (names, b"x" * 10_000), header)
    assert (len(labels.asked), labels.asked[0].name, labels.asked[0].messages) == (MAX_ASKED, "All", 1_000)
    assert max(len(one.name) for one in labels.asked) < 10
    started = time.process_time()
    labels.read(b",".join(b"M%d" % number for number in range(10_000)), HeaderSection(b""))
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "name", ["/etc/x.mbox", "../x.mbox", "a/../../x.mbox", "a\\..\\x.mbox", "C:/x.mbox", "a\0b.mbox"]
)
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    """STORE-155"""
    with pytest.raises(BadPath):
        find(name, ARCHIVE)


@given(st.text(max_size=50))
def test_any_other_name_means_something(name: str) -> None:
    """STORE-126"""
    try:
        assert isinstance(find(name, ARCHIVE).what, FileKind)
    except BadPath:
        pass


async def test_links_devices_and_odd_names_are_problems(accounts: Accounts) -> None:
    """STORE-155"""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, kind in [("l.mbox", tarfile.SYMTYPE), ("h.mbox", tarfile.LNKTYPE), ("d.mbox", tarfile.CHRTYPE)]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        data = mbox([mail(1)])
        for name in ("../up.mbox", "/abs.mbox", "good.mbox", "a/" * 40 + "deep.mbox"):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    async with accounts.use("mia") as account:
        progress = await imported(accounts, out.getvalue())
        assert done(progress).messages == 1
        assert len(progress.problems) == 6
        assert len(await rows(account, "good")) == 1


async def test_an_encrypted_member_is_a_problem(accounts: Accounts) -> None:
    """STORE-155"""
    data = bytearray(zipped({"a.mbox": mbox([mail(1)]), "b.mbox": mbox([mail(2)])}))
    at = data.find(b"PK\x01\x02")
    struct.pack_into("<H", data, at + 8, 1)
    async with accounts.use("mia"):
        progress = await imported(accounts, bytes(data))
        assert done(progress).messages == 1
        assert progress.problems == ["a.mbox: encrypted member"]


async def test_a_link_in_a_zip_file_is_a_problem(accounts: Accounts) -> None:
    """STORE-155"""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("a.mbox")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    async with accounts.use("mia"):
        progress = await imported(accounts, out.getvalue())
        assert progress.problems == ["a.mbox: link"]


@pytest.mark.parametrize("pack", [tgz, zipped])
async def test_a_cut_archive_changes_nothing_wherever_it_is_cut(accounts: Accounts, pack: object) -> None:
    """STORE-121, STORE-155"""
    assert callable(pack)
    whole: bytes = pack({f"{n}.mbox": mbox([mail(n, body=os.urandom(600).hex())]) for n in range(4)})
    async with accounts.use("mia") as account:
        before = await look(account, state)
        for cut in range(0, len(whole), 97):
            progress = await imported(accounts, whole[:cut])
            assert isinstance(progress.end, Aborted), cut
            assert await look(account, state) == before


async def test_what_is_no_archive_is_told(accounts: Accounts) -> None:
    """STORE-120, STORE-155"""
    async with accounts.use("mia"):
        for data in (
            b"",
            b"P",
            b"hello",
            b"PK\x03\x04",
            b"\x1f\x8b",
            b"PK\x03\x04" + bytes(5000),
            tar({"a.mbox": b""}),
        ):
            assert isinstance((await imported(accounts, data)).end, Aborted)
        not_mbox = await imported(accounts, b"hello", Order(form=Form.MBOX))
        assert isinstance(not_mbox.end, Aborted)
        assert "isn't a valid mbox file" in not_mbox.end.text
        progress = await imported(accounts, tgz({"a.mbox": b"hello", "b.mbox": mbox([mail(1)])}))
        assert done(progress).messages == 1
        assert len(progress.problems) == 1


async def test_a_bomb_ends_at_its_limit(accounts: Accounts) -> None:
    """STORE-156"""
    bomb = tgz({"a.mbox": mbox([mail(1)]), "zeros.bin": bytes(20 << 20)})
    assert len(bomb) < 100_000
    zipped_bomb = zipped({"a.mbox": mbox([mail(1)]), "b.mbox": b"From x\nA: b\n\n" + bytes(20 << 20)})
    async with accounts.use("mia") as account:
        before = await look(account, state)
        for data in (bomb, zipped_bomb):
            progress = await imported(accounts, data, Order(form=Form.ARCHIVE, max_size=10 << 20))
            assert isinstance(progress.end, Aborted)
            assert "unpacked" in progress.end.text
        assert await look(account, state) == before


async def test_a_message_that_is_too_large_is_left_out(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-156"""
    monkeypatch.setattr("moxlite.store.imports.reading.MAX_MEMBER", 10_000)
    big = mail(2, body="x" * 20_000 + "\r\n")
    async with accounts.use("mia") as account:
        files = {"a.mbox": mbox([mail(1), big, mail(3)]), "b/cur/1.x": lf(big), "b/cur/2.x": lf(mail(4))}
        progress = await imported(accounts, tgz(files))
        assert done(progress).messages == 3
        assert len(progress.problems) == 2
        assert [octets for octets, _, _ in (await contents(account))["a"]] == [mail(1), mail(3)]
    assert items.MAX_MEMBER == 100 << 20


@pytest.mark.parametrize("pack", [tgz, zipped])
async def test_an_archive_with_too_many_members_is_refused(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch, pack: Callable[[dict[str, bytes]], BinaryIO]
) -> None:
    """STORE-156"""
    monkeypatch.setattr(sources, "MAX_MEMBERS", 10)
    async with accounts.use("mia"):
        progress = await imported(accounts, pack({f"{n}.mbox": b"" for n in range(11)}))
        assert isinstance(progress.end, Aborted)
        assert "(limit 10)" in progress.end.text


def test_an_extended_header_of_any_size_is_not_read_into_memory() -> None:
    """STORE-156"""
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 32
    block = info.tobuf(tarfile.GNU_FORMAT)
    file = io.BytesIO(block + bytes(4096))
    with pytest.raises(ImportFailed, match="too long"):
        list(members(file.read))


def test_long_names_and_large_numbers_of_all_kinds_of_tar() -> None:
    """STORE-126"""
    name = "ä" * 90 + "/" + "b" * 120 + ".mbox"
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=form) as archive:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = 5, 1_790_848_800.5
            archive.addfile(info, io.BytesIO(b"hello"))
            archive.addfile(tarfile.TarInfo("next"))
        out.seek(0)
        found = [(member.name, b"".join(member.pieces), member.mtime) for member in members(out.read)]
        assert found == [(name, b"hello", 1_790_848_800), ("next", b"", 0)]


@settings(max_examples=200)
@given(st.binary(max_size=1500), st.integers(0, 3000), st.binary(min_size=1, max_size=40))
@example(b"", 1805, b"\0")  # a name of a zip file that begins with NUL: zipfile makes it empty
def test_no_octets_break_the_readers(junk: bytes, at: int, patch: bytes) -> None:
    """STORE-155"""
    for whole in (tgz(FILES), zipped(FILES), b"\x1f\x8b" + junk, b"PK\x03\x04" + junk, gzip.compress(junk, mtime=0)):
        data = bytearray(whole)
        data[at : at + len(patch)] = patch
        try:
            for item in read_source(cast("BinaryIO", io.BytesIO(data)), ARCHIVE, Budget(1 << 20)):
                for _ in getattr(item, "pieces", ()):
                    pass
        except ImportFailed:
            pass


async def test_the_special_mailboxes_of_the_account_get_what_google_calls_so(accounts: Accounts) -> None:
    """STORE-194"""
    assert Labels().read(b"Trash").use is SpecialUse.TRASH
    assert Labels().read(b"=?UTF-8?Q?Entw=C3=BCrfe?=,Ungelesen").use is SpecialUse.DRAFTS
    async with accounts.use("mia") as account:
        message = mail(1).replace(b"Subject", b"X-Gmail-Labels: Trash\r\nSubject")
        done(await imported(accounts, tgz({"x.mbox": mbox([message])})))
        assert [row.flags for row in await rows(account, "Trash")] == [Flag.SEEN | Flag.NOTJUNK]
