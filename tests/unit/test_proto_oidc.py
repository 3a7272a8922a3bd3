"""Discovery documents, answers and ID tokens of a login provider: good ones, and forged, expired, foreign, replayed."""

import hmac
import json
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwk

from moxlite.proto import oidc
from moxlite.proto.oidc import AuthorizationRequest, Keys, OIDCError, ProviderAway, UnknownKey
from tests.loginprovider import CLIENT, ISSUER, SECRET, House, encoded, half, signed, unsigned

NOW = 1_800_000_000.0
NONCE = "n" * 43
ACCESS = "an access token"
HEADER: dict[str, Any] = {"alg": "RS256", "kid": "rsa", "typ": "JWT"}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "248289761001",
    "aud": CLIENT,
    "exp": NOW + 300,
    "iat": NOW,
    "nonce": NONCE,
    "at_hash": half(ACCESS),
}


@cache
def key(kind: str = "rsa") -> Any:
    match kind:
        case "rsa" | "other":
            return jwk.RSAKey.generate_key(2048, {"kid": kind})
        case "short":
            return jwk.RSAKey.generate_key(1024, {"kid": kind})
        case "ed":
            return jwk.OKPKey.generate_key("Ed25519", {"kid": kind})
        case _:
            return jwk.ECKey.generate_key(kind, {"kid": kind})


def public(kind: str = "rsa", **more: Any) -> dict[str, Any]:
    return dict(key(kind).as_dict(private=False)) | more


@cache
def known() -> Keys:
    kinds = ("rsa", "P-256", "P-384", "P-521", "ed")
    return Keys(json.dumps({"keys": [public(kind) for kind in kinds]}).encode())


def verify(token: str, keys: Keys | None = None, now: float = NOW, access_token: str = ACCESS) -> oidc.Claims:
    return oidc.verify(
        token, keys or known(), issuer=ISSUER, client_id=CLIENT, nonce=NONCE, access_token=access_token, now=now
    )


def made(header: Mapping[str, Any] = MappingProxyType({}), *, by: str = "rsa", **claims: Any) -> str:
    """A token with other header fields or claims; None leaves one out."""
    fields = {name: value for name, value in (CLAIMS | claims).items() if value is not None}
    head = {name: value for name, value in (HEADER | dict(header)).items() if value is not None}
    return signed(head, fields, key(by))


@pytest.mark.parametrize(
    ("alg", "kind", "name"),
    [
        *((f"{family}{bits}", "rsa", f"sha{bits}") for family in ("RS", "PS") for bits in (256, 384, 512)),
        ("ES256", "P-256", "sha256"),
        ("ES384", "P-384", "sha384"),
        ("ES512", "P-521", "sha512"),
        ("Ed25519", "ed", "sha512"),
        ("EdDSA", "ed", "sha512"),
    ],
)
def test_tokens_of_each_algorithm(alg: str, kind: str, name: str) -> None:
    """WEB-180: each public algorithm, with the hash of its access token."""
    token = made({"alg": alg, "kid": kind}, by=kind, at_hash=half(ACCESS, name))
    assert verify(token).sub == CLAIMS["sub"]
    with pytest.raises(OIDCError, match="access token"):
        verify(token, access_token="another")


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": [CLIENT]},
        {"aud": [CLIENT, "calendar"], "azp": CLIENT},
        {"azp": CLIENT},
        {"at_hash": None},
        {"exp": NOW - 119},
        {"iat": NOW + 119},
        {"iat": NOW - 700},
        {"exp": NOW + 300.5, "iat": NOW - 0.5},
        {"nbf": NOW + 60},
        {"auth_time": NOW - 86_400},
        {"sub": "x" * 255},
        # further claims, as Keycloak, Authentik, Kanidm and Pocket ID send them
        {"acr": "1", "sid": "b0c1", "email_verified": True, "preferred_username": "mia", "groups": ["a", "b"]},
        {"amr": ["pwd", "otp"], "uid": None, "jti": "1", "type": "id-token", "scopes": ["openid"]},
    ],
    ids=str,
)
def test_good_claims(changed: dict[str, Any]) -> None:
    """WEB-180: clocks that differ by two minutes, several programs, claims of others."""
    assert verify(made(**changed)).iss == ISSUER


