"""Regular expressions of the program: none takes more than linear time, whatever it is given."""

import random
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from moxlite.compose.reply import _quoted
from moxlite.mailauth.mtasts import PolicyError, parse_policy
from moxlite.mailauth.tlsrpt import RecordError, parse_record
from moxlite.proto.mime.messageid import base_subject
from moxlite.web.webmail.reading.parts import member_names, zip_name
from tests.patternprobes import Found, Probe, Slow, patterns, probes, slowness
from tests.tools import top

sys.path.insert(0, str(top() / "script"))
from testing.tests_of import changed

MADE = {
    "moxlite.admin.installation.fetch": "an escaped name after a hash, once a line",
    "moxlite.admin.quickstart.switches._table": "an escaped name, and at most one line",
    "moxlite.admin.quickstart.switches._uncommented": "an escaped line of the owner's own file",
    "moxlite.cli._about_argument": "an escaped word between two looks at one character",
    "moxlite.cli.helpsearch._pattern": "an escaped word",
    "moxlite.cli.leading.way_on": "a pattern of `LISTINGS`, for a failure of our own",
    "moxlite.config.webrules.PlainPattern.__init__": "a `PLAIN_PATH`, which repeats nothing",
    "moxlite.imapd.search.searchkeys.Hint._of_words": "escaped words alone",
    "moxlite.imapd.search.searchkeys.Hint.of_field": "escaped words, one blank between, which fits in one way",
    "moxlite.mailauth.spf.record._value": "a set of characters",
    "moxlite.net.log.of_connection": "a number in hexadecimal, and a choice of two texts",
    "moxlite.patterns.searching.found": "texts that `WORDS` knows as plain words; others go to RE2",
    "moxlite.proto.mime.structure._Scanner._likely": "two dashes and a choice of characters",
    "moxlite.proto.mime.text._raw_end": "an escaped word",
    "moxlite.web.composing.drafts._placed": "an escaped word, and at most four digits",
    "moxlite.web.jmap.threads.marked": "20 escaped words at most",
}
"""Functions that make a pattern as they run, and why it is linear."""

EXEMPT: dict[str, str] = {}
"""Patterns that take more than linear time and may, with the reason. Patterns of users are made by RE2, patterns of
web handlers by `regex`, which ends at a deadline: they are not among these.
"""


def slow_ones(found: Iterable[Found]) -> list[Slow]:
    """For each pattern that is not exempt, the first input that takes too long."""
    chance = random.Random(20)
    return [
        result
        for one in found
        if one.name not in EXEMPT
        for way in one.ways
        if (result := next(filter(None, (slowness(one, way, probe) for probe in probes(one.pattern, chance, 5))), None))
    ]


def modules_changed() -> tuple[str, ...]:
    """Names of the modules that differ from the main branch; none where git does not know."""
    try:
        return tuple(".".join(path.relative_to(top()).with_suffix("").parts) for path in changed())
    except (OSError, subprocess.CalledProcessError):
        return ()


@pytest.mark.nightly
@pytest.mark.slow
def test_patterns_take_linear_time() -> None:
    """SMTP-155a: 64 KiB take at most six times as long as 16 KiB, and a second, in all that a pattern repeats."""
    found, _ = patterns()
    assert len(found) > 250
    assert slow_ones(found) == []


@pytest.mark.slow
def test_patterns_of_changed_modules_and_a_tenth_of_the_others_take_linear_time() -> None:
    """SMTP-155a."""
    names = modules_changed()
    found, _ = patterns()
    assert slow_ones(one for number, one in enumerate(found) if number % 10 == 0 or of_module(one, names)) == []


def of_module(found: Found, names: tuple[str, ...]) -> bool:
    """Whether a pattern is of one of these modules."""
    return any(found.name.startswith((f"{name}.", f"{name}:")) for name in names)


def test_patterns_that_are_made_as_the_program_runs_are_known() -> None:
    """SMTP-155a: a pattern that the test above cannot see has a reason to be linear."""
    _, made = patterns()
    assert set(made) == set(MADE)


