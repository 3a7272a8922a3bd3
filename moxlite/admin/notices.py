"""Notices of the server: messages to its administrator, in the postmaster's mailbox, and to users."""

import email.utils
import hashlib
from pathlib import Path

from moxlite.config.snapshot import Snapshot
from moxlite.proto.address import Address
from moxlite.proto.mime.compose import TextPart, address_field, compose, new_message_id, text_field
from moxlite.proto.mime.types import MailAddress
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import deliver
from moxlite.store.mail.facts import NO_FACTS
from moxlite.store.types import Flag


async def notify_postmaster(
    accounts: Accounts, snapshot: Snapshot, subject: str, text: str, *, once: str, flagged: bool = False
) -> None:
    """Deliver a notice; a second one with the same `once` within 7 days is not stored.

    Raises StoreError when it cannot be stored.
    """
    postmaster = snapshot.static.postmaster
    to = MailAddress("", "postmaster", snapshot.static.hostname.ascii)
    flags = Flag.FLAGGED if flagged else Flag(0)
    await _notify(accounts, snapshot, (postmaster.account, postmaster.mailbox), to, subject, text, once, flags)


async def notify_account(
    accounts: Accounts, snapshot: Snapshot, account: str, address: Address, subject: str, text: str, *, once: str
) -> None:
    """Deliver a notice to the Inbox of an account, flagged; `address` is one of the user's. As `notify_postmaster`."""
    to = MailAddress("", str(address.localpart), address.domain.ascii)
    await _notify(accounts, snapshot, (account, "Inbox"), to, subject, text, once, Flag.FLAGGED)


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
        address_field("To", [to]),
        text_field("Subject", f"[moxlite {host}] {subject}"),
        text_field("Date", email.utils.formatdate(localtime=True)),
        text_field("Message-ID", new_message_id(host)),
        text_field("Auto-Submitted", "auto-generated"),
    ]
    octets = b"".join(compose(headers, TextPart(text)))
    key = hashlib.sha256(b"notice " + once.encode()).digest()
    tmp: Path = static.data_dir / "tmp"
    with Spool.of(octets, tmp) as spool:
        prepared = await prepare(spool, b"Return-Path: <>\r\n")
        name, mailbox = place
        async with accounts.use(name) as account:
            await deliver(account, prepared, NO_FACTS, mailbox, transaction_id=key, flags=flags)
