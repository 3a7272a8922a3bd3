"""An opened message: its header, texts and MIME tree, read by the stored structure (WEBMAIL-48, 110, 111)."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, Protocol, cast

import msgspec

from moxlite.admin.masked import state_of
from moxlite.compose.reply import AccountAddresses, Original, answers_from, is_own_mail, own_addresses, receipt_from
from moxlite.normal import normalized
from moxlite.proto import authresults
from moxlite.proto.address import Address, AddressError, Domain, Path
from moxlite.proto.mdn import requesters
from moxlite.proto.mime import types as mime
from moxlite.proto.mime.automatic import automatic
from moxlite.proto.mime.compose import unflowed
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.messageid import canonical_message_id
from moxlite.proto.mime.quotes import is_all_quoted, letters, quoted_from
from moxlite.proto.mime.text import part_text, visible_text
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.publicsuffix import organizational_domain
from moxlite.store.content import body
from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.store.groupware.contacts import photo_for
from moxlite.store.mail import fetching
from moxlite.store.mail.delegates import right_to_send
from moxlite.store.mail.facts import UNPROVEN, VALIDATED, SMTPArrival, earlier_mails, signing_domains, smtp_arrival
from moxlite.store.mail.links import Given, sending_links
from moxlite.store.mail.masked import masked_key, masked_named
from moxlite.store.mail.settings import address_view, has_fixed_width
from moxlite.store.names import SEPARATOR
from moxlite.store.people.correspondents import is_known
from moxlite.store.people.gathering import list_key
from moxlite.store.rows import mailboxes as mailbox_rows, messages as message_rows
from moxlite.store.types import Flag, SpecialUse
from moxlite.submission.authors import Sender, owner_of
from moxlite.web.composing.answering import delivered_to, given_away, in_place_of
from moxlite.web.preferences import ViewMode
from moxlite.web.webmail.items import (
    EPOCH,
    MAX_ADDRESSES,
    MAX_ALL_TEXTS,
    MAX_TEXT,
    attachments,
    bodies,
    part_tree,
    shown_addresses,
    text_limit,
)
from moxlite.web.webmail.reading.claims import OWN_MAIL, claim_of, is_stranger
from moxlite.web.webmail.types import Answering, GivenTo, Header, ParsedMessage, ReceiptRequest, Text, Unsubscribe
from moxlite.web.webmail.unsubscribing import offered

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.proto.mime.types import Envelope, Structure
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader
    from moxlite.web.webmail.holders import Holder
    from moxlite.web.webmail.items import Leaf


MAX_HEADER: Final = 256 * 1024  # octets of the header section; a longer one is truncated
MAX_FIELDS: Final = 1000  # of the header; mail has some dozens
# up to this size, reading and decoding takes less than 2 ms on the event loop; larger ones go to a thread
MAX_ON_LOOP: Final = 64 * 1024
FLOWED: Final = 16  # factor of work compared to other text, if each octet is a line, or a tag of HTML


class OwnWith(Protocol):
    """The reader's addresses, with masked ones by their keys; the addresses of `owner` if the user answers in its place
    (`own_of`).
    """

    def __call__(self, given: Given, owner: str = "") -> AccountAddresses: ...


Validation = Literal["", "dmarc", "forged", "list", "none", "relaxed", "strict"]
"""Result for the From domain; forged: DMARC failed, and the policy of the domain is quarantine or reject."""

MAILTO: Final = re.compile(r"<\s*mailto:([^>\s?]+)", re.IGNORECASE)


def structure_of(r: Reader, message_id: int) -> mime.Structure:
    """The stored structure of a message. Raises NoSuchMessage, ChunkDamaged."""
    packed = message_rows.packed_structure(r, message_id)
    if packed is None:
        raise NoSuchMessage(message_id)
    return fetching.structure_of(packed)


async def parse_message(holder: Holder, shown: int, own_with: OwnWith) -> ParsedMessage:
    """Open a message by its id in the browser's form, for the reader whose addresses `own_with` gives. Raises
    NoSuchMessage, ChunkDamaged.
    """
    account, message_id = holder.account, holder.local_id(shown)

    def index(r: Reader) -> mime.Structure:
        holder.check_message(r, message_id)
        message_rows.message(r, message_id)
        return structure_of(r, message_id)

    structure = await account.read(index, op="structure")
    wanted = min(structure.root.body, MAX_HEADER)
    for leaf in bodies(structure.root).text:
        part = leaf.part
        wanted += part.size * (FLOWED if part.parameter("format") or part.subtype == "HTML" else 1)
    read = account.read if wanted <= MAX_ON_LOOP else account.scan
    parsed = await read(lambda r: _parse(r, holder, message_id, structure, own_with), op="webmail_message")
    if any(text.quoted_from is not None for text in parsed.texts):
        texts = await account.scan(
            lambda r: _compared(parsed.texts, answered_letters(r, holder, structure.envelope)), op="webmail_message"
        )
        parsed = msgspec.structs.replace(parsed, texts=texts)
    if holder.guest:
        # settings for this sender, receipts, and the people whom the owner knows, are the owner's, not the guest's
        return msgspec.structs.replace(
            parsed,
            id=shown,
            view_mode="",
            earlier=None,
            unsubscribe=None,
            receipt=None,
            claim=None,
            given=None,
            photo="",
            stranger=False,
        )
    return parsed


def _parse(r: Reader, holder: Holder, message_id: int, structure: mime.Structure, own_with: OwnWith) -> ParsedMessage:
    content = body.locate(r, message_id)
    root = structure.root
    raw = body.read_content(r, content, 0, min(root.body, MAX_HEADER))
    section = HeaderSection(raw, MAX_FIELDS, hint=root.hint)
    headers = [Header(field.label.decode("ascii"), section.decode(field.text)) for field in section]
    texts: list[Text] = []
    left = MAX_ALL_TEXTS
    shown = bodies(root)
    for leaf in shown.text:
        text = _text(r, content, leaf, left)
        texts.append(msgspec.structs.replace(text, quoted_from=quoted_from(_lines(text.text))))
        left -= min(left, leaf.part.decoded)
    original = original_of(structure.envelope, section, sent_by(r, holder, message_id))
    if holder.guest:
        # what the owner gives away is no address of a guest
        writes = right_to_send(r, holder.guest, time.time_ns() // 1000) is not None
        own = answers = own_with(Given(), holder.owner if writes else "")
    else:
        own = own_with(given_away(r, original))
        answers = with_links(r, own, message_id)
    came = smtp_arrival(r, message_id)
    _, unsubscribe = _leaving(r, message_id, structure, section)
    return ParsedMessage(
        id=message_id,
        headers=headers,
        texts=texts,
        has_html=bool(shown.html),
        attachments=attachments(root),
        structure=part_tree(root),
        list_reply_address=list_post(header.value for header in headers if header.name.lower() == "list-post"),
        view_mode=_view_mode(r, structure, came),
        fixed_width=fixed_width(r, holder, structure),
        validation=_validation(r, message_id, section, came),
        signed_by="" if came is None else _signer(r, message_id, came.msgfrom_domain),
        earlier=None if came is None else _earlier(r, message_id, came),
        answering=answering(original, answers),
        unsubscribe=unsubscribe,
        receipt=receipt_request(r, message_id, structure, section, original, own),
        claim=claim_of(r, message_id, structure.envelope, own),
        given=None if came is None else _given(r, came),
        photo=_photo(r, structure.envelope, came),
        stranger=not is_own_mail(original, own) and is_stranger(r, structure.envelope),
    )


def _photo(r: Reader, envelope: mime.Envelope, came: SMTPArrival | None) -> str:
    """The end of the address of the photo of a message's one author; "" for an author who is not a contact, and for a
    domain that is not proven: a face would make a forged name believed.
    """
    if len(envelope.from_) != 1 or (came is not None and came.msgfrom_validation not in VALIDATED):
        return ""
    [author] = envelope.from_
    try:
        domain = Domain.parse(author.domain).unicode
    except AddressError:
        return ""
    number, mark = photo_for(r, author.localpart, domain)
    return f"{number}/{mark}" if mark else ""


def left_by(r: Reader, message_id: int) -> tuple[str, Unsubscribe | None]:
    """The sender of a message as it is remembered when it is left, and the ways to leave it. Raises NoSuchMessage,
    ChunkDamaged.
    """
    structure = structure_of(r, message_id)
    raw = body.read_content(r, body.locate(r, message_id), 0, min(structure.root.body, MAX_HEADER))
    return _leaving(r, message_id, structure, HeaderSection(raw, MAX_FIELDS))


def _leaving(
    r: Reader, message_id: int, structure: mime.Structure, section: HeaderSection
) -> tuple[str, Unsubscribe | None]:
    if section.count(b"list-unsubscribe") == 0:
        return "", None
    address = author_of(structure)
    received = EPOCH + timedelta(microseconds=message_rows.message(r, message_id).received)
    signers = signing_domains(r, message_id)
    return list_key(section, address), offered(r, section, signers, address=address, received=received)


def _text(r: Reader, content: body.Content, leaf: Leaf, left: int) -> Text:
    """A body as text, of at most `left` octets, and at most the limit of its kind."""
    part = leaf.part
    limit = min(left, text_limit(part), MAX_TEXT)
    text = part_text(part, lambda start, stop: body.read_content(r, content, start, stop - start), limit)
    if part.subtype == "HTML":
        text = visible_text(text, alt=True, quotes=True, limit=limit)
    return Text(leaf.path, part.media_type, unflowed(part, text), part.decoded > limit)


def _lines(text: str) -> list[str]:
    """The lines that a browser sees."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _compared(texts: list[Text], answered: str | None) -> list[Text]:
    """The texts, of which no more is quoted than the answered message has."""
    if answered is None:
        return texts
    return [
        text
        if text.quoted_from is None or is_all_quoted(_lines(text.text)[text.quoted_from :], answered)
        else msgspec.structs.replace(text, quoted_from=None)
        for text in texts
    ]


