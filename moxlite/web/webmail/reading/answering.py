"""Own addresses in a message that is answered: the account's addresses, Delivered-To, and the facts with which a
browser begins an answer without a connection (WEBMAIL-90, 121).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.compose.reply import Original, Own, answers_from, is_own_mail, own_addresses
from moxlite.config.snapshot import AccountRecipient, DomainDisabled
from moxlite.proto.address import Address, AddressError
from moxlite.proto.mime.types import MailAddress
from moxlite.web.webmail.items import MAX_ADDRESSES, shown_addresses
from moxlite.web.webmail.types import Answering

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.proto.mime.headers import HeaderSection
    from moxlite.proto.mime.types import Envelope

MAX_DELIVERED: Final = 20
"""Delivered-To fields that are read. The first one is this server's."""


def own_of(snapshot: Snapshot, account: str, login: str) -> Own:
    """The author of an answer: the account, logged in by the address `login`."""
    address = Address.parse(login)
    settings = snapshot.account(account)
    name = settings.full_name if settings is not None else ""

    def is_own(one: Address) -> bool:
        found = snapshot.lookup(one)
        return isinstance(found, AccountRecipient) and found.account == account

    def may_send(one: Address) -> bool:
        return snapshot.may_send_as(account, one) and not isinstance(snapshot.lookup(one), DomainDisabled)

    def is_local(domain: str) -> bool:
        derived = snapshot.derived
        return domain in derived.domains or domain in snapshot.domains.domains or domain in derived.hostnames

    author = MailAddress(name, address.localpart, address.domain.ascii)
    return Own(login=author, is_own=is_own, may_send=may_send, is_local=is_local)


def delivered_to(section: HeaderSection) -> tuple[MailAddress, ...]:
    """The addresses of the Delivered-To fields, the topmost first."""
    found: list[MailAddress] = []
    for value in section.texts(b"delivered-to")[:MAX_DELIVERED]:
        try:
            address = Address.parse(value.decode("utf-8").strip())
        except (AddressError, UnicodeDecodeError):
            continue
        found.append(MailAddress("", address.localpart, address.domain.ascii))
    return tuple(found)


def original_of(envelope: Envelope, section: HeaderSection) -> Original:
    """A message with as many of its addresses as its row in the list has."""
    first = {name: getattr(envelope, name)[:MAX_ADDRESSES] for name in ("from_", "reply_to", "to", "cc")}
    return Original(envelope=msgspec.structs.replace(envelope, **first), delivered_to=delivered_to(section))


def answering(envelope: Envelope, section: HeaderSection, own: Own) -> Answering:
    """The facts of an answer to a message, out of as many of its addresses as its row in the list has."""
    original = original_of(envelope, section)
    [author] = shown_addresses([answers_from(original, own)])
    return Answering(author, shown_addresses(own_addresses(original, own)), is_own_mail(original, own))
