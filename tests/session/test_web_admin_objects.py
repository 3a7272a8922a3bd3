"""The admin app's calls about accounts, domains and their settings, each once right and once wrong."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import trio
import trio.testing

from moxlite.admin.dns.report import Report
from moxlite.admin.doctor.requests import TryPlacement
from moxlite.config import holder
from moxlite.config.domains import Account, Domains
from moxlite.config.fields import fields_of
from moxlite.supervision import open_supervisor
from moxlite.web import sessions
from moxlite.web.admin.calls import domains, overview
from tests.web_rig import ADMIN_PASSWORD, Browser, Rig

if TYPE_CHECKING:
    from moxlite.web.admin.dependencies import Dependencies
    from moxlite.web.admin.sessions import AdminSessions
    from moxlite.web.cookies import Caller

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/admin/")]


async def save(browser: Browser, path: list[str], **changes: Any) -> Any:
    """Change settings as the form does; returns the answer."""
    before = (await browser.call("settings", path=path))["values"]
    after = {name: value for name, value in (before | changes).items() if value is not None}
    return await browser.post("settings_save", {"path": path, "before": before, "after": after})


async def test_accounts_are_listed_found_and_paged(browser: Browser) -> None:
    """WEB-81."""
    found = await browser.call("accounts")
    assert ([one["name"] for one in found["accounts"]], found["total"]) == (["mia", "tom"], 2)
    assert [one["name"] for one in (await browser.call("accounts", search="TOM@"))["accounts"]] == ["tom"]
    page = await browser.call("accounts", after="mia", count=1)
    assert [one["name"] for one in page["accounts"]] == ["tom"]
    assert await browser.error("accounts", count=1000) == (400, "user:error")
    uses = await browser.call("account_uses", names=["mia", "nobody"])
    assert [(one["name"], one["problem"]) for one in uses] == [("mia", "")]


async def test_an_account_is_added_used_and_removed(rig: Rig, browser: Browser) -> None:
    """WEB-81, ADMIN-14, ADMIN-15: with numbers before it goes."""
    password = await browser.call("account_add", name="ben", address="ben@example.org")
    webmail = rig.browser()
    await webmail.log_in("ben@example.org", password)
    await trio.testing.wait_all_tasks_blocked(0.1)
    assert (await browser.call("account_uses", names=["ben"]))[0]["last_protocol"] == "webmail"
    assert (await browser.call("attempts", account="ben"))[0]["result"] == "ok"
    answer = await browser.post("account_add", {"name": "", "address": ""})
    assert [one["field"] for one in answer.json["error"]["fields"]] == ["name", "address"]
    assert await browser.error("account_add", name="ben", address="b@example.org") == (400, "user:fields")
    assert await browser.error("account_add", name="Not Right", address="b@example.org") == (400, "user:fields")
    remains = await browser.call("account_remains", name="ben")
    assert (remains["messages"], remains["addresses"], remains["queued"]) == (0, 1, 0)
    await browser.call("config_account_rm", account="ben")
    assert await browser.error("config_account_rm", account="ben") == (400, "user:error")
    assert await browser.error("account", name="ben") == (404, "user:notFound")
    assert await browser.error("account_remains", name="ben") == (404, "user:notFound")
    assert await webmail.error("token") == (401, "user:badAuth")


async def test_a_mailbox_of_a_team_is_made_with_its_members(rig: Rig, browser: Browser) -> None:
    """SMTP-189a: an account where nobody logs in, and who sends from it, until when."""
    assert await browser.call("account_add", name="team", address="team@example.org", shared=True) == ""
    assert "shared" in (await browser.call("account", name="team"))["row"]["disabled"]
    ends = (time.time_ns() // 1000) + 86_400_000_000
    await browser.call(
        "account_delegate_set", account="team", guest="tom@example.org", sends="as", ends=ends, whole=True
    )
    assert await browser.error("account_delegate_list") == (400, "user:error"), "of which account?"
    [member] = await browser.call("account_delegate_list", account="team")
    assert (member["guest"], member["sends"], member["whole"]) == ("tom", "as", True)
    assert member["ends"].startswith(time.strftime("%Y-%m-", time.gmtime(ends / 1e6)))
    await browser.call("account_delegate_rm", account="team", guest="tom")
    assert await browser.call("account_delegate_list", account="team") == []


async def test_a_password_is_set_or_made(rig: Rig, browser: Browser) -> None:
    """WEB-81, STORE-102."""
    made = await browser.call("account_password", name="tom")
    await rig.browser().log_in("tom@example.org", made)
    assert (
        await browser.call("account_password", name="tom", password="a better one, and long")
        == "a better one, and long"
    )
    await rig.browser().log_in("tom@example.org", "a better one, and long")
    assert await browser.error("account_password", name="tom", password="short") == (400, "user:fields")
    assert await browser.error("account_password", name="nobody", password="a better one") == (404, "user:notFound")


async def test_an_address_that_people_take_for_another_one_is_marked(browser: Browser) -> None:
    """WEB-81: by letters that look alike, or without accents; not beside another address of the same account."""
    for account, address in (("tom", "m\u00eda@example.org"), ("tom", "tim@example.org"), ("tom", "t1m@example.org")):
        await browser.call("config_address_add", account=account, address=address)
    await browser.call("config_alias_add", alias="torn@example.org", members=["mia@example.org"])
    tom, mia = [await browser.call("account", name=name) for name in ("tom", "mia")]
    assert {row["address"]: row["alike"] for row in tom["addresses"]} == {
        "tom@example.org": "torn@example.org",
        "m\u00eda@example.org": "mia@example.org",
        "tim@example.org": "",
        "t1m@example.org": "",
    }
    marked = {row["address"]: row["alike"] for row in mia["addresses"]}
    assert (marked.pop("mia@example.org"), set(marked.values())) == ("m\u00eda@example.org", {""})
    domain = await browser.call("domain", domain="example.org")
    assert [alias["alike"] for alias in domain["aliases"]] == ["tom@example.org"]


async def test_addresses_leave_their_aliases(browser: Browser) -> None:
    """WEB-81, WEB-82, ADMIN-16: and the last member of an alias is not removed."""
    await browser.call("config_address_add", account="tom", address="sales@example.org")
    await browser.call("config_alias_add", alias="all@example.org", members=["sales@example.org", "mia@example.org"])
    detail = await browser.call("account", name="tom")
    assert {one["address"]: one["aliases"] for one in detail["addresses"]} == {
        "tom@example.org": [],
        "sales@example.org": ["all@example.org"],
    }
    assert await browser.error("config_address_add", account="tom", address="sales@example.org") == (400, "user:fields")
    assert await browser.error("config_address_add", account="tom", address="x@other.example") == (400, "user:fields")
    await browser.call("config_address_rm", address="sales@example.org")
    alias = (await browser.call("domain", domain="example.org"))["aliases"][0]
    assert (alias["members"], alias["post_public"]) == (["mia@example.org"], True)
    assert await browser.error("config_address_rm", address="sales@example.org") == (400, "user:error")
    answer = await browser.post("config_alias_rmaddr", {"alias": "all@example.org", "members": ["mia@example.org"]})
    assert "delete the alias instead" in answer.json["error"]["message"]
    await browser.call("config_alias_addaddr", alias="all@example.org", members=["tom@example.org"])
    assert await browser.error("config_alias_addaddr", alias="all@example.org", members=["x"]) == (400, "user:fields")
    await browser.call("config_alias_rmaddr", alias="all@example.org", members=["mia@example.org"])
    again = await browser.error("config_alias_add", alias="all@example.org", members=["mia@example.org"])
    assert again == (400, "user:fields")
    await browser.call("config_alias_rm", alias="all@example.org")
    assert await browser.error("config_alias_rm", alias="all@example.org") == (400, "user:error")


async def test_every_field_has_its_explanation_and_its_default(browser: Browser) -> None:
    """WEB-165, WEB-89a, ADMIN-7: from the source of ``config describe-domains``."""
    form = await browser.call("settings", path=["accounts", "mia"])
    fields = {one["name"]: one for one in form["fields"]}
    assert set(fields) == {one.name for one in fields_of(Account)} - {"domain", "destinations"}
    assert all(one["doc"] for one in fields.values())
    assert fields["max_outgoing_messages_per_day"]["default"] == 1000
    assert fields["keep_retired_message_period"]["default"] == "0s"
    assert fields["quota_message_size"]["kind"] == "size"
    assert fields["junk_filter"]["type"] == "table"
    assert "threshold" in {one["name"] for one in fields["junk_filter"]["fields"]}
    assert fields["routes"]["item"]["type"] == "table"
    top = await browser.call("settings", path=[])
    assert {one["name"] for one in top["fields"]} == {one.name for one in fields_of(Domains)} - {"domains", "accounts"}
    for path in (["accounts", "nobody"], ["accounts"], ["domains", "example.org", "aliases", "x"], ["elsewhere"]):
        assert await browser.error("settings", path=path) == (404, "user:notFound")


async def test_settings_are_saved_with_the_files_comments(rig: Rig, browser: Browser, tmp_path: Path) -> None:
    """WEB-81, WEB-89, ADMIN-6: a quota as ``2g``, ``500M``; fields that are unset have their default again."""
    path = tmp_path / "config" / "domains.toml"
    path.write_text("# my own words\n" + path.read_text())
    await rig.holder.reload()
    answer = await save(browser, ["accounts", "mia"], quota_message_size="500M", full_name="Mia O'Hara")
    assert answer.status == 200, answer.body
    assert rig.holder.current.domains.accounts["mia"].quota_message_size == 500 << 20
    assert (await browser.call("accounts", search="mia"))["accounts"][0]["limit"] == 500 << 20
    assert path.read_text().startswith("# my own words\n")
    assert (await save(browser, ["accounts", "mia"], quota_message_size=None)).status == 200
    assert rig.holder.current.domains.accounts["mia"].quota_message_size is None


async def test_a_full_disk_is_told_and_the_old_file_stays(
    rig: Rig, browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-62, WEB-81: nothing is half written, and the same save succeeds once there is room."""

    def full(path: Path, data: bytes, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "config" / "domains.toml"
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(holder, "write_atomically", full)
        answer = await save(browser, ["accounts", "mia"], full_name="Mia O'Hara")
        assert answer.status == 500
        assert "Your changes weren't saved: No space left on device" in answer.json["error"]["message"]
    assert path.read_bytes() == before
    assert rig.holder.current.domains.accounts["mia"].full_name == ""
    assert (await save(browser, ["accounts", "mia"], full_name="Mia O'Hara")).status == 200


async def test_mistakes_are_told_at_their_fields_all_at_once(rig: Rig, browser: Browser, tmp_path: Path) -> None:
    """WEB-81, WEB-65: and nothing is written."""
    before = (tmp_path / "config" / "domains.toml").read_bytes()
    answer = await save(
        browser,
        ["accounts", "mia"],
        quota_message_size="2 giga",
        keep_retired_message_period="soon",
        junk_filter={"threshold": 3},
        routes=[{"transport": "nowhere"}],
    )
    assert (answer.status, answer.json["error"]["code"]) == (400, "user:fields")
    fields = {one["field"]: one["text"] for one in answer.json["error"]["fields"]}
    assert "500k" in fields["quota_message_size"]
    assert "duration" in fields["keep_retired_message_period"]
    answer = await save(browser, ["accounts", "mia"], routes=[{"transport": "nowhere"}], introbox="Inbox")
    assert {one["field"].partition("[")[0] for one in answer.json["error"]["fields"]} == {"routes", "introbox"}
    assert (tmp_path / "config" / "domains.toml").read_bytes() == before
    assert (await save(browser, ["accounts", "mia"], domain="example.org")).status == 400  # no property


async def test_only_the_same_object_conflicts(rig: Rig, browser: Browser) -> None:
    """WEB-89: the answer shows both versions; changes of other objects do no harm."""
    path = ["accounts", "mia"]
    seen = (await browser.call("settings", path=path))["values"]
    assert (await save(browser, ["accounts", "tom"], description="changed by the command line")).status == 200
    first = {"path": path, "before": seen, "after": seen | {"description": "mine"}}
    assert (await browser.post("settings_save", first)).status == 200
    second = {"path": path, "before": seen, "after": seen | {"description": "theirs"}}
    answer = await browser.post("settings_save", second)
    assert (answer.status, answer.json["error"]["code"]) == (409, "user:conflict")
    assert "'mine'" in answer.json["error"]["message"]
    assert rig.holder.current.domains.accounts["mia"].description == "mine"


async def test_a_broken_file_refuses_saves_with_its_own_words(rig: Rig, browser: Browser, tmp_path: Path) -> None:
    """ADMIN-5, WEB-89: the file that a person is editing is left alone."""
    path = tmp_path / "config" / "domains.toml"
    broken = path.read_text() + "\n[nonsense\n"
    path.write_text(broken)
    answer = await save(browser, ["accounts", "mia"], description="new")
    assert answer.status == 400
    assert path.read_text() == broken


async def test_domains_are_added_disabled_and_removed(rig: Rig, browser: Browser) -> None:
    """WEB-80, ADMIN-12, ADMIN-13, ADMIN-17."""
    await browser.call("config_domain_add", domain="new.example", account="mia")
    found = {one["domain"]: one for one in await browser.call("domains")}
    assert set(found) == {"example.org", "new.example"}
    assert await browser.error("config_domain_add", domain="new.example", account="mia") == (400, "user:fields")
    await browser.call("config_domain_disable", domain="new.example")
    assert (await browser.call("domain", domain="new.example"))["row"]["disabled"] is True
    await browser.call("config_domain_enable", domain="new.example")
    assert await browser.error("config_domain_disable", domain="x.example") == (400, "user:error")
    answer = await browser.post("config_domain_rm", {"domain": "example.org"})
    assert 'address mia@example.org of account "mia"' in answer.json["error"]["message"]
    assert (await browser.call("domain", domain="example.org"))["users"]
    await browser.call("config_domain_rm", domain="new.example")
    assert await browser.error("domain", domain="new.example") == (404, "user:notFound")


async def test_keys_are_made_chosen_and_put_aside(rig: Rig, browser: Browser, tmp_path: Path) -> None:
    """WEB-80, AUTH-41: all four are shown; the one that signs alone stays."""
    await browser.call("config_domain_add", domain="new.example", account="mia")
    keys = (await browser.call("domain", domain="new.example"))["selectors"]
    assert [one["algorithm"] for one in keys] == ["rsa", "rsa", "ed25519", "ed25519"]
    assert [one["signs"] for one in keys] == [True, False, False, False]
    assert keys[0]["record"].startswith("v=DKIM1;")
    await browser.call("selector_add", domain="new.example", selector="extra", algorithm="ed25519")
    for wrong in ("extra", "", "a b", "a.b", "x" * 64):
        answer = await browser.error("selector_add", domain="new.example", selector=wrong, algorithm="rsa")
        assert answer == (400, "user:fields"), wrong
    path = ["domains", "new.example", "dkim"]
    assert await browser.error("selector_remove", domain="new.example", selector=keys[0]["selector"]) == (
        400,
        "user:error",
    )
    assert (await save(browser, path, sign=[keys[0]["selector"], "extra"])).status == 200
    answer = await save(browser, path, sign=["missing"])
    assert answer.json["error"]["fields"][0]["field"].startswith("sign")
    assert (await save(browser, [*path, "selectors", "extra"], expiration="24h", seal=False)).status == 200
    await browser.call("selector_remove", domain="new.example", selector="extra")
    left = (await browser.call("domain", domain="new.example"))["selectors"]
    assert [one["selector"] for one in left if one["signs"]] == [keys[0]["selector"]]
    assert [one.name[:16] for one in (tmp_path / "config" / "dkim" / "old").iterdir()] == ["extra._domainkey"]
    assert await browser.error("selector_remove", domain="new.example", selector="extra") == (404, "user:notFound")


async def test_records_are_listed_and_printed_as_a_zone(browser: Browser) -> None:
    """WEB-83, ADMIN-47: localserve asks nothing, and says so."""
    records = await browser.call("dns_records", domain="example.org")
    assert {"MX", "TXT"} <= {one["kind"] for one in records}
    assert all(one["about"] and one["line"].startswith(one["name"]) for one in records)
    assert (await browser.call("dns_zone", domain="example.org")).startswith("; DNS records for example.org. If")
    reports = await browser.call("dns_reports", domain="example.org")
    assert [one["topic"] for one in reports][:3] == ["dnssec", "iprev", "mx"]
    answer = await browser.post("dns_check", {"domain": "example.org", "topic": "mx"})
    assert (answer.status, "localserve" in answer.json["error"]["message"]) == (503, True)
    for name in ("dns_records", "dns_zone", "dns_reports"):
        assert await browser.error(name, domain="x.example") == (404, "user:notFound")


async def test_what_is_sensitive_wants_the_password_again(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-63a, WEB-90: ten minutes after it was given; what can be undone does not."""
    monkeypatch.setattr(sessions, "CONFIRMED", 0.0)
    for call, parameters in (
        ("config_account_rm", {"account": "tom"}),
        ("account_password", {"name": "tom"}),
        ("config_address_rm", {"address": "tom@example.org"}),
        ("config_domain_rm", {"domain": "example.org"}),
        ("config_alias_rm", {"alias": "x@example.org"}),
        ("selector_add", {"domain": "example.org", "selector": "a", "algorithm": "ed25519"}),
        ("selector_remove", {"domain": "example.org", "selector": "a"}),
        ("settings_save", {"path": [], "before": {}, "after": {}}),
        ("queue_drop", {"all": True}),
    ):
        assert await browser.error(call, **parameters) == (403, "user:confirm"), call
    assert await browser.call("queue_hold", all=True) == {"messages": 0, "id": 0}
    monkeypatch.setattr(sessions, "CONFIRMED", 600.0)
    await browser.call("confirm", kind="password", code=ADMIN_PASSWORD)
    await browser.call("config_account_rm", account="tom")


async def test_a_check_that_hangs_is_left_and_found_again(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-83: it goes on when the page has gone, is told as under way, and is not made twice."""
    begun, going = trio.Event(), trio.Event()
    made = 0

    async def hanging(*_: object, **__: object) -> dict[str, Report]:
        nonlocal made
        made += 1
        begun.set()
        await going.wait()
        report = Report()
        report.error("no response")
        return {"mx": report}

    async def answering(*_: object) -> Report:
        await trio.lowlevel.checkpoint()
        return Report()

    monkeypatch.setattr(domains, "check_domain", hanging)
    monkeypatch.setattr(domains, "check_servers", answering)
    monkeypatch.setattr(domains, "PATIENCE", 0.05)
    snapshot, caller = rig.holder.current, cast("Caller", None)
    async with open_supervisor("test") as tree:
        server = SimpleNamespace(
            config=lambda: snapshot, external=SimpleNamespace(resolver=None, network=None, held=None),
            process=SimpleNamespace(tree=tree), factors=None, commands=None,
        )  # fmt: skip
        calls = domains.DNSCalls(cast("Dependencies", server), cast("AdminSessions", None))
        with trio.move_on_after(0) as page:
            await calls.dns_check(caller, "example.org", "mx")
        assert page.cancelled_caught
        await begun.wait()
        [shown] = [one for one in await calls.dns_reports(caller, "example.org") if one.topic == "mx"]
        assert (shown.at, shown.running) == (0, True)
        assert (await calls.dns_check(caller, "example.org", "mx")).running  # it waits no longer
        monkeypatch.setattr(domains, "PATIENCE", 60.0)
        going.set()
        found = await calls.dns_check(caller, "example.org", "mx")
        assert (found.errors, found.running, made) == (["no response"], False, 1)
        monkeypatch.setattr(domains, "LONGEST", 0.01)
        going = trio.Event()
        found = await calls.dns_check(caller, "example.org", "mx")
        assert found.errors == ["The check timed out after 0 seconds."]

        async def failing(*_: object, **__: object) -> dict[str, Report]:
            raise ValueError("of the test")

        monkeypatch.setattr(domains, "LONGEST", 60.0)
        monkeypatch.setattr(domains, "check_domain", failing)
        assert (await calls.dns_check(caller, "example.org", "mx")).errors == [domains.FAILED]


async def test_a_placement_test_goes_on_without_its_call(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-70b: the call waits for its end for a while; another one meanwhile waits for the same test. A refusal is
    told: this server doesn't send mail to other servers.
    """
    status, _ = await browser.error("placement_test")
    assert 400 <= status < 500
    monkeypatch.setattr(overview, "PATIENCE", 0.01)
    runs: list[int] = []
    found = trio.Event()

    async def run(_: overview.OverviewCalls, operation: object) -> None:
        assert isinstance(operation, TryPlacement)
        runs.append(1)
        await found.wait()

    monkeypatch.setattr(overview.OverviewCalls, "_perform", run)
    assert [await browser.call("placement_test") for _ in range(2)] == [False, False]
    assert runs == [1]
    monkeypatch.setattr(overview, "PATIENCE", 30.0)
    found.set()
    assert await browser.call("placement_test") is True
