"""The calls of the webmail's composer (WEBMAIL-28, 87..100)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Final, Literal

import idna
import msgspec
import trio
from msgspec import Meta

from moxlite.compose.draft import MAX_NAME, MAX_RECIPIENTS
from moxlite.compose.reply import Answer, Quotable, Quoted, TLSWish, answer, edit_again, forward, unquoted
from moxlite.config.snapshot import full_name
from moxlite.encoding import from_builtins
from moxlite.processor import off_loop
from moxlite.proto.address import Address, AddressError, AddressKey, Localpart, pack_localpart
from moxlite.proto.mime.compose import new_message_id
from moxlite.proto.mime.types import MailAddress
from moxlite.sandbox.jobs import Quote
from moxlite.sandbox.messages import Refused
from moxlite.sandbox.processes import JobFailed
from moxlite.sandbox.turns import Turns
from moxlite.store.content.uploads import Upload, drop_upload
from moxlite.store.delivery.reputation import domain_tls
from moxlite.store.errors import NoSuchMessage, StoreError
from moxlite.store.forms import Identity, Person
from moxlite.store.groupware.contacts import suggest_contacts
from moxlite.store.groupware.groups import suggest_groups
from moxlite.store.mail.identities import load_identities
from moxlite.store.mail.links import Given
from moxlite.store.people.correspondents import SUGGESTIONS, suggest
from moxlite.submission.authors import Sender, owner_of, senders
from moxlite.submission.outgoing import Finding
from moxlite.web.calls import call, encode_result
from moxlite.web.callserver import refused
from moxlite.web.composing.answering import given_away, own_of
from moxlite.web.composing.drafts import CHANGED, KeptDraft, Place, draft_under, save_draft, unsent_id
from moxlite.web.composing.sending import MAX_UNDO, SECOND, send, take_back
from moxlite.web.composing.uploads import (
    OCTETS,
    Party,
    Piece,
    Uploaded,
    UploadID,
    Written,
    key_of,
    receive_piece,
    receive_upload,
    shown_upload,
)
from moxlite.web.cookies import Caller
from moxlite.web.errors import APIError, Conflict, StorageRefused, Unavailable, UserError
from moxlite.web.guards import refuse_foreign
from moxlite.web.headers import API_HEADERS
from moxlite.web.http.errors import BodyTooLarge, HTTPError
from moxlite.web.http.exchange import query_parameters
from moxlite.web.http.messages import Response
from moxlite.web.storeerrors import api_error
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.calls.newsletters import remember_left
from moxlite.web.webmail.holders import LOCAL, number_of
from moxlite.web.webmail.reading.keeping import Keeping, draft_html, keep_original
from moxlite.web.webmail.reading.originals import carry_files, carry_message, read_original
from moxlite.web.webmail.reading.parsed import with_links, with_senders
from moxlite.wording import Remark, remark, worded

if TYPE_CHECKING:
    from collections.abc import Collection

    from moxlite.compose.reply import AccountAddresses
    from moxlite.config.snapshot import Snapshot
    from moxlite.proto.mime.types import Part
    from moxlite.store.auth.sessions import Session
    from moxlite.store.file.transaction import Reader
    from moxlite.web.http.exchange import Request, ResponseWriter


UPLOAD_DEADLINE: Final = 3600.0
"""Seconds of an upload: 100 MiB at 250 kbit/s. Each piece has its own, shorter deadline."""

LOOKUPS: Final = Turns(
    50, each=10, waiting=1000, seconds=60, error=lambda: Unavailable("the server is busy; try again in a moment")
)
"""Turns of lookups of recipients' domains: as many wait as a message may have recipients."""

Kind = Literal["new", "reply", "reply_all", "reply_list", "forward", "forward_attached", "edit"]
AnyID = Annotated[int, Meta(ge=0, le=2**53 - 1)]
CallID = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
"""32 hex digits that a browser chooses for a call, so that a repeated call does nothing twice."""