def answered_letters(r: Reader, holder: Holder, envelope: mime.Envelope) -> str | None:
    """The letters of the texts of the message that one with this envelope answers; None if the user doesn't have it."""
    answered = canonical_message_id(envelope.in_reply_to)
    message_id = None if answered is None else message_rows.oldest_with(r, answered)
    if message_id is None:
        return None
    try:
        holder.check_message(r, message_id)
        content = body.locate(r, message_id)
        shown = bodies(structure_of(r, message_id).root)
        leaves = {leaf.path: leaf for leaf in (*shown.text, *shown.html)}
        return letters("\n".join([_text(r, content, leaf, MAX_TEXT).text for leaf in leaves.values()]))
    except (NoSuchMessage, ChunkDamaged):
        return None


async def read_texts(account: Account, message_id: int, root: mime.Part) -> AsyncGenerator[Text, None]:
    """The texts of a message, each read when it is requested. Raises NoSuchMessage, ChunkDamaged."""
    left = MAX_ALL_TEXTS
    for leaf in bodies(root).text:

        def read(r: Reader, leaf: Leaf = leaf, left: int = left) -> Text:
            return _text(r, body.locate(r, message_id), leaf, left)

        size = leaf.part.size * (FLOWED if leaf.part.subtype == "HTML" else 1)
        yield await (account.read if size <= MAX_ON_LOOP else account.scan)(read, op="webmail_text")
        left -= min(left, leaf.part.decoded)


