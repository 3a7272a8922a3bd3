"""Evidence, proposals, plans: tables of cases and what becomes of them (docs/decisions/008)."""

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path as FilePath
from typing import Any

import msgspec
import pytest

from moxlite.acceptance import why
from moxlite.acceptance.cases import JUNK, Case, Envelope, Evidence
from moxlite.acceptance.forwards import circles
from moxlite.acceptance.gathering import Decision
from moxlite.acceptance.plan import Outcome, Plan, Proposal, Reason, State, combined, merge, of_plan, refused
from moxlite.acceptance.producers import ORDER
from moxlite.config.domains import Account, Alias, Destination, Ruleset
from moxlite.config.load import load
from moxlite.config.snapshot import AccountRecipient, AliasRecipient
from moxlite.proto.address import Address, Domain, Path
from moxlite.proto.smtp.replies import Response
from moxlite.store.delivery.actions import (
    AnyAction,
    Discard,
    Failed,
    FileInto,
    KeepReject,
    Mark,
    Notify,
    Redirect,
    Remember,
    Vacation,
)
from moxlite.store.delivery.reasons import MAX_WHY, Fact, ReportedProposal, Strength, Why, pack, unpack
from moxlite.store.types import Flag
from tests.small_config import DOMAINS, STATIC

MIA = Address.parse("mia@ours.example")
LATER, NEVER = Response(451, "4.3.0", ("later",)), Response(550, "5.7.1", ("never",))
INBOX = FileInto(mailbox="Inbox")


def path(text: str) -> Path:
    """As in an envelope; "" for the null path."""
    address = Address.parse(text) if text else None
    return Path("", None) if address is None else Path(address.localpart, address.domain)  # type: ignore[arg-type]  # the null path


def case(**changes: Any) -> Case:
    """A message from ann to mia; `trusted`, `sender`, `facts`, `missing`, `from_fields` change its evidence."""

    envelope = Envelope(
        remote=ip_address("198.51.100.7"),
        hello=Domain.parse("there.example"),
        sender=path(changes.pop("sender", "ann@remote.example")),
        trusted=changes.pop("trusted", False),
    )
    evidence = Evidence(
        envelope=envelope,
        msg_from=Address.parse("ann@remote.example"),
        from_fields=changes.pop("from_fields", 1),
        facts=changes.pop("facts", ()),
        missing=changes.pop("missing", ()),
    )
    destination = Destination(mailbox=changes.pop("mailbox", "Inbox"))
    recipient = AccountRecipient(account="mia", destination=destination, canonical=MIA, configured=str(MIA))
    settings = msgspec.structs.replace(
        Account(domain=Domain.parse("ours.example")), rejects_mailbox=changes.pop("rejects", "Rejects")
    )
    asked = path(changes.pop("asked", str(MIA)))
    return Case(evidence=evidence, asked=asked, recipient=recipient, settings=settings, **changes)


class Walked(frozenset[str]):
    """Places, and how often all of them were walked through."""

    times = 0

    def __iter__(self) -> Iterator[str]:
        self.times += 1
        return super().__iter__()


def test_places_that_a_stranger_names_are_looked_up_one_by_one(tmp_path: FilePath) -> None:
    """SMTP-159, RFC 9228: ten thousand Delivered-To fields cost as much as ten, however many addresses there are."""
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    snapshot = load(tmp_path / "moxlite.toml")[0]
    passed = Walked(f"p{number}@far.example" for number in range(100))
    found = circles(snapshot, case(passed=passed), [f"p{number}@far.example" for number in range(50, 150)])
    assert len(found) == 50
    assert passed.times <= 1


def rule(**changes: Any) -> Ruleset:
    return msgspec.structs.replace(Ruleset(mailbox="Lists"), **changes)


def planned(one: Case) -> tuple[list[Proposal], Plan]:
    proposals = [proposal for producer in ORDER for proposal in producer(one)]
    return proposals, merge(one, proposals)


