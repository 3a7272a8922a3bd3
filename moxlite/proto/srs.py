"""The Sender Rewriting Scheme: sender addresses of forwarded mail at an own domain, from which bounces find their way
back (SRS, https://www.libsrs2.net/srs/srs.pdf; AUTH-114).

The first forwarder writes ``SRS0=HASH=DAY=DOMAIN=LOCALPART``. Each further one writes ``SRS1=HASH=FIRST==REST``: it
names the first forwarder, so that a bounce takes one step from there, however long the way was. The hash proves that
this server has made the address. It has lower case letters and digits, for some servers change case.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from moxlite.proto.address import LOCALPART_LIMIT, Address, AddressError, Domain, check_localpart

VALID_DAYS: Final = 21
"""Days for which a bounce is taken back: queues give up after a week, some a few days later."""

HASH: Final = 8
"""Letters of the hash: 40 bits. A guess is a RCPT of the null sender that is refused; 10^12 of them do not come within
the 21 days of an address.
"""

PERIOD: Final = 1024
"""Days after which the day of an address comes again: two letters of base32."""

DAY: Final = 86_400
"""Seconds of a day, by which an address is dated: two letters then last for years, and a bounce comes within days."""

LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"


class BadReturnAddress(ValueError):
    """The address was not made here, or is too old."""


def is_return_address(localpart: str) -> bool:
    """Whether a localpart has the form of the scheme."""
    return localpart[:5].lower() in {"srs0=", "srs1="}


class SRS:
    """Makes return addresses, and reads them.

    Args:
      keys: of the hashes; the first makes new ones, each is accepted.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def sender_for(self, sender: Address, own: Domain, now: float) -> Address | None:
        """The sender address for a message that is passed on from the domain `own`; None if it would be too long.

        Args:
          now: seconds since 1970.
        """
        local = str(sender.localpart)
        kind = local[:4].lower()
        if kind == "srs0" and len(local) > 5:
            text = self._second(sender.domain.ascii, local[4:])
        elif kind == "srs1" and len(rest := local[5:].split("=", 1)) == 2 and "=" in rest[1]:
            first, _, tail = rest[1].partition("=")
            text = self._second(first.lower(), tail)
        else:
            day = _letters(int(now // DAY) % PERIOD)
            body = f"{day}={sender.domain.ascii}={local}"
            text = f"SRS0={self._hash(self._keys[0], body)}={body}"
        if len(text.encode()) > LOCALPART_LIMIT:
            return None
        try:
            return Address(check_localpart(text), own)
        except AddressError:
            return None

    def _second(self, first: str, tail: str) -> str:
        body = f"{first}={tail}"
        return f"SRS1={self._hash(self._keys[0], body)}={body}"

    def back(self, localpart: str, now: float) -> Address:
        """The address to which a bounce goes on. Raises BadReturnAddress."""
        kind, given, body = localpart[:5].lower(), "", ""
        if is_return_address(localpart):
            given, _, body = localpart[5:].partition("=")
        known = [self._hash(key, body).encode() for key in self._keys]
        if not body or not any(hmac.compare_digest(given.lower().encode(), one) for one in known):
            raise BadReturnAddress("not one of this server's return addresses")
        # It has no day of its own. That of the first forwarder is inside, and checked there: this host passes bounces
        # on to that one alone, so an old address is of no use elsewhere.
        if kind == "srs1=":
            host, _, rest = body.partition("=")
            return _address(f"SRS0{rest}", host)
        day, _, rest = body.partition("=")
        made, today = _number(day), int(now // DAY) % PERIOD
        if made is None or (today - made) % PERIOD > VALID_DAYS:
            raise BadReturnAddress("the return address has expired")
        host, _, local = rest.partition("=")
        return _address(local, host)

    def _hash(self, key: bytes, body: str) -> str:
        digest = hmac.new(key, body.lower().encode(), hashlib.sha256).digest()
        return base64.b32encode(digest).decode().lower()[:HASH]


def _address(local: str, host: str) -> Address:
    try:
        return Address(check_localpart(local), Domain.parse(host))
    except AddressError as error:
        raise BadReturnAddress(str(error)) from None


def _letters(number: int) -> str:
    return LETTERS[number >> 5] + LETTERS[number & 31]


def _number(text: str) -> int | None:
    """The number of two letters; None for others."""
    places = [LETTERS.find(letter) for letter in text.lower()]
    return places[0] << 5 | places[1] if len(places) == 2 and min(places) >= 0 else None
