"""A second opinion on DKIM signatures of our own: dkimpy verifies them (AUTH-130). Pure, and blocking.

It never sees mail of others: its canonicalisation takes minutes on crafted mail (design-facts §7). For Ed25519
dkimpy needs PyNaCl, a package with a library of its own; the one operation that it asks of it is given to it here by
`cryptography`. Everything else, from reading the header to canonicalisation and hashes, is dkimpy's.
"""

import base64
import logging
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Final

import dkim
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAX_OCTETS: Final = 65_536
"""Octets of the longest message that is judged."""

MAX_SIGNATURES: Final = 20
"""Signatures judged; a domain of ours has one for each selector that signs."""


class Opinion(msgspec.Struct, frozen=True):
    """Result for one signature. `problem`: dkimpy's words, "" if the signature is valid."""

    domain: str
    selector: str
    problem: str = ""


def key_names(octets: bytes) -> list[str]:
    """The absolute names of the keys of a message's signatures, topmost first; unreadable ones are left out."""
    found: list[str] = []
    for index in range(_number(octets)):
        one = _message(octets)
        try:
            if one.verify_headerprep(index):
                found.append(f"{one.selector.decode()}._domainkey.{one.domain.decode()}.".lower())
        except (dkim.DKIMException, ValueError):
            continue
    return found


def judge(octets: bytes, records: Mapping[str, str]) -> list[Opinion]:
    """Verify each signature of a message of our own, topmost first. Blocks, 2 ms for each.

    Args:
      records: TXT records by the names of `key_names`. Signatures without a record are left out.

    Raises ValueError: the message is longer than `MAX_OCTETS`.
    """
    opinions: list[Opinion] = []
    for index in range(_number(octets)):
        words = _LastLine()
        one = _message(octets, words)
        try:
            fields = one.verify_headerprep(index)
            name = f"{one.selector.decode()}._domainkey.{one.domain.decode()}.".lower()
            if not fields or name not in records:
                continue
            valid = one.verify(index, dnsfunc=lambda name, timeout=0: records[name.decode().lower()].encode())
            problem = "" if valid else words.last or "the signature doesn't match the key in DNS"
        except (dkim.DKIMException, ValueError) as error:
            problem = str(error) or type(error).__name__
        opinions.append(Opinion(_text(one.domain), _text(one.selector), problem))
    return opinions


class _LastLine(logging.Handler):
    """Keeps the last line that dkimpy logs: the reason for a failure."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()


def _message(octets: bytes, words: _LastLine | None = None) -> dkim.DKIM:
    if len(octets) > MAX_OCTETS:
        raise ValueError("message too large to verify a second time")
    logger = logging.Logger("dkimpy", logging.ERROR)  # of its own: nothing comes into the server's log
    logger.addHandler(words or logging.NullHandler())
    return dkim.DKIM(octets, logger=logger)


def _number(octets: bytes) -> int:
    names: Sequence[bytes] = [name.lower() for name, _ in _message(octets).headers]
    return min(names.count(b"dkim-signature"), MAX_SIGNATURES)


def _text(octets: bytes | None) -> str:
    return (octets or b"").decode("ascii", "replace")


class _BadSignature(Exception):
    """As PyNaCl's ``BadSignatureError``."""


class _VerifyKey:
    """As PyNaCl's ``VerifyKey``, with a key in base 64."""

    def __init__(self, key: bytes, encoder: object) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))

    def verify(self, digest: bytes, signature: bytes) -> None:
        try:
            self._key.verify(signature, digest)
        except InvalidSignature:
            raise _BadSignature from None


if not hasattr(dkim, "nacl"):
    dkim.nacl = SimpleNamespace(
        signing=SimpleNamespace(VerifyKey=_VerifyKey),
        encoding=SimpleNamespace(Base64Encoder=None),
        exceptions=SimpleNamespace(BadSignatureError=_BadSignature, ValueError=ValueError),
    )
