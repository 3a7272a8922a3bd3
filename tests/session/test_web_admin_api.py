"""The admin API for programs: tokens, scopes, and the operations that no token may ask for (WEB-168); and whole files
in the place of domains.toml (ADMIN-16b)."""

import json
import time
from typing import Any

import pytest
from openapi_spec_validator import validate

from moxlite.net.control.client import CtlFailed
from moxlite.operations import Role
from moxlite.operations.domains import ApplyConfig, ConfigPlan, PlanConfig
from moxlite.store.auth.audit import AuditFilter
from moxlite.store.options import DAY
from moxlite.web import sessions
from moxlite.web.admin import adminapi
from tests.browsing import Answer
from tests.web_rig import Rig, owner, visitor

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/admin/")]

EVERYTHING = ["read", "accounts", "domains", "queue", "reports", "dns", "server"]


@pytest.fixture(autouse=True)
def _no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adminapi, "FAILURE_DELAY", 0.0)


async def asked(rig: Rig, token: str | None, name: str, /, *, remote: str = "192.0.2.7", **parameters: Any) -> Answer:
    """The answer to a program that has no cookie."""
    fields = {"content-type": "application/json"} | ({} if token is None else {"authorization": f"Bearer {token}"})
    body = json.dumps(parameters).encode()
    return await visitor(rig, remote=remote).fetch(f"/admin/v1/{name}", method="POST", headers=fields, body=body)


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["error"]["message"]


async def test_a_program_manages_accounts_with_a_token(rig: Rig) -> None:
    """WEB-168: what it changes is in the audit log under the token's name, and its use is told."""
    app = await owner(rig)
    token = await app.call("admin_token_add", name="billing", scopes=["accounts", "read"], days=30)
    assert token.startswith("moxlite_admin_")
    assert (await asked(rig, token, "config_account_add", account="kim", address="kim@example.org")).status == 200
    listed = await asked(rig, token, "config_account_list")
    assert "kim" in [one["account"] for one in listed.json["result"]]
    assert (await asked(rig, token, "queue_list")).status == 200
    entry = next(one for one in await rig.auth.audit.entries(AuditFilter()) if one.action == "config account add")
    assert (entry.actor, entry.via, entry.remote_ip, entry.outcome) == (
        "(token billing)",
        "adminapi",
        "192.0.2.7",
        "done",
    )
    [one] = await app.call("admin_token_list")
    assert (one["name"], one["scopes"], one["used_from"]) == ("billing", ["accounts", "read"], "192.0.2.7")
    assert one["last_used"] != ""
    assert not one["expired"]
    made = next(one for one in await rig.auth.audit.entries(AuditFilter()) if one.action == "admin token add")
    assert token not in made.detail
    assert made.object == "billing"


async def test_a_token_has_just_its_scopes(rig: Rig) -> None:
    """WEB-168: each operation is refused to a token without its scope, and reached by one with it."""
    app = await owner(rig)
    tokens = {scope: await app.call("admin_token_add", name=scope, scopes=[scope]) for scope in EVERYTHING}
    for one in adminapi.API:
        for scope, token in tokens.items():
            answer = await asked(rig, token, one.call, unknown=True)
            if scope in one.scopes:
                assert answer.status == 400, (one.name, scope, answer.body)
            else:
                status, message = refusal(answer)
                assert (status, "must have the scope" in message) == (403, True), (one.name, scope)
                assert "insufficient_scope" in answer.headers["www-authenticate"]


async def test_no_token_reaches_what_is_dangerous(rig: Rig) -> None:
    """WEB-168: no passwords, second factors, tokens, restores and removals; nothing that the app confirms first."""
    app = await owner(rig)
    token = await app.call("admin_token_add", name="all", scopes=EVERYTHING)
    for one in adminapi.OPERATIONS:
        if one.confirm or Role.TOKEN not in one.who:
            assert not one.scopes
            assert (await asked(rig, token, one.call)).status == 404, one.name
    for name in ("account set-password", "account app-password add", "account reset-second-factor", "admin token add"):
        assert name not in [one.name for one in adminapi.API]
    for name in ("config account rm", "config domain rm", "account undelete", "backup", "queue dump", "stop"):
        assert name not in [one.name for one in adminapi.API]
    assert (await app.post("config_account_list", {}, {"authorization": f"Bearer {token}"})).status == 404
    assert (await app.fetch("/admin/v1/config_account_list")).status == 405


