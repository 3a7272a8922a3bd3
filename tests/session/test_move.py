"""A plan carried out by the server (docs/spec/move.md §MOVE-6, MOVE-7): what is there stays, and one failure stops no
other.
"""

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
import trio

from moxlite.config.domains import JunkFilter
from moxlite.mailauth.dkim.sign import generate, to_pem
from moxlite.migration.copies import CopyFailed
from moxlite.move import running
from moxlite.move.plan import Alias, DAVUser, IMAPUser, Key, Plan, Script, User, text_of_plan
from moxlite.move.running import STATE, Moves
from moxlite.net.control.server import CommandFailed
from moxlite.net.imapclient import ConnectionLost
from moxlite.operations import Role
from moxlite.operations.accounts import AddAccount, RemoveAccount
from moxlite.operations.copies import Copied, CopyByImap, MailboxStep, Note
from moxlite.operations.groupware import Copied as CopiedEntries, CopyCalendars
from moxlite.operations.move import MakeMoveLinks, MoveLink
from moxlite.operations.performing import performer
from moxlite.store.auth.credentials import change_password, credential, is_foreign
from tests.tools import eventually
from tests.web_rig import PASSWORD, Rig

pytestmark = pytest.mark.served

HASH = "{SSHA}" + "A" * 40


class Old:
    """The old server: its copies, which fail or wait as told."""

    def __init__(self) -> None:
        self.orders: list[CopyByImap] = []
        self.fail: dict[str, str] = {}
        self.go = trio.Event()
        self.go.set()
        self.most = self.running = 0
        self.lost = False

    async def run(self, kind: str, order: CopyByImap, tell: Any, *, begun: Callable[[Any], None]) -> Copied:
        """As `Copies.run`."""
        self.orders.append(order)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await tell(MailboxStep("Inbox", 1, 3, left=2))
            await tell(Note("message 3 is left out"))
            await self.go.wait()
            if reason := self.fail.get(order.account):
                raise CopyFailed(reason)
        finally:
            self.running -= 1
        result = Copied(3, 0, 0, 1, 1)
        begun(type("Done", (), {"result": result})())
        return result

    async def connect(self, *_: object) -> "Session":
        """As `Copies.connect`."""
        await trio.lowlevel.checkpoint()
        if self.lost:
            raise ConnectionLost("the connection ended")
        return Session()


class Session:
    """A log-in there, without ACL, and without a mailbox."""

    async def stream(self, *_: object, **__: object) -> AsyncIterator[Any]:
        await trio.lowlevel.checkpoint()
        nothing: tuple[Any, ...] = ()
        for response in nothing:
            yield response

    def has(self, *_: str) -> bool:
        return False

    async def logout(self) -> None:
        await trio.lowlevel.checkpoint()


def user(name: str, *addresses: str, **more: Any) -> User:
    """A user with mail on the old server."""
    imap = IMAPUser(user=name, password="i-secret", host="old.example")
    return User(account=name, addresses=[f"{name}@example.org", *addresses], imap=imap, **more)


def moves_of(rig: Rig, old: Old, asked: list[Any] | None = None) -> Moves:
    """Moves with the operations of the server, but for calendars."""
    real = performer(rig.house.registry.get, Role.COMMAND_LINE)

    async def perform(operation: Any) -> Any:
        if asked is not None:
            asked.append(operation)
        if isinstance(operation, CopyCalendars):
            return CopiedEntries(places=1, added=2, unread=1, problems=["an entry without UID"])
        return await real(operation)

    return Moves(config=rig.holder, accounts=rig.accounts, copies=old, perform=perform, tree=rig.house.tree)  # type: ignore[arg-type]


async def ended(moves: Moves) -> dict[str, Any]:
    """Wait for the end; the accounts by name."""

    while (await moves.state()).phase in ("running", "paused"):  # noqa: ASYNC110 - nothing tells of it
        await trio.sleep(0.01)
    return {one.account: one for one in (await moves.state()).accounts}


