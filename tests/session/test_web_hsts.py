"""Strict-Transport-Security: where it is sent, from when on, and for how long (WEB-29)."""

import time
from functools import partial
from pathlib import Path

import msgspec
import pytest
import trio

from moxlite import wiring
from moxlite.net.tls.certificates import KeyPair, Trust, self_signed
from moxlite.web.http import hsts
from tests.house import soon
from tests.web_rig import DOMAINS, STATIC, Rig, open_rig

pytestmark = pytest.mark.served

DAY = 86_400
CERTIFICATE = self_signed(["mail.example.org"])
ALL = """
admin_https = { enabled = true, port = 443 }
webapi_https = { enabled = true, port = 443 }
webserver_https = { enabled = true, port = 443 }
"""
SITE = """
[[web_handlers]]
domain = "mail.example.org"
path_regexp = "^/site/"
redirect = { base_url = "https://www.example.org" }
"""


async def opened(
    folder: Path, nursery: trio.Nursery, *, days: float | None, line: str = "", certificate: KeyPair = CERTIFICATE
) -> Rig:
    """A server whose https has been valid for so many days already. It trusts its certificate."""
    if days is not None:
        (folder / "data").mkdir(parents=True)
        state = {"since": {"mail.example.org": time.time() - days * DAY}}
        (folder / "data" / hsts.STATE).write_bytes(msgspec.json.encode(state))
    begun, rest = STATIC.split("[listeners.proxied]")
    static = f"{begun}{ALL}{line}\n[listeners.proxied]{rest}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "Trust", partial(Trust, certificate.chain))
        rig = await open_rig(folder, nursery, static=static, domains=DOMAINS + SITE, certificate=certificate)
    file = folder / "data" / hsts.STATE
    if "hsts" not in line:
        await soon(lambda: file.exists() and file.stat().st_mtime_ns > 0)
    return rig


def promises_nothing(state: Path) -> bool:
    return not msgspec.json.decode(state.read_bytes())["since"]


async def told(rig: Rig, path: str = "/webmail/", *, host: str = "mail.example.org", tls: bool = True) -> str | None:
    browser = rig.browser(port=443 if tls else 80, tls=tls)
    browser.host = host
    return (await browser.fetch(path)).headers.get("strict-transport-security")


async def test_after_a_day_of_valid_https_our_apps_promise_it_at_the_public_name(tmp_path: Path) -> None:
    """WEB-29: not without TLS, not at other names, addresses or ports, and not for what domains.toml serves."""
    async with trio.open_nursery() as nursery:
        rig = await opened(tmp_path, nursery, days=3.5)
        for path in ("/webmail/", "/", "/admin/", "/webapi/v0/", "/favicon.ico", "/webmail/api/nothing", "/webmail/x"):
            assert (path, await told(rig, path)) == (path, f"max-age={3 * DAY}")
        assert await told(rig, host="mail.example.org:443") == f"max-age={3 * DAY}"
        assert await told(rig, tls=False) is None
        for host in ("imap.example.org", "localhost", "127.0.0.1", "mail.example.org:8443", "www.example.org"):
            assert (host, await told(rig, host=host)) == (host, None)
        assert await told(rig, "/site/") is None
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("days", "line", "wanted"),
    [
        (None, "", None),
        (0.9, "", None),
        (1.1, "", DAY),
        (500, "", 180 * DAY),
        (-5, "", None),
        (500, "hsts = false", None),
        (None, "hsts = true", 31_536_000),
    ],
)
async def test_the_promise_grows_with_the_days(
    tmp_path: Path, days: float | None, line: str, wanted: int | None
) -> None:
    """WEB-29: from one day to 180; the key of the listener decides where it is set."""
    async with trio.open_nursery() as nursery:
        rig = await opened(tmp_path, nursery, days=days, line=line)
        assert await told(rig) == (None if wanted is None else f"max-age={wanted}")
        if line == "hsts = true":
            assert await told(rig, "/site/") == "max-age=31536000"
        nursery.cancel_scope.cancel()


async def test_the_days_are_kept_and_begin_anew_with_an_invalid_certificate(tmp_path: Path) -> None:
    """WEB-29: the file outlives a restart; a certificate out of its time, or for another name, ends the promise."""
    file = tmp_path / "first" / "data" / hsts.STATE
    async with trio.open_nursery() as nursery:
        await opened(tmp_path / "first", nursery, days=None)
        await soon(file.exists)
        since = msgspec.json.decode(file.read_bytes())["since"]["mail.example.org"]
        assert since == pytest.approx(time.time(), abs=60)
        nursery.cancel_scope.cancel()
    for number, pair in enumerate((self_signed(["mail.example.org"], days=-0.02), self_signed(["www.example.org"]))):
        folder = tmp_path / str(number)
        async with trio.open_nursery() as nursery:
            rig = await opened(folder, nursery, days=30, certificate=pair)
            state = folder / "data" / hsts.STATE
            await soon(partial(promises_nothing, state))
            assert await told(rig) is None
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("name", "public"),
    [("mail.example.org", True), ("localhost", False), ("mail", False), ("nas.lan", False), ("mail.home.arpa", False)],
)
def test_inner_names_are_not_public(name: str, public: bool) -> None:
    """WEB-29."""
    assert hsts._is_public(name) is public
