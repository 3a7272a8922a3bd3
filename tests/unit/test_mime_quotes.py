"""The head of a quoted message in plain text, and what of the text below it the answered message had (WEBMAIL-165)."""

import time

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.mime.quotes import is_all_quoted, letters, quoted_from

MESSAGE = ["From: Ada <ada@example.org>", "Sent: Monday", "To: Bo", "Subject: Offer", "", "quoted", "> older"]
NAMES = [
    *("Original Message", "Ursprüngliche Nachricht", "Oorspronkelijk bericht", "Messaggio originale"),
    *("رسالة أصلية", "הודעה מקורית", "Вихідне повідомлення", "元のメッセージ", "原始邮件"),
]
SENT = "Hi Bo,\n\nShall we meet at noon, in the *garden*?\nThe price is 4,500 €.\n\n-- \nAda\n"
QUOTED = ["Hi Bo,", "", "Shall we meet at noon,", "in the garden?", "> The price is 4,500 €.", "-- ", "Ada"]


@pytest.mark.parametrize("line", [*(f"-----{name}-----" for name in NAMES), "_" * 32, "  ---- Original message ----"])
def test_the_head_of_a_quoted_message_is_found(line: str) -> None:
    """WEBMAIL-165: in the languages of mail programs."""
    assert quoted_from(["ANSWER", "", line, *MESSAGE]) == 2
    assert quoted_from([line, *MESSAGE]) == 0
    assert quoted_from(["ANSWER", "", *MESSAGE]) == 2  # of Outlook on the desk


@pytest.mark.parametrize(
    "lines",
    [
        ["---- original recipe ----", "Take eggs", "mine"],
        ["_" * 32, "From: us", "all"],
        ["----------", "From: a", "To: b", "Subject: c"],
        ["-----Original Message-----"],
        ["From: Berlin", "To: Paris", "Subject: your trip"],
        ["From: ada@example.org", "Subject: the offer"],
    ],
)
def test_other_lines_begin_no_quote(lines: list[str]) -> None:
    """WEBMAIL-165: a line without a head below it."""
    assert quoted_from(lines) is None


def test_what_the_answered_message_had_is_quoted() -> None:
    """WEBMAIL-165: however a program breaks and marks its lines; a sentence in between is the sender's."""
    head = ["-----Original Message-----", *MESSAGE[:4], ""]
    answered = letters(SENT)
    assert is_all_quoted([*head, *QUOTED], answered)
    for at in range(len(head), len(head) + len(QUOTED) + 1):
        lines = [*head, *QUOTED]
        lines.insert(at, "At one is better.")
        assert not is_all_quoted(lines, answered), at
    assert not is_all_quoted([*head, "Note: at one is better.", *QUOTED], answered)


@given(st.lists(st.text(max_size=20), max_size=20), st.lists(st.integers(1, 30)))
def test_lines_may_be_broken_anywhere(lines: list[str], widths: list[int]) -> None:
    """WEBMAIL-165: whatever the text, its own lines are found in it."""
    text = " ".join(lines).replace(":", " ").replace("：", " ")
    broken: list[str] = []
    for width in widths:
        broken.append(text[:width])
        text = text[width:]
    whole = "\n".join([*broken, text])
    assert is_all_quoted([*broken, text], "".join(letters(piece) for piece in [*broken, text])), whole


def test_the_time_is_linear() -> None:
    """WEBMAIL-165: texts that were made to be expensive."""
    begun = time.process_time()
    for lines in (
        ["_" * 32] * 30_000,
        ["-" * 500_000],
        ["From: a@b"] * 30_000,
        ["-----Original" * 9000] * 4,
        [" " * 200_000 + "-"] * 4,
    ):
        assert quoted_from(lines) is None
    assert not is_all_quoted(["a"] * 100_000 + ["b"], "a" * 100_000)
    assert time.process_time() - begun < 5