PROVIDERS: Mapping[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "Authentik": (
        {"alg": "RS256", "kid": "rsa", "typ": "JWT"},
        {
            "iss": "https://login.example.org/application/o/mail/",
            "sub": "3f1c" * 16,
            "acr": "goauthentik.io/providers/oauth2/default",
            "amr": ["pwd", "mfa"],
            "auth_time": NOW - 3,
            "sid": "5d41" * 16,
            "email": "mia@example.org",
            "email_verified": False,
            "name": "Mia",
            "preferred_username": "mia",
            "groups": ["family"],
            "uid": "x9" * 20,
        },
        {"grant_types_supported": ["authorization_code", "implicit"], "claims_parameter_supported": False},
    ),
    "Keycloak": (
        {"alg": "RS256", "kid": "rsa", "typ": "JWT"},
        {
            "iss": "https://login.example.org/realms/home",
            "sub": "f0b1d2c3-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
            "azp": CLIENT,
            "typ": "ID",
            "acr": "1",
            "auth_time": NOW - 3,
            "jti": "onrtac:8a5019c1-17e1-4977-8f42-65a12843ea02",
            "sid": "08a5019c-17e1-4977-8f42-65a12843ea02",
            "email_verified": True,
        },
        {
            "response_modes_supported": ["query", "fragment", "form_post", "query.jwt"],
            "authorization_response_iss_parameter_supported": True,
            "backchannel_logout_supported": True,
        },
    ),
    "Kanidm": (
        {"alg": "ES256", "kid": "P-256"},
        {
            "iss": "https://login.example.org/oauth2/openid/mail",
            "sub": "f0b1d2c3-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
            "azp": CLIENT,
            "nbf": NOW,
            "auth_time": None,
            "at_hash": None,
            "jti": None,
            "amr": None,
            "preferred_username": "mia@login.example.org",
            "scopes": ["openid"],
        },
        {
            "id_token_signing_alg_values_supported": ["ES256"],
            "response_modes_supported": ["query"],
            "end_session_endpoint": None,
        },
    ),
    "Pocket ID": (
        {"alg": "RS256", "kid": "rsa", "typ": "JWT"},
        {
            "iss": "https://login.example.org",
            "sub": "f0b1d2c3-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
            "aud": [CLIENT],
            "type": "id-token",
            "auth_time": NOW - 3,
            "at_hash": None,
        },
        {"response_modes_supported": None, "response_types_supported": ["code", "id_token"]},
    ),
}
"""How known providers write the header and the claims of an ID token, and what is their own in the discovery document:
written by hand after their documentation, not recorded.
"""


@pytest.mark.parametrize("name", PROVIDERS)
def test_forms_of_known_providers(name: str) -> None:
    """WEB-180: as Authentik, Keycloak, Kanidm and Pocket ID write them, each with its own issuer alone."""
    header, claims, document = PROVIDERS[name]
    issuer = claims["iss"]
    whole = {field: value for field, value in (House().document() | document).items() if value is not None}
    oidc.read_provider(json.dumps(whole | {"issuer": issuer}).encode(), issuer)
    fields = {field: value for field, value in (CLAIMS | claims).items() if value is not None}
    token = signed(header, fields, key(header["kid"]))
    facts: dict[str, Any] = {"client_id": CLIENT, "nonce": NONCE, "access_token": ACCESS, "now": NOW}
    assert oidc.verify(token, known(), issuer=issuer, **facts).sub == claims["sub"]
    with pytest.raises(OIDCError):
        oidc.verify(token, known(), issuer=issuer.removesuffix("/") + "2", **facts)


def test_header_without_key_id() -> None:
    """WEB-180: where just one key can be meant."""
    assert verify(made({"kid": None, "typ": None})).sub


def shared(alg: str, secret: bytes, claims: Mapping[str, Any] = MappingProxyType(CLAIMS)) -> str:
    """A token that is signed with a shared secret."""
    whole = unsigned({"alg": alg, "kid": "rsa"}, dict(claims)).rpartition(".")[0]
    return f"{whole}.{encoded(hmac.digest(secret, whole.encode(), alg.replace('HS', 'sha')))}"


