"""Which process owns which account (docs/decisions/031-workers.md)."""

import shutil
from random import Random

from hypothesis import given, strategies as st

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.options import DAY
from moxlite.workers.division import FIRST, FIRST_WORK, divide, divide_accounts, tied, weight
from tests.store_fixtures import accounts, auth, store_options

__all__ = ["accounts", "auth", "store_options"]

names = st.sampled_from([f"user{number}" for number in range(30)])
weights = st.dictionaries(names, st.floats(0.1, 1000), min_size=1)
ties = st.lists(st.tuples(names, names), max_size=20)


@given(weights, ties, st.integers(2, 6))
def test_each_account_has_one_owner_and_ties_are_kept(
    loads: dict[str, float], pairs: list[tuple[str, str]], processes: int
) -> None:
    """Decision 031: accounts tied by shares, delegation or a provider's group go together."""
    places = divide(loads, pairs, processes).places
    assert places.keys() == loads.keys()
    assert set(places.values()) <= set(range(processes))
    assert all(places[owner] == places[guest] for owner, guest in pairs if owner in places and guest in places)


@given(weights, ties, st.integers(2, 6))
def test_no_process_has_far_more_than_its_part(
    loads: dict[str, float], pairs: list[tuple[str, str]], processes: int
) -> None:
    """Decision 031: a process has at most the mean and one group."""
    places = divide(loads, pairs, processes).places
    largest = max(sum(loads[name] for name in group) for group in tied(loads, pairs))
    mean = sum(loads.values()) * (1 + FIRST_WORK / processes) / processes
    for place in range(processes):
        own = sum(load for name, load in loads.items() if places[name] == place)
        assert own <= mean + largest + 1e-6


@given(weights, ties, st.integers(2, 6), st.randoms(use_true_random=False))
def test_the_order_of_accounts_and_ties_changes_nothing(
    loads: dict[str, float], pairs: list[tuple[str, str]], processes: int, random: Random
) -> None:
    """Decision 031: each start divides what is the same in the same way."""
    shuffled, others = list(loads.items()), [*pairs]
    random.shuffle(shuffled)
    random.shuffle(others)
    assert divide(dict(shuffled), others, processes) == divide(loads, pairs, processes)


def test_the_first_process_takes_fewer_accounts() -> None:
    """Decision 031: it has other work, too."""
    places = divide({f"user{number}": 1.0 for number in range(3000)}, [], 3).places
    shares = [list(places.values()).count(place) for place in range(3)]
    assert sum(shares) == 3000
    assert shares[FIRST] < min(shares[1:]) * 0.7
    assert abs(shares[1] - shares[2]) <= 1


def test_a_user_who_is_tied_to_everybody_ties_all() -> None:
    """Decision 031: then one worker has all accounts."""
    loads = {f"user{number}": 1.0 for number in range(100)}
    places = divide(loads, [(name, "user0") for name in loads], 3).places
    assert set(places.values()) in ({1}, {2})


def test_a_share_with_anyone_keeps_all_accounts_in_the_first_process() -> None:
    """Decision 031: and its owner can be named. An account that is gone ties nobody."""
    loads = {"mia": 1.0, "tom": 1.0}
    shared = divide(loads, [("mia", "anyone")], 3)
    assert shared.places == {"mia": FIRST, "tom": FIRST}
    assert shared.open_to_all == ("mia",)
    assert divide(loads, [("gone", "anyone"), ("gone", "mia"), ("tom", "gone")], 3).open_to_all == ()


def test_an_account_weighs_by_size_and_use() -> None:
    """Decision 031: by what is known without opening it."""
    now = 100 * DAY
    assert weight(0, None, now) == weight(0, now - 8 * DAY, now) < weight(200_000_000, None, now)
    assert weight(0, now - DAY, now) > weight(200_000_000, None, now)


async def test_accounts_are_divided_without_opening_them(accounts: Accounts, auth: AuthDB) -> None:
    """Decision 031: by their files, log-ins and ties. One whose folder is lost has an owner, too, who tells of it."""
    for name in ("alice", "carol", "dave", "erin", "lost"):
        await accounts.create(name)
    await accounts.close_idle(room=1000)
    await auth.sharing.set_guests("alice", {"carol"})
    await auth.sharing.set_guests("dave", {"erin", "gone"})
    shutil.rmtree(accounts.path("lost"))
    division = await divide_accounts(accounts, auth, 3, 0)
    places = division.places
    assert places.keys() == {"alice", "carol", "dave", "erin", "lost"}
    assert places["alice"] == places["carol"] != places["dave"] == places["erin"]
    assert not accounts.places.opened
