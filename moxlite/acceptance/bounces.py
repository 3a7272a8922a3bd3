"""Delivery status notifications about messages that were never sent from here: answers to forged senders, or spam
(SMTP-110).

A notification fits where one of these holds: it came to the unique sender address of a message (QUEUE-6), the account
has a message with the Message-ID that came back, the account has written to one of the recipients lately, or a host
that has proven its domain sends it, to which the account has written lately: the forwarder behind which the recipient
is.
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
from moxlite.store.content.prepare import Prepared
from moxlite.store.delivery.reasons import messages_by_messageid
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.recipients import wrote_to, wrote_to_orgdomain
from moxlite.store.options import DAY

__all__ = ["AskSent", "is_stray"]

RECENT: Final = 30 * DAY
"""µs for which having written to a recipient counts: hosts try for five days, and some tell of it later."""

MAX_RECIPIENTS: Final = 100
"""Recipients of a notification that are looked for."""

AskSent: TypeAlias = Callable[[str, str, str, Sequence[str]], Awaitable[bool]]
"""`Queue.was_sent`: by account ("" for any), address that the notification came to, Message-ID, recipients."""


class _Returned(msgspec.Struct, frozen=True):
    message_id: str = ""
    recipients: tuple[Address, ...] = ()


async def is_stray(
    account: Account,
    prepared: Prepared,
    sent: AskSent | None,
    *,
    asked: str,
    alias: bool,
    domains: Iterable[str],
    now: int,
) -> bool:
    """Whether a notification is about nothing that was sent from here.

    Args:
      sent: asks the queue; None where there is no queue.
      asked: the address that it came to; `alias`: of several accounts, each of which may have sent the message.
      domains: those that its host has proven.
      now: µs UTC.

    Raises StoreError.
    """
    if not prepared.index.is_dsn:
        return False
    returned = await trio.to_thread.run_sync(_returned, prepared)
    if await account.read(partial(_fits, returned=returned, domains=domains, now=now), op="bounce"):
        return False
    if sent is None:
        return True
    recipients = tuple(map(str, returned.recipients))
    return not await sent("" if alias else account.name, asked, returned.message_id, recipients)


def _returned(prepared: Prepared) -> _Returned:
    """The message that came back, as far as it is told. Blocks."""
    before = len(prepared.prefix)
    try:
        dsn = parse_dsn(prepared.index, lambda start, stop: prepared.spool.read(start - before, stop - start))
    except DSNError:
        return _Returned()
    texts = [text for one in dsn.recipients for text in (one.original_recipient, one.final_recipient) if text]
    return _Returned(dsn.returned_message_id, tuple(_addresses(texts[:MAX_RECIPIENTS])))


def _addresses(texts: Iterable[str]) -> Iterable[Address]:
    for text in texts:
        try:
            yield Address.parse(text)
        except AddressError:
            continue


def _fits(r: Reader, returned: _Returned, domains: Iterable[str], now: int) -> bool:
    """Whether the account knows of the message, its recipient, or the host's domain."""
    message_id = canonical_message_id(returned.message_id) if returned.message_id else None
    if message_id and messages_by_messageid(r, message_id):
        return True
    for one in returned.recipients:
        if _lately(wrote_to(r, str(one.localpart), one.domain.unicode), now):
            return True
    return any(_lately(wrote_to_orgdomain(r, domain), now) for domain in _forwarders(domains))


def _forwarders(domains: Iterable[str]) -> Iterable[str]:
    """Organizations, in U-labels, to which proven domains belong; not those in which strangers share a name."""
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
