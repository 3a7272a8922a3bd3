"""Names in a Maildir (moxlite/proto/maildir.py)."""

import mailbox as stdlib
from pathlib import Path

from hypothesis import given, strategies as st

from moxlite.proto.maildir import FileName, folder_of, format_keywords, format_name, parse_keywords, parse_name


def test_flags_and_time_of_a_name() -> None:
    """STORE-125"""
    assert parse_name("1790848800.M1P2.host,S=5,W=6:2,PRSTDFacb") == FileName(
        1_790_848_800, (r"\Draft", r"\Flagged", "$Forwarded", r"\Answered", r"\Seen", r"\Deleted"), "abc"
    )
    assert parse_name("1790848800.1.host") == FileName(1_790_848_800, (), "")
    assert parse_name("message.eml") == FileName(None, (), "")
    assert parse_name("123456789012.x:2,S").received is None
    assert parse_name("1.x;2,S").words == (r"\Seen",)


def test_keywords_of_dovecot() -> None:
    """STORE-125"""
    text = b"0 $Forwarded\n1 NonJunk\n25 work\n26 too\nx y\n\n3 \xff\n"
    assert parse_keywords(text) == {"a": "$Forwarded", "b": "$NotJunk", "z": "work", "d": "\ufffd"}
    assert parse_keywords(format_keywords({"work": "c", "$Junk": "a"})) == {"a": "$Junk", "c": "work"}


def test_folders_of_maildir_plus_plus() -> None:
    """STORE-194"""
    assert folder_of(".Lists.python") == ["Lists", "python"]
    assert folder_of("Lists") is None
    assert folder_of(".") is None
    assert folder_of("..") is None
    assert folder_of(".a..b") is None


WORDS = [r"\Seen", r"\Answered", r"\Flagged", r"\Deleted", r"\Draft", "$Forwarded"]


@given(st.sets(st.sampled_from([*WORDS, "one", "two", "three"])))
def test_a_name_carries_flags_and_keywords(words: set[str]) -> None:
    """STORE-125, STORE-137"""
    letters = {"one": "a", "two": "z"}
    name = parse_name(format_name("1790848800.7.moxlite", words, letters))
    assert set(name.words) == words & set(WORDS)
    assert set(name.letters) == {letters[word] for word in words & letters.keys()}
    assert name.received == 1_790_848_800


@given(st.text(max_size=60))
def test_any_name_has_a_meaning(name: str) -> None:
    """STORE-125"""
    parse_name(name)
    folder_of(name)
    parse_keywords(name.encode("utf-8", "replace"))


def test_python_reads_the_names(tmp_path: Path) -> None:
    """STORE-137"""
    box = stdlib.Maildir(tmp_path / "m")
    name = format_name("1790848800.7.moxlite", (r"\Seen", r"\Draft"), {})
    (tmp_path / "m/cur" / name).write_bytes(b"A: b\n\nx\n")
    [message] = list(box)
    assert message.get_flags() == "DS"
