"""Sieve scripts: checked, printed, packed and run (RFC 5228 and extensions)."""

import re
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.structure import scan
from moxlite.proto.sieve.checker import check
from moxlite.proto.sieve.commands import COMMANDS, AnyCommand, Branch, If, Require
from moxlite.proto.sieve.comparing import COMPARATORS, Values, finder
from moxlite.proto.sieve.conditions import TESTS, AllOf, AnyOf, AnyTest, Not
from moxlite.proto.sieve.errors import ScriptError
from moxlite.proto.sieve.limits import MAX_NESTING, MAX_SCRIPT, Budget
from moxlite.proto.sieve.message import Body, Message
from moxlite.proto.sieve.outcome import DiscardAction, FileAction, KeepAction, Outcome, described
from moxlite.proto.sieve.printer import print_script
from moxlite.proto.sieve.program import Program, run
from moxlite.proto.sieve.script import Script, pack, unpack
from moxlite.proto.sieve.state import World
from moxlite.proto.sieve.syntax import Value, Written
from moxlite.proto.sieve.validation import EXTENSIONS
from tests.sievecases import NOW, Case, all_cases, decide
from tests.tools import slowness

PLAIN = b"From: ann@example.org\r\nTo: mia@example.com\r\nSubject: hello\r\nMessage-ID: <1@x>\r\n\r\nBody\r\n"


def _message(octets: bytes = PLAIN) -> Message:
    return Message(HeaderSection(octets), len(octets), lambda: Body(scan(octets), lambda start, end: octets[start:end]))


def _run(script: str, octets: bytes = PLAIN, **world: Any) -> Outcome:
    return run(Program(check(script.encode())), _message(octets), World(now=NOW, **world))


def _faults(script: str | bytes) -> list[tuple[int, int]]:
    with pytest.raises(ScriptError) as caught:
        check(script.encode() if isinstance(script, str) else script)
    return [(fault.line, fault.column) for fault in caught.value.faults]


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.title)
def test_each_case_does_what_is_written_with_it(case: Case) -> None:
    """IMAP-142."""
    assert decide(case) == list(case.wanted)


def test_the_cases_name_everything_at_least_twice() -> None:
    """IMAP-142: each command, test, match type, comparator and extension is in two cases or more; 20 have 20 lines or
    more, and errors at run time are among them.
    """
    scripts = [case.script + "".join(case.includes.values()) for case in all_cases()]
    assert len(scripts) >= 120
    compared = [case for case in all_cases() if "compare" not in case.options]
    assert sum(case.script.count("\n") >= 20 for case in compared) >= 20
    assert sum("error" in case.wanted for case in compared) >= 2
    words = [*COMMANDS, *TESTS, "allof", "anyof", "not", ":is", ":contains", ":matches", ":regex", ":value", ":count"]
    for word in [*words, *COMPARATORS, *EXTENSIONS]:
        found = sum(
            re.search(rf"(?<![a-z_-]){re.escape(word)}(?![a-z_-])", text, re.IGNORECASE) is not None for text in scripts
        )
        assert found >= 2, word


@pytest.mark.parametrize(
    ("script", "place"),
    [
        ("if true {\n  keep;\n", (3, 1)),
        ('require "fileinto";\nfileinto 5;', (2, 10)),
        ("\n\n  nothing;", (3, 3)),
        ('require ["copy",\n"nothing"];', (1, 9)),
        ('keep; # äöü\nredirect "ä";', (2, 10)),
        ("keep;\n/* no end", (2, 1)),
        ("keep;\x00", (1, 6)),
    ],
)
def test_a_fault_has_its_place(script: str, place: tuple[int, int]) -> None:
    """IMAP-142: line and column count from 1, columns in characters."""
    assert _faults(script) == [place]


def test_all_faults_of_a_script_are_told() -> None:
    """IMAP-142: not only the first."""
    assert _faults('fileinto "A";\nkeep;\nif header "a" { nothing; }') == [(1, 1), (3, 14), (3, 17)]


