"""Notices of the server: messages to its administrator, in the postmaster's mailbox, to users, and to others."""

import email.utils
import hashlib
import logging
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from moxlite.config.snapshot import Snapshot
from moxlite.mailauth.dkim.sign import SigningError
from moxlite.process.keys import SigningKeys
from moxlite.proto.address import Address
from moxlite.proto.mime.compose import TextPart, address_field, compose, needs_utf8, new_message_id, text_field
from moxlite.proto.mime.dates import format_date
from moxlite.proto.mime.types import MailAddress
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import deliver
from moxlite.store.delivery.submission import Submission, SubmissionRecipient, Submit
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.facts import NO_FACTS
from moxlite.store.mail.settings import reader_language
from moxlite.store.types import Flag
from moxlite.wording import ENGLISH, ReaderLanguage, reader_languages

logger = logging.getLogger("moxlite.admin.notices")


async def notify_postmaster(
    accounts: Accounts, snapshot: Snapshot, subject: str, text: str, *, once: str, flagged: bool = False
) -> None:
    """Deliver a notice, with a capital at the begin of its subject; a second one with the same `once` within 7 days is
    not stored.

    Raises StoreError when it cannot be stored.
    """
    postmaster = snapshot.static.postmaster
    to = MailAddress("", "postmaster", snapshot.static.hostname.ascii)
    flags = Flag.FLAGGED if flagged else Flag(0)
    place = postmaster.account, postmaster.mailbox
    await _notify(accounts, snapshot, place, to, subject[:1].upper() + subject[1:], text, once, flags)


async def notify_account(
    accounts: Accounts,
    snapshot: Snapshot,
    account: str,
    address: Address,
    subject: str,
    lines: Sequence[str],
    *,
    once: str,
) -> None:
    """Deliver a notice to the Inbox of an account, flagged, in the language of its user; `address` is one of the
    user's. As `notify_postmaster`.
    """
    to = MailAddress("", str(address.localpart), address.domain.ascii)
    async with accounts.use(account) as opened:
        language = await opened.read(mail_language, op="notice")
    subject, text = language.say(subject), written(lines, language)
    await _notify(accounts, snapshot, (account, "Inbox"), to, subject, text, once, Flag.FLAGGED)


def mail_language(r: Reader) -> ReaderLanguage:
    """The language of mail to the user of an account."""
    name = reader_language(r)
    return ReaderLanguage(name if name in reader_languages() else ENGLISH)


def written(lines: Iterable[str], language: ReaderLanguage) -> str:
    """The text of a mail in a language; values and lines without a translation stay."""
    return "".join(f"{language.say(line)}\n" for line in lines)


def address_of_account(snapshot: Snapshot, account: str) -> Address | None:
    """An address of the account, for the head of a notice."""
    found = snapshot.account(account)
    names = (
        [] if found is None else [destination for destination in found.destinations if not destination.startswith("@")]
    )
    return Address.parse(names[0]) if names else None


async def _notify(
    accounts: Accounts,
    snapshot: Snapshot,
    place: tuple[str, str],
    to: MailAddress,
    subject: str,
    text: str,
    once: str,
    flags: Flag,
) -> None:
    """`place`: account and mailbox."""
    static = snapshot.static
    host = static.hostname.ascii
    headers = [
        address_field("From", [MailAddress("moxlite", "postmaster", host)]),
        address_field("To", [to], utf8=needs_utf8(to)),
        text_field("Subject", f"[moxlite {static.hostname}] {subject}"),
        text_field("Date", email.utils.formatdate(localtime=True)),
        text_field("Message-ID", new_message_id(host)),
        text_field("Auto-Submitted", "auto-generated"),
    ]
    octets = b"".join(compose(headers, TextPart(text)))
    # As the transaction of a delivery: what the store does for a client that sends a message twice keeps notices apart.
    key = hashlib.sha256(b"notice " + once.encode()).digest()
    tmp: Path = static.data_dir / "tmp"
    with Spool.of(octets, tmp) as spool:
        prepared = await prepare(spool, b"Return-Path: <>\r\n")
        name, mailbox = place
        async with accounts.use(name) as account:
            await deliver(account, prepared, NO_FACTS, mailbox, transaction_id=key, flags=flags)


async def send_to_others(
    snapshot: Snapshot,
    keys: SigningKeys,
    submit: Submit,
    account: str,
    addresses: tuple[Address, Address],
    content: tuple[str, str],
    *,
    full_name: str = "",
    fields: Sequence[bytes] = (),
    unsigned: bool,
) -> tuple[str, int]:
    """Sign a message in the name of an account, and submit it. Returns its Message-ID and its time, µs.

    Args:
      addresses: of the account, and of the recipient.
      content: subject and text.
      fields: more of the header section, lines with CRLF.
      unsigned: without a signature it goes out all the same.

    Raises SigningError unless `unsigned`, StoreError, OSError.
    """
    (own, to), (subject, text) = addresses, content
    now = time.time_ns() // 1000
    message_id = new_message_id(own.domain.ascii)
    shown = MailAddress(full_name, own.localpart, own.domain.ascii), MailAddress("", to.localpart, to.domain.ascii)
    utf8 = needs_utf8(*shown)
    head = [
        address_field("From", shown[:1], utf8=utf8),
        address_field("To", shown[1:], utf8=utf8),
        text_field("Subject", subject),
        f"Date: {format_date(now)}\r\n".encode(),
        f"Message-ID: {message_id}\r\n".encode(),
        b"Auto-Submitted: auto-generated\r\n",
        *fields,
    ]
    octets = b"".join(compose(head, TextPart(text)))
    try:
        signatures = await keys.sign_own(snapshot, octets, own)
    except SigningError as error:
        logger.error("failed to sign server message", extra={"kv": {"account": account, "err": str(error)}})
        if not unsigned:
            raise
        signatures = b""
    submission = Submission(
        account=account,
        mail_from=own,
        recipients=(SubmissionRecipient(to),),
        received=now,
        prefix=signatures,
        has8bit=not octets.isascii(),
        smtputf8=utf8,
        message_id=message_id,
        subject=subject,
    )
    with Spool.of(octets, snapshot.static.data_dir / "tmp") as spool:
        await submit(submission, spool)
    return message_id, now
