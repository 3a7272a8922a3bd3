"""Claims that only the provider's UserInfo endpoint has, and documents with members that are null."""

import pytest

from moxlite.net.httpclient import HTTPError, HTTPResponse
from moxlite.web.providerlogin import AWAY, BUSY
from tests.loginprovider import ISSUER, PROVIDER, House, house_of, reply
from tests.web_rig import ADMIN_STATIC, DOMAINS, STATIC, Browser, Rig

TRUSTED = STATIC + PROVIDER + 'trust_addresses = ["example.org", "other.example"]\n'
PEOPLE = (
    DOMAINS
    + """
[accounts.paul]
domain = "other.example"
[accounts.paul.destinations."paul@other.example"]
[accounts.paul.destinations."postmaster@other.example"]
[accounts.pia]
domain = "other.example"
[accounts.pia.destinations."pia@other.example"]
[domains."other.example"]
[domains."example.org".aliases.postmaster]
addresses = ["pia@other.example"]
"""
)

pytestmark = [pytest.mark.served, pytest.mark.rig(static=TRUSTED, domains=PEOPLE)]

REFUSED = (401, "user:loginFailed")
TOM = {"email": "tom@example.org", "email_verified": True}


@pytest.fixture
def provider(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> House:
    house = house_of(rig, monkeypatch)
    house.told = {}
    return house


def page(rig: Rig, app: str = "/webmail/") -> Browser:
    return rig.browser(app=app, port=443, tls=True)


async def finish(rig: Rig, provider: House, app: str = "/webmail/") -> tuple[int, str, str]:
    """Log in: status, address of the login, and the text of an error."""
    browser = page(rig, app)
    answer = provider.approve(await browser.call("provider_login", stay=False))
    answered = await browser.post("provider_finish", {"answer": answer})
    if answered.status == 200:
        return 200, answered.json["result"].get("login_address", ""), ""
    return answered.status, "", answered.json["error"]["message"]


def requests(provider: House) -> int:
    return sum(url == f"{ISSUER}/userinfo" for _, url, _, _ in provider.asked)


async def test_an_address_that_only_userinfo_has(rig: Rig, provider: House) -> None:
    """WEB-180, WEB-185: as providers do that leave the claims of scopes to UserInfo. Later nobody asks for it."""
    provider.told = TOM
    assert await finish(rig, provider) == (200, "tom@example.org", "")
    assert requests(provider) == 1
    assert await finish(rig, provider) == (200, "tom@example.org", "")
    assert requests(provider) == 1


async def test_an_id_token_with_the_address_is_enough(rig: Rig, provider: House) -> None:
    """WEB-180: UserInfo is asked for what is missing alone."""
    provider.claims = TOM
    assert (await finish(rig, provider))[0] == 200
    assert requests(provider) == 0


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (reply({"sub": "someone else", **TOM}), BUSY),
        (reply(TOM), BUSY),
        (reply(["sub"]), BUSY),
        (reply({"sub": "mia-at-home", **TOM}, 401), BUSY),
        (HTTPResponse(200, (), b" " * 10_000_000), BUSY),
        (HTTPResponse(200, (("content-type", "application/jwt"),), b"a.b.c"), BUSY),
        (HTTPError("timed out after 10 s"), AWAY),
    ],
    ids=["another person", "nobody", "a list", "refused", "10 MB", "a token", "hangs"],
)
async def test_userinfo_that_says_nothing(
    rig: Rig, provider: House, answer: HTTPResponse | HTTPError, words: str
) -> None:
    """WEB-180, WEB-182: nobody is connected, and the person reads why. Who is connected logs in without it."""
    provider.answers["/userinfo"] = answer
    assert await finish(rig, provider) == (503, "", words)
    assert await rig.auth.bindings.add(ISSUER, "mia-at-home", "tom")
    assert (await finish(rig, provider))[0] == 200


@pytest.mark.parametrize("verified", [False, None, "true", 1], ids=str)
async def test_an_address_of_userinfo_that_is_not_verified(rig: Rig, provider: House, verified: object) -> None:
    """WEB-185."""
    provider.told = TOM | {"email_verified": verified}
    assert (await finish(rig, provider))[0] == 401


@pytest.mark.parametrize("address", ["paul@other.example", "pia@other.example"])
async def test_who_gets_postmaster_s_mail_is_never_connected_by_address(
    rig: Rig, provider: House, address: str
) -> None:
    """WEB-185: at any domain, as a destination or by an alias."""
    provider.claims = {"email": address, "email_verified": True}
    assert (await finish(rig, provider))[0] == 401


ADMINS = 'admin_group = "mail admins"\n'


@pytest.mark.rig(app="/admin/", static=ADMIN_STATIC + PROVIDER + ADMINS)
async def test_groups_of_administrators_that_only_userinfo_has(rig: Rig, provider: House) -> None:
    """WEB-189: nobody gets in while it can't be asked."""
    provider.told = {"groups": ["staff"]}
    assert (await finish(rig, provider, "/admin/"))[0] == 401
    provider.answers["/userinfo"] = reply({}, 500)
    assert await finish(rig, provider, "/admin/") == (503, "", BUSY)
    del provider.answers["/userinfo"]
    provider.told = {"groups": "mail admins"}
    assert (await finish(rig, provider, "/admin/"))[0] == 200


async def test_members_that_are_null_count_as_absent(
    rig: Rig, provider: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-180: in discovery document, key set and UserInfo."""
    document = provider.document() | {"response_modes_supported": None, "end_session_endpoint": None}
    provider.answers["/.well-known/openid-configuration"] = reply(document)
    [key] = provider.keys()
    provider.answers["/certs"] = reply({"keys": [key | {"use": None, "alg": None, "key_ops": None}]})
    provider.told = TOM | {"groups": None}
    assert (await finish(rig, provider))[0] == 200


async def test_documents_that_are_no_provider_s(rig: Rig, provider: House) -> None:
    """WEB-182: the person reads that the provider has a problem, not that it doesn't answer."""
    provider.answers["/.well-known/openid-configuration"] = reply(provider.document() | {"issuer": "https://a.example"})
    answered = await page(rig).post("provider_login", {"stay": False})
    assert (answered.status, answered.json["error"]["message"]) == (503, BUSY)