SPAM = Fact(JUNK, "0.98", False, Strength.STRONG, "junk filter of mia")
HAM = Fact(JUNK, "0.02", True, Strength.STRONG, "junk filter of mia")
FORWARDS = rule(is_forward=True, verified_domain=Domain.parse("fwd.example"))
UNWANTED = rule(accept_rejects_to_mailbox="Unwanted")
REJECT = FileInto(mailbox="Unwanted", flags=int(Flag.SEEN), mark=Mark.REJECT, destined="Lists")
KEPT = KeepReject(mailbox="Rejects", destined="Inbox")


@pytest.mark.parametrize(
    ("one", "word", "reply", "actions"),
    [
        (case(), "no-bad-signals", 0, [INBOX]),
        (case(mailbox="Filed"), "no-bad-signals", 0, [FileInto(mailbox="Filed")]),
        (case(trusted=True, from_fields=2), "own-queue", 0, [INBOX]),
        (case(from_fields=2), "ambiguous-from", 550, []),
        (case(from_fields=0), "no-bad-signals", 0, [INBOX]),
        (case(rule=rule()), "no-bad-signals", 0, [FileInto(mailbox="Lists")]),
        (
            case(rule=FORWARDS),
            "no-bad-signals",
            0,
            [FileInto(mailbox="Lists", mark=Mark.FORWARD, forwarder="fwd.example")],
        ),
        (case(rule=FORWARDS, trusted=True), "own-queue", 0, [FileInto(mailbox="Lists")]),
        (case(rule=UNWANTED, facts=(SPAM,)), "junk-content", 0, [REJECT]),
        (case(rule=UNWANTED, facts=(HAM,)), "no-bad-signals", 0, [FileInto(mailbox="Lists")]),
        (case(facts=(SPAM,)), "junk-content", 451, [KEPT]),
        (case(facts=(SPAM,), rejects=None), "junk-content", 451, []),
        (case(facts=(SPAM,), accepted=True), "junk-content", 0, [KEPT]),
        (case(facts=(SPAM,), accepted=True, rejects=None), "junk-content", 0, [INBOX]),
        (case(missing=(JUNK,), fault=LATER), "junk-classify-error", 451, [INBOX]),
        (case(may_post=False), "alias-members-only", 550, []),
        (case(may_post=False, trusted=True), "alias-members-only", 550, []),
        (case(simulated=True, asked="a-temperror@x.example"), "simulated", 451, [INBOX]),
        (case(simulated=True, asked="a-500@x.example"), "simulated", 500, []),
        (case(simulated=True, asked="a-temperror@x.example", accepted=True), "no-bad-signals", 0, [INBOX]),
        (case(asked="a-temperror@x.example"), "no-bad-signals", 0, [INBOX]),
        (case(simulated=True, asked="rcptto550@x.example"), "no-bad-signals", 0, [INBOX]),
    ],
)
def test_a_case_has_a_plan(one: Case, word: str, reply: int, actions: list[AnyAction]) -> None:
    """SMTP-76, 82, 84, 93, 96, 98, 102, 106, 132; QUEUE-36; STORE-66, 67"""
    _, plan = planned(one)
    assert plan.word == word
    assert (0 if plan.reply is None else plan.reply.code) == reply
    assert list(plan.actions) == actions
    assert plan.junk == (word == "junk-content" and reply != 0)


def proposal(**changes: Any) -> Proposal:
    return Proposal(because=Reason("word", "test"), **changes)


BAD = Fact("dmarc", "fail", False, Strength.PROOF, "dns _dmarc.remote.example")
AWAY = Vacation(handle=b"h", to="ann@remote.example", seconds=604800, subject="away", text="soon")
ON = Redirect(to="mia@elsewhere.example")
HOOK = Notify(method="webhook", target="https://ours.example/hook")


