"""The forms in which blocks are stored: whole, as a delta, sealed (STORE-183)."""

import hashlib
import hmac
from typing import Final

import zstandard

from moxlite.store.backup.errors import RepositoryError
from moxlite.store.backup.sealing import Opener, Sealer

BLOCK: Final = 64 << 10
"""Octets of a block: 16 pages. Smaller ones would make the manifests long, larger ones store more for each page."""

LEVEL: Final = 3
"""Bodies are compressed already, the rest is small (design-facts §2)."""


class Forms:
    """The forms of one repository.

    Args:
      sealer: encrypts, None for a plain repository.
      opener: decrypts, None when the identity is not at hand.
    """

    def __init__(self, sealer: Sealer | None, opener: Opener | None) -> None:
        self._sealer = sealer
        self._opener = opener
        self._compressor = zstandard.ZstdCompressor(level=LEVEL)
        self._decompressor = zstandard.ZstdDecompressor()

    @property
    def sealed(self) -> bool:
        """Whether blocks are encrypted: then there are no deltas."""
        return self._sealer is not None

    @property
    def readable(self) -> bool:
        """Whether blocks can be read: they are plain, or the identity is at hand."""
        return self._sealer is None or self._opener is not None

    def name_of(self, block: bytes) -> bytes:
        """The name that a block has."""
        if self._sealer is not None:
            return hmac.digest(self._sealer.name_key, block, "sha256")
        return hashlib.sha256(block).digest()

    def whole(self, block: bytes) -> bytes:
        """The form that needs no other block."""
        data = self._compressor.compress(block)
        return data if self._sealer is None else self._sealer.seal(data)

    def delta(self, block: bytes, base: bytes) -> bytes:
        """The form that needs `base`."""
        return zstandard.ZstdCompressor(level=LEVEL, dict_data=_dictionary(base)).compress(block)

    def opened(self, data: bytes) -> bytes:
        """Compressed octets. Raises RepositoryError: they are encrypted, and no identity is at hand."""
        if self._sealer is None:
            return data
        if self._opener is None:
            raise RepositoryError("the repository is encrypted: an identity is needed")
        return self._opener.open(data)

    def block(self, name: bytes, data: bytes, base: bytes | None) -> bytes:
        """The block of compressed octets. Raises RepositoryError: they are damaged."""
        decompressor = self._decompressor
        if base is not None:
            decompressor = zstandard.ZstdDecompressor(dict_data=_dictionary(base))
        try:
            return decompressor.decompress(data, max_output_size=BLOCK)
        except zstandard.ZstdError as error:
            raise RepositoryError(f"block {name.hex()} is damaged: {error}") from error


def _dictionary(base: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
