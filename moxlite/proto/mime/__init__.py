"""MIME (RFC 2045..2049, 5322): scanner of byte offsets, structure, envelope, encoded words, charsets, text, composing.

Octets in, values out; values in, octets out. I/O and the store do not belong here.
"""

from .structure import scan
from .types import (
    PARSE_VERSION,
    EmbeddedMessage,
    Envelope,
    MailAddress,
    MIMEError,
    Parameter,
    Part,
    Structure,
    decode_structure,
    encode_structure,
)

__all__ = [
    "PARSE_VERSION",
    "EmbeddedMessage",
    "Envelope",
    "MIMEError",
    "MailAddress",
    "Parameter",
    "Part",
    "Structure",
    "decode_structure",
    "encode_structure",
    "scan",
]
