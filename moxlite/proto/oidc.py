"""OpenID Connect, the side of the relying party: discovery document, authorization request, answers, ID tokens (OpenID
Connect Core 1.0, OpenID Connect Discovery 1.0, RFC 6749, RFC 7636, RFC 9207).

Octets in, typed values out: requests are made by `logins.provider`. Signatures are verified by the package joserfc,
imported with the first key set (1 MB).

Theory of operation
-------------------
Only the authorization code flow with PKCE and answers in the query. An ID token is accepted if it is a compact JWS
whose algorithm is one of `ALGORITHMS` and fits the key, whose key is in the provider's key set under the token's `kid`,
and whose claims pass all of Core §3.1.3.7. What a token's header says about keys (`jwk`, `jku`, `x5u`, `x5c`) is never
used. Nothing of a token is believed before its signature was verified.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import secrets
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, TypeVar
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec
from msgspec import Meta

from moxlite.encoding import from_builtins, from_json

if TYPE_CHECKING:
    from joserfc.jwk import Key

T = TypeVar("T")

ALGORITHMS: Final[Mapping[str, tuple[str, str]]] = {
    "RS256": ("RSA", "sha256"),
    "RS384": ("RSA", "sha384"),
    "RS512": ("RSA", "sha512"),
    "PS256": ("RSA", "sha256"),
    "PS384": ("RSA", "sha384"),
    "PS512": ("RSA", "sha512"),
    "ES256": ("P-256", "sha256"),
    "ES384": ("P-384", "sha384"),
    "ES512": ("P-521", "sha512"),
    "Ed25519": ("Ed25519", "sha512"),
    "EdDSA": ("Ed25519", "sha512"),
}
"""Algorithms of signatures with their kind of key and hash (RFC 7518 §3.1, RFC 9864). No `none`, and none with a shared
secret: the client secret would sign.
"""

SKEW: Final = 120
"""Seconds that the clocks of provider and server may differ."""

OLDEST: Final = 600
"""Seconds since a token was issued, after which it is refused: ours come directly from the provider."""

MAX_TOKEN: Final = 32 << 10
"""Maximum octets of an ID token; groups of a large firm take a few kilobytes."""

MAX_KEYS: Final = 100
"""Maximum number of keys that are read of a key set."""

RSA_BITS: Final = range(2048, 8193)
"""Sizes of RSA keys: shorter ones are weak (RFC 7518 §3.3), longer ones take long to verify."""

Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[\x20-\x7e]*\Z")]
"""The name of a person (`sub`, Core §2), a session or a token at the provider."""

TYPES: Final = (None, "JWT", "jwt", "id_token+jwt")
"""Values of `typ` in the header of an ID token. Access tokens and logout tokens have others (RFC 8725 §3.11)."""

LOGOUT_TYPES: Final = (None, "JWT", "jwt", "logout+jwt")
"""Values of `typ` in the header of a logout token (Back-Channel Logout 1.0 §2.4)."""

LOGOUT: Final = "http://schemas.openid.net/event/backchannel-logout"
"""The event of a logout token."""


class ProviderAway(Exception):
    """The provider doesn't answer. The text gives the reason, for the log: it may quote the provider."""


class ProviderBroken(ProviderAway):
    """The provider answers with something that says nothing about the person: an error of its own, another document,
    or that it rejects this server.
    """


class OIDCError(Exception):
    """What a browser or the provider has brought cannot be used. The text gives the reason, for the log: it may quote
    the provider.
    """


class NoGuess(OIDCError):
    """An answer or token that can't be used, though it neither tries a code nor forges a signature."""


class UnknownKey(OIDCError):
    """The key of a token isn't in the key set. The provider may have changed its keys since that was fetched."""


class NotGranted(OIDCError):
    """The provider's answer is an error: `code` is that of RFC 6749 §4.1.2.1 or Core §3.1.2.6."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the provider returned the error {code!r}")
        self.code = code


class Provider(msgspec.Struct, frozen=True):
    """The fields of a discovery document that are used (Discovery §3). Those that it lacks have their defaults."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    scopes_supported: tuple[str, ...] = ()
    response_types_supported: tuple[str, ...] = ("code",)
    response_modes_supported: tuple[str, ...] = ("query",)
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    code_challenge_methods_supported: tuple[str, ...] = ("S256",)
    authorization_response_iss_parameter_supported: bool = False
    backchannel_logout_supported: bool = False
    claims_supported: tuple[str, ...] = ()

    @property
    def groups_scope(self) -> str:
        """The scope that brings the claim `groups`. No standard names one: many providers have one of that name, others
        have it in `profile`, and some refuse a scope that they don't know.
        """
        return "groups" if "groups" in self.scopes_supported else "profile"


