"""Names that an author claims, although the address is new (WEBMAIL-161): of a person whom the user knows, the user's
own, or the user's own domain.

The sender chooses the name, and a reader looks at nothing else. Nothing leaves the server, and a look-up is bounded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.acceptance.providers import PROVIDERS
from moxlite.proto.address import Address, AddressError, AddressKey, Domain
from moxlite.proto.publicsuffix import organizational_domain
from moxlite.store.groupware.contacts import add_address, is_contact
from moxlite.store.mail.facts import VALIDATED, smtp_arrival
from moxlite.store.people.correspondents import is_known, known_address, known_people, person_alike
from moxlite.store.rows.mailboxes import mailbox
from moxlite.store.rows.messages import message
from moxlite.store.rows.personnames import MAX_NAME, folded_name, full_name, skeleton
from moxlite.store.types import Flag, SpecialUse
from moxlite.web.webmail.types import Claim

if TYPE_CHECKING:
    from moxlite.compose.reply import AccountAddresses
    from moxlite.proto.mime.types import Envelope, MailAddress
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.store.mail.facts import SMTPArrival
    from moxlite.store.people.correspondents import Correspondent

MAX_AUTHORS: Final = 5
"""Addresses of From that are looked at: readers see the first ones."""

MAX_NAMED: Final = 5
"""Addresses and domains in a name that are looked at."""

MAX_SHOWN: Final = 320
"""Characters of an address that the page is told: as long as a valid one may be."""

SETTLED: Final = 7 * 86_400 * 1_000_000
"""µs after which wanted mail makes its sender's address known: a stranger's first messages come within days."""

OWN_MAIL: Final = SpecialUse.SENT | SpecialUse.DRAFTS

ADDRESS: Final = re.compile(r"([\w.!#$%&'*+/=?^`{|}~-]{1,64})@([\w-]{1,63}(?:\.[\w-]{1,63}){0,10})")
DOMAIN: Final = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,10}")


class Author(msgspec.Struct, frozen=True):
    """The address of an author. `organization` is the organizational domain that the message is proven to come from, ""
    for mail without proof and for a provider's, whose users are strangers to each other.
    """

    localpart: str
    domain: Domain
    organization: str

    def is_colleague(self, domain: str) -> bool:
        """Whether the message is proven to come from the organization of a domain (U-labels)."""
        return self.organization != "" and self.organization == organizational_domain(domain)

    def shown(self) -> str:
        """The address as the page shows it."""
        return f"{self.localpart}@{self.domain.unicode}"[:MAX_SHOWN]


def claim_of(r: Reader, message_id: int, envelope: Envelope, own: AccountAddresses) -> Claim | None:
    """The name that the author of a message claims, or whose domain looks like the author's; None for a message without
    such a claim. Only mail that came by SMTP, and not by a list that the user trusts, has one. Raises NoSuchMessage.
    """
    authors = envelope.from_[:MAX_AUTHORS]
    row = message(r, message_id)
    if row.is_mailinglist or row.flags & Flag.DRAFT or mailbox(r, row.mailbox_id).special_use & OWN_MAIL:
        return None
    came = smtp_arrival(r, message_id)
    if came is None:
        return None
    for address in authors:
        author = _author(address, came)
        if author is None or _is_own(own, author.localpart, author.domain):
            continue
        claim = _claim(r, author, address.name[:MAX_NAME], row.received, own) if address.name else None
        known = is_known(r, author.localpart, author.domain.unicode, row.received - SETTLED)
        if not known and (claim or (claim := _alike(r, author, own.login.domain))):
            return claim
    return None


def is_stranger(r: Reader, envelope: Envelope) -> bool:
    """Whether a message has one author, who isn't a contact."""
    if len(envelope.from_) != 1:
        return False
    [author] = envelope.from_
    try:
        domain = Domain.parse(author.domain)
    except AddressError:
        return False
    return author.localpart != "" and not is_contact(r, author.localpart, domain.unicode)


def confirm(tx: AccountTx, claim: Claim) -> None:
    """Make the address of a claim one of the person's, in the contacts. Raises TooManyContacts."""
    known = [claim.known] if claim.kind == "person" else []
    add_address(tx, claim.contact_id, claim.name or claim.known or claim.sender, [*known, claim.sender])


def _author(address: MailAddress, came: SMTPArrival) -> Author | None:
    try:
        domain = Domain.parse(address.domain)
    except AddressError:
        return None
    if not address.localpart:
        return None
    proven = came.msgfrom_validation in VALIDATED and came.msgfrom_domain == domain.unicode
    organization = organizational_domain(domain.unicode) if proven else ""
    return Author(address.localpart, domain, "" if organization in PROVIDERS else organization)


def _claim(r: Reader, author: Author, name: str, before: int, own: AccountAddresses) -> Claim | None:
    """The first claim of a name: its addresses, the person's name, then the domain."""
    # The strongest claim wins: an address in the name, which is never there by chance, then a known name, then the look
    # of our domain. A colleague of the named person ends the search: colleagues write in each other's name.
    addresses = ADDRESS.findall(name)[:MAX_NAMED]
    words = ADDRESS.sub(" ", name)
    home = own.login.domain
    for localpart, host in addresses:
        if AddressKey.of(localpart, host) == AddressKey.of(author.localpart, author.domain.ascii):
            continue
        try:
            domain = Domain.parse(host)
        except AddressError:
            continue
        if _is_own(own, localpart, domain):
            return None if author.is_colleague(home) else Claim("own", own.login.name, "", author.shown())
        known = known_address(r, localpart, domain.unicode)
        if known is not None:
            return None if author.is_colleague(known.domain) else _person(known, author)
    full = full_name(words)
    if full and full == full_name(own.login.name):
        return None if author.is_colleague(home) else Claim("own", own.login.name, "", author.shown())
    claim: Claim | None = None
    for known in known_people(r, folded_name(words), full, before):
        if author.is_colleague(known.domain):
            return None
        claim = claim or _person(known, author)
        if not author.organization:
            break
    if claim is not None:
        return claim
    if author.domain.ascii == home or author.is_colleague(home):
        return None
    hosts = [*(host for _, host in addresses), *DOMAIN.findall(words)]
    wanted = skeleton(Domain.parse(home).unicode)
    if any(skeleton(host) == wanted for host in hosts[: 2 * MAX_NAMED]):
        return Claim("domain", Domain.parse(home).unicode, "", author.shown())
    return None


def _alike(r: Reader, author: Author, home: str) -> Claim | None:
    """The claim of a domain that looks like the login address's, or like that of a person to whom the user wrote."""
    domain, own = author.domain.unicode, Domain.parse(home).unicode
    if domain == own or author.is_colleague(own):
        return None
    if skeleton(domain) == skeleton(own):
        return Claim("domain", own, "", author.shown())
    known = person_alike(r, domain)
    return None if known is None else _person(known, author)


def _person(known: Correspondent, author: Author) -> Claim:
    address = f"{known.localpart}@{known.domain}"[:MAX_SHOWN]
    return Claim("person", known.name[:MAX_SHOWN], address, author.shown(), known.contact_id)


def _is_own(own: AccountAddresses, localpart: str, domain: Domain) -> bool:
    return own.is_local(domain.ascii) and own.is_own(Address.of(localpart, domain.ascii))