def test_octets_that_are_no_utf8_have_a_place() -> None:
    assert _faults(b'keep;\nredirect "\xff";') == [(2, 11)]


@pytest.mark.parametrize(
    "script",
    [
        b"#" * (MAX_SCRIPT + 1),
        b"if " + b"not " * (MAX_NESTING + 1) + b"true { keep; }",
        b"if true { " * (MAX_NESTING + 1) + b"}" * (MAX_NESTING + 1),
        b"if anyof (" + b"true, " * 10_000 + b"true) { keep; }",
        b"if size :over 99999999999999999999 { keep; }",
        b'require "variables"; set "a" "' + b"x" * 5000 + b'";',
    ],
)
def test_scripts_beyond_the_limits_are_refused(script: bytes) -> None:
    """IMAP-142: with a fault that names the limit."""
    with pytest.raises(ScriptError, match=r"too many|more than|bytes|too large|up to|exceeds"):
        check(script)


def test_a_run_has_a_limited_number_of_steps() -> None:
    """IMAP-142: 10,000 steps, also through included scripts; the message is kept then."""
    inner = 'require ["include", "imap4flags"];' + 'addflag "a";' * 1500
    middle = 'require "include";' + 'include "inner";' * 10
    outcome = _run(
        'require ["include", "fileinto"]; fileinto "A"; include "middle";',
        scripts={"inner": Program(check(inner.encode())), "middle": Program(check(middle.encode()))},
    )
    assert outcome.actions == (KeepAction(implicit=True),)
    assert "the script ran too many steps (limit 10000)" in outcome.error
    assert outcome.script == "inner"


def test_scripts_that_include_each_other_end() -> None:
    """IMAP-142: RFC 6609 §3.1."""
    program = Program(check(b'require "include"; include "me";'))
    outcome = run(program, _message(), World(now=NOW, scripts={"me": program}))
    assert "deep" in outcome.error


def test_variables_that_grow_end_at_their_limit() -> None:
    """IMAP-142: a value is cut at 4096 characters, a string ends the run at 64 Ki."""
    double = 'set "a" "${a}${a}";' * 40
    assert _run(f'require ["variables", "fileinto"]; set "a" "x"; {double} if string :is "${{a}}" "y" {{}}').error == ""
    bomb = "${a}" * 2000
    assert (
        "characters" in _run(f'require "variables"; set "a" "{"x" * 100}"; {double} if string "{bomb}" "y" {{}}').error
    )


def test_many_stars_take_linear_time() -> None:
    """IMAP-142: strangers choose the text; a pattern with many stars is not tried in all ways."""
    octets = b"X: " + b"a" * 200_000 + b"\r\n\r\n"
    keys = "*a" * 100 + "*b"
    begun = time.process_time()
    outcome = _run(f'require "fileinto"; if header :matches "x" "{keys}" {{ fileinto "A"; }}', octets)
    assert time.process_time() - begun < 2
    assert outcome.actions == (KeepAction(implicit=True),)


def test_question_marks_are_bounded_by_work() -> None:
    """IMAP-142: what cannot be linear ends in an error, and the message is kept."""
    octets = b"X: " + b"a" * 200_000 + b"\r\n\r\n"
    keys = "*" + "a?" * 300 + "b*"
    outcome = _run(f'require "fileinto"; if header :matches "x" "{keys}" {{ fileinto "A"; }}', octets)
    assert "too complex" in outcome.error


def included(inner: str) -> Outcome:
    """The outcome of a script that runs `inner` 9,000 times by includes."""
    scripts = {"inner": Program(check(inner.encode()))}
    for name, below in (("ten", "inner"), ("hundred", "ten"), ("thousand", "hundred")):
        scripts[name] = Program(check(b'require "include";' + f'include "{below}";'.encode() * 10))
    return _run('require "include";' + 'include "thousand";' * 9, scripts=scripts)


