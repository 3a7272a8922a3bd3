"""Apple profiles as answers: made when they are asked for, and signed where that can be verified (WEB-126)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import trio
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from moxlite import lazyimport
from moxlite.admin.offer import Offer
from moxlite.net.tls.certificates import KeyPair
from moxlite.web.headers import disposition
from moxlite.web.http.messages import Response

DOCUMENTS: Final = "moxlite.web.discovery.documents"
"""Module with XML and CMS: 4 MB that are not loaded before a client asks."""

NO_STORE: Final = (("cache-control", "no-store"), ("x-content-type-options", "nosniff"))

RSA_OR_EC: Final = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)
"""Types of keys that can sign CMS messages."""


async def profile_response(
    offer: Offer, addresses: Sequence[str], name: str, pair: KeyPair | None, *, password: str = ""
) -> Response:
    """The download of a profile with these addresses, signed if the certificate of the listener is issued by a CA."""
    await lazyimport.load(DOCUMENTS)
    from moxlite.web.discovery.documents import apple_profile, signed

    profile = apple_profile(offer, addresses, name, password)
    if pair is not None and pair.leaf.issuer != pair.leaf.subject and isinstance(pair.key, RSA_OR_EC):
        profile = await trio.to_thread.run_sync(signed, profile, pair)
    headers = (
        ("content-type", "application/x-apple-aspen-config"),
        disposition(f"email-account-{addresses[0]}.mobileconfig"),
        *NO_STORE,
    )
    return Response(200, headers, profile)
