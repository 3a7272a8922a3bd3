"""TNEF as Outlook writes it, for tests: few of its attributes."""

import base64

__all__ = ["SIGNATURE", "attribute", "mail", "packed_rtf", "properties", "tnef"]

SIGNATURE = 0x223E9F78.to_bytes(4, "little") + b"\1\0"


def number(value: int) -> bytes:
    return value.to_bytes(4, "little")


def attribute(level: int, name: int, data: bytes) -> bytes:
    """An attribute with its checksum."""
    return bytes([level]) + number(name) + number(len(data)) + data + (sum(data) & 0xFFFF).to_bytes(2, "little")


def properties(values: dict[int, str | bytes]) -> bytes:
    """MAPI properties: texts in UTF-16, octets, and before them a number, a time and a named one."""
    found = [number(0x0E200003) + number(7), number(0x30070040) + bytes(8)]
    found.append(number(0x80010003) + bytes(16) + number(0) + number(5) + number(9))
    for name, value in values.items():
        data = value if isinstance(value, bytes) else f"{value}\0".encode("utf-16-le")
        kind = 0x102 if isinstance(value, bytes) else 0x1F
        found.append(number(name << 16 | kind) + number(1) + number(len(data)) + data + bytes(-len(data) % 4))
    return number(len(found)) + b"".join(found)


def packed_rtf(text: bytes, *, compress: bool = True) -> bytes:
    """RTF in the form of Outlook; a reference to what was just written stands for what repeats (MS-OXRTFCP)."""
    if not compress:
        return number(len(text) + 12) + number(len(text)) + b"MELA" + bytes(4) + text
    tokens: list[bytes] = []
    at, begin = 0, 207  # octets that references may lead to before there is any text
    while at < len(text):
        length = next(
            (size for size in range(17, 2, -1) if 0 <= text.rfind(text[at : at + size], 0, at) <= at - size), 0
        )
        place = text.rfind(text[at : at + length], 0, at) if length and at + length <= len(text) else -1
        if place >= 0:
            tokens.append(((begin + place) % 4096 << 4 | length - 2).to_bytes(2, "big"))
            at += length
        else:
            tokens.append(text[at : at + 1])
            at += 1
    tokens.append(((begin + len(text)) % 4096 << 4).to_bytes(2, "big"))  # the end
    packed = b""
    for first in range(0, len(tokens), 8):
        group = tokens[first : first + 8]
        packed += bytes([sum(1 << bit for bit, token in enumerate(group) if len(token) == 2)]) + b"".join(group)
    return number(len(packed) + 12) + number(len(text)) + b"LZFu" + bytes(4) + packed


def tnef(files: list[tuple[str, bytes]], *, by_properties: bool = True) -> bytes:
    """TNEF with these files."""
    octets = SIGNATURE + attribute(1, 0x69007, number(65001) + bytes(4))
    for name, data in files:
        octets += attribute(2, 0x69002, bytes(14)) + attribute(2, 0x18010, f"{name}\0".encode())
        if by_properties:
            octets += attribute(2, 0x69005, properties({0x3707: name, 0x3701: data}))
        else:
            octets += attribute(2, 0x6800F, data)
    return octets


def mail(octets: bytes, fields: bytes = b"") -> bytes:
    """A mail with TNEF alone."""
    head = b"Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return fields + head + base64.encodebytes(octets).replace(b"\n", b"\r\n")
