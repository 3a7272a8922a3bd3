"""Patterns of users and of the administrator: what they mean, what they cost, and which are refused."""

import os
import re
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import regex
from hypothesis import example, given, settings, strategies as st

from moxlite.config.webrules import PlainPattern, compile_pattern
from moxlite.ownprogram import VERB
from moxlite.patterns import process as processes
from moxlite.patterns.questions import Question, TooCostly
from moxlite.patterns.searching import LONGEST, WORDS, fault, found, path_fault, pattern_warning, program, refusal
from moxlite.proto.patterns.dialect import Posix, UnsupportedByRE2, mark, unmark
from moxlite.proto.patterns.linear import MAX_PROGRAM, MAX_TEXT, Text, linear
from moxlite.sandbox import confine
from moxlite.sandbox.metrics import deaths
from moxlite.store.junkflags import JunkFlagRules
from tests.tools import top

RULES = JunkFlagRules()


def nested(levels: int) -> str:
    """The pattern that took 1.8 GB: repetitions in one another."""
    pattern = "a"
    for _ in range(levels):
        pattern = f"(?:{pattern}{{1,999}})"
    return pattern + "{1,999}"


HOSTILE = (
    nested(20),
    nested(24),
    "(" * 1500 + "a",
    "(" * 120 + "a" + ")" * 120,
    "(?:(?:a?){999}){999}",
    "(?:(?:(?:(?:){100}){100}){100}){100}",
    r"\p{L}{999}" * 20,
    "(?i)" + "[a-zé]{1,500}" * 18,
    "[" + "".join(chr(0x400 + 2 * one) for one in range(240)) + "]{999}",
    "|".join(f"a.{{{one}}}c" for one in range(100, 126)),
    "(x*)*" * 50,
    "(a|b|ab)*" * 25,
    "(?:.?){999}",
    "[ -\U0010ffff]{999}",
)
"""Patterns that cost much in one engine or another."""


@pytest.fixture
def fresh() -> Iterator[None]:
    """Nothing is remembered of patterns, and no process runs."""
    processes.process.close()
    yield
    processes.process.close()


@pytest.mark.parametrize(
    "pattern", [RULES.junk_mailbox_regexp, RULES.neutral_mailbox_regexp, "Lists/python-dev$", "^(one word|two)$"]
)
def test_plain_words_mean_the_same_in_all_engines(pattern: str) -> None:
    """STORE-85: so the patterns of every account need no library."""
    assert WORDS.fullmatch(pattern)
    for text in ("", "junk", "Junk", "spam/2026", "my spam", "inbox", "Lists/python-dev", "two", "one word"):
        expected = regex.search(pattern, text) is not None
        assert found(pattern, text) == expected
        assert linear(pattern).is_in(Text(text)) == expected


@pytest.mark.parametrize("pattern", ["(a|a)(a|a)", "a*", "(?i)junk", "[ab]", "a\\.b", "(a", "a|b)", "((a))", "^^a", ""])
def test_all_else_is_no_plain_word(pattern: str) -> None:
    """STORE-65: what may take long, or mean something else, is left to RE2."""
    assert not WORDS.fullmatch(pattern)


def test_recognising_plain_words_takes_linear_time() -> None:
    """A pattern is a user's."""
    began = time.process_time()
    assert not WORDS.fullmatch("^(" + "a|" * 50_000 + "(")
    assert not WORDS.fullmatch("a" * 100_000 + "(")
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("größe", "die größe", True),
        (r"\bgröße\b", "die größe!", True),
        (r"\bgröße\b", "schuhgröße", False),
        (r"\bgröß\b", "größe", False),
        (r"^\w+@\w+\.example$", "jürgen_x@bücher.example", True),
        (r"^\w{6}$", "größe_", True),
        (r"\W", "größe_", False),
        (r"\d", "٣", True),
        (r"\s", "a\u2003b", True),
        (r"(?i)GRÖẞE", "größe", True),
        (r"[\w.-]+$", "ä.b-_", True),
        (r"^[^\W\d_]+$", "größe", True),
        (r"^[^\W\d_]+$", "größe1", False),
        ("^.{3}$", "ö_ö", True),
        ("a_b", "a_b", True),
        ("_", "ö", False),
        ("ö", "_", False),
        ("", "", True),
        ("ö", "a\udce4ö\udcff", True),
        ("^.$", "\udcff", True),
    ],
)
def test_patterns_mean_what_they_meant(pattern: str, text: str, matches: bool) -> None:
    """STORE-65: letters are all letters of Unicode, and no text raises."""
    assert linear(pattern).search([Text(text)], seconds=1).matches == (matches,)
    assert (regex.search(pattern, text) is not None) == matches