FORGED: Mapping[str, Callable[[], str]] = {
    "empty": lambda: "",
    "one part": lambda: "abc",
    "two parts": lambda: made().rpartition(".")[0],
    "four parts": lambda: made() + ".x",
    "five parts, encrypted": lambda: "e30.e30.e30.e30.e30",
    "not ASCII": lambda: made() + "é",
    "no base64": lambda: "!!!." + made().partition(".")[2],
    "header is no JSON": lambda: "AAAA." + made().partition(".")[2],
    "header is a list": lambda: "W10." + made().partition(".")[2],
    "too large": lambda: made(groups=["x" * 1000] * 40),
    "alg none": lambda: unsigned({"alg": "none"}, CLAIMS),
    "alg None": lambda: unsigned({"alg": "None", "kid": "rsa"}, CLAIMS),
    "alg NONE with signature": lambda: unsigned({"alg": "NONE", "kid": "rsa"}, CLAIMS, b"x" * 256),
    "alg is a number": lambda: unsigned({"alg": 1, "kid": "rsa"}, CLAIMS, b"x" * 256),
    "alg is missing": lambda: unsigned({"kid": "rsa"}, CLAIMS, b"x" * 256),
    "HS256 by the public key": lambda: shared("HS256", key().as_bytes(private=False)),
    "HS256 by the client secret": lambda: shared("HS256", SECRET.encode()),
    "HS512": lambda: shared("HS512", b"x" * 64),
    "ES256K": lambda: unsigned({"alg": "ES256K", "kid": "P-256"}, CLAIMS, b"x" * 64),
    "RS1": lambda: unsigned({"alg": "RS1", "kid": "rsa"}, CLAIMS, b"x" * 256),
    "no signature": lambda: made().rpartition(".")[0] + ".",
    "signature of zeros": lambda: unsigned({"alg": "ES256", "kid": "P-256"}, CLAIMS, bytes(64)),
    "signature in DER": lambda: unsigned({"alg": "ES256", "kid": "P-256"}, CLAIMS, bytes.fromhex("3006020101020101")),
    "signature cut": lambda: made()[:-8],
    "claims changed": lambda: made(sub="1").rpartition(".")[0] + "." + made().rpartition(".")[2],
    "header changed": lambda: made({"x": 1}).partition(".")[0] + "." + made().partition(".")[2],
    "signed by a stranger's key of this id": lambda: made(by="other"),
    "key in the header": lambda: made({"kid": None, "jwk": public("other")}, by="other"),
    "key at an address in the header": lambda: made({"jku": "https://evil.example/"}, by="other"),
    "certificate in the header": lambda: made({"x5c": ["MIIB"]}, by="other"),
    "algorithm of another key": lambda: unsigned({"alg": "ES256", "kid": "rsa"}, CLAIMS, b"x" * 64),
    "unknown key": lambda: made({"kid": "second"}),
    "key id is a path": lambda: made({"kid": "../../dev/null"}),
    "key id is a number": lambda: unsigned({"alg": "RS256", "kid": 1}, CLAIMS, b"x" * 256),
    "unknown critical field": lambda: unsigned({"alg": "RS256", "kid": "rsa", "crit": ["exp"]}, CLAIMS, b"x" * 256),
    "payload apart": lambda: unsigned({"alg": "RS256", "kid": "rsa", "b64": False, "crit": ["b64"]}, CLAIMS, b"x"),
    "logout token": lambda: made({"typ": "logout+jwt"}),
    "access token": lambda: made({"typ": "at+jwt"}),
    "claims are no JSON": lambda: signed(HEADER, b"x", key()),
    "claims are a list": lambda: signed(HEADER, b"[]", key()),
    "claims are deep": lambda: signed(HEADER, b"[" * 20_000, key()),
    "claims aren't UTF-8": lambda: signed(HEADER, b'{"iss":"\xff"}', key()),
    "two subjects": lambda: signed(HEADER, json.dumps(CLAIMS)[:-1].encode() + b', "sub": "another"}', key()),
    "another issuer": lambda: made(iss="https://evil.example"),
    "issuer with a slash": lambda: made(iss=ISSUER + "/"),
    "issuer in capitals": lambda: made(iss=ISSUER.upper()),
    "another realm": lambda: made(iss=ISSUER.replace("home", "work")),
    "issuer is missing": lambda: made(iss=None),
    "for another program": lambda: made(aud="calendar"),
    "for other programs": lambda: made(aud=["calendar", "wiki"]),
    "for a program of a longer name": lambda: made(aud=CLIENT + "2"),
    "for nobody": lambda: made(aud=[]),
    "audience is missing": lambda: made(aud=None),
    "given to another program": lambda: made(azp="calendar"),
    "for several programs, given to nobody": lambda: made(aud=[CLIENT, "calendar"]),
    "for several programs, given to another": lambda: made(aud=[CLIENT, "calendar"], azp="calendar"),
    "expired": lambda: made(exp=NOW - 120),
    "expired long ago": lambda: made(exp=0),
    "end is missing": lambda: made(exp=None),
    "end is a text": lambda: made(exp="2099"),
    "end is true": lambda: made(exp=True),
    "from the future": lambda: made(iat=NOW + 121),
    "kept for a day": lambda: made(iat=NOW - 86_400, exp=NOW + 86_400),
    "time of issue is missing": lambda: made(iat=None),
    "not yet valid": lambda: made(nbf=NOW + 3600),
    "log-in in the future": lambda: made(auth_time=NOW + 3600),
    "of another log-in": lambda: made(nonce="m" * 43),
    "nonce is missing": lambda: made(nonce=None),
    "nonce is empty": lambda: made(nonce=""),
    "nonce is cut": lambda: made(nonce=NONCE[:-1]),
    "another access token": lambda: made(at_hash=half("another")),
    "whole hash of the access token": lambda: made(at_hash="x" * 43),
    "subject is missing": lambda: made(sub=None),
    "subject is empty": lambda: made(sub=""),
    "subject is long": lambda: made(sub="x" * 256),
    "subject is a number": lambda: made(sub=1),
    "subject has a line end": lambda: made(sub="mia\n"),
    "subject isn't ASCII": lambda: made(sub="mïa"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_tokens(name: str) -> None:
    """WEB-180: none of them opens anything."""
    with pytest.raises(OIDCError):
        verify(FORGED[name]())


LOGOUT: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "248289761001",
    "aud": CLIENT,
    "iat": NOW,
    "exp": NOW + 120,
    "jti": "bWJq",
    "events": {oidc.LOGOUT: {}},
}


def ended(header: Mapping[str, Any] = MappingProxyType({}), *, by: str = "rsa", **claims: Any) -> str:
    """A logout token with other header fields or claims; None leaves one out."""
    fields = {name: value for name, value in (LOGOUT | claims).items() if value is not None}
    return signed({"alg": "RS256", "kid": "rsa", "typ": "logout+jwt"} | dict(header), fields, key(by))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"exp": None},
        {"aud": [CLIENT]},
        {"sid": "08a5019c-17e1-4977-8f42-65a12843ea02"},
        {"sid": "08a5019c-17e1-4977-8f42-65a12843ea02", "sub": None},
        # as Keycloak sends it to clients with offline sessions
        {"events": {oidc.LOGOUT: {}, "http://schemas.openid.net/event/backchannel-logout/revoke": {"all": True}}},
    ],
    ids=str,
)
def test_good_logout_tokens(changed: dict[str, Any]) -> None:
    """WEB-183: also of providers that keep to a draft."""
    for kind in ("logout+jwt", "JWT"):
        token = ended({"typ": kind}, **changed)
        claims = oidc.verify_logout(token, known(), issuer=ISSUER, client_id=CLIENT, now=NOW)
        expected = LOGOUT | changed
        assert (claims.sub, claims.sid) == (expected["sub"], expected.get("sid"))


