"""Message-ids, references and base subjects."""

import time
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.mime.messageid import (
    FORWARD_MARKS,
    REPLY_MARKS,
    base_subject,
    canonical_message_id,
    conversation_subject,
    references,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<A@B.org>", "a@b.org"),
        (" <a@b> (added by x)", "a@b"),
        ("<a@b>junk", None),
        ("a@b", None),
        ("x <a@b>", None),
        ("<a@b", None),
        ("<>", None),
        ("", None),
        ('<"joe"@b>', "joe@b"),
        ('<"jo e"@b>', '"jo e"@b'),
        ('<"jo\\e"@b>', "joe@b"),
        ("<no-address>", "no-address"),
        ("<a@b@c>", "a@b@c"),
        ("<Ü@b>", "ü@b"),
    ],
)
def test_message_ids_have_one_form(text: str, expected: str | None) -> None:
    """STORE-76"""
    assert canonical_message_id(text) == expected
    assert canonical_message_id(text.encode()) == expected


def test_all_references_fields_count() -> None:
    """STORE-77"""
    assert references([b"<A@x>\t<b@x>", "<c@x>"], b"<d@x>") == ["a@x", "b@x", "c@x"]


def test_blanks_inside_are_dropped_and_truncated_ids_skipped() -> None:
    """STORE-77"""
    assert references([b"<a\t b@x> <trunc <c@x> junk d@x <e@x"]) == ["ab@x", "c@x"]


def test_only_without_references_the_first_id_of_in_reply_to_counts() -> None:
    """STORE-77"""
    assert references([], b"Your mail <a@x> and <b@x>") == ["a@x"]
    assert references([b"none"], b"<a@x>") == ["a@x"]
    assert references([], b"none") == []
    assert references([]) == []


def test_the_last_two_hundred_references_count() -> None:
    """STORE-153"""
    found = references([b"".join(b"<%d@x> " % n for n in range(100_000))])
    assert (len(found), found[0], found[-1]) == (200, "99800@x", "99999@x")


@pytest.mark.parametrize(
    ("subject", "base", "response"),
    [
        ("Hello", "hello", False),
        ("  Two   words\t", "two words", False),
        ("Re: Hello", "hello", True),
        ("RE : hello", "hello", True),
        ("Re[2]: hello", "hello", True),
        ("fw: FWD: re: hello", "hello", True),
        ("hello (fwd) (FWD) ", "hello", True),
        ("[list] hello", "hello", False),
        ("[list] Re: [x] hello", "hello", True),
        ("[a][b] hello", "hello", False),
        ("[list]", "[list]", False),
        ("Re: [list]", "[list]", True),
        ("[Fwd: hello]", "hello", True),
        ("[fwd: re: hello (fwd)]", "hello", True),
        ("Re:", "", True),
        ("(fwd)", "", True),
        ("", "", False),
        ("a\0b", "", False),
        ("reply: hello", "reply: hello", False),
        ("re hello", "re hello", False),
    ],
)
def test_base_subjects(subject: str, base: str, response: bool) -> None:
    """STORE-78"""
    assert base_subject(subject) == (base, response)


@given(st.text(alphabet="re:fwd[]( )a\t", max_size=40))
def test_a_base_subject_is_its_own(subject: str) -> None:
    """STORE-78"""
    base, _ = base_subject(subject)
    assert base_subject(base)[0] == base


@pytest.mark.parametrize("mark", [*REPLY_MARKS, *FORWARD_MARKS])
@pytest.mark.parametrize(
    "form", ["{}: Tea", "{}： Tea", "[list] {} : Tea", "{}[2]: Tea", "Re: {}(3): [x] Tea", "{0}: {0}: Tea"]
)
def test_each_mark_of_each_language_is_left_out(mark: str, form: str) -> None:
    """STORE-78a: also of a base subject that is stored."""
    for spelling in (mark, mark.upper(), mark.capitalize()):
        subject = form.format(spelling)
        assert conversation_subject(subject) == ("tea", True)
        assert conversation_subject(base_subject(subject)[0])[0] == "tea"
    assert conversation_subject(f"{mark} Tea") == (f"{mark} tea", False)
    assert conversation_subject(f"x{mark}: Tea") == (f"x{mark}: tea", False)


def test_the_webmail_without_a_connection_has_the_same_marks() -> None:
    """STORE-78a, WEBMAIL-92"""
    text = Path("frontend/webmail/offline/answers.ts").read_text()
    for name, words in (("answered", REPLY_MARKS), ("forwarded", FORWARD_MARKS)):
        assert f"const {name} = /^(?:(?:{'|'.join(words)})" in " ".join(text.split())


@pytest.mark.parametrize("piece", ["[a]", "re:", "aw:", "aw:re:", "[fwd:", "(fwd)", "[", "re ", "[a] re"])
def test_long_subjects_cost_little(piece: str) -> None:
    """STORE-153. Processor time of this process: the bound is a hundred times what it takes."""
    before = time.process_time()
    base_subject(piece * 200_000)
    conversation_subject(piece * 200_000)
    assert time.process_time() - before < 5
