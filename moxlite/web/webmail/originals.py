"""The message that is answered, forwarded or written again: what the composer begins with (WEBMAIL-90..92)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from moxlite.compose.reply import Original, Own
from moxlite.config.snapshot import AccountRecipient
from moxlite.proto.address import Address, AddressError
from moxlite.proto.mime import types as mime
from moxlite.proto.mime.compose import unflow
from moxlite.proto.mime.decode import decoder
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.text import part_text, visible_text
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.mime.words import decode_words
from moxlite.store.content import body
from moxlite.store.rows import messages as message_rows
from moxlite.web.composing.uploads import OCTETS, receive_upload, shown_upload
from moxlite.web.webmail.items import attachments, find_html, find_texts
from moxlite.web.webmail.parsed import list_post, structure_of
from moxlite.web.webmail.parts import part_at

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader
    from moxlite.web.composing.types import Uploaded
    from moxlite.web.webmail.holders import Holder

__all__ = ["carry_files", "carry_message", "own_of", "read_original"]

MAX_TEXT: Final = 2 << 20  # octets read of a text that may be quoted: more than is quoted (`compose.reply`)
MAX_HEADER: Final = 256 << 10
MAX_FIELDS: Final = 1000
MAX_FILES: Final = 200  # `compose.draft` takes no more


def own_of(snapshot: Snapshot, account: str, login: str) -> Own:
    """Who answers: the account, logged in by the address `login`."""
    address = Address.parse(login)
    settings = snapshot.account(account)
    name = settings.full_name if settings is not None else ""

    def is_own(one: Address) -> bool:
        found = snapshot.lookup(one)
        return isinstance(found, AccountRecipient) and found.account == account

    return Own(
        login=MailAddress(name, address.localpart, address.domain.ascii),
        is_own=is_own,
        may_send=lambda one: snapshot.may_send_as(account, one),
    )


async def read_original(holder: Holder, shown: int, when: str) -> tuple[Original, mime.Structure]:
    """A message as answers need it; `when` is its date in the reader's words. Raises NoSuchMessage, ChunkDamaged."""
    message_id = holder.local_id(shown)

    def read(r: Reader) -> tuple[Original, mime.Structure]:
        holder.check_message(r, message_id)
        message_rows.message(r, message_id)
        structure = structure_of(r, message_id)
        content = body.locate(r, message_id)
        root = structure.root
        section = HeaderSection(body.read_content(r, content, 0, min(root.body, MAX_HEADER)), MAX_FIELDS)

        def octets(start: int, stop: int) -> bytes:
            return body.read_content(r, content, start, stop - start)

        original = Original(
            envelope=structure.envelope,
            references=" ".join(text.decode("ascii", "replace") for text in section.texts(b"references")),
            list_post=list_post(decode_words(text) for text in section.texts(b"list-post")),
            delivered_to=tuple(_addresses(section.texts(b"delivered-to"))),
            text=_text(root, octets),
            when=when,
        )
        return original, structure

    return await holder.account.scan(read, op="webmail_original")


def _addresses(values: list[bytes]) -> list[MailAddress]:
    found: list[MailAddress] = []
    for value in values[:20]:
        try:
            address = Address.parse(value.decode("utf-8").strip())
        except (AddressError, UnicodeDecodeError):
            continue
        found.append(MailAddress("", address.localpart, address.domain.ascii))
    return found


def _text(root: mime.Part, octets: Callable[[int, int], bytes]) -> str:
    """The plain texts, or what the HTML shows where there are none."""
    texts: list[str] = []
    for _, part in find_texts(root):
        if part.media_type != "text/plain":
            continue
        text = part_text(part, octets, MAX_TEXT)
        flowed = part.parameter("format").lower() == "flowed" and part.parameter("delsp").lower() != "yes"
        texts.append(unflow(text) if flowed else text.replace("\r\n", "\n"))
    if any(text.strip() for text in texts):
        return "\n".join(text.removesuffix("\n") for text in texts)
    html = find_html(root)
    return visible_text(part_text(html[1], octets, MAX_TEXT), quotes=True) if html is not None else ""


async def carry_files(holder: Holder, shown: int, structure: mime.Structure, home: Account) -> list[Uploaded]:
    """The files of a message that was read, as uploads of the account `home`, to be attached to another one."""
    message_id = holder.local_id(shown)
    found: list[Uploaded] = []
    for file in attachments(structure.root)[:MAX_FILES]:
        part = part_at(structure.root, file.path)
        assert part is not None
        whole = part.message is not None
        pieces = _decoded(holder.account, message_id, part)
        media_type = OCTETS if whole else part.media_type
        upload = await receive_upload(home, file.filename, media_type, pieces, message=False)
        found.append(shown_upload(upload))
    return found


async def carry_message(holder: Holder, shown: int, subject: str, home: Account) -> Uploaded:
    """A whole message that was read, as an upload of the account `home`."""
    account, message_id = holder.account, holder.local_id(shown)
    row = await account.read(lambda r: message_rows.message(r, message_id), op="webmail_item")
    sound = await _has_sound_lines(account, message_id)
    stream = body.stream_message(account, message_id, 0, row.size)
    name = f"{subject[:100].strip() or 'message'}.eml"
    return shown_upload(await receive_upload(home, name, OCTETS, stream, message=sound))


async def _has_sound_lines(account: Account, message_id: int) -> bool:
    """Whether all lines end in CRLF: what is attached as a message is never encoded (RFC 2046 §5.2.1)."""
    last = b""
    async with aclosing(body.stream_message(account, message_id)) as pieces:
        async for piece in pieces:
            data = last + piece
            ends = data.count(b"\r\n")
            if data.count(b"\n") != ends or data.count(b"\r") - data.endswith(b"\r") != ends or b"\0" in data:
                return False
            last = data[-1:] if data.endswith(b"\r") else b""
    return not last


async def _decoded(account: Account, message_id: int, part: mime.Part) -> AsyncIterator[bytes]:
    encoded = decoder(part.encoding)
    async with aclosing(body.stream_message(account, message_id, part.body, part.size)) as pieces:
        async for piece in pieces:
            yield encoded.feed(piece)
    yield encoded.finish()