Undo = Annotated[int, Meta(ge=0, le=MAX_UNDO)]


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """The initial content of the composer, within the limits of a draft. ``message_id`` stays the same while the
    message is edited. ``notes`` tell the user what is missing. ``ask_read``, ``ask_delivered``, ``tls``: as in
    ``Written``. ``name``: of mail from own addresses. ``senders``: addresses of others that the user may write from.
    """

    from_: Party = msgspec.field(name="from")
    to: list[Party]
    cc: list[Party]
    bcc: list[Party]
    reply_to: list[Party] = []
    subject: str
    text: str
    html: str = ""
    original: str = ""
    message_id: str
    in_reply_to: str
    references: list[str]
    uploads: list[Uploaded]
    notes: list[Remark] = []
    ask_read: bool = False
    ask_delivered: bool = False
    tls: TLSWish = "default"
    name: str = ""
    senders: list[Sender] = []


class Security(msgspec.Struct, frozen=True):
    """Transport security of a domain: features that its hosts offered the last time, and policies that it publishes in
    DNS and on the web. "error": the lookup failed; "": nothing is known.
    """

    starttls: Finding = ""
    requiretls: Finding = ""
    mtasts: Finding = ""
    dnssec: Finding = ""
    dane: Finding = ""


def _finding(yes: bool) -> Finding:
    return "yes" if yes else "no"


class Suggestions(msgspec.Struct, frozen=True):
    """Addresses, own contacts first, then the latest used. ``complete``: no other addresses contain the text.
    ``groups``: groups of contacts whose name contains it.
    """

    parties: list[Party]
    complete: bool
    groups: list[str]


