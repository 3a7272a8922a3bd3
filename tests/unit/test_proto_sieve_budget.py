"""Scripts and messages that are written to cost much: each ends, within the bounds of memory and time (IMAP-142c)."""

import time
from typing import Final

import msgspec
import pytest

from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.structure import scan
from moxlite.proto.sieve.checker import check
from moxlite.proto.sieve.message import Body, Message
from moxlite.proto.sieve.outcome import KeepAction
from moxlite.proto.sieve.program import Program, run
from moxlite.proto.sieve.state import Mailboxes, World
from tests.memory import at_most
from tests.sievecases import NOW
from tests.tools import slowness

MOST: Final = 16 << 20
"""Octets that a run takes at most."""

LONGEST: Final = 1.0
"""Seconds of a thread that a run takes at most, on this machine."""

ALL: Final = (
    'require ["variables", "relational", "body", "date", "index", "fileinto", "mailbox", "imap4flags", "duplicate", '
    '"envelope", "vacation", "reject", "special-use", "environment", "regex", "comparator-i;unicode-casemap", '
    '"comparator-i;ascii-numeric"];\n'
)
EMOJI: Final = "\U0001f600"
LIGATURE: Final = "\ufdfa"
"""A character whose form of i;unicode-casemap has 18."""

UNICODE: Final = ':comparator "i;unicode-casemap"'
SUBJECT: Final = 'if header :matches "subject" "*" {}'


def letters(count: int) -> str:
    """Characters that all differ, as far as there are so many."""
    return "".join(chr(0x3400 + at * 7919 % 27000) for at in range(count))


def mail(*fields: str, body: str = "", kind: str = "text/plain") -> bytes:
    head = "".join(f"{field}\r\n" for field in fields)
    return f"{head}MIME-Version: 1.0\r\nContent-Type: {kind}; charset=utf-8\r\n\r\n{body}".encode()


def emoji(count: int = 65_000) -> bytes:
    return mail(f"Subject: {EMOJI * count}")


def listed(text: str, count: int) -> str:
    return "[" + ", ".join([f'"{text}"'] * count) + "]"


def distinct(text: str, count: int) -> str:
    return "[" + ", ".join(f'"{text}{at}"' for at in range(count)) + "]"


PARTS: Final = "".join(f"--x\r\nContent-Type: text/t{at}\r\n\r\n{EMOJI * 60_000}\r\n" for at in range(4))