@pytest.mark.parametrize(
    "inner",
    [
        "if not size :over 1M {}" * 1000,
        "if header [" + '"x", ' * 5000 + '"x"] "y" {}',
        "if address [" + '"to", ' * 5000 + '"to"] "y" {}',
        "if exists [" + '"from", ' * 5000 + '"from"] {}',
        'require "mailbox"; if mailboxexists [' + '"Inbox", ' * 5000 + '"Inbox"] {}',
        'require "envelope"; if envelope :contains "from" [' + '"x", ' * 10_000 + '"x"] {}',
        'require "variables"; if string :contains "" [' + ", ".join(f'"{n}"' for n in range(6000)) + "] {}",
        'require "variables"; set "a" "' + "?" * 4000 + '"; if string :matches "" "' + "${a}" * 15 + '" {}',
    ],
    ids=["size", "header", "address", "exists", "mailboxexists", "envelope", "contains", "matches"],
)
def test_what_costs_counts(inner: str) -> None:
    """IMAP-142: tests of no text, with many names or keys, and patterns out of variables: a limit ends the run soon."""
    begun = time.process_time()
    outcome = included(inner)
    assert time.process_time() - begun < 3 * slowness()
    assert outcome.actions == (KeepAction(implicit=True),)
    assert "steps" in outcome.error or "too complex" in outcome.error or "too much" in outcome.error


def test_flags_are_read_up_to_a_limit() -> None:
    """IMAP-142: a command reads 1,024 words as flags, however long its strings become."""
    lists = ", ".join(['"' + "${a}" * 15 + '"'] * 60)
    begun = time.process_time()
    outcome = _run(f'require ["variables", "imap4flags"]; set "a" "{"x " * 2000}"; setflag [{lists}, "late"]; keep;')
    assert time.process_time() - begun < 3 * slowness()
    assert outcome.actions == (KeepAction(flags=("x",)),)


def test_types_of_parts_are_looked_up_together() -> None:
    """IMAP-142: many types for many parts; what is no type has no part."""
    parts = b"--x\r\nContent-Type: image/png\r\n\r\nab\r\n" * 900
    octets = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + parts + b"--x--\r\n"
    types = ", ".join(f'"a{number}/b"' for number in range(5000))
    begun = time.process_time()
    for more, found in (('"image"', True), ('"image/png"', True), ('""', True), ('"image/", "/png", "i/p/"', False)):
        outcome = _run(f'require "body"; if body :content [{types}, {more}] :contains "ab" {{ discard; }}', octets)
        assert (outcome.actions == (DiscardAction(),)) is found, more
    assert time.process_time() - begun < 3 * slowness()


@given(st.text("ab*?\\", max_size=12), st.text("ab", max_size=16))
@settings(max_examples=300)
def test_globs_match_as_lazy_expressions(pattern: str, text: str) -> None:
    """IMAP-142: `:matches` and its variables are as in a lazy regular expression (RFC 5229 §3.2)."""
    wanted: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            wanted.append(re.escape(next(characters, "\\")))
        else:
            wanted.append({"*": "(.*?)", "?": "(.)"}.get(character, re.escape(character)))
    found = re.fullmatch("".join(wanted), text, re.DOTALL)
    find, _ = finder("matches", "i;octet", [pattern], captures=True)
    assert find(Values([text]), Budget()) == (None if found is None else (text, *found.groups()))


def test_a_duplicate_is_remembered_and_found() -> None:
    """IMAP-142: RFC 7352."""
    script = 'require ["duplicate"]; if duplicate :seconds 60 { discard; }'
    first = _run(script)
    assert first.actions == (KeepAction(implicit=True),)
    [tracked] = first.tracked
    assert tracked.seconds == 60
    again = _run(script, seen={tracked.id})
    assert [described(action)["action"] for action in again.actions] == ["discard"]
    assert again.tracked == ()


