"""Who may use a rule of the web server, how long answers may be kept, and compressed files on the disk (WEB-162)."""

import base64
import gzip
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner

from moxlite.cli.config import config
from moxlite.web.handlers import rules as access
from moxlite.web.handlers.static import KEPT_SECONDS
from tests.backend import backend
from tests.session.test_web_handlers import PLAIN, WEBSERVER, get, handler
from tests.web_rig import DOMAINS, Rig, open_rig

pytestmark = pytest.mark.served

Opening = Callable[[str], Awaitable[Rig]]
PASSWORD = "correct horse"


@pytest.fixture
async def opening(tmp_path: Path) -> AsyncIterator[Opening]:
    """Opens the room with these handlers."""
    async with trio.open_nursery() as nursery:

        async def serve(domains: str) -> Rig:
            return await open_rig(tmp_path / "room", nursery, static=WEBSERVER, domains=DOMAINS + domains)

        yield serve
        nursery.cancel_scope.cancel()


@pytest.fixture
def www(tmp_path: Path) -> Path:
    root = tmp_path / "www"
    root.mkdir()
    (root / "hello.txt").write_text("hello world\n" * 200)
    return root


def hashed() -> str:
    """A hash as the command line makes it."""
    done = CliRunner().invoke(config, ["hash-password"], input=PASSWORD + "\n")
    assert done.exit_code == 0, done.output
    return done.output.strip()


def basic(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def rule(kind: str, more: str, path: str = "^/") -> str:
    return handler(kind, more=PLAIN + more, path=path)


async def test_a_password_is_asked_for(opening: Opening, www: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-162, WEB-56: with the realm; each wrong one counts, until the network has to wait; other rules stay open."""
    monkeypatch.setattr(access, "FAILURE_DELAY", 0.0)
    files = f'static = {{ root = "{www}" }}'
    auth = f'basic_auth = {{ realm = "my site", users = {{ jane = "{hashed()}" }} }}\n'
    rig = await opening(rule(files, auth, path="^/hello") + rule('redirect = { base_url = "https://a.example" }', ""))
    asked = await get(rig, "/hello.txt")
    assert (asked.status, asked.headers["www-authenticate"]) == (401, 'Basic realm="my site", charset="UTF-8"')
    for _ in range(3):
        assert (await get(rig, "/hello.txt", headers=basic("jane", PASSWORD))).status == 200
    for name, password in (("jane", "wrong"), ("tom", PASSWORD), ("jane", ""), ("", PASSWORD)):
        assert (await get(rig, "/hello.txt", headers=basic(name, password))).status == 401
    for bad in ("Basic", "Basic ???", "Bearer x", "Basic " + "a" * 5000, "Basic " + base64.b64encode(b"jane").decode()):
        assert (await get(rig, "/hello.txt", headers={"authorization": bad})).status == 401
    statuses = {(await get(rig, "/hello.txt", headers=basic("jane", "wrong"))).status for _ in range(12)}
    assert statuses == {401, 429}
    refused = await get(rig, "/hello.txt", headers=basic("jane", PASSWORD))
    assert (refused.status, refused.headers["retry-after"]) == (429, "60")
    assert (await get(rig, "/other")).status == 308
    assert (await get(rig, "/hello.txt", headers=basic("jane", PASSWORD), remote="198.51.100.9")).status == 200


async def test_only_some_networks_are_served(opening: Opening, www: Path) -> None:
    """WEB-162: others get 403, before a password is asked for."""
    networks = 'allow_ips = ["198.51.100.0/24", "2001:db8::/32"]\n'
    rig = await opening(rule(f'static = {{ root = "{www}" }}', networks))
    for remote, status in (("192.0.2.7", 403), ("198.51.100.7", 200), ("2001:db8::1", 200), ("2001:db9::1", 403)):
        assert (await get(rig, "/hello.txt", remote=remote)).status == status


async def test_the_server_behind_does_not_get_the_password(opening: Opening) -> None:
    """WEB-162: credentials of the rule end here; without `basic_auth` they are the business of the server behind."""
    async with backend() as behind:
        forward = f'forward = {{ url = "{behind.url}" }}'
        auth = f'basic_auth = {{ users = {{ jane = "{hashed()}" }} }}\n'
        rig = await opening(rule(forward, auth, path="^/own") + rule(forward, ""))
        assert (await get(rig, "/own", headers=basic("jane", PASSWORD))).status == 200
        assert (await get(rig, "/theirs", headers=basic("jane", "other"))).status == 200
        assert [one.get("authorization") is None for one in behind.seen] == [True, False]


async def test_the_first_pattern_sets_the_cache(opening: Opening, www: Path) -> None:
    """WEB-162: for answers that succeed, in place of the field of the server behind."""
    (www / "a.css").write_text("a {}")
    first = "{ path_regexp = '\\.css$', cache_control = 'max-age=9' }"
    rules = f"cache = [{first}, {{ path_regexp = '^/b', cache_control = 'no-store' }}]\n"
    async with backend() as behind:
        behind.raw["/kept"] = b"HTTP/1.1 200 OK\r\nCache-Control: public\r\nContent-Length: 2\r\n\r\nok"
        behind.raw["/kept/b.css"] = behind.raw["/kept"]
        rig = await opening(
            rule(f'forward = {{ url = "{behind.url}" }}', rules, path="^/kept")
            + rule(f'static = {{ root = "{www}" }}', rules)
        )
        assert (await get(rig, "/a.css")).headers["cache-control"] == "max-age=9"
        assert "cache-control" not in (await get(rig, "/hello.txt")).headers
        missing = await get(rig, "/missing.css")
        assert (missing.status, "cache-control" in missing.headers) == (404, False)
        assert (await get(rig, "/kept/b.css")).headers["cache-control"] == "max-age=9"
        assert (await get(rig, "/kept")).headers["cache-control"] == "public"


async def test_copies_on_the_disk_are_sent(opening: Opening, www: Path) -> None:
    """WEB-162: in the coding that the client prefers, with the type of the file; no older one, and not for ranges."""
    text = (www / "hello.txt").read_bytes()
    packed = gzip.compress(text)
    (www / "hello.txt.gz").write_bytes(packed)
    (www / "hello.txt.br").write_bytes(b"brotli")
    (www / "hello.txt.zst").write_bytes(b"zstd")
    rig = await opening(rule(f'static = {{ root = "{www}", precompressed = true }}', ""))

    async def coding(accepted: str, **more: str) -> tuple[str | None, bytes]:
        answer = await get(rig, "/hello.txt", headers={"accept-encoding": accepted, **more})
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["vary"] == "Accept-Encoding"
        return answer.headers.get("content-encoding"), answer.body

    assert await coding("gzip, br") == ("br", b"brotli")
    assert await coding("gzip, br;q=0.5") == ("gzip", packed)
    assert await coding("zstd") == ("zstd", b"zstd")
    assert await coding("identity") == (None, text)
    assert await coding("gzip", range="bytes=0-4") == (None, text[:5])
    await trio.sleep(KEPT_SECONDS)  # so long a file counts as it was
    os.utime(www / "hello.txt.br", (1, 1))
    assert await coding("gzip;q=0.5, br") == ("gzip", packed)
    await trio.sleep(KEPT_SECONDS)
    (www / "hello.txt.gz").unlink()
    assert await coding("gzip;q=0.5, br") == (None, text)
    tags = {(await get(rig, "/hello.txt", headers={"accept-encoding": one})).headers["etag"] for one in ("zstd", "x")}
    assert len(tags) == 2
