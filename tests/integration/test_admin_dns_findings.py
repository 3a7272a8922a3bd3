"""What doctor and the nightly mail say of DNS providers and keys (ADMIN-71d)."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from moxlite.admin.dns.ledger import Ledger
from moxlite.admin.dns.publishing import Publishing
from moxlite.admin.dns.rotation import Keys
from moxlite.admin.dns.update import NoAnswer
from moxlite.admin.dnsproviders.accounts import Busy, DNSFiles, Stored
from moxlite.admin.doctor.examination import Examination
from moxlite.admin.doctor.examine import check_providers
from moxlite.config.load import load
from moxlite.findings import Finding
from moxlite.net.resolver import FakeResolver
from moxlite.proto.address import Domain
from tests.dnsproviders import TOKENS, FakeProviders, straight
from tests.small_config import DOMAINS, STATIC

pytestmark = [pytest.mark.integration, pytest.mark.served]

DOMAIN = Domain.parse("example.org")

Look = Callable[..., Any]


@pytest.fixture
def fake() -> Iterator[FakeProviders]:
    with FakeProviders({"example.org": []}) as found:
        yield found


@pytest.fixture
def files(tmp_path: Path) -> DNSFiles:
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    return DNSFiles(tmp_path / "moxlite.toml", "moxlite")


def examination(files: DNSFiles, *, inside: bool = True) -> Examination:
    path = files.folder.parent / "moxlite.toml"
    unused: Any = None
    return Examination(
        snapshot=load(path)[0],
        path=path,
        resolver=FakeResolver({}),
        network=unused,
        http=unused,
        running=None,
        inside=inside,
    )


def publish(files: DNSFiles, *, enforce: bool = False) -> None:
    stored = Stored("hetzner", "example.org", {"auth_token": TOKENS["hetzner"]}, enforce=enforce)
    files.set_provider(DOMAIN, stored)
    found = examination(files)
    publishing = Publishing(found.snapshot, found.path)
    located = publishing.located(DOMAIN)
    assert publishing.make(DOMAIN, located, publishing.plan(DOMAIN, located)) == []


def codes(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(one.grade, one.code) for one in findings]


async def test_records_that_others_change_are_shown_and_mended_only_where_wanted(
    fake: FakeProviders, files: DNSFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-71d: gone and changed records of ours are warnings with the lines of a diff; with `enforce` the nightly
    examination makes them again, and one from the command line does not.
    """
    straight(fake, monkeypatch)
    assert await check_providers(examination(files)) == []
    publish(files)
    assert await check_providers(examination(files)) == []
    before = fake.records("example.org")
    fake.add("example.org", "www.example.org", "A", "192.0.2.80")
    mx = fake.data("example.org", "MX")
    fake.zones["example.org"] = [
        one for one in fake.zones["example.org"] if one.kind != "MX" and "_submissions" not in one.name
    ]
    fake.add("example.org", "example.org", "MX", "5 elsewhere.example.")
    found = await check_providers(examination(files))
    assert codes(found) == [("warning", "dns-changed")] * 2
    assert found[0].text == "example.org. MX, which this server published, isn't as expected"
    assert found[0].commands[-1] == "moxlite dns update example.org --replace"
    assert "- example.org. MX 5 elsewhere.example." in found[0].commands
    assert "is gone" in found[1].text
    publish_again = Stored("hetzner", "example.org", {"auth_token": TOKENS["hetzner"]}, enforce=True)
    files.set_provider(DOMAIN, publish_again)
    assert len(await check_providers(examination(files, inside=False))) == 2
    assert codes(await check_providers(examination(files))) == [("note", "dns-changed")]
    assert fake.data("example.org", "MX") == mx
    assert fake.records("example.org") == {*before, ("www.example.org", "A", "192.0.2.80")}