class ComposeCalls(AccountCalls):
    """The calls of the composer."""

    @call()
    async def compose_prepare(
        self,
        caller: Caller,
        kind: Kind,
        message_id: AnyID = 0,
        selected: Annotated[str, Meta(max_length=200_000)] = "",
        when: Annotated[str, Meta(max_length=200)] = "",
        mailbox_id: AnyID = 0,
    ) -> Begun:
        """The initial content of a new message, an answer, a forwarded message or a draft.

        ``selected``: text that is quoted instead of the whole text. ``when``: the date of the original, in words.
        ``mailbox_id``: the mailbox in which a new message is begun.
        """
        session = caller.require()
        snapshot = self._server.config.current
        others = await senders(self._accounts, self._holders.auth, snapshot, session.account)
        begun = await self._begin(session, kind, message_id, selected, when, mailbox_id, others)
        return msgspec.structs.replace(
            begun, name=full_name(snapshot, session.account, session.address), senders=others
        )

    async def _begin(
        self,
        session: Session,
        kind: Kind,
        message_id: int,
        selected: str,
        when: str,
        mailbox_id: int,
        others: Sequence[Sender],
    ) -> Begun:
        snapshot = self._server.config.current
        if kind == "new" or not message_id:
            own = own_of(snapshot, session.account, session.address, Given())  # it answers nothing
            own = await self._own_in(session, own, mailbox_id, others)
            return _begun(await self._completed(session, Answer(author=own.login), others), [], snapshot)
        async with (
            self._server.views.shown(session.account),
            self._holders.at(session) as home,
            self._holders.at(session, message_id) as holder,
        ):
            read = await read_original(holder, message_id, when, kind, selected)
            original, structure = read.original, read.structure
            masked = await home.account.read(lambda r: given_away(r, original), op="masked")
            own = own_of(snapshot, session.account, session.address, masked)
            if not holder.guest:
                # a draft keeps its author
                known, local = own, 0 if kind == "edit" else holder.local_id(message_id)
                own = await home.account.read(lambda r: with_links(r, known, local), op="compose")
            own = with_senders(snapshot, own, others, "" if kind == "edit" else holder.owner)
            quoted, notes = await self._quote(session.account, read.words)
            uploads: list[Uploaded] = []
            # a stranger's mail may name tens of thousands of addresses
            match kind:
                case "edit":
                    found = await off_loop(partial(edit_again, original, own, quoted), kind="compose")
                case "forward" | "forward_attached":
                    found = await off_loop(partial(forward, original, own, quoted), kind="compose")
                case _:
                    found = await off_loop(partial(answer, original, own, kind, quoted), kind="compose")
            root = structure.root
            keeping = Keeping(holder, message_id, root, home.account, session.account, self._server.sandbox)
            if kind != "edit":
                found = await self._completed(session, found, others)
            else:
                local = holder.local_id(message_id)
                kept = await holder.account.read(lambda r: unsent_id(r, local), op="compose_edit")
                html = await draft_html(keeping)
                uploads = await carry_files(holder, message_id, root, home.account, html.inside)
                begun = _begun(found, uploads, snapshot, notes)
                return msgspec.structs.replace(
                    begun,
                    message_id=kept or begun.message_id,
                    text=begun.text if html.typed is None else html.typed,
                    html=html.own,
                    original=html.original,
                )
            kept_as = ""
            inside: Collection[Part] = ()
            if kind == "forward_attached":
                uploads = [await carry_message(holder, message_id, structure.envelope.subject, home.account)]
            elif not selected:
                forwarded = kind == "forward"
                kept_as, inside = await keep_original(keeping, found.text, read.words.head, forwarded=forwarded)
            if kind == "forward":
                uploads = await carry_files(holder, message_id, root, home.account, inside)
            return msgspec.structs.replace(_begun(found, uploads, snapshot, notes), original=kept_as)

    async def _own_in(
        self, session: Session, own: AccountAddresses, mailbox_id: int, others: Sequence[Sender]
    ) -> AccountAddresses:
        """The author of a new message that is begun in a mailbox, which may be another account's or a linked one."""
        if number := number_of(mailbox_id):
            owner = await self._holders.auth.sharing.owner_of(number) or ""
            return with_senders(self._server.config.current, own, others, owner)
        if mailbox_id <= 0:
            return own
        async with self._holders.at(session) as home:
            return await home.account.read(partial(with_links, own=own, mailbox_id=mailbox_id), op="compose")

    async def _completed(self, session: Session, found: Answer, others: Sequence[Sender]) -> Answer:
        """A message that is begun, with Reply-To and Bcc as they are set for its author."""
        address = _party(found.author).address
        owner = next((sender.owner for sender in others if sender.address == address), session.account)
        async with self._accounts.use(owner) as account:
            identities = await account.read(load_identities, op="compose")
        identity = identities.get(address, Identity())
        reply_to, bcc = (*found.reply_to, *_addresses(identity.reply_to)), (*found.bcc, *_addresses(identity.bcc))
        return msgspec.structs.replace(found, reply_to=reply_to, bcc=bcc)

    async def _quote(self, account: str, words: Quotable) -> tuple[Quoted, list[Remark]]:
        """Subject and text of an answer, with a sentence for the user if the text is missing. Editing a draft fails
        instead, because its text would be lost.
        """
        try:
            async with self._server.sandbox.turn(account) as turn:
                return await turn.do(Quote(words)), []
        except (JobFailed, Refused) as e:
            if words.kind == "edit":
                raise Unavailable(worded("can't open this message's text for editing: {reason}", reason=e)) from e
            return unquoted(words), [remark(worded("The message text isn't quoted. {reason}", reason=e))]

    @call()
    async def draft_save(self, caller: Caller, draft: Written, save_id: CallID, replaces: AnyID = 0) -> int:
        """Save a message as a draft, in place of the draft ``replaces``; returns its id.

        A conflict if that draft was replaced or removed elsewhere. With 0, a draft with the same Message-ID is
        replaced. The draft of a message from another account's address is there, where all find it who write from it.
        """
        session, server = caller.require(), self._server
        owner = self._owner(draft.from_.address)
        try:
            async with (
                self._holders.at(session) as home,
                self._holders.drafts(session, owner) as holder,
                self._kept(session, replaces, owner) as kept,
            ):
                size, key = _max_size(server.config.current, caller), bytes.fromhex(save_id)
                place = Place(holder.account, holder.guest)
                saved = await save_draft(home.account, place, server.sandbox, draft, kept, key, server.tmp, size)
                return holder.shown_id(saved)
        except OSError as e:
            raise StorageRefused("the server's disk is full") from e

    def _owner(self, address: str) -> str:
        """The account of an address that the configuration names, else ""."""
        try:
            return owner_of(self._server.config.current, Address.parse(address.strip()))
        except AddressError:
            return ""

    @asynccontextmanager
    async def _kept(self, session: Session, draft_id: int, owner: str = "") -> AsyncIterator[KeptDraft | None]:
        """A draft by its id; None for 0. Raises Conflict if the user finds no drafts in its account; None if that is
        `owner`, from whose addresses the user may no longer write: what was written stays the user's.
        """
        async with AsyncExitStack() as stack:
            kept = None
            if draft_id:
                try:
                    holder = await stack.enter_async_context(self._holders.at(session, draft_id))
                    kept = KeptDraft(holder.account, holder.guest, message_id=holder.local_id(draft_id))
                    await holder.account.read(kept.check, op="draft")
                except (Conflict, NoSuchMessage):
                    if owner != await self._holders.auth.sharing.owner_of(number_of(draft_id)):
                        raise Conflict(CHANGED) from None
                    kept = None
            yield kept

    @call()
    async def draft_find(
        self,
        caller: Caller,
        message_id: Annotated[str, Meta(max_length=1000)],
        seconds: Annotated[int, Meta(ge=0)],
        author: Annotated[str, Meta(max_length=1000)] = "",
    ) -> int:
        """The draft with this Message-ID that was saved in the last ``seconds``, or 0. ``author``: the address in From.

        The copy of a text that a killed browser has kept may be older than such a draft.
        """
        since = (int(time.time()) - seconds) * 1_000_000
        async with self._holders.drafts(caller.require(), self._owner(author)) as holder:
            draft = await holder.account.read(lambda r: draft_under(r, message_id, since), op="draft_find")
            return holder.shown_id(draft)

    @call()
    async def message_submit(
        self,
        caller: Caller,
        message: Written,
        submit_id: CallID,
        draft_id: AnyID = 0,
        undo_s: Undo = 0,
        send_at: AnyID = 0,
        leaves: AnyID = 0,
    ) -> int:
        """Send a message, once for each ``submit_id``.

        A copy is kept in Sent, the draft is removed, the original is marked. ``undo_s``: seconds during which the page
        offers to take it back (WEBMAIL-123); it is not sent before. Returns the seconds that are left.
        ``send_at``: the time at which it is sent, seconds since 1970, 0: now (WEBMAIL-96). ``leaves``: the message of a
        list or newsletter that is left by it (WEBMAIL-136).
        """
        session = caller.require()
        options = msgspec.structs.replace(
            self._send_options(caller),
            submit_id=bytes.fromhex(submit_id),
            undo=undo_s,
            send_at=send_at * SECOND,
        )
        owner = self._owner(message.from_.address)
        if number := number_of(message.original_id):
            original_in = await self._holders.auth.sharing.owner_of(number)
            original_id = message.original_id & LOCAL if original_in else 0
            message = msgspec.structs.replace(message, original_id=original_id)
            options = msgspec.structs.replace(options, original_in=original_in or "")
        try:
            async with (
                self._accounts.use(session.account) as account,
                self._kept(session, draft_id, owner) as kept,
            ):
                server, options = self._server, msgspec.structs.replace(options, draft=kept)
                left = await send(
                    self._accounts,
                    account,
                    server.keys,
                    server.sandbox,
                    message,
                    options,
                    server.tmp,
                    server.deliveries,
                )
                if leaves:
                    await remember_left(account, leaves, left=True)
                return left
        except OSError as e:
            raise StorageRefused("the server's disk is full") from e

    @call()
    async def message_submit_undo(
        self,
        caller: Caller,
        submit_id: CallID,
        leaves: AnyID = 0,
        author: Annotated[str, Meta(max_length=1000)] = "",
    ) -> int:
        """Take a message back before it is sent, and make it a draft again (WEBMAIL-123). ``leaves`` as it was sent;
        ``author``: the address in From.

        Returns the draft's id, or 0 if its copy in Sent was removed meanwhile. A conflict if the message is on its way.
        """
        session = caller.require()
        async with (
            self._accounts.use(session.account) as account,
            self._holders.drafts(session, self._owner(author)) as holder,
        ):
            draft = await take_back(account, Place(holder.account, holder.guest), bytes.fromhex(submit_id))
            if leaves:
                await remember_left(account, leaves, left=False)
            return holder.shown_id(draft or 0)

    @call(once=True)
    async def draft_remove(self, caller: Caller, draft_id: AnyID) -> None:
        """Remove a draft; a conflict if it was replaced or removed elsewhere."""
        async with self._kept(caller.require(), draft_id) as kept:
            if kept is not None:
                await kept.account.write(kept.discard)

    @call()
    async def upload_remove(self, caller: Caller, upload_id: UploadID) -> None:
        """Remove an uploaded file that will not be sent."""
        key = key_of(upload_id)
        async with self._accounts.use(caller.require().account) as account:
            await account.write(lambda tx: drop_upload(tx, key))

    @call()
    async def complete_recipient(self, caller: Caller, search: Annotated[str, Meta(max_length=200)]) -> Suggestions:
        """Addresses of contacts, and those that were used before, with this text in the name or the address; with ""
        all, for a page that completes names without a connection.
        """
        async with self._accounts.use(caller.require().account) as account:
            return await account.scan(lambda r: completed(r, search), op="suggest")

    @call()
    async def recipient_security(self, caller: Caller, address: Annotated[str, Meta(max_length=1000)]) -> Security:
        """Transport security of mail to an address (WEBMAIL-94); takes at most 15 seconds."""
        session = caller.require()
        try:
            domain = Address.parse(address.strip()).domain
        except AddressError as e:
            raise UserError(worded("address: {reason}", reason=e)) from e
        if domain.ascii in self._server.config.current.domains.domains:
            return Security()
        async with self._accounts.use(session.account) as account:
            known = await account.read(lambda r: domain_tls(r, domain.ascii), op="domain_tls")
        async with LOOKUPS.turn(session.account):
            assurance = await self._server.assure(domain)
        offered = Security() if known is None else Security(_finding(known.starttls), _finding(known.requiretls))
        return msgspec.structs.replace(offered, mtasts=assurance.mtasts, dnssec=assurance.dnssec, dane=assurance.dane)

    # Files

    async def receive_file(self, caller: Caller, writer: ResponseWriter) -> None:
        """Answer ``POST upload?filename=…``: store the body, whose Content-Type is the file's (WEBMAIL-28). With
        ``key``, ``start`` and ``size`` the body is a piece of the file.
        """
        request = caller.request
        if request.method != "POST":
            raise HTTPError(405, "Use POST to upload files.", (("allow", "POST"),))
        refuse_foreign(request)
        try:
            session = await self._sessions.check(caller)
            parameters = query_parameters(request)
            name, piece = parameters.get("filename") or "file", _piece(parameters)
            limit = _max_size(self._server.config.current, caller) * 3 // 4
            async with self._accounts.use(session.account) as account:
                with trio.fail_after(UPLOAD_DEADLINE):
                    kind = request.headers.get("content-type") or OCTETS
                    if piece is None:
                        upload: Upload | int = await receive_upload(account, name, kind, _body(request, limit))
                    elif piece.size > limit:
                        raise BodyTooLarge(limit)
                    else:
                        rest = max(0, piece.size - piece.start)
                        upload = await receive_piece(account, piece, name, kind, _body(request, rest))
            result = {"received": upload} if isinstance(upload, int) else shown_upload(upload)
            response = Response(200, API_HEADERS, encode_result(result))
        except trio.TooSlowError:
            response = refused(caller, UserError("the upload took too long"))
        except APIError as e:
            response = refused(caller, e)
        except StoreError as e:
            refusal = api_error(e)
            if refusal is None:
                raise
            response = refused(caller, refusal)
        await writer.respond(response)


