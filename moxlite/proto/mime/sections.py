"""IMAP section numbers: finds the octets of a section such as `BODY[2.1.MIME]` (RFC 9051 §6.4.5.1) by the structure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from .types import Part, Structure

Kind: TypeAlias = Literal["", "HEADER", "TEXT", "MIME"]


class Section(NamedTuple):
    """Octets `start` to `end` of the message, prefix included.

    `content_fields`: the octets are a header of which only `headers.select_content_fields` is the section (IMAP-98: the
    MIME header of part 1 of a message that is not multipart).
    """

    start: int
    end: int
    content_fields: bool = False


def find_part(structure: Structure, numbers: Sequence[int]) -> Part | None:
    """The part with a section number; the root without numbers, None if there is no such part."""
    found = _find(structure.root, numbers)
    return None if found is None else found[0]


def _find(root: Part, numbers: Sequence[int]) -> tuple[Part, bool] | None:
    """The part, and whether it is the only part of a message (number 1 of a message that is not multipart)."""
    part = root
    is_message = True  # `part` is a whole message, which has a part 1 even if it is not multipart
    only = False
    for number in numbers:
        if part.message is not None and not is_message:
            part = part.message.root
            is_message = True
        only = False
        if part.parts:
            if not 1 <= number <= len(part.parts):
                return None
            part = part.parts[number - 1]
        elif is_message and number == 1:
            only = True
        else:
            return None
        is_message = False
    return part, only


def find_section(structure: Structure, numbers: Sequence[int], kind: Kind = "") -> Section | None:
    """The octets of a section; None if there is no such part or it does not have this section (IMAP-97).

    HEADER.FIELDS is cut by the caller from HEADER with `headers.select_fields`.
    """
    if not numbers:
        root = structure.root
        if kind == "":
            return Section(0, structure.size)
        if kind == "HEADER":
            return Section(root.header, root.body)
        return Section(root.body, root.end) if kind == "TEXT" else None
    found = _find(structure.root, numbers)
    if found is None:
        return None
    part, only = found
    if kind == "MIME":
        return Section(part.header, part.body, only)
    if kind == "":
        return Section(part.body, part.end)
    if part.message is None:
        return None
    root = part.message.root
    return Section(root.header, root.body) if kind == "HEADER" else Section(root.body, root.end)
