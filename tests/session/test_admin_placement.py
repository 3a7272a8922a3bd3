"""Where mail lands at other providers (ADMIN-70b)."""

import json
import random
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
import trio

from moxlite.admin.doctor import placement
from moxlite.admin.doctor.examine import check_placement
from moxlite.admin.doctor.placement import Context, Placement, Trial, findings_of, providers, read_tests
from moxlite.admin.doctor.requests import Landing, ListPlacement, Provider
from moxlite.metrics import DAY_SECONDS
from moxlite.net.resolver import FakeResolver, RecordType
from moxlite.proto.address import Domain
from moxlite.store.auth.audit import AuditFilter
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.submission import Submission
from moxlite.store.mail.links import NewLink, add_link, remove_link, rename_link
from moxlite.store.mail.mailboxes import create_mailbox
from tests.session.test_migration_link_sessions import shown
from tests.store_mail import deliver_mail
from tests.web_rig import Rig

NOW = 1_764_000_000.0
HOME = Context("0.1.0", ("192.0.2.1",), ("a",))
MOVED = Context("0.1.0", ("192.0.2.2",), ("a",))


def trial(day: int, landing: Landing, context: Context = HOME, address: str = "mia@gmail.com") -> Trial:
    at = NOW + day * DAY_SECONDS
    return Trial(at, address, "Gmail", "imap.gmail.com", f"<{day}@example.org>", context, landing, "Promotions", 4.2)


class OtherProvider:
    """Takes what is submitted, and files it in the mirror of its mailbox by a rule."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.rules: dict[str, str] = {}
        self.taken: list[Submission] = []
        self.octets: list[bytes] = []
        self.apart = {4}
        """Links that are not connected."""
        self.resolver = FakeResolver()

    async def submit(self, submission: Submission, spool: Spool) -> list[int]:
        self.taken.append(submission)
        mailbox = self.rules[str(submission.recipients[0].address)]
        octets = submission.prefix + spool.read(0, spool.size)
        self.octets.append(octets)
        if mailbox:
            async with self.rig.accounts.use("mia") as account:
                await deliver_mail(account, octets, mailbox)
        return []

    def placement(self) -> Placement:
        async def in_queue(message_id: str) -> None:
            await trio.lowlevel.checkpoint()

        return Placement(
            config=self.rig.holder,
            accounts=self.rig.accounts,
            keys=self.rig.house.started.keys,
            submit=self.submit,
            look_up=in_queue,
            current=lambda _, link_id: link_id not in self.apart,
            resolver=self.resolver,
        )


async def link(rig: Rig, name: str, address: str, *boxes: str) -> None:
    host = f"imap.{address.split('@')[1]}"
    new = NewLink(name=name, address=address, host=host, port=0, tls="implicit", username=address, secret=b"x")
    async with rig.accounts.use("mia") as account:
        await account.write(lambda tx: add_link(tx, new))
        for box in boxes:
            await account.write(partial(create_mailbox, name=f"{name}/{box}"))  # as the mirror makes them


@pytest.mark.served
async def test_a_message_is_sent_found_and_filed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-70b: to each link, from a person's address; where it lands is kept, and it goes to the trash there."""
    monkeypatch.setattr(placement, "WAIT", 1.0)
    monkeypatch.setattr(placement, "LOOK_EVERY", 0.05)
    other = OtherProvider(rig)
    await link(rig, "Gmail", "mia@gmail.com", "Inbox", "Trash", "Promotions")
    await link(rig, "Outlook", "mia@outlook.com", "Inbox", "Junk")
    await link(rig, "GMX", "mia@gmx.net", "Inbox")
    await link(rig, "Still", "mia@still.example", "Inbox")
    other.rules = {"mia@gmail.com": "Gmail/Promotions", "mia@outlook.com": "Outlook/Junk", "mia@gmx.net": ""}
    test = other.placement()
    await test.run()
    found = {one.name: one for one in read_tests(rig.holder.current.static.data_dir)}
    assert {name: one.landing for name, one in found.items()} == {"Gmail": "other", "Outlook": "junk", "GMX": "missing"}
    assert found["Gmail"].mailbox == "Promotions"
    assert all(str(one.mail_from) == "mia@example.org" for one in other.taken)
    async with rig.accounts.use("mia") as account:
        assert {name: len(rows) for name, rows in (await shown(account, "Gmail/")).items() if rows} == {"Trash": 1}
        assert {name: len(rows) for name, rows in (await shown(account, "Outlook/")).items() if rows} == {"Junk": 1}
    other.rules = dict.fromkeys(other.rules, "Gmail/Inbox")
    await test.run()
    await test.run()  # the third one of the day goes to nobody
    assert len(other.taken) == 6
    async with rig.running.ctl() as ctl:
        told = await ctl.call("placement list", ListPlacement(), list[Provider])
    assert [one.name for one in told] == ["Gmail", "Outlook", "GMX"]
    assert told[0].text.startswith("inbox in ")
    assert len(told[1].days) == 2