MAX_KNOWN: Final = 30_000
"""People of a page that completes names without a connection: 2 MB in the browser."""


def completed(r: Reader, search: str) -> Suggestions:
    """The answer of `complete_recipient`. The work is bounded: the best correspondents, some by their words, and at
    most `MAX_CONTACTS` contacts are looked at.
    """
    most = SUGGESTIONS if search else MAX_KNOWN
    suggestions, more = suggest(r, search, most)
    contacts = [*islice(suggest_contacts(r, search, most), most)]  # a contact may have 50 addresses
    own = [Party(name, address) for name, address in dict.fromkeys(contacts)]
    listed = {AddressKey.parse(party.address) for party in own}
    used = [Party(suggestion.name, f"{suggestion.localpart}@{suggestion.domain}") for suggestion in suggestions]
    parties = own + [party for party in used if AddressKey.parse(party.address) not in listed]
    return Suggestions(parties[:most], not more and len(contacts) < most, suggest_groups(r, search, 5))


def _piece(parameters: Mapping[str, str]) -> Piece | None:
    """The piece that the parameters of an upload describe; None if the body is the whole file. Raises UserError."""
    if "key" not in parameters:
        return None
    try:
        return from_builtins(parameters, Piece, strict=False)
    except msgspec.ValidationError as e:
        raise UserError(str(e)) from e