@pytest.mark.parametrize(
    ("one", "proposals", "reply", "actions"),
    [
        (case(), [proposal(reply=NEVER), proposal(reply=LATER)], NEVER, []),
        (case(), [proposal(binding=True), proposal(reply=NEVER)], None, [INBOX]),
        (case(), [proposal(reply=LATER), proposal(binding=True)], LATER, [INBOX]),
        (case(), [proposal(actions=(ON,))], None, [INBOX, ON]),
        (case(), [proposal(actions=(ON,), keep=False)], None, [ON]),
        (case(), [proposal(actions=(INBOX,)), proposal(actions=(INBOX,))], None, [INBOX]),
        (case(), [proposal(keep=False)], None, [Discard()]),
        (case(facts=(BAD,)), [proposal(actions=(AWAY, HOOK))], None, [INBOX]),
        (case(sender=""), [proposal(actions=(AWAY, HOOK))], None, [INBOX]),
        (case(), [proposal(reply=NEVER, junk=True)], NEVER, [KEPT]),
        (case(), [proposal(reply=NEVER, junk=True), proposal(if_junk=(REJECT,))], None, [REJECT]),
        (case(), [proposal(reply=NEVER), proposal(if_junk=(REJECT,))], NEVER, []),
        (case(), [proposal(actions=(HOOK,)), proposal(actions=(ON, ON), instead=True)], None, [ON]),
        (case(), [proposal(actions=(HOOK,)), proposal(instead=True)], None, [Discard()]),
        (case(), [proposal(binding=True), proposal(reply=NEVER, instead=True)], NEVER, []),
        (case(), [proposal(reply=LATER), proposal(actions=(ON,), instead=True)], LATER, [ON]),
        (case(facts=(BAD,)), [proposal(actions=(INBOX, AWAY), instead=True)], None, [INBOX]),
    ],
)
def test_proposals_are_merged_by_one_table(
    one: Case, proposals: list[Proposal], reply: Response | None, actions: list[AnyAction]
) -> None:
    """SMTP-98, 102, 108"""
    plan = merge(one, proposals)
    assert plan.reply == reply
    assert plan.junk == (reply is not None and proposals[0].junk)
    assert list(plan.actions) == actions


@pytest.mark.parametrize("unlimited", [False, True])
def test_the_owner_says_whether_copies_of_refused_mail_are_limited(unlimited: bool) -> None:
    """SMTP-102"""
    one = case(facts=(SPAM,))
    assert one.settings is not None
    settings = msgspec.structs.replace(one.settings, keep_rejects=unlimited)
    _, found = planned(msgspec.structs.replace(one, settings=settings))
    assert found.actions == (KeepReject(mailbox="Rejects", destined="Inbox", unlimited=unlimited),)


def plan(reply: Response | None, *, junk: bool = False) -> Plan:
    return Plan(word="w", actions=(INBOX,), reply=reply, junk=junk)


def test_a_plan_says_what_becomes_of_the_message() -> None:
    """SMTP-108"""
    assert of_plan(plan(None)) == Outcome(State.ACCEPTED)
    assert of_plan(plan(LATER)) == Outcome(State.LATER, LATER)
    assert of_plan(plan(NEVER)) == Outcome(State.REFUSED, NEVER)
    assert of_plan(plan(LATER, junk=True)) == Outcome(State.JUNK, LATER)


YES, WAIT, NO = Outcome(State.ACCEPTED), Outcome(State.LATER, LATER), Outcome(State.REFUSED, NEVER)


@pytest.mark.parametrize(
    ("outcomes", "reply"),
    [([], None), ([YES], None), ([NO, YES], None), ([NO, WAIT], LATER), ([NO, NO], NEVER), ([WAIT], LATER)],
)
def test_an_alias_is_refused_when_all_members_refuse(outcomes: list[Outcome], reply: Response | None) -> None:
    """SMTP-104"""
    assert refused(outcomes) == reply


OTHER = Response(452, "4.2.2", ("full",))


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([LATER], LATER),
        ([LATER, LATER], LATER),
        ([LATER, OTHER], Response(451, "4.3.0", (str(LATER), str(OTHER)))),
        ([NEVER, Response(550, "5.1.1", ("none",))], Response(554, "5.3.0", (str(NEVER), "550 5.1.1 none"))),
        ([NEVER, Response(500, "5.5.2", ("bad",))], Response(554, "5.3.0", (str(NEVER), "500 5.5.2 bad"))),
        ([NEVER, LATER], Response(451, "4.3.0", (str(NEVER), str(LATER)))),
    ],
)
def test_one_reply_for_several(replies: list[Response], expected: Response) -> None:
    """SMTP-108: as long as one may be accepted later, the client is told to try again."""
    assert combined(replies) == expected


