"""Tag lists: ``name=value; name=value``, the grammar of signatures, key records and policies (RFC 6376 §3.2)."""

import base64
import binascii
import re
from typing import Final

MAX_TAGS: Final = 64 << 10
"""Characters of a tag list that is read (AUTH-101); the longest in real mail have 2 KiB."""

_BLANKS: Final = " \t\r\n"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BLANK_RUN: Final = re.compile(r"[ \t\r\n]+")


class TagError(ValueError):
    """The text is not a tag list, or the value of a tag is malformed. The message is short and in printable ASCII."""


def parse_tags(text: str) -> dict[str, str]:
    """Return the values by tag name, in the order of the text, without the blanks around names and values.

    Names are case-sensitive. A value may hold non-ASCII characters (RFC 8616). Linear in the text.

    Raises:
      TagError: the text is not a tag list, is too long, or has a name twice.
    """
    if len(text) > MAX_TAGS:
        raise TagError("too long")
    if _CONTROL.search(text):
        raise TagError("control character")
    parts = text.split(";")
    if len(parts) > 1 and not parts[-1].strip(_BLANKS):
        parts.pop()  # a final semicolon is allowed
    tags: dict[str, str] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        name = name.strip(_BLANKS)
        if not equals or not _NAME.fullmatch(name):
            raise TagError("not a list of tags")
        if name in tags:
            raise TagError(f"duplicate tag {name[:20]}")
        tags[name] = value.strip(_BLANKS)
    return tags


def without_blanks(value: str) -> str:
    """The value without the blanks and line ends that folding may put anywhere into it."""
    return _BLANK_RUN.sub("", value)


def split_list(value: str) -> list[str]:
    """The members of a list with colons, without the blanks around them."""
    return [member.strip(_BLANKS) for member in value.split(":")]


def decode_base64(value: str) -> bytes:
    """The octets of base64 with blanks anywhere in it (RFC 6376 §2.10). Raises TagError."""
    try:
        return base64.b64decode(without_blanks(value).encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise TagError("bad base64") from None
