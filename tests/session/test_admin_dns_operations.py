"""DNS providers, records and rotation in a whole server, by the admin app and the control socket (ADMIN-71b, 71c,
AUTH-115).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from moxlite.logins.adminpassword import write_admin_password
from moxlite.net.control.client import CtlFailed
from moxlite.net.resolver import FakeResolver
from moxlite.operations.dns import RotateNow, Rotation, ShowRotation, StartRotation, StopRotation
from tests.browsing import Browser
from tests.dnsproviders import TOKENS, FakeProviders
from tests.house import STATIC, Running, house
from tests.web_rig import ADMIN_PASSWORD

pytestmark = pytest.mark.served

PAGE = 14182
SERVED = STATIC.replace('data_dir = "data"', 'data_dir = "data"\nadmin_password_file = "adminpasswd"').replace(
    "[listeners.two]", f"admin_http = {{ enabled = true, port = {PAGE} }}\n[listeners.two]"
)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProviders]:
    with FakeProviders({"example.org": [("www.example.org", "A", "192.0.2.80")], "used.example": []}) as found:
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)
        yield found


async def owner(running: Running) -> Browser:
    """The owner's browser, with the password given."""
    browser = Browser(running, {"port": PAGE}, "/admin/")
    browser.host = f"127.0.0.1:{PAGE}"
    await browser.log_in("", ADMIN_PASSWORD)
    return browser


async def test_a_provider_is_set_and_records_published_in_the_admin_app(tmp_path: Path, fake: FakeProviders) -> None:
    """ADMIN-71b, 71c: a form with the provider's questions; the plan is shown before it is made, and taken back. The
    token is in no answer and not in the audit log.
    """
    (tmp_path / "config").mkdir()
    write_admin_password(tmp_path / "config/adminpasswd", ADMIN_PASSWORD)
    async with house(tmp_path, static=SERVED) as running:
        browser = await owner(running)
        known = await browser.call("dns_provider_list")
        assert {one["name"] for one in known} == {*TOKENS, "rfc2136"}
        assert (await browser.call("dns_provider_show", domain="example.org"))["provider"] == ""
        answer = await browser.post("dns_plan", {"domain": "example.org"})
        assert (answer.status, "no DNS provider for" in answer.json["error"]["message"]) == (400, True)
        token = {"domain": "example.org", "provider": "gandi", "secrets": {"auth_token": TOKENS["gandi"]}}
        wrong = await browser.post("dns_provider_set", {**token, "secrets": {"auth_token": "wrong-and-long-as-tokens"}})
        assert wrong.status >= 400
        assert "rejected the token" in wrong.json["error"]["message"]
        shown = await browser.call("dns_provider_set", **token)
        assert shown == {
            "provider": "gandi",
            "title": "Gandi LiveDNS",
            "zone": "example.org",
            "enforce": False,
            "published": 0,
        }
        plan = await browser.call("dns_plan", domain="example.org")
        assert "+ example.org. MX 10 mx.example.org." in plan["lines"]
        old = await browser.post("dns_publish", {"domain": "example.org", "lines": plan["lines"][1:]})
        assert "records have changed" in old.json["error"]["message"]
        assert await browser.call("dns_publish", domain="example.org", lines=plan["lines"]) == []
        assert fake.data("example.org", "MX") == {"10 mx.example.org."}
        assert (await browser.call("dns_plan", domain="example.org"))["lines"] == []
        back = await browser.call("dns_plan", domain="example.org", undo=True)
        assert await browser.call("dns_publish", domain="example.org", lines=back["lines"], undo=True) == []
        assert fake.records("example.org") == {("www.example.org", "A", "192.0.2.80")}
        entries = await browser.call("audit_export", filter={}, form="json")
        assert "dns provider set" in entries
        assert TOKENS["gandi"] not in entries
        await browser.call("dns_provider_rm", domain="example.org")
        assert (await browser.call("dns_provider_show", domain="example.org"))["provider"] == ""


