"""The audit log: written by the command line, the admin app, the account app and for edits by hand."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from moxlite.operations import Operation
from moxlite.operations.domains import AddedDomain
from moxlite.store.auth.audit import AuditFilter
from moxlite.store.errors import StorageBroken
from moxlite.web.admin.adminapi import OPERATIONS
from tests.browsing import PASSWORD as USER_PASSWORD
from tests.web_rig import Browser, Rig

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/admin/")]


async def entries(rig: Rig, **wanted: Any) -> list[Any]:
    """Entries of the log, newest first."""
    return await rig.auth.audit.entries(AuditFilter(**wanted))


async def test_changes_have_who_from_where_and_both_values(rig: Rig, browser: Browser, tmp_path: Path) -> None:
    """WEB-160, WEB-90: by the command line, the admin app, the account app, and by hand in the file."""
    async with rig.running.ctl() as client:
        await client.call("config account disable", {"account": "tom", "message": "gone sailing"}, type(None))
    before = (await browser.call("settings", path=["accounts", "mia"]))["values"]
    await browser.call(
        "settings_save", path=["accounts", "mia"], before=before, after=before | {"quota_message_size": "5g"}
    )
    user = rig.browser(app="/")
    await user.log_in("mia@example.org", USER_PASSWORD)
    await user.call("account_app_password_add", name="Phone", scopes=["imap"], read_only=False, expires=None)
    path = tmp_path / "config" / "domains.toml"
    path.write_text('monitor_dnsbls = ["list.example"]\n' + path.read_text())
    await rig.holder.reload()
    hand, app, admin, cli = await entries(rig)
    assert (cli.actor, cli.via, cli.action, cli.object) == ("(cli)", "cli", "config account disable", "tom")
    assert {"path": "accounts.tom.login_disabled", "before": None, "after": "gone sailing"} in changes(cli)
    assert (admin.actor, admin.via, admin.object) == ("(admin)", "webadmin", "mia")
    assert changes(admin) == [{"path": "accounts.mia.quota_message_size", "before": None, "after": "5g"}]
    assert admin.remote_ip == app.remote_ip != ""
    assert (app.actor, app.via, app.action, app.object) == ("mia", "webaccount", "account app-password add", "mia")
    assert json.loads(app.detail)["name"] == "Phone"
    assert (hand.actor, hand.via) == ("(editor)", "file")
    assert changes(hand) == [{"path": "monitor_dnsbls", "before": None, "after": ["list.example"]}]
    assert {one.outcome for one in (hand, app, admin, cli)} == {"done"}


def changes(entry: Any) -> Any:
    return json.loads(entry.detail)["changes"]


async def test_long_lists_are_recorded_whole(rig: Rig, browser: Browser) -> None:
    """WEB-160: which addresses an alias had is what one looks for afterwards."""
    first = ["mia@example.org", *[f"someone-with-a-long-name-{n}@elsewhere.example" for n in range(40)]]
    async with rig.running.ctl() as client:
        await client.call("config alias add", {"alias": "all@example.org", "members": first}, type(None))
        await client.call("config alias rmaddr", {"alias": "all@example.org", "members": first[20:]}, type(None))
    removed, _ = await entries(rig)
    [change] = changes(removed)
    assert removed.object == "all@example.org"
    assert (change["before"], change["after"]) == (first, first[:20])


async def test_changes_are_about_the_object_that_they_change(rig: Rig, browser: Browser, tmp_path: Path) -> None:
    """WEB-160: by whatever way, an object has the same name, so that a filter finds all of its changes."""
    async with rig.running.ctl() as client:
        given = {"domain": "new.example", "account": "tom", "localpart": "", "disabled": False}
        await client.call("config domain add", given, AddedDomain)
        await client.call("config address add", {"address": "t@new.example", "account": "tom"}, type(None))
    path = tmp_path / "config" / "domains.toml"
    text = path.read_text()
    assert "[accounts.tom]\n" in text
    path.write_text(text.replace("[accounts.tom]\n", '[accounts.tom]\nquota_message_size = "3g"\nfull_name = "Tom"\n'))
    await rig.holder.reload()
    hand, address, domain = await entries(rig)
    assert [one.object for one in (hand, address, domain)] == ["tom", "t@new.example", "new.example"]
    assert len(changes(hand)) == 2


async def test_an_administrator_reads_where_the_mistake_is(rig: Rig, browser: Browser, tmp_path: Path) -> None:
    """WEB-89a: a user only reads that there is one (WEB-90)."""
    before = (await browser.call("settings", path=["accounts", "mia"]))["values"]
    path = tmp_path / "config" / "domains.toml"
    path.write_text("nonsense = 1\n" + path.read_text())
    after = before | {"quota_message_size": "5g"}
    answer = await browser.post("settings_save", {"path": ["accounts", "mia"], "before": before, "after": after})
    assert answer.status != 200
    assert b"domains.toml:1: nonsense" in answer.body


async def test_secrets_are_not_recorded(rig: Rig, browser: Browser) -> None:
    """WEB-160: passwords, and secrets of webhooks, of which it is told that they are others."""
    await browser.call("account_password", name="tom", password="a better one, and long")
    before = (await browser.call("settings", path=["accounts", "tom"]))["values"]
    hook = {"url": "https://hooks.example.org/", "authorization": "Bearer abc"}
    await browser.call(
        "settings_save", path=["accounts", "tom"], before=before, after=before | {"outgoing_webhook": hook}
    )
    now = (await browser.call("settings", path=["accounts", "tom"]))["values"]
    other = {"outgoing_webhook": hook | {"authorization": "Bearer def"}}
    await browser.call("settings_save", path=["accounts", "tom"], before=now, after=now | other)
    found = await entries(rig)
    assert [one.action for one in found] == ["settings changed", "settings changed", "account set-password"]
    assert changes(found[0]) == [
        {
            "path": "accounts.tom.outgoing_webhook.authorization",
            "before": "(secret)",
            "after": "(secret), another",
        }
    ]
    text = "".join(one.detail for one in found)
    for secret in ("a better one", "Bearer"):
        assert secret not in text


async def test_what_is_refused_is_told_as_refused(rig: Rig, browser: Browser) -> None:
    """WEB-160: with the words of the refusal."""
    await browser.error("account_add", name="tom", address="tom2@example.org")
    (found,) = await entries(rig)
    assert (found.action, found.object, found.outcome) == ("config account add", "tom", "refused")
    assert "already" in json.loads(found.detail)["why"]


async def test_the_row_is_there_before_the_change(rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-160: it says ``begun``, with what is about to change, so a kill in between leaves no change without it."""
    seen: list[Any] = []
    write = type(rig.holder)._write

    def look(holder: Any, prepared: Any) -> Any:
        seen.extend(trio.from_thread.run(rig.auth.audit.entries, AuditFilter()))
        return write(holder, prepared)

    monkeypatch.setattr(type(rig.holder), "_write", look)
    await browser.call("config_address_add", account="tom", address="sales@example.org")
    (row,) = seen
    assert (row.outcome, row.action) == ("begun", "config address add")
    assert changes(row)[0]["path"].startswith('accounts.tom.destinations."sales@example.org"')
    assert (await entries(rig))[0].outcome == "done"