class AuthorizationRequest(msgspec.Struct, frozen=True):
    """An authorization request that waits for its answer. Each text has 256 random bits."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


class Tokens(msgspec.Struct, frozen=True):
    """The answer of the token endpoint (Core §3.1.3.3)."""

    id_token: str
    token_type: str
    access_token: str = ""


class Claims(msgspec.Struct, frozen=True):
    """The claims of an ID token, as far as they are used (Core §2). Times are seconds since 1970."""

    iss: str
    sub: Name
    aud: str | tuple[str, ...]
    exp: float
    iat: float
    nonce: str
    azp: str | None = None
    at_hash: str | None = None
    auth_time: float | None = None
    nbf: float | None = None
    email: Any = None  # of any type: a provider that sends another one still logs people in (Core §5.1)
    email_verified: Any = None
    groups: Any = None
    acr: Any = None
    amr: Any = None
    sid: Any = None

    @property
    def strengths(self) -> frozenset[str]:
        """How the person was verified: the class and the methods of the authentication, `acr` and `amr` (Core §2)."""
        return frozenset((*_words([self.acr]), *_words(self.amr)))


class UserInfo(msgspec.Struct, frozen=True):
    """The answer of the UserInfo endpoint, as far as it is used (Core §5.3.2)."""

    sub: str
    email: Any = None
    email_verified: Any = None
    groups: Any = None


def verified_address(claims: Claims | UserInfo) -> str:
    """The address that the provider has verified, "" for none: the text "true" is no such promise."""
    return claims.email if isinstance(claims.email, str) and claims.email_verified is True else ""


def memberships(claims: Claims | UserInfo) -> frozenset[str] | None:
    """The groups of the person: a list of texts, or one text. None if the claim is missing, which says nothing about
    groups: a provider leaves it out for another scope, or where it is long (Core §5.6.2).
    """
    if claims.groups is None:
        return None
    return frozenset(_words([claims.groups] if isinstance(claims.groups, str) else claims.groups))


def _words(value: Any) -> list[str]:
    """Strings of a JSON list; empty for any other value."""
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []


class LogoutClaims(msgspec.Struct, frozen=True):
    """The claims of a logout token that are used (Back-Channel Logout 1.0 §2.4). Older providers send no `exp`."""

    iss: str
    aud: str | tuple[str, ...]
    iat: float
    jti: Name
    events: dict[str, dict[str, Any]]
    sub: Name | None = None
    sid: Name | None = None
    exp: float | None = None
    nonce: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str | None = None
    typ: str | None = None


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


class _Failure(msgspec.Struct, frozen=True):
    error: str = ""
    error_description: str = ""


# Discovery


def discovery_url(issuer: str) -> str:
    """The address of the issuer's discovery document (Discovery §4.1)."""
    return issuer.removesuffix("/") + "/.well-known/openid-configuration"


def read_provider(document: bytes, issuer: str) -> Provider:
    """Read a discovery document. Raises OIDCError if it is another issuer's, or the provider lacks what we need."""
    provider = decode_provider(document)
    for problem in shortcomings(provider, issuer):
        raise OIDCError(problem)
    return provider


def decode_provider(document: bytes) -> Provider:
    """Decode a discovery document without judging it. Raises OIDCError for other octets."""
    return _present(document, Provider, "discovery document")


def read_userinfo(body: bytes, subject: str) -> UserInfo:
    """Read what the UserInfo endpoint says about the person of an ID token. Raises OIDCError, also if it is about
    another one (Core §5.3.2).
    """
    userinfo = _present(body, UserInfo, "UserInfo response")
    if userinfo.sub != subject:
        raise OIDCError("the UserInfo response is for another user")
    return userinfo