async def test_records_that_others_put_beside_ours_stay(
    fake: FakeProviders, files: DNSFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-71d: a second MX host, authority or service of the owner's is no change of ours, also with `enforce`; a
    second SPF text is, as there may be only one: both are merged.
    """
    straight(fake, monkeypatch)
    fake.add("example.org", "example.org", "CAA", '0 issue "letsencrypt.org"')
    publish(files, enforce=True)
    fake.add("example.org", "example.org", "MX", "20 backup.example.")
    fake.add("example.org", "_imaps._tcp.example.org", "SRV", "10 1 993 backup.example.")
    before = fake.records("example.org")
    assert await check_providers(examination(files)) == []
    assert fake.records("example.org") == before
    fake.add("example.org", "example.org", "TXT", '"v=spf1 ip4:198.51.100.1 -all"')
    assert codes(await check_providers(examination(files))) == [("note", "dns-changed")]
    (spf,) = [data for data in fake.data("example.org", "TXT") if "v=spf1" in data]
    assert "198.51.100.1" in spf


async def test_after_an_undo_our_records_are_ours_again(
    fake: FakeProviders, files: DNSFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-71c: what the undone step had removed is removed by the next one, too."""
    straight(fake, monkeypatch)
    path = files.folder.parent / "domains.toml"
    path.write_text(DOMAINS.replace("[accounts.me]", 'client_settings_domain = "one.example.org"\n[accounts.me]', 1))
    publish(files)
    ours = Ledger(files, DOMAIN).ours()
    path.write_text(path.read_text().replace("one", "two"))
    publish(files)
    publishing = Publishing(examination(files).snapshot, examination(files).path)
    located = publishing.located(DOMAIN)
    plans = publishing.plan_undo(DOMAIN, located)
    assert plans is not None
    assert publishing.undo(DOMAIN, located, plans) == []
    assert fake.data("one.example.org", "CNAME") == {"mx.example.org."}
    assert Ledger(files, DOMAIN).ours() == ours
    publish(files)
    assert fake.data("two.example.org", "CNAME") == {"mx.example.org."}
    assert fake.data("one.example.org", "CNAME") == set()


async def test_an_undo_takes_back_the_step_that_was_shown(
    fake: FakeProviders, files: DNSFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-71c: a step that is made while the owner looks at the plan, as by a rotation, is not taken for it."""
    straight(fake, monkeypatch)
    publish(files)
    publishing = Publishing(examination(files).snapshot, examination(files).path)
    located = publishing.located(DOMAIN)
    plans = publishing.plan_undo(DOMAIN, located)
    assert plans is not None
    path = files.folder.parent / "domains.toml"
    path.write_text(DOMAINS.replace("[accounts.me]", 'client_settings_domain = "one.example.org"\n[accounts.me]', 1))
    publish(files)
    before = fake.records("example.org"), Ledger(files, DOMAIN).state
    with pytest.raises(Busy):
        publishing.undo(DOMAIN, located, plans)
    assert (fake.records("example.org"), Ledger(files, DOMAIN).state) == before


async def test_the_server_of_another_domain_is_not_in_the_way(
    fake: FakeProviders, files: DNSFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-71c: where it does not answer, records are changed that are elsewhere; what may be there, waits."""
    straight(fake, monkeypatch)
    gone = Stored("rfc2136", "", {"server": "127.0.0.1#1", "key": "k:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U="})
    files.set_provider(Domain.parse("other.example"), gone)
    publish(files)
    assert fake.data("example.org", "MX") == {"10 mx.example.org."}
    publishing = Publishing(examination(files).snapshot, examination(files).path)
    with pytest.raises(NoAnswer):
        publishing.located(DOMAIN).of("mx.other.example.")
    files.set_provider(DOMAIN, gone)
    with pytest.raises(NoAnswer):
        publishing.plan(DOMAIN, publishing.located(DOMAIN))


async def test_a_refused_token_is_an_error_and_a_silent_provider_a_warning(
    fake: FakeProviders, files: DNSFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-71d: through the library, with the word what to type."""
    for name, value in fake.environment.items():
        monkeypatch.setitem(os.environ, name, value)
    files.set_provider(DOMAIN, Stored("cloudflare", "example.org", {"auth_token": "expired"}))
    (found,) = await check_providers(examination(files))
    assert (found.grade, found.code) == ("error", "dns-provider")
    assert found.text.startswith(
        "example.org: Cloudflare: the provider rejected the token or its permissions (HTTP status 403"
    )
    assert found.commands == ("moxlite dns provider set example.org PROVIDER",)
    monkeypatch.setitem(os.environ, "HTTPS_PROXY", "http://127.0.0.1:9")
    (found,) = await check_providers(examination(files))
    assert (found.grade, found.code) == ("warning", "dns-provider")


async def test_a_key_that_waits_is_told_with_what_to_type(files: DNSFiles) -> None:
    """AUTH-115, ADMIN-71d."""
    state = Keys("publishing", 1.0, new="b", todo=("add to DNS: b._domainkey.example.org. TXT x",))
    files.set_keys(DOMAIN, msgspec.json.encode(state))
    (found,) = await check_providers(examination(files))
    assert (found.grade, found.code, found.commands) == ("warning", "key-rotation", state.todo)
    files.set_keys(DOMAIN, msgspec.json.encode(msgspec.structs.replace(state, stopped=True)))
    assert codes(await check_providers(examination(files))) == [("note", "key-rotation")]
