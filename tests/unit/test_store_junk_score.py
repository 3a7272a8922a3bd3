"""What words say of a message (moxlite/store/junk/score.py)."""

import math

import pytest
from hypothesis import given, strategies as st

from moxlite.store.junk.classify import play
from moxlite.store.junk.score import Bounds, Learned, Own, Spread, bounds_of, judge, word_probability
from moxlite.store.junkflags import Grams, JunkParams
from tests.store_mail import mail

PARAMS = JunkParams()


@pytest.mark.parametrize(
    ("ham", "spam", "hams", "spams", "expected"),
    [
        (0, 0, 100, 100, None),
        (0, 0, 0, 0, None),
        (10, 30, 100, 100, 30.1 / 40.2),
        (10, 30, 50, 150, None),  # 0.5: it is spam that there is more of
        (0, 30, 100, 100, 0.99),
        (0, 3, 100, 100, 3.1 / 3.2),
        (0, 3, 50, 500, (3.1 / (500 + 55 / 3)) / (3.1 / (500 + 55 / 3) + 0.1 / (50 + 55 / 3))),
        (0, 2, 100, 100, 2.1 / 2.2 - (2.1 / 2.2 - 0.5) / 10),
        (0, 1, 100, 100, 1.1 / 1.2 - 2 * (1.1 / 1.2 - 0.5) / 10),
        (1, 1, 100, 100, None),
        (41, 59, 100, 100, None),  # within ignore_words of 0.5
        (39, 61, 100, 100, 61.1 / 100.2),
    ],
)
def test_a_word_speaks_by_its_shares(ham: int, spam: int, hams: int, spams: int, expected: float | None) -> None:
    """STORE-89: moved towards its share in all mail, since a word that was in no message can be in the next one."""
    found = word_probability(ham, spam, hams, spams, PARAMS)
    assert found == (None if expected is None else pytest.approx(expected))


def test_much_more_junk_than_good_mail_makes_a_rare_word_say_less() -> None:
    """STORE-89: 50 good messages don't prove that good mail never has the word."""
    balanced, more = (word_probability(0, 3, 50, spams, PARAMS) for spams in (50, 500))
    assert balanced is not None
    assert more is not None
    assert more < 0.9 < 0.95 < balanced


def odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def test_the_average_of_the_words_decides() -> None:
    """STORE-89: with five neutral words; an explanation has the strongest of both sides, ties by the longer word."""
    params = JunkParams(top_words=2, max_power=0.05, rare_words=0)
    counted = [("aaa", 0, 50), ("bbbbb", 0, 50), ("cccc", 0, 50), ("dddd", 10, 30), ("eeee", 30, 10), ("ffff", 49, 51)]
    found = judge(counted, Learned(100, 100), params)
    assert [word.word for word in found.words] == ["eeee", "bbbbb", "cccc"]
    assert found.used == 5
    weights = [60 / (60 + place) for place in range(5)]
    said = [odds(0.95), odds(0.95), odds(0.95), odds(30.1 / 40.2), odds(10.1 / 40.2)]
    total = sum(weight * word for weight, word in zip(weights, said, strict=True))
    assert odds(found.probability) == pytest.approx(3 * total / (sum(weights) + 5))
    assert (found.words[1].ham, found.words[1].spam, found.words[1].probability) == (0, 50, 0.95)


ENOUGH = Learned(50, 50, 10, 10)
GOOD = [(f"good{n}", 20, 0) for n in range(200)]
BAD = [(f"bad{n}", 0, 20) for n in range(200)]


def test_the_length_of_a_message_changes_little() -> None:
    """STORE-89: in a product, each word that says a little too much would count."""
    short, long = (judge([*BAD[:3], *GOOD[:2]] * n, ENOUGH, PARAMS).probability for n in (20, 60))
    assert 0.6 < short < long < 0.95


def test_a_word_says_less_the_later_it_comes() -> None:
    """STORE-89: after 60 words of the text, half as much as the first one, as does each word of the header."""
    first, later, header = (
        odds(judge([*rest, (word, 0, 20)], ENOUGH, PARAMS).probability)
        for word, rest in (("bad", []), ("bad", [("new", 0, 0)] * 60), ("Subject:bad", []))
    )
    assert first / 1 * 6 == pytest.approx(later / 0.5 * 5.5) == pytest.approx(header / 0.5 * 5.5)


def test_words_at_the_end_hide_no_junk() -> None:
    """STORE-89: the header, the links and the first 60 words are judged by themselves, too."""
    junk = [("Subject:cheap", 0, 20), ("url:win.example", 0, 20), *BAD[:60]]
    found = judge([*junk, *GOOD], ENOUGH, PARAMS, OWN)
    assert found.probability < 0.63
    assert found.opening > 0.99
    assert found.is_above
    assert found.probability < found.bounds.junk