async def test_rules_that_bind_others_are_chosen_for_a_domain(tmp_path: Path, fake: FakeProviders) -> None:
    """ADMIN-47a, ADMIN-12, WEB-80a: a new domain that others use has none, and says why; a plan shows them apart, and
    without them they stay out of the configuration, too.
    """
    (tmp_path / "config").mkdir()
    write_admin_password(tmp_path / "config/adminpasswd", ADMIN_PASSWORD)
    resolver = FakeResolver({"TXT": {"used.example.": ["v=spf1 include:spf.news.example ~all"]}})
    async with house(tmp_path, static=SERVED, resolver=resolver) as running:
        browser = await owner(running)
        added = await browser.call("config_domain_add", domain="used.example", account="mia")
        [step] = [one for one in added["next"] if "moxlite config domain strict used.example" in one["commands"]]
        assert "sender include:spf.news.example" in step["words"]
        records = await browser.call("dns_records", domain="used.example")
        assert [one["value"][:15] for one in records if one["topic"] == "dmarc"] == ["v=DMARC1;p=none"]
        await browser.call("config_domain_strict", domain="used.example")
        records = await browser.call("dns_records", domain="used.example")
        assert [one["value"][:17] for one in records if one["topic"] == "dmarc"] == ["v=DMARC1;p=reject"]

        token = {"domain": "used.example", "provider": "gandi", "secrets": {"auth_token": TOKENS["gandi"]}}
        await browser.call("dns_provider_set", **token)
        plan = await browser.call("dns_plan", domain="used.example")
        titles = [one["title"] for one in plan["groups"]]
        assert titles == ["Mail here", "Signatures", "Settings", "Rules for other servers"]
        assert [line for one in plan["groups"] for line in one["lines"]] == plan["lines"]
        await browser.call("dns_publish", domain="used.example", lines=plan["lines"], lenient=True)
        assert [text[:17] for text in fake.data("_dmarc.used.example", "TXT")] == ['"v=DMARC1;p=none;']
        assert (await browser.call("dns_plan", domain="used.example"))["lines"] == []
        await browser.call("config_domain_strict", domain="used.example")
        plan = await browser.call("dns_plan", domain="used.example")
        assert [one["rules"] for one in plan["groups"]] == [True]


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ("127.0.0.1:9", "127.0.0.1 port 9: "),
        ("[::1]:9", "::1 port 9: "),
        ("127.0.0.1:99999", "Enter the name server's IP address"),
        ("ns.example.org", "Enter the name server's IP address"),
    ],
)
async def test_a_name_server_is_written_as_the_form_says(tmp_path: Path, server: str, words: str) -> None:
    """ADMIN-71b: its form asks for IP[:PORT]; an IPv6 address with a port is in brackets."""
    (tmp_path / "config").mkdir()
    write_admin_password(tmp_path / "config/adminpasswd", ADMIN_PASSWORD)
    async with house(tmp_path, static=SERVED) as running:
        browser = await owner(running)
        answers = {"server": server, "key": "hmac-sha256:key:c2VjcmV0LXNlY3JldC1zZWNyZXQ="}
        given = {"domain": "example.org", "provider": "rfc2136", "secrets": answers}
        answer = await browser.post("dns_provider_set", given)
        assert words in answer.json["error"]["message"]
        assert (await browser.call("dns_provider_show", domain="example.org"))["provider"] == ""


async def test_the_rotation_is_shown_stopped_and_hastened(tmp_path: Path) -> None:
    """AUTH-115: by the control socket; of a domain that is not here it is refused."""
    async with house(tmp_path) as running:

        async def ask(name: str, request: object) -> Rotation:
            async with running.ctl() as client:
                return await client.call(name, request, Rotation)

        found = await ask("dns rotation show", ShowRotation(domain="example.org"))
        assert (found.stage, found.stopped) == ("resting", False)
        assert (await ask("dns rotation stop", StopRotation(domain="example.org"))).words.startswith("stopped; ")
        assert not (await ask("dns rotation start", StartRotation(domain="example.org"))).stopped
        assert (await ask("dns rotation now", RotateNow(domain="example.org"))).stage == "resting"
        with pytest.raises(CtlFailed, match="nowhere"):
            await ask("dns rotation show", ShowRotation(domain="nowhere.example"))
