"""Two-step log-in in the web apps (WEB-151): the second step, security keys (WebAuthn), QR codes.

The API calls are in `web.logincalls` and `web.factorcalls`. Checking a factor and counting guesses is
`logins.secondfactor`; stored factors are in `store.auth.factors`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import msgspec
import trio

from moxlite.encoding import from_json
from moxlite.lazyimport import load
from moxlite.logins.identity import Identity, LoginRequest
from moxlite.logins.secondfactor import FactorKind, SecondFactors, VerifyKey
from moxlite.store.auth.factors import SecurityKey
from moxlite.web.errors import LoginFailed
from moxlite.web.types import KeyElsewhere, SecondStep

if TYPE_CHECKING:
    from webauthn.helpers import structs

    from moxlite.store.auth.factors import Factors
    from moxlite.web.http.exchange import Request


# Values that wait in memory for the browser's next call, such as challenges and begun set-ups; bounded in time and
# number.


T = TypeVar("T")

LIFE: Final = 300.0
"""Seconds to the next call; finding a phone or key takes a user one or two minutes."""

MAX: Final = 4000
"""Values of one kind, 2 KiB each; the oldest makes way."""

MAX_EACH: Final = 200
"""Values of one account, so that one account does not displace the values of others."""


class Pending(Generic[T]):
    """Values by key. A restart forgets them: the user begins again."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[float, str, T]] = {}

    def put(self, key: Hashable, value: T, account: str) -> None:
        """Keep a value of an account for `LIFE` seconds, in place of an earlier one."""
        self._kept.pop(key, None)
        own = [kept for kept, (_, owner, _) in self._kept.items() if owner == account]
        if len(own) >= MAX_EACH:
            del self._kept[own[0]]
        while len(self._kept) >= MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (trio.current_time() + LIFE, account, value)

    def get(self, key: Hashable) -> T | None:
        """The value; None if there is no such value, or it is too old."""
        until, _, value = self._kept.get(key, (0.0, "", None))
        return value if trio.current_time() < until else None

    def take(self, key: Hashable) -> T | None:
        """As `get`; the value cannot be had again."""
        value = self.get(key)
        self._kept.pop(key, None)
        return value


MAX_GUESSES: Final = 10
"""Wrong factors of one log-in; then the password is asked for again."""

TOO_OLD: Final = "Your login timed out, or the server was restarted. Enter your password again."
LOST: Final = (
    "Two-step verification is on, but this account has no verification methods. Ask your administrator to run: "
    "moxlite account reset-second-factor"
)


class _PendingLogin(msgspec.Struct):
    """A log-in whose password was right. `ceremony`: for its keys, until it is used up."""

    identity: Identity
    ceremony: Ceremony | None
    guesses: int = 0


class SecondSteps:
    """Log-ins of one app that wait for a second factor."""

    def __init__(self, factors: SecondFactors) -> None:
        self._factors = factors
        self._begun: Pending[_PendingLogin] = Pending()
        self._confirming: Pending[Ceremony] = Pending()

    async def begin(self, request: Request, identity: Identity) -> SecondStep:
        """Begin the second step of a log-in whose password was right.

        Raises:
          LoginFailed: no factor is left.
          StoreError
        """
        factors = await self._factors.of(identity.account)
        if not factors:
            raise LoginFailed(LOST)
        token = secrets.token_urlsafe(16)
        # Only users whose password was right come here, so strangers cannot fill the places.
        step, ceremony = await _offer(request, factors, token)
        self._begun.put(token, _PendingLogin(identity, ceremony), identity.account)
        return step

    async def finish(self, request: Request, origin: LoginRequest, token: str, kind: FactorKind, code: str) -> Identity:
        """Check the second factor of the log-in that `token` belongs to; returns who has logged in.

        Raises:
          LoginFailed: the token is too old, or had too many wrong factors.
          LoginRefused: see `SecondFactors.check`.
          StoreError
        """
        begun = self._begun.get(token)
        if begun is None or begun.guesses >= MAX_GUESSES:
            raise LoginFailed(TOO_OLD)
        begun.guesses += 1  # before the check: parallel guesses count
        ceremony = None
        if kind == "key":
            ceremony, begun.ceremony = begun.ceremony, None  # a challenge serves once
        verify = _verifier(ceremony, code)
        await self._factors.check(origin, begun.identity, kind, code, mechanism="weblogin", verify_key=verify)
        if self._begun.take(token) is None:
            raise LoginFailed(TOO_OLD)  # a parallel call has begun the session
        return begun.identity

    async def offer(self, request: Request, account: str, session_id: int) -> SecondStep:
        """The second factors by which a user may confirm in a session. Raises StoreError."""
        step, ceremony = await _offer(request, await self._factors.of(account), "")
        if ceremony is not None:
            self._confirming.put(session_id, ceremony, account)
        return step

    async def confirm(
        self, origin: LoginRequest, session_id: int, identity: Identity, kind: FactorKind, code: str
    ) -> None:
        """Check a second factor of the user of a session. Raises as `SecondFactors.check`."""
        verify = _verifier(self._confirming.take(session_id) if kind == "key" else None, code)
        await self._factors.check(origin, identity, kind, code, mechanism="webconfirm", verify_key=verify)


