"""A login provider that is slow, huge or leads elsewhere, and browsers that bring what isn't theirs."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trio
import trio.testing
from joserfc import jwk

from moxlite.logins import provider as login_provider
from tests.loginprovider import ISSUER, PROVIDER, House, house_of
from tests.web_rig import PASSWORD, STATIC, Browser, Rig, serving

pytestmark = pytest.mark.served

FAILED = (401, "user:loginFailed")

Answer = Callable[[trio.abc.Stream], Awaitable[None]]

DISCOVERY = "/.well-known/openid-configuration"


class Site:
    """A web server on this machine: `answers` are octets by path, or what writes them; `sent` counts octets."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes | Answer] = {}
        self.asked: list[str] = []
        self.base = ""
        self.sent = 0

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.base = f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
        task_status.started()
        await trio.serve_listeners(self._answer, [listener])

    async def _answer(self, stream: trio.SocketStream) -> None:
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                head += await stream.receive_some(65536) or b"\r\n\r\n"
            path = head.split(b" ")[1].decode()
            self.asked.append(path)
            answer = self.answers.get(path, plain(404))
            if isinstance(answer, bytes):
                await stream.send_all(answer)
            else:
                await answer(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError, IndexError):
            pass
        finally:
            await stream.aclose()


def plain(status: int, body: bytes = b"", *fields: str) -> bytes:
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", "Connection: close", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def huge(site: Site, stream: trio.abc.Stream) -> None:
    """50 MB."""
    await stream.send_all(f"HTTP/1.1 200 OK\r\nContent-Length: {50 << 20}\r\n\r\n".encode())
    for _ in range(800):
        await stream.send_all(b" " * 65536)
        site.sent += 65536


async def silent(stream: trio.abc.Stream) -> None:
    """Nothing, for as long as the other side waits."""
    await stream.receive_some(1)


async def drop_by_drop(stream: trio.abc.Stream) -> None:
    """An octet now and then, so that something always comes."""
    await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await stream.send_all(b" ")
        await trio.sleep(0.05)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    found = Site()
    async with trio.open_nursery() as nursery:
        await nursery.start(found.serve)
        document = House().document() | {"issuer": found.base, "authorization_response_iss_parameter_supported": False}
        names = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "certs"}
        document |= {name: f"{found.base}/{path}" for name, path in names.items()}
        tokens = {"token_type": "Bearer", "access_token": "a", "id_token": "a.b.c"}
        found.answers[DISCOVERY] = plain(200, json.dumps(document).encode())
        found.answers["/token"] = plain(200, json.dumps(tokens).encode())
        yield found
        nursery.cancel_scope.cancel()


@pytest.fixture
async def reached(site: Site, tmp_path: Path) -> AsyncIterator[Rig]:
    """A server whose provider is the site."""
    settings = f'[oidc]\nissuer = "{site.base}"\nclient_id = "moxlite"\nallow_internal = true\n'
    async with serving(tmp_path, static=STATIC + settings) as rig:
        yield rig


def page(rig: Rig, app: str = "/webmail/") -> Browser:
    return rig.browser(app=app, port=443, tls=True)


async def tried(rig: Rig) -> int:
    """The status of a log-in, up to where it fails."""
    browser = page(rig)
    begun = await browser.post("provider_login", {"stay": False})
    if begun.status != 200:
        return begun.status
    [state] = parse_qs(urlsplit(begun.json["result"]).query)["state"]
    answer = {"state": state, "code": "x", "iss": "", "error": ""}
    return (await browser.post("provider_finish", {"answer": answer})).status


PATHS = pytest.mark.parametrize("path", [DISCOVERY, "/token", "/certs"])


@PATHS
async def test_redirects_lead_nowhere(reached: Rig, site: Site, path: str) -> None:
    """WEB-180: to a host of the inner network, or anywhere else: the other one hears nothing."""
    site.answers[path] = plain(302, b"", f"Location: {site.base}/inner")
    assert await tried(reached) in (401, 503)
    assert path in site.asked
    assert "/inner" not in site.asked


@PATHS
async def test_answers_of_50_megabytes(reached: Rig, site: Site, path: str) -> None:
    """WEB-180: they are not read."""
    site.answers[path] = partial(huge, site)
    with trio.fail_after(60):
        assert await tried(reached) in (401, 503)
    assert site.sent < 16 << 20  # what the kernel takes


