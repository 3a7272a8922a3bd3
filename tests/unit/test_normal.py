"""Unicode normalisation of strangers' text in linear time."""

import ast
import time
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given, strategies as st

from moxlite.normal import Form, is_visible, normalized, visible
from moxlite.proto.cards.contentline import mail_address, plain
from moxlite.proto.mime.authors import plain_mailbox
from moxlite.proto.mime.text import fold
from moxlite.store.junk.score import tokens
from tests.tools import top

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


PERSIAN = "علی\u200cرضا"
FAMILY = "👩\u200d👩\u200d👧"


@pytest.mark.parametrize("text", [PERSIAN, FAMILY])
def test_joiners_stay_in_text_of_people(text: str) -> None:
    """SMTP-2f: they are parts of letters, and of emoji."""
    assert is_visible(text)
    assert visible(text) == plain(text, 100) == text
    assert mail_address(f"mailto:{text}@peer.test") == f"{text}@peer.test"
    mailbox = plain_mailbox(f"From: {text} <{PERSIAN}@peer.test>\r\n".encode())
    assert mailbox is not None
    assert mailbox.localpart == PERSIAN
    assert visible("a\u200b\u202eb\tc", "") == "abc"
    assert not is_visible(f"{text}\u200b")


JUDGES = {
    "config/checks/listeners:_basic_auth": "user names of HTTP, which programs type",
    "config/toml/decode:plain": "asks for controls besides",
    "config/values:read_backend": "path of a socket",
    "migration/linkstate:checked": "host name",
    "net/pop3client:list": "number of a message",
    "patterns/process:_note_refusal": "call in the log",
    "proto/dmarcreportwriting:_element": "names of hosts",
    "proto/mime/text:_shown": "blanks alone are changed",
    "proto/mime/words:_clean": "ASCII controls alone are changed",
    "proto/sshurl:parse_ssh_url": "path of a URL",
    "sandbox/processes:_count": "error in the log",
    "store/groupware/collection:is_element": "element of a URL, which programs make",
    "store/search/texts:_is_shown_as_it_is": "the name is then indexed as it is shown",
    "supervision:_line": "error in the log",
    "web/account/calls/copying:_order": "host name",
    "web/account/calls/devices:_notice": "name of a program",
    "web/factorcalls:_where": "name of a program",
}
"""Functions that ask `str.isprintable` about more than ASCII, and why joiners don't come there."""


def judges() -> Iterator[str]:
    """The functions of the program that ask `str.isprintable`, and not `str.isascii`."""
    for path in sorted(top().glob("moxlite/**/*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                methods = {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
                if "isprintable" in methods and "isascii" not in methods:
                    yield f"{path.relative_to(top() / 'moxlite').with_suffix('')}:{function.name}"


def test_text_of_people_is_not_judged_without_joiners() -> None:
    """SMTP-2f: Persian, scripts of India and emoji have them, so such text asks `is_visible` or `visible`."""
    found = set(judges()) - {"normal:is_visible", "normal:visible"}
    assert found == JUDGES.keys(), found ^ JUDGES.keys()
