"""Rules of Sieve's extensions that are easily missed, and properties of the parts of the interpreter (IMAP-142)."""

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from moxlite.proto.address import Address, AddressError
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.structure import scan
from moxlite.proto.sieve.checker import check
from moxlite.proto.sieve.commands import Require
from moxlite.proto.sieve.errors import ScriptError
from moxlite.proto.sieve.limits import Budget
from moxlite.proto.sieve.message import Body, Message
from moxlite.proto.sieve.outcome import AnswerAction, DiscardAction, FileAction, Outcome, RedirectAction
from moxlite.proto.sieve.printer import print_script
from moxlite.proto.sieve.program import Program, run
from moxlite.proto.sieve.script import Script, redirects
from moxlite.proto.sieve.state import Mailboxes, World
from moxlite.proto.sieve.strings import PARTS, date_part, decode_characters, flags_of, zone_minutes
from moxlite.proto.sieve.validation import EXTENSIONS, is_mailbox_name, outgoing_address
from moxlite.store.errors import BadMailboxName
from moxlite.store.names import check_name
from moxlite.store.rows.mailboxes import check_keyword
from tests.sievecases import NOW
from tests.tools import slowness
from tests.unit.test_proto_sieve import ANY_COMMANDS

REQUIRE = "require [{}];\n".format(", ".join(f'"{name}"' for name in EXTENSIONS if name != "encoded-character"))
PLAIN = b"From: ann@example.org\r\nSubject: hello\r\nMessage-ID: <1@x>\r\n\r\nBody\r\n"


def _run(script: str, octets: bytes = PLAIN, **world: Any) -> Outcome:
    message = Message(
        HeaderSection(octets), len(octets), lambda: Body(scan(octets), lambda start, end: octets[start:end])
    )
    return run(Program(check((REQUIRE + script).encode())), message, World(now=NOW, **world))


def _is_true(test: str, octets: bytes = PLAIN, **world: Any) -> bool:
    outcome = _run(f'if {test} {{ fileinto "A"; }}', octets, **world)
    assert not outcome.error
    return FileAction(mailbox="A") in outcome.actions


# Addresses


@pytest.mark.parametrize(
    "address",
    ["mia@example.org>", ">", "a>b>", "<", "", "<a@b.c> <d@e.f>", '\\"x <a@b.c>', "a@b.c, <d@e.f>", "g: <d@e.f>"],
)
def test_half_an_address_is_refused_with_its_place(address: str) -> None:
    """IMAP-142: also the end of one alone, which a script may make of a message's words."""
    with pytest.raises(ScriptError, match="expected an address"):
        check(f'redirect "{address}";'.encode())
    outcome = _run(f'if header :matches "subject" "*" {{ redirect "${{1}}{address}"; }}', b"Subject:\r\n\r\n")
    assert "isn't a valid address" in outcome.error


@pytest.mark.parametrize(
    "address", ["mia@example.org", "<mia@example.org>", "Mia <mia@example.org>", '"<" <mia@example.org >']
)
def test_the_address_of_a_phrase_is_the_one_that_is_asked(address: str) -> None:
    """IMAP-142d, SMTP-160a: by `redirects` and by a run alike."""
    script = check('redirect "{}";'.format(address.replace('"', '\\"')).encode())
    assert redirects("main", {"main": script}.get) == {"mia@example.org": "main"}
    assert _run(print_script(script)).actions == (RedirectAction(address="mia@example.org"),)


@given(st.text(alphabet='a@.<>", \\\r\n()[]:ä\0', max_size=20))
def test_any_text_is_an_address_or_an_error(text: str) -> None:
    """IMAP-142: `redirect` takes texts that strangers write."""
    try:
        address = outgoing_address(text)
    except AddressError:
        return
    assert Address.parse(str(address)) == address