def test_an_error_keeps_the_message_and_nothing_else_is_done() -> None:
    """IMAP-142: the error has script and line."""
    outcome = _run('require ["fileinto", "reject"];\nfileinto "A";\nreject "no";')
    assert outcome.actions == (KeepAction(implicit=True),)
    assert (outcome.script, outcome.line) == ("", 3)


def test_a_packed_script_is_the_same() -> None:
    """IMAP-142: the compiled form."""
    for case in all_cases():
        try:
            script = check(case.script.encode())
        except ScriptError:
            continue
        assert unpack(pack(script)) == script


@pytest.mark.parametrize("octets", [b"", b"\x92\x02\x80", pack(Script(commands=()))[:-1], b"\x92\x01\x80"])
def test_a_packed_script_that_is_damaged_or_old_is_none(octets: bytes) -> None:
    """IMAP-142: it is made again from the text."""
    assert unpack(octets) is None


def test_flags_and_folders_survive_odd_names() -> None:
    outcome = _run('require ["fileinto", "variables"]; set "a" ""; fileinto "${a}";')
    assert "isn't a valid mailbox name" in outcome.error
    assert _run('require "fileinto"; fileinto "iNbOx/A";').actions == (FileAction(mailbox="Inbox/A"),)


# Properties

TEXTS = st.lists(st.sampled_from([*'ab ${}.\\"*?\r:äß1', "\r\n"]), max_size=12).map("".join)
POOLS: dict[str, st.SearchStrategy[str]] = {
    "names": st.sampled_from(["from", "to"]),
    "name": st.sampled_from(["subject", "received"]),
    "header": st.sampled_from(["x-id"]),
    "part": st.sampled_from(["year", "std11"]),
    "zone": st.sampled_from(["+0100", "-0930"]),
    "comparator": st.sampled_from([*COMPARATORS]),
    "match": st.sampled_from(["gt", "ge", "lt", "le", "eq", "ne"]),
    "uses": st.sampled_from(["\\Junk"]),
    "special_use": st.sampled_from(["\\Junk"]),
    "address": st.sampled_from(["a@example.org"]),
    "mailbox": st.sampled_from(["A", 'B "x"', "${a}"]),
    "variable": st.sampled_from(["a", "global.b"]),
    "variables": st.sampled_from(["a", "global.b"]),
    "script": st.sampled_from(["inner", "außen"]),
    "subject": st.sampled_from(["", "Away"]),
    "sender": st.sampled_from(["a@example.org"]),
    "extensions": st.sampled_from(["copy", "nothing"]),
}


@st.composite
def _written(draw: st.DrawFn, kind: type[Written]) -> Any:
    """A command or test as its syntax allows."""
    values: dict[str, Any] = {}
    used: set[str] = set()
    for option in kind.syntax.options:
        if option.excludes not in used and draw(st.booleans()):
            used.add(option.excludes)
            value: Any = option.value if option.takes is None else draw(_value(option.field, option.takes))
            values[option.field] = option.form.format(value) if option.form else value
    for one in kind.syntax.positional:
        if not one.optional or draw(st.booleans()):
            values[one.field] = draw(_value(one.field, one.takes))
    if values.get("match") == "regex":
        values["keys"] = tuple("".join(f"[{char}]" for char in key if char not in "^[\n") for key in values["keys"])
    if kind.__name__ in {"Set", "Global"}:
        values["name" if kind.__name__ == "Set" else "names"] = "a" if kind.__name__ == "Set" else ("a", "b")
    return kind(**values)


def _value(field: str, kind: Value) -> st.SearchStrategy[Any]:
    if kind is Value.NUMBER:
        return st.integers(1, 1 << 40)
    texts = POOLS.get(field, TEXTS)
    return texts if kind is Value.STRING else st.lists(texts, min_size=1, max_size=3).map(tuple)