def shortcomings(provider: Provider, issuer: str) -> Iterator[str]:
    """Why a provider can't be used as this issuer, in words."""
    if provider.issuer != issuer:  # Discovery §4.3: exactly, or tokens of another tenant would be accepted
        yield f"expected issuer {issuer!r}, but the document is from {provider.issuer!r}"
    plain = urlsplit(issuer).scheme == "http"
    endpoints = [provider.authorization_endpoint, provider.token_endpoint, provider.jwks_uri]
    endpoints += filter(None, (provider.userinfo_endpoint, provider.end_session_endpoint))
    for url in endpoints:
        try:
            parts = urlsplit(url)
        except ValueError:  # a host in brackets that isn't an address
            yield f"invalid endpoint URL {url!r}"
            continue
        if parts.scheme not in (("http", "https") if plain else ("https",)) or not parts.hostname or parts.fragment:
            yield f"the endpoint {url!r} isn't an HTTPS URL"
        elif not url.isascii() or not url.isprintable() or " " in url:
            yield f"invalid endpoint URL {url!r}"
    needs = (
        ("code", provider.response_types_supported, "the authorization code flow"),
        ("query", provider.response_modes_supported, "responses in the query"),
        ("S256", provider.code_challenge_methods_supported, "PKCE with S256"),
    )
    for need, offered, words in needs:
        if need not in offered:
            yield f"the provider doesn't offer {words}"
    if not set(ALGORITHMS) & set(provider.id_token_signing_alg_values_supported):
        yield "the provider doesn't support public key signatures"


def restrictions(provider: Provider) -> Iterator[str]:
    """Features that aren't available with a provider that can be used, in words."""
    if not provider.backchannel_logout_supported:
        yield "logging out there doesn't end sessions here"
    if not provider.end_session_endpoint:
        yield "logging out here doesn't log out there"
    if "groups" not in (*provider.scopes_supported, *provider.claims_supported):
        yield "groups are known only if the scope profile includes the claim groups"
    if provider.claims_supported and "auth_time" not in provider.claims_supported:
        yield "users may have to confirm changes with their password, because the claim auth_time isn't listed"


# Authorization request and token request


def begin(redirect_uri: str) -> AuthorizationRequest:
    """Begin a log-in."""
    return AuthorizationRequest(
        secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(32), redirect_uri
    )


def authorization_url(
    provider: Provider, client_id: str, begun: AuthorizationRequest, *, scopes: Sequence[str] = (), again: bool = False
) -> str:
    """The address at which the browser asks the provider (Core §3.1.2.1), for claims of these further `scopes`. With
    `again` the user has to log in there, even if a session of the provider lives.
    """
    challenge = hashlib.sha256(begun.verifier.encode()).digest()
    fields = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": begun.redirect_uri,
        "scope": " ".join(("openid", *scopes)),
        "state": begun.state,
        "nonce": begun.nonce,
        "code_challenge": _base64url(challenge),
        "code_challenge_method": "S256",
    }
    if again:
        fields |= {"prompt": "login", "max_age": "60"}  # with a maximum age, `auth_time` has to be told
    return _with_fields(provider.authorization_endpoint, fields)


def logout_url(provider: Provider, client_id: str, page: str, id_token: str = "") -> str:
    """The address at which the browser logs out there, and comes back to the page (RP-Initiated Logout 1.0 §2); "" if
    the provider has none. With the ID token of the log-in, if it was kept, the provider needn't ask who logs out.
    """
    fields = {"client_id": client_id, "post_logout_redirect_uri": page}
    if id_token:
        fields["id_token_hint"] = id_token
    return provider.end_session_endpoint and _with_fields(provider.end_session_endpoint, fields)


def _with_fields(url: str, fields: Mapping[str, str]) -> str:
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(fields)}"


def check_answer(
    provider: Provider, begun: AuthorizationRequest, *, state: str, iss: str | None, error: str = ""
) -> None:
    """Check what came back with the code (RFC 6749 §10.12, RFC 9207 §2.4), or with an error in its place. Raises
    NoGuess, NotGranted.
    """
    if not hmac.compare_digest(begun.state.encode(), state.encode()):
        raise NoGuess("the response is for a different login attempt")
    if iss is None and provider.authorization_response_iss_parameter_supported:
        raise NoGuess("missing issuer in the response")
    if iss is not None and iss != provider.issuer:
        raise NoGuess(f"unexpected issuer in the response: {iss!r}")
    if error:
        raise NotGranted(error)


def token_request(
    provider: Provider, client_id: str, secret: str, begun: AuthorizationRequest, code: str
) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """Headers and body of the request that changes a code into tokens (RFC 6749 §4.1.3, RFC 7636 §4.5). `secret` is ""
    for a public client.
    """
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": begun.redirect_uri,
        "code_verifier": begun.verifier,
    }
    headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")]
    methods = provider.token_endpoint_auth_methods_supported
    if secret and ("client_secret_basic" in methods or "client_secret_post" not in methods):
        # RFC 6749 §2.3.1: both are form-encoded first
        pair = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
        headers.append(("Authorization", f"Basic {base64.b64encode(pair).decode()}"))
    else:
        fields["client_id"] = client_id
        if secret:
            fields["client_secret"] = secret
    return tuple(headers), urlencode(fields).encode()


