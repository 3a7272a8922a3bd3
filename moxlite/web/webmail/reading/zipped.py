"""All attachments of a message as one zip file, streamed (WEBMAIL-50, WEBMAIL-112)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

from moxlite.processor import off_loop
from moxlite.proto.mime import types as mime
from moxlite.proto.mime.decode import decoder
from moxlite.store.content import body
from moxlite.store.exports.containers import ZipWriter
from moxlite.web.headers import disposition
from moxlite.web.webmail.items import attachments, time_of

if TYPE_CHECKING:
    from moxlite.store.changelog.account import Account
    from moxlite.web.http.exchange import ResponseWriter

STORED: Final = 0
DEFLATED: Final = 6
COMPRESSED: Final = re.compile(
    r"(?:image/(?!svg|bmp|tiff)|audio/|video/|application/(?:zip|gzip|zstd|x-(?:7z|rar|bzip|xz|gzip)|pdf|epub\+zip"
    r"|vnd\.(?:openxmlformats|oasis)))"
)
"""Types with compressed content: compressing them again takes time and gains nothing."""

MAX_SLUG: Final = 60
"""Maximum characters of the subject in the name of the file."""

MAX_SUBJECT: Final = 1000
"""Characters of the subject that are used to make the name."""

PIECE: Final = 256 * 1024
"""Octets of the directory that are sent at once."""


def member_names(names: Iterable[str]) -> Iterator[str]:
    """Unique names in a zip file: the second of equal names becomes ``NAME-1.EXT``. Names that differ in case only are
    equal.
    """
    given: set[str] = set()
    # last number that was tried for a name, so that ten thousand equal names are counted once
    numbers: dict[str, int] = {}
    for name in names:
        stem, dot, extension = name.rpartition(".")
        if not stem:
            stem, dot, extension = name, "", ""
        number, found = numbers.get(name.lower(), 0), name
        while found.lower() in given:
            number += 1
            found = f"{stem}-{number}{dot}{extension}"
        numbers[name.lower()] = number
        given.add(found.lower())
        yield found


def zip_name(message_id: int, received: int, subject: str) -> str:
    """The name of the file, with the ASCII letters and digits of the subject."""
    plain = unicodedata.normalize("NFKD", subject[:MAX_SUBJECT]).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:MAX_SLUG].strip("-")
    return f"email-{message_id}-attachments-{time_of(received):%Y%m%d}{'-' if slug else ''}{slug}.zip"


async def send_zip(
    account: Account,
    message_id: int,
    received: int,
    structure: mime.Structure,
    writer: ResponseWriter,
    directory: Path,
    headers: Iterable[tuple[str, str]],
) -> None:
    """Answer with the zip file. `received` in µs UTC. `directory` is for a temporary file with the list of members,
    which is sent last.
    """
    parts = dict(walk_parts(structure.root))
    files = attachments(structure.root)
    names = member_names(file.filename for file in files)
    zipped = await trio.to_thread.run_sync(ZipWriter, directory)
    try:
        name = zip_name(message_id, received, structure.envelope.subject)
        await writer.start(200, (("content-type", "application/zip"), disposition(name), *headers))
        for file, member in zip(files, names, strict=True):
            part = parts[file.path]
            level = STORED if COMPRESSED.match(file.content_type) else DEFLATED
            await writer.write(zipped.begin(member, received // 1_000_000, level=level))
            encoded = decoder(part.encoding)
            async with aclosing(body.stream_message(account, message_id, part.body, part.size)) as pieces:
                async for piece in pieces:
                    await writer.write(await off_loop(partial(zipped.data, encoded.feed(piece)), kind="webmail_zip"))
            await writer.write(zipped.data(encoded.finish()) + zipped.end())
        position = 0
        while piece := zipped.directory(position, PIECE):
            position += len(piece)
            await writer.write(piece)
        await writer.write(zipped.trailer())
        await writer.finish()
    finally:
        zipped.close()


def walk_parts(part: mime.Part, path: str = "0") -> Iterator[tuple[str, mime.Part]]:
    """All parts of the tree with their paths."""
    stack = [(path, part)]
    while stack:
        path, part = stack.pop()
        yield path, part
        stack.extend((f"{path}.{i}", child) for i, child in enumerate(part.parts))
