"""A login provider by OpenID Connect, in memory: its documents, its keys, and ID tokens of any kind."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import pytest
from joserfc import jwk, jws

from moxlite.net.httpclient import HTTPClient, HTTPError, HTTPResponse
from tests.web_rig import Browser, Rig

ISSUER = "https://login.example.org/realms/home"
CLIENT = "moxlite"
SECRET = "a secret: of the client"

PROVIDER = f"""
[oidc]
issuer = "{ISSUER}"
client_id = "{CLIENT}"
client_secret_file = "secret"
name = "Home"
"""


def encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def half(text: str, name: str = "sha256") -> str:
    digest = hashlib.new(name, text.encode()).digest()
    return encoded(digest[: len(digest) // 2])


def signed(header: Mapping[str, Any], claims: Mapping[str, Any] | bytes, key: jwk.Key) -> str:
    """A compact JWS, also one that no library would make."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    registry = jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
    return jws.serialize_compact(dict(header), payload, key, registry=registry)


def unsigned(header: Mapping[str, Any], claims: Mapping[str, Any], signature: bytes = b"") -> str:
    return ".".join(encoded(part) for part in (json.dumps(header).encode(), json.dumps(claims).encode(), signature))


class House:
    """The provider. `answers` replaces the answer of a path, `claims` those of the next tokens; `told` are those of
    UserInfo, None without one; `asked` has the requests. A browser logs in by `approve`, which returns what the
    provider puts into the page's address.
    """

    def __init__(self) -> None:
        self.key = jwk.RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})
        self.codes: dict[str, dict[str, str]] = {}
        self.claims: dict[str, Any] = {}
        self.told: dict[str, Any] | None = None
        self.answers: dict[str, HTTPResponse | Exception] = {}
        self.asked: list[tuple[str, str, Mapping[str, str], bytes]] = []
        self.subject = "mia-at-home"
        self.names_itself = True
        self.scopes = ["groups"]

    def keys(self) -> list[dict[str, Any]]:
        return [dict(self.key.as_dict(private=False))]

    def document(self) -> dict[str, Any]:
        more = {} if self.told is None else {"userinfo_endpoint": f"{ISSUER}/userinfo"}
        return more | {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/auth",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/certs",
            "end_session_endpoint": f"{ISSUER}/logout",
            "scopes_supported": ["openid", "profile", "email", *self.scopes],
            "response_types_supported": ["code", "id_token"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def approve(self, url: str) -> dict[str, str]:
        """The user logs in at the address of an authorization request, and is sent back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()}
        assert url.startswith(f"{ISSUER}/auth?")
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return {"state": asked["state"], "code": code, "iss": ISSUER if self.names_itself else "", "error": ""}

    def token(self, asked: Mapping[str, str], access_token: str) -> str:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": self.subject,
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": asked["nonce"],
            "at_hash": half(access_token),
        }
        header = {"alg": "RS256", "kid": self.key.kid, "typ": "JWT"}
        found = {name: value for name, value in (claims | self.claims).items() if value is not None}
        return signed(header, found, self.key)

    def logout_token(self, **changed: Any) -> str:
        """A logout token of the person; None leaves a claim out."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": self.subject,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_urlsafe(8),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }
        header = {"alg": "RS256", "kid": self.key.kid, "typ": "logout+jwt"}
        found = {name: value for name, value in (claims | changed).items() if value is not None}
        return signed(header, found, self.key)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        seconds: float = 60.0,
        max_body: int = 65536,
    ) -> HTTPResponse:
        """What the HTTP client gets."""
        self.asked.append((method, url, dict(headers), body))
        path = url.removeprefix(ISSUER)
        answer = self.answers.get(path)
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return HTTPResponse(answer.status, answer.headers, answer.body[:max_body], len(answer.body) > max_body)
        if path == "/.well-known/openid-configuration":
            return reply(self.document())
        if path == "/certs":
            return reply({"keys": self.keys()})
        if path == "/userinfo":
            assert dict(headers)["Authorization"] == "Bearer opaque"
            return reply({"sub": self.subject, **(self.told or {})})
        if path == "/token":
            return self._redeemed(dict(headers), body)
        raise HTTPError(f"no such host: {url}")

    def _redeemed(self, headers: Mapping[str, str], body: bytes) -> HTTPResponse:
        form = {name: values[0] for name, values in parse_qs(body.decode(), strict_parsing=True).items()}
        user, _, secret = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
        asked = self.codes.pop(form["code"], None)  # a code serves once (RFC 6749 §4.1.2)
        challenge = encoded(hashlib.sha256(form["code_verifier"].encode()).digest())
        if (
            asked is None
            or (unquote_plus(user), unquote_plus(secret)) != (CLIENT, SECRET)
            or form["redirect_uri"] != asked["redirect_uri"]
            or challenge != asked["code_challenge"]
        ):
            return reply({"error": "invalid_grant"}, 400)
        return reply({"token_type": "Bearer", "access_token": "opaque", "id_token": self.token(asked, "opaque")})


def house_of(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> House:
    """The provider of a server with the settings `PROVIDER`."""
    (rig.holder.path.parent / "secret").write_text(SECRET + "\n")
    house = House()

    async def request(client: HTTPClient, *args: Any, **options: Any) -> HTTPResponse:
        return await house.request(*args, **options)

    monkeypatch.setattr(HTTPClient, "request", request)
    return house


async def tell(browser: Browser, token: str, app: str = "/webmail/") -> int:
    """The provider's request with a logout token, from its own machine; the status of the answer."""
    body = urlencode({"logout_token": token}).encode()
    fields = {"content-type": "application/x-www-form-urlencoded"}
    answer = await browser.fetch(f"{app}provider-logout", method="POST", headers=fields, body=body)
    assert answer.headers["cache-control"] == "no-store"
    return answer.status


def reply(value: object, status: int = 200) -> HTTPResponse:
    return HTTPResponse(status, (("content-type", "application/json"),), json.dumps(value).encode())


def page(rig: Rig, app: str = "/webmail/") -> Browser:
    return rig.browser(app=app, port=443, tls=True)


async def connect(rig: Rig, subject: str = "mia-at-home", account: str = "mia") -> None:
    assert await rig.auth.bindings.add(ISSUER, subject, account)


async def back(provider: House, browser: Browser) -> dict[str, str]:
    """Go to the provider and log in there: what the page has in its address then."""
    return provider.approve(await browser.call("provider_login", stay=False))


async def log_in(provider: House, browser: Browser) -> dict[str, Any]:
    answer = await browser.post("provider_finish", {"answer": await back(provider, browser)})
    assert answer.status == 200, answer.body
    result: dict[str, Any] = answer.json["result"]
    browser.csrf = result["csrf_token"]
    return result