async def test_one_failure_stops_no_other_and_what_is_there_stays(rig: Rig) -> None:
    """MOVE-2, MOVE-6"""
    async with rig.account() as account:
        await change_password(account, PASSWORD)
        own = await account.read(credential, op="test")
    old, asked = Old(), list[Any]()
    old.fail["down"] = "the server doesn't answer"
    plan = Plan(
        kind="csv",
        domains=["example.org", "new.example"],
        users=[
            user("mia", "m@new.example", hash=HASH, quota="2g"),
            user(
                "down", hash=HASH, scripts=[Script(name="s", text="keep;", active=True), Script(name="bad", text="?")]
            ),
            user("thief", "mia@example.org", "@new.example", password="short"),
            User(account="other", addresses=["mia@example.org"]),
            user("dav", dav=[DAVUser(url="https://dav.old.example", user="dav", password="d-secret")]),
        ],
        aliases=[
            Alias(address="team@new.example", members=["mia@example.org", "dav@example.org"], public=False),
            Alias(address="mia@example.org", members=["dav@example.org"]),
        ],
        problems=["a line is left out"],
    )
    moves = moves_of(rig, old, asked)
    await moves.run(plan)
    with pytest.raises(CommandFailed, match="already running"):
        await moves.run(plan)
    accounts = await ended(moves)
    assert {name: one.phase for name, one in accounts.items()} == {
        "mia": "done",
        "down": "failed",
        "thief": "done",
        "other": "failed",
        "dav": "done",
    }
    assert "mail: the server doesn't answer" in accounts["down"].problems
    assert any("skipped script bad" in problem for problem in accounts["down"].problems)
    assert "address mia@example.org belongs to account mia here" in accounts["thief"].problems
    assert "address mia@example.org belongs to account mia here" in accounts["other"].problems
    assert "couldn't read 1 entries of https://dav.old.example" in accounts["dav"].problems
    assert accounts["mia"].messages == 3
    state = await moves.state()
    assert state.phase == "done"
    assert state.problems[0] == "a line is left out"
    assert any(problem.startswith("alias mia@example.org") for problem in state.problems)
    snapshot = rig.holder.current
    assert "@new.example" in snapshot.domains.accounts["thief"].destinations
    assert snapshot.domains.accounts["mia"].quota_message_size == 2 << 30
    assert not snapshot.domains.domains["new.example"].aliases["team"].post_public
    async with rig.account() as account:
        assert await account.read(credential, op="test") == own
    async with rig.account("down") as account:
        stored = await account.read(credential, op="test")
        assert stored is not None
        assert is_foreign(stored)

    old.fail.clear()
    asked.clear()
    await moves.run(plan)
    accounts = await ended(moves)
    assert accounts["down"].phase == "done"
    changes = {type(one).__name__ for one in asked} - {
        "SetHash",
        "CopyCalendars",
        "SieveList",
        "SieveGet",
        "ListAliases",
    }
    assert changes == {"SievePut", "AddAlias"}  # of the script and the alias that cannot be here


async def test_settings_rules_and_keys_come_unless_somebody_changed_them_here(rig: Rig) -> None:
    """MOVE-6: one that cannot be here stops no other."""
    pem = to_pem(generate("ed25519")).decode()
    rules = [{"mailbox": "Lists", "smtp_mail_from_regexp": "^list@"}]
    plan = Plan(
        domains=["example.org", "new.example"],
        keys=[Key(domain="new.example", selector="old", pem=pem), Key(domain="example.org", selector="late", pem=pem)],
        users=[
            User(
                account="mia",
                addresses=["mia@example.org"],
                settings={"rejects_mailbox": "Elsewhere", "keep_rejects": True},
            ),
            User(
                account="new",
                addresses=["new@example.org", "n@example.org"],
                settings={
                    "rejects_mailbox": "Old rejects",
                    "junk_filter": {"threshold": 0.9, "onegrams": True, "twograms": False},
                    "max_outgoing_messages_per_day": -3,
                    "mood": "good",
                },
                destinations={"new@example.org": {"rulesets": rules}, "n@example.org": {"mailbox": "Second"}},
            ),
        ],
    )
    await rig.holder.edit(lambda document, _: document.put(("accounts", "mia", "rejects_mailbox"), "Mine"))
    moves = moves_of(rig, Old())
    for _ in range(2):
        await moves.run(plan)
        accounts = await ended(moves)
        assert accounts["mia"].problems == ["kept a different existing setting rejects_mailbox"]
        found = "\n".join(accounts["new"].problems)
        assert "can't copy setting max_outgoing_messages_per_day: " in found
        assert "can't copy setting mood: " in found
        assert accounts["new"].problem_count == 2
        domains = rig.holder.current.domains
        assert (domains.accounts["mia"].rejects_mailbox, domains.accounts["mia"].keep_rejects) == ("Mine", True)
        new = domains.accounts["new"]
        assert (new.rejects_mailbox, new.junk_filter) == ("Old rejects", JunkFilter(threshold=0.9, onegrams=True))
        assert new.destinations["new@example.org"].rulesets[0].mailbox == "Lists"
        assert new.destinations["n@example.org"].mailbox == "Second"
        signing = domains.domains["new.example"].dkim
        assert signing is not None
        assert signing.sign == ("old",)
        assert len(signing.selectors) == 5
        assert signing.selectors["old"].key_file.read_text() == pem
        other = domains.domains["example.org"].dkim
        assert other is None or "late" not in other.selectors, "a domain that was here already keeps its keys"


