"""The UIDs that a session knows (docs/spec/imap.md §7)."""

from hypothesis import given, strategies as st

from moxlite.imapd.session.sessions import Threads, UidList, uid_array
from moxlite.imapd.session.view import Recent
from moxlite.proto.imap.seqset import runs
from moxlite.proto.imap.threading import References, Threadable


@given(st.sets(st.integers(1, 200)), st.sets(st.integers(1, 250)), st.integers(0, 20))
def test_what_comes_and_goes_is_as_in_a_set(known: set[int], removed: set[int], added: int) -> None:
    """IMAP-53, IMAP-171"""
    new = uid_array(range(300, 300 + added))
    left = UidList(uid_array(sorted(known))).without(list(runs(sorted(removed)))).adding(new)
    expected = [*sorted(known - removed), *new]
    assert list(left.uids) == expected
    assert [left.number(uid) for uid in expected] == list(range(1, len(expected) + 1))
    assert not any(left.number(uid) for uid in removed)


def test_many_holes_are_cut_in_one_pass() -> None:
    """IMAP-171: every second one of a million; cut out one by one that would move a terabyte."""
    left = UidList(uid_array(range(1, 1_000_001))).without([(uid, uid) for uid in range(2, 1_000_001, 2)])
    assert left.uids == uid_array(range(1, 1_000_001, 2))


@given(st.sets(st.integers(1, 40)), st.lists(st.integers(0, 45)))
def test_numbers_do_not_depend_on_what_was_asked_before(known: set[int], asked: list[int]) -> None:
    """IMAP-53."""
    uids = sorted(known)
    told = UidList(uid_array(uids))
    assert [told.number(uid) for uid in asked] == [uids.index(uid) + 1 if uid in known else 0 for uid in asked]


@given(st.sets(st.integers(1, 60)), st.sets(st.integers(1, 60)))
def test_recent_of_many_is_as_of_each(uids: set[int], recent: set[int]) -> None:
    """IMAP-72a"""
    shown = Recent()
    shown.uids = list(runs(sorted(recent)))
    assert shown.shown(sorted(uids)) == [uid in recent for uid in sorted(uids)]
    assert [shown.shows(uid) for uid in sorted(uids)] == [uid in recent for uid in sorted(uids)]


def test_threads_are_told_by_the_numbers_of_who_asks() -> None:
    """IMAP-53, IMAP-127: a session that was not told of a removal counts the message."""
    threads = Threads(References())
    messages = [Threadable(f"m{n}", (), "", False, n) for n in (1, 2, 4)]
    threads.add(0, uid_array([1, 2]), messages[:2])
    assert threads.octets(uid_array([1, 2]), range(1, 3), by_uid=False) == b"(1)(2)"
    threads.add(2, uid_array([4]), messages[2:])
    here = uid_array([1, 2, 4])
    assert threads.octets(here, [1, 2, 4], by_uid=False) == b"(1)(2)(4)"
    assert threads.octets(here, range(1, 4), by_uid=False) == b"(1)(2)(3)"
    assert threads.octets(here, range(1, 4), by_uid=True) == b"(1)(2)(4)"
    assert threads.octets(uid_array([1, 2]), range(1, 3), by_uid=True) is None
