"""CRAM-MD5 (RFC 2195) from stored MD5 states instead of a readable password.

HMAC-MD5 (RFC 2104) hashes one block of `password xor ipad` and one of `password xor opad` before anything else. The
chaining values after these two blocks are all that a server needs, and they are what Dovecot keeps as `{CRAM-MD5}`.
hashlib can neither export nor resume such a state, hence the block function here; it runs three times in a verification
(30 µs each).
"""

import hashlib
import hmac
import secrets as random
import struct
import time
from typing import Final

from moxlite.proto.sasl.plain import decode_text, normalize_username, prepare_password
from moxlite.proto.sasl.types import (
    AuthenticationFailed,
    Challenge,
    Done,
    Malformed,
    NeedCredentials,
    Secrets,
    SecretsMissing,
    Step,
    Withheld,
)

BLOCK: Final = 64  # octets, RFC 1321 §3.4
_INITIAL: Final = struct.pack("<4I", 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)  # RFC 1321 §3.3
_MASK: Final = 0xFFFFFFFF
"""The 32 bits of a word: MD5 adds without a carry beyond them (RFC 1321 §2), and integers of Python have no end."""

# RFC 1321 §3.4: T[i] = floor(2^32 * abs(sin(i+1))). A table, since the result of sin() depends on the platform.
_SINES: Final = struct.unpack(
    ">64I",
    bytes.fromhex(
        "d76aa478e8c7b756242070dbc1bdceeef57c0faf4787c62aa8304613fd469501"
        "698098d88b44f7afffff5bb1895cd7be6b901122fd987193a679438e49b40821"
        "f61e2562c040b340265e5a51e9b6c7aad62f105d02441453d8a1e681e7d3fbc8"
        "21e1cde6c33707d6f4d50d87455a14eda9e3e905fcefa3f8676f02d98d2a4c8a"
        "fffa39428771f6816d9d6122fde5380ca4beea444bdecfa9f6bb4b60bebfbc70"
        "289b7ec6eaa127fad4ef308504881d05d9d4d039e6db99e51fa27cf8c4ac5665"
        "f4292244432aff97ab9423a7fc93a039655b59c38f0ccc92ffeff47d85845dd1"
        "6fa87e4ffe2ce6e0a30143144e0811a1f7537e82bd3af2352ad7d2bbeb86d391"
    ),
)
_SHIFTS: Final = ((7, 12, 17, 22), (5, 9, 14, 20), (4, 11, 16, 23), (6, 10, 15, 21))
# For each of the 64 steps: round, index of the message word, constant, rotation.
_STEPS: Final = tuple(
    (i // 16, (i, 5 * i + 1, 3 * i + 5, 7 * i)[i // 16] % 16, _SINES[i], _SHIFTS[i // 16][i % 4]) for i in range(64)
)


def md5_block(state: bytes, block: bytes) -> bytes:
    """The MD5 chaining value (16 octets) after one more block of 64 octets (RFC 1321 §3.4)."""
    words = struct.unpack("<16I", block)
    a, b, c, d = start = struct.unpack("<4I", state)
    for turn, index, constant, rotation in _STEPS:
        if turn == 0:
            mixed = (b & c) | (~b & d)
        elif turn == 1:
            mixed = (b & d) | (c & ~d)
        elif turn == 2:
            mixed = b ^ c ^ d
        else:
            mixed = c ^ (b | (~d & _MASK))
        total = (a + mixed + words[index] + constant) & _MASK
        a, d, c = d, c, b
        b = (b + ((total << rotation) | (total >> (32 - rotation)))) & _MASK
    return struct.pack("<4I", *((x + y) & _MASK for x, y in zip(start, (a, b, c, d), strict=True)))


def _resume(state: bytes, message: bytes) -> bytes:
    """MD5 of one block, already in `state`, followed by `message`."""
    length = BLOCK + len(message)
    padded = message + b"\x80" + b"\0" * ((55 - length) % BLOCK) + struct.pack("<Q", length * 8)
    for start in range(0, len(padded), BLOCK):
        state = md5_block(state, padded[start : start + BLOCK])
    return state


def cram_md5_states(password: str) -> bytes:
    """The inner and the outer chaining value of HMAC-MD5 keyed by the prepared password: 16 + 16 octets."""
    key = password.encode()
    if len(key) > BLOCK:
        key = hashlib.md5(key, usedforsecurity=False).digest()
    key = key.ljust(BLOCK, b"\0")
    inner, outer = (md5_block(_INITIAL, bytes(octet ^ pad for octet in key)) for pad in (0x36, 0x5C))
    return inner + outer


def hmac_md5_resumed(states: bytes, message: bytes) -> bytes:
    """HMAC-MD5 of `message`, keyed by the password whose chaining values are `states`."""
    return _resume(states[16:], _resume(states[:16], message))


class CramMD5Server:
    """Server side of CRAM-MD5."""

    name: Final = "CRAM-MD5"

    def __init__(self, hostname: str, *, challenge: bytes | None = None) -> None:
        """Create a unique challenge in the form of RFC 2195 §2, unless a test passes `challenge`."""
        # Never the same twice, else an answer that was heard on one connection could be sent on another (RFC 2195 §2).
        self._challenge = challenge or f"<{random.randbits(64)}.{int(time.time())}@{hostname}>".encode()
        self._sent = False
        self._username = ""
        self._digest = b""

    def step(self, data: bytes | None) -> Step:
        """Send the challenge, then read `username SPACE hexdigest`."""
        if not self._sent:
            if data is not None:
                raise Malformed("CRAM-MD5 doesn't support an initial response")
            self._sent = True
            return Challenge(self._challenge)
        username, space, digest = (data or b"").rpartition(b" ")
        if not space or not username or len(digest) != 32:
            raise Malformed("CRAM-MD5 response must be a user name, a space, and 32 hexadecimal digits")
        self._username = normalize_username(decode_text(username))
        self._digest = digest.lower()
        return NeedCredentials(self._username)

    def credentials(self, *secrets: Secrets) -> Step:
        """Verify: 50 µs for each password. Raises AuthenticationFailed, Withheld, SecretsMissing."""
        states = [(place, secret.cram_md5) for place, secret in enumerate(secrets) if secret.cram_md5 is not None]
        if not states:
            raise SecretsMissing("no CRAM-MD5 secret stored")
        chosen: int | None = None
        for place, state in states:  # all passwords, so that the time does not reveal which one matched
            expected = hmac_md5_resumed(state, self._challenge).hex().encode()
            if hmac.compare_digest(expected, self._digest):
                chosen = place
        if chosen is None or secrets[chosen].withheld:
            raise (AuthenticationFailed if chosen is None else Withheld)("bad user or password")
        return Done(self._username, chosen)


class CramMD5Client:
    """Client side of CRAM-MD5."""

    name: Final = "CRAM-MD5"

    def __init__(self, username: str, password: str) -> None:
        self._username = normalize_username(username).encode()
        self._password = prepare_password(password).encode()
        self._answered = False

    def initial(self) -> None:
        """Return None: the server sends first."""
        return

    def step(self, challenge: bytes) -> bytes:
        """The user name and the HMAC of the challenge."""
        if self._answered:
            raise Malformed("unexpected CRAM-MD5 challenge")
        self._answered = True
        return self._username + b" " + hmac.new(self._password, challenge, "md5").hexdigest().encode()

    def finish(self) -> None:
        """Raise Malformed if the server reported success without a response."""
        if not self._answered:
            raise Malformed("server ended CRAM-MD5 login early")
