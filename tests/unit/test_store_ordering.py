"""Orders of messages by keys of which a part is kept (STORE-198b)."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import given, strategies as st

from moxlite.imapd.search.sort import THREADED
from moxlite.ledger import ledger
from moxlite.proto.imap.threading import References, Subjects, Threadable
from moxlite.store.errors import LimitExceeded
from moxlite.store.rows import ordering
from moxlite.store.rows.ordering import Numbers, arrange, number_key, room_for, text_key
from tests.memory import at_most

T = TypeVar("T")


class Keys:
    """An account whose messages have these keys, None for messages that are gone. `read` counts reads of keys."""

    def __init__(self, keys: dict[int, bytes | None]) -> None:
        self.keys = keys
        self.read = 0

    async def scan(self, fn: Callable[[Any], T], *, op: str) -> T:
        """As `Account.scan`."""
        return fn(None)

    def of(self, r: object, ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """As `KeysOf`."""
        for id_ in ids:
            self.read += 1
            if (key := self.keys[id_]) is not None:
                yield id_, key


@pytest.mark.parametrize("seed", range(20))
async def test_whole_keys_decide(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """STORE-198b: however long they are equal. Equal ones stay in their order; what is gone is left out."""
    monkeypatch.setattr(ordering, "KEY", 4)
    monkeypatch.setattr(ordering, "LEAST_KEY", 2)
    monkeypatch.setattr(ordering, "room_for", lambda count: count * (ordering.BESIDE + 2))
    monkeypatch.setattr(ordering, "SLICE", 7)
    rnd = Random(seed)
    ids = array("q", rnd.sample(range(1, 1_000), 60))
    keys = {
        id_: None if rnd.random() < 0.1 else bytes(rnd.choices(b"ab", k=rnd.choice((0, 3, 4, 9, 30)))) + b"\0\0"
        for id_ in ids
    }
    places = await arrange(Keys(keys), ids, Keys(keys).of, op="test")
    there = [place for place, id_ in enumerate(ids) if keys[id_] is not None]
    assert [*places] == sorted(there, key=lambda place: keys[ids[place]] or b"")


async def test_a_message_that_goes_meanwhile_keeps_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-198b: it is read once, and is gone when the octets that follow are read."""
    monkeypatch.setattr(ordering, "KEY", 4)
    account = Keys({1: b"aaaab\0\0", 2: b"aaaac\0\0", 3: b"aaaaa\0\0"})

    def of(r: object, ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        yield from [*account.of(r, ids)]
        account.keys[2] = None

    assert sorted(await arrange(account, array("q", (1, 2, 3)), of, op="test")) == [0, 1, 2]


async def test_usual_keys_are_read_once() -> None:
    """STORE-198b"""
    account = Keys({id_: text_key(f"subject {id_ % 50}") + number_key(id_) for id_ in range(1, 500)})
    await arrange(account, array("q", account.keys), account.of, op="test")
    assert account.read == len(account.keys)


TEXTS = st.text("a\0\x01b\U0001f600\uffff", max_size=4)


@given(st.lists(st.tuples(TEXTS, st.integers(-(1 << 63), (1 << 63) - 1), TEXTS), max_size=12), st.booleans())
def test_octets_sort_as_their_values(values: list[tuple[str, int, str]], descending: bool) -> None:
    """STORE-198b: texts by code points, one that another begins with before it, and each value before the next one."""

    def key(value: tuple[str, int, str]) -> bytes:
        first, number, last = value
        return text_key(first, descending=descending) + number_key(number) + text_key(last, descending=True)

    expected = sorted(values, key=lambda value: value[2], reverse=True)
    expected.sort(key=lambda value: value[1])
    expected.sort(key=lambda value: value[0], reverse=descending)
    assert sorted(values, key=key) == expected


async def test_an_order_takes_no_more_room_than_it_says() -> None:
    """STORE-198a, STORE-198b: with long keys, of which all are read twice."""
    count = 20_000
    account = Keys(dict.fromkeys(range(1, count + 1), b""))

    def of(r: object, ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        for id_ in ids:
            yield id_, b"x" * ordering.KEY + b"%d" % (id_ * 7919 % count) + b"y" * 500

    ids = array("q", account.keys)
    with at_most(room_for(count), "an order"):
        assert len(await arrange(account, ids, of, op="test")) == count
    with pytest.raises(LimitExceeded):
        room_for(ledger().work)


@pytest.mark.parametrize("algorithm", [References, Subjects])
@pytest.mark.parametrize("answers", [0, 1, 200])
def test_threads_take_no_more_room_than_is_held(algorithm: type[Subjects], answers: int) -> None:
    """STORE-198a, STORE-198b: without answers, in threads, and where each message names 200 that are missing."""
    count, step = 20_000, 1_000

    def message(number: int) -> Threadable:
        named = [f"<{number}-{one}@x>" for one in range(answers)] if answers > 1 else [f"<{number // 2}@x>"] * answers
        return Threadable(f"<{number}@x>", named, f"subject {number}", bool(answers), number)

    with at_most(THREADED * count + (32 << 20 if answers > 1 else 4 << 20), "threads"):
        threads = algorithm()
        for start in range(0, count, step):
            threads.add([message(number) for number in range(start, start + step)])
        assert threads.octets(range(1, count + 1))


def test_numbers_are_a_set() -> None:
    """JMAP-24"""
    one, other = Numbers(), Numbers()
    for number in (3, 8, 100_000):
        one.add(number)
    for number in (1, 8, 16):
        other.add(number)
    assert [*one.both(other)] == [8]
    assert [*one.either(other)] == [1, 3, 8, 16, 100_000]
    assert [*one.without(other)] == [3, 100_000]
    assert [number in one for number in (8, 9, 1 << 40)] == [True, False, False]
