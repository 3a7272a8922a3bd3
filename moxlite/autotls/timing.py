"""Times of certificate renewals, and of new tries after failed orders (WEB-115, WEB-116)."""

import random
from collections.abc import Callable
from typing import Final

from cryptography import x509

from moxlite.autotls.messages import Window

CHECK_SECONDS: Final = 3600.0
"""Shortest time in seconds between two successful orders for one host, and between two requests for its window. If a
CA's window is always over, this limits the orders to one an hour.
"""
DAY: Final = 86400.0
SHORT: Final = 10 * DAY
"""Seconds of lifetime. Shorter certificates are renewed when half of it is left, because noticing a failure takes some
days.
"""
FIRST_PAUSE: Final = 60.0
LONGEST_PAUSE: Final = DAY
"""Seconds between the tries of an order. Let's Encrypt allows 5 failures an hour for a host."""


def lifetime(certificate: x509.Certificate) -> tuple[float, float]:
    """Begin and end of a certificate's validity, in seconds UTC."""
    return certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()


def fallback(certificate: x509.Certificate, before: float | None = None) -> float:
    """The renewal time if the CA names no window, in seconds UTC: at 2/3 of the lifetime, or at 1/2 if it is below 10
    days.

    Args:
      before: configured seconds before the certificate's end, None for `auto`. They are limited to the time between
        half of the lifetime and the default above, so that a certificate is renewed neither continually nor too late.
    """
    begin, end = lifetime(certificate)
    length = end - begin
    usual = begin + length * (1 / 2 if length < SHORT else 2 / 3)
    return usual if before is None else min(max(end - before, begin + length / 2), usual)


def moment(
    certificate: x509.Certificate, window: Window, choose: Callable[[float, float], float] = random.uniform
) -> float | None:
    """A random moment of the CA's window (RFC 9773 §4.2); None if the window cannot be valid."""
    _, end = lifetime(certificate)
    if not 0 <= window.start <= window.end < end:
        return None
    return choose(window.start, window.end)


def ask_again(seconds: float) -> float:
    """Seconds until the next request for the window: as the CA says, between an hour and a day (RFC 9773 §4.3.2)."""
    return min(max(seconds, CHECK_SECONDS), DAY)


def pause(failures: int, retry_after: float | None = None) -> float:
    """Seconds until the next try, after so many failures in a row: 1 min, 2 min … 24 h. At least the CA's Retry-After,
    at most a day.
    """
    own = FIRST_PAUSE * 2.0 ** min(max(failures - 1, 0), 20)
    return min(max(own, retry_after or 0.0), LONGEST_PAUSE)