async def test_wrong_tokens_are_refused_and_counted(rig: Rig) -> None:
    """WEB-168: without one, with a wrong, an expired and a revoked one, and with a session of the app instead."""
    app = await owner(rig)
    answer = await asked(rig, None, "queue_list")
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Bearer realm="moxlite admin"')
    session = await app.fetch(
        "/admin/v1/queue_list",
        method="POST",
        headers={"content-type": "application/json", "x-moxlite-csrf": app.csrf},
        body=b"{}",
    )
    assert session.status == 401
    for wrong in ("x", "moxlite_admin_x", "x y", "x" * 5000):
        assert (await asked(rig, wrong, "queue_list")).status == 401, wrong
    token = await app.call("admin_token_add", name="old", scopes=["read"], days=1)
    assert (await asked(rig, token, "queue_list")).status == 200
    await rig.auth.database.write(
        lambda tx: tx.execute("UPDATE admin_token SET expires = ?", time.time_ns() // 1000 - DAY)
    )
    assert refusal(await asked(rig, token, "queue_list")) == (401, "the token has expired")
    assert [one["expired"] for one in await app.call("admin_token_list")] == [True]
    new = await app.call("admin_token_add", name="new", scopes=["read"])
    await app.call("admin_token_rm", name="new")
    assert (await asked(rig, new, "queue_list")).status == 401
    assert await app.error("admin_token_rm", name="new") == (404, "user:notFound")


async def test_guessers_of_tokens_are_refused_and_the_owner_is_not(rig: Rig) -> None:
    """WEB-168, WEB-56: failures count for the network of the guesser, not for the administrator."""
    app = await owner(rig)
    token = await app.call("admin_token_add", name="good", scopes=["read"])
    statuses = []
    for number in range(40):
        answer = await asked(rig, f"moxlite_admin_{number}", "queue_list", remote="198.51.100.9")
        statuses.append(answer.status)
    assert (statuses[0], statuses[-1]) == (401, 429)
    assert (await asked(rig, token, "queue_list", remote="198.51.100.9")).status == 429
    assert (await asked(rig, token, "queue_list")).status == 200
    assert len(await (await owner(rig)).call("admin_token_list")) == 1


async def test_tokens_are_made_with_care(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-168, WEB-63a: with the password again, with scopes, a name of its own, an end, and 100 at most."""
    app = await owner(rig)
    mistakes: list[dict[str, Any]] = [
        {"scopes": []},
        {"scopes": ["all"]},
        {"days": 0},
        {"days": 4000},
        {"name": " "},
        {"name": "a\nb"},
    ]
    for wrong in mistakes:
        status, _ = await app.error("admin_token_add", **({"name": "x", "scopes": ["read"]} | wrong))
        assert status == 400, wrong
    await app.call("admin_token_add", name="x", scopes=["read"])
    assert (await app.error("admin_token_add", name="x", scopes=["read"]))[0] == 400
    for number in range(99):
        await rig.auth.admin_tokens.add(f"n{number}", ["read"], 1)
    assert (await app.error("admin_token_add", name="y", scopes=["read"]))[0] == 400
    monkeypatch.setattr(sessions, "CONFIRMED", 0)
    assert await app.error("admin_token_add", name="z", scopes=["read"]) == (403, "user:confirm")


async def test_the_description_is_valid_openapi(rig: Rig) -> None:
    """WEB-168: for everybody, with each call, its scopes, and an error."""
    answer = await visitor(rig).fetch("/admin/v1/openapi.json")
    validate(answer.json)
    assert set(answer.json["paths"]) == {f"/{one.call}" for one in adminapi.API}
    assert answer.json["servers"] == [{"url": "http://mail.example.org/admin/v1"}]
    hold = answer.json["paths"]["/queue_hold"]["post"]
    assert hold["description"].endswith("Scope: `queue`.")


async def test_a_file_is_put_in_the_place_of_domains_toml(rig: Rig) -> None:
    """ADMIN-16b, ADMIN-75: after a look at what changes, whole or not at all, and not over a change by others."""
    path = rig.holder.domains_path
    text = path.read_text()
    new = text + '\n# kim is new\n[accounts.kim]\ndomain = "example.org"\ndestinations."kim@example.org" = {}\n'
    async with rig.running.ctl() as ctl:
        plan = await ctl.call("config plan", PlanConfig(new), ConfigPlan)
        assert [one.path for one in plan.changes] == [
            "accounts.kim.domain",
            'accounts.kim.destinations."kim@example.org"',
        ]
        assert path.read_text() == text
        with pytest.raises(CtlFailed, match=r"domains.toml \(new\):[0-9]+: accounts.kim.bad: unknown key"):
            await ctl.call("config apply", ApplyConfig(new + "bad = 1\n", plan.revision), type(None))
        await ctl.call("config apply", ApplyConfig(new, plan.revision), type(None))
        assert path.read_text() == new
        assert rig.holder.current.account("kim") is not None
        with pytest.raises(CtlFailed, match=r"ha(s|ve) changed"):
            await ctl.call("config apply", ApplyConfig(text, plan.revision), type(None))
        assert (await ctl.call("config plan", PlanConfig(new), ConfigPlan)).changes == []
    found = [one for one in await rig.auth.audit.entries(AuditFilter()) if one.action.startswith("config")]
    assert [(one.action, one.outcome) for one in found] == [
        ("config apply", "refused"),
        ("config apply", "done"),
        ("config apply", "refused"),
    ]
    assert "kim@example.org" in found[1].detail
    assert "# kim" not in found[1].detail
