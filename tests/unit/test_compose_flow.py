"""Text as format=flowed, and back (RFC 3676)."""

from hypothesis import given
from hypothesis import strategies as st

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
