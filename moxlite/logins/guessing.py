"""Failed log-ins, counted so that guessing a password is slow and its owner stays able to log in (SMTP-136, SMTP-138).

Theory of operation
-------------------
An attempt is booked (counted as a failure) *before* anything is checked, and given back when it succeeds: attempts that
run at the same time can't pass a limit together, and a client that disconnects before the reply has been counted. An
attempt that would reach a limit only because others are still undecided waits for them instead of being refused.

Counts in each window::

    the three networks of the address (`net.limits.ip_classes`)    limits of SMTP-136
    the account, whatever the address                              its own limit
    the account at one place                                       for places where a log-in succeeded before

A place is the second network of an address (IPv4 /26, IPv6 /48). A client at a place where a log-in to this account
succeeded within `PLACE_LIFE` is refused only by the count of that account at that place: attempts from elsewhere do not
lock the owner out. A success takes back the failures of its own address and account, and no others.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import nlargest
from itertools import starmap
from operator import itemgetter
from types import TracebackType
from typing import Final, TypeAlias, cast

import msgspec
import trio

from moxlite.net.limits import ClassKey, IPAddress, IPNetwork, Window, ip_classes, is_exempt, network_of
from moxlite.processor import turn

logger = logging.getLogger("moxlite.admin.logins")

PLACE_LIFE: Final = 30 * 24 * 3600.0
"""Seconds for which a place stays known after a success; auth.db keeps attempts as long (STORE-106)."""

MAX_PLACES: Final = 50_000
"""Pairs of account and place, about 10 MB; beyond that the least recently used is forgotten."""

MAX_KEYS: Final = 200_000
"""Counts of one kind in one window, about 30 MB; beyond that the oldest is forgotten (SMTP-134)."""

SLICE: Final = 1000
"""Counts that are looked at in one turn, 2 ms; a tenth as many are written out."""

DECISION: Final = 10.0
"""Seconds that an attempt waits for others that are undecided. Checking a password takes 0.1 s on a slow card, two at a
time; attempts that are undecided for longer belong to clients that have stopped in the middle.
"""

NAMELESS: Final = "?"
"""Prefix of the key of an unknown user name; no account name begins with it (STORE-166)."""

Key: TypeAlias = tuple[object, ...]


class TooManyFailures(Exception):
    """The limit of the address or the account is reached; nothing was booked."""


class AccountWindow(msgspec.Struct, frozen=True):
    """At most `limit` failures of one account, from all addresses together, within each `seconds`."""

    seconds: int
    limit: int


class FailureCount(msgspec.Struct, frozen=True):
    """Failed log-ins in a window of `seconds`. `who`: a network, an account, or an account at a network; `network`: its
    network, "" for an account alone.
    """

    who: str
    seconds: int
    failures: int
    limit: int
    network: str = ""


class _Count:
    """Failures of one key in one window: decided ones, and attempts that are still undecided."""

    __slots__ = ("failed", "open")

    def __init__(self) -> None:
        self.failed = 0
        self.open = 0


class _Counts:
    """Counts of one kind of key in one window. `number`: of the current window since 1970."""

    __slots__ = ("counts", "number", "seconds")

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self.number = 0
        self.counts: OrderedDict[Key, _Count] = OrderedDict()

    def roll(self, now: float) -> None:
        # All windows begin with the clock, so one step forgets a whole one; a sliding window would need the time of
        # each failure.
        number = int(now // self.seconds)
        if number != self.number:
            self.number = number
            self.counts.clear()

    def get(self, key: Key) -> tuple[int, int]:
        """Return the numbers of failures and of undecided attempts of a key."""
        count = self.counts.get(key)
        return (0, 0) if count is None else (count.failed, count.open)

    def book(self, key: Key) -> _Count:
        count = self.counts.get(key)
        if count is None:
            # The oldest goes, even if it is at its limit: an attacker with so many addresses gets some guesses more,
            # but the memory stays bounded.
            if len(self.counts) >= MAX_KEYS:
                self.counts.popitem(last=False)
            count = self.counts[key] = _Count()
        count.open += 1
        return count


class Attempt:
    """A booked attempt. Exactly one of the methods decides it; further calls do nothing. While it is undecided, it
    counts as a failure.

    A ``with`` block around the check decides at its end: an exception gives the attempt back, as nothing could be
    checked for a cause on our side; else it has failed, also when it is cancelled because the client has disconnected.
    """

    __slots__ = ("_booked", "_failures", "_pairs", "_place", "decided")

    def __init__(
        self, failures: "FailedLogins", booked: Sequence[_Count], pairs: Sequence[tuple[_Count, _Count]], place: Key
    ) -> None:
        """`booked`: the counts that include this attempt; `pairs`: each such count with the one of the same address and
        account in that window.
        """
        self._failures = failures
        self._booked = booked
        self._pairs = pairs
        self._place = place
        self.decided = False

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            self.give_back()
        else:
            self.fail()

    def fail(self) -> None:
        """Count the attempt as a failure: the secret was wrong."""
        self._decide(failed=1)

    def give_back(self) -> None:
        """Do not count the attempt: it ended before a secret was checked, or the secret was right and the log-in is
        refused for another reason.
        """
        self._decide(failed=0)

    def succeed(self) -> None:
        """Take back the failures of this address and account, and remember the place: the secret was right."""
        if self.decided:
            return
        self._decide(failed=0)
        # Only these: a guesser with an account of its own must not clear its guesses at others by logging in now and
        # then.
        for count, pair in self._pairs:
            count.failed = max(0, count.failed - pair.failed)
        for pair in {id(pair): pair for _, pair in self._pairs}.values():
            pair.failed = 0
        if self._place:
            self._failures.learn(self._place)

    def _decide(self, *, failed: int) -> None:
        if self.decided:
            return
        self.decided = True
        for count in self._booked:
            count.open -= 1
            count.failed += failed
        self._failures.wake()


class FailedLogins:
    """Counts of failed log-ins, one for all protocols and mechanisms.

    Args:
      networks: limits per network of the address, in windows.
      accounts: limits per account, in windows.
      exempt: networks without any limit; nothing is counted for them.
    """

    def __init__(
        self,
        networks: Iterable[Window],
        accounts: Iterable[AccountWindow],
        *,
        exempt: Sequence[IPNetwork] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._exempt = tuple(exempt)
        self._clock = clock
        self._networks = [(window, _Counts(window.seconds), _Counts(window.seconds)) for window in networks]
        self._accounts = [(window, _Counts(window.seconds), _Counts(window.seconds)) for window in accounts]
        self._places: OrderedDict[Key, float] = OrderedDict()  # account and place: expiry
        self._known: dict[Key, int] = {}  # number of accounts by place
        self._decided = trio.Event()
        self._told: set[str] = set()

    async def book(self, ip: IPAddress, who: str) -> Attempt:
        """Book one more attempt.

        Args:
          who: the account; for an unknown user name, a key beginning with `NAMELESS`.

        Raises:
          TooManyFailures: the limits are reached, or undecided attempts fill them for `DECISION` seconds.
        """
        if is_exempt(ip, self._exempt):
            return Attempt(self, (), (), ())
        with trio.move_on_after(DECISION):
            while self._full(ip, who):
                await self._decided.wait()
            return self._book(ip, who)
        raise TooManyFailures

    def allowed(self, ip: IPAddress) -> bool:
        """Whether `book` may accept an attempt from this address, for some account."""
        if is_exempt(ip, self._exempt):
            return True
        self._roll()
        classes = ip_classes(ip)
        if self._known.get((classes[1],)):
            return True
        return all(
            counts.get((one,))[0] < limit
            for window, counts, _ in self._networks
            for one, limit in zip(classes, window.limits, strict=True)
        )

    def note(self, ip: IPAddress, who: str) -> None:
        """Count a failure without a checked secret, such as an unknown client certificate."""
        if not is_exempt(ip, self._exempt):
            self._roll()
            self._book(ip, who).fail()

    def remember(self, ip: IPAddress, account: str) -> None:
        """Remember the place of a successful log-in."""
        self.learn((account, ip_classes(ip)[1]))

    def knows(self, ip: IPAddress, account: str) -> bool:
        """Whether a log-in to the account succeeded from the network of this address within `PLACE_LIFE`."""
        return self._is_known((account, ip_classes(ip)[1]))

    def learn(self, place: Key) -> None:
        """Remember a place (account and network) for `PLACE_LIFE`."""
        if place in self._places:
            self._places.move_to_end(place)
        else:
            while len(self._places) >= MAX_PLACES:
                self._forget(next(iter(self._places)))
            self._known[place[1:]] = self._known.get(place[1:], 0) + 1
        self._places[place] = self._clock() + PLACE_LIFE

    async def listing(self, most: int = 1000) -> list[FailureCount]:
        """Networks and accounts with failures in the present windows, the most failures first, `most` at most. Unknown
        user names are left out.
        """
        self._roll()
        worst: list[tuple[int, int, int, Key]] = []
        for seconds, limits, entries in _slices(self._networks, self._accounts):
            await turn()
            worst += [
                (count.failed, seconds, limit, key)
                for key, count in entries
                if count.failed and (limit := _limit_of(key, limits)) is not None
            ]
            # Chosen before they are written out: the text of a network takes 20 µs, and an attack comes from thousands.
            worst = nlargest(most, worst, key=itemgetter(0))
        shown: list[FailureCount] = []
        for start in range(0, len(worst), SLICE // 10):
            await turn()
            shown += starmap(_shown, worst[start : start + SLICE // 10])
        return sorted(shown, key=lambda failure_count: (-failure_count.failures, failure_count.who))

    async def clear(self, ip: IPAddress | None) -> int:
        """Forget failures: of an address and its networks, or with None all, of accounts too. Undecided attempts still
        count. Returns the number of counts dropped.
        """
        classes = None if ip is None else set(ip_classes(ip))
        dropped = 0
        for _, _, entries in _slices(self._networks, self._accounts):
            await turn()
            for key, count in entries:
                if count.failed and (classes is None or classes.intersection(key)):
                    count.failed = 0
                    dropped += 1
        self.wake()
        return dropped

    def wake(self) -> None:
        """Wake the attempts that wait in `book`: another one was decided."""
        self._decided.set()
        self._decided = trio.Event()

    async def forget(self, account: str) -> None:
        """Forget the places of an account that is removed: a later one of that name knows none (STORE-140)."""
        for place in [place for place in self._places if place[0] == account]:
            self._forget(place)
        await turn()

    def _forget(self, place: Key) -> None:
        del self._places[place]
        left = self._known[place[1:]] - 1
        if left:
            self._known[place[1:]] = left
        else:
            del self._known[place[1:]]

    def _is_known(self, place: Key) -> bool:
        until = self._places.get(place)
        if until is not None and until < self._clock():
            self._forget(place)
            return False
        return until is not None

    def _roll(self) -> None:
        now = self._clock()
        for _, counts, others in (*self._networks, *self._accounts):
            counts.roll(now)
            others.roll(now)

    def _full(self, ip: IPAddress, who: str) -> bool:
        """Whether a booking must wait for undecided attempts. Raises TooManyFailures if the decided failures reach a
        limit.
        """
        self._roll()
        classes = ip_classes(ip)
        place = (who, classes[1])
        if self._is_known(place):
            found = [(*counts.get(("place", *place)), window.limits[0]) for window, _, counts in self._networks]
        else:
            found = [
                (*counts.get((one,)), limit)
                for window, counts, _ in self._networks
                for one, limit in zip(classes, window.limits, strict=True)
            ]
            found += [(*counts.get((who,)), window.limit) for window, counts, _ in self._accounts]
            if any(counts.get((who,))[0] >= window.limit for window, counts, _ in self._accounts):
                self._tell(who)
        if any(failed >= limit for failed, _, limit in found):
            raise TooManyFailures
        return any(failed + undecided >= limit for failed, undecided, limit in found)

    def _book(self, ip: IPAddress, who: str) -> Attempt:
        classes = ip_classes(ip)
        place, pair = (who, classes[1]), ("pair", who, classes[0])
        booked: list[_Count] = []
        pairs: list[tuple[_Count, _Count]] = []
        for _, counts, others in self._networks:
            own = others.book(pair)
            counted = [*(counts.book((one,)) for one in classes), others.book(("place", *place))]
            booked += [own, *counted]
            pairs += [(count, own) for count in counted]
        for _, accounts, others in self._accounts:
            own = others.book(pair)
            counted = [accounts.book((who,))]
            booked += [own, *counted]
            pairs += [(count, own) for count in counted]
        return Attempt(self, booked, pairs, place)

    def _tell(self, who: str) -> None:
        """Log once per day and account that log-ins from new places are refused."""
        if who.startswith(NAMELESS):
            return
        day = f"{int(self._clock() // 86_400)} {who}"
        if day not in self._told:
            self._told = {one for one in self._told if one.startswith(day.partition(" ")[0])} | {day}
            logger.warning("too many failed logins for account, rejecting new networks", extra={"kv": {"who": who}})


def _slices(
    networks: Iterable[tuple[Window, _Counts, _Counts]], accounts: Iterable[tuple[AccountWindow, _Counts, _Counts]]
) -> Iterator[tuple[int, Sequence[int], list[tuple[Key, _Count]]]]:
    """All counts in slices for one turn each: the seconds and limits of their window, keys and counts."""
    kinds: list[tuple[int, Sequence[int], _Counts]] = []
    for window, counts, others in networks:
        kinds += [(window.seconds, window.limits, counts), (window.seconds, window.limits, others)]
    for account, counts, others in accounts:
        kinds += [(account.seconds, (account.limit,), counts), (account.seconds, (account.limit,), others)]
    for seconds, limits, counts in kinds:
        entries = list(counts.counts.items())  # attempts go on between the turns
        for start in range(0, len(entries), SLICE):
            yield seconds, limits, entries[start : start + SLICE]


def _limit_of(key: Key, limits: Sequence[int]) -> int | None:
    """The limit of a count that is listed; None for pairs and unknown user names."""
    if not isinstance(key[0], str):
        return limits[cast("ClassKey", key[0])[0] & 3]
    if key[0] == "pair" and len(key) == 3:
        return None
    account = str(key[1] if len(key) == 3 else key[0])
    return None if account.startswith(NAMELESS) else limits[0]


def _shown(failed: int, seconds: int, limit: int, key: Key) -> FailureCount:
    """A count with its texts. `key`: of a network, of an account at a place, or of an account."""
    if len(key) == 3:
        name = _network(cast("ClassKey", key[2]))
        return FailureCount(f"{key[1]} at {name}", seconds, failed, limit, name)
    if isinstance(key[0], str):
        return FailureCount(key[0], seconds, failed, limit)
    name = _network(cast("ClassKey", key[0]))
    return FailureCount(name, seconds, failed, limit, name)


def _network(key: ClassKey) -> str:
    """A network for people; a single address without its prefix length."""
    network = network_of(key)
    return str(network.network_address if network.prefixlen == network.max_prefixlen else network)
