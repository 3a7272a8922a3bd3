"""Blobs: messages, their parts, and uploads (RFC 8620 §6).

The id of a blob says what it is: ``E12`` is the message of an email, ``E12-1_2`` its part 1.2 decoded, ``E12-1_2-3``
part 3 of the message that this is, ``U…`` an upload. ``V3-…`` is the text of a Sieve script, with its hash: another
text is another blob.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.ledger import NoRoom, ledger
from moxlite.proto.mime.decode import decoder
from moxlite.proto.mime.structure import scan
from moxlite.proto.mime.text import reader_of
from moxlite.store.content.body import stream_message, stream_part
from moxlite.store.content.uploads import PIECE_SIZE, NoSuchUpload, Upload, note_imported, upload_of, upload_piece
from moxlite.store.delivery.scripts import ScriptRow, script_rows
from moxlite.store.errors import LimitExceeded
from moxlite.store.mail.fetching import structure_of
from moxlite.store.rows.emails import emails
from moxlite.store.rows.messages import packed_structure
from moxlite.web.composing.uploads import receive_upload
from moxlite.web.http.errors import HTTPError
from moxlite.web.jmap.accounts import Place, open_place
from moxlite.web.jmap.bodies import part_at, unavailable
from moxlite.web.jmap.protocol import LIMITS, MethodError, Object, SetError, invalid

if TYPE_CHECKING:
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.store.file.transaction import Reader
    from moxlite.web.http.exchange import Request
    from moxlite.web.jmap.methods import Call


SCRIPT: Final = re.compile(r"V([0-9]{1,18})-([0-9a-f]{32})")
BLOB: Final = re.compile(r"(?:E([0-9]{1,18})|U([0-9a-f]{32}))((?:-[0-9]{1,4}(?:_[0-9]{1,4}){0,99}){0,5})")
MAX_SCANNED: Final = 25 << 20
"""Octets of an uploaded message whose parts are looked for."""

SCANNED: Final = 2
"""Times its octets that an uploaded message takes while its parts are looked for."""

WHOLE: Final = 3
"""Times its octets that a message takes which is held whole, to be read or composed."""

MAX_DATA: Final = 128 << 10
"""Octets of a blob that is put into a card or an event."""

MAX_INNER: Final = 50
"""Blobs that are put into one card or event, which have 1 MiB: as many as fit with their texts, and 9 MB of memory."""

ANY_TYPE: Final = "application/octet-stream"


class Blob(msgspec.Struct, frozen=True):
    """A blob. `size` is None where only reading it tells, and at most `most` then; `pieces` reads it."""

    media_type: str
    size: int | None
    pieces: Callable[[], AsyncIterator[bytes]]
    most: int = 0


def email_blob(email_id: int) -> str:
    """The id of an email's message."""
    return f"E{email_id}"


def part_blob(email_id: int, number: str) -> str:
    """The id of a part of an email."""
    return f"E{email_id}-{number.replace('.', '_')}"


def is_email(blob: str) -> bool:
    """Whether the id is that of an email's whole message."""
    match = BLOB.fullmatch(blob)
    return match is not None and bool(match[1]) and not match[3]


async def find_blob(place: Place, blob: str) -> Blob | None:
    """The blob with this id. Uploads are the user's, and known in all of the user's accounts. Raises StoreError,
    MethodError.
    """
    if (script := SCRIPT.fullmatch(blob)) is not None:
        return await _of_script(place, blob, int(script[1]))
    match = BLOB.fullmatch(blob)
    if match is None:
        return None
    email_id, key, path = match.groups()
    numbers = path.replace("_", ".").split("-")[1:]
    found = await _of_email(place, int(email_id), numbers) if email_id else await _of_upload(place.home, key)
    account = place.account if email_id else place.home
    for number in numbers:
        found = None if found is None else await _inner(account, found, number)
    return found


async def _of_upload(account: OpenAccount, key: str) -> Blob | None:
    try:
        upload = await account.read(lambda r: upload_of(r, bytes.fromhex(key)), op="jmap blob")
    except NoSuchUpload:
        return None
    return Blob(upload.media_type or ANY_TYPE, upload.size, lambda: _upload_pieces(account, upload))