FORGED_LOGOUTS: Mapping[str, Callable[[], str]] = {
    "empty": lambda: "",
    "alg none": lambda: unsigned({"alg": "none", "typ": "logout+jwt"}, LOGOUT),
    "HS256 by the public key": lambda: shared("HS256", key().as_bytes(private=False), LOGOUT),
    "no signature": lambda: ended().rpartition(".")[0] + ".",
    "signed by a stranger's key of this id": lambda: ended(by="other"),
    "unknown key": lambda: ended({"kid": "second"}),
    "key in the header": lambda: ended({"jwk": public("other")}, by="other"),
    "claims changed": lambda: ended(sub="1").rpartition(".")[0] + "." + ended().rpartition(".")[2],
    "an ID token": lambda: made(),
    "an ID token with the event": lambda: made(events={oidc.LOGOUT: {}}, jti="x"),
    "an access token": lambda: ended({"typ": "at+jwt"}),
    "a security event of another kind": lambda: ended({"typ": "secevent+jwt"}),
    "with a nonce": lambda: ended(nonce=NONCE),
    "with an empty nonce": lambda: ended(nonce=""),
    "without the event": lambda: ended(events={}),
    "with another event": lambda: ended(events={"http://schemas.openid.net/event/token-claims-change": {}}),
    "event is a text": lambda: ended(events={oidc.LOGOUT: "yes"}),
    "events are a list": lambda: ended(events=[oidc.LOGOUT]),
    "events are missing": lambda: ended(events=None),
    "another issuer": lambda: ended(iss="https://evil.example"),
    "another realm": lambda: ended(iss=ISSUER.replace("home", "work")),
    "for another program": lambda: ended(aud="calendar"),
    "audience is missing": lambda: ended(aud=None),
    "expired": lambda: ended(exp=NOW - 120),
    "old": lambda: ended(iat=NOW - 721),
    "from the future": lambda: ended(iat=NOW + 121),
    "time of issue is missing": lambda: ended(iat=None),
    "ID is missing": lambda: ended(jti=None),
    "ID is empty": lambda: ended(jti=""),
    "ID is long": lambda: ended(jti="x" * 256),
    "subject and session are missing": lambda: ended(sub=None),
    "session is empty": lambda: ended(sid=""),
    "session is long": lambda: ended(sid="x" * 256),
    "session is a number": lambda: ended(sub=None, sid=1),
    "subject is empty": lambda: ended(sub=""),
    "subject has a line end": lambda: ended(sub="mia\n"),
}