TESTS_OF_ANY: st.SearchStrategy[AnyTest] = st.recursive(
    st.sampled_from([*TESTS.values()]).flatmap(_written),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=1, max_size=3).map(lambda tests: AllOf(tuple(tests))),
        st.lists(inner, min_size=1, max_size=3).map(lambda tests: AnyOf(tuple(tests))),
    ),
    max_leaves=4,
)
PLAIN_COMMANDS = st.sampled_from([kind for kind in COMMANDS.values() if kind is not Require]).flatmap(_written)


@st.composite
def _if(draw: st.DrawFn, inner: st.SearchStrategy[AnyCommand]) -> If:
    blocks = st.lists(inner, max_size=2).map(tuple)
    branches = [Branch(draw(TESTS_OF_ANY), draw(blocks)) for _ in range(draw(st.integers(1, 2)))]
    if draw(st.booleans()):
        branches.append(Branch(None, draw(blocks)))
    return If(tuple(branches))


ANY_COMMANDS: st.SearchStrategy[AnyCommand] = st.recursive(PLAIN_COMMANDS, _if, max_leaves=5)
NO_IHAVE = tuple(name for name in EXTENSIONS if name != "ihave")


def _placeless(script: Script) -> Script:
    """The script without lines."""
    octets = msgspec.json.encode(script, order="deterministic")
    return msgspec.json.decode(re.sub(rb',"line":[0-9]+', b"", octets), type=Script)


@given(st.lists(ANY_COMMANDS, max_size=4))
@settings(max_examples=200, deadline=None)
def test_a_printed_script_is_read_as_the_same(commands: list[AnyCommand]) -> None:
    """IMAP-142: print, then parse."""
    script = Script(commands=(Require(extensions=EXTENSIONS), *commands))
    printed = print_script(msgspec.structs.replace(script, extensions=frozenset(EXTENSIONS)))
    try:
        read = check(printed.encode())
    except ScriptError:
        return  # a combination that the checker refuses
    again = check(print_script(read).encode())
    assert _placeless(again) == _placeless(read)
    if b"unavailable" not in msgspec.json.encode(read):
        assert _placeless(read).commands == _placeless(script).commands


def test_the_cases_are_the_same_when_printed() -> None:
    """IMAP-142: print, then parse."""
    for case in all_cases():
        try:
            script = check(case.script.encode())
        except ScriptError:
            continue
        again = check(print_script(script).encode())
        assert print_script(again) == print_script(script)


@given(st.binary(max_size=200))
def test_any_octets_are_a_script_or_refused(octets: bytes) -> None:
    """IMAP-142: only ScriptError comes out."""
    try:
        check(octets)
    except ScriptError:
        pass


WORDS = [
    "if", "elsif", "else", "require", "keep", ";", "{", "}", "(", ")", "[", "]", ",", '"a"', '"${1}"', "text:\n.\n",
    "5K", ":is", ":count", ":flags", "not", "anyof", "header", '"subject"', '"*a?*"', "fileinto", "vacation", "set",
    "\\", "#", '["fileinto","variables","imap4flags","vacation"]', "address", "ihave", "/*", "*/", "include",
    ":matches", ":regex", '["regex","variables","body"]', '"([[:alpha:]]*)*"', '"(${1}"', "string", "body",
]  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=40), st.binary(max_size=120))
@settings(max_examples=400, deadline=None)
def test_any_words_run_on_any_message(words: list[str], octets: bytes) -> None:
    """IMAP-142: a script that is accepted decides about any octets."""
    try:
        script = check(" ".join(words).encode())
    except ScriptError:
        return
    assert _run(print_script(script), octets).actions


@given(st.sampled_from(all_cases()), st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_message_is_decided(case: Case, octets: bytes) -> None:
    """IMAP-142: strangers write the message."""
    try:
        program = Program(check(case.script.encode()))
    except ScriptError:
        return
    assert run(program, _message(octets), World(now=NOW)).actions
