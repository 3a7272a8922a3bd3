"""Notices of the server to its administrator: messages in the postmaster's mailbox."""

import email.utils
import hashlib
from pathlib import Path

from moxlite.config.snapshot import Snapshot
from moxlite.proto.mime.compose import TextPart, address_field, compose, new_message_id, text_field
from moxlite.proto.mime.types import MailAddress
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.deliver import deliver
from moxlite.store.mail.facts import NO_FACTS
from moxlite.store.types import Flag

__all__ = ["notify_postmaster"]


async def notify_postmaster(
    accounts: Accounts, snapshot: Snapshot, subject: str, text: str, *, once: str, flagged: bool = False
) -> None:
    """Deliver a notice; a second one with the same `once` within 7 days is not stored.

    Raises StoreError when it cannot be stored.
    """
    static = snapshot.static
    host = static.hostname.ascii
    headers = [
        address_field("From", [MailAddress("moxlite", "postmaster", host)]),
        address_field("To", [MailAddress("", "postmaster", host)]),
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
        async with accounts.use(static.postmaster.account) as account:
            flags = Flag.FLAGGED if flagged else Flag(0)
            mailbox = static.postmaster.mailbox
            await deliver(account, prepared, NO_FACTS, mailbox, transaction_id=key, flags=flags)