@pytest.mark.served
async def test_a_link_that_is_renamed_or_removed_meanwhile_is_no_fall(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-70b: the message is found below the new name; of a link that is gone nothing is said. The provider's
    mailbox for junk is that also while the account has none of its own.
    """
    monkeypatch.setattr(placement, "WAIT", 5.0)
    monkeypatch.setattr(placement, "LOOK_EVERY", 0.05)
    other = OtherProvider(rig)
    await link(rig, "Gmail", "mia@gmail.com", "Inbox")
    await link(rig, "Outlook", "mia@outlook.com", "Junk")
    await link(rig, "GMX", "mia@gmx.net", "Inbox")
    other.rules = {"mia@gmail.com": "", "mia@outlook.com": "", "mia@gmx.net": ""}
    results: list[Trial] = []
    async with rig.accounts.use("mia") as account:
        await account.write(lambda tx: tx.execute("UPDATE mailbox SET special_use = 0 WHERE name = 'Junk'"))

        async def run() -> None:
            results.extend(await other.placement().run())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            while len(other.octets) < 3:  # noqa: ASYNC110 - of a task without an event
                await trio.sleep(0.01)
            await account.write(lambda tx: rename_link(tx, 1, "Post"))
            await account.write(lambda tx: remove_link(tx, 3))
            await deliver_mail(account, other.octets[0], "Post/Inbox")
            await deliver_mail(account, other.octets[1], "Outlook/Junk")
    assert {one.address: one.landing for one in results} == {"mia@gmail.com": "inbox", "mia@outlook.com": "junk"}


@pytest.mark.served
async def test_what_is_known_outlasts_an_interruption(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-70b: each result is kept as it comes; what is under way then is looked for again, after a restart too."""
    monkeypatch.setattr(placement, "LOOK_EVERY", 0.05)
    other = OtherProvider(rig)
    await link(rig, "Gmail", "mia@gmail.com", "Inbox")
    await link(rig, "GMX", "mia@gmx.net", "Inbox")
    other.rules = {"mia@gmail.com": "Gmail/Inbox", "mia@gmx.net": ""}
    data = rig.holder.current.static.data_dir

    def landings() -> dict[str, str]:
        return {one.name: one.landing for one in read_tests(data)}

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other.placement().run)
        with trio.fail_after(5):
            while landings().get("Gmail") != "inbox":  # noqa: ASYNC110 - of a file
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    assert landings() == {"Gmail": "inbox", "GMX": ""}
    async with rig.accounts.use("mia") as account:
        await deliver_mail(account, other.octets[1], "GMX/Inbox")
    (result,) = await other.placement().run(send=False)
    assert (result.name, result.landing) == ("GMX", "inbox")
    assert landings() == {"Gmail": "inbox", "GMX": "inbox"}
    assert len(other.taken) == 2