ATTACKS: Final = {
    "sources": (f'{SUBJECT} if string :is {listed("${1}", 7000)} "y" {{}}', emoji()),
    "counted names": (f'if header :count "eq" {listed("to", 9000)} "1" {{}}', mail(*["To: x"] * 990)),
    "keys": (f'{SUBJECT} if string :is "y" {listed("${1}", 7000)} {{}}', emoji()),
    "patterns": (
        f'{SUBJECT} if string :matches "y" {distinct("${1}${1}", 4000)} {{}}',
        mail("Subject: " + "*?" * 2000),
    ),
    "casemap keys": (
        f'{SUBJECT} if string {UNICODE} :is "y" {distinct("${1}${1}${1}", 3000)} {{}}',
        mail(f"Subject: {LIGATURE * 4096}"),
    ),
    "casemap of fields": (f'if header :index 1 {UNICODE} "subject" "y" {{}}\n' * 900, emoji(48_000)),
    "casemap of letters": (
        f'if header :index 1 {UNICODE} "subject" "y" {{}}\n' * 900,
        mail(f"Subject: {letters(63_000)}"),
    ),
    "casemap of ligatures": (
        f'if header :index 1 {UNICODE} "subject" "y" {{}}\n' * 900,
        mail(f"Subject: {LIGATURE * 63_000}"),
    ),
    "casemap of captures": (f'if header :index 1 :matches {UNICODE} "subject" "*" {{}}\n' * 800, emoji(48_000)),
    "casemap of a body": (f'if body :raw {UNICODE} "y" {{}}\n' * 100, mail(body=LIGATURE * 300_000)),
    "fields of a casemap of letters": (
        "".join(f'if header {UNICODE} "x{at}" "y" {{}}\n' for at in range(1000)),
        mail(*(f"X{at}: {letters(60)}" for at in range(1000))),
    ),
    "captures": ('if header :matches "subject" "' + "?" * 30_000 + '*" {}', emoji()),
    "stars": ('if header :matches "subject" "' + "*a" * 30_000 + '*b" {}', mail("Subject: " + "a" * 190_000)),
    "question marks": (
        ('if header :matches "subject" "*' + "a?" * 100 + 'b*" {}\n') * 100,
        mail("Subject: " + "a" * 190_000),
    ),
    "long keys": (
        ('if header :contains "subject" "' + "a" * 49 + "b" + "a" * 49 + '" {}\n') * 450,
        mail("Subject: " + "a" * 29_000),
    ),
    "keys of a body": (f"if body :raw :contains {distinct('abcdefgh', 4000)} {{}}\n", mail(body="abcdefgi" * 40_000)),
    "relations": (
        f'if header :value "lt" "x" {distinct("a", 5000)} {{}}\n',
        mail(*["X: b"] * 9000),
    ),
    "values of variables": (
        SUBJECT + "".join(f'set "a{at}" "${{1}}";\n' for at in range(200)) + 'set "a0" "${a1}${a2}${a3}";\n' * 2000,
        emoji(),
    ),
    "modifiers": (SUBJECT + 'set :upper :quotewildcard :upperfirst "a" "${1}${1}${1}${1}${1}${1}";\n' * 900, emoji()),
    "references": (SUBJECT + f'if string "{"${a}" * 15_000}" "y" {{}}', emoji()),
    "references to nothing": (f'set "a" "{"${b}" * 9000}"; ' + 'if string :is "${a}" "y" {}' * 200, emoji()),
    "flags": (SUBJECT + 'addflag "${1}${1}${1}";\n' * 1500, mail("Subject: " + "a " * 2048)),
    "flags of variables": (SUBJECT + f'if hasflag :contains {distinct("a", 1000)} "y" {{}}', emoji()),
    "encoded words": (
        "".join(f'if header "x{at}" "y" {{}}\n' for at in range(1000)),
        mail(*(f"X{at}: " + "=?u?q?a?= " * 90 for at in range(1000))),
    ),
    "addresses": (
        "".join(f'if address "x{at}" "y" {{}}\n' for at in range(250)),
        mail(*(f"X{at}: " + "a@b," * 1000 for at in range(250))),
    ),
    "parts of addresses": (
        "".join(f'if address :index {at} "from" "y" {{}}\n' for at in range(1, 1000)),
        mail(*["From: a@b, c@d"] * 1000),
    ),
    "dates": (
        'if date :index 1 "received" "year" "1" {}\n' * 1000,
        mail(*["Received: x; 1 Jan 2026 10:00 +0100"] * 1000),
    ),
    "types of a body": (
        "".join(f'if body :content ["text", "a{at}"] :contains "y" {{}}\n' for at in range(1000)),
        mail(body=PARTS + "--x--\r\n", kind="multipart/mixed; boundary=x"),
    ),
    "a body of tags": ('if body "y" {}', mail(body=f"{EMOJI}<p>" * 120_000, kind="text/html")),
    "a body of tags alone": ('if body "y" {}', mail(body="<p>" * 340_000, kind="text/html")),
    "a body of blanks": ('if body "y" {}', mail(body="aa\n" * 340_000, kind="text/html")),
    "a body of references": ('if body "y" {}', mail(body="&lt;" * 250_000, kind="text/html")),
    "a body of angles": ('if body "y" {}', mail(body="< " * 500_000, kind="text/html")),
    "parts of a body": (
        "".join(f'if body :content "text/a{at}" "y" {{}}\n' for at in range(1000)),
        mail(body="--x\r\n\r\na\r\n" * 5000 + "--x--\r\n", kind="multipart/mixed; boundary=x"),
    ),
    "expressions": (
        'if header :regex "subject" "((a)|(b)|(c)|(d))*((a)|(b))*(a*)*a(a|b){100}$" {}\n' * 200,
        mail("Subject: " + "a" * 60_000),
    ),
    "expressions of variables": (
        f'{SUBJECT} if string :regex "aaa" {distinct("${1}", 200)} {{}}',
        mail("Subject: " + "(a|b){0,40}" * 20),
    ),
    "groups of expressions": (
        f'if header :regex :index 1 "subject" "{"(" * 40}.*{")" * 40}" {{}}\n' * 200,
        emoji(),
    ),
    "texts of expressions": (
        'if header :regex "x" "b" {}\nif header :regex :index 1 "x" "b" {}\n' * 100,
        mail(*[f"X: {EMOJI * 9000}"] * 40),
    ),
    "expressions of a body": ('if body :raw :regex "(x+x+)+y(a|b){99}$" {}\n' * 200, mail(body="x" * 300_000)),
    "mailboxes": (SUBJECT + 'fileinto :create "${1}";\n' * 30, emoji()),
    "an answer": (
        SUBJECT + f'vacation :subject "{"${1}" * 15}" :addresses {listed("${1}", 7000)} "{"${1}" * 15}";',
        emoji(),
    ),
    "ids": (SUBJECT + "".join(f'if duplicate :handle "{at}" {{}}\n' for at in range(1500)), emoji()),
    "uses": (f"if specialuse_exists {listed('${a}Junk', 5000)} {{}}", emoji()),
    "environment": (f'if environment :contains "name" {distinct("a", 5000)} {{}}', emoji()),
}


def prepared(script: str, octets: bytes) -> tuple[Program, Message, World]:
    """A script that is built and a message whose parts are known, as when a script is run."""
    structure = scan(octets)
    message = Message(HeaderSection(octets), len(octets), lambda: Body(structure, lambda start, end: octets[start:end]))
    uses = {f"Box {at}": frozenset({"\\trash"}) for at in range(500)}
    world = World(now=NOW, mailboxes=Mailboxes(names=frozenset(uses), uses=uses))
    return Program(check((ALL + script).encode())), message, world


@pytest.mark.parametrize("name", list(ATTACKS))
def test_a_run_takes_little_memory_and_time(name: str) -> None:
    """IMAP-142c: whatever script and message are; after an error the message is kept."""
    made = prepared(*ATTACKS[name])
    began = time.thread_time()
    outcome = run(*made)
    assert time.thread_time() - began < LONGEST * slowness()
    if outcome.error:
        assert outcome.actions == (KeepAction(implicit=True),)
    made = prepared(*ATTACKS[name])
    with at_most(MOST):
        assert run(*made) == outcome


def test_the_time_of_a_thread_is_the_last_net() -> None:
    """IMAP-142c: for work that is counted too low."""
    program, message, world = prepared('if header :contains "subject" "abcdefgh" {}\n' * 200, emoji())
    assert run(program, message, world).error == ""
    outcome = run(program, message, msgspec.structs.replace(world, overdue=lambda: True))
    assert "took too long" in outcome.error
    assert outcome.actions == (KeepAction(implicit=True),)