def read_tokens(status: int, body: bytes) -> Tokens:
    """Read the answer of the token endpoint. Raises OIDCError if it rejects the code, ProviderBroken for any other
    trouble: most of RFC 6749 §5.2's errors are about this server.
    """
    if status != 200:
        try:
            failure = from_json(body, _Failure)
        except msgspec.DecodeError:
            failure = _Failure()
        words = f"{failure.error} {failure.error_description}".strip()[:200]
        reason = f"the token endpoint returned status {status}{': ' if words else ''}{words}"
        raise OIDCError(reason) if failure.error == "invalid_grant" else ProviderBroken(reason)
    try:
        tokens = _present(body, Tokens, "token endpoint's response")
    except OIDCError as error:
        raise ProviderBroken(str(error)) from error
    if tokens.token_type.lower() != "bearer":
        raise ProviderBroken(f"unexpected token type {tokens.token_type!r}")
    return tokens


# Keys and ID tokens


class Keys:
    """The public keys of a provider (RFC 7517). Keys that cannot be used are left out: of unknown kinds, shared
    secrets, weak ones, those that are not for signatures.
    """

    def __init__(self, document: bytes) -> None:
        """Raises OIDCError. Imports joserfc: in a thread, for it takes 0.3 s."""
        from joserfc import jwk
        from joserfc.errors import JoseError, SecurityWarning

        # Of short keys, which are left out below, and of the name EdDSA (RFC 9864), where the key tells the curve.
        warnings.simplefilter("ignore", SecurityWarning)
        self._keys: list[tuple[str, str | None, str | None, Key]] = []  # kind, kid, alg
        for fields in _decoded(document, _KeySet, "key set").keys[:MAX_KEYS]:
            kind = str(fields.get("crv", "")) if fields.get("kty") in ("EC", "OKP") else str(fields.get("kty"))
            operations = fields.get("key_ops")
            for_signatures = fields.get("use") in (None, "sig") and (operations is None or operations == ["verify"])
            if kind not in {known for known, _ in ALGORITHMS.values()} or "d" in fields or not for_signatures:
                continue
            kid, alg = fields.get("kid"), fields.get("alg")
            if not all(value is None or isinstance(value, str) for value in (kid, alg)):
                continue
            plain = {name: value for name, value in fields.items() if name in ("kty", "crv", "x", "y", "n", "e")}
            try:
                key = jwk.import_key(plain)
                if isinstance(key, jwk.RSAKey) and key.public_key.key_size not in RSA_BITS:
                    continue
            except (JoseError, ValueError, TypeError, AttributeError, binascii.Error, OverflowError):
                continue
            self._keys.append((kind, kid, alg, key))

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, alg: str, kid: str | None) -> Key:
        """The key of a token. Raises UnknownKey, also where several could be meant."""
        kind = ALGORITHMS[alg][0]
        keys = [
            key
            for key_kind, key_id, key_alg, key in self._keys
            if key_kind == kind and (kid is None or key_id == kid) and key_alg in (None, alg)
        ]
        if len(keys) != 1:
            raise UnknownKey(f"expected one {alg} provider key with ID {kid!r}, but found {len(keys)}")
        return keys[0]


def verify(token: str, keys: Keys, *, issuer: str, client_id: str, nonce: str, access_token: str, now: float) -> Claims:
    """Verify an ID token (Core §3.1.3.7); `now` in seconds since 1970. Returns its claims.

    Raises:
      UnknownKey: nothing but the key is known to be wrong.
      OIDCError
    """
    alg, payload = _signed(token, keys, TYPES)
    claims = _decoded(payload, Claims, "ID token")
    _check(claims, issuer=issuer, client_id=client_id, nonce=nonce, now=now)
    if claims.at_hash is not None and not _same(claims.at_hash, _half_hash(alg, access_token)):
        raise OIDCError("the access token doesn't match the ID token")
    return claims