@pytest.mark.served
async def test_an_interrupted_command_is_called_so(rig: Rig) -> None:
    """WEB-160, ADMIN-39b: and a failed one has the causes of its nursery's group."""
    with trio.CancelScope() as scope:
        async with rig.auth.audit.recording("placement test", ""), trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            scope.cancel()
    with pytest.raises(ExceptionGroup):
        async with rig.auth.audit.recording("placement test", ""), trio.open_nursery():
            raise OSError("no room")
    entries = await rig.auth.audit.entries(AuditFilter())
    assert [json.loads(entry.detail)["why"] for entry in entries[:2]] == ["no room", "interrupted"]


def test_a_fall_says_since_when_and_what_had_changed() -> None:
    """ADMIN-70b: one bad night is shown, two are a finding with what to do; a good one ends it."""
    tests = [trial(0, "inbox"), trial(1, "inbox"), trial(2, "junk", MOVED)]
    (found,) = providers(tests)
    assert found.text == "junk since Wednesday, 26 November: server address changed"
    assert findings_of(tests, "example.org") == []
    tests.append(trial(3, "missing", MOVED))
    (finding,) = findings_of(tests, "example.org")
    assert (finding.grade, finding.code, finding.about) == ("warning", "placement", "mia@gmail.com")
    assert any("support.google.com" in one for one in finding.commands)
    tests.append(trial(4, "inbox", MOVED))
    assert findings_of(tests, "example.org") == []
    assert providers(tests)[0].text == "inbox in 4 s"
    (waiting,) = findings_of([trial(0, "unsent"), trial(1, "unsent")], "example.org")
    assert waiting.commands[0] == "moxlite queue list"


def test_falls_are_seen_and_chance_is_no_alarm() -> None:
    """ADMIN-70b: 50 falls in 90 nights are each shown the next morning and told after the second night; single bad
    nights among 90 are told never.
    """
    for seed in range(50):
        chance = random.Random(seed)
        fall = chance.randrange(1, 88)
        tests: list[Trial] = []
        for day in range(90):
            tests.append(trial(day, "junk" if day >= fall else "inbox"))
            assert (providers(tests)[0].landing == "junk") is (day >= fall)
            assert bool(findings_of(tests, "example.org")) is (day >= fall + 1)
        assert providers(tests)[0].since == round(NOW + fall * DAY_SECONDS)
        single = {chance.randrange(0, 45) * 2 for _ in range(9)}
        quiet: list[Trial] = []
        for day in range(90):
            quiet.append(trial(day, "junk" if day in single else "inbox"))
            assert findings_of(quiet, "example.org") == []


