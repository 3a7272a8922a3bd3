"""The THREAD algorithms (RFC 5256 §3)."""

import re
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.imap.threading import MAX_DEPTH, References, Subjects, Threadable
from tests.unit.threads_by_nodes import Numbered, by_references as by_nodes

Message = tuple[int, Threadable]


def message(
    number: int, *references: str, id_: str | None = "", subject: str = "", response: bool = False, date: int = 0
) -> Message:
    """Message `number` with id ``m<number>``."""
    return number, Threadable(f"m{number}" if id_ == "" else id_, references, subject, response, date or number)


def threaded(threads: Subjects, messages: list[Message], *parts: int) -> str:
    """Threads of messages. They are added in parts, which end before these positions, and written after each one."""
    start, line = 0, b""
    for stop in (*sorted(parts), len(messages)):
        threads.add([one for _, one in messages[start:stop]])
        line = threads.octets([number for number, _ in messages[:stop]], go_on=start > 0)
        start = stop
    return line.decode()


def by_references(messages: list[Message], *parts: int) -> str:
    """THREAD=REFERENCES."""
    return threaded(References(), messages, *parts)


def by_subject(messages: list[Message], *parts: int) -> str:
    """THREAD=ORDEREDSUBJECT."""
    return threaded(Subjects(), messages, *parts)


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


def test_of_many_threads_those_are_written_again_which_a_message_belongs_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-127: whatever comes: an answer, one that joins two threads, one that was missing, a new thread, one of the
    same subject; and not much else is looked at.
    """
    looked_at: list[int] = []

    def spy(self: References, order: Sequence[int], numbers: Sequence[int]) -> tuple[list[int], Iterable[str]]:
        looked_at.append(len(order))
        return _threads(self, order, numbers)

    _threads = References._threads
    monkeypatch.setattr(References, "_threads", spy)
    old = [message(n, *[f"m{n - 1}"] * (n % 5 > 0), subject=f"s{n // 5}") for n in range(100, 200)]
    old += [message(200, "gone", subject="x", date=50), message(201, "gone", subject="x"), message(202, subject="y")]
    new = [
        message(203, "m104"),
        message(204, "m104", date=3),
        message(205, "m109", "m110"),
        message(206, id_="gone", subject="x", date=60),
        message(207),
        message(208, date=1),
        message(209, subject="y"),
        message(210, "m207"),
    ]
    everything = [*old, message(1000), *new]
    assert by_references(everything) == by_references(everything, len(old), *range(len(old) + 1, len(everything)))
    assert looked_at[:3] == [len(everything), len(old), len(old) + 1]
    assert max(looked_at[3:]) < 15


def test_an_answer_is_put_into_the_line_where_it_belongs(monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-127: below a message without an answer, with one, with several; in the order of their dates."""
    old = [message(n, *["m10"] * (n > 10)) for n in (10, 20, 30, 40)]
    old += [message(50, "m20"), message(60, "m50", subject="x")]
    for new, line in (
        (message(70, "m60"), b"(10 (20 50 60 70)(30)(40))"),
        (message(70, "m20"), b"(10 (20 (50 60)(70))(30)(40))"),
        (message(70, "m20", date=45), b"(10 (20 (70)(50 60))(30)(40))"),
        (message(70, "m10"), b"(10 (20 50 60)(30)(40)(70))"),
        (message(70, "m10", date=25), b"(10 (20 50 60)(70)(30)(40))"),
        (message(70, "m10", "gone", "m50", id_=None, subject="x"), b"(10 (20 50 (60)(70))(30)(40))"),
    ):
        threads = References()
        threads.add([one for _, one in old])
        told = [number for number, _ in old]
        threads.octets(told)
        threads.add([new[1]])
        with monkeypatch.context() as patch:
            if "gone" not in new[1].references:
                patch.delattr(Subjects, "_write_all")
            assert threads.octets([*told, 70], go_on=True) == line


def test_what_changes_too_much_is_written_anew() -> None:
    """IMAP-127: messages of many threads at once, or one thread that holds most."""
    old = [message(n, subject=f"s{n}") for n in range(1, 100)]
    new = [message(100 + n, f"m{n}") for n in range(1, 60)]
    late = [message(200), message(201, *[f"m{n}" for n in range(1, 100)]), message(202, "m5")]
    everything = [*old, *new, *late]
    parts = (99, 100, 158, 159, 160)
    assert by_references(everything) == by_references(everything, *parts)
    assert by_subject(everything) == by_subject(everything, *parts)


@given(st.lists(details, max_size=12), st.lists(st.integers(0, 12), max_size=4))
def test_every_message_stands_in_one_thread_once(
    found: list[tuple[str | None, list[str], str, bool, int]], parts: list[int]
) -> None:
    """IMAP-127: whether messages come at once or later; and just as the RFC puts them together step by step."""
    messages = [(n, Threadable(*detail)) for n, detail in enumerate(found, 1)]
    for algorithm in (by_references, by_subject):
        threads = algorithm(messages, *parts)
        assert numbers(threads) == list(range(1, len(messages) + 1))
        assert threads == algorithm(messages)
    assert by_references(messages) == by_nodes([Numbered(n, *detail) for n, detail in enumerate(found, 1)])


many_ids = st.sampled_from([f"m{n}" for n in range(40)])
many_details = st.tuples(
    st.one_of(st.none(), many_ids),
    st.lists(many_ids, max_size=3, unique=True),
    st.sampled_from(["", *"abcdefgh"]),
    st.booleans(),
    st.integers(0, 9),
)


@given(st.lists(many_details, min_size=15, max_size=40), st.lists(st.integers(1, 40), min_size=2, max_size=12))
def test_small_threads_among_others_are_those_of_all_messages_at_once(
    found: list[tuple[str | None, list[str], str, bool, int]], parts: list[int]
) -> None:
    """IMAP-127: where groups are small, so that most of the line is left as it was."""
    messages = [(n * 3, Threadable(*detail)) for n, detail in enumerate(found, 1)]
    for algorithm in (by_references, by_subject):
        assert algorithm(messages, *parts) == algorithm(messages)