async def test_a_selector_that_leads_out_of_the_folder_writes_no_key(rig: Rig) -> None:
    """MOVE-6: it's a problem of its domain, which is added with new keys all the same."""
    pem = to_pem(generate("ed25519")).decode()
    plan = Plan(domains=["new.example"], keys=[Key(domain="new.example", selector="../../out", pem=pem)])
    moves = moves_of(rig, Old())
    await moves.run(plan)
    await ended(moves)
    assert (await moves.state()).problems == ["domain new.example: DKIM selector '../../out' isn't a valid DNS name"]
    assert rig.holder.current.domains.domains["new.example"].dkim is not None
    assert not [path for path in rig.holder.domains_path.parent.parent.rglob("*") if "moved" in path.name]


async def test_shares_that_could_not_come_are_a_failure(rig: Rig) -> None:
    """MOVE-6: once, and not where mail could not come either; the next run brings them."""
    old = Old()
    old.lost = True
    old.fail["ben"] = "the password is wrong"
    plan = Plan(domains=["example.org"], users=[user("mia"), user("ben")])
    moves = moves_of(rig, old)
    await moves.run(plan)
    accounts = await ended(moves)
    assert {name: move.phase for name, move in accounts.items()} == {"mia": "failed", "ben": "failed"}
    assert "shares: the connection ended" in accounts["mia"].problems
    assert not any(problem.startswith("shares") for problem in accounts["ben"].problems)
    old.lost, old.fail = False, {}
    await moves.run(plan)
    assert {move.phase for move in (await ended(moves)).values()} == {"done"}


async def test_three_accounts_come_at_a_time_and_a_pause_keeps_the_plan(rig: Rig) -> None:
    """MOVE-6, MOVE-7"""
    old = Old()
    old.go = trio.Event()
    moves = moves_of(rig, old)
    for change in (moves.pause, moves.resume, moves.stop):
        with pytest.raises(CommandFailed, match="there's no "):
            await change()
    await moves.run(Plan(domains=["example.org"], users=[user(f"user{number}") for number in range(6)]))
    await eventually(lambda: old.running == 3)
    await trio.testing.wait_all_tasks_blocked()
    assert old.most == 3
    assert {one.step for one in (await moves.state()).accounts if one.phase == "running"} == {"Inbox"}
    for _ in range(3):
        await moves.pause()
        assert old.running == 0
        state = await moves.state()
        assert (state.phase, {one.phase for one in state.accounts}) == ("paused", {"waiting"})
        await moves.resume()
    old.go.set()
    assert {one.phase for one in (await ended(moves)).values()} == {"done"}


