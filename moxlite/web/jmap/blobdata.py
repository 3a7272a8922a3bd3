"""Blob/upload, Blob/get and Blob/lookup: contents of blobs within calls (RFC 9404)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from moxlite.processor import give_way, off_loop
from moxlite.store.errors import LimitExceeded
from moxlite.store.rows.emails import emails
from moxlite.web.composing.uploads import MESSAGE, receive_upload
from moxlite.web.jmap.blobs import ANY_TYPE, BLOB, cut, find_blob
from moxlite.web.jmap.bodies import Budget
from moxlite.web.jmap.protocol import LIMITS, ON_LOOP, MethodError, Object, SetError, invalid
from moxlite.web.jmap.standard import each

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.blobs import Blob
    from moxlite.web.jmap.methods import Call


T = TypeVar("T")

MAX_SOURCES: Final = 64
"""Pieces of one blob: the least that RFC 9404 §3 allows."""

MAX_READ: Final = 100 << 20
"""Octets that one Blob/get reads, also where only a digest is asked for, and one Blob/upload to learn sizes."""

DIGESTS: Final[Mapping[str, Callable[[], hashlib._Hash]]] = {
    "sha": lambda: hashlib.sha1(usedforsecurity=False),
    "sha-256": hashlib.sha256,
    "sha-512": hashlib.sha512,
}
"""Digests by their name in the registry of RFC 3230."""

TYPES: Final = ("Email", "Mailbox", "Thread")
DATA: Final = ("data", "data:asText", "data:asBase64")
CAPABILITY: Final[Object] = {
    "maxSizeBlobSet": LIMITS["maxSizeUpload"],
    "maxDataSources": MAX_SOURCES,
    "supportedTypeNames": TYPES,
    "supportedDigestAlgorithms": [*DIGESTS],
}
PROPERTIES: Final = (*DATA, *(f"digest:{name}" for name in DIGESTS), "size")


async def upload(call: Call) -> Object:
    """Blob/upload."""
    create = call.argument("create", dict)
    if create is None or not all(isinstance(one, dict) for one in create.values()):
        raise invalid("create is required, and each value in it must be an object")
    if len(create) > LIMITS["maxObjectsInSet"]:
        raise MethodError("requestTooLarge", f"you can create up to {LIMITS['maxObjectsInSet']} blobs in one call")

    measured = Budget(MAX_READ)

    async def one(name: str, given: Object) -> Object:
        made = await _uploaded(call, given, measured)
        call.created[name] = made["id"]  # a later one of the same call may name it
        return made

    outcomes = await each(create, one)
    return {
        "accountId": call.place.id,
        "created": {key: made for key, made in outcomes.items() if not isinstance(made, SetError)} or None,
        "notCreated": {key: error.value() for key, error in outcomes.items() if isinstance(error, SetError)} or None,
    }


async def _uploaded(call: Call, given: Object, measured: Budget) -> Object:
    sources, media_type = given.get("data"), given.get("type")
    if given.keys() - {"data", "type"} or not isinstance(media_type, str | None):
        raise SetError(
            "invalidProperties", "an upload can only have data and type, and type must be a string", properties=["type"]
        )
    if not isinstance(sources, list) or not 0 < len(sources) <= MAX_SOURCES:
        raise _bad_source(f"must be an array of 1 to {MAX_SOURCES} data sources")
    pieces = [await _source(call, source, measured) for source in sources]
    if sum(size for size, _ in pieces) > LIMITS["maxSizeUpload"]:
        raise SetError("tooLarge", "the blob is too large", maxSize=LIMITS["maxSizeUpload"])
    kind = (media_type or ANY_TYPE).strip()[:200]

    async def octets() -> AsyncIterator[bytes]:
        for _, read in pieces:
            async with aclosing(read()) as found:  # type: ignore[type-var]
                async for piece in found:
                    yield piece

    try:
        made = await receive_upload(call.place.home, "", kind, octets(), message=kind.lower() == MESSAGE)
    except LimitExceeded:
        raise SetError("overQuota", "too many pending uploads; try again later") from None
    return {"id": f"U{made.key.hex()}", "type": made.media_type, "size": made.size}


async def _source(call: Call, source: Any, measured: Budget) -> tuple[int, Callable[[], AsyncIterator[bytes]]]:
    """The size of a data source, and what reads it. `measured`: octets that may be read to learn it.

    Raises SetError, StoreError.
    """
    match source:
        case {"data:asText": str(text), **rest} if not rest:
            try:
                return _held(text.encode())
            except UnicodeEncodeError:
                raise _bad_source("the text contains unpaired surrogates") from None
        case {"data:asBase64": str(text), **rest} if not rest:
            try:
                return _held(await _worked(len(text), partial(base64.b64decode, text, validate=True)))
            except (binascii.Error, ValueError):
                raise _bad_source("invalid base64") from None
        case {"blobId": str(name), **rest} if rest.keys() <= {"offset", "length"}:
            blob = await find_blob(call.place, call.id_of(name))
            if blob is None:
                raise SetError("blobNotFound", "", notFound=[name])
            start, length = _unsigned(rest.get("offset")) or 0, _unsigned(rest.get("length"))
            whole = blob.size if blob.size is not None else await _length(blob, measured)
            end = whole if length is None else start + length
            if start > whole or end > whole:
                raise _bad_source("the range extends past the end of the blob")
            return end - start, lambda: cut(blob, start, end)
    raise _bad_source("a data source must have data:asText, data:asBase64, or blobId (with optional offset and length)")


def _bad_source(text: str) -> SetError:
    return SetError("invalidProperties", text, properties=["data"])


def _unsigned(value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise _bad_source("offset and length must be non-negative integers")


def _held(octets: bytes) -> tuple[int, Callable[[], AsyncIterator[bytes]]]:
    async def read() -> AsyncIterator[bytes]:
        yield octets

    return len(octets), read


async def _length(blob: Blob, measured: Budget) -> int:
    found = 0
    async with aclosing(blob.pieces()) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            found += len(piece)
            try:
                measured.take(len(piece))
            except MethodError:
                raise SetError("tooLarge", "the source blobs are too large for one call") from None
    return found


async def get(call: Call) -> Object:
    """Blob/get."""
    ids, asked = call.ids(), call.names("properties")
    if ids is None:
        raise invalid("ids is missing")
    wanted = ["data", "size"] if asked is None else [one for one in asked if one != "id"]
    for one in wanted:
        if one not in PROPERTIES:
            raise invalid(f"unknown property: {one[:100]!r}")
    start, length = call.unsigned("offset") or 0, call.unsigned("length")
    found: list[Object] = []
    missing: list[str] = []
    left = MAX_READ
    for one in ids:
        blob = await find_blob(call.place, one)
        if blob is None:
            missing.append(one)
            continue
        shown, read = await _shown(call, blob, wanted, _Range(start, length), left)
        left -= read
        found.append({"id": one, **shown})
        await give_way()
    return {"accountId": call.place.id, "list": found, "notFound": missing}


class _Range(msgspec.Struct, frozen=True):
    """The octets that are asked for. `length`: None up to the end."""

    start: int
    length: int | None


async def _shown(call: Call, blob: Blob, wanted: Sequence[str], part: _Range, left: int) -> tuple[Object, int]:
    """The properties of a blob, and the octets that were read of `left`. Raises MethodError, StoreError."""
    keeps = any(name in DATA for name in wanted)
    digests = {name: DIGESTS[name.partition(":")[2]]() for name in wanted if name.startswith("digest:")}
    end = None if part.length is None else part.start + part.length
    kept = bytearray()
    size = 0
    if not keeps and not digests and blob.size is not None:
        size = blob.size
    else:
        async with aclosing(blob.pieces()) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                inner = piece[max(0, part.start - size) : None if end is None else max(0, end - size)]
                size += len(piece)
                # Counted by what is read, not by what is returned: to skip to an offset costs as much.
                if size > left:
                    raise MethodError(
                        "requestTooLarge",
                        "these blobs are too large for one call; request fewer blobs or smaller ranges",
                    )
                for digest in digests.values():
                    await _update(digest, inner)
                if keeps:
                    call.budget.take(len(inner))
                    kept += inner
    found: Object = {"size": size} if "size" in wanted else {}
    found |= {name: base64.b64encode(digest.digest()).decode() for name, digest in digests.items()}
    if keeps:
        found |= await _worked(len(kept), lambda: _data(bytes(kept), wanted))
    if part.start > size or (end is not None and end > size):
        found["isTruncated"] = True
    return found, size


async def _update(digest: hashlib._Hash, octets: bytes) -> None:
    await off_loop(lambda: digest.update(octets), kind="jmap")


async def _worked(size: int, work: Callable[[], T]) -> T:
    """The result of work on so many octets, on many of them in a thread."""
    return work() if size <= ON_LOOP else await off_loop(work, kind="jmap")


def _data(octets: bytes, wanted: Sequence[str]) -> Object:
    try:
        text: str | None = octets.decode()
    except UnicodeDecodeError:
        text = None
    found: Object = {}
    if "data:asText" in wanted or ("data" in wanted and text is not None):
        found["data:asText"] = text
    if "data:asBase64" in wanted or ("data" in wanted and text is None):
        found["data:asBase64"] = base64.b64encode(octets).decode()
    if text is None and ("data:asText" in wanted or "data" in wanted):
        found["isEncodingProblem"] = True
    return found


async def lookup(call: Call) -> Object:
    """Blob/lookup: the emails, threads and mailboxes that a blob is in."""
    ids, kinds = call.ids(), call.names("typeNames")
    if ids is None or kinds is None:
        raise invalid("ids and typeNames are required")
    unknown = [kind for kind in kinds if kind not in TYPES]
    if unknown:
        raise MethodError("unknownDataType", f"blob lookup isn't supported for the type {unknown[0][:100]!r}")
    found: list[Object] = []
    missing: list[str] = []
    for one in ids:
        if await find_blob(call.place, one) is None:
            missing.append(one)
            continue
        match = BLOB.fullmatch(one)
        number = int(match[1]) if match is not None and match[1] else 0
        matched = await call.account.read(lambda r: _matched(r, call, number), op="jmap blob")  # noqa: B023 - awaited
        found.append({"id": one, "matchedIds": {kind: matched.get(kind, []) for kind in kinds}})
    return {"accountId": call.place.id, "list": found, "notFound": missing}


def _matched(r: Reader, call: Call, number: int) -> dict[str, list[str]]:
    email = emails(r, [number], call.place.readable(r)).get(number) if number else None
    if email is None:
        return {}
    return {
        "Email": [f"M{email.id}"],
        "Thread": [f"T{email.threadid}"],
        "Mailbox": [f"F{mailbox}" for mailbox in sorted(email.mailboxes)],
    }
