"""Rulesets as Sieve scripts (WEBMAIL-130)."""

from typing import Literal

import pytest
from hypothesis import given, strategies as st

from moxlite.acceptance.conditions import RuleContent, RuleFacts
from moxlite.acceptance.rules import match_rules, readable_fields
from moxlite.acceptance.sieve.converting import as_sieve
from moxlite.config.domains import Condition, Ruleset
from moxlite.proto.address import Address, Domain
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.structure import scan
from moxlite.proto.sieve.checker import check
from moxlite.proto.sieve.message import Body, Mailbox, Message
from moxlite.proto.sieve.outcome import FileAction, KeepAction, RedirectAction
from moxlite.proto.sieve.program import Program, run
from moxlite.proto.sieve.state import World

RULES = [
    Ruleset(mailbox="Anchored", msg_from_regexp=r"^ann@remote\.example$", comment="ann\n\x07 herself"),
    Ruleset(mailbox="Domain", msg_from_regexp=r"@list\.example$"),
    Ruleset(mailbox="Envelope", smtp_mail_from_regexp=r"^bounce-.+@"),
    Ruleset(mailbox='A "quoted" \\ name', headers_regexp={"^subject$": r"invoice \*\*", "^x-a$": "."}),
    Ruleset(mailbox="Word", headers_regexp={"^subject$": "a.*b"}),
    Ruleset(mailbox="Plain", msg_from_regexp="news"),
]
ADDRESSES = ["ann@remote.example", "ANN@remote.example", "x@list.example", "ann@remote.example.evil", "news@x.example"]
SENDERS = ["bounce-1@x.example", "bounce-@x.example", "ann@remote.example"]
SUBJECTS = ["invoice ** 4", "invoice", "xxacbxx", "hello"]


@pytest.mark.parametrize("author", ADDRESSES)
@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_script_files_as_the_rules_do(author: str, sender: str, subject: str) -> None:
    """WEBMAIL-130: the first one that matches."""
    section = HeaderSection(f"From: <{author}>\r\nSubject: {subject}\r\nX-A: y\r\n\r\n".encode())
    headers = (("from", f"<{author.lower()}>"), ("subject", subject), ("x-a", "y"))
    facts = RuleFacts(mail_from=sender, msg_from=author.lower(), verified_domains=(), headers=headers)
    match = match_rules(RULES, facts).rule
    localpart, _, domain = sender.partition("@")
    world = World(now=0, sender=Mailbox(localpart, domain), recipient=Mailbox("mia", "ours.example"))
    program = Program(check(as_sieve(RULES).script.encode()))
    outcome = run(program, Message(section, 0, lambda: Body(None, lambda a, b: b"")), world)  # type: ignore[arg-type]
    filed = [one.mailbox for one in outcome.actions if isinstance(one, FileAction)]
    assert filed == ([] if match is None else [RULES[match].mailbox])


WORDS = [
    Condition(part="from", value="berg"),
    Condition(part="from", test="is", value="ann@remote.example"),
    Condition(part="to", test="ends", value="@ours.example"),
    Condition(part="subject", test="begins", value="Invoice *"),
    Condition(part="subject", test="is", value="hello"),
    Condition(part="subject", test="ends", value="?"),
    Condition(part="list", test="is", value="news.x.example"),
    Condition(part="list", test="begins", value="news"),
    Condition(part="list", test="ends", value="example"),
    Condition(part="text", value="sea side"),
    Condition(part="larger", value="250"),
]
MAILS = [
    "From: Ann Berg <ann@remote.example>\r\nTo: mia@ours.example\r\nSubject: invoice * 4?\r\n\r\nsea side\r\n",
    "From: x@y.example\r\nTo: u@v.example\r\nSubject: Hello\r\nList-Id: My <news.x.example>\r\n\r\nno\r\n",
    "From: x@y.example\r\nTo: u@v.example\r\nSubject: hello?\r\nList-Id: other.example\r\n\r\n" + "long " * 60,
]


@pytest.mark.parametrize("condition", WORDS, ids=lambda one: f"{one.part} {one.test}")
@pytest.mark.parametrize("mail", MAILS)
@pytest.mark.parametrize("match", ["all", "any"])
def test_a_script_files_as_rules_in_words_do(condition: Condition, mail: str, match: Literal["all", "any"]) -> None:
    """WEBMAIL-130, STORE-64a; with the label, the flags and the copy that is sent on."""
    octets = mail.encode()
    section, structure = HeaderSection(octets[: octets.index(b"\r\n\r\n") + 2]), scan(octets)
    also = Condition(part="subject", value="hello")
    far = Address.parse("me@far.example")
    rule = Ruleset(label="l", star=True, read=True, forward_to=(far,), match=match, conditions=(condition, also))
    facts = RuleFacts("", None, (), readable_fields(section), RuleContent(structure, lambda a, b: octets[a:b]))
    made = as_sieve([rule])
    assert made.left_out == ()
    message = Message(section, len(octets), lambda: Body(structure, lambda a, b: octets[a:b]))
    world = World(now=0, sender=None, recipient=Mailbox("mia", "ours.example"))
    actions = run(Program(check(made.script.encode())), message, world).actions
    matches = match_rules([rule], facts).rule == 0
    assert any(isinstance(one, RedirectAction) for one in actions) is matches
    kept = [one for one in actions if isinstance(one, KeepAction)]
    assert [set(one.flags) for one in kept] == [{"\\Flagged", "\\Seen", "l"} if matches else set()]


def test_what_a_script_cannot_say_is_left_out_and_named() -> None:
    """WEBMAIL-130: also in the script, as a comment; the others are there."""
    rules = [
        Ruleset(mailbox="A", verified_domain=Domain.parse("x.example")),
        Ruleset(mailbox="B", msg_from_regexp="(a|b)@"),
        Ruleset(mailbox="C", headers_regexp={"subject": "x"}),
        Ruleset(mailbox="D", msg_from_regexp="a", is_forward=True),
        Ruleset(mailbox="E", msg_from_regexp="ab*"),
        Ruleset(mailbox="G", conditions=(Condition(part="attachment"),)),
        Ruleset(mailbox="H", conditions=(Condition(part="from", test="is", value="Ann"),)),
        Ruleset(mailbox="I", conditions=(Condition(part="subject", value="x"),), never_junk=True),
        Ruleset(mailbox="F", msg_from_regexp="x"),
    ]
    made = as_sieve(rules)
    assert [index for index, _ in made.left_out] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert "# rule 2 is left out" in made.script
    assert 'fileinto :create "F"' in made.script
    check(made.script.encode())


@given(st.text(max_size=60), st.text('aü "\\\\.', min_size=1, max_size=9), st.text(max_size=30))
def test_any_pattern_gives_a_valid_script(pattern: str, mailbox: str, comment: str) -> None:
    """WEBMAIL-130: or is left out."""
    try:
        rule = Ruleset(mailbox=f"x{mailbox}x", msg_from_regexp=pattern, comment=comment)
        check(as_sieve([rule]).script.encode())
    except UnicodeEncodeError:
        pass  # lone surrogates come in no TOML