async def _body(request: Request, limit: int) -> AsyncIterator[bytes]:
    while data := await request.body.receive(limit):
        yield data


def _max_size(snapshot: Snapshot, caller: Caller) -> int:
    return snapshot.listener(caller.request.info.listener).max_message_size


def _begun(initial: Answer, uploads: list[Uploaded], snapshot: Snapshot, notes: Sequence[Remark] = ()) -> Begun:
    fields: list[list[Party]] = []
    left = MAX_RECIPIENTS
    for addresses in (initial.to, initial.cc, initial.bcc):
        fields.append([_party(address) for address in addresses[:left]])
        left -= len(fields[-1])
    if sum(map(len, fields)) < len(initial.to) + len(initial.cc) + len(initial.bcc):
        many = worded(
            "Only the first {most} recipients were added. That's the maximum for a message.", most=MAX_RECIPIENTS
        )
        notes = [*notes, remark(many)]
    to, cc, bcc = fields
    return Begun(
        from_=_party(initial.author),
        to=to,
        cc=cc,
        bcc=bcc,
        reply_to=[_party(address) for address in initial.reply_to[:MAX_RECIPIENTS]],
        subject=initial.subject,
        text=initial.text,
        message_id=new_message_id(snapshot.static.hostname.ascii),
        in_reply_to=initial.in_reply_to,
        references=list(initial.references),
        uploads=uploads,
        notes=list(notes),
        ask_read=initial.ask_read,
        ask_delivered=initial.ask_delivered,
        tls=initial.tls,
    )


def _addresses(people: Sequence[Person] | None) -> Iterator[MailAddress]:
    for person in people or ():
        with suppress(AddressError):
            address = Address.parse(person.email)
            yield MailAddress(person.name or "", address.localpart, address.domain.ascii)


def _party(address: MailAddress) -> Party:
    """The address with its domain in Unicode. Name and address are cut where a draft may have no more of them."""
    try:
        domain = idna.decode(address.domain) if "xn--" in address.domain else address.domain
    except UnicodeError:
        domain = address.domain
    return Party(address.name[:MAX_NAME], f"{pack_localpart(Localpart(address.localpart))}@{domain}"[:MAX_NAME])