def test_reasons_are_cut_to_two_kib() -> None:
    """ADMIN-77"""
    facts = tuple(Fact(f"name{n}", "v" * 500, None, Strength.HINT, "s" * 500) for n in range(30))
    one = case(facts=facts, from_fields=2, asked=f"{'x' * 60}@{'y' * 60}.example")
    proposals, found = planned(one)
    packed = pack(why.why_of(Decision(one, tuple(proposals), found)))
    assert len(packed) <= MAX_WHY
    read = unpack(packed)
    assert read.cut
    assert read.reason == "ambiguous-from"
    assert any("too long" in line for line in why.lines(read))


def test_reasons_have_addresses_as_written_and_texts_of_senders_cut() -> None:
    """ADMIN-77"""
    fact = Fact("spf", "v" * 161, None, Strength.HINT, "s" * 161)
    one = case(sender="jürgen@bücher.example", asked="mü@bücher.example", facts=(fact,))
    envelope = msgspec.structs.replace(one.evidence.envelope, hello=None)
    one = msgspec.structs.replace(one, evidence=msgspec.structs.replace(one.evidence, envelope=envelope))
    proposals, found = planned(one)
    read = why.why_of(Decision(one, tuple(proposals), found))
    assert (read.sender, read.recipient, read.hello) == ("jürgen@bücher.example", "mü@bücher.example", "")
    assert [(one.value, one.source) for one in read.facts] == [(f"{'v' * 159}…", f"{'s' * 159}…")]


def test_a_proposal_is_one_line_of_what_it_wants_and_why() -> None:
    """ADMIN-77"""
    full = ReportedProposal("p", "q", facts=("a", "b"), reply="550 5.7.1 no", actions=("discard",))
    lines = list(why.lines(Why(reason="w", proposals=(ReportedProposal("p", "q"), full), cut=True)))
    assert lines[4:6] == ["  p: q", "  p: q: reply 550 5.7.1 no; discard  by a, b"]
    assert lines[-1] == "Some details were too long to keep."


def test_reasons_without_evidence_say_so() -> None:
    """ADMIN-77"""
    text = "\n".join(why.lines(Why(reason="no-bad-signals", sender="a@b.example", recipient="mia@ours.example")))
    assert text == (
        "From <a@b.example> to <mia@ours.example>, client - (without a name)\n"
        "Evidence:\n"
        "  none\n"
        "Suggestions:\n"
        "  none\n"
        "Plan: no-bad-signals\n"
        "  reply: 250, accepted"
    )


def test_reasons_tell_the_alias_and_each_answer_that_is_missing() -> None:
    """ADMIN-77"""
    team = Address.parse("team@ours.example")
    alias = AliasRecipient(alias=Alias(addresses=(MIA,)), canonical=team, members=())
    good = Fact("dkim-domain", "remote.example", True, Strength.PROOF, "dkim signature")
    neutral = Fact("arc", "none", None, Strength.HINT, "seals")
    one = case(alias=alias, may_post=False, facts=(good, neutral), missing=("dnsbl", JUNK), fault=LATER)
    proposals, found = planned(one)
    read = unpack(pack(why.why_of(Decision(one, tuple(proposals), found))))
    text = "\n".join(why.lines(read))
    assert text.startswith(
        "From <ann@remote.example> to <mia@ours.example>, client 198.51.100.7 (there.example)\n"
        "Via the alias team@ours.example\n"
        "Evidence:\n"
        "  dkim-domain = remote.example  (for it, proof, from dkim signature)\n"
        "  arc = none  (neutral, hint, from seals)\n"
        "  dnsbl: no response\n"
        "  junk: no response\n"
        "Suggestions:\n"
        "  alias: alias-members-only: reply 550 5.7.2 "
    )
    assert "Plan: alias-members-only\n  reply: 550 5.7.2 " in text
    assert not read.cut