@pytest.mark.parametrize("name", FORGED_LOGOUTS)
def test_forged_logout_tokens(name: str) -> None:
    """WEB-183: none of them logs anybody out."""
    with pytest.raises(OIDCError):
        oidc.verify_logout(FORGED_LOGOUTS[name](), known(), issuer=ISSUER, client_id=CLIENT, now=NOW)


def test_a_logout_token_is_no_id_token() -> None:
    """WEB-183: also with the claims of both."""
    with pytest.raises(OIDCError):
        verify(ended({"typ": "logout+jwt"}, nonce=NONCE))
    with pytest.raises(OIDCError):
        verify(ended({"typ": "JWT"}))


def test_keys_that_are_not_used() -> None:
    """WEB-180: shared secrets, weak keys, keys for encryption, private ones, unknown kinds, and what is no key."""
    bad: list[Any] = [
        {"kty": "oct", "k": "AAAA", "kid": "rsa"},
        public("short", kid="rsa"),
        public(use="enc"),
        public(key_ops=["sign"]),
        public(d="AAAA"),
        public(kid=7),
        public(alg="RS512"),
        public("P-256", crv="secp256k1", kid="rsa"),
        public("P-256", x="AAAA", kid="rsa"),
        {"kty": "RSA", "n": 1, "e": "AQAB", "kid": "rsa"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "rsa"},
        {"kty": ["RSA"], "kid": "rsa"},
        {},
    ]
    keys = Keys(json.dumps({"keys": bad}).encode())
    with pytest.raises(UnknownKey):
        verify(made(), keys)
    assert verify(made(), Keys(json.dumps({"keys": [*bad, public()]}).encode())).sub


