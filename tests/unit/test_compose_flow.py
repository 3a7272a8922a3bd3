"""Text as format=flowed, and back (RFC 3676)."""

import time

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.mime.compose import flow, unflow

LINES = st.lists(st.text(alphabet="ab >-F rom", max_size=200), max_size=8)


@given(LINES)
def test_flowed_text_comes_back_as_it_was(lines: list[str]) -> None:
    """WEBMAIL-88: but for blanks at ends of lines, which mean nothing, and those behind the marks of a quote."""
    text = "\n".join(lines)
    again = unflow(flow(text))
    assert again.replace(" ", "") == text.replace(" ", "")
    assert len(again.split("\n")) == len(text.split("\n"))


def test_paragraphs_and_quotes_are_joined_and_signatures_stay() -> None:
    text = "word " * 40 + "end\n\n> " + "quoted " * 30 + "end\n>> twice\n-- \nMia\n  indented\nFrom here"
    assert unflow(flow(text)) == text


def test_the_blank_at_the_end_of_a_line_may_be_no_part_of_the_text() -> None:
    """RFC 3676 §4.1: with DelSp=yes."""
    assert (
        unflow("\u65e5\u672c \r\n\u8a9e\r\n> a \r\n> b\r\n-- \r\nMia", delsp=True)
        == "\u65e5\u672c\u8a9e\n> ab\n-- \nMia"
    )


def test_a_line_that_only_looks_quoted_is_no_quote() -> None:
    """RFC 3676 §4.4: a space is put before it, which is kept where the line would be read as a quote else."""
    assert unflow(" >b is more\n From here\n> q") == " >b is more\nFrom here\n> q"


@pytest.mark.parametrize("line", ["\n", " \n", "> a \n", "word word \n"])
def test_text_is_joined_in_linear_time(line: str) -> None:
    """WEBMAIL-48: 2 MiB of one paragraph takes 8 times the time of 256 KiB, not 64 times."""

    def seconds(size: int) -> float:
        text = line * (size // len(line))
        begun = time.process_time()
        unflow(text)
        return time.process_time() - begun

    assert min(seconds(2 << 20) for _ in range(2)) < 24 * max(0.002, min(seconds(1 << 18) for _ in range(3)))


@pytest.mark.parametrize("line", [" ", "a ", "word "])
def test_text_is_wrapped_in_linear_time(line: str) -> None:
    """WEBMAIL-88: 256 KiB of blanks takes 8 times the time of 32 KiB, not 64 times."""

    def seconds(size: int) -> float:
        text = f"{line * (size // len(line))}x"
        begun = time.process_time()
        flow(text)
        return time.process_time() - begun

    assert min(seconds(1 << 18) for _ in range(2)) < 24 * max(0.002, min(seconds(1 << 15) for _ in range(3)))
