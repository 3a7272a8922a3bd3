"""``moxlite gentestdata DIR``: accounts and auth.db with something of everything, for tests of upgrades (STORE-146).

Each released schema leaves such a directory, compressed, in fixtures/upgrade/: later programs must open it. All of it
is made through the operations that the server uses. The files of the queue are made by `moxlite.queue.testdata`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

from moxlite.encoding import to_msgpack
from moxlite.proto.address import Address
from moxlite.proto.cards.components import Instance
from moxlite.proto.dmarcreport import DMARCReport, PolicyPublished, ReportRecord
from moxlite.proto.tlsreport import PolicyReport, TLSReport
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.apppasswords import add_app_password, add_token
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.credentials import change_password, mark_two_step
from moxlite.store.auth.factors import SecurityKey
from moxlite.store.auth.loginattempts import LoginAttempt, record
from moxlite.store.auth.tlskeys import read_certificate
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.actions import Delivery, FileInto
from moxlite.store.delivery.outgoing import OutgoingLimits, add_outgoing
from moxlite.store.delivery.perform import append, perform
from moxlite.store.file.transaction import Tx
from moxlite.store.groupware.collection import (
    COMPONENTS,
    Collection,
    CollectionChange,
    collection_named,
    create_collection,
    delete_collection,
    ensure_defaults,
    patch_collection,
)
from moxlite.store.groupware.eventnotices import Author, note_change
from moxlite.store.groupware.resources import ResourceFacts as GroupwareFacts, card_facts, delete_resource, put_resource
from moxlite.store.groupware.sharing import make_link, patch_shared_view
from moxlite.store.groupware.subscriptions import note_success, subscribe
from moxlite.store.junkflags import JunkParams
from moxlite.store.mail.acl import set_rights
from moxlite.store.mail.adding import Append
from moxlite.store.mail.annotations import set_annotation
from moxlite.store.mail.copying import copy_messages, move_messages
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.facts import MessageFacts, SMTPFacts, ip_classes
from moxlite.store.mail.flags import store_flags
from moxlite.store.mail.links import NewLink, add_link, pause_link
from moxlite.store.mail.mailboxes import create_mailbox, delete_mailbox, rename_mailbox
from moxlite.store.mail.masked import add_masked
from moxlite.store.mail.sharenotices import Share, add_notice
from moxlite.store.options import AccountConfig, Options
from moxlite.store.reports.evaluations import DKIMEvaluation, Evaluation, SPFEvaluation, add_evaluations
from moxlite.store.reports.history import QueueSample, add_counts, add_sample
from moxlite.store.reports.received import WholeReport, add_reports, pack_report
from moxlite.store.reports.reportsdb import ReportsDB
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import UID, Flag, MailboxID

ACCOUNTS: Final = ("test0", "test1", "test2")
"""Three accounts: an empty one, one with a message that has all facts, one with everything else."""

DOMAINS: Final = ("mox.example", "bücher.example")

WEEK: Final = 7 * 86_400
"""Seconds between two instances of the repeated event."""

EVENT: Final = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:once\r\nDTSTAMP:20260101T000000Z\r\n"
    b"DTSTART:20260105T060000Z\r\nDTEND:20260105T070000Z\r\nSUMMARY:Once\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
ALARM: Final = b"BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT10M\r\nEND:VALARM\r\n"
CARD: Final = b"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:card\r\nFN:Ada\r\nEMAIL:ada@remote.example\r\nEND:VCARD\r\n"

GIVEN: Final = f"shop.x7k2p@{DOMAINS[0]}"
"""An address to give away."""

SHARED: Final = Share(1_767_592_800_000_000, "tom", "tom", "calendar", 1, "Holidays", "", "lr", "")
"""A calendar that another user has shared."""

LINKED: Final = NewLink(
    name="Elsewhere",
    address="mia@provider.example",
    host="imap.provider.example",
    port=0,
    tls="implicit",
    username="mia@provider.example",
    secret=b"sealed by a key that is lost",
)
"""A linked mailbox."""

PASSWORD: Final = "test1234"  # noqa: S105 - of made-up accounts

WHY: Final = to_msgpack({"reason": "no-bad-signals"})

PREFIX: Final = b"Return-Path: <remote@remote.example>\r\nX-Prefix: added at reception\r\n"

RECEIVED: Final = 1_790_000_000_000_000
"""Time of reception, µs UTC; fixed, so that two runs make the same data."""


def made_up() -> Options:
    """Options in which the accounts exist, with a junk filter."""
    config = AccountConfig(junk_filter=JunkParams())
    return Options(
        account_config=lambda name: config if name in ACCOUNTS else None, min_free_space=0, undelete_grace=1 << 60
    )


def message(number: int, *, domain: str = DOMAINS[0], subject: str = "test", parent: int | None = None) -> bytes:
    """A made-up message; `parent` is the number of the one that it answers."""
    lines = [
        "From: Remote <remote@remote.example>",
        f"To: Test <other@{domain}>",
        f"Subject: {subject if parent is None else f'Re: {subject}'}",
        f"Message-ID: <{number}@remote.example>",
        "Date: Fri, 20 Nov 2026 07:00:00 +0100",
    ]
    if parent is not None:
        lines += [f"In-Reply-To: <{parent}@remote.example>", f"References: <{parent}@remote.example>"]
    return ("\r\n".join(lines) + f"\r\n\r\nThis is message {number}, sent with care.\r\n").encode()


async def fill(data: Path) -> None:
    """Make the accounts and auth.db in the directory `data`, which exists. Raises StoreError, OSError."""
    options = made_up()
    accounts = Accounts(data, options)
    try:
        for name in ACCOUNTS:
            async with accounts.use(name) as account:
                await change_password(account, PASSWORD)
        async with accounts.use(ACCOUNTS[1]) as account:
            await _one(account)
        async with accounts.use(ACCOUNTS[2]) as account:
            await _everything(account)
            await add_app_password(account, "phone", ["imap", "submission"])
            await add_app_password(account, "archive", ["imap"], read_only=True, expires=RECEIVED * 2)
            await add_token(account, "program", ["jmap"])
            await account.write(lambda tx: add_masked(tx, GIVEN, given_to="shop.example", note="books"))
            await account.write(lambda tx: pause_link(tx, add_link(tx, LINKED).id, paused=True))
            await account.write(lambda tx: add_notice(tx, SHARED))
            await account.write(lambda tx: note_change(tx, Author(account="tom"), 1, None, EVENT))
            await account.write(lambda tx: mark_two_step(tx, True))
            await account.settle()
    finally:
        await accounts.aclose()
    await _auth(data, options)


async def _deliver(account: Account, data: bytes, facts: MessageFacts, mailbox: str = "Inbox") -> None:
    delivery = Delivery(actions=(FileInto(mailbox=mailbox),), facts=facts, why=WHY, received=RECEIVED)
    await perform(account, await prepare(Spool.of(data), PREFIX), delivery)


def _facts(ip: str = "192.0.2.7") -> MessageFacts:
    ip1, ip2, ip3 = ip_classes(ip)
    return MessageFacts(
        smtp=SMTPFacts(
            remote_ip=ip,
            ip1=ip1,
            ip2=ip2,
            ip3=ip3,
            ehlo_domain="remote.example",
            mailfrom="remote",
            mailfrom_domain="remote.example",
            rcptto="test",
            rcptto_domain=DOMAINS[1],
            msgfrom="remote",
            msgfrom_domain="remote.example",
            msgfrom_orgdomain="remote.example",
            ehlo_ok=True,
            mailfrom_ok=True,
            msgfrom_ok=True,
            ehlo_validation="pass",
            mailfrom_validation="pass",
            msgfrom_validation="strict",
            orig_ehlo="origin.example",
            orig_dkim=("origin.example",),
        ),
        dkim_domains=("remote.example",),
        is_forward=True,
        is_mailinglist=True,
        tls_version="TLSv1.3",
        tls_cipher="TLS_AES_128_GCM_SHA256",
        requiretls=True,
    )


async def _one(account: Account) -> None:
    await _deliver(account, message(1, domain=DOMAINS[1]), _facts("2001:db8::7"))


async def _everything(account: Account) -> None:
    for number in range(10, 30):
        await _deliver(account, message(number, parent=number - 1 if number % 5 else None), _facts())
    inbox = await _box(account, "Inbox")
    sent = await _box(account, "Sent")
    items = [Append(await prepare(Spool.of(message(40 + n))), Flag.SEEN, ("$Custom", "Project")) for n in range(3)]
    await append(account, sent, items)
    large = message(50) + b"".join(b"line %d of a long letter\r\n" % n for n in range(30_000))
    await append(account, inbox, [Append(await prepare(Spool.of(large)), Flag.FLAGGED)])
    for unit in _changes(inbox, sent):
        await account.write(unit)
    await account.write(_groupware)


def _groupware(tx: AccountTx) -> None:
    """An event, a repeated one, a card, a secret link, and what is left of a removed entry and calendar (DAV-1..42)."""
    ensure_defaults(tx)
    old = create_collection(tx, Collection(0, "calendar", "old", components=COMPONENTS))
    delete_collection(tx, old.id)
    calendar, book = collection_named(tx, "calendar", "calendar"), collection_named(tx, "contact", "contacts")
    patch_collection(tx, calendar, CollectionChange(colour="#3366ccff", position=1, dead={"{x:}a": "<a/>"}))
    make_link(tx, calendar, "Grandma", busy=False)
    new = Collection(0, "calendar", "holidays", "Holidays", components=COMPONENTS[:1], transparent=True)
    holidays = subscribe(tx, new, "https://calendar.example.org/holidays.ics?key=secret")
    note_success(tx, holidays.id, "https://calendar.example.org/holidays.ics?key=secret", '"1"', "", bytes(32), "")
    stretch = (1_735_689_600, 1_830_384_000)
    weekly = tuple(
        Instance(1_767_592_800 + week * WEEK, 1_767_596_400 + week * WEEK, str(week), 0) for week in range(50)
    )
    for name, where, data, facts in (
        (
            "once.ics",
            calendar,
            EVENT,
            GroupwareFacts("once", "VEVENT", "Once", ("a@b.example",), 1_767_592_800, 1_767_596_400),
        ),
        ("gone.ics", calendar, EVENT, GroupwareFacts("gone", "VEVENT", "Gone")),
        (
            "weekly.ics",
            calendar,
            EVENT.replace(b"once", b"weekly").replace(
                b"SUMMARY:Once\r\n", b"RRULE:FREQ=WEEKLY\r\nSUMMARY:Weekly\r\n" + ALARM
            ),
            GroupwareFacts("weekly", "VEVENT", "Weekly", (), 1_767_592_800, None, stretch, weekly, alarms=True),
        ),
        ("card.vcf", book, CARD, card_facts(CARD)),
    ):
        put_resource(tx, where.id, name, data, facts, lambda _: None)
    delete_resource(tx, calendar.id, "gone.ics", lambda _: None, keep=True)
    patch_shared_view(tx, "tom", 1, CollectionChange(colour="#459C40", hidden=True))


def _changes(inbox: MailboxID, sent: MailboxID) -> list[Callable[[AccountTx], object]]:
    uids = [UID(number) for number in range(1, 21)]

    def mailboxes(tx: AccountTx) -> None:
        (*_, gone) = create_mailbox(tx, "Old/Gone")
        (*_, renamed) = create_mailbox(tx, "Before")
        rename_mailbox(tx, renamed.id, "Lists/After ☺")
        delete_mailbox(tx, gone.id)

    return [
        mailboxes,
        lambda tx: store_flags(tx, inbox, uids[:4], mode="add", flags=Flag.JUNK | Flag.SEEN),
        lambda tx: store_flags(tx, inbox, uids[4:8], mode="add", flags=Flag.NOTJUNK, keywords=("Important",)),
        lambda tx: copy_messages(tx, inbox, uids[6:9], sent),
        lambda tx: move_messages(tx, inbox, uids[9:11], sent),
        lambda tx: expunge(tx, inbox, uids[12:14]),
        lambda tx: set_annotation(tx, inbox, "/private/comment", b"of the inbox"),
        lambda tx: set_annotation(tx, MailboxID(0), "/shared/comment", b"of the account", is_string=False),
        lambda tx: set_rights(tx, inbox, ACCOUNTS[1], "lrs"),
        lambda tx: add_outgoing(
            tx,
            [Address.parse(address) for address in ("remote@remote.example", "other@bücher.example")],
            OutgoingLimits(100, 100),
        ),
    ]


async def _box(account: Account, name: str) -> MailboxID:
    mailbox = await account.read(lambda r: mailbox_by_name(r, name), op="gentestdata")
    assert mailbox is not None
    return mailbox.id


async def _auth(data: Path, options: Options) -> None:
    auth = await AuthDB.open(data / "auth.db", options, create=True)
    try:
        for device in (False, True):
            address = f"test@{DOMAINS[0]}"
            await auth.sessions.add(
                "webmail", ACCOUNTS[2], address, remote_ip="192.0.2.8", user_agent="test", device=device
            )
        for session in await auth.sessions.of(ACCOUNTS[2]):
            await auth.sessions.hand_on(session, "webaccount", remote_ip="192.0.2.8", user_agent="test")
        attempts = [
            LoginAttempt(
                result="ok", protocol="imap", mechanism="SCRAM-SHA-256", account=ACCOUNTS[2], remote_ip="192.0.2.8"
            ),
            LoginAttempt(
                result="ok",
                protocol="submission",
                mechanism="PLAIN",
                account=ACCOUNTS[2],
                app_password="phone",  # noqa: S106 - a name
            ),
            LoginAttempt(result="badcreds", protocol="submission", mechanism="PLAIN", address="who@mox.example"),
        ]
        await auth.database.write(lambda tx: record(tx, attempts))
        await auth.keys.add(read_certificate(_certificate(), ACCOUNTS[2], f"test@{DOMAINS[0]}"))
        await _factors(auth)
        async with auth.audit.recording("account add", ACCOUNTS[2]):
            pass
    finally:
        await auth.aclose()


async def _factors(auth: AuthDB) -> None:
    """A code app, a security key, recovery codes and a recovery link."""
    await auth.factors.add_totp(ACCOUNTS[2], "phone", bytes(20), 59_666_666)
    key = SecurityKey(0, "blue", "mail.mox.example", b"id", b"key", 1, ("usb", "nfc"), 0, 0)
    await auth.factors.add_key(ACCOUNTS[2], key)
    await auth.factors.new_link(ACCOUNTS[2], reset_factors=True)


def _certificate() -> bytes:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test key")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start + dt.timedelta(days=36_500))
    return builder.sign(key, None).public_bytes(serialization.Encoding.PEM)


# The reports.db of ``moxlite gentestdata DIR`` (STORE-146).


NOW: Final = 1_790_000_000
"""Time of what the reports have, seconds UTC; fixed as `RECEIVED` is."""

SECOND: Final = 1_000_000
"""In µs: reports have seconds, rows have µs."""


async def generate_reports(data: Path) -> None:
    """Make the file with a row in each table. Errors: StoreError propagates."""
    reports = await ReportsDB.open(data / "reports.db", Options(min_free_space=0))
    try:
        await reports.database.write(_fill)
    finally:
        await reports.aclose()


def _fill(tx: Tx) -> None:
    dmarc = DMARCReport(
        organization="remote.example",
        report_id="60",
        begin=NOW - 86_400,
        end=NOW,
        policy=PolicyPublished(domain="mox.example", p="reject"),
        records=(ReportRecord(source_ip="192.0.2.1", count=3, disposition="none", dkim="pass", spf="fail"),),
    )
    tls = TLSReport(
        organization="remote.example",
        report_id="61",
        begin=NOW - 86_400,
        end=NOW,
        policies=(PolicyReport(type="sts", domain="mox.example", successes=5, failed=1),),
    )
    add_reports(tx, "dmarc", [_received(dmarc, 3, 0)])
    add_reports(tx, "tls", [_received(tls, 5, 1)])
    add_evaluations(
        tx,
        [
            Evaluation(
                policy_domain="remote.example",
                evaluated=NOW * SECOND,
                record="v=DMARC1; p=none; rua=mailto:r@remote.example",
                source_ip="192.0.2.1",
                disposition="none",
                aligned_dkim=True,
                aligned_spf=False,
                envelope_to="mox.example",
                envelope_from="",
                header_from="remote.example",
                dkim=(DKIMEvaluation("remote.example", "s", "pass"),),
                spf=(SPFEvaluation("remote.example", "helo", "none"),),
            )
        ],
    )
    tx.execute(
        "INSERT INTO tls_result VALUES (NULL, 'remote.example', '20260922', 'remote.example', 0, 1, 0, 0, ?, '[]')",
        NOW * SECOND,
    )
    add_counts(
        tx, {("delivered", NOW // 86_400, "no-bad-signals"): 3, ("login-failed", NOW // 86_400, "192.0.2.0/26"): 2}
    )
    add_sample(tx, QueueSample(NOW * SECOND, 2, 1, 60 * SECOND))
    tx.execute(
        "INSERT INTO report_suppression VALUES (NULL, 'dmarc', 'r@remote.example', ?, ?, 'test')",
        NOW * SECOND,
        (NOW + 86_400) * SECOND,
    )


def _received(report: DMARCReport | TLSReport, total: int, failed: int) -> WholeReport:
    return WholeReport(
        sender="remote.example",
        organization=report.organization,
        report_id=report.report_id,
        domain="mox.example",
        received=NOW * SECOND,
        begin=report.begin * SECOND,
        end=report.end * SECOND,
        total=total,
        failed=failed,
        content=pack_report(report),
    )