@pytest.mark.landing("(?:x|x)*y", "a(?:[!-~]+(?:,[!-~]+)*)z")
@pytest.mark.slow
@pytest.mark.parametrize(
    "pattern",
    [
        r"(?:x|x)*y",
        r"name=(?P<value>.*?)[ \t]*",
        r"(?:[ \t]*\n){3,}",
        r"a(?:[!-~]+(?:,[!-~]+)*)z",
    ],
)
def test_patterns_that_backtrack_are_found(pattern: str) -> None:
    """SMTP-155a: the probes find the usual kinds."""
    one = Found("x", re.compile(pattern), ("fullmatch", "search"))
    assert any(slowness(one, way, probe) for way in one.ways for probe in probes(one.pattern))


def test_a_probe_has_the_size_that_is_asked_for() -> None:
    assert Probe("<", "ab", "!").text(10) == "<ababababab!"


def test_possessive_groups_are_refused(tmp_path: Path) -> None:
    """SMTP-155a: `script/check patterns`, a part of `script/test lint`, finds them, and finds none in the program."""
    script = top() / "script/checks/patterns.py"
    assert subprocess.run([sys.executable, script], check=False).returncode == 0
    for text, status in (
        (r'X = rb"(?:a|b)*+c"', 1),
        (r'X = r"(a){2,}+"', 1),
        ('X = r"[ab]*+c"', 0),
        ('X = "!$\'()*+"', 0),
    ):
        (tmp_path / "moxlite").mkdir(exist_ok=True)
        (tmp_path / "script/checks").mkdir(parents=True, exist_ok=True)
        (tmp_path / "script/checks/patterns.py").write_text(script.read_text())
        (tmp_path / "moxlite/one.py").write_text(text)
        command = [sys.executable, str(tmp_path / "script/checks/patterns.py")]
        done = subprocess.run(command, check=False, capture_output=True)
        assert done.returncode == status, text


def test_a_policy_of_tabs_is_read_at_once() -> None:
    """AUTH-71: 64 KiB of tabs behind a field's colon took 10.5 s."""
    found = parse_policy(
        b"version: STSv1\nmode:\t \tenforce \t\nmax_age: 86400\nmx: mx.example.org\nother:" + b"\t" * 30000
    )
    assert (found.mode, found.mx) == ("enforce", ("mx.example.org",))
    with pytest.raises(PolicyError, match="bad line"):
        parse_policy(b"version:" + b"\t" * 60000 + b"\nx")


def test_a_tlsrpt_record_of_commas_is_read_at_once() -> None:
    """AUTH-74: a value of commas, which fits in 2^n ways, then a character that does not fit."""
    with pytest.raises(RecordError, match="bad field"):
        parse_record("v=TLSRPTv1; rua=" + "," * 5000 + "=")
    found = parse_record("v=TLSRPTv1; x=a,,b; rua=mailto:a@example.org \t,\t https://example.org/r")
    assert found is not None
    assert found.rua == ("mailto:a@example.org", "https://example.org/r")


@pytest.mark.parametrize("piece", ["[a] ", "Re: ", "Fwd[1]: ", "[fwd:", "re[", "(fwd)", "[a]re:", "["])
def test_the_base_of_a_long_subject_is_found_at_once(piece: str) -> None:
    """STORE-78: thousands of blobs took 0.1 s, for each message of a thread and for each THREAD command."""
    began = time.thread_time()
    base_subject(piece * 4096)
    assert time.thread_time() - began < 0.03


def test_names_of_files_in_an_archive_are_found_at_once() -> None:
    """WEBMAIL-119a: ten thousand equal names, and a subject of a million characters."""
    began = time.thread_time()
    names = list(member_names(["a.PDF", "a.pdf", "a-1.pdf", *["x"] * 10_000]))
    assert names[:3] == ["a.PDF", "a-1.pdf", "a-1-1.pdf"]
    assert len({name.lower() for name in names}) == len(names)
    assert zip_name(7, 0, "\u00e4 b" * 300_000).startswith("email-7-attachments-19700101-a-ba-ba")
    assert time.thread_time() - began < 0.2


def test_quoting_runs_of_blank_lines() -> None:
    """WEBMAIL-92: three line ends and more with nothing between become one empty line."""
    assert _quoted("a\nb\n\nc\n \t\n\n\nd  \n\n\n\ne") == "> a\n> b\n>\n> c\n>\n> d\n>\n> e"
    _quoted("x\n" + "\t" * 150_000 + "y")