def _signer(r: Reader, message_id: int, author: str) -> str:
    """The domain of the From address, or another one of its organization, if a DKIM signature of it passed."""
    signers = signing_domains(r, message_id)
    if author in signers:
        return author
    organization = _organization(author)
    return next((signer for signer in signers if _organization(signer) == organization), "") if organization else ""


def _organization(domain: str) -> str:
    """The organizational domain as A-labels, "" of an invalid domain."""
    try:
        return organizational_domain(Domain.parse(domain).ascii)
    except AddressError:
        return ""


def _validation(r: Reader, message_id: int, section: HeaderSection, came: SMTPArrival | None) -> Validation:
    found = "unknown" if came is None else came.msgfrom_validation
    if found in VALIDATED:
        return cast(Validation, found)
    row = message_rows.message(r, message_id)
    if row.is_forward or row.is_mailinglist:
        return "list"
    if found != "none":
        return ""
    return "forged" if _is_forged(section) else "none"


def _is_forged(section: HeaderSection) -> bool:
    """Whether DMARC failed at arrival, for a domain with a policy. Our own field is the first one of a message that
    came by SMTP.
    """
    written = section.text(b"authentication-results")
    if written is None:
        return False
    try:
        methods = authresults.parse(written.decode("latin-1")).methods
    except authresults.AuthResultsError:
        return False
    return any(
        method.name == "dmarc" and method.result == "fail" and re.match("policy (reject|quarantine)", method.comment)
        for method in methods
    )


