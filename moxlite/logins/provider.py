"""Requests to the login provider: its discovery document and keys, the change of a code into an ID token, and UserInfo
(WEB-180).

What is read is judged by `proto.oidc`. A redirect is no answer, so that no provider sends us to another host.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
import trio

from moxlite.lazyimport import load
from moxlite.logins.identity import FactorNeeded, Identity, LoginRequest, WrongCredentials
from moxlite.net.httpclient import HTTPClient, HTTPError, HTTPResponse
from moxlite.proto.oidc import (
    OLDEST,
    SKEW,
    AuthorizationRequest,
    Claims,
    Keys,
    LogoutClaims,
    NoGuess,
    OIDCError,
    Provider,
    ProviderAway,
    ProviderBroken,
    UnknownKey,
    UserInfo,
    authorization_url,
    begin,
    check_answer,
    decode_provider,
    discovery_url,
    logout_url,
    memberships,
    read_provider,
    read_tokens,
    read_userinfo,
    restrictions,
    shortcomings,
    token_request,
    verified_address,
    verify,
    verify_logout,
)
from moxlite.store.auth.sessions import ProviderLogin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from moxlite.config.provider import OIDC
    from moxlite.config.snapshot import AccountRecipient
    from moxlite.logins.logins import Logins

T = TypeVar("T")

MECHANISM: Final = "provider"
"""The word for records of these log-ins."""

SECONDS: Final = 10.0
"""Seconds for each request: a user waits."""

MAX_ANSWER: Final = 256 << 10
"""Maximum octets of an answer."""

MAX_SECRET: Final = 4096
"""Octets read of the file with the client's secret."""

KEPT: Final = 3600.0
"""Seconds for which discovery document and keys are kept; a key that is withdrawn is no longer accepted after that."""

MAX_SID: Final = 255
"""Maximum characters of a session's name there that is kept."""

MAX_HINT: Final = 4096
"""Maximum octets of an ID token that is kept: as the hint for a log-out it's in an address, which servers take up to
8,000 octets of.
"""

REPLAYS: Final = OLDEST + 2 * SKEW
"""Seconds for which the IDs of logout tokens are kept: an older token is refused by its time."""

MAX_REPLAYS: Final = 10_000
"""Maximum number of IDs that are kept, 3 MB at most; all are of tokens that the provider has signed."""

PAUSE: Final = 10.0
"""Seconds between two requests for the keys, and after one for the discovery document that failed: tokens with unknown
keys, and strangers who begin log-ins, must not become as many requests.
"""


