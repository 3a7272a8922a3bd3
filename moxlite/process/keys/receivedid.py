"""The opaque id of a connection in Received headers and error pages (SMTP-9, WEB-8).

Connection ids consist of milliseconds and counters. Shown unchanged, they would reveal when the server started and how
busy it is. So others see one AES block instead, which ``moxlite cid`` decrypts.
"""

import base64
import binascii
import struct
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from moxlite.safefile import key_file

KEY_FILE: Final = "receivedid.key"
AES_KEY: Final = 16
INSTALL: Final = 8
KEY_SIZE: Final = AES_KEY + INSTALL
"""Octets of the file: the AES-128 key, and 8 octets that mark the ids of this installation."""


class ReceivedID:
    """Converts connection ids into ids of 22 characters, and back."""

    def __init__(self, key: bytes) -> None:
        # One block, never two with the same content: plain AES is the right mode here.
        self._cipher: Final = Cipher(algorithms.AES(key[:AES_KEY]), modes.ECB())  # noqa: S305
        self._install: Final = key[AES_KEY:]

    def encode(self, cid: int) -> str:
        """The id of a connection, as others see it."""
        block = self._install + struct.pack(">Q", cid & 0xFFFFFFFFFFFFFFFF)
        return base64.urlsafe_b64encode(self._cipher.encryptor().update(block)).rstrip(b"=").decode()

    def decode(self, text: str) -> int | None:
        """The connection id; None for an id of another installation."""
        try:
            block = base64.urlsafe_b64decode(text + "==")
        except (binascii.Error, ValueError):
            return None
        if len(block) != INSTALL + 8:
            return None
        plain = self._cipher.decryptor().update(block)
        if plain[:INSTALL] != self._install:
            return None
        (cid,) = struct.unpack(">Q", plain[INSTALL:])
        return int(cid)


def load_key(data_dir: Path, *, create: bool = True) -> bytes:
    """The key of this installation, made if it is missing.

    Raises:
      OSError: it can neither be read nor made, or isn't a key.
    """
    path = data_dir / KEY_FILE
    key = key_file(path, KEY_SIZE, create=create)
    if len(key) != KEY_SIZE:
        raise OSError(f"{path} must have {KEY_SIZE} octets: restore it from a backup or remove it")
    return key
