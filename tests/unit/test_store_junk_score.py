"""What words say of a message (moxlite/store/junk/score.py)."""

import math

import pytest
from hypothesis import given, strategies as st

from moxlite.store.junk.classify import play
from moxlite.store.junk.score import Learned, judge, lacks_of, word_probability
from moxlite.store.junkflags import Grams, JunkParams
from tests.store_mail import mail

PARAMS = JunkParams()


@pytest.mark.parametrize(
    ("ham", "spam", "hams", "spams", "expected"),
    [
        (0, 0, 100, 100, None),
        (10, 30, 100, 100, 0.75),
        (10, 30, 50, 150, None),  # 0.5: it is spam that there is more of
        (10, 30, 100, 0, 0.01),  # a side without messages says nothing for it
        (0, 30, 0, 100, 0.99),
        (0, 3, 100, 100, 0.99),
        (0, 2, 100, 100, 0.99 - 0.049),
        (0, 1, 100, 100, 0.99 - 2 * 0.049),
        (1, 1, 100, 100, None),
        (41, 59, 100, 100, None),  # within ignore_words of 0.5
        (39, 61, 100, 100, 0.61),
    ],
)
def test_a_word_speaks_by_its_shares(ham: int, spam: int, hams: int, spams: int, expected: float | None) -> None:
    """STORE-89."""
    found = word_probability(ham, spam, hams, spams, PARAMS)
    assert found == (None if expected is None else pytest.approx(expected))


def test_the_strongest_words_of_both_sides_decide() -> None:
    """STORE-89: ties go to the longer word; the probability is that of Bayes."""
    params = JunkParams(top_words=2, max_power=0.05)
    counted = [("aaa", 0, 50), ("bbbbb", 0, 50), ("cccc", 0, 50), ("dddd", 10, 30), ("eeee", 30, 10), ("ffff", 49, 51)]
    found = judge(counted, Learned(100, 100), params)
    assert [one.word for one in found.words] == ["eeee", "bbbbb", "cccc"]
    ps = [0.25, 0.95, 0.95]
    eta = sum(math.log(1 - p) - math.log(p) for p in ps)
    assert found.probability == pytest.approx(1 / (1 + math.exp(eta)))
    assert (found.words[1].ham, found.words[1].spam, found.words[1].probability) == (0, 50, 0.95)


ENOUGH = Learned(50, 50, 10, 10)
GOOD = [(f"good{n}", 20, 0) for n in range(20)]
BAD = [(f"bad{n}", 0, 20) for n in range(20)]


@pytest.mark.parametrize(
    ("learned", "lacks"),
    [
        (ENOUGH, []),
        (Learned(500, 50, 10, 10), []),
        (Learned(), ["0 of 50 good messages", "0 of 50 junk messages"]),
        (Learned(49, 50, 10, 10), ["49 of 50 good messages"]),
        (Learned(500, 49, 10, 9), ["49 of 50 junk messages"]),
        (Learned(50, 51, 10, 10), ["50 of 51 good messages"]),
        (Learned(60, 60, 1, 9), ["1 of 10 senders of good mail", "9 of 10 senders of junk"]),
    ],
)
def test_both_classes_of_many_senders_make_it_significant(learned: Learned, lacks: list[str]) -> None:
    """STORE-89: and no more junk than good mail, without which a word that good mail hasn't had yet speaks for junk."""
    found = judge(BAD, learned, PARAMS)
    assert [str(lack) for lack in lacks_of(learned)] == lacks
    assert found.lacks[: len(lacks)] == lacks_of(learned)
    assert found.significant is not bool(lacks)


@pytest.mark.parametrize(("words", "lacks"), [(4, ["4 of 5 telling words"]), (5, [])])
def test_a_message_needs_words_that_tell(words: int, lacks: list[str]) -> None:
    """STORE-89: those that both classes have alike tell nothing."""
    found = judge([*BAD[:words], ("common", 30, 30)], ENOUGH, PARAMS)
    assert [str(lack) for lack in found.lacks] == lacks
    assert found.probability > 0.99


@pytest.mark.parametrize(
    ("good", "bad", "probability", "lacks"), [(10, 10, 0.5, 1), (12, 12, 0.5, 1), (13, 12, 0.01, 0), (12, 13, 0.99, 0)]
)
def test_if_the_strongest_words_cancel_the_others_decide(good: int, bad: int, probability: float, lacks: int) -> None:
    """STORE-89: without others, exactly 0.5, which is no judgement."""
    found = judge(GOOD[:good] + BAD[:bad], ENOUGH, PARAMS)
    assert found.probability == (0.5 if lacks else pytest.approx(probability))
    assert len(found.lacks) == lacks
    assert len(found.words) == good + bad


def test_without_known_words_it_is_undecided() -> None:
    """STORE-89."""
    found = judge([], Learned(), PARAMS)
    assert (found.probability, found.significant, found.words) == (0.5, False, ())


@given(
    st.lists(st.tuples(st.text(max_size=5), st.integers(0, 10**6), st.integers(0, 10**6)), max_size=60),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.floats(0, 0.499),
    st.integers(0, 2000),
    st.floats(0, 0.499),
    st.integers(0, 20),
)
def test_any_counts_give_a_probability(
    counted: list[tuple[str, int, int]], hams: int, spams: int, power: float, top: int, ignore: float, rare: int
) -> None:
    """STORE-89: all settings that the configuration allows; also counts that pruning made inconsistent."""
    params = JunkParams(max_power=power, top_words=top, ignore_words=ignore, rare_words=rare)
    found = judge(counted, Learned(hams, spams), params)
    assert 0 <= found.probability <= 1
    assert len(found.words) <= len(counted)


def test_playing_judges_only_what_was_not_learnt() -> None:
    """STORE-193: the same split each time."""
    hams = [mail(n, subject="lunch tomorrow", body="see you at noon") for n in range(40)]
    spams = [mail(n, subject="cheap watches", body="gold prices fall") for n in range(20)]
    found = play(hams, spams, JunkParams(grams=Grams()), train=0.75)
    assert (found.learned, found.hams, found.spams) == (Learned(30, 15, 1, 1), 10, 5)
    assert [str(lack) for lack in found.lacks] == ["30 of 50 good messages", "15 of 50 junk messages"]
    assert (found.kept, found.caught, found.ham_share, found.spam_share) == (10, 5, 1.0, 1.0)
    assert play(hams, spams, JunkParams(grams=Grams()), train=0.75) == found