async def _offer(request: Request, factors: Factors, token: str) -> tuple[SecondStep, Ceremony | None]:
    host = host_of(request)
    security_keys = [key for key in factors.keys if key.host == host]
    ceremony, asked = await begin_assertion(request, security_keys) if security_keys else (None, "")
    step = SecondStep(
        token=token,
        apps=[app.name for app in factors.apps],
        keys=[key.name for key in security_keys],
        keys_elsewhere=[KeyElsewhere(key.name, key.host) for key in factors.keys if key.host != host],
        key_request=asked,
        codes=factors.codes > 0,
        server_time=time.time_ns() // 1_000_000,
    )
    return step, ceremony


def _verifier(ceremony: Ceremony | None, answer: str) -> VerifyKey | None:
    return None if ceremony is None else partial(_verified, ceremony, answer)


async def _verified(ceremony: Ceremony, answer: str, known: tuple[SecurityKey, ...]) -> tuple[SecurityKey, int] | None:
    try:
        return await verify(ceremony, answer, known)
    except BadAnswer:
        return None


# Security keys and passkeys as second factor (W3C WebAuthn Level 2), by the package ``webauthn``.
#
# A key is bound to a host name (RP ID): a page at another name, or at an IP address, cannot use it, so a look-alike
# site gets nothing. The browser offers keys on https pages only, and on localhost. Attestation is not asked for: the
# maker of a key does not matter. User verification (a PIN) is not asked for, because the password came before.

TIMEOUT_MS: Final = 240_000
"""Milliseconds that the browser waits for a key; less than `LIFE`."""

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
    transports = tuple(transport for transport in TRANSPORTS if transport in named)
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
    key = next(
        (
            security_key
            for security_key in keys
            if security_key.credential == used and security_key.host == ceremony.host
        ),
        None,
    )
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
        raise BadAnswer("security keys require a host name and HTTPS")
    return Ceremony(secrets.token_bytes(CHALLENGE_SIZE), host, request.origin)


def _descriptors(keys: Sequence[SecurityKey]) -> list[structs.PublicKeyCredentialDescriptor]:
    from webauthn.helpers import structs

    return [
        structs.PublicKeyCredentialDescriptor(
            id=key.credential,
            transports=[structs.AuthenticatorTransport(transport) for transport in key.transports] or None,
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


# QR codes (ISO/IEC 18004) for pages, by the package segno, imported at the first use.
#
# The page draws the path in an SVG of its own: its policy allows no markup from elsewhere.


class QRCode(msgspec.Struct, frozen=True):
    """A QR code: `size` is its width in modules, with the quiet zone of 4; `path` draws the dark modules as strokes of
    width 1 (SVG path data), in lines at half modules.
    """

    size: int
    path: str


async def qr_code(text: str) -> QRCode:
    """Make the QR code of `text`, 2,300 octets at most, with 15 % error correction. Raises ValueError."""
    await load("segno")
    # segno is written in Python and tries eight masks: 30 ms for a link
    return await trio.to_thread.run_sync(_qr_code, text)


def _qr_code(text: str) -> QRCode:
    import segno

    code = segno.make(text, error="m", micro=False, boost_error=False)
    border = code.default_border_size
    strokes: list[str] = []
    for y, row in enumerate(code.matrix):
        x = 0
        while x < len(row):
            end = x
            while end < len(row) and row[end]:
                end += 1
            if end > x:
                strokes.append(f"M{x + border} {y + border}.5h{end - x}")
            x = end + 1
    return QRCode(len(code.matrix) + 2 * border, "".join(strokes))
