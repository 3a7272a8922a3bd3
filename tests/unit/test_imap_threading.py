"""The THREAD algorithms (RFC 5256 §3)."""

import re

from hypothesis import given
from hypothesis import strategies as st

from moxlite.proto.imap.threading import MAX_DEPTH, References, Subjects, Threadable
from tests.unit.threads_by_nodes import Numbered
from tests.unit.threads_by_nodes import by_references as by_nodes

Message = tuple[int, Threadable]


def message(
    number: int, *references: str, id_: str | None = "", subject: str = "", response: bool = False, date: int = 0
) -> Message:
    """Message `number` with id ``m<number>``."""
    return number, Threadable(f"m{number}" if id_ == "" else id_, references, subject, response, date or number)


def threaded(threads: Subjects, messages: list[Message], first: int = 0) -> str:
    """Threads of messages, which are added in two parts."""
    for part in (messages[:first], messages[first:]):
        threads.add([one for _, one in part])
    return threads.octets([number for number, _ in messages]).decode()


def by_references(messages: list[Message], first: int = 0) -> str:
    """THREAD=REFERENCES."""
    return threaded(References(), messages, first)


def by_subject(messages: list[Message], first: int = 0) -> str:
    """THREAD=ORDEREDSUBJECT."""
    return threaded(Subjects(), messages, first)


def test_children_hang_below_what_they_answer_by_date() -> None:
    """IMAP-127"""
    assert (
        by_references([message(1), message(2, "m1", date=9), message(3, "m1", date=8), message(4, "m1", "m3")])
        == "(1 (3 4)(2))"
    )


def test_a_missing_parent_holds_its_children_together() -> None:
    """IMAP-127"""
    assert by_references([message(1, "x"), message(2, "x")]) == "((1)(2))"
    assert by_references([message(1, "x")]) == "(1)"
    assert by_references([message(1), message(2, "m1", "x"), message(3, "m1", "x")]) == "(1 (2)(3))"


def test_a_child_may_come_before_its_parent() -> None:
    """IMAP-127"""
    assert by_references([message(1, "m2", date=5), message(2, date=1)]) == "(2 1)"


def test_what_a_message_says_of_itself_wins_over_what_others_say() -> None:
    """IMAP-127"""
    assert by_references([message(1, "a", "m2"), message(2, "b"), message(3, "b")]) == "((2 1)(3))"


def test_loops_are_not_closed() -> None:
    """IMAP-127"""
    assert by_references([message(1, "m2"), message(2, "m1")]) == "(2 1)"
    assert by_references([message(1, "m1")]) == "(1)"


def test_equal_ids_are_two_messages() -> None:
    """IMAP-127"""
    assert by_references([message(1, id_="x"), message(2, id_="x"), message(3, "x")]) == "(1 3)(2)"
    assert by_references([message(1, id_=None), message(2, id_=None)]) == "(1)(2)"


def test_roots_of_one_subject_become_one_thread() -> None:
    """IMAP-127"""
    assert by_references([message(1, subject="a"), message(2, subject="a", response=True)]) == "(1 2)"
    assert by_references([message(1, subject="a"), message(2, subject="a")]) == "((1)(2))"
    assert by_references([message(n, subject="a") for n in (1, 2, 3)]) == "((1)(2)(3))"
    assert (
        by_references([message(1, subject="a", response=True), message(2, subject="a"), message(3, subject="b")])
        == "(2 1)(3)"
    )
    assert by_references([message(1), message(2)]) == "(1)(2)"
    dummies = [message(n, "x" if n < 3 else "y", subject="a") for n in (1, 2, 3, 4)]
    assert by_references(dummies) == "((1)(2)(3)(4))"
    below = [message(1, "x", subject="a"), message(2, "x", subject="a"), message(3, subject="a")]
    assert by_references(below) == "((1)(2)(3))"


def test_ordered_subject_gathers_by_subject_and_sorts_by_date() -> None:
    """IMAP-127"""
    messages = [message(1, subject="b", date=5), message(2, subject="a", date=3), message(3, subject="b", date=4)]
    assert by_subject(messages) == "(2)(3 1)"
    assert by_subject([*messages, message(4, subject="b", date=1)]) == "(4 (3)(1))(2)"


def test_a_thread_deeper_than_the_stack_is_split() -> None:
    """IMAP-127, IMAP-152"""
    chain = [message(1), *[message(n, f"m{n - 1}") for n in range(2, 5000)]]
    threads = by_references(chain)
    assert numbers(threads) == list(range(1, 5000))
    assert threads.count("(") > 5000 // MAX_DEPTH - 1


def numbers(threads: str) -> list[int]:
    """All numbers in threads, ascending."""
    return sorted(map(int, re.findall("[0-9]+", threads)))


ids = st.sampled_from(["m1", "m2", "m3", "m4", "m5", "x", "y", "z"])
details = st.tuples(
    st.one_of(st.none(), ids),
    st.lists(ids, max_size=4, unique=True),
    st.sampled_from(["", "a", "b"]),
    st.booleans(),
    st.integers(0, 3),
)


@given(st.lists(details, max_size=12), st.integers(0, 12))
def test_every_message_stands_in_one_thread_once(
    found: list[tuple[str | None, list[str], str, bool, int]], first: int
) -> None:
    """IMAP-127: whether messages come at once or later; and just as the RFC puts them together step by step."""
    messages = [(n, Threadable(*detail)) for n, detail in enumerate(found, 1)]
    for algorithm in (by_references, by_subject):
        threads = algorithm(messages, first)
        assert numbers(threads) == list(range(1, len(messages) + 1))
        assert threads == algorithm(messages)
    assert by_references(messages) == by_nodes([Numbered(n, *detail) for n, detail in enumerate(found, 1)])