async def test_a_broken_log_keeps_no_one_from_mending(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """WEB-160, STORE-158: the change is made, and the server's log has it."""

    async def broken(*args: object) -> None:
        raise StorageBroken("auth.db is out of service")

    monkeypatch.setattr(type(rig.auth.database), "write", broken)
    await browser.call("config_domain_disable", domain="example.org")
    assert "failed to write audit log entry" in caplog.text
    monkeypatch.undo()
    assert rig.holder.current.domains.domains["example.org"].disabled
    assert await entries(rig) == []


async def test_pages_filters_and_export(rig: Rig, browser: Browser) -> None:
    """WEB-160, WEB-175: keyset pages; by way, object, words and time; as CSV and JSON."""
    for number in range(5):
        await browser.call("config_address_add", account="tom", address=f"sales{number}@example.org")
    first = await browser.call("audit", filter={}, before=0, count=3)
    rest = await browser.call("audit", filter={}, before=first[-1]["id"], count=3)
    assert [one["given"]["address"] for one in first + rest] == [f"sales{n}@example.org" for n in (4, 3, 2, 1, 0)]
    assert await browser.call("audit", filter={"via": "cli"}, before=0) == []
    assert len(await browser.call("audit", filter={"words": "SALES3 address"}, before=0)) == 1
    assert await browser.call("audit", filter={"since": 1 << 52}, before=0) == []
    assert await browser.error("audit", filter={"nonsense": 1}, before=0) == (400, "user:error")
    assert await browser.error("audit", filter={}, before=0, count=100_000) == (400, "user:error")
    csv = await browser.call("audit_export", filter={}, form="csv")
    assert csv.splitlines()[0] == "id,at,actor,via,remote_ip,action,object,outcome,detail"
    assert len(csv.splitlines()) == 6
    lines = (await browser.call("audit_export", filter={}, form="json")).splitlines()
    assert [json.loads(line)["outcome"] for line in lines] == ["done"] * 5


async def test_cells_of_a_table_are_no_formulas(rig: Rig, browser: Browser) -> None:
    """WEB-160, WEB-135: programs for tables run a cell that begins with a sign."""
    await browser.error("account_add", name="=cmd()", address="x@example.org")
    csv = await browser.call("audit_export", filter={}, form="csv")
    assert ",'=cmd()," in csv


async def test_every_command_is_read_or_recorded(rig: Rig) -> None:
    """WEB-160: a new command is recorded unless its description says that it only reads."""
    known = await rig.house.registry.get()
    assert [name for name, one in known.items() if not one.audit and not issubclass(one.args, Operation)] == []


async def test_every_operation_is_performed(rig: Rig) -> None:
    """ADMIN-18: one without a function would fail only when somebody asks for it."""
    assert {one.name for one in OPERATIONS} - (await rig.house.registry.get()).keys() == set()