class LoginProvider:
    """The login provider of this server."""

    def __init__(self, settings: OIDC, client: HTTPClient) -> None:
        self.issuer: Final = settings.issuer
        self.name: Final = settings.name
        self.admin_group: Final = settings.admin_group
        self._settings = settings
        self._client = client
        self._provider: tuple[float, Provider] | None = None
        self._keys: tuple[float, Keys] | None = None
        self._away: tuple[float, ProviderAway] | None = None
        self._turn = trio.Lock()
        self._ended: dict[str, float] = {}  # IDs of logout tokens, with the time of the loop

    async def begin(self, redirect_uri: str, *, again: bool = False) -> tuple[AuthorizationRequest, str]:
        """Begin a log-in; returns what `finish` needs, and where the browser goes. Raises ProviderAway."""
        provider = await self._discover()
        begun = begin(redirect_uri)
        scopes = ["email"] if self._settings.trust_addresses else []
        if self.admin_group is not None or self._settings.shared_mailboxes:
            scopes.append(provider.groups_scope)
        return begun, authorization_url(provider, self._settings.client_id, begun, scopes=scopes, again=again)

    async def examine(self) -> tuple[list[str], list[str]]:
        """Why the provider, as it is now, can't be used, and what isn't available with it; in words."""
        try:
            provider = decode_provider(await self._document(discovery_url(self.issuer)))
            problems = list(shortcomings(provider, self.issuer))
            if not problems and not len(await self._key_set(provider, 0.0)):
                problems.append(f"the provider doesn't have usable keys at {provider.jwks_uri}")
        except (ProviderAway, OIDCError) as error:
            return [str(error)], []
        return problems, list(restrictions(provider))

    async def finish(
        self, begun: AuthorizationRequest, *, state: str, code: str, iss: str | None, error: str = ""
    ) -> VerifiedClaims:
        """The verified claims of the person who has logged in. Raises ProviderAway, NotGranted, OIDCError."""
        provider = await self._discover()
        check_answer(provider, begun, state=state, iss=iss, error=error)
        settings = self._settings
        headers, body = token_request(provider, settings.client_id, await self._secret(), begun, code)
        response = await self._request("POST", provider.token_endpoint, headers, body)
        tokens = read_tokens(response.status, response.body)
        token = await self._verified(
            provider,
            lambda keys: verify(
                tokens.id_token,
                keys,
                issuer=settings.issuer,
                client_id=settings.client_id,
                nonce=begun.nonce,
                access_token=tokens.access_token,
                now=time.time(),
            ),
        )
        sid = token.sid if isinstance(token.sid, str) and len(token.sid) <= MAX_SID else ""
        hint = tokens.id_token if len(tokens.id_token) <= MAX_HINT else ""
        login = ProviderLogin(token.sub, sid, hint)
        return VerifiedClaims(token, login, partial(self._userinfo, provider, tokens.access_token, token.sub))

    async def _userinfo(self, provider: Provider, access_token: str, subject: str) -> UserInfo:
        """The claims of UserInfo about the person of a token; none without such an endpoint. Raises ProviderAway."""
        url = provider.userinfo_endpoint
        if not url or not access_token:
            return UserInfo(subject)
        headers = (("Accept", "application/json"), ("Authorization", f"Bearer {access_token}"))
        response = await self._request("GET", url, headers, b"")
        if response.status != 200:
            raise ProviderBroken(f"{url} returned status {response.status}")
        try:
            return read_userinfo(response.body, subject)
        except OIDCError as error:
            raise ProviderBroken(f"{url}: {error}") from error

    def strong(self, claims: Claims) -> bool:
        """Whether a person has given a second factor that counts here, too (WEB-187)."""
        return not claims.strengths.isdisjoint(self._settings.second_factor)

    async def administers(self, claims: VerifiedClaims) -> bool:
        """Whether a person is in the group that logs in to the admin app (WEB-189). Raises ProviderAway."""
        return self.admin_group is not None and self.admin_group in (await claims.memberships() or ())

    async def logged_out(self, token: str) -> LogoutClaims:
        """The claims of a logout token, which serves once. Raises ProviderAway, OIDCError."""
        provider, settings = await self._discover(), self._settings
        claims = await self._verified(
            provider,
            lambda keys: verify_logout(
                token, keys, issuer=settings.issuer, client_id=settings.client_id, now=time.time()
            ),
        )
        now = trio.current_time()
        while self._ended and now - self._ended[oldest := next(iter(self._ended))] > REPLAYS:
            del self._ended[oldest]
        if claims.jti in self._ended or len(self._ended) >= MAX_REPLAYS:
            raise NoGuess("this logout token was already used")
        self._ended[claims.jti] = now
        return claims

    async def logout_url(self, page: str, id_token: str) -> str:
        """Where the browser goes to end the log-in of an ID token, "" for an unknown one, at the provider; "" if it
        cannot there. Raises ProviderAway.
        """
        return logout_url(await self._discover(), self._settings.client_id, page, id_token)

    async def _verified(self, provider: Provider, judge: Callable[[Keys], T]) -> T:
        """What `judge` makes of the keys, in a thread; they are fetched again if one is unknown."""
        known = await self._key_set(provider, KEPT)
        try:
            return await trio.to_thread.run_sync(judge, known)
        except UnknownKey:
            return await trio.to_thread.run_sync(judge, await self._key_set(provider, PAUSE))

    async def _discover(self) -> Provider:
        async with self._turn:
            if self._away is not None and trio.current_time() - self._away[0] < PAUSE:
                raise self._away[1]
            if self._provider is None or trio.current_time() - self._provider[0] >= KEPT:
                try:
                    provider = read_provider(await self._document(discovery_url(self.issuer)), self.issuer)
                except (ProviderAway, OIDCError) as error:
                    away = error if isinstance(error, ProviderAway) else ProviderBroken(str(error))
                    self._away = (trio.current_time(), away)
                    raise away from error
                self._away, self._provider = None, (trio.current_time(), provider)
            return self._provider[1]

    async def _key_set(self, provider: Provider, age: float) -> Keys:
        """The keys, not older than `age` seconds."""
        await load("joserfc.jws")
        async with self._turn:
            if self._keys is None or trio.current_time() - self._keys[0] >= age:
                document = await self._document(provider.jwks_uri)
                try:
                    keys = await trio.to_thread.run_sync(Keys, document)
                except OIDCError as error:
                    raise ProviderBroken(str(error)) from error
                self._keys = (trio.current_time(), keys)
            return self._keys[1]

    async def _document(self, url: str) -> bytes:
        response = await self._request("GET", url, (("Accept", "application/json"),), b"")
        if response.status != 200:
            raise ProviderBroken(f"{url} returned status {response.status}")
        return response.body

    async def _request(self, method: str, url: str, headers: tuple[tuple[str, str], ...], body: bytes) -> HTTPResponse:
        try:
            response = await self._client.request(
                method, url, headers=headers, body=body, seconds=SECONDS, max_body=MAX_ANSWER
            )
        except HTTPError as error:
            raise ProviderAway(f"{url}: {error}") from error
        if response.cut:
            raise ProviderBroken(f"response from {url} exceeds {MAX_ANSWER} bytes")
        return response

    async def _secret(self) -> str:
        path = self._settings.client_secret_file
        if path is None:
            return ""

        def read() -> str:
            with path.open("rb") as file:
                return file.read(MAX_SECRET).decode("utf-8", "replace").strip()

        try:
            # Read at each log-in, so that a new secret needs no restart.
            return await trio.to_thread.run_sync(read)
        except OSError as error:
            raise ProviderBroken(f"can't read client secret {path}: {error.strerror}") from error