def _earlier(r: Reader, message_id: int, came: SMTPArrival) -> int | None:
    """Number of messages that came from the address before; None for a message that does not prove its author, and for
    the first of someone who is a contact, or whom the account wrote to.
    """
    if came.msgfrom_validation == UNPROVEN:
        return None
    earlier = earlier_mails(r, message_id, came)
    before = message_rows.message(r, message_id).received - 1
    return None if earlier == 0 and is_known(r, came.msgfrom, came.msgfrom_domain, before) else earlier


def _view_mode(r: Reader, structure: mime.Structure, came: SMTPArrival | None) -> ViewMode:
    """How mail of the author is shown; "" for a message that does not prove its author, whose remote images would be
    loaded in that name.
    """
    author = "" if came is not None and came.msgfrom_validation == UNPROVEN else author_of(structure)
    return (address_view(r, author) if author else None) or ""


def fixed_width(r: Reader, holder: Holder, structure: mime.Structure) -> bool:
    """Whether text of the author is shown in a font of fixed width. The owner's choice isn't a guest's."""
    return not holder.guest and has_fixed_width(r, author_of(structure))


def is_validated(r: Reader, message_id: int) -> bool:
    """Whether the From domain of a message was validated at arrival."""
    came = smtp_arrival(r, message_id)
    return came is not None and came.msgfrom_validation in VALIDATED


def author_of(structure: mime.Structure) -> str:
    """The From address of a message in `one_spelling`, "" for one that has not just one."""
    senders = structure.envelope.from_
    return str(senders[0].key) if len(senders) == 1 else ""


def list_post(values: Iterable[str]) -> str:
    """The address for posts to a mailing list, from its List-Post fields (RFC 2369 §3.4), or ""."""
    for value in values:
        if match := MAILTO.search(value):
            return match[1]
    return ""


# Own addresses in a message that is answered: the account's addresses, Delivered-To, and the facts with which a
# browser begins an answer without a connection (WEBMAIL-90, 121).


