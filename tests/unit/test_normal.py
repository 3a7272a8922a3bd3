"""Unicode normalisation of strangers' text in linear time."""

import time
import unicodedata

import pytest
from hypothesis import given, strategies as st

from moxlite.normal import Form, normalized
from moxlite.proto.mime.text import fold
from moxlite.store.junk.score import tokens

FORMS: list[Form] = ["NFC", "NFKC", "NFKD"]
LETTERS = st.sampled_from("aeo .,-é漢ガが㌀ｶ\uff9e\u1100\u1161\u0e33\u0301\u0323\u3099ﬁ①㈱Ⅳ\n’—👍\ufdfa")


@given(text=st.text(LETTERS, max_size=600), form=st.sampled_from(FORMS))
def test_text_of_people_is_in_the_form_of_the_standard(text: str, form: Form) -> None:
    """STORE-110: whatever its length and script."""
    assert normalized(form, text) == unicodedata.normalize(form, text)


@pytest.mark.parametrize("form", FORMS)
def test_syllables_of_hangul_are_joined_in_a_text_without_blanks(form: Form) -> None:
    """STORE-110: a vowel or final is a letter that joins the one before it, as macOS writes names."""
    for text in ("한국어" * 60, "각" * 200):
        apart = unicodedata.normalize("NFD", text)
        assert normalized(form, apart) == unicodedata.normalize(form, text)


MARKS = ("\u0300" * 30_000 + "\u0316" * 30_000, "\u0300\u0316" * 30_000, "\u0300\uff9e" * 30_000)


@pytest.mark.parametrize("marks", MARKS, ids=("in two runs", "in turn", "with letters that are marks"))
def test_marks_without_end_take_little_time(marks: str) -> None:
    """STORE-88, STORE-110: 30 s of Python's lock for each if all are put in order at once; of the processor, for the
    machine may be busy.
    """
    began = time.process_time()
    assert tokens(f"word {marks} other")
    assert fold(f"word {marks} other").startswith("word")
    assert time.process_time() - began < 5
