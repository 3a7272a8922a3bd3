"""The calls for contacts (WEBMAIL-128)."""

from __future__ import annotations

import base64
import binascii
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from moxlite.compose.reply import Original
from moxlite.normal import visible
from moxlite.proto.cards.carddetails import Address, Details, Topic, details_of, facts_of, with_details
from moxlite.proto.cards.cardobject import BadCard
from moxlite.proto.cards.photo import MAX_PHOTO, Photo, photo_from
from moxlite.proto.cards.vcard import Contact, Entry
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import StoreError
from moxlite.store.groupware import contacts as store
from moxlite.store.groupware.cards import is_starred
from moxlite.store.groupware.doubles import MAX_MEMBERS, find_doubles, merge_contacts
from moxlite.store.groupware.groups import save_in_groups
from moxlite.store.groupware.resources import Resource, resource_of
from moxlite.web.calls import call
from moxlite.web.composing.answering import given_away, own_of
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotFound, UserError
from moxlite.web.webmail.calls.shelves import GroupName, ShelfCalls, settle
from moxlite.web.webmail.holders import BITS, number_of
from moxlite.web.webmail.querytypes import ID, AnyID
from moxlite.web.webmail.reading.claims import claim_of, confirm
from moxlite.web.webmail.reading.parsed import structure_of

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.web.webmail.holders import Holder

MAX_DOUBLES: Final = 100
"""Groups of contacts in one answer."""

PAGE, MAX_PAGE = 100, 1000
"""Contacts in one answer, and where a page asks for more: those up to a letter."""

BATCH: Final = 50
"""Contacts that are added in one unit: 25 ms."""

Short = Annotated[str, Meta(max_length=1000)]
Search = Annotated[str, Meta(max_length=200)]


class ContactEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An address or telephone number; ``kind``: home, work, mobile, fax, pager, or ""."""

    value: Short
    kind: Annotated[str, Meta(max_length=20)]


class ContactAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A postal address; ``kind``: home, work, or "". ``extended``: an apartment; ``box``: a post office box."""

    kind: Annotated[str, Meta(max_length=20)]
    street: Short
    extended: Short
    box: Short
    city: Short
    region: Short
    code: Short
    country: Short