@pytest.mark.parametrize(
    ("action", "text"),
    [
        (FileInto(mailbox="Lists"), "file into Lists"),
        (FileInto(mailbox="Lists", mark=Mark.FORWARD), "file into Lists, as forward"),
        (FileInto(mailbox="Introbox", destined="Lists"), "file into Introbox, intended for Lists"),
        (KEPT, "keep a copy in Rejects"),
        (Discard(), "discard"),
        (ON, "forward to mia@elsewhere.example"),
        (AWAY, "reply to ann@remote.example, unless already replied"),
        (HOOK, "notify https://ours.example/hook"),
        (Failed(script="main", line=3, text="no"), "notify the owner: main failed: no"),
        (Remember(keys=((b"k", 60),)), "remember the message to detect duplicates"),
        (FileInto(mailbox="x" * 160), f"file into {'x' * 160}"),
        (FileInto(mailbox="x" * 161), f"file into {'x' * 159}…"),
    ],
)
def test_each_action_has_a_line_of_its_own(action: AnyAction, text: str) -> None:
    """ADMIN-77: long names, which senders choose, are cut."""
    done = Plan(word="w", actions=(action,), reply=None)
    proposals = (proposal(actions=(action,)),)
    read = why.why_of(Decision(case(), proposals, done))
    assert list(why.lines(read))[-1] == f"  {text}"
    assert f"  test: word: {text}" in why.lines(read)


def test_what_does_not_fit_of_the_reasons_is_left_out_from_the_end() -> None:
    """ADMIN-77: proposals first, then facts, then actions, as few as need be; the word and the envelope stay."""
    fact = Fact("spf", "v" * 150, None, Strength.HINT, "s" * 150)
    few = Why(reason="w", sender="ann@remote.example", facts=(fact,) * 3, actions=("a" * 150,) * 3)
    assert unpack(pack(few)) == few

    def fitting(changed: Why, field: str) -> Why:
        """The record with as many values of the field as fit."""
        values = getattr(changed, field)
        shorter = (
            msgspec.structs.replace(changed, **{field: values[:count]}, cut=True)
            for count in range(len(values), -1, -1)
        )
        return next(one for one in shorter if len(msgspec.msgpack.encode(one)) <= MAX_WHY)

    many = (ReportedProposal("p", "q", reply="r" * 150),) * 9
    for count in (8, 9):  # whether an even or an odd number is left out
        full = msgspec.structs.replace(few, proposals=many[:count])
        assert unpack(pack(full)) == fitting(full, "proposals")
        full = msgspec.structs.replace(few, facts=(fact,) * count)
        assert unpack(pack(full)) == fitting(full, "facts")
        assert unpack(pack(msgspec.structs.replace(full, proposals=many))) == fitting(full, "facts")
        full = msgspec.structs.replace(few, facts=(), actions=("a" * 150,) * (count + 12))
        assert unpack(pack(full)) == fitting(full, "actions")
    read = unpack(pack(msgspec.structs.replace(few, facts=(), actions=(), reason="w" * 3000)))
    assert read == Why(reason="w" * 159 + "…", cut=True)


def test_reasons_are_read_as_evidence_proposals_and_plan() -> None:
    """ADMIN-77"""
    one = case(rule=UNWANTED, facts=(SPAM,))
    proposals, found = planned(one)
    text = "\n".join(why.lines(unpack(pack(why.why_of(Decision(one, tuple(proposals), found))))))
    assert text == (
        "From <ann@remote.example> to <mia@ours.example>, client 198.51.100.7 (there.example)\n"
        "Evidence:\n"
        "  junk = 0.98  (against it, strong, from junk filter of mia)\n"
        "Suggestions:\n"
        "  junk: junk-content: reply 451 4.3.0 can't accept this message right now  by junk\n"
        "  ruleset: ruleset: file into Lists  by ruleset\n"
        "Plan: junk-content\n"
        "  reply: 250, accepted\n"
        "  file into Unwanted, as reject, intended for Lists"
    )