async def test_it_runs_at_night_and_after_a_change(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-70b: half an hour after the examination; soon after a start with another address, key or version."""
    waits: list[float] = []
    runs = 0

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt
        await trio.lowlevel.checkpoint()

    test = OtherProvider(rig).placement()

    async def run(*, send: bool = True) -> list[Trial]:
        nonlocal runs
        runs += send
        await trio.lowlevel.checkpoint()
        return []

    monkeypatch.setattr(placement, "sleep_by_both_clocks", sleep)
    monkeypatch.setattr(test, "run", run)
    await test._keep([earlier()])
    monkeypatch.setattr(placement, "RECORDS_EVERY", 2 * DAY_SECONDS)
    with pytest.raises(KeyboardInterrupt):
        await test.serve()
    assert waits[0] == placement.FIRST
    assert runs == 2
    assert 0 < waits[1] <= DAY_SECONDS + placement.AFTER + 7200


async def test_a_change_in_dns_is_tested_and_named(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-70b: SPF, DKIM, DMARC and MX of the domain are looked at each hour; no answer is no change."""
    other = OtherProvider(rig)
    dns = other.resolver
    dns.set("example.org", RecordType.TXT, ["v=spf1 mx -all", "site=1"])
    dns.set("example.org", RecordType.MX, ["10 mx.example.org"])
    dns.set("_dmarc.example.org", RecordType.TXT, ["v=DMARC1; p=none"])
    test = other.placement()
    contexts = [await test._context()]
    assert set(contexts[0].records) == set(placement.RECORDS)
    await test._keep([earlier(contexts[0])])
    hours = 0

    async def run(*, send: bool = True) -> list[Trial]:
        if send:
            contexts.append(await test._context())
            await test._keep([earlier(one) for one in contexts])
        return []

    async def sleep(seconds: float) -> None:
        nonlocal hours
        await trio.lowlevel.checkpoint()
        assert seconds == placement.RECORDS_EVERY
        hours += 1
        assert len(contexts) == (1 if hours <= 4 else 2)
        match hours:
            case 2:
                dns.set("example.org", RecordType.TXT, ["v=spf1 mx -all", "site=2"])
            case 3:
                test._resolver = FakeResolver(failing=["example.org", "_dmarc.example.org"])
            case 4:
                test._resolver = dns
                dns.set("example.org", RecordType.TXT, ["v=spf1 a mx -all"])
            case 6:
                raise KeyboardInterrupt

    monkeypatch.setattr(placement, "sleep_by_both_clocks", sleep)
    monkeypatch.setattr(placement, "next_night", lambda now, host: now + DAY_SECONDS)
    monkeypatch.setattr(test, "run", run)
    with pytest.raises(KeyboardInterrupt):
        await test.serve()
    (found,) = providers([trial(0, "inbox", contexts[0]), trial(1, "junk", contexts[1])])
    assert found.text.endswith(": the SPF record changed")


def earlier(context: Context = Context("0.0.9")) -> Trial:
    return Trial(time.time(), "mia@gmail.com", "Gmail", "imap.gmail.com", "<1@example.org>", context, "inbox")


@pytest.mark.served
async def test_results_of_links_that_are_gone_are_forgotten(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-70b: no warning stays about mail that goes nowhere; results of a clock that was ahead hold up no test."""
    monkeypatch.setattr(placement, "WAIT", 0.0)
    other = OtherProvider(rig)
    await link(rig, "Gmail", "mia@gmail.com", "Inbox")
    other.rules = {"mia@gmail.com": ""}
    at = time.time()
    trials = [Trial(at - DAY_SECONDS, "mia@gone.example", "Gone", "imap.gone.example", "<1@x>", landing="junk")]
    trials += [
        Trial(at + 400 * DAY_SECONDS, "mia@gmail.com", "Gmail", "imap.gmail.com", f"<{n}@x>", landing="junk")
        for n in (2, 3)
    ]
    test = other.placement()
    await test._keep(trials)
    assert len(read_tests(rig.holder.current.static.data_dir)) == 3
    await test.run()
    assert [one.landing for one in read_tests(rig.holder.current.static.data_dir)] == ["missing"]


async def test_there_is_no_warning_while_nothing_is_tested(tmp_path: Path) -> None:
    """ADMIN-70b: `doctor.placement = false` ends the warnings of the last tests, too."""
    octets = msgspec.json.encode(placement.Trials([trial(1, "junk"), trial(2, "junk")]))
    (tmp_path / "placement.json").write_bytes(octets)
    for on in (True, False):
        static = SimpleNamespace(data_dir=tmp_path, doctor=SimpleNamespace(placement=on))
        static.postmaster = SimpleNamespace(account="mia")
        accounts = {"mia": SimpleNamespace(domain=Domain.parse("example.org"))}
        snapshot = SimpleNamespace(static=static, domains=SimpleNamespace(accounts=accounts))
        findings = await check_placement(cast("Any", SimpleNamespace(snapshot=snapshot)))
        assert ["moxlite config dnscheck example.org" in finding.commands for finding in findings] == [True] * on