class ContactDetails(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Details of a contact. ``birthday``: 1988-03-14, --03-14 without a year, or "". ``department``: of the
    organization, whose name alone is in the form then.
    """

    nickname: Short
    title: Short
    department: Short
    birthday: Annotated[str, Meta(pattern=r"^((\d{4}|-)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))?$", max_length=10)]
    addresses: Annotated[list[ContactAddress], Meta(max_length=50)]
    websites: Annotated[list[ContactEntry], Meta(max_length=50)]


class ContactForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A contact as people write it. Without ``details`` the contact keeps its own."""

    name: Short
    emails: Annotated[list[ContactEntry], Meta(max_length=store.MAX_EMAILS)]
    phones: Annotated[list[ContactEntry], Meta(max_length=50)]
    organization: Short
    note: Annotated[str, Meta(max_length=20_000)]
    groups: Annotated[list[GroupName], Meta(max_length=50)]
    details: ContactDetails | None = None


class ContactFact(msgspec.Struct, frozen=True):
    """A line of a contact's card that the form has no field for. ``label``: what its writer calls it, or the service or
    relation, "" without one. ``value``: dates as the birthday; "" for a picture, a sound or a key.
    """

    topic: Topic
    label: str
    value: str


class ContactItem(msgspec.Struct, frozen=True):
    """A contact in a list, with its first addresses. ``book_id``: its address book, 0 for none yet. ``photo``: the end
    of the address of its photo, "" without one. ``starred``: it is a favorite.
    """

    id: int
    name: str
    emails: list[str]
    organization: str
    book_id: int = 0
    photo: str = ""
    starred: bool = False


class Contacts(msgspec.Struct, frozen=True):
    """Some contacts by name, and whether there are more. ``total``: contacts of the address books. ``letters``: of the
    first page, the first letters of all of the names, without accents and in lower case.
    """

    contacts: list[ContactItem]
    more: bool
    total: int
    letters: list[str]


class ContactCard(msgspec.Struct, frozen=True):
    """A contact. ``changed`` tells changes by others; ``further``: all that its card says beside the form.
    ``book_id``: its address book, 0 for none yet. ``photo``: the end of the address of its photo, "" without one.
    ``starred``: it is a favorite.
    """

    id: int
    changed: int
    form: ContactForm
    further: list[ContactFact]
    book_id: int = 0
    photo: str = ""
    starred: bool = False


class DoubleGroup(msgspec.Struct, frozen=True):
    """Contacts that seem to be one person. ``reason``: they have an address in common, or their name and a number.
    ``changed`` tells changes by others.
    """

    reason: Literal["address", "phone"]
    contacts: list[ContactItem]
    changed: int


class Doubles(msgspec.Struct, frozen=True):
    """Some groups of contacts that seem to be one person each, and the number of all groups."""

    groups: list[DoubleGroup]
    total: int


class ContactCalls(ShelfCalls):
    """Calls about contacts."""

    @call()
    async def contacts(
        self,
        caller: Caller,
        search: Search = "",
        group: Search = "",
        after: AnyID = 0,
        book_id: AnyID = 0,
        limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = PAGE,
    ) -> Contacts:
        """Contacts by name that contain a text, of a group or all, after the one with the id ``after``; of an address
        book, or of all that the user may read.
        """
        place = ""
        if after:
            async with self._shelf(caller, after) as shelf:
                number = shelf.holder.local_id(after)
                place = await shelf.account.read(lambda r: store.sorted_of(r, number), op="contacts")
        found: list[tuple[str, ContactItem]] = []
        total, letters = 0, set[str]()
        for shown in [book_id] if book_id else await self._shelves(caller):

            def read(r: Reader) -> tuple[list[store.ContactRow], int, set[str]]:
                books = shelf.ids(r)
                if book_id:
                    books = frozenset({shelf.find(r, shelf.holder.local_id(book_id)).id})
                since = _since(shelf.holder, place, after)
                page = store.find_contacts(r, search, group, since, limit + 1, books)
                first = set[str]() if after else store.letters_of(r, search, group, books)
                return page, store.count_contacts(r, books), first

            try:
                async with self._shelf(caller, shown) as shelf:
                    page, number, first = await shelf.account.scan(read, op="contacts")
            except (StoreError, NotFound):
                if not shown or book_id:
                    raise
                continue  # one broken account must not hide the others
            found += [(contact_row.sorted, _item(shelf.holder, contact_row)) for contact_row in page]
            total += number
            letters |= first
        found.sort(key=lambda one: (one[0], one[1].id))
        return Contacts([item for _, item in found[:limit]], len(found) > limit, total, sorted(letters))

    @call()
    async def contact(self, caller: Caller, contact_id: AnyID) -> ContactCard:
        """A contact with all that is known."""
        async with self._shelf(caller, contact_id) as shelf:
            number = shelf.holder.local_id(contact_id)

            def read(r: Reader) -> tuple[Resource | None, store.StoredContact | None, str, tuple[str, ...]]:
                groups = store.groups_with(r, number, shelf.ids(r))
                return shelf.card(r, number), store.contact_of(r, number), store.photo_mark_of(r, number), groups

            resource, stored_contact, mark, groups = await shelf.account.read(read, op="contact")
        if stored_contact is None:
            raise NotFound("this contact was deleted")
        return _card(shelf.holder, resource, stored_contact, mark, groups)

    @call(once=True)
    async def contact_save(
        self,
        caller: Caller,
        contact: ContactForm,
        contact_id: AnyID = 0,
        changed: AnyID = 0,
        book_id: AnyID = 0,
        photo: Annotated[str, Meta(max_length=MAX_PHOTO * 4 // 3 + 100)] | None = None,
    ) -> int:
        """Add a contact to an address book, by default the first, or change the one with this id as it was at
        ``changed``; returns its id. ``photo``: a JPEG, PNG, GIF or WebP in base64, "" to take it away, null for the one
        that it has.

        A conflict if it was changed or removed meanwhile. What is there already as it is wanted is neither a conflict
        nor added: a call whose answer was lost may be repeated.
        """
        card, details, picture = _contact(contact), _details(contact), _picture(photo)
        async with self._shelf(caller, contact_id or book_id) as shelf:
            number = shelf.holder.local_id(contact_id)

            def unit(tx: AccountTx) -> int:
                if contact_id:
                    shelf.card(tx, number, write=True)
                    before = store.contact_of(tx, number)
                    kept = _detailed(_kept(card, before, details), details)
                    books, seen = shelf.writable(tx), shelf.ids(tx)
                    return save_in_groups(tx, kept, number, changed, photo=picture, books=books, seen=seen)
                book = shelf.find(tx, shelf.holder.local_id(book_id), write=True) if book_id else None
                new = _detailed(card, details)
                return save_in_groups(tx, new, book=book, photo=picture, books=shelf.writable(tx))

            return shelf.holder.shown_id(await shelf.account.write(unit))

    @call(once=True)
    async def contact_remove(self, caller: Caller, contact_id: AnyID, changed: AnyID = 0) -> str:
        """Remove a contact as it was at ``changed``; returns its vCard, with which `contact_restore` brings it back. ""
        if it was gone. A conflict if it was changed meanwhile.
        """
        async with self._shelf(caller, contact_id) as shelf:
            number = shelf.holder.local_id(contact_id)

            def unit(tx: AccountTx) -> str:
                if shelf.holder.guest and resource_of(tx, number) is None:
                    return ""
                shelf.card(tx, number, write=True)
                return store.remove_contact(tx, number, changed)

            return await shelf.account.write(unit)

    @call(once=True)
    async def contact_restore(
        self, caller: Caller, card: Annotated[str, Meta(max_length=1 << 20)], book_id: AnyID = 0
    ) -> None:
        """Add a contact from the vCard that `contact_remove` returned, to an address book, by default the first."""
        octets = card.encode("utf-8", "replace")
        async with self._shelf(caller, book_id) as shelf:

            def unit(tx: AccountTx) -> None:
                book = shelf.find(tx, shelf.holder.local_id(book_id), write=True) if book_id else None
                store.restore_contact(tx, octets, book)

            try:
                await shelf.account.write(unit)
            except BadCard:
                raise UserError("card: must be a single vCard") from None

    @call()
    async def contacts_doubles(self, caller: Caller) -> Doubles:
        """Contacts of one's own that have an address in common, or their whole name and a telephone number: the first
        groups.
        """
        async with self._shelf(caller) as shelf:
            await settle(shelf.account)
            doubles, total = await shelf.account.scan(partial(find_doubles, limit=MAX_DOUBLES), op="doubles")
        groups = [
            DoubleGroup(double.reason, [_item(shelf.holder, each) for each in double.contacts], double.changed)
            for double in doubles
        ]
        return Doubles(groups, total)

    @call(once=True)
    async def contacts_merge(
        self,
        caller: Caller,
        contact_id: ID,
        others: Annotated[list[ID], Meta(min_length=1, max_length=MAX_MEMBERS)],
        changed: AnyID = 0,
    ) -> None:
        """Add what others have to a contact, all as they were at ``changed`` of their group, and remove these, which
        come back for 30 days (DAV-46). A conflict if one was changed meanwhile: it may be another person now.
        """
        async with self._shelf(caller) as shelf:

            def unit(tx: AccountTx) -> None:
                for number in (contact_id, *others):
                    if shelf.card(tx, number, write=True) is None:
                        raise NotFound("this contact was deleted")
                merge_contacts(tx, contact_id, others, changed)

            await shelf.account.write(unit)

    @call(once=True)
    async def claim_confirm(self, caller: Caller, message_id: ID) -> None:
        """Add the new address of a message to the contact of the person whose name it claims, or make a contact of it
        (WEBMAIL-161). A message without such a claim changes nothing: a call whose answer was lost may be repeated.
        """
        session = caller.require()
        snapshot = self._server.config.current
        async with self._holders.at(session, message_id) as holder:
            holder.refuse_guest("you can only change your own contacts")
            local = holder.local_id(message_id)

            def unit(tx: AccountTx) -> None:
                envelope = structure_of(tx, local).envelope
                masked = given_away(tx, Original(envelope=envelope))
                own = own_of(snapshot, session.account, session.address, masked)
                claim = claim_of(tx, local, envelope, own)
                if claim is not None:
                    confirm(tx, claim)

            await holder.account.write(unit)


def _since(holder: Holder, place: str, after: int) -> tuple[str, int]:
    """The place in an account after the contact with the id `after` of the browser: all are listed by name and id."""
    local = holder.local_id(after)
    return place, local if local >= 0 else -1 if holder.number > number_of(after) else 1 << BITS


def _kept(card: Contact, before: store.StoredContact | None, details: Details | None) -> Contact:
    """The contact of a form with what a form has no place for."""
    if before is None:
        return card
    old = before.contact
    parts = old.parts if old.name == card.name else ()
    if details is None and old.units[:1] == (card.organization,):
        card = msgspec.structs.replace(card, organization=old.organization)
    units = old.units if card.organization == old.organization else card.units
    return msgspec.structs.replace(card, parts=parts, units=units, other=old.other)


def _item(holder: Holder, contact_row: store.ContactRow) -> ContactItem:
    listed = contact_row.listed
    return ContactItem(
        holder.shown_id(contact_row.id),
        listed.name,
        list(listed.emails[:3]),
        listed.organization,
        holder.shown_id(contact_row.book),
        photo_place(holder, contact_row.id, listed.photo),
        contact_row.starred,
    )


def photo_place(holder: Holder, contact_id: int, mark: str) -> str:
    """The end of the address of a contact's photo, which another photo changes; "" without a photo."""
    return f"{holder.shown_id(contact_id)}/{mark}" if mark else ""


def _picture(photo: str | None) -> Photo | Literal[False] | None:
    """The photo of a form, as the store takes it. Raises UserError."""
    if not photo:
        return None if photo is None else False
    try:
        found = photo_from(base64.b64decode(photo, validate=True))
    except (binascii.Error, ValueError):
        found = None
    if found is None:
        raise UserError("photo: must be a JPEG, PNG, GIF, or WebP image up to 128 KiB")
    return found


def _card(
    holder: Holder, there: Resource | None, stored_contact: store.StoredContact, mark: str, groups: tuple[str, ...]
) -> ContactCard:
    contact = stored_contact.contact
    details = details_of(contact.other)
    form = ContactForm(
        name=contact.name,
        emails=[ContactEntry(email.value, email.kind) for email in contact.emails],
        phones=[ContactEntry(phone.value, phone.kind) for phone in contact.phones],
        organization=contact.units[0] if contact.units else contact.organization,
        note=contact.note,
        groups=[group for group in dict.fromkeys((*contact.groups, *groups)) if not is_starred(group)],
        details=ContactDetails(
            nickname=details.nickname,
            title=details.title,
            department=", ".join(filter(None, contact.units[1:])),
            birthday=details.birthday,
            addresses=[ContactAddress(**msgspec.structs.asdict(address)) for address in details.addresses],
            websites=[ContactEntry(website.value, website.kind) for website in details.websites],
        ),
    )
    facts = [
        ContactFact(fact.topic, fact.label, fact.value)
        for fact in facts_of(contact.other)
        if fact.topic != "photo" or not mark
    ]
    book = 0 if there is None else holder.shown_id(there.collection_id)
    return ContactCard(
        holder.shown_id(stored_contact.id),
        stored_contact.changed,
        form,
        facts,
        book,
        photo_place(holder, stored_contact.id, mark),
        any(map(is_starred, contact.groups)),
    )


def _contact(form: ContactForm) -> Contact:
    """The contact of a form. Raises UserError."""
    emails, phones = _entries(form.emails), _entries(form.phones)
    organization = _line(form.organization)
    department = _line(form.details.department) if form.details is not None else ""
    units = (organization, department) if department else ()
    organization = ", ".join(filter(None, units)) if department else organization
    name = _line(form.name) or organization or next((entry.value for entry in (*emails, *phones)), "")
    if not name:
        raise UserError("name: enter a name or email address")
    return Contact(
        name=name,
        emails=emails,
        phones=phones,
        organization=organization,
        units=units,
        note=form.note,
        groups=tuple(dict.fromkeys(group for one in form.groups if (group := _line(one)) and not is_starred(group))),
    )


def _details(form: ContactForm) -> Details | None:
    """The details of a form, None if it has none."""
    given = form.details
    if given is None:
        return None
    texts = ({name: _line(text) for name, text in msgspec.structs.asdict(one).items()} for one in given.addresses)
    addresses = (Address(**{**fields, "kind": _place(fields["kind"])}) for fields in texts)
    return Details(
        nickname=_line(given.nickname),
        title=_line(given.title),
        birthday=given.birthday,
        addresses=tuple(address for address in addresses if address != Address(address.kind)),
        websites=tuple(Entry(website.value, _place(website.kind)) for website in _entries(given.websites)),
    )


def _place(kind: str) -> str:
    """The kind of an address or website: numbers alone are of more kinds."""
    return kind if kind in ("home", "work") else ""


def _detailed(contact: Contact, details: Details | None) -> Contact:
    """The contact with these details, or with those that it has."""
    if details is None:
        return contact
    return msgspec.structs.replace(contact, other=with_details(contact.other, details))


def _entries(given: list[ContactEntry]) -> tuple[Entry, ...]:
    return tuple(Entry(value, contact_entry.kind) for contact_entry in given if (value := _line(contact_entry.value)))


def _line(text: str) -> str:
    return " ".join(visible(text).split())
