"""Photos of cards (RFC 6350 §6.2.4, RFC 2426 §3.1.4): only pictures that browsers show without running anything, by
their first octets, whatever the card says of their type. Addresses of pictures elsewhere are never followed.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from moxlite.proto.cards.components import Component, write_component
from moxlite.proto.cards.contentline import Property, property_of

MAX_PHOTO: Final = 128 << 10
"""Octets of a photo that is shown. A larger one stays in its card."""

SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".gif", ".webp")
"""Suffixes of files of photos."""

STARTS: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
"""Types by the first octets (https://mimesniff.spec.whatwg.org/); WebP has its size in between."""


class Photo(msgspec.Struct, frozen=True):
    """A picture with its media type."""

    media_type: str
    data: bytes


def photo_from(data: bytes) -> Photo | None:
    """The photo in some octets; None for what is no such picture, or too large."""
    if len(data) > MAX_PHOTO:
        return None
    kind = next((one for start, one in STARTS if data.startswith(start)), None)
    if kind is None and data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind = "image/webp"
    return None if kind is None else Photo(kind, data)


def photo_of(card: Component) -> Photo | None:
    """The first photo of a card that can be shown."""
    for prop in card.all("PHOTO"):
        photo = _photo(prop)
        if photo is not None:
            return photo
    return None


def card_with_photo(card: Component, photo: Photo | None) -> bytes:
    """The card with another photo, or without one. All its other lines stay as they are; what belongs to the old photo
    alone, such as the part of it that phones show, goes.
    """
    lines = [prop for prop in card.properties if prop.name not in ("PHOTO", "X-ABCROP-RECTANGLE")]
    if photo is not None:
        text = base64.b64encode(photo.data).decode()
        if card.value("VERSION") == "4.0":
            whole = f"PHOTO:data:{photo.media_type};base64,{text}"
        else:
            whole = f"PHOTO;ENCODING=b;TYPE={photo.media_type.removeprefix('image/').upper()}:{text}"
        made = property_of(whole)
        assert made is not None
        lines.append(made)
    return write_component(Component("VCARD", lines, [])).encode()


def _photo(prop: Property) -> Photo | None:
    value = prop.value.strip()
    if len(value) > MAX_PHOTO * 4 // 3 + 1000:
        return None
    head, comma, data = value.partition(",")
    if head[:5].lower() == "data:":
        if not comma or not head.rstrip("\\").lower().endswith(";base64"):
            return None
    elif prop.parameter("ENCODING").lower() in ("b", "base64"):
        data = value
    else:
        return None
    try:
        return photo_from(base64.b64decode(data))
    except (binascii.Error, ValueError):
        return None
