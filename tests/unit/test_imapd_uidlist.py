"""The UIDs that a session knows (docs/spec/imap.md §7)."""

from hypothesis import given
from hypothesis import strategies as st

from moxlite.imapd.uidlist import UidList, uid_array
from moxlite.proto.imap.seqset import runs


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
