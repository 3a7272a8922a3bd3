"""Email/set, Email/import and Email/copy (RFC 8621 §4.6 to §4.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from moxlite.processor import off_loop
from moxlite.proto.mime.headers import HeaderSection
from moxlite.store.content.prepare import Prepared, held_body, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.errors import BadKeyword, BadMessage
from moxlite.store.mail.adding import add_message
from moxlite.store.mail.copying import copy_ids, move_ids
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.rows.emails import Email, email_of, emails
from moxlite.store.rows.keywords import check_keyword
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.types import Flag, MailboxID
from moxlite.web.jmap.blobs import blob_octets, find_blob, missing_blob
from moxlite.web.jmap.building import draft_of, octets_of
from moxlite.web.jmap.emails import FLAG_KEYWORDS, LETTER, METADATA_VALUES, keywords_of, state
from moxlite.web.jmap.methods import account_id, read_id
from moxlite.web.jmap.protocol import LIMITS, MethodError, Object, SetError, invalid
from moxlite.web.jmap.standard import Outcome, each, patched, property_moment, run_set

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.web.jmap.methods import Call


FLAGS: Final[Mapping[str, Flag]] = {name: flag for flag, name in FLAG_KEYWORDS.items()}
OWN: Final = ("mailboxIds", "keywords", "receivedAt")
SERVER_SET: Final = ("id", "blobId", "threadId", "size", "headers", "hasAttachment", "preview")
AT_ONCE: Final = 200
"""Emails that one unit changes."""

LAST: Final = 253_370_764_800_000_000
"""µs of the year 9999."""


async def set_(call: Call) -> Object:
    """Email/set."""
    return await run_set(call, _Emails())


class _Emails:
    async def state(self, call: Call) -> str:
        return await call.account.read(state, op="jmap state")

    async def create(self, call: Call, objects: Mapping[str, Object]) -> Mapping[str, Outcome]:
        return await each(objects, partial(_create, call))

    async def update(self, call: Call, patches: Mapping[str, Object]) -> Mapping[str, Outcome]:
        return await update_emails(call, patches)

    async def destroy(self, call: Call, ids: Sequence[str]) -> Mapping[str, Outcome]:
        found: dict[str, Outcome] = {}
        for at in range(0, len(ids), AT_ONCE):
            found |= await call.account.write(partial(_destroy, ids=ids[at : at + AT_ONCE]))
        return found


def _destroy(tx: AccountTx, ids: Sequence[str]) -> dict[str, Outcome]:
    numbers = {one: read_id(one, LETTER) for one in ids}
    stored = emails(tx, [*numbers.values()])
    gone = [message for email in stored.values() for message in email.message_ids]
    expunge_ids(tx, gone)
    return {one: None if number in stored else SetError("notFound") for one, number in numbers.items()}


async def update_emails(call: Call, patches: Mapping[str, Object]) -> dict[str, Outcome]:
    """Change keywords and mailboxes of emails, many in one unit."""
    found: dict[str, Outcome] = {}
    items = [*patches.items()]
    for at in range(0, len(items), AT_ONCE):
        part = dict(items[at : at + AT_ONCE])
        found |= await call.account.write(partial(_update, call=call, patches=part))
    return found


def _update(tx: AccountTx, call: Call, patches: Mapping[str, Object]) -> dict[str, Outcome]:
    numbers = {one: read_id(one, LETTER) for one in patches}
    stored = emails(tx, [*numbers.values()])
    boxes = {box.id: box for box in mailboxes(tx)}
    found: dict[str, Outcome] = {}
    wishes: list[tuple[Email, dict[str, bool], set[MailboxID]]] = []
    for one, patch in patches.items():
        email = stored.get(numbers[one])
        try:
            if email is None:
                raise SetError("notFound")
            wishes.append(_wish(call, email, patch, {*boxes}))
            found[one] = None
        except SetError as error:
            found[one] = error
    for email, keywords, wanted in wishes:
        _store_keywords(tx, email, keywords)
        _place(tx, email, wanted)
    return found


def _wish(
    call: Call, email: Email, patch: Object, boxes: set[MailboxID]
) -> tuple[Email, dict[str, bool], set[MailboxID]]:
    """The keywords and mailboxes that an email gets. Raises SetError before anything is changed."""
    now: Object = {"keywords": keywords_of(email), "mailboxIds": {f"m{one}": True for one in email.mailboxes}}
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
        raise SetError("invalidProperties", "keywords: each is true", properties=["keywords"])
    try:
        names = [one.lower() if one.lower() in FLAGS else check_keyword(one) for one in value]
    except BadKeyword as error:
        raise SetError("invalidProperties", str(error), properties=["keywords"]) from None
    return dict.fromkeys(names, True)


def checked_mailboxes(call: Call, value: Any, boxes: set[MailboxID]) -> set[MailboxID]:
    """The property mailboxIds. Raises SetError."""
    if not isinstance(value, dict) or not value or not all(one is True for one in value.values()):
        raise SetError("invalidProperties", "an email is in one mailbox at least", properties=["mailboxIds"])
    wanted = {MailboxID(read_id(call.id_of(one), "m")) for one in value}
    if wanted - boxes:
        raise SetError("invalidProperties", "there is no such mailbox", properties=["mailboxIds"])
    return wanted


def split_keywords(keywords: Mapping[str, bool]) -> tuple[Flag, list[str]]:
    """Bits and other keywords."""
    flags = Flag(0)
    for name in keywords:
        flags |= FLAGS.get(name, Flag(0))
    return flags, [name for name in keywords if name not in FLAGS]


def _store_keywords(tx: AccountTx, email: Email, keywords: Mapping[str, bool]) -> None:
    """Give all copies the same keywords."""
    now = keywords_of(email)
    if now.keys() == keywords.keys() and len(email.message_ids) == 1:
        return
    added, gone = ({one: True for one in keywords if one not in now}, {one: True for one in now if one not in keywords})
    if len(email.message_ids) > 1:
        added = dict(keywords)
    for mode, names in (("add", added), ("remove", gone)):
        if names:
            flags, words = split_keywords(names)
            store_flags_ids(tx, email.message_ids, mode=mode, flags=flags, keywords=words)  # type: ignore[arg-type]


def _place(tx: AccountTx, email: Email, wanted: set[MailboxID]) -> None:
    """Put an email into exactly these mailboxes: messages move where they can, so that they keep their ids."""
    leaving = [message for box, message in email.mailboxes.items() if box not in wanted]
    staying = next((message for box, message in email.mailboxes.items() if box in wanted), None)
    for box in sorted(wanted - email.mailboxes.keys()):
        if leaving:
            message = leaving.pop()
            move_ids(tx, [message], box)
            staying = staying or message
        else:
            assert staying is not None
            copy_ids(tx, [staying], box)
    extra = [one for one in email.message_ids if one not in email.mailboxes.values()]
    if leaving or (extra and len(wanted) < len(email.mailboxes)):
        left = emails(tx, [email.id])[email.id]
        expunge_ids(
            tx, [*leaving, *(one for one in extra if one not in leaving and one not in left.mailboxes.values())]
        )


class Metadata:
    """The properties of a new email that are not in its octets. Raises SetError."""

    def __init__(self, call: Call, given: Object, boxes: set[MailboxID]) -> None:
        self.mailboxes = sorted(checked_mailboxes(call, given.get("mailboxIds"), boxes))
        self.flags, self.keywords = split_keywords(checked_keywords(given.get("keywords") or {}))
        received = given.get("receivedAt")
        self.received = None if received is None else _received(received)


def _received(text: Any) -> int:
    moment = property_moment("receivedAt", text)
    if not 0 <= moment < LAST:
        raise SetError("invalidProperties", "a UTCDate is expected", properties=["receivedAt"])
    return moment


async def _boxes(call: Call) -> set[MailboxID]:
    return await call.account.read(lambda r: {box.id for box in mailboxes(r)}, op="jmap mailboxes")


async def _create(call: Call, _: str, given: Object) -> Outcome:
    set_by_server = [name for name in given if name in SERVER_SET]
    if set_by_server:
        raise SetError("invalidProperties", "only the server sets it", properties=set_by_server)
    metadata = Metadata(call, given, await _boxes(call))
    words = {name: value for name, value in given.items() if name not in OWN}
    unknown = [name for name in words if name not in KNOWN and not name.startswith("header:")]
    if unknown:
        raise SetError("invalidProperties", "there is no such property", properties=unknown)
    draft = draft_of(words, call.snapshot.hostname(call.request.info.listener).ascii)
    blobs: dict[str, bytes] = {}
    missing: list[str] = []
    most = call.most_octets
    for blob in draft.blobs:
        octets = await blob_octets(call, call.id_of(blob), most)
        if octets is None:
            missing.append(blob)
        else:
            blobs[blob] = octets
            most -= len(octets)
    if missing:
        raise SetError("blobNotFound", "", notFound=missing)
    with Spool(call.server.tmp) as spool:
        await off_loop(lambda: spool.fill(octets_of(draft, blobs)), kind="compose")
        return await _added(call, spool, metadata)


KNOWN: Final = (
    *("messageId", "inReplyTo", "references", "sender", "from", "to", "cc", "bcc", "replyTo", "subject", "sentAt"),
    *("bodyStructure", "bodyValues", "textBody", "htmlBody", "attachments"),
)


async def _added(call: Call, spool: Spool, metadata: Metadata) -> Object:
    """Add a message to its mailboxes. Raises SetError, StoreError."""
    if spool.size > call.most_octets:
        raise SetError("tooLarge", f"the message is larger than {call.most_octets} octets")
    prepared = await prepare(spool, max_size=call.most_octets)
    async with held_body(call.account, prepared) as ready:
        return await call.account.write(partial(_add, ready=ready, metadata=metadata), weight=spool.size)


def _add(tx: AccountTx, ready: Prepared, metadata: Metadata) -> Object:
    first, *others = metadata.mailboxes
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
        raise invalid("emails: an object of EmailImport objects is expected")
    if len(given) > LIMITS["maxObjectsInSet"]:
        raise MethodError("requestTooLarge", f"at most {LIMITS['maxObjectsInSet']} emails")
    old = await call.account.read(state, op="jmap state")
    expected = call.argument("ifInState", str)
    if expected is not None and expected != old:
        raise MethodError("stateMismatch", f"the state is {old}")
    boxes = await _boxes(call)
    outcomes = await each(given, partial(_import, call, boxes))
    for name, outcome in outcomes.items():
        if isinstance(outcome, dict):
            call.created[name] = outcome["id"]
    failed = {key: one.value() for key, one in outcomes.items() if isinstance(one, SetError)}
    done = {key: one for key, one in outcomes.items() if not isinstance(one, SetError)}
    return {
        "accountId": account_id(call.identity.account),
        "oldState": old,
        "newState": await call.account.read(state, op="jmap state"),
        "created": done or None,
        "notCreated": failed or None,
    }


async def _import(call: Call, boxes: set[MailboxID], _: str, given: Object) -> Outcome:
    blob = given.get("blobId")
    if not isinstance(blob, str):
        raise SetError("invalidProperties", "blobId is missing", properties=["blobId"])
    unknown = [name for name in given if name not in ("blobId", *OWN)]
    if unknown:
        raise SetError("invalidProperties", "there is no such property", properties=unknown)
    metadata = Metadata(call, given, boxes)
    found = await find_blob(call.account, call.id_of(blob))
    if found is None:
        raise missing_blob(blob)
    async with AsyncExitStack() as stack:
        spool = stack.enter_context(Spool(call.server.tmp))
        async for piece in found.pieces():
            await spool.write(piece)
            if spool.size > call.most_octets:
                raise SetError("tooLarge", f"the message is larger than {call.most_octets} octets")
        await spool.finish()
        if not _is_message(spool.read(0, 64 << 10)):
            raise SetError("invalidEmail", "this is no message: it has no header")
        try:
            return await _added(call, spool, metadata)
        except BadMessage as error:
            raise SetError("invalidEmail", str(error)) from None


def _is_message(octets: bytes) -> bool:
    """Whether the octets begin with a header section."""
    section = HeaderSection(octets)
    first = next(iter(section), None)
    return first is not None and bool(first.name)


async def copy(call: Call) -> Object:
    """Email/copy: there is no other account to copy from."""
    source = call.argument("fromAccountId", str)
    if source is None or not isinstance(call.arguments.get("create"), dict):
        raise invalid("fromAccountId and create are needed")
    if source == account_id(call.identity.account):
        raise invalid("fromAccountId is the account itself")
    raise MethodError("fromAccountNotFound", "there is no such account")