class VerifiedClaims:
    """The claims of a person who has logged in at the provider. UserInfo is asked for one that the ID token lacks
    (Core §5.4: claims of the scopes `email` and `groups` may be there alone).

    Attributes:
      token: the claims of the ID token.
      login: what is kept of the log-in.
    """

    def __init__(self, token: Claims, login: ProviderLogin, ask: Callable[[], Awaitable[UserInfo]]) -> None:
        self.token: Final = token
        self.login: Final = login
        self._ask = ask
        self._userinfo: UserInfo | None = None

    async def address(self) -> str:
        """The address that the provider has verified, "" for none. Raises ProviderAway."""
        if self.token.email is not None and self.token.email_verified is not None:
            return verified_address(self.token)
        return verified_address(await self._more())

    async def memberships(self) -> frozenset[str] | None:
        """The groups of the person, None if the provider doesn't tell. Raises ProviderAway."""
        known = memberships(self.token)
        return memberships(await self._more()) if known is None else known

    async def _more(self) -> UserInfo:
        if self._userinfo is None:
            self._userinfo = await self._ask()
        return self._userinfo


class Person(msgspec.Struct, frozen=True):
    """A person whom the provider has verified by a `login`. `proven`: when the person gave a secret there (µs UTC);
    `strong`: with a second factor that counts here (WEB-187); `logouts`: the number of log-outs there when the log-in
    began.
    """

    login: ProviderLogin
    proven: int
    strong: bool
    logouts: int


async def accept_person(
    logins: Logins, request: LoginRequest, recipient: AccountRecipient | None, person: Person
) -> Identity:
    """Log in a person to the account that the person is connected to, None without one (WEB-181).

    Raises:
      WrongCredentials, LoginDisabled: see there.
      FactorNeeded: the account has second factors, and the web app must go on with `SecondFactors.check`.
    """
    if recipient is None:
        unknown = WrongCredentials("this login isn't connected to an account")
        raise logins.attempts.refuse(request, MECHANISM, "", unknown, result="baduser")
    address = str(recipient.canonical)
    if not person.strong and await logins.stored.has_factors(recipient.account):
        needed = FactorNeeded(Identity(recipient.account, address, provider=person.login, logouts=person.logouts))
        raise logins.attempts.refuse(request, MECHANISM, address, needed, recipient)
    accepted = logins.accept(request, MECHANISM, address, recipient)
    return msgspec.structs.replace(accepted, provider=person.login, logouts=person.logouts)