@pytest.mark.parametrize(
    ("learned", "lacks", "to_file"),
    [
        (ENOUGH, [], []),
        (Learned(500, 50, 10, 10), [], []),
        (Learned(50, 500, 10, 10), [], []),
        (
            Learned(1, 1, 1, 1),
            ["1 of 50 good messages", "1 of 50 junk messages"],
            ["1 of 50 good messages", "1 of 20 junk messages"],
        ),
        (Learned(49, 50, 10, 10), ["49 of 50 good messages"], ["49 of 50 good messages"]),
        (Learned(500, 20, 10, 10), ["20 of 50 junk messages"], []),
        (Learned(500, 19, 10, 9), ["19 of 50 junk messages"], ["19 of 20 junk messages"]),
        (
            Learned(60, 60, 1, 9),
            ["1 of 10 senders of good mail", "9 of 10 senders of junk"],
            ["1 of 10 senders of good mail", "9 of 10 senders of junk"],
        ),
    ],
)
def test_both_classes_of_many_senders_make_it_significant(
    learned: Learned, lacks: list[str], to_file: list[str]
) -> None:
    """STORE-89: to refuse mail, and to file it into Junk."""
    for file_unsure, expected in ((False, lacks), (True, to_file)):
        found = judge(BAD, learned, JunkParams(file_unsure=file_unsure))
        assert [str(lack) for lack in found.lacks] == expected
        assert found.significant is not bool(expected)
        assert found.refusable is not bool(lacks)


@pytest.mark.parametrize(("words", "lacks"), [(4, ["4 of 5 telling words"]), (5, [])])
def test_a_message_needs_words_that_tell(words: int, lacks: list[str]) -> None:
    """STORE-89: those that both classes have alike tell nothing."""
    found = judge([*BAD[:words], ("common", 30, 30)], ENOUGH, PARAMS)
    assert [str(lack) for lack in found.lacks] == lacks
    assert found.probability > 0.99


@pytest.mark.parametrize(("good", "bad", "lacks"), [(10, 10, 1), (13, 12, 0), (12, 13, 0)])
def test_words_that_cancel_are_no_judgement(good: int, bad: int, lacks: int) -> None:
    """STORE-89: exactly 0.5."""
    words = [(f"Subject:{word}", ham, spam) for word, ham, spam in GOOD[:good] + BAD[:bad]]
    found = judge(words, ENOUGH, PARAMS)
    assert (found.probability == pytest.approx(0.5)) is bool(lacks)
    assert len(found.lacks) == lacks


def test_without_known_words_it_is_undecided() -> None:
    """STORE-89."""
    found = judge([], Learned(), PARAMS)
    assert (found.probability, found.significant, found.words) == (0.5, False, ())


OWN = Own(50, 50, Spread(-1.0, 0.3, 0.1, 1.0), Spread(-1.0, 0.3, 0.1, 1.0))


@pytest.mark.parametrize(
    ("mean", "deviation", "top", "spam", "junk", "strict", "certain"),
    [
        (-2.0, 0.3, -1.0, 0.5, 0.63, 0.6, 0.99),  # good mail that is easy to tell
        (-0.5, 0.5, 0.6, 0.5, 0.8176, 0.8176, 0.99),  # good mail of many kinds: its deviation
        (-0.5, 0.3, 0.6, 1.0, 0.8389, 0.8264, 0.99),  # between good mail and junk
        (-0.5, 0.3, 1.8, 1.0, 0.8389, 0.8264, 0.9955),  # one good message that looks like junk
        (-0.5, 0.5, 0.6, -0.5, 0.8176, 0.8176, 0.99),  # no junk to measure
        (0.5, 0.5, 2.0, 1.0, 0.95, 0.95, 0.9975),  # much of it looks like junk: the account's threshold
    ],
)
def test_an_account_has_bounds_of_its_own(
    mean: float, deviation: float, top: float, spam: float, junk: float, strict: float, certain: float
) -> None:
    """STORE-89b: by its good mail and junk, at most its threshold; nothing is certain that its good mail reaches."""
    spread = Spread(mean, deviation, top, spam)
    bounds = bounds_of(Own(50, 50, spread, spread), PARAMS)
    assert (bounds.junk, bounds.strict, bounds.certain) == pytest.approx((junk, strict, certain), abs=1e-4)


def test_without_good_mail_the_threshold_is_the_bound() -> None:
    """STORE-89."""
    assert bounds_of(None, JunkParams(threshold=0.9)) == Bounds(0.9, 0.9, 1.0, 0.99)


@pytest.mark.parametrize(("hams", "spams", "current"), [(110, 90, True), (111, 100, False), (100, 89, False)])
def test_bounds_are_measured_again_after_a_tenth(hams: int, spams: int, current: bool) -> None:
    """STORE-89."""
    assert Own(100, 100, OWN.whole, OWN.opening).is_current(hams, spams) is current


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