async def _of_email(place: Place, email_id: int, numbers: list[str]) -> Blob | None:
    """The message of an email, or its part with the first number, which is taken."""
    account = place.account

    def find(r: Reader) -> tuple[int, int, bytes] | None:
        email = emails(r, [email_id], place.readable(r)).get(email_id)
        if email is None:
            return None
        return email.message_id, email.size, packed_structure(r, email.message_id) or b""

    found = await account.scan(find, op="jmap blob")
    if found is None:
        return None
    message_id, size, packed = found
    if not numbers:
        return Blob("message/rfc822", size, lambda: stream_message(account, message_id))
    part = part_at(structure_of(packed).root, numbers.pop(0))
    if part is None:
        return None

    most = part.end - part.body if part.within is None else size
    return Blob(part.media_type, None, lambda: stream_part(account, message_id, part), most)


def script_blob(script: ScriptRow) -> str:
    """The id of a script's text."""
    return f"V{script.id}-{hashlib.sha256(script.text).hexdigest()[:32]}"


async def _of_script(place: Place, blob: str, number: int) -> Blob | None:
    # Scripts are no part of what is shared, whatever rights a guest has.
    rows = [] if place.guest else await place.account.scan(script_rows, op="jmap sieve")
    script = next(
        (script_row for script_row in rows if script_row.id == number and script_blob(script_row) == blob), None
    )
    if script is None:
        return None
    text = script.text

    async def pieces() -> AsyncIterator[bytes]:
        yield text

    return Blob("application/sieve", len(text), pieces)


