"""When a certificate is renewed, and when an order that failed is tried again (WEB-115, WEB-116)."""

import random
from collections.abc import Callable
from typing import Final

from cryptography import x509

from moxlite.autotls.messages import Window

__all__ = ["CHECK_SECONDS", "ask_again", "fallback", "moment", "pause"]

CHECK_SECONDS: Final = 3600.0
"""The shortest time between two orders that succeed for one host, and between two questions about its window: a CA
whose window is always over costs an order an hour, not one after the other.
"""
DAY: Final = 86400.0
SHORT: Final = 10 * DAY
"""Lifetime below which half of it must be left for renewal: some days are needed to notice that it fails."""
FIRST_PAUSE: Final = 60.0
LONGEST_PAUSE: Final = DAY
"""Seconds between the tries of an order. Let's Encrypt allows 5 failures an hour for a host."""


def lifetime(certificate: x509.Certificate) -> tuple[float, float]:
    """When a certificate begins and ends, in seconds UTC."""
    return certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()


def fallback(certificate: x509.Certificate, before: float | None = None) -> float:
    """When to renew where the CA does not say: at 2/3 of the lifetime, at 1/2 of one below 10 days.

    Args:
      before: seconds before its end, as configured, None for `auto`. It counts between half of the lifetime and the
        moment above, so that a certificate is neither renewed for ever nor too late.
    """
    begin, end = lifetime(certificate)
    length = end - begin
    usual = begin + length * (1 / 2 if length < SHORT else 2 / 3)
    return usual if before is None else min(max(end - before, begin + length / 2), usual)


def moment(
    certificate: x509.Certificate, window: Window, choose: Callable[[float, float], float] = random.uniform
) -> float | None:
    """A random moment of the CA's window (RFC 9773 §4.2); None if the window cannot be meant."""
    _, end = lifetime(certificate)
    if not 0 <= window.start <= window.end < end:
        return None
    return choose(window.start, window.end)


def ask_again(seconds: float) -> float:
    """After how long to ask about the window again: as the CA says, between an hour and a day (RFC 9773 §4.3.2)."""
    return min(max(seconds, CHECK_SECONDS), DAY)


def pause(failures: int, retry_after: float | None = None) -> float:
    """Seconds until the next try, after so many failures one after the other: 1 min, 2 min … 24 h, at least what the CA
    asks for, a day at most.
    """
    own = FIRST_PAUSE * 2.0 ** min(max(failures - 1, 0), 20)
    return min(max(own, retry_after or 0.0), LONGEST_PAUSE)
