"""Stray bounces: delivery status notifications about messages that this server never sent, as answers to forged senders
or as spam (SMTP-110).

A notification is genuine if one of these holds: it came to the unique sender address of a message (QUEUE-6); the
account has a message with the returned Message-ID; the account has written to one of the recipients lately; or the
account has lately written to the proven domain of the host that sends it, which then is a forwarder.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Final, TypeAlias

import msgspec
import trio

from moxlite.acceptance.providers import PROVIDERS
from moxlite.proto.address import Address, AddressError, Domain
from moxlite.proto.dsn import DSNError, parse_dsn
from moxlite.proto.mime.messageid import canonical_message_id
from moxlite.proto.publicsuffix import organizational_domain
from moxlite.store.changelog.account import Account
from moxlite.store.content.prepare import PreparedMessage
from moxlite.store.delivery.actions import messages_by_messageid
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.recipients import wrote_to, wrote_to_orgdomain
from moxlite.store.options import DAY

RECENT: Final = 30 * DAY
"""Microseconds for which having written to a recipient counts: hosts retry for five days, and some report later."""

MAX_RECIPIENTS: Final = 100
"""Maximum recipients of a notification that are looked up."""

AskSent: TypeAlias = Callable[[str, str, str, Sequence[str]], Awaitable[bool]]
"""Type of `Queue.was_sent`. Arguments: account ("" for any), address that the notification came to, Message-ID,
recipients.
"""


class _Returned(msgspec.Struct, frozen=True):
    message_id: str = ""
    recipients: tuple[Address, ...] = ()


async def is_stray(
    account: Account,
    prepared: PreparedMessage,
    sent: AskSent | None,
    *,
    asked: str,
    alias: bool,
    domains: Iterable[str],
    now: int,
) -> bool:
    """Whether a notification is about a message that this server never sent.

    Args:
      sent: asks the queue; None if there is no queue.
      asked: the address that it came to. `alias`: it is an alias; each of its accounts may have sent the message.
      domains: domains that its host has proven.
      now: µs UTC.

    Raises StoreError.
    """
    if not prepared.thread.dsn:
        return False
    returned = await trio.to_thread.run_sync(_returned, prepared)
    if await account.read(partial(_fits, returned=returned, domains=domains, now=now), op="bounce"):
        return False
    if sent is None:
        return True
    # Any account for an alias: a member may have sent in its name, and the queue keeps the row under the member.
    recipients = tuple(map(str, returned.recipients))
    return not await sent("" if alias else account.name, asked, returned.message_id, recipients)


def _returned(prepared: PreparedMessage) -> _Returned:
    """The returned message, as far as the notification contains it. Blocks."""
    before = len(prepared.prefix)
    try:
        dsn = parse_dsn(prepared.index, lambda start, stop: prepared.spool.read(start - before, stop - start))
    except DSNError:
        return _Returned()
    texts = [
        text
        for recipient in dsn.recipients
        for text in (recipient.original_recipient, recipient.final_recipient)
        if text
    ]
    return _Returned(dsn.returned_message_id, tuple(_addresses(texts[:MAX_RECIPIENTS])))


def _addresses(texts: Iterable[str]) -> Iterable[Address]:
    for text in texts:
        try:
            yield Address.parse(text)
        except AddressError:
            continue


def _fits(r: Reader, returned: _Returned, domains: Iterable[str], now: int) -> bool:
    """Whether the account has the message, its recipient, or the host's domain."""
    message_id = canonical_message_id(returned.message_id) if returned.message_id else None
    if message_id and messages_by_messageid(r, message_id):
        return True
    for recipient in returned.recipients:
        if _lately(wrote_to(r, str(recipient.localpart), recipient.domain.unicode), now):
            return True
    return any(_lately(wrote_to_orgdomain(r, domain), now) for domain in _forwarders(domains))


def _forwarders(domains: Iterable[str]) -> Iterable[str]:
    """Organizational domains, in U-labels, of proven domains, without domains in which strangers share a name."""
    for domain in dict.fromkeys(domains):
        try:
            ascii_name = Domain.parse(domain).ascii
            organization = Domain.parse(organizational_domain(ascii_name)).unicode
        except AddressError:
            continue
        if domain not in PROVIDERS and organization not in PROVIDERS:
            yield organization


def _lately(sent: int | None, now: int) -> bool:
    return sent is not None and now - sent <= RECENT