async def _upload_pieces(account: OpenAccount, upload: Upload) -> AsyncIterator[bytes]:
    for number in range(-(-upload.size // PIECE_SIZE)):
        yield await account.read(partial(upload_piece, upload=upload, number=number), op="jmap blob")


async def _inner(account: OpenAccount, whole: Blob, number: str) -> Blob | None:
    """A part of a message that is a blob. Raises MethodError ``serverUnavailable``."""
    size = whole.most if whole.size is None else whole.size
    async with _held(SCANNED * min(size, MAX_SCANNED)):
        octets = await _collected(whole, MAX_SCANNED)
        if octets is None:
            return None
        part = await account.scan(lambda _: part_at(scan(octets).root, number), op="jmap blob")
        content = (
            None
            if part is None or part.within is None
            else await account.scan(
                lambda _: reader_of(part, lambda start, end: octets[start:end])(part.body, part.end), op="jmap blob"
            )
        )
    if part is None:
        return None

    async def pieces() -> AsyncIterator[bytes]:
        decoding = decoder(part.encoding)
        if content is not None:
            yield decoding.feed(content)
        else:
            async with aclosing(cut(whole, part.body, part.end)) as encoded:  # type: ignore[type-var]
                async for piece in encoded:
                    yield decoding.feed(piece)
        yield decoding.finish()

    return Blob(part.media_type, None, pieces, size)


@asynccontextmanager
async def _held(octets: int) -> AsyncIterator[None]:
    hold = ledger().hold()
    try:
        await hold.take("request", octets)
    except NoRoom as error:
        raise unavailable(error) from None
    try:
        yield
    finally:
        hold.close()


async def cut(blob: Blob, start: int, end: int) -> AsyncIterator[bytes]:
    """The octets of a range."""
    at = 0
    async with aclosing(blob.pieces()) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            if at >= end:
                return
            if part := piece[max(0, start - at) : end - at]:
                yield part
            at += len(piece)


async def _collected(blob: Blob, most: int) -> bytes | None:
    octets = bytearray()
    async with aclosing(blob.pieces()) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            octets += piece
            if len(octets) > most:
                return None
    return bytes(octets)


async def blob_octets(call: Call, blob: str, most: int) -> bytes | None:
    """The octets of a blob; None if it does not exist, or is longer than `most`."""
    found = await find_blob(call.place, blob)
    return None if found is None else await _collected(found, most)


@asynccontextmanager
async def holding(call: Call, ids: Iterable[str], most: int, times: int = WHOLE) -> AsyncIterator[None]:
    """Context in which a call holds blobs whole, at most so many octets, each `times` its own. Raises MethodError
    ``serverUnavailable``.
    """
    octets = 0
    for blob in ids:
        found = await find_blob(call.place, call.id_of(blob))
        octets += 0 if found is None else found.most if found.size is None else found.size
    async with call.budget.holding(times * min(octets, most)):
        yield


def check_blobs(objects: Iterable[object]) -> None:
    """Raise SetError for more blobs than a card or an event may have as data."""
    if sum(isinstance(one, dict) and "blobId" in one for one in objects) > MAX_INNER:
        raise SetError("tooLarge", f"an object can contain up to {MAX_INNER} blobs")


async def data_uri(call: Call, blob: str, kind: object) -> str:
    """A blob as a URI with its octets (RFC 2397). `kind`: its media type, if it is a text. Raises SetError."""
    blob = call.id_of(blob)
    octets, known = await blob_octets(call, blob, MAX_DATA), await find_blob(call.place, blob)
    if known is None:
        raise SetError("blobNotFound", missing_blob(blob).description, notFound=[blob])
    if octets is None:
        raise SetError("tooLarge", f"a blob in an object can be up to {MAX_DATA} bytes", maxSize=MAX_DATA)
    return f"data:{kind if isinstance(kind, str) else known.media_type};base64,{base64.b64encode(octets).decode()}"


async def receive(place: Place, request: Request) -> Object:
    """Keep the body of a request as an upload (RFC 8620 §6.1). Raises HTTPError, StoreError."""
    media_type = (request.headers.get("content-type") or ANY_TYPE).strip()[:200]

    async def octets() -> AsyncIterator[bytes]:
        while data := await request.body.receive(LIMITS["maxSizeUpload"]):
            yield data

    message = media_type.partition(";")[0].strip().lower() == "message/rfc822"
    try:
        upload = await receive_upload(place.home, "", media_type, octets(), message=message)
    except LimitExceeded:
        raise HTTPError(507, "Too many pending uploads. Try again later.") from None
    return {
        "accountId": place.id,
        "blobId": f"U{upload.key.hex()}",
        "type": upload.media_type,
        "size": upload.size,
    }


async def release(call: Call, blobs: Iterable[str]) -> None:
    """Let uploads go that were imported. Raises StoreError."""
    matches = [match for blob in blobs if (match := BLOB.fullmatch(call.id_of(blob))) is not None]
    keys = [bytes.fromhex(match[2]) for match in matches if match[2] and not match[3]]
    if keys:
        await call.place.home.write(partial(note_imported, keys=keys))


async def copy(call: Call) -> Object:
    """Blob/copy (RFC 8620 §6.3)."""
    source, blobs = call.argument("fromAccountId", str), call.names("blobIds")
    if source is None or blobs is None:
        raise invalid("fromAccountId and blobIds are required")
    if source == call.place.id:
        raise invalid("fromAccountId must be a different account")
    if len(blobs) > LIMITS["maxObjectsInSet"]:
        raise MethodError("requestTooLarge", f"you can copy up to {LIMITS['maxObjectsInSet']} blobs in one call")
    copied: dict[str, str] = {}
    failed: dict[str, Object] = {}
    async with source_of(call, source) as place:
        for blob in dict.fromkeys(map(call.id_of, blobs)):
            try:
                copied[blob] = await _copied(call, place, blob)
            except SetError as error:
                failed[blob] = error.value()
    return {
        "fromAccountId": source,
        "accountId": call.place.id,
        "copied": copied or None,
        "notCopied": failed or None,
    }


@asynccontextmanager
async def source_of(call: Call, name: str) -> AsyncIterator[Place]:
    """The account that a /copy takes from. Raises MethodError ``fromAccountNotFound``."""
    async with AsyncExitStack() as stack:
        opened = open_place(call.server.accounts, call.server.auth, call.place.home, name)
        try:
            place = await stack.enter_async_context(opened)
        except MethodError as error:
            raise MethodError("fromAccountNotFound", error.description) from None
        yield place


async def _copied(call: Call, source: Place, blob: str) -> str:
    """The id of a blob of another account in this one. Raises SetError, StoreError."""
    found = await find_blob(source, blob)
    if found is None:
        raise SetError("blobNotFound")
    if blob.startswith("U"):
        return blob
    if found.size is not None and found.size > LIMITS["maxSizeUpload"]:
        raise SetError("tooLarge", "the blob exceeds the upload size limit")
    try:
        upload = await receive_upload(
            call.place.home, "", found.media_type, found.pieces(), message=found.media_type == "message/rfc822"
        )
    except LimitExceeded:
        raise SetError("overQuota", "too many pending uploads; try again later") from None
    return f"U{upload.key.hex()}"


def missing_blob(blob: str) -> SetError:
    """The error about a blob that does not exist."""
    return SetError("invalidProperties", f"blob not found: {blob[:100]!r}", properties=["blobId"])