# Dates


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("Mon, 6 Jan 2020 10:00:00 +0000 (a; b)", "2020"),
        ("from x (y; z) by w; Tue, 7 Jan 2020 10:00:00 +0000 (a (b; c); \\) d)", "2020"),
        ("x; Tue, 7 Jan 2020 10:00:00 +0000 :)", "2020"),
        ("x; y; Tue, 7 Jan 2020 10:00:00 +0000", "2020"),
        ("Tue, 7 Jan 2020 10:00:00 +0000; x", None),
        ("Tue, 7 Jan 2020 10:00:00 +0000;", None),
        ("", None),
        ("(" * 2000 + ";", None),
        (";" + " " * 2000 + "Tue, 7 Jan 2020 10:00:00 +0000", None),
    ],
)
def test_a_date_is_after_the_last_semicolon_outside_comments(text: str, year: str | None) -> None:
    """IMAP-142, RFC 5260 §4, RFC 5322 §3.2.2."""
    octets = f"X-Date: {text}\r\n\r\n".encode()
    assert _is_true('date :matches "x-date" "year" "*"', octets) == (year is not None)
    assert _is_true('date "x-date" "year" "2020"', octets) == (year == "2020")


@pytest.mark.parametrize("text", ["(;", ";)", "\\(;)", ");(", "\\", '"', '\\"'])
def test_dates_and_addresses_are_read_in_linear_time(text: str) -> None:
    """IMAP-142c: a megabyte of anything."""
    octets = f"X: {text * (1_000_000 // len(text))}\r\n\r\n".encode()
    began = time.thread_time()
    assert not _is_true('date "x" "year" "1"', octets)
    for long in (f"{text * 1000}<a@b.c", f'"{text * 1000}>', f'"{text * 1000}" <'):
        with suppress(AddressError):
            outgoing_address(f"{long}>")
    assert time.thread_time() - began < slowness()


def test_a_count_of_dates_is_one_or_none() -> None:
    """IMAP-142, RFC 5260 §4: of the first field."""
    count = 'date :count "eq" :comparator "i;ascii-numeric" "date" "year" "{}"'.format
    date = b"Date: Mon, 6 Jan 2020 10:00:00 +0000\r\n"
    assert _is_true(count(1), date + date + b"\r\n")
    assert _is_true(count(0), b"Date: x\r\n" + date + b"\r\n")
    assert _is_true(count(0))


@given(st.integers(-(1 << 60), 1 << 60), st.integers(-1439, 1439), st.sampled_from([*PARTS]))
def test_any_moment_has_all_parts_or_none(moment: int, offset: int, part: str) -> None:
    """IMAP-142: the years 1 to 9999 have them."""
    text = date_part(moment, offset, part)
    assert text is None or text
    if text is not None and part in {"iso8601", "std11"}:
        assert len(text) == (len("2020-01-06T10:00:00Z") if text.endswith("Z") else 25) or part == "std11"


@given(st.text("+-0123456789", max_size=6))
def test_a_zone_is_an_offset_below_a_day(text: str) -> None:
    """IMAP-142, RFC 5260 §4.1."""
    minutes = zone_minutes(text)
    assert minutes is None or (abs(minutes) < 1440 and len(text) == 5 and minutes % 60 == int(text[0] + text[3:]) % 60)


@pytest.mark.parametrize(
    ("zone", "parts"),
    [
        ("+0000", "2020-01-07 00:30:00 +0000 2 58855 2020-01-07T00:30:00Z"),
        ("-0130", "2020-01-06 23:00:00 -0130 1 58854 2020-01-06T23:00:00-01:30"),
        ("+2359", "2020-01-08 00:29:00 +2359 3 58856 2020-01-08T00:29:00+23:59"),
        ("-2300", "2020-01-06 01:30:00 -2300 1 58854 2020-01-06T01:30:00-23:00"),
    ],
)
def test_parts_of_a_date_are_those_of_its_zone(zone: str, parts: str) -> None:
    """IMAP-142, RFC 5260 §4.2: the Julian day, too."""
    tests = "".join(
        f'if date :matches :zone "{zone}" "date" "{part}" "*" {{ set "all" "${{all}}${{1}} "; }}'
        for part in ("date", "time", "zone", "weekday", "julian", "iso8601")
    )
    outcome = _run(f'{tests} fileinto "${{all}}";', b"Date: Mon, 6 Jan 2020 23:30:00 -0100\r\n\r\n")
    assert outcome.actions == (FileAction(mailbox=f"{parts} "),)


