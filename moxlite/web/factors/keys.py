"""Security keys and passkeys as second factor (W3C WebAuthn Level 2), by the package ``webauthn``.

A key is bound to a host name (RP ID): a page at another name, or at an IP address, cannot use it, so a look-alike site
gets nothing. The browser offers keys on https pages only, and on localhost. Attestation is not asked for: the maker
of a key does not matter. User verification (a PIN) is not asked for, because the password came before.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
import trio

from moxlite.decoders import from_json
from moxlite.lazyimport import load
from moxlite.store.auth.factors import SecurityKey

if TYPE_CHECKING:
    from webauthn.helpers import structs

    from moxlite.web.http.exchange import Request

T = TypeVar("T")

TIMEOUT_MS: Final = 240_000
"""Milliseconds that the browser waits for a key; less than `pending.LIFE`."""

TRANSPORTS: Final = ("ble", "hybrid", "internal", "nfc", "smart-card", "usb")
"""Ways to reach a key that browsers name (WebAuthn Level 3 §5.8.4); hints only."""

CHALLENGE_SIZE: Final = 32
"""Octets of a challenge; 16 are the minimum (WebAuthn Level 2 §13.4.3)."""


class BadAnswer(Exception):
    """The browser's answer is not valid, or does not belong to the challenge, host name or key."""


class Ceremony(msgspec.Struct, frozen=True):
    """A ceremony that waits for its answer: `challenge`, the host name that it is bound to, and the page's origin."""

    challenge: bytes
    host: str
    origin: str


class NewKey(msgspec.Struct, frozen=True):
    """A key that a browser has made: credential id, COSE_Key, counter, and how it is reached."""

    credential: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]


class _Transports(msgspec.Struct):
    transports: list[str] = []


class _Created(msgspec.Struct):
    response: _Transports


class _Answer(msgspec.Struct):
    """The part of AuthenticationResponseJSON by which a key is found."""

    id: str


def host_of(request: Request) -> str:
    """The host name that keys made at this page are bound to; "" where browsers offer none: on IP addresses, and
    without TLS except on localhost.
    """
    host = request.host
    if host.name is None or host.is_ip or (request.scheme != "https" and host.name != "localhost"):
        return ""
    return host.name


async def begin_creation(request: Request, user: str, known: Sequence[SecurityKey]) -> tuple[Ceremony, str]:
    """Begin to make a key. Returns the ceremony and PublicKeyCredentialCreationOptionsJSON; `user` is the name that the
    browser shows, keys in `known` are not offered again.
    """
    await load("webauthn")
    import webauthn
    from webauthn.helpers import structs

    ceremony = _ceremony(request)
    options = webauthn.generate_registration_options(
        rp_id=ceremony.host,
        rp_name=ceremony.host,
        user_id=secrets.token_bytes(32),  # says nothing about the user (WebAuthn Level 2 §14.6.1)
        user_name=user,
        user_display_name=user,
        challenge=ceremony.challenge,
        timeout=TIMEOUT_MS,
        attestation=structs.AttestationConveyancePreference.NONE,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.DISCOURAGED,
            user_verification=structs.UserVerificationRequirement.DISCOURAGED,
        ),
        exclude_credentials=_descriptors(known),
    )
    return ceremony, webauthn.options_to_json(options)


async def finish_creation(ceremony: Ceremony, answer: str) -> NewKey:
    """Check the answer to `begin_creation` (RegistrationResponseJSON). Raises BadAnswer."""
    import webauthn

    check = partial(
        webauthn.verify_registration_response,
        credential=answer,
        expected_challenge=ceremony.challenge,
        expected_rp_id=ceremony.host,
        expected_origin=ceremony.origin,
        require_user_verification=False,
    )
    found = await _checked(check)
    try:
        named = from_json(answer, _Created).response.transports
    except msgspec.DecodeError:
        named = []
    transports = tuple(one for one in TRANSPORTS if one in named)
    return NewKey(found.credential_id, found.credential_public_key, found.sign_count, transports)


async def begin_assertion(request: Request, keys: Sequence[SecurityKey]) -> tuple[Ceremony, str]:
    """Begin to use one of `keys`, which are bound to this host name. Returns the ceremony and
    PublicKeyCredentialRequestOptionsJSON.
    """
    await load("webauthn")
    import webauthn
    from webauthn.helpers import structs

    ceremony = _ceremony(request)
    options = webauthn.generate_authentication_options(
        rp_id=ceremony.host,
        challenge=ceremony.challenge,
        timeout=TIMEOUT_MS,
        allow_credentials=_descriptors(keys),
        user_verification=structs.UserVerificationRequirement.DISCOURAGED,
    )
    return ceremony, webauthn.options_to_json(options)


async def verify(ceremony: Ceremony, answer: str, keys: Sequence[SecurityKey]) -> tuple[SecurityKey, int]:
    """Check the answer to `begin_assertion` (AuthenticationResponseJSON). Returns the key that was used, and its new
    counter, which must have grown unless the key does not count (WebAuthn Level 2 §6.1.1). Raises BadAnswer.
    """
    import webauthn

    try:
        used = webauthn.base64url_to_bytes(from_json(answer, _Answer).id)
    except (msgspec.DecodeError, ValueError) as error:
        raise BadAnswer(str(error)) from error
    key = next((one for one in keys if one.credential == used and one.host == ceremony.host), None)
    if key is None:
        raise BadAnswer("unknown key")
    check = partial(
        webauthn.verify_authentication_response,
        credential=answer,
        expected_challenge=ceremony.challenge,
        expected_rp_id=ceremony.host,
        expected_origin=ceremony.origin,
        credential_public_key=key.public_key,
        credential_current_sign_count=key.sign_count,
        require_user_verification=False,
    )
    return key, (await _checked(check)).new_sign_count


def _ceremony(request: Request) -> Ceremony:
    host = host_of(request)
    if not host:
        raise BadAnswer("security keys work at a host name with https only")
    return Ceremony(secrets.token_bytes(CHALLENGE_SIZE), host, request.origin)


def _descriptors(keys: Sequence[SecurityKey]) -> list[structs.PublicKeyCredentialDescriptor]:
    from webauthn.helpers import structs

    return [
        structs.PublicKeyCredentialDescriptor(
            id=key.credential, transports=[structs.AuthenticatorTransport(one) for one in key.transports] or None
        )
        for key in keys
    ]


async def _checked(check: Callable[[], T]) -> T:
    """Run a check of the package in a thread: signatures of RSA keys take milliseconds on a small machine.

    Errors of the package, and of the parsers below on hostile input, become BadAnswer.
    """
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        return await trio.to_thread.run_sync(check)
    except (WebAuthnException, ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        raise BadAnswer(str(error) or type(error).__name__) from error