@PATHS
@pytest.mark.parametrize("slow", [silent, drop_by_drop])
async def test_a_provider_that_is_slow(
    reached: Rig, site: Site, path: str, slow: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-180, WEB-182: the user hears so, and others log in with their passwords meanwhile."""
    monkeypatch.setattr(login_provider, "SECONDS", 2.0)
    site.answers[path] = slow
    statuses: list[int] = []

    async def by_provider() -> None:
        statuses.append(await tried(reached))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(by_provider)
        while path not in site.asked:  # noqa: ASYNC110 - the other side's state
            await trio.sleep(0.005)
        await page(reached).log_in("mia@example.org", PASSWORD)
    assert statuses == [503]


async def test_endpoints_in_the_inner_network(tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-180: a provider outside names them, and nothing is sent there."""
    async with serving(tmp_path, static=STATIC + PROVIDER) as rig:
        (rig.holder.path.parent / "secret").write_text("x")
        document = House().document() | {"token_endpoint": f"{site.base.replace('http', 'https')}/token"}
        document |= {"authorization_response_iss_parameter_supported": False}

        async def found(*_: object) -> bytes:
            return json.dumps(document).encode()

        monkeypatch.setattr(login_provider.LoginProvider, "_document", found)
        assert await tried(rig) == 503
    assert site.asked == []


rigged = pytest.mark.rig(static=STATIC + PROVIDER)


@pytest.fixture
async def provider(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> House:
    await rig.auth.bindings.add(ISSUER, "mia-at-home", "mia")
    return house_of(rig, monkeypatch)


async def back(provider: House, browser: Browser) -> dict[str, str]:
    return provider.approve(await browser.call("provider_login", stay=False))


@rigged
async def test_keys_that_change_each_minute(rig: Rig, provider: House, mock_clock: trio.testing.MockClock) -> None:
    """WEB-180: each log-in has the new key, for one request more; a token of the former key is refused."""
    former: list[Any] = []
    for number in range(5):
        provider.key = jwk.RSAKey.generate_key(2048, {"kid": str(number)})
        mock_clock.jump(60)
        browser = page(rig)
        asked = len(provider.asked)
        await browser.call("provider_finish", answer=await back(provider, browser))
        assert len(provider.asked) - asked <= 3
        former.append(provider.key)
    mock_clock.jump(60)
    current, provider.key = provider.key, former[0]
    published = current.as_dict(private=False)
    provider.keys = lambda: [dict(published)]  # type: ignore[method-assign]
    browser = page(rig)
    assert await browser.error("provider_finish", answer=await back(provider, browser)) == FAILED


@rigged
async def test_a_code_of_another_request(rig: Rig, provider: House) -> None:
    """WEB-181: code injection: PKCE ties a code to the browser that began; used up, it serves nobody else."""
    attacker, victim = page(rig), page(rig)
    stolen = await back(provider, victim)
    own = await back(provider, attacker)
    assert await attacker.error("provider_finish", answer=own | {"code": stolen["code"]}) == FAILED
    assert await victim.error("provider_finish", answer=stolen) == FAILED
    fresh = await back(provider, victim)
    await victim.call("provider_finish", answer=fresh)
    own = await back(provider, attacker)
    assert await attacker.error("provider_finish", answer=own | {"code": fresh["code"]}) == FAILED


@rigged
@pytest.mark.parametrize("app", ["/webmail/", "/"])
async def test_a_planted_session_is_not_taken_over(rig: Rig, provider: House, app: str) -> None:
    """WEB-181: session fixation: a log-in has tokens of its own, whatever the browser brings."""
    planted, browser = page(rig, app), page(rig, app)
    await planted.log_in()
    browser.cookies |= planted.cookies
    before = dict(browser.cookies)
    result = await browser.call("provider_finish", answer=await back(provider, browser))
    [name] = [name for name in browser.cookies if name.endswith("session")]
    assert browser.cookies[name] != before[name]
    assert result["csrf_token"] != planted.csrf


@rigged
@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-host": "evil.example"},
        {"x-forwarded-proto": "http"},
        {"forwarded": "host=evil.example;proto=http"},
        {"x-original-url": "https://evil.example/"},
        {"referer": "https://evil.example/"},
    ],
    ids=str,
)
async def test_browsers_come_back_to_our_pages_alone(rig: Rig, provider: House, headers: dict[str, str]) -> None:
    """WEB-181: open redirects: no header of a request chooses where the provider sends the browser."""
    browser = page(rig)
    await browser.log_in()
    for name, field in (("provider_login", "redirect_uri"), ("provider_logout", "post_logout_redirect_uri")):
        answer = await browser.post(name, {"stay": False} if name == "provider_login" else {}, headers)
        [uri] = parse_qs(urlsplit(answer.json["result"]).query)[field]
        assert uri == "https://mail.example.org/webmail/"


@rigged
async def test_no_page_of_another_host(rig: Rig, provider: House) -> None:
    """WEB-181, WEB-22: nor the host that a browser was led to."""
    browser = page(rig)
    browser.host = "evil.example"
    assert (await browser.post("provider_login", {"stay": False})).status == 404
    assert provider.asked == []
