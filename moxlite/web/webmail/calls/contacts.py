"""The calls for contacts and their groups (WEBMAIL-128), and for templates (WEBMAIL-126)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from moxlite import lazyimport
from moxlite.processor import off_loop
from moxlite.proto.cards.cardobject import BadCard
from moxlite.proto.cards.vcard import Contact, Entry, Unreadable
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.uploads import drop_upload, upload_of, upload_pieces
from moxlite.store.groupware import contacts as store
from moxlite.store.groupware.cards import MAX_CONTACTS, Listed
from moxlite.store.groupware.collection import has_due
from moxlite.store.people import templates as stored
from moxlite.web.calls import Remark, call, remark
from moxlite.web.composing.uploads import Party, UploadID, key_of
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotFound, UserError
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.querytypes import ID, AnyID
from moxlite.web.webmail.reading.claims import claim_of, confirm
from moxlite.web.webmail.reading.parsed import own_of, structure_of
from moxlite.wording import worded

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader

PAGE: Final = 100
"""Contacts in one answer."""

BATCH: Final = 50
"""Contacts that are added in one unit: 25 ms."""

MAX_PROBLEMS: Final = 20
"""Problems of a file that are told."""

MAX_TEMPLATE: Final = 200_000

Short = Annotated[str, Meta(max_length=1000)]
Group = Annotated[str, Meta(min_length=1, max_length=100)]
Search = Annotated[str, Meta(max_length=200)]


class ContactEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An address or telephone number; ``kind``: home, work, mobile, fax, pager, or ""."""

    value: Short
    kind: Annotated[str, Meta(max_length=20)]


class ContactForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A contact as people write it."""

    name: Short
    emails: Annotated[list[ContactEntry], Meta(max_length=store.MAX_EMAILS)]
    phones: Annotated[list[ContactEntry], Meta(max_length=50)]
    organization: Short
    note: Annotated[str, Meta(max_length=20_000)]
    groups: Annotated[list[Group], Meta(max_length=50)]


class ContactItem(msgspec.Struct, frozen=True):
    """A contact in a list, with its first addresses."""

    id: int
    name: str
    emails: list[str]
    organization: str


class ContactGroup(msgspec.Struct, frozen=True):
    """A group, and the number of its contacts."""

    name: str
    contacts: int


class Contacts(msgspec.Struct, frozen=True):
    """Some contacts by name, whether there are more, and all groups. ``total``: contacts of the account."""

    contacts: list[ContactItem]
    more: bool
    total: int
    groups: list[ContactGroup]


class ContactCard(msgspec.Struct, frozen=True):
    """A contact. ``changed`` tells changes by others; ``further``: names of properties that are kept unseen."""

    id: int
    changed: int
    form: ContactForm
    further: list[str]


class ContactsImported(msgspec.Struct, frozen=True):
    """An import: contacts that were added, that were there already, and that could not be read, the first with the
    reason. ``dropped``: contacts whose pictures were too large to keep.
    """

    added: int
    known: int
    unread: int
    dropped: int
    problems: list[Remark]


class TemplateForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A template. ``html`` is "" for plain text; ``id`` 0 for a new one."""

    id: AnyID
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    subject: Short
    text: Annotated[str, Meta(max_length=MAX_TEMPLATE)]
    html: Annotated[str, Meta(max_length=MAX_TEMPLATE)]