async def test_the_log_has_a_line_a_minute(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """ADMIN-87"""
    monkeypatch.setattr(running, "LOGGED", 0.0)
    old = Old()
    old.go = trio.Event()
    moves = moves_of(rig, old)
    with caplog.at_level(logging.INFO, logger="moxlite.admin.move"):
        await moves.run(Plan(domains=["example.org"], users=[user("mia")]))
        await eventually(lambda: "still working" in caplog.messages and old.running == 1)
        caplog.clear()
        await eventually(lambda: "still working" in caplog.messages)
    line = next(record for record in caplog.records if record.message == "still working")
    told = {"work": "move", "at": "mia@example.org: Inbox", "messages": 0, "seconds": 0}
    assert vars(line)["kv"] | {"seconds": 0} == told
    old.go.set()
    await ended(moves)


async def anew(rig: Rig, name: str) -> None:
    """Remove an account, and add another one of its name at once."""
    perform = performer(rig.house.registry.get, Role.COMMAND_LINE)
    await perform(RemoveAccount(name))
    await perform(AddAccount(name, f"{name}@example.org"))


@pytest.mark.parametrize("step", ["mail", "calendars and contacts", "shares"])
async def test_an_account_that_is_removed_during_its_move_gets_nothing_more(rig: Rig, step: str) -> None:
    """MOVE-6: nor does one of that name that is added in the same second. The others come, and the next run brings it
    after all.
    """
    old, asked = Old(), list[Any]()
    dav = [DAVUser("https://old.example/", "tom", "d-secret")]
    plan = Plan(domains=["example.org"], users=[user("tom", dav=dav, full_name="Tom"), user("ben")])
    moves = moves_of(rig, old, asked)
    begun = trio.Event()

    async def slowly(*given: Any) -> None:
        if given[-1].account == "tom":
            begun.set()
            await trio.sleep_forever()

    with pytest.MonkeyPatch.context() as patched:
        match step:
            case "mail":
                old.go = trio.Event()
            case "calendars and contacts":
                patched.setattr(moves.steps, "_calendars", slowly)
            case "shares":
                patched.setattr(moves.steps, "_shares", slowly)
        await moves.run(plan)
        await (eventually(lambda: old.running == 2) if step == "mail" else begun.wait())
        await anew(rig, "tom")
        old.go.set()
        patched.undo()
        accounts = await ended(moves)
    assert (accounts["tom"].phase, accounts["tom"].problems[-1]) == ("failed", "the account was deleted")
    assert accounts["ben"].phase == "done"
    assert [one for one in asked if isinstance(one, CopyCalendars)] == (
        [] if step != "shares" else [CopyCalendars("tom", "https://old.example/", "tom", "d-secret")]
    )
    settings = rig.holder.current.account("tom")
    assert settings is not None
    assert settings.full_name == ""
    await moves.run(plan)
    assert (await ended(moves))["tom"].phase == "done"


async def test_a_link_for_a_password_ends_with_its_account(rig: Rig) -> None:
    """MOVE-9, ADMIN-15: it doesn't open a later account of that name, and none is made for one that is gone."""
    plan = text_of_plan(Plan(domains=["example.org"], users=[user("tom"), user("gone")])).encode()

    async def octets() -> AsyncIterator[bytes]:
        yield plan

    async with rig.running.ctl() as ctl:
        tom, gone = await ctl.call("move links", MakeMoveLinks(), list[MoveLink], upload=octets())
    assert (gone.url, "gone" in gone.problem) == ("", True)
    token = tom.url.partition("#recover=")[2]
    page = rig.browser(app="/")
    assert (await page.call("recovery_info", token=token))["account"] == "tom"
    await anew(rig, "tom")
    assert await page.error("recover", token=token, password="a better one, and long") == (410, "user:gone")


async def test_an_account_that_has_come_is_closed(rig: Rig) -> None:
    """MOVE-6: unless it is used. Else all of them would stay open, with their caches, for as long as accounts come."""
    old = Old()
    old.go = trio.Event()
    moves = moves_of(rig, old)
    names = [f"user{number}" for number in range(3)]
    await moves.run(Plan(domains=["example.org"], users=[user(name, hash=HASH) for name in names]))
    await eventually(lambda: old.running == 3)
    assert open_accounts(rig).issuperset(names)
    async with rig.accounts.use("user0"):
        old.go.set()
        await ended(moves)
        assert open_accounts(rig).intersection(names) == {"user0"}


def open_accounts(rig: Rig) -> set[str]:
    return {name for name, slot in rig.accounts._slots.items() if slot.account is not None}


async def test_the_state_outlives_the_server_without_secrets(rig: Rig) -> None:
    """MOVE-7: what ran has stopped."""
    old = Old()
    old.go = trio.Event()
    moves = moves_of(rig, old)
    await moves.run(Plan(kind="csv", domains=["example.org"], users=[user("mia", hash=HASH, password="p-secret")]))
    await eventually(lambda: old.running == 1)
    path = rig.holder.current.static.data_dir / STATE
    await eventually(path.exists)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "secret" not in path.read_text()
    assert HASH not in path.read_text()
    again = await moves_of(rig, old).state()
    assert (again.phase, again.accounts[0].phase) == ("stopped", "waiting")
    await moves.stop()
    assert (await moves.state()).phase == "stopped"
    assert (await moves.finish(Plan(domains=["example.org"])))[0].startswith(
        "if you haven't yet, point the MX records of example.org"
    )
    assert msgspec.json.decode(path.read_bytes())["phase"] == "finished"
    with pytest.raises(CommandFailed, match="is already complete"):
        await moves.run(Plan(finished=True))