# fmt: off
ATOMS = (
    "a", "b", "k", "s", "i", "I", "ö", "_", "ß", "é", "€", "1", " ", "@", ".", r"\.", r"\-", r"\w", r"\W", r"\d", r"\D",
    r"\s", r"\S", r"\x41", r"\u00e9", r"\p{L}", r"\P{L}", r"\p{P}", r"\p{N}", r"\p{M}", "[ab]", "[^ab]", "[a-z_]",
    r"[^\wé]", r"[\w.-]", r"[\s\d]", r"[^\s]", "[A-Zä-ü]", "[é-ü€]", r"[\p{P}a]", r"[\W_]", r"[^\W_]", r"[\S ]",
    "[^a-z]", "[_]", "[^_]", "[!-~]", "[ -ÿ]", "[]a]", "[a-]",
)
# fmt: on
PLACES = (r"\b", r"\B", "^", "$", r"\A", r"\Z")
COUNTS = ("", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{,2}", "{0,1}", "{2,}")


def joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Patterns made of others."""
    groups = st.tuples(st.sampled_from(["(", "(?:", "(?i:", "(?s:", "(?m:"]), inner, st.sampled_from(COUNTS))
    return st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.tuples(inner, inner).map("|".join),
        groups.map(lambda parts: f"{parts[0]}{parts[1]}){parts[2]}"),
    )


PATTERNS = st.tuples(
    st.sampled_from(["", "", "", "(?i)", "(?s)", "(?m)", "(?im)"]),
    st.recursive(
        st.one_of(
            st.tuples(st.sampled_from(ATOMS), st.sampled_from(COUNTS)).map("".join),
            st.sampled_from(PLACES),
        ),
        joined,
        max_leaves=10,
    ),
).map("".join)
TEXTS = st.text("aabböß_€1 .kKs\u017f\u212aSäÄé@-A\u0301\u2028\n\tx\u0130\u0131iI\ud800", max_size=10).map(
    lambda text: text.rstrip("\n")
)


@settings(max_examples=300, deadline=None)
@given(PATTERNS, st.lists(TEXTS, min_size=1, max_size=8))
@example("(?i)[ -ÿ]", ["\u0130"])
@example(r"(?i:[^a-z]\D)", ["\u0131\t"])
def test_both_engines_find_the_same(pattern: str, texts: list[str]) -> None:
    """STORE-65: what RE2 is given for a pattern finds what `regex` finds in any text."""
    try:
        ours = linear(pattern)
    except UnsupportedByRE2:
        return
    theirs = regex.compile(pattern)
    expected = tuple(theirs.search(text) is not None for text in texts)
    assert ours.search([Text(text) for text in texts], seconds=10).matches == expected


@given(st.text())
def test_marks_can_be_taken_off(text: str) -> None:
    """STORE-65."""
    assert unmark(mark(text)) == text
    assert len(mark(text)) <= 3 * len(text)


def test_groups_are_what_stood_in_the_text() -> None:
    """STORE-65: for the variables of Sieve."""
    compiled = linear(r"(?i)\[(größe|_x)\] (?:a|(b))?(.*)", groups=True)
    text = Text("Re: [GRÖßE] ö_x")
    spans = compiled.spans(text, 9)
    assert spans is not None
    assert [text.part(span) for span in spans] == ["[GRÖßE] ö_x", "GRÖßE", "", "ö_x"]
    assert compiled.spans(text, 2) == spans[:2]
    assert compiled.spans(Text("nothing"), 9) is None


@pytest.mark.parametrize(
    ("pattern", "case", "text", "found"),
    [
        ("^[^[:lower:]]+$", Posix.CASE, "GRÖSSE 3_", "GRÖSSE 3_"),
        ("^[^[:lower:]]+$", Posix.CASE, "GRÖßE", None),
        ("[[:upper:]]", Posix.CASE, "aÄ", "Ä"),
        ("[[:upper:]]", Posix.ASCII_CASELESS, "a", "a"),
        ("[[:alpha:]]+", Posix.CASE, "12größe_x", "größe"),
        ("[[:alnum:]._-]+@[[:alnum:].-]+", Posix.ASCII_CASELESS, "<a_ö.b@cé.example>", "a_ö.b@cé.example"),
        ("[[:alnum:]._-]+@[[:alnum:].-]+", Posix.CASELESS, "<a_ö.b@cé.example>", "a_ö.b@cé.example"),
        ("[[:punct:]]+", Posix.CASE, "a–_€b", "–_€"),
        ("[[:space:]]+$", Posix.CASE, "a \t\u3000", " \t\u3000"),
        ("[[:graph:]]+", Posix.CASELESS, " ä_a b", "ä_a"),
        ("[[:xdigit:][:blank:]]+", Posix.CASE, "g1f A", "1f A"),
        ("[]a]+", Posix.CASE, "x]a]", "]a]"),
        (r"[\w]+", Posix.CASE, r"a\w", r"\w"),
        (r"\[([^]]+)\]", Posix.CASE, "[list] x", "[list]"),
        ("[[.-.][=a=]]+", Posix.ASCII_CASELESS, "bA-", "A-"),
        ("SIEVE[A-C]", Posix.ASCII_CASELESS, "sieveb", "sieveb"),
        ("ÄK", Posix.ASCII_CASELESS, "Äk äk", "Äk"),
        ("äk", Posix.ASCII_CASELESS, "Äk", None),
        ("äk", Posix.CASELESS, "ÄK", "ÄK"),
        ("k", Posix.ASCII_CASELESS, "\u212a", None),
        (r"\w+", Posix.ASCII_CASELESS, "-größe-", "größe"),
    ],
)
def test_expressions_of_posix(pattern: str, case: Posix, text: str, found: str | None) -> None:
    """IMAP-142e: classes have names, a backslash in brackets is one, and the case counts as asked."""
    compiled, prepared = linear(pattern, groups=True, posix=case), Text(text)
    spans = compiled.spans(prepared, 1)
    assert (spans and prepared.part(spans[0])) == found


PIECES = [
    "a", "B", "ä", "_", ".", "^", "$", "|", "*", "+", "?", "{1,3}", "{0,2}", r"\.", r"\[", "(a|ab)", "(ab?)*",
    "([^a]+)", "[]a]", "[^]B]", "[a-c_]", "[[:alpha:]]", "[[:digit:].]", "[^[:space:]]", "[[:upper:]]", "[^[:lower:]a]",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join), st.text("aAbBäÄ_.[] 1\n", max_size=12))
def test_groups_of_expressions_are_those_of_the_other_engine(pattern: str, text: str) -> None:
    """IMAP-142e: what POSIX and `regex` write alike, they find alike."""
    try:
        ours = linear(pattern, groups=True, posix=Posix.CASE)
        theirs = regex.compile(pattern.replace("$", r"\Z"))
    except (UnsupportedByRE2, regex.error):
        return
    prepared, match = Text(text), theirs.search(text)
    spans = ours.spans(prepared, 99)
    assert (spans is None) == (match is None)
    if spans is not None and match is not None:
        assert [prepared.part(span) for span in spans] == [match[0], *(group or "" for group in match.groups())]


@pytest.mark.parametrize("pattern", ["(+a)", "a**", "[[:letter:]]", "[[.hyphen.]]", "ex[]ample", r"(a)\1", "a(b", "a)"])
def test_what_posix_has_no_meaning_for_is_refused(pattern: str) -> None:
    """IMAP-142e."""
    with pytest.raises(UnsupportedByRE2):
        linear(pattern, posix=Posix.CASE)


def test_the_charge_is_length_times_program() -> None:
    """STORE-65: known before a search."""
    small, large = linear("^a"), linear("(?:a?){500}")
    assert small.charge(Text("a" * 100)) < large.charge(Text("a" * 100)) < large.charge(Text("a" * 1000))
    assert linear("ö").charge(Text("ö" * 2 * MAX_TEXT)) == linear("ö").charge(Text("ö" * MAX_TEXT))


@pytest.mark.parametrize("pattern", HOSTILE)
def test_hostile_patterns_cost_little_or_are_refused(pattern: str) -> None:
    """STORE-65, STORE-162: compiled within a bound of time and memory, and searched within one, or refused in words."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.thread_time()
    refused = refusal(pattern)
    assert time.thread_time() - began < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB
    if refused:
        assert "could take too long to match" in refused or "characters or fewer" in refused
        return
    for text in ("a" * MAX_TEXT, "ab" * MAX_TEXT, "é" * MAX_TEXT):
        began = time.thread_time()
        linear(pattern).search([Text(text)], seconds=1)
        assert time.thread_time() - began < 5  # 0.3 s on an idle machine


def test_the_largest_program_is_searched_in_bounded_time() -> None:
    """STORE-65: RE2 cannot be interrupted."""
    with pytest.raises(UnsupportedByRE2):
        linear(f"(?:(?:a*)*|b){{{MAX_PROGRAM // 3}}}c")
    largest = linear(f"(?:a?){{{990}}}c")
    began = time.thread_time()
    assert not any(largest.search([Text("a" * MAX_TEXT)] * 100, seconds=0.1).matches)
    assert time.thread_time() - began < 5


@pytest.mark.parametrize("pattern", ["(a", "a|b)", "[z", "*a", "a**", "a{3,2}", "(?<=a)b", r"(a)\1", "(?>a)b", "(?R)"])
def test_what_cannot_be_searched_in_linear_time_is_refused_anew(pattern: str) -> None:
    """STORE-162."""
    assert "could take too long to match" in refusal(pattern)


def test_long_patterns_are_refused_anew() -> None:
    """STORE-162: but long ones of the configuration are searched as ever."""
    assert refusal("a" * LONGEST) == ""
    assert refusal("a" * (LONGEST + 1)) == f"must be {LONGEST} characters or fewer"
    assert pattern_warning("[a]" * LONGEST) == ""


@pytest.mark.parametrize(
    ("pattern", "text"),
    [(r"(?<=größe )\d", "größe 5"), (r"^(a+)\1$", "aaaa"), ("(?i:straße(?!n))", "STRAßE"), ("^(a|aa)+(?<!b)$", "a")],
)
def test_old_patterns_beyond_linear_time_never_match(pattern: str, text: str) -> None:
    """STORE-65a, STORE-162: and they are told."""
    assert regex.search(pattern, text)
    assert fault(pattern) == ""
    assert pattern_warning(pattern).startswith(f'never matches: "{pattern}" has ')
    assert program(pattern) is None
    assert not found(pattern, text)


@pytest.mark.parametrize("pattern", [nested(20), nested(24), "(?<=x)(?:(?:a?){999}){999}"])
def test_old_patterns_that_are_costly_to_compile_stop_no_start(pattern: str) -> None:
    """STORE-162: only the process for patterns has the cost."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert fault(pattern) == ""
    assert "never matches" in pattern_warning(pattern)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB
    began = time.monotonic()
    assert [fault(pattern) for _ in range(1000)] == [""] * 1000
    assert time.monotonic() - began < 5  # it is not tried again


@pytest.mark.usefixtures("fresh")
def test_a_killed_process_is_replaced() -> None:
    """STORE-65a: a pattern that ends the process is too costly that once, and the next one is compiled again."""
    assert processes.process.ask(Question("(?<=a)bcd")).outcome == "done"
    assert our_children()
    for pid in our_children():
        os.kill(pid, 9)
    with suppress(TooCostly):
        processes.process.ask(Question("(?<=a)bcd"))
    assert processes.process.ask(Question("(?<=a)bcd")).outcome == "done"


@pytest.mark.usefixtures("fresh")
def test_a_process_that_is_not_asked_ends_and_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-65a: nothing is left of it, and no question is lost."""
    code = "from moxlite.patterns import child; child.IDLE_SECONDS = 0.01; child.main()"
    monkeypatch.setattr(processes, "own_program", lambda child: [sys.executable, "-P", "-c", code, VERB, child])
    for _ in range(3):
        assert processes.process.ask(Question("(?<=a)bcde")).outcome == "done"
        deadline = time.monotonic() + 60
        while our_children() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert our_children() == []


def our_children() -> list[int]:
    """Ids of processes that this one has started to ask about patterns."""
    return [int(one) for one in os.listdir("/proc") if one.isdecimal() and _is_our_child(int(one))]


def _is_our_child(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat, open(f"/proc/{pid}/cmdline") as line:
            parent = int(stat.read().rpartition(")")[2].split()[1])
            return parent == os.getpid() and line.read().endswith(f"\0{VERB}\0patterns\0")
    except OSError:
        return False


PLAIN_PIECES = st.sampled_from(("a", "b", "/", "_", "-", ".", r"\.", r"\$"))


@given(
    pieces=st.lists(PLAIN_PIECES, max_size=8),
    end=st.sampled_from(("", "$", "(/|$)", "(/|$)$")),
    path=st.lists(st.sampled_from(("a", "b", "/", "_", "-", ".", "$", "\n", "\0", "\udc80")), max_size=12),
)
def test_plain_patterns_of_paths_mean_the_same_to_both_engines(pieces: list[str], end: str, path: list[str]) -> None:
    """WEB-36: matches and what groups have, for redirects with `orig_path_regexp`, too."""
    pattern, text = "^" + "".join(pieces) + end, "".join(path)
    ours, theirs = compile_pattern(pattern), regex.compile(pattern)
    assert isinstance(ours, PlainPattern)
    assert (ours.groups, dict(ours.groupindex)) == (theirs.groups, dict(theirs.groupindex))

    def seen(match: Any) -> tuple[object, ...]:
        return (match.start(), match.end(), *(match.group(n) for n in range(theirs.groups + 1)))

    here, there = ours.search(text, timeout=1, concurrent=False), theirs.search(text)
    assert (here and seen(here)) == (there and seen(there))
    all_here = [seen(match) for match in ours.finditer(text, timeout=1, concurrent=False)]
    assert all_here == [seen(match) for match in theirs.finditer(text)]


def test_patterns_of_paths_are_compiled_within_bounds() -> None:
    """WEB-36: what the server is to compile was compiled by a process before."""
    for good in ("^/", r"^/a\.html$", "^/workdir(/|$)", r"^/(?<year>\d{4})/(?=x)", "^/" + "a" * 1000):
        assert path_fault(good) == ""
    assert path_fault("^/" + "a" * 1023) == "must be 1024 bytes or fewer"
    assert "isn't a valid regular expression" in path_fault("^(")
    assert "use fewer and smaller nested repetitions" in path_fault("^" + nested(20))
    assert "nested too deeply" in path_fault("^" + "(" * 500 + "a" + ")" * 500)


REFUSED = """
import os, signal, sys
sys.path.insert(0, {top!r})
from moxlite.patterns import child
find = child.answer
def answer(question):
    if question.pattern == "a file":
        if {bare}:
            signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGSYS}})
        os.open("/etc/passwd", os.O_RDONLY)
    return find(question)
child.answer = answer
child.main()
"""
"""A process of patterns that makes a call which the filter refuses, or is ended as by a filter without its handler."""


@pytest.mark.skipif(not confine.is_available(), reason="not protected by a system call filter")
@pytest.mark.parametrize(("bare", "said"), [(False, r"system call \d+"), (True, "signal 31")])
@pytest.mark.usefixtures("fresh")
def test_a_refused_system_call_of_the_process_is_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, bare: bool, said: str
) -> None:
    """WEBMAIL-109a, STORE-65: its pattern matches nothing, like a costly one, but this is no fault of the pattern."""
    program = REFUSED.format(top=str(top()), bare=bare)
    monkeypatch.setattr(processes, "own_program", lambda _: [sys.executable, "-P", "-c", program])
    counted = deaths.labels(cause="denied")
    before = counted.value
    if bare:
        with pytest.raises(TooCostly):
            processes.process.ask(Question("a file"))
    else:
        assert processes.process.ask(Question("x")).outcome == "done"
        assert counted.value == before
        assert processes.process.ask(Question("a file")).outcome == "costly"
    assert counted.value == before + 1
    [record] = [one for one in caplog.records if one.name == "moxlite.patterns"]
    assert re.fullmatch(said, record.kv["err"])  # type: ignore[attr-defined]  # of our log