def test_two_keys_of_one_id() -> None:
    """WEB-180: which one is meant cannot be guessed."""
    with pytest.raises(UnknownKey):
        verify(made(), Keys(json.dumps({"keys": [public(), public("other", kid="rsa")]}).encode()))


@pytest.mark.parametrize("document", [b"", b"[]", b'{"keys":{}}', b'{"keys":[1]}', b"<html>", b"[" * 100_000])
def test_bad_key_sets(document: bytes) -> None:
    """WEB-180."""
    with pytest.raises(OIDCError):
        Keys(document)


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://evil.example"},
        {"issuer": ISSUER + "/"},
        {"issuer": 1},
        {"authorization_endpoint": "http://login.example.org/auth"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://login.example.org/auth#here"},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": "https://login.example.org/a b"},
        {"token_endpoint": "https://"},
        {"jwks_uri": "/certs"},
        {"jwks_uri": None},
        {"response_types_supported": ["id_token"]},
        {"response_modes_supported": ["form_post"]},
        {"code_challenge_methods_supported": ["plain"]},
        {"id_token_signing_alg_values_supported": ["HS256", "none"]},
    ],
    ids=str,
)
def test_bad_discovery_documents(changed: dict[str, Any]) -> None:
    """WEB-180."""
    document = {name: value for name, value in (House().document() | changed).items() if value is not None}
    with pytest.raises(OIDCError):
        oidc.read_provider(json.dumps(document).encode(), ISSUER)


def test_authorization_request() -> None:
    """WEB-180: code flow with PKCE; `prompt=login` where the user has to log in anew."""
    provider = oidc.read_provider(json.dumps(House().document()).encode(), ISSUER)
    begun, other = oidc.begin("https://mail.example.org/"), oidc.begin("https://mail.example.org/")
    assert len({begun.state, begun.nonce, begun.verifier, other.state, other.nonce, other.verifier}) == 6
    fields = parse_qs(urlsplit(oidc.authorization_url(provider, CLIENT, begun, again=True)).query)
    assert fields["prompt"] == ["login"]
    assert begun.verifier not in str(fields)
    for state, iss in ((other.state, ISSUER), ("", ISSUER), (begun.state, None), (begun.state, ISSUER + "/")):
        with pytest.raises(OIDCError):
            oidc.check_answer(provider, begun, state=state, iss=iss)
    oidc.check_answer(provider, begun, state=begun.state, iss=ISSUER)


@pytest.mark.parametrize(
    ("secret", "methods", "basic", "posted"),
    [
        ("s e", ["client_secret_basic", "client_secret_post"], "Basic bW94bGl0ZTpzK2U=", None),
        ("s e", ["client_secret_post"], None, "s e"),
        ("", ["none"], None, None),
    ],
)
def test_token_requests(secret: str, methods: list[str], basic: str | None, posted: str | None) -> None:
    """WEB-180: the secret as the provider wants it; the verifier always."""
    document = House().document() | {"token_endpoint_auth_methods_supported": methods}
    provider = oidc.read_provider(json.dumps(document).encode(), ISSUER)
    headers, body = oidc.token_request(
        provider, CLIENT, secret, AuthorizationRequest("s", "n", "v", "https://m/"), "c&d"
    )
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    assert (dict(headers).get("Authorization"), form.get("client_secret")) == (basic, posted)
    assert (form["code"], form["code_verifier"], form["redirect_uri"]) == ("c&d", "v", "https://m/")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b'{"error":"invalid_grant","error_description":"Code not valid"}', OIDCError),
        (400, b'{"error":"invalid_request"}', ProviderAway),
        (401, b'{"error":"invalid_client"}', ProviderAway),
        (302, b"", ProviderAway),
        (503, b"<html>", ProviderAway),
        (200, b"", ProviderAway),
        (200, b'{"token_type":"Bearer","access_token":"a"}', ProviderAway),
        (200, b'{"token_type":"mac","id_token":"a"}', ProviderAway),
    ],
)
def test_bad_answers_of_the_token_endpoint(status: int, body: bytes, error: type[Exception]) -> None:
    """WEB-180, WEB-182: a rejected code alone says something about the person."""
    with pytest.raises(error):
        oidc.read_tokens(status, body)
