"""Time-based one-time passwords (TOTP, RFC 6238, on HOTP of RFC 4226), and the address by which an app takes a secret.

A code belongs to a time step of 30 seconds. `matching_step` returns the step, because a server must not take a code
twice (RFC 6238 §5.2); storing it is in `moxlite.store.auth.factors`.
"""

import base64
import hmac
import secrets
import struct
from typing import Final
from urllib.parse import quote, urlencode

PERIOD: Final = 30
"""Seconds of a time step; apps support no other value reliably (RFC 6238 §5.2)."""

DIGITS: Final = 6
"""Digits of a code. Apps show six, whatever the URI says."""

SECRET_SIZE: Final = 20
"""Octets of a secret (RFC 4226 §4 R6: 160 bits recommended)."""

WINDOW: Final = 1
"""Time steps before and after the current one whose codes are accepted, because a phone's clock may be wrong by 30
seconds.
"""


def new_secret() -> bytes:
    """Make a random secret."""
    return secrets.token_bytes(SECRET_SIZE)


def hotp(secret: bytes, counter: int, *, digits: int = DIGITS, digest: str = "sha1") -> str:
    """Return the code of a counter (RFC 4226 §5.3). `digest` is sha1, sha256 or sha512 (RFC 6238 §1.2)."""
    mac = hmac.digest(secret, struct.pack(">Q", counter), digest)
    offset = mac[-1] & 0x0F
    number = struct.unpack_from(">I", mac, offset)[0] & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def matching_step(secret: bytes, code: str, *, now: float, after: int) -> int | None:
    """Return the time step that `code` belongs to, or None.

    Args:
      now: seconds since 1970.
      after: step of the last code that was taken: the codes of this step and earlier ones are refused.
    """
    present = int(now // PERIOD)
    given = code.encode("utf-8", "replace")
    found = None
    for step in range(present - WINDOW, present + WINDOW + 1):
        # all steps are compared, so that the time taken does not depend on the code
        if hmac.compare_digest(hotp(secret, step).encode(), given) and step > after:
            found = step
    return found


def secret_text(secret: bytes) -> str:
    """Return a secret in base32 without padding, as apps take it when it is typed."""
    return base64.b32encode(secret).decode().rstrip("=")


def totp_uri(secret: bytes, *, issuer: str, label: str) -> str:
    """Return the address in a QR code, for the secret of `label` (a mail address) at `issuer` (a host name), in the
    form of https://github.com/google/google-authenticator/wiki/Key-Uri-Format.
    """
    name = f"{quote(issuer, safe='')}:{quote(label, safe='@')}"
    fields = {"secret": secret_text(secret), "issuer": issuer, "algorithm": "SHA1", "digits": DIGITS, "period": PERIOD}
    return f"otpauth://totp/{name}?{urlencode(fields, quote_via=quote)}"
