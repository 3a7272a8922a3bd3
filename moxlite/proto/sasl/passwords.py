"""Preparation of user names and passwords before they're compared or hashed (RFC 8265).

Passwords follow the PRECIS profile OpaqueString: NFC, other spaces become U+0020, no control characters, not empty.
User names are mail addresses here, so they are only normalized to NFC; the configuration maps them to accounts.
"""

import unicodedata
from typing import Final

PASSWORD_LIMIT: Final = 1024  # characters; the store accepts at most 256 octets (STORE-100)


def prepare_password(text: str) -> str:
    """The OpaqueString form; raises ValueError if `text` is empty or holds forbidden characters."""
    if 0 < len(text) <= PASSWORD_LIMIT and text.isascii() and text.isprintable():
        return text  # the profile does not change printable ASCII
    if len(text) > PASSWORD_LIMIT:
        raise ValueError("password too long")
    from precis_i18n import get_profile  # 0.3 MB that few passwords need

    try:
        return str(get_profile("OpaqueString").enforce(text))
    except UnicodeError as error:
        raise ValueError("password holds characters that cannot be used") from error


def normalize_username(text: str) -> str:
    """The name in NFC."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
