"""Calendar users: the addresses of an account, and accounts of this server by address (RFC 6638 §2.4.1)."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import msgspec

from moxlite.config.snapshot import (
    AliasRecipient,
    DomainDisabled,
    Snapshot,
    UnknownLocalpart,
    full_name,
    may_post_to,
    owns,
)
from moxlite.proto.address import Address, AddressError, one_spelling
from moxlite.proto.cards.contentline import Property, property_of
from moxlite.proto.cards.itip import with_parameters
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.collection import ACCESSES, Access
from moxlite.store.groupware.scheduling import Guest, User
from moxlite.store.mail.links import given_among
from moxlite.store.mail.masked import masked_key
from moxlite.submission.authors import owner_of
from moxlite.wording import Worded, worded


def addresses_of(snapshot: Snapshot, account: str, *first: str) -> tuple[str, ...]:
    """The addresses of an account, the given ones first; without catchalls."""
    settings = snapshot.account(account)
    others = (
        ()
        if settings is None
        else (str(destination) for destination in settings.destinations if not str(destination).startswith("@"))
    )
    return tuple(dict.fromkeys((*first, *others)))


def is_me(snapshot: Snapshot, account: str, address: str) -> bool:
    """Whether mail to an address comes to the user of an account: by one of the account's addresses, with text after a
    separator, by a catchall, or as a member of an alias.
    """
    try:
        parsed = Address.parse(address)
    except AddressError:
        return False
    recipient = snapshot.lookup(parsed)
    if isinstance(recipient, AliasRecipient):
        return any(member.account == account for member in recipient.members)
    return owns(snapshot, account, parsed)


def speaks_for(snapshot: Snapshot, account: str, address: str) -> bool:
    """Whether `address` is the user's, who may write from it."""
    return is_me(snapshot, account, address) and snapshot.may_send_as(account, Address.parse(address))


def user_of(snapshot: Snapshot, account: str, people: Iterable[str] = ()) -> User:
    """The owner of an account as a calendar user, beside these people: forms of the own addresses among them are the
    owner's, and aliases for which the owner speaks, unless the owner is there in person.
    """
    people = tuple(people)
    own = frozenset(map(one_spelling, addresses_of(snapshot, account)))
    own |= {one_spelling(address) for address in people if account_of(snapshot, address) == account}
    if own.isdisjoint(people):
        own |= {one_spelling(address) for address in people if speaks_for(snapshot, account, address)}
    return User(own, frozenset(address for address in people if account_of(snapshot, address) is not None))


def guest_of(snapshot: Snapshot, owner: str, guest: str, address: str, people: Iterable[str] = ()) -> User:
    """The owner of an account as a calendar user in whose name another user acts, who has logged in by `address`; as
    `user_of`.
    """
    user = user_of(snapshot, owner, people)
    closed = frozenset(one for one in user.addresses if owner_of(snapshot, Address.parse(one)) != owner)
    own = frozenset(map(one_spelling, addresses_of(snapshot, guest, address)))
    return msgspec.structs.replace(user, guest=Guest(guest, address, own, closed, _organizer(snapshot, owner)))


def _organizer(snapshot: Snapshot, account: str) -> Property | None:
    """ORGANIZER with the first address of an account, and its name."""
    address = next(iter(addresses_of(snapshot, account)), "")
    line = property_of(f"ORGANIZER:mailto:{address}") if address else None
    return None if line is None else with_parameters(line, {"CN": full_name(snapshot, account, address)})


def account_of(snapshot: Snapshot, address: str) -> str | None:
    """The account of an address; None for an address elsewhere, one of several people, or of no account."""
    try:
        parsed = Address.parse(address)
    except AddressError:
        return None
    owner = snapshot.owner(parsed)
    # An address that only matches a catchall isn't a person, so an invitation is delivered there as ordinary mail, as
    # to a disabled domain.
    if owner is None or owner.catchall or isinstance(snapshot.lookup(parsed), DomainDisabled):
        return None
    return owner.account


def colleague_access(snapshot: Snapshot, account: str, name: str) -> Access | None:
    """The access of the user of an account to the calendars of another one by the settings of the domains in which both
    have an address, the least of them; None for people without a common domain.
    """
    first, second = (
        {Address.parse(address).domain for address in addresses_of(snapshot, of)} for of in (account, name)
    )
    settings = [snapshot.domain(domain) for domain in first & second]
    # One domain that keeps its people's times to itself is not opened by another that they share.
    return max((setting.free_busy for setting in settings if setting is not None), key=ACCESSES.index, default=None)


def colleague_addresses(snapshot: Snapshot, account: str, name: str) -> tuple[str, ...]:
    """The addresses of an account in domains in which the user of another one has an address, too: by these, given as
    a whole, people find each other (JMAP-78, DAV-18b).
    """
    domains = {address.rpartition("@")[2].lower() for address in addresses_of(snapshot, account)}
    return tuple(address for address in addresses_of(snapshot, name) if address.rpartition("@")[2].lower() in domains)


def refusal_of(snapshot: Snapshot, account: str, author: str, address: str) -> Worded | None:
    """Why an address can't be invited by the user of an account who writes as `author`; None if it can, or is missing
    in the configuration.
    """
    if account_of(snapshot, address) == account:
        return worded("you're the organizer, so you can't invite your own address {address}", address=address)
    recipient = snapshot.lookup(Address.parse(address))
    if isinstance(recipient, AliasRecipient) and not may_post_to(snapshot, Address.parse(author), recipient):
        return worded("{address} only accepts email from its members", address=address)
    return None


def is_missing(snapshot: Snapshot, address: str) -> bool:
    """Whether a text is not an address, or an address of this server that leads nowhere."""
    try:
        return isinstance(snapshot.lookup(Address.parse(address)), UnknownLocalpart | DomainDisabled)
    except AddressError:
        return True


def given_addresses(r: Reader, addresses: Iterable[str]) -> list[str]:
    """Find masked addresses, and addresses of sending links, among some addresses; as they are written there."""
    keys: dict[str, str] = {}
    for address in addresses:
        with suppress(AddressError):
            keys.setdefault(masked_key(Address.parse(address)), address)
    given = given_among(r, set(keys))
    return [address for key, address in keys.items() if key in given.masked or key in given.linked]
