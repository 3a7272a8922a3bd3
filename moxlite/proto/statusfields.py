"""Fields in the machine-readable parts of reports: delivery status (RFC 3464) and disposition (RFC 8098) notifications,
with internationalized addresses (RFC 6533 §3).
"""

from typing import Final

import idna

MAX_TEXT: Final = 900
"""Octets of a field's text. With the field name, an unfolded line is still below 998 octets."""

_CONTROLS: Final = {**dict.fromkeys(range(0x20), " "), 0x7F: " "}


def status_field(name: str, text: str, utf8: bool) -> str:
    """A field as one line with its CRLF; without `utf8` all but ASCII is replaced."""
    words = " ".join(text.translate(_CONTROLS).split())
    octets = words.encode("utf-8" if utf8 else "ascii", "replace")[:MAX_TEXT]
    return f"{name}: {octets.decode('utf-8', 'ignore')}\r\n"


def typed_address(address: str, kind: str, utf8: bool) -> str:
    """`rfc822;address`, or `utf-8;address` in the form of RFC 6533 §3."""
    if kind.lower() != "utf-8" and (address.isascii() or kind.lower() != "rfc822"):
        return f"{kind};{address}"
    if utf8:
        return f"utf-8;{address}"
    localpart, at, domain = address.rpartition("@")
    if not at:
        localpart, domain = address, ""
    try:
        domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        domain = utf8_xtext(domain)
    return f"utf-8;{utf8_xtext(localpart)}{at}{domain}"


def utf8_xtext(text: str) -> str:
    """Encode text by RFC 6533 §3 (QCHAR, EmbeddedUnicodeChar): all but printable ASCII, and `+`, `=`, `\\`, become
    `\\x{HEX}`.
    """
    return "".join(
        character if "!" <= character <= "~" and character not in "+=\\" else f"\\x{{{ord(character):02X}}}"
        for character in text
    )