class ContactCalls(AccountCalls):
    """Calls about the contacts and templates of the user's own account."""

    @call()
    async def contacts(self, caller: Caller, search: Search = "", group: Search = "", after: AnyID = 0) -> Contacts:
        """Contacts by name that contain a text, of a group or all, after the one with the id ``after``."""

        def read(r: Reader) -> Contacts:
            found = store.find_contacts(r, search, group, after, PAGE + 1)
            groups = [ContactGroup(name, number) for name, number in store.groups_of(r)]
            return Contacts([_item(*one) for one in found[:PAGE]], len(found) > PAGE, store.count_contacts(r), groups)

        async with self._accounts.use(caller.require().account) as account:
            return await account.scan(read, op="contacts")

    @call()
    async def contact(self, caller: Caller, contact_id: AnyID) -> ContactCard:
        """A contact with all that is known."""
        async with self._accounts.use(caller.require().account) as account:
            found = await account.read(lambda r: store.contact_of(r, contact_id), op="contact")
        if found is None:
            raise NotFound("this contact was removed")
        return _card(found)

    @call()
    async def contact_save(
        self, caller: Caller, contact: ContactForm, contact_id: AnyID = 0, changed: AnyID = 0
    ) -> int:
        """Add a contact, or change the one with this id as it was at ``changed``; returns its id.

        A conflict if it was changed or removed meanwhile. What is there already as it is wanted is neither a conflict
        nor added: a call whose answer was lost may be repeated.
        """
        card = _contact(contact)
        async with self._accounts.use(caller.require().account) as account:

            def unit(tx: AccountTx) -> int:
                if not contact_id and (known := store.same_contact(tx, card)):
                    return known
                before = store.contact_of(tx, contact_id) if contact_id else None
                kept = (
                    card
                    if before is None
                    else msgspec.structs.replace(
                        card,
                        parts=before.contact.parts if before.contact.name == card.name else (),
                        other=before.contact.other,
                    )
                )
                return store.save_contact(tx, kept, contact_id, changed)

            return await account.write(unit)

    @call()
    async def contact_remove(self, caller: Caller, contact_id: AnyID) -> str:
        """Remove a contact; returns its vCard, with which `contact_restore` brings it back. "" if it was gone."""
        async with self._accounts.use(caller.require().account) as account:
            return await account.write(lambda tx: store.remove_contact(tx, contact_id))

    @call()
    async def contact_restore(self, caller: Caller, card: Annotated[str, Meta(max_length=1 << 20)]) -> None:
        """Add a contact from the vCard that `contact_remove` returned."""
        octets = card.encode("utf-8", "replace")
        async with self._accounts.use(caller.require().account) as account:
            try:
                await account.write(lambda tx: store.restore_contact(tx, octets))
            except BadCard:
                raise UserError("card: one vCard is expected") from None

    @call()
    async def claim_confirm(self, caller: Caller, message_id: ID) -> None:
        """Add the new address of a message to the contact of the person whose name it claims, or make a contact of it
        (WEBMAIL-161). A message without such a claim changes nothing: a call whose answer was lost may be repeated.
        """
        session = caller.require()
        own = own_of(self._server.config.current, session.account, session.address)
        async with self._holders.at(session, message_id) as holder:
            holder.refuse_guest("contacts are changed")
            local = holder.local_id(message_id)

            def unit(tx: AccountTx) -> None:
                claim = claim_of(tx, local, structure_of(tx, local).envelope, own)
                if claim is not None:
                    confirm(tx, claim)

            await holder.account.write(unit)

    @call()
    async def contacts_import(self, caller: Caller, upload_id: UploadID, group: Search = "") -> ContactsImported:
        """Import an uploaded file of vCards, or a table (CSV) as Gmail, Outlook and Thunderbird write it.

        ``group``: all contacts of the file get it too.

        Contacts that are there already get what they have not. The upload is removed.
        """
        key = key_of(upload_id)
        name = caller.require().account
        async with self._server.views.taken(name), self._accounts.use(name) as account:
            upload = await account.read(lambda r: upload_of(r, key), op="contacts_upload")
            try:
                await lazyimport.load("moxlite.proto.cards.contactfiles")
                from moxlite.proto.cards.contactfiles import read_contacts, taken

                try:
                    data = await account.scan(lambda r: taken(upload_pieces(r, upload)), op="contacts_upload")
                    found, problems = await off_loop(partial(read_contacts, data), kind="contacts")
                except Unreadable as e:
                    raise UserError(worded("the file cannot be read: {reason}", reason=e)) from e
                if len(found) > MAX_CONTACTS:
                    raise UserError(worded("the file has more than {most} contacts", most=MAX_CONTACTS))
                if group:
                    found = [msgspec.structs.replace(one, groups=(*one.groups, group)[-50:]) for one in found]
                while await account.read(has_due, op="contacts_due"):
                    await account.write(store.settle_contacts)
                added = known = 0
                for start in range(0, len(found), BATCH):
                    batch = found[start : start + BATCH]
                    done = await account.write(partial(store.import_contacts, contacts=batch))
                    added, known = added + done[0], known + done[1]
            finally:
                await account.write(lambda tx: drop_upload(tx, key))
        dropped = sum(bool(one.dropped) for one in found)
        return ContactsImported(added, known, len(problems), dropped, list(map(remark, problems[:MAX_PROBLEMS])))

    @call()
    async def group_members(self, caller: Caller, group: Group) -> list[Party]:
        """The contacts of a group that have an address, as recipients."""
        async with self._accounts.use(caller.require().account) as account:
            found = await account.read(lambda r: store.group_members(r, group), op="group_members")
        return [Party(name, address) for name, address in found]

    @call()
    async def templates(self, caller: Caller) -> list[TemplateForm]:
        """All templates by name."""
        async with self._accounts.use(caller.require().account) as account:
            found = await account.read(stored.templates, op="templates")
        return [TemplateForm(one.id, one.name, one.subject, one.text, one.html) for one in found]

    @call()
    async def template_save(self, caller: Caller, template: TemplateForm) -> int:
        """Add a template, or change the one with its id; returns the id. A conflict if another has its name.

        The same template again is that one: a call whose answer was lost may be repeated.
        """
        one = stored.Template(template.id, template.name.strip(), template.subject, template.text, template.html)
        if not one.name:
            raise UserError("name: a template needs a name")
        async with self._accounts.use(caller.require().account) as account:
            return await account.write(lambda tx: stored.save_template(tx, one))

    @call()
    async def template_remove(self, caller: Caller, template_id: AnyID) -> None:
        """Remove a template."""
        async with self._accounts.use(caller.require().account) as account:
            await account.write(lambda tx: stored.remove_template(tx, template_id))


def _item(number: int, contact: Listed) -> ContactItem:
    return ContactItem(number, contact.name, list(contact.emails[:3]), contact.organization)


def _card(one: store.Kept) -> ContactCard:
    contact = one.contact
    form = ContactForm(
        name=contact.name,
        emails=[ContactEntry(one.value, one.kind) for one in contact.emails],
        phones=[ContactEntry(one.value, one.kind) for one in contact.phones],
        organization=contact.organization,
        note=contact.note,
        groups=list(contact.groups),
    )
    names = dict.fromkeys(line.partition(":")[0].partition(";")[0].rpartition(".")[2] for line in contact.other)
    return ContactCard(one.id, one.changed, form, list(names)[:50])


def _contact(form: ContactForm) -> Contact:
    """The contact of a form. Raises UserError."""
    emails, phones = _entries(form.emails), _entries(form.phones)
    organization = _line(form.organization)
    name = _line(form.name) or organization or next((one.value for one in (*emails, *phones)), "")
    if not name:
        raise UserError("name: a contact needs a name or an address")
    return Contact(
        name=name,
        emails=emails,
        phones=phones,
        organization=organization,
        note=form.note,
        groups=tuple(dict.fromkeys(filter(None, map(_line, form.groups)))),
    )


def _entries(given: list[ContactEntry]) -> tuple[Entry, ...]:
    return tuple(Entry(value, one.kind) for one in given if (value := _line(one.value)))


def _line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
