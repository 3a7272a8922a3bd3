"""The user's addresses in a message that is answered (WEBMAIL-90, MASK-6): by a reply, or by a receipt of reading."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.compose.draft import MAX_RECIPIENTS
from moxlite.compose.reply import AccountAddresses
from moxlite.config.snapshot import full_name, owns
from moxlite.proto.address import Address, AddressError, Domain
from moxlite.proto.mime.types import MailAddress
from moxlite.store.mail.links import Given, given_among
from moxlite.store.mail.masked import masked_key
from moxlite.submission.authors import owner_of

if TYPE_CHECKING:
    from moxlite.compose.reply import Original
    from moxlite.config.snapshot import Snapshot
    from moxlite.proto.mime.headers import HeaderSection
    from moxlite.store.file.transaction import Reader

MAX_DELIVERED: Final = 20
"""Delivered-To fields that are read. The first one is this server's."""


def given_away(r: Reader, original: Original) -> Given:
    """The addresses in a message that the account gives away (MASK-6), or that its linked mailboxes have (LINK-14)."""
    envelope = original.envelope
    named = (*original.delivered_to, *envelope.from_[:MAX_RECIPIENTS], *envelope.to, *envelope.cc)
    keys = set()
    for address in named[:MAX_RECIPIENTS]:
        with suppress(AddressError):
            keys.add(masked_key(Address.of(address.localpart, address.domain)))
    return given_among(r, keys)


def own_of(snapshot: Snapshot, account: str, login: str, given: Given, owner: str = "") -> AccountAddresses:
    """The author of an answer: the account, logged in by the address `login`. `given`: as of `given_away`, so that what
    is answered names no other address; none where nothing is answered. `owner`: the account for which the user answers
    a message there, as `in_place_of` has it, "" for the user's own.
    """
    address = Address.parse(login)
    masked = given.masked | given.linked
    elsewhere = {Domain.parse(key.rpartition("@")[2]) for key in masked}
    linked = {domain.ascii for domain in elsewhere} | {domain.unicode for domain in elsewhere}

    def is_own(one: Address) -> bool:
        return owns(snapshot, account, one) or masked_key(one) in masked

    def may_send(one: Address) -> bool:
        domain = snapshot.domain(one.domain)
        return masked_key(one) in masked or (
            snapshot.may_send_as(account, one) and domain is not None and not domain.disabled
        )

    def is_local(domain: str) -> bool:
        derived = snapshot.derived
        return (
            domain in linked
            or domain in derived.domains
            or domain in snapshot.domains.domains
            or domain in derived.hostnames
        )

    author = MailAddress(full_name(snapshot, account, login), address.localpart, address.domain.ascii)
    own = AccountAddresses(
        account=account,
        login=author,
        is_own=is_own,
        may_send=may_send,
        may_keep=may_send,
        is_masked=lambda one: masked_key(one) in given.masked,
        is_local=is_local,
    )
    return in_place_of(snapshot, own, owner) if owner else own


def in_place_of(snapshot: Snapshot, own: AccountAddresses, owner: str) -> AccountAddresses:
    """The author `own` in the place of another account, for which the user writes (SMTP-189): from one of its
    addresses, else from the first one. Unchanged for an account without.
    """
    settings = snapshot.account(owner)
    texts = () if settings is None else settings.destinations
    first = next((text for text in texts if not text.startswith("@")), "")
    if not first:
        return own
    address = Address.parse(first)

    def may_send(author: Address) -> bool:
        return owner_of(snapshot, author) == owner

    return msgspec.structs.replace(
        own,
        account=owner,
        login=MailAddress(full_name(snapshot, owner, first), address.localpart, address.domain.ascii),
        is_own=lambda author: owns(snapshot, owner, author),
        may_send=may_send,
        may_keep=may_send,
    )


def delivered_to(section: HeaderSection) -> tuple[MailAddress, ...]:
    """The addresses of the Delivered-To fields, the topmost first."""
    addresses: list[MailAddress] = []
    for value in section.texts(b"delivered-to")[:MAX_DELIVERED]:
        try:
            address = Address.parse(value.decode("utf-8").strip())
        except (AddressError, UnicodeDecodeError):
            continue
        addresses.append(MailAddress("", address.localpart, address.domain.ascii))
    return tuple(addresses)
