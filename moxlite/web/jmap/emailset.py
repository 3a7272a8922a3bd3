"""Email/set, Email/import and Email/copy (RFC 8621 §4.6 to §4.8)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from moxlite.config.snapshot import outgoing_name
from moxlite.processor import off_loop
from moxlite.proto.mime.headers import is_message
from moxlite.store.accounts.access import check_rights, flag_rights
from moxlite.store.content.body import stream_message
from moxlite.store.content.prepare import PreparedMessage, held_body, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.errors import BadKeyword, BadMessage, NoRight, StoreError
from moxlite.store.mail.adding import add_message
from moxlite.store.mail.copying import copy_ids, move_ids
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.rows.emails import Email, email_of, emails
from moxlite.store.rows.mailboxes import check_keyword
from moxlite.store.types import Flag, MailboxID, MessageID
from moxlite.web.jmap.accounts import Place
from moxlite.web.jmap.blobs import blob_octets, find_blob, holding, missing_blob, release, source_of
from moxlite.web.jmap.building import Draft, draft_of, octets_of
from moxlite.web.jmap.emails import FLAG_KEYWORDS, LETTER, METADATA_VALUES, keywords_of, state
from moxlite.web.jmap.methods import read_id
from moxlite.web.jmap.protocol import LIMITS, Invocation, MethodError, Object, SetError, invalid
from moxlite.web.jmap.standard import (
    ObjectSet,
    Outcome,
    check_state,
    each,
    hold_state,
    partial_failures,
    patched,
    property_moment,
    run_set,
    set_error,
)

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.methods import Call


logger = logging.getLogger("moxlite.web.jmap")

FLAGS: Final[Mapping[str, Flag]] = {name: flag for flag, name in FLAG_KEYWORDS.items()}
OWN: Final = ("mailboxIds", "keywords", "receivedAt")
SERVER_SET: Final = ("id", "blobId", "threadId", "size", "headers", "hasAttachment", "preview")
REMOVING: Final = "te"
ADDING: Final = "i"
"""Rights that taking an email out of a mailbox needs, and putting it in (RFC 4314 §4)."""

AT_ONCE: Final = 200
"""Emails that one unit changes."""

LAST: Final = 253_370_764_800_000_000
"""µs of the year 9999."""


async def set_(call: Call) -> Object:
    """Email/set."""
    return await run_set(call, EMAILS)


async def implied_set(call: Call) -> Invocation:
    """The response to the Email/set that another call implies, which has these arguments.

    Raises nothing: the other call has done its work by now. If it failed, its program would do it again, and a message
    would be sent twice.
    """
    try:
        return Invocation("Email/set", await set_(call), call.call_id)
    except MethodError as error:
        failed = error
    except StoreError as error:
        logger.warning("implicit Email/set failed", extra={"kv": {"err": str(error)}})
        failed = MethodError("serverFail", "the emails weren't changed because of a storage error")
    return Invocation("error", failed.arguments(), call.call_id)


class _Emails(ObjectSet):
    def state(self, r: Reader, call: Call) -> str:
        return state(r, call.place)

    async def create(self, call: Call, objects: Mapping[str, Object]) -> Mapping[str, Outcome]:
        return await each(objects, partial(_create, call))

    async def update(self, call: Call, patches: Mapping[str, Object]) -> Mapping[str, Outcome]:
        return await update_emails(call, patches)

    async def destroy(self, call: Call, ids: Sequence[str]) -> Mapping[str, Outcome]:
        return await _in_parts(call, {key: {} for key in ids}, partial(_destroy, place=call.place))


EMAILS: Final = _Emails()

Unit: TypeAlias = "Callable[[AccountTx, Mapping[str, Object]], dict[str, Outcome]]"
"""Unit that changes emails, by id, and tells what became of each."""


async def _in_parts(call: Call, objects: Mapping[str, Object], unit: Unit) -> dict[str, Outcome]:
    """Change emails, many in one unit. Where the store refuses one of them, such as a keyword too many, each is changed
    in a unit of its own: the others change, and the answer tells which did not (RFC 8620 §5.3).
    """

    async def change(part: Mapping[str, Object]) -> dict[str, Outcome]:
        return await call.write(lambda tx: unit(tx, part))

    async def alone(key: str, value: Object) -> Outcome:
        return (await change({key: value}))[key]

    outcomes: dict[str, Outcome] = {}
    items = [*objects.items()]
    for at in range(0, len(items), AT_ONCE):
        part = dict(items[at : at + AT_ONCE])
        try:
            outcomes |= await change(part)
        except StoreError as error:
            set_error(error)  # what is wrong with the storage itself is raised again
            outcomes |= await each(part, alone)
    return outcomes


def _destroy(tx: AccountTx, objects: Mapping[str, Object], place: Place) -> dict[str, Outcome]:
    numbers = {one: read_id(one, LETTER) for one in objects}
    stored = emails(tx, [*numbers.values()], place.readable(tx))
    found: dict[str, Outcome] = {}
    gone: list[MessageID] = []
    for one, number in numbers.items():
        email = stored.get(number)
        if email is None:
            found[one] = SetError("notFound")
            continue
        try:
            _check_rights(tx, place, email.mailboxes, REMOVING)
            gone += email.message_ids
            found[one] = None
        except SetError as error:
            found[one] = error
    expunge_ids(tx, gone)
    return found


def _check_rights(r: Reader, place: Place, boxes: Iterable[MailboxID], needed: str) -> None:
    """Check the rights of a guest to mailboxes. Raises SetError ``forbidden``."""
    if place.guest:
        for box in boxes:
            try:
                check_rights(place.rights(r, box), needed)
            except NoRight as error:
                raise SetError("forbidden", str(error)) from None


def _check_changes(
    r: Reader, place: Place, email: Email, keywords: Collection[str], mailbox_ids: Collection[MailboxID]
) -> None:
    """Check that a guest may change keywords and mailboxes so. Raises SetError ``forbidden``."""
    flags, words = split_keywords(keywords_of(email).keys() ^ keywords)
    _check_rights(r, place, email.mailboxes, flag_rights(flags, bool(words)))
    _check_rights(r, place, email.mailboxes.keys() - mailbox_ids, REMOVING)
    _check_rights(r, place, mailbox_ids - email.mailboxes.keys(), ADDING)


async def update_emails(call: Call, patches: Mapping[str, Object]) -> dict[str, Outcome]:
    """Change keywords and mailboxes of emails."""
    return await _in_parts(call, patches, partial(_update, call=call))


def _update(tx: AccountTx, objects: Mapping[str, Object], call: Call) -> dict[str, Outcome]:
    numbers = {one: read_id(one, LETTER) for one in objects}
    place = call.place
    stored = emails(tx, [*numbers.values()], place.readable(tx))
    boxes = {box.id for box in place.boxes(tx)}
    found: dict[str, Outcome] = {}
    wishes: list[tuple[Email, dict[str, bool], set[MailboxID]]] = []
    for one, patch in objects.items():
        email = stored.get(numbers[one])
        try:
            if email is None:
                raise SetError("notFound")
            wish = _wish(call, email, patch, boxes)
            _check_changes(tx, place, *wish)
            wishes.append(wish)
            found[one] = None
        except SetError as error:
            found[one] = error
    # All is checked by now but what the store refuses, which undoes the whole unit: no email is left with half of its
    # change.
    _store_keywords(tx, [(email, keywords) for email, keywords, _ in wishes])
    for email, _, mailbox_ids in wishes:
        if mailbox_ids != email.mailboxes.keys():
            _place(tx, email, mailbox_ids)
    return found


def _wish(
    call: Call, email: Email, patch: Object, boxes: set[MailboxID]
) -> tuple[Email, dict[str, bool], set[MailboxID]]:
    """The keywords and mailboxes that an email gets. Raises SetError before anything is changed."""
    now: Object = {"keywords": keywords_of(email), "mailboxIds": {f"F{mailbox}": True for mailbox in email.mailboxes}}
    if "mailboxIds" not in patch:
        patch = {_resolved(call, path): value for path, value in patch.items()}
    fixed = {name: read(email) for name, read in METADATA_VALUES.items() if name not in now}
    wanted = patched(now, patch, fixed=fixed)
    return email, checked_keywords(wanted["keywords"]), checked_mailboxes(call, wanted["mailboxIds"], boxes)


def _resolved(call: Call, path: str) -> str:
    """A path of a patch with the id of a mailbox that the request has created."""
    name, slash, rest = path.partition("/")
    return f"{name}/{call.id_of(rest)}" if slash and name == "mailboxIds" else path


def checked_keywords(value: Any) -> dict[str, bool]:
    """The property keywords, in lower case. Raises SetError."""
    if not isinstance(value, dict) or not all(one is True for one in value.values()):
        raise SetError("invalidProperties", "keywords: all values must be true", properties=["keywords"])
    try:
        names = [one.lower() if one.lower() in FLAGS else check_keyword(one) for one in value]
    except BadKeyword as error:
        raise SetError("invalidProperties", str(error), properties=["keywords"]) from None
    return dict.fromkeys(names, True)


def checked_mailboxes(call: Call, value: Any, boxes: set[MailboxID]) -> set[MailboxID]:
    """The property mailboxIds. Raises SetError."""
    if not isinstance(value, dict) or not value or not all(one is True for one in value.values()):
        raise SetError("invalidProperties", "an email must be in at least one mailbox", properties=["mailboxIds"])
    mailbox_ids = {MailboxID(read_id(call.id_of(one), "F")) for one in value}
    if mailbox_ids - boxes:
        raise SetError("invalidProperties", "mailbox not found", properties=["mailboxIds"])
    return mailbox_ids


def split_keywords(keywords: Iterable[str]) -> tuple[Flag, list[str]]:
    """Bits and other keywords."""
    flags, names = Flag(0), [*keywords]
    for name in names:
        flags |= FLAGS.get(name, Flag(0))
    return flags, [name for name in names if name not in FLAGS]


def _store_keywords(tx: AccountTx, wishes: Iterable[tuple[Email, Collection[str]]]) -> None:
    """Give all copies of each email the same keywords; emails with the same change together."""
    changes: dict[tuple[Literal["add", "remove"], tuple[str, ...]], list[MessageID]] = {}
    for email, keywords in wishes:
        now = keywords_of(email)
        copies = len(email.message_ids) > 1
        added = sorted(keyword for keyword in keywords if copies or keyword not in now)
        gone = sorted(one for one in now if one not in keywords)
        if added:
            changes.setdefault(("add", tuple(added)), []).extend(email.message_ids)
        if gone:
            changes.setdefault(("remove", tuple(gone)), []).extend(email.message_ids)
    for (mode, names), ids in changes.items():
        flags, words = split_keywords(names)
        store_flags_ids(tx, ids, mode=mode, flags=flags, keywords=words)


def _place(tx: AccountTx, email: Email, mailbox_ids: set[MailboxID]) -> None:
    """Put an email into exactly these mailboxes: messages move where they can, so that they keep their ids."""
    leaving = [message for box, message in email.mailboxes.items() if box not in mailbox_ids]
    staying = next((message for box, message in email.mailboxes.items() if box in mailbox_ids), None)
    # A moved message keeps its id, so other clients recognize it. Messages that also stay are copied.
    for box in sorted(mailbox_ids - email.mailboxes.keys()):
        if leaving:
            message = leaving.pop()
            move_ids(tx, [message], box)
            staying = staying or message
        else:
            assert staying is not None
            copy_ids(tx, [staying], box)
    extra = [message_id for message_id in email.message_ids if message_id not in email.mailboxes.values()]
    if leaving or (extra and len(mailbox_ids) < len(email.mailboxes)):
        left = emails(tx, [email.id])[email.id]
        expunge_ids(
            tx,
            [
                *leaving,
                *(
                    message_id
                    for message_id in extra
                    if message_id not in leaving and message_id not in left.mailboxes.values()
                ),
            ],
        )


class Metadata:
    """The properties of a new email that are not in its octets. Raises SetError."""

    def __init__(self, call: Call, given: Object, boxes: set[MailboxID]) -> None:
        self.place = call.place
        self.mailboxes = sorted(checked_mailboxes(call, given.get("mailboxIds"), boxes))
        self.flags, self.keywords = split_keywords(checked_keywords(given.get("keywords") or {}))
        received = given.get("receivedAt")
        self.received = None if received is None else _received(received)


def _received(text: Any) -> int:
    moment = property_moment("receivedAt", text)
    if not 0 <= moment < LAST:
        raise SetError("invalidProperties", "must be a UTCDate", properties=["receivedAt"])
    return moment


async def _boxes(call: Call) -> set[MailboxID]:
    return await call.account.read(lambda r: {box.id for box in call.place.boxes(r)}, op="jmap mailboxes")


async def _create(call: Call, _: str, given: Object) -> Outcome:
    set_by_server = [name for name in given if name in SERVER_SET]
    if set_by_server:
        raise SetError("invalidProperties", "can only be set by the server", properties=set_by_server)
    metadata = Metadata(call, given, await _boxes(call))
    words = {name: value for name, value in given.items() if name not in OWN}
    unknown = [name for name in words if name not in KNOWN and not name.startswith("header:")]
    if unknown:
        raise SetError("invalidProperties", "unknown property", properties=unknown)
    # in a thread: a request may have 10 MB of header fields to encode
    hostname = outgoing_name(call.snapshot, call.request.info.listener).ascii
    draft = await off_loop(partial(draft_of, words, hostname), kind="compose")
    async with holding(call, draft.blobs, call.most_octets):
        return await _composed(call, draft, metadata)


async def _composed(call: Call, draft: Draft, metadata: Metadata) -> Object:
    """Add the message of a draft. Raises SetError, StoreError."""
    blobs: dict[str, bytes] = {}
    missing: list[str] = []
    most = call.most_octets
    for blob in draft.blobs:
        octets = await blob_octets(call, call.id_of(blob), most)
        if octets is None:
            if await find_blob(call.place, call.id_of(blob)) is not None:
                raise SetError("tooLarge", f"the message would be larger than {call.most_octets} bytes")
            missing.append(blob)
        else:
            blobs[blob] = octets
            most -= len(octets)
    if missing:
        raise SetError("blobNotFound", "", notFound=missing)
    with Spool(call.server.tmp) as spool:
        spool.reserve()
        await off_loop(lambda: spool.fill(_limited(octets_of(draft, blobs), call.most_octets)), kind="compose")
        return await _added(call, spool, metadata)


def _limited(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    """The octets of a message. Raises SetError ``tooLarge``."""
    # A blob counts once above, and may be in 200 parts.
    for piece in pieces:
        most -= len(piece)
        if most < 0:
            raise SetError("tooLarge", "the message exceeds the size limit")
        yield piece


KNOWN: Final = (
    *("messageId", "inReplyTo", "references", "sender", "from", "to", "cc", "bcc", "replyTo", "subject", "sentAt"),
    *("bodyStructure", "bodyValues", "textBody", "htmlBody", "attachments"),
)


async def _added(call: Call, spool: Spool, metadata: Metadata) -> Object:
    """Add a message to its mailboxes. Raises SetError, StoreError."""
    if spool.size > call.most_octets:
        raise SetError("tooLarge", f"the message is larger than {call.most_octets} bytes")
    prepared = await prepare(spool, max_size=call.most_octets)
    async with held_body(call.account, prepared) as ready:
        return await call.write(partial(_add, ready=ready, metadata=metadata), weight=spool.size)


def _add(tx: AccountTx, ready: PreparedMessage, metadata: Metadata) -> Object:
    first, *others = metadata.mailboxes
    _check_rights(tx, metadata.place, metadata.mailboxes, ADDING)
    _check_rights(tx, metadata.place, metadata.mailboxes, flag_rights(metadata.flags, bool(metadata.keywords)))
    added = add_message(tx, ready, first, flags=metadata.flags, keywords=metadata.keywords, received=metadata.received)
    for box in others:
        copy_ids(tx, [added.message_id], box)
    email = emails(tx, [email_of(tx, added.message_id)])
    found = next(iter(email.values()))
    return {name: METADATA_VALUES[name](found) for name in ("id", "blobId", "threadId", "size")}


async def import_(call: Call) -> Object:
    """Email/import."""
    given = call.argument("emails", dict)
    if given is None or not all(isinstance(one, dict) for one in given.values()):
        raise invalid("emails is required, and each value in it must be an EmailImport object")
    if len(given) > LIMITS["maxObjectsInSet"]:
        raise MethodError("requestTooLarge", f"you can import up to {LIMITS['maxObjectsInSet']} emails in one call")
    response = await _put(call, given, partial(_import, call, await _boxes(call)))
    await release(call, [given[name]["blobId"] for name in response["created"] or ()])
    return response


async def _put(call: Call, given: Mapping[str, Object], put: Callable[[str, Object], Awaitable[Outcome]]) -> Object:
    """Put messages into a call's account, each with `put`.

    Returns the response without the method's own properties.

    Raises MethodError.
    """
    held = await hold_state(call, EMAILS.state)
    # Use a unit for each message, because it may have megabytes, and others can write in between.
    with partial_failures(held):
        outcomes = await each(given, put)
    for name, outcome in outcomes.items():
        if isinstance(outcome, dict):
            call.created[name] = outcome["id"]
    failed = {key: one.value() for key, one in outcomes.items() if isinstance(one, SetError)}
    done = {key: one for key, one in outcomes.items() if not isinstance(one, SetError)}
    return {
        "accountId": call.place.id,
        **held.states(),
        "created": done or None,
        "notCreated": failed or None,
    }


async def _import(call: Call, boxes: set[MailboxID], _: str, given: Object) -> Outcome:
    blob = given.get("blobId")
    if not isinstance(blob, str):
        raise SetError("invalidProperties", "blobId is missing", properties=["blobId"])
    unknown = [name for name in given if name not in ("blobId", *OWN)]
    if unknown:
        raise SetError("invalidProperties", "unknown property", properties=unknown)
    metadata = Metadata(call, given, boxes)
    found = await find_blob(call.place, call.id_of(blob))
    if found is None:
        raise missing_blob(blob)
    async with AsyncExitStack() as stack:
        spool = stack.enter_context(Spool(call.server.tmp))
        await _filled(spool, found.pieces(), call.most_octets)
        if not is_message(spool.read(0, 64 << 10), found.media_type):
            raise SetError("invalidEmail", "not a message")
        try:
            return await _added(call, spool, metadata)
        except BadMessage as error:
            raise SetError("invalidEmail", str(error)) from None


async def copy(call: Call) -> Object:
    """Email/copy (RFC 8621 §4.7), and the Email/set that it implies (RFC 8620 §5.4)."""
    given, name = call.argument("create", dict), call.argument("fromAccountId", str)
    if name is None or given is None or not all(isinstance(one, dict) for one in given.values()):
        raise invalid("fromAccountId and create are required, and each value in create must be an object")
    if name == call.place.id:
        raise invalid("fromAccountId must be a different account")
    if len(given) > LIMITS["maxObjectsInSet"]:
        raise MethodError("requestTooLarge", f"you can copy up to {LIMITS['maxObjectsInSet']} emails in one call")
    destroys = call.argument("onSuccessDestroyOriginal", bool, False)
    async with source_of(call, name) as source:
        await _check_source(call, source)
        found = await _put(call, given, partial(_copied, call, source, await _boxes(call)))
        done = [*dict.fromkeys(call.id_of(str(given[key].get("id"))) for key in found["created"] or ())]
        if destroys and done:
            destroyed = msgspec.structs.replace(
                call,
                place=source,
                arguments={"destroy": done, "ifInState": call.arguments.get("destroyFromIfInState")},
            )
            call.after.append(await implied_set(destroyed))
    return {"fromAccountId": name, **found}


async def _check_source(call: Call, source: Place) -> None:
    """Raise MethodError ``stateMismatch`` if the other account has changed since what the call expects."""
    now = await source.account.read(partial(state, place=source), op="jmap state")
    check_state(call, now, "ifFromInState")


async def _copied(call: Call, source: Place, boxes: set[MailboxID], _: str, given: Object) -> Outcome:
    unknown = [name for name in given if name not in ("id", *OWN)]
    if unknown or not isinstance(given.get("id"), str):
        raise SetError("invalidProperties", "missing id or unknown property", properties=unknown or ["id"])
    number = read_id(call.id_of(given["id"]), LETTER)
    email = (await source.account.scan(lambda r: emails(r, [number], source.readable(r)), op="jmap emails")).get(number)
    await _check_source(call, source)  # when it was read, so that the email is of the expected state
    if email is None:
        raise SetError("notFound")
    original = {"keywords": keywords_of(email), "receivedAt": METADATA_VALUES["receivedAt"](email)}
    metadata = Metadata(call, {**original, **given}, boxes)
    pieces = stream_message(source.account, email.message_id)
    with Spool(call.server.tmp) as spool:
        await _filled(spool, pieces, call.most_octets)
        return await _added(call, spool, metadata)


async def _filled(spool: Spool, pieces: AsyncIterator[bytes], most: int) -> None:
    """Fill a spool with a message. Raises SetError ``tooLarge``."""
    async with aclosing(pieces) as octets:  # type: ignore[type-var]
        async for piece in octets:
            await spool.write(piece)
            if spool.size > most:
                raise SetError("tooLarge", f"the message is larger than {most} bytes")
    await spool.finish()