@pytest.mark.parametrize("zone", ["+2400", "-2400", "+0060", "0100", "+100", "+01:00", "Z", ""])
def test_zones_that_are_none_are_refused(zone: str) -> None:
    """IMAP-142, RFC 5260 §4.1."""
    assert zone_minutes(zone) is None


# Flags and variables


def test_the_count_of_variables_is_the_sum_of_theirs() -> None:
    """IMAP-142, RFC 5232 §4: one flag counts once in each of them, in the flags of the message once."""
    count = 'hasflag :count "eq" :comparator "i;ascii-numeric" {} "{}"'.format
    flags = 'setflag "v" "a A b"; setflag "w" "B"; setflag "x" ""; addflag "a"; addflag "A";'
    for names, number in (('["v", "w", "x"]', 3), ('"v"', 2), ('"x"', 0), ('["v", "v"]', 4), ("", 1)):
        outcome = _run(f'{flags} if {count(names, number)} {{ discard; }} else {{ fileinto "A"; }}')
        assert outcome.actions == (DiscardAction(),)


@given(st.lists(st.text(min_size=1, max_size=140), max_size=5))
def test_flags_are_those_that_the_store_takes(texts: list[str]) -> None:
    """IMAP-142, STORE-22: a message is never refused for a flag of a script."""
    for flag in flags_of(texts, Budget()):
        assert flag.startswith("\\") or check_keyword(flag)


def test_keywords_may_have_all_characters_of_the_store() -> None:
    """IMAP-142, STORE-22."""
    for code in range(0x21, 0x7F):
        character = chr(code)
        assert flags_of([f"a{character}"], Budget()) == (() if character in '(){%*"\\]' else (f"a{character}",))
    assert flags_of(["a" * 129, "b" * 128], Budget()) == ("b" * 128,)


@pytest.mark.parametrize(
    ("script", "column"), [('setflag "" "a";', 9), ('if specialuse_exists "" "\\\\Junk" {}', 22), ('set "" "a";', 5)]
)
def test_an_empty_name_is_not_the_same_as_none(script: str, column: int) -> None:
    """IMAP-142: a name that is given must be one."""
    with pytest.raises(ScriptError) as caught:
        check((REQUIRE + script).encode())
    assert [(fault.line, fault.column) for fault in caught.value.faults] == [(2, column)]


def test_global_variables_have_names_in_any_case() -> None:
    """IMAP-142, RFC 5229 §3, RFC 6609 §3.4.2: in included scripts, too."""
    inner = Program(check(b'require ["include", "variables"]; set "gLOBAL.B" "${Global.a}1";'))
    outcome = _run('set "GLOBAL.A" "x"; include "inner"; fileinto "${global.b}";', scripts={"inner": inner})
    assert outcome.actions == (FileAction(mailbox="x1"),)


@given(st.text("${hexunicode: 0aAdDfF}\r\n", max_size=40))
def test_encoded_characters_are_printed_as_they_are_read(text: str) -> None:
    """IMAP-142: line feeds alone among them, which a line break of the text is not."""
    octets = 'require ["encoded-character", "variables"]; set "a" "{}";'.format(text.replace('"', "")).encode()
    try:
        script = check(octets)
    except ScriptError:
        return
    assert check(print_script(script).encode()) == _on_lines(script)


def _on_lines(script: Script) -> Script:
    """The script as it is read when each command has a line of its own."""
    lines = [type(command)(**{**_fields(command), "line": at}) for at, command in enumerate(script.commands, 1)]
    return Script(commands=tuple(lines), requires=script.requires, extensions=script.extensions)


def _fields(command: Any) -> dict[str, Any]:
    return {name: getattr(command, name) for name in command.__struct_fields__}


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("${hex:0a}", "\n"),
        ("${HEX: c3\r\n bc }", "ü"),
        ("${hex:c3}${hex:bc}", "ü"),
        ("${unicode:10ffff}", "\U0010ffff"),
        ("${unicode:0000000000000041 42}", "AB"),
        ("${hex:4 5}", "\x04\x05"),
        ("${hex:}", "${hex:}"),
        ("${hex:123}", "${hex:123}"),
        ("${hex:4142}", "${hex:4142}"),
        ("${hex:41;42}", "${hex:41;42}"),
        ("${unicode:}", "${unicode:}"),
        ("$ {hex:41}", "$ {hex:41}"),
    ],
)
def test_encoded_characters_are_those_of_the_grammar(text: str, decoded: str) -> None:
    """IMAP-142, RFC 5228 §2.4.2.4: all else stays as it is written."""
    assert decode_characters(text) == decoded


