"""Requests to push services (RFC 8030), encrypted (RFC 8291) and signed (RFC 8292), for devices and programs alike.

A push service is a stranger: its address came from a browser or a program. So requests have the address rules, deadline
and bounds of webhooks.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.net.httpclient import HTTPError
from moxlite.proto.webpush import BadSubscription, Vapid, check_endpoint, encrypt, make_key

if TYPE_CHECKING:
    from moxlite.net.httpclient import HTTPClient


SECONDS: Final = 10.0
"""Seconds that a push service has to answer."""

MAX_ANSWER: Final = 512
"""Octets read of its answer, which says nothing that counts."""

KEPT: Final = 4 * 3600
"""Seconds for which a push service keeps a message for a device that is off (RFC 8030 §5.2)."""

TOKEN_SECONDS: Final = 12 * 3600
"""Seconds for which a token is valid; 24 hours are allowed (RFC 8292 §2)."""

PADDED: Final = 256
"""Octets to whose multiple an encrypted message is filled up, so that its size does not tell what it says."""

AT_ONCE: Final = 8
"""Requests at a time, of all accounts."""

GONE: Final = (404, 410)
"""Status codes of a subscription that has ended (RFC 8030 §7.3)."""

BUSY: Final = (429, 503)
"""Status codes whose Retry-After counts."""


class Answered(msgspec.Struct, frozen=True):
    """The outcome of a request. `error`: why it was not taken, "" if it was; `gone`: the subscription has ended;
    `pause`: seconds that the service asks for.
    """

    error: str = ""
    gone: bool = False
    pause: int = 0


class PushService:
    """Makes the requests.

    Args:
      http: with the address rules of webhooks.
      secret: gives the key pair by which push services know this server.
      subject: URL by which the operator of a push service reaches us.
    """

    def __init__(self, http: HTTPClient, secret: bytes, subject: str) -> None:
        self._http = http
        self._vapid = Vapid(make_key(secret))
        self._subject = subject
        self._limiter = trio.CapacityLimiter(AT_ONCE)

    @property
    def public_key(self) -> str:
        """See `Vapid`."""
        return self._vapid.public

    async def post(self, address: str, body: bytes, keys: tuple[bytes, bytes] | None, media_type: str) -> Answered:
        """Send a message. `keys`: the public key and the secret to encrypt it with, None to send it as it is."""
        headers = [("Content-Type", media_type), ("TTL", str(KEPT)), ("Urgency", "normal")]
        try:
            origin = check_endpoint(address)
            token = self._vapid.authorization(origin, self._subject, int(time.time()) + TOKEN_SECONDS)
            headers.append(("Authorization", token))
            if keys is not None:
                body = encrypt(body, *keys, salt=secrets.token_bytes(16), padding=-len(body) % PADDED)
                headers.append(("Content-Encoding", "aes128gcm"))
            async with self._limiter:
                answer = await self._http.request(
                    "POST", address, headers=headers, body=body, seconds=SECONDS, max_body=MAX_ANSWER
                )
        except BadSubscription as error:  # written by a newer version
            return Answered(str(error), gone=True)
        except HTTPError as error:
            return Answered(str(error))
        if 200 <= answer.status < 300:
            return Answered()
        pause = answer.header("retry-after") if answer.status in BUSY else ""
        return Answered(
            f"the push service answered with status {answer.status}",
            gone=answer.status in GONE,
            pause=int(pause) if pause.isascii() and pause.isdigit() and len(pause) <= 6 else 0,
        )