def _given(r: Reader, came: SMTPArrival) -> GivenTo | None:
    masked_row = masked_named(r, f"{came.rcptto.lower()}@{came.rcptto_domain}")
    if masked_row is None:
        return None
    strangers = masked_row.strangers
    since = EPOCH + timedelta(microseconds=strangers[0].first) if strangers else None
    return GivenTo(
        masked_row.address, state_of(masked_row, time.time_ns() // 1000), masked_row.given_to, len(strangers), since
    )


def with_links(r: Reader, own: AccountAddresses, message_id: int = 0, mailbox_id: int = 0) -> AccountAddresses:
    """The author `own` with the addresses of links that send (LINK-14). In a mailbox of such a link, or for a message
    there, the author is the link's address alone. Raises NoSuchMessage, NoSuchMailbox.
    """
    linked = sending_links(r)
    there = message_rows.message(r, message_id).mailbox_id if message_id else mailbox_id
    above = mailbox_rows.mailbox(r, there).name.split(SEPARATOR)[0] if there else ""
    addresses = {key: Address.parse(link.address) for key, link in linked.items()}
    address = next((addresses[key] for key, link in linked.items() if link.name == above), None)
    domains = frozenset(one.domain.ascii for one in addresses.values())
    candidates = addresses.keys() if address is None else {masked_key(address)}
    author = own.login
    if address is not None:
        author = MailAddress(own.login.name, address.localpart, address.domain.ascii)

    def may_send(one: Address) -> bool:
        return masked_key(one) in candidates or (address is None and own.may_send(one))

    return msgspec.structs.replace(
        own,
        login=author,
        is_own=lambda one: masked_key(one) in addresses or own.is_own(one),
        may_send=may_send,
        may_keep=may_send,
        is_local=lambda domain: domain in domains or own.is_local(domain),
    )


def sent_by(r: Reader, holder: Holder, message_id: int) -> str:
    """The account in whose Sent or Drafts a message is, "" for other mailboxes. Raises NoSuchMessage."""
    there = mailbox_rows.mailbox(r, message_rows.message(r, message_id).mailbox_id)
    return holder.owner if there.special_use & OWN_MAIL else ""


def original_of(envelope: Envelope, section: HeaderSection, sent_by: str) -> Original:
    """A message with as many of its addresses as its row in the list has. `sent_by`: as in `Original`."""
    first = {name: getattr(envelope, name)[:MAX_ADDRESSES] for name in ("from_", "reply_to", "to", "cc")}
    return Original(
        envelope=msgspec.structs.replace(envelope, **first), delivered_to=delivered_to(section), sent_by=sent_by
    )


def answering(original: Original, own: AccountAddresses) -> Answering:
    """The facts of an answer to a message."""
    [author] = shown_addresses([answers_from(original, own)])
    return Answering(author, shown_addresses(own_addresses(original, own)), is_own_mail(original, own))


# Requests for a receipt of reading in messages that are read (WEBMAIL-139).
#
# A receipt tells a sender that an address is read, and when. So it is offered for mail that a person may have written
# to the user, and never for lists, bulk mail, junk, or reports.


UNASKED: Final = Flag.MDNSENT | Flag.JUNK | Flag.PHISHING | Flag.DRAFT
UNASKED_IN: Final = SpecialUse.JUNK | SpecialUse.DRAFTS | SpecialUse.SENT

MAX_PATH: Final = 500
"""Octets of a Return-Path that is read; longer than any address."""


def receipt_request(
    r: Reader,
    message_id: int,
    structure: Structure,
    section: HeaderSection,
    original: Original,
    own: AccountAddresses,
) -> ReceiptRequest | None:
    """The request of a message; None if the user is not to be asked (again)."""
    to = requesters(section)
    if not to or structure.root.media_type == "multipart/report" or automatic(section):
        return None
    row = message_rows.message(r, message_id)
    if row.flags & UNASKED or row.is_reject or row.is_mailinglist:
        return None
    if mailbox_rows.mailbox(r, row.mailbox_id).special_use & UNASKED_IN:
        return None
    if is_own_mail(original, own) or receipt_from(original, own) is None:
        return None
    path = _return_path(section)
    if path is not None and path.is_null:
        return None  # such a message is itself an answer of a machine
    sender = {_key(address) for address in structure.envelope.from_[:2]}
    back = set() if path is None or path.address is None else {(path.address.localpart, path.address.domain.ascii)}
    asked = {_key(address) for address in to}
    return ReceiptRequest(shown_addresses(to), elsewhere=asked != sender or (bool(back) and asked != back))


def _key(address: MailAddress) -> tuple[str, str]:
    """The address as RFC 8098 §2.1 compares it: without the name, in any case of the domain's letters."""
    return normalized("NFC", address.localpart), address.domain.lower()


def _return_path(section: HeaderSection) -> Path | None:
    """The envelope sender that the topmost Return-Path tells; None without one that can be read."""
    text = (section.text(b"return-path") or b"").strip()
    if not (text.startswith(b"<") and text.endswith(b">")) or len(text) > MAX_PATH:
        return None
    try:
        return Path.parse(text[1:-1].decode("utf-8"))
    except ValueError:
        return None


def with_senders(snapshot: Snapshot, own: AccountAddresses, senders: Sequence[Sender], owner: str) -> AccountAddresses:
    """The author `own`, whose own mail may keep the addresses of other accounts that the user may write from
    (SMTP-189). For a message of such an account, `owner`, the author is one of its addresses.
    """
    owners = {sender.owner for sender in senders}
    if owner in owners:
        return in_place_of(snapshot, own, owner)
    return msgspec.structs.replace(
        own, may_keep=lambda author: own.may_keep(author) or owner_of(snapshot, author) in owners
    )