@pytest.mark.parametrize("text", ["${unicode:d800}", "${unicode:110000}", "${hex:c3}", "${unicode:0}", "${hex:00}"])
def test_encoded_characters_must_be_some(text: str) -> None:
    """IMAP-142, RFC 5228 §2.4.2.4."""
    with pytest.raises(ScriptError):
        check(f'require ["encoded-character", "fileinto"]; fileinto "{text}";'.encode())


# Mailboxes, answers, duplicates


@given(st.one_of(st.text(max_size=20), st.text("aA\u00a0\u200d\u0301é/\x85\u2028\t", max_size=20)))
def test_names_of_mailboxes_are_those_of_the_store(name: str) -> None:
    """IMAP-142d, STORE-12: as far as characters tell."""
    refusal = ""
    try:
        checked = check_name(name)
    except BadMailboxName as error:
        refusal = str(error)
    assert is_mailbox_name(name) == bool(name and "control" not in refusal)
    assert refusal or Mailboxes.canonical(name) == checked


def test_fewer_than_a_day_between_answers_is_the_fewest_that_there_is() -> None:
    """IMAP-142, SMTP-161: RFC 5230 §4.1 has the smallest interval used, not the script refused."""
    assert isinstance(_run('vacation :days 0 "Away";').actions[0], AnswerAction)
    for number, seconds in (("days 0", 0), ("days 1", 86400), ("seconds 0", 0), ("seconds 1800", 1800)):
        action = _run(f'vacation :{number} "Away";').actions[0]
        assert isinstance(action, AnswerAction)
        assert action.seconds == seconds


@pytest.mark.parametrize(
    ("seconds", "kept"), [("", 604800), (":seconds 0", 0), (":seconds 5", 5), (":seconds 99G", 7776000)]
)
def test_a_duplicate_is_remembered_as_long_as_the_script_says(seconds: str, kept: int) -> None:
    """IMAP-142, RFC 7352 §3.4: a week without a number, at most 90 days."""
    [tracked] = _run(f"if duplicate {seconds} {{}}").tracked
    assert tracked.seconds == kept


# All commands and tests


@st.composite
def _mail(draw: st.DrawFn) -> bytes:
    texts = st.lists(
        st.sampled_from(
            [
                "a@b.c",
                "<",
                ">",
                '"',
                ",",
                "=?utf-8?q?=C3=A4_?=",
                "(",
                ")",
                ";",
                ":",
                "\\",
                "ä",
                "6 Jan 2020 1:00:00",
                " +0100",
            ]
        ),
        max_size=8,
    ).map("".join)
    names = st.sampled_from(["From", "To", "Subject", "Date", "Received", "Message-ID", "X-ID", "Content-Type"])
    fields = draw(st.lists(st.tuples(names, texts), max_size=6))
    return "".join(f"{name}: {text}\r\n" for name, text in fields).encode() + b"\r\n" + draw(st.binary(max_size=20))


@given(st.lists(ANY_COMMANDS, max_size=4), _mail())
@settings(max_examples=200, deadline=None)
def test_all_commands_decide_about_any_mail(commands: list[Any], octets: bytes) -> None:
    """IMAP-142: whatever strangers write, only a run can fail, and then the message is kept."""
    script = Script(commands=(Require(extensions=EXTENSIONS), *commands), extensions=frozenset(EXTENSIONS))
    try:
        program = Program(check(print_script(script).encode()))
    except ScriptError:
        return
    message = Message(
        HeaderSection(octets), len(octets), lambda: Body(scan(octets), lambda start, end: octets[start:end])
    )
    outcome = run(program, message, World(now=NOW, scripts={"inner": program}))
    assert outcome.actions
    assert len(outcome.actions) == 1 or not outcome.error