def verify_logout(token: str, keys: Keys, *, issuer: str, client_id: str, now: float) -> LogoutClaims:
    """Verify a logout token (Back-Channel Logout 1.0 §2.6); `now` in seconds since 1970. Returns its claims, of which
    the caller has to compare `jti` with earlier ones. Raises as `verify`.
    """
    _, payload = _signed(token, keys, LOGOUT_TYPES)
    claims = _decoded(payload, LogoutClaims, "logout token")
    _check_origin(claims, issuer=issuer, client_id=client_id, now=now)
    if claims.nonce is not msgspec.UNSET:  # an ID token must not serve as one
        raise OIDCError("unexpected nonce in the logout token")
    if LOGOUT not in claims.events:
        raise OIDCError("missing logout event in the logout token")
    if claims.sub is None and claims.sid is None:
        raise OIDCError("missing subject and session in the logout token")
    return claims


def _signed(token: str, keys: Keys, types: Sequence[str | None]) -> tuple[str, bytes]:
    """Algorithm and payload of a token whose header has one of these types, and whose signature is right."""
    from joserfc import jws
    from joserfc.errors import JoseError

    if len(token) > MAX_TOKEN or not token.isascii() or token.count(".") != 2:
        raise OIDCError("the token isn't a signed JWT")
    header = _decoded(_octets(token.partition(".")[0]), _Header, "token header")
    if header.alg not in ALGORITHMS:
        raise OIDCError(f"unexpected signature algorithm {header.alg!r}")
    if header.typ not in types:
        raise OIDCError(f"unexpected token type {header.typ!r}")
    key = keys.find(header.alg, header.kid)
    registry = jws.JWSRegistry(algorithms=[header.alg], strict_check_header=False)
    try:
        payload = jws.deserialize_compact(token, key, registry=registry).payload
    except (JoseError, ValueError, TypeError, LookupError) as error:
        raise OIDCError(f"invalid token signature: {error}") from error
    _refuse_repeated(payload)
    return header.alg, payload


def _refuse_repeated(payload: bytes) -> None:
    """Claims are unique (RFC 7519 §4): of two with one name, programs read different ones. Raises OIDCError."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        claims = dict(pairs)
        if len(claims) < len(pairs):
            raise OIDCError("the token has a claim twice")
        return claims

    with contextlib.suppress(ValueError, RecursionError):  # `_decoded` says what is wrong then
        json.loads(payload, object_pairs_hook=members)


def _check(claims: Claims, *, issuer: str, client_id: str, nonce: str, now: float) -> None:
    _check_origin(claims, issuer=issuer, client_id=client_id, now=now)
    # one for several programs must say which of them asked for it
    alone = isinstance(claims.aud, str) or len(claims.aud) == 1
    if claims.azp != client_id and (claims.azp is not None or not alone):
        raise OIDCError(f"the ID token was issued to another client: {claims.azp!r}")
    if claims.nbf is not None and now < claims.nbf - SKEW:
        raise OIDCError("the ID token isn't valid yet")
    if claims.auth_time is not None and claims.auth_time > now + SKEW:
        raise OIDCError("the ID token's login time is in the future")
    if not _same(claims.nonce, nonce):
        raise OIDCError("the ID token is for a different login attempt")


def _check_origin(claims: Claims | LogoutClaims, *, issuer: str, client_id: str, now: float) -> None:
    """Claims that both kinds of tokens must have."""
    audience: Sequence[str] = (claims.aud,) if isinstance(claims.aud, str) else claims.aud
    if claims.iss != issuer:
        raise OIDCError(f"unexpected token issuer: {claims.iss!r}")
    if client_id not in audience:
        raise OIDCError(f"unexpected token audience: {', '.join(audience)[:200]!r}")
    if claims.exp is not None and now >= claims.exp + SKEW:
        raise OIDCError("the token has expired")
    if not now - OLDEST - SKEW <= claims.iat <= now + SKEW:
        raise OIDCError("the token is too old or was issued in the future; check the clocks on both servers")


def _half_hash(alg: str, text: str) -> str:
    digest = hashlib.new(ALGORITHMS[alg][1], text.encode()).digest()
    return _base64url(digest[: len(digest) // 2])


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _octets(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise OIDCError("the token isn't valid base64url") from error


def _decoded(document: bytes, kind: type[T], name: str) -> T:
    try:
        return from_json(document, kind)
    except msgspec.DecodeError as error:
        raise OIDCError(f"couldn't read the {name}: {error}") from error


def _present(document: bytes, kind: type[T], name: str) -> T:
    """As `_decoded`, of a document in which members that are null count as absent: many write them so."""
    members = _decoded(document, dict[str, Any], name)
    try:
        return from_builtins({key: value for key, value in members.items() if value is not None}, kind)
    except msgspec.ValidationError as error:
        raise OIDCError(f"couldn't read the {name}: {error}") from error
