"""Bytes that the server holds for others, by account, by network of strangers, and in total (STORE-198a).

A limit for each request, message or answer bounds none of them together: a thousand connections with a mebibyte each
are a gibibyte, and a handful of limits that don't know each other add up. So whatever holds memory in proportion to
what someone sends or asks for takes it from this ledger first: bodies of requests, messages of websockets, the objects
made of them, answers until their readers have them, and lines and literals of other servers. What is spooled to disk
doesn't count, nor does what each connection costs anyway (`FREE`).

- The total is what the memory that the server may use leaves beside all that is limited by number, between `LEAST` and
  `MOST` (`process.budget`). An account has at most half of it, all strangers together have half of it, and each network
  of strangers a sixteenth: no one can keep all others out. A stranger is a client that hasn't logged in; its network is
  set by `visit`, an account by `processor.act_for`.
- A request or an answer that is larger than its owner's share runs alone: it passes while its owner holds little else
  (`LITTLE`), and no other such item is there. It counts as the whole share, so that it keeps no other owner out. So
  nothing that is allowed is too large for a small machine. A piece of work never takes more than `Ledger.work`: the
  rest goes in portions, through a temporary file, or is refused with its size in words.
- What has no room waits, the owner first that holds the least part of its share, for a bounded time, and only so many
  items of an owner (`MAX_WAITING`). For a large item that waits for the total, what is given back is kept. Then the
  item is refused (`NoRoom`); the protocol says so in its own words (429 for the owner's share, 503 for the server's).
- A response that has begun comes before others of its owner, and as many may wait beside those: it can't be refused any
  more, only broken off.
- The total is a reckoning. What the process has beyond it (`Ledger.lack`) is missing here, half of the total at most,
  until the memory is given back.
- All that an item needs is taken before its first byte is read, so that no two wait for each other with half of what
  they need. What holds more than a handful (`HANDFUL`) doesn't wait for more of its owner's share: it's refused at
  once. Only responses that have begun, events, and the literals of one command wait. For what others hold all wait,
  since those end without them.
- Meanwhile those end that wait for a peer which neither sends nor reads: longest first, after `STALLED` seconds without
  a slice of progress. A reader that reads is never among them. Of one owner's shortage only its own end.

Events wait for tabs that were frozen, longer than any page does. So they have a part of their own: they end for each
other alone, and no page ends for them. Messages that come in have a part of their own, too: what finds no room there
goes to the disk at once, so no message waits or is refused for memory.

A `Hold` is what one exchange, connection or command has, in parts by kind. All methods run on the loop.
"""

from __future__ import annotations

import time
from collections import Counter as Tally, OrderedDict
from contextvars import ContextVar
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias, get_args

import msgspec
import trio

from moxlite.metrics import Counter, Gauge

LEAST: Final = 64 << 20
"""Bytes of the total at least: one request of the largest size, with its objects. 384 MB of memory leave as much."""

MOST: Final = 300 << 20
"""Bytes of the total at most: what more than a hundred large exchanges at once need; the rest is for the page cache."""

WORK: Final = LEAST // 2
"""Bytes of a piece of work at most, on the smallest machine: the share of an account there."""

PIECES: Final = 3
"""A piece of work has this part of a larger total: two thirds of an account's share."""

FREE: Final = 4 << 10
"""Bytes that need not be taken: their connection costs more. A log-in has 300, so no crowd of strangers stops one."""

NETWORKS: Final = 16
"""A network of strangers holds at most this part of the total: 64 bodies of public calls on the smallest machine."""

LITTLE: Final = 8
"""Beside what runs alone its owner may hold this part of its share: idle streams, and small pages."""

EVENTS: Final = 8
"""Events have this part of the total: 64 tabs that take nothing, each with a view of 128 KiB."""

SPOOLS: Final = 4
"""Messages on their way have this part of the total in memory: sixteen of the longest that don't go to the disk."""

WAIT: Final = 30.0
"""Seconds that something waits for room: shorter than any client's patience, longer than most exchanges."""

PATIENCE: Final = 10.0
"""Seconds after which what an account waits for comes before an owner that holds nothing."""

MAX_WAITING: Final = 100
"""Items of one owner that wait at a time: as many as a browser and a phone ask for, far fewer than a flood."""

HANDFUL: Final = 128 << 10
"""Bytes that an item may hold while it waits for more: of 100 items that wait they leave most of the share."""

STALLED: Final = 5.0
"""Seconds without a slice of progress after which a peer may be given up: at 13 kB/s a slice takes as long."""

SLICE: Final = 16 << 10
"""Bytes received that count as progress."""

LOOK: Final = 1.0
"""Seconds between two looks for stalled peers."""

REMEMBERED: Final = 100
"""Owners whose refusals are remembered."""

Kind: TypeAlias = Literal["request", "socket", "answer", "event", "report", "link", "spool", "command", "rows", "file"]
"""Bodies of requests with their objects; messages of websockets with theirs; answers; events; entries that a DAV report
has parsed; responses of other mail servers; messages until they are stored or on the disk; literals of commands; keys
and others that are made of the rows of all messages; files of calendars and contacts that are read.
"""

ALONE: Final = frozenset[Kind]({"request", "socket", "answer"})
"""Kinds that may be larger than their owner's share."""

PATIENT: Final = frozenset[Kind]({"event", "command"})
"""Kinds that wait for more, whatever they hold: they end for each other alone, or are bounded by a number."""

Short: TypeAlias = Literal["own", "large", "strangers", "events", "spools", "total"]
"""Part of the ledger without room: the owner's share, the place of what is larger than its share, the strangers' half,
the events' part, that of messages, the total.
"""

HELD: Final = Gauge("moxlite_ledger_held_bytes", "Bytes held for clients and other servers, by kind.", ["kind"])
TOTAL: Final = Gauge("moxlite_ledger_total_bytes", "Maximum bytes held for clients and other servers.")
WAITED: Final = Counter("moxlite_ledger_waited_total", "Items that waited for memory, by kind.", ["kind"])
REFUSED: Final = Counter(
    "moxlite_ledger_refused_total", "Items rejected because of insufficient memory, by kind.", ["kind"]
)
CUT: Final = Counter(
    "moxlite_ledger_cut_total",
    "Idle exchanges ended to make room for others, by kind.",
    ["kind"],
)
for _kind in get_args(Kind):
    for _metric in (HELD, WAITED, REFUSED, CUT):
        _metric.labels(kind=_kind)

_present: Final[ContextVar[tuple[str, bool]]] = ContextVar("moxlite.holding", default=("", False))
"""Name of the owner of what a task takes, and whether it is a network of strangers."""


class NoRoom(Exception):
    """There was no room in time. `own`: the owner's share is short, not the server's total."""

    def __init__(self, *, own: bool) -> None:
        super().__init__("you have too much in progress" if own else "the server is out of memory")
        self.own = own


class Refusals(msgspec.Struct, frozen=True):
    """Refusals of one owner: its name or network, the kind of the last one, their number, seconds UTC of the last."""

    owner: str
    kind: Kind
    times: int
    last: float


def visit(network: str) -> None:
    """Count for a network of strangers what the calling task takes from now on, until it acts for an account."""
    _present.set((network, True))


def own(account: str) -> None:
    """Count for an account what the calling task takes from now on. For `processor.act_for`."""
    _present.set((account, False))


class _Owner:
    """An account, a network of strangers, or the server itself, whose name is "". `most`: its share."""

    __slots__ = ("held", "most", "name", "stranger", "waiting")

    def __init__(self, name: str, most: int, *, stranger: bool) -> None:
        self.name = name
        self.most = most
        self.stranger = stranger
        self.held = 0
        self.waiting = 0


class _Ask:
    """A hold that waits for room."""

    __slots__ = ("begun", "granted", "hold", "kind", "octets", "since")

    def __init__(self, hold: Hold, kind: Kind, octets: int, *, begun: bool) -> None:
        self.hold = hold
        self.kind: Kind = kind
        self.octets = octets
        self.begun = begun
        self.granted = trio.Event()
        self.since = trio.current_time()


class Ledger:
    """The ledger of a server. `total`: bytes in all.

    Attributes:
      octets: held in all.
      held: bytes by kind.
      refusals: by owner, the latest last.
      strangers: bytes of all networks of strangers.
      large: what is larger than its owner's share.
      asks: what waits for room, in the order in which it came.
      peers: waits for peers.
    """

    def __init__(self, total: int = MOST) -> None:
        self.total = total
        self.held: Tally[Kind] = Tally()
        self.refusals: OrderedDict[str, Refusals] = OrderedDict()
        self.octets = 0
        self.strangers = 0
        self.large: Hold | None = None
        self._next: _Ask | None = None  # for which what is given back is kept
        self._lacking = 0
        self._owners: dict[tuple[str, bool], _Owner] = {}
        self.asks: list[_Ask] = []
        self.peers: dict[Peer, None] = {}
        TOTAL.set(total)

    @property
    def work(self) -> int:
        """Bytes of a piece of work at most, on this machine."""
        return max(WORK, self.total // PIECES)

    def hold(self) -> Hold:
        """A hold, empty as yet."""
        return Hold(self)

    def present_owner(self) -> _Owner:
        """The owner of what the calling task takes."""
        key = name, stranger = _present.get()
        owner = self._owners.get(key)
        if owner is None:
            most = self.total // NETWORKS if stranger else self.total // 2 if name else self.total
            owner = self._owners[key] = _Owner(name, most, stranger=stranger)
        return owner

    def forget(self, owner: _Owner) -> None:
        """Forget an owner that holds nothing, so that networks don't pile up."""
        key = (owner.name, owner.stranger)
        if not owner.held and not owner.waiting and self._owners.get(key) is owner:
            del self._owners[key]

    def short(self, hold: Hold, kind: Kind, octets: int, freed: int = 0) -> Short | None:
        """The part of the ledger in which there is no room for so much more; None if there is room.

        Args:
          freed: bytes that are about to be given back.
        """
        owner, most = hold.owner, hold.owner.most
        held = owner.held - freed
        if kind == "event" and self.held["event"] - freed + octets > self.total // EVENTS:
            return "events"
        if kind == "spool" and (held + octets > most or self.held["spool"] - freed + octets > self.total // SPOOLS):
            return "spools"
        if held + octets > most and (
            held - hold.octets > most // LITTLE or (kind not in ALONE and hold.parts[kind] + octets > most)
        ):
            return "own"
        if hold.octets + octets > most and self.large not in (None, hold):
            return "large"
        if owner.stranger and self.strangers - freed + octets > self.total // 2:
            return "strangers"
        beyond = 0 if self.large is None else self.large.octets - self.large.owner.most
        more = min(hold.octets + octets, most) - min(hold.octets, most)
        return "total" if self.octets - beyond - freed + more > self.total - self._lacking else None

    def lack(self, octets: int) -> None:
        """Give out so much less than the total, half of it at most, until the next call."""
        self._lacking = min(octets, self.total // 2)
        self.call()

    def has_before(self, hold: Hold) -> bool:
        """Whether the room that there is belongs to something that waits, and comes before this hold's owner."""
        return self._next is not None and self._next.hold is not hold and self._rank(self._next) <= self._part(hold)

    def add(self, hold: Hold, kind: Kind, octets: int) -> None:
        """Note that a hold has so much more, or less."""
        hold.parts[kind] += octets
        hold.octets += octets
        hold.owner.held += octets
        self.octets += octets
        self.held[kind] += octets
        if hold.owner.stranger:
            self.strangers += octets
        if hold.octets > hold.owner.most:
            self.large = hold
        elif self.large is hold:
            self.large = None
        HELD.labels(kind).inc(octets)

    def call(self) -> None:
        """Grant what fits, in the order of ranks."""
        self._next = None
        for ask in sorted(self.asks, key=lambda ask: (self._rank(ask), not ask.begun)):
            short = self.short(ask.hold, ask.kind, ask.octets)
            if short is None:
                self.asks.remove(ask)
                self.add(ask.hold, ask.kind, ask.octets)
                ask.granted.set()
            elif short == "total":
                self._next = ask  # else small items would take what is given back, piece by piece
                return

    def _rank(self, ask: _Ask) -> float:
        """The place of what waits: the owner that holds the least part of its share comes first, but no account waits
        behind all that others ask for meanwhile. Strangers are too many for that: in their order they'd be a wall.
        """
        waited = 0.0 if ask.hold.owner.stranger else trio.current_time() - ask.since
        return self._part(ask.hold) - waited / PATIENCE

    def _part(self, hold: Hold) -> float:
        """The part of its share that an owner holds; all strangers count as one owner."""
        return self.strangers / (self.total // 2) if hold.owner.stranger else hold.owner.held / hold.owner.most

    def make_room(self, ask: _Ask) -> None:
        """End waits for stalled peers, as many as make room."""
        now, freed = trio.current_time(), 0
        for peer in sorted(self.peers, key=lambda peer: peer.since):
            short = self.short(ask.hold, ask.kind, ask.octets, freed)
            if short is None or now - peer.since < STALLED or (ask.kind == "event" and short != "events"):
                return
            if peer.hold is not ask.hold and peer.hold.octets and self._is_in_the_way(peer.hold, ask.hold, short):
                freed += peer.hold.octets
                CUT.labels(kind=max(peer.hold.parts, key=peer.hold.parts.__getitem__)).inc()
                del self.peers[peer]
                peer.scope.cancel()

    def _is_in_the_way(self, hold: Hold, waiting: Hold, short: Short) -> bool:
        """Whether a hold is one of those that leave no room for what waits."""
        if (hold.parts["event"] > 0) is not (short == "events"):
            return False
        match short:
            case "own":
                return hold.owner is waiting.owner
            case "large":
                return hold is self.large
            case "strangers":
                return hold.owner.stranger
            case _:
                return True

    def refuse(self, hold: Hold, kind: Kind, octets: int) -> NoRoom:
        """Note a refusal; the error to raise."""
        REFUSED.labels(kind=kind).inc()
        name = hold.owner.name
        known = self.refusals.pop(name, None) or Refusals(name, kind, 0, 0.0)
        self.refusals[name] = msgspec.structs.replace(known, kind=kind, times=known.times + 1, last=time.time())
        if len(self.refusals) > REMEMBERED:
            self.refusals.popitem(last=False)
        return NoRoom(own=self.short(hold, kind, octets) == "own")


class Hold:
    """Bytes that one exchange, connection or command holds.

    Attributes:
      owner: for whom; that of the task which takes first, and an account once one is known.
      parts: bytes by kind.
      octets: their sum.
    """

    __slots__ = ("_ledger", "octets", "owner", "parts")

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.owner = _Owner("", 0, stranger=False)
        self.parts: Tally[Kind] = Tally()
        self.octets = 0

    def _settle(self) -> None:
        """Count for an account what was taken before its log-in."""
        owner = self._ledger.present_owner()
        before = self.owner
        if owner is before or (self.octets and (owner.stranger or not owner.name)):
            return
        before.held -= self.octets
        owner.held += self.octets
        if before.stranger:
            self._ledger.strangers -= self.octets
        self._ledger.forget(before)
        self.owner = owner
        self._ledger.add(self, "request", 0)

    def try_take(self, kind: Kind, octets: int) -> bool:
        """Take so much more if there is room now."""
        self._settle()
        if self._ledger.short(self, kind, octets) is not None or self._ledger.has_before(self):
            return False
        self._ledger.add(self, kind, octets)
        return True

    async def take(
        self, kind: Kind, octets: int, seconds: float = WAIT, *, begun: bool = False, apart: bool = False
    ) -> None:
        """Take so much more; wait at most `seconds` for it, but not for the owner's share while more than a handful
        is held. A checkpoint only if it must wait.

        Args:
          begun: it is for a response of which the client has some already.
          apart: it is another item than those that are held, which end by themselves.

        Raises NoRoom.
        """
        if self.try_take(kind, octets):
            return
        ledger, owner = self._ledger, self.owner
        patient = begun or apart or kind in PATIENT or ledger.short(self, kind, octets) != "own"
        if (self.octets > HANDFUL and not patient) or owner.waiting >= (2 * MAX_WAITING if begun else MAX_WAITING):
            raise ledger.refuse(self, kind, octets)
        WAITED.labels(kind=kind).inc()
        ask = _Ask(self, kind, octets, begun=begun)
        ledger.asks.append(ask)
        owner.waiting += 1
        ledger.call()
        try:
            with trio.move_on_after(seconds):
                while not ask.granted.is_set():
                    ledger.make_room(ask)
                    with trio.move_on_after(LOOK):
                        await ask.granted.wait()
        finally:
            owner.waiting -= 1
            if not ask.granted.is_set():
                ledger.asks.remove(ask)
                ledger.call()
        if not ask.granted.is_set():
            raise ledger.refuse(self, kind, octets)

    def count(self, kind: Kind, octets: int) -> None:
        """Count what is there already and can't be refused any more."""
        self._settle()
        self._ledger.add(self, kind, octets)

    def give(self, kind: Kind, octets: int | None = None) -> None:
        """Give back so much of a kind; by default all."""
        octets = self.parts[kind] if octets is None else min(octets, self.parts[kind])
        if octets > 0:
            self._ledger.add(self, kind, -octets)
            self._ledger.call()

    def close(self) -> None:
        """Give all back. The hold may be used again, by another owner."""
        for kind in [*self.parts]:
            self.give(kind)
        self._ledger.forget(self.owner)

    def peer(self, seconds: float, *, shield: bool = False, since: float | None = None) -> Peer:
        """A wait for the peer to send or to read, for `with`. It is cancelled after `seconds`, or, in a shortage, once
        the peer has made no progress for `STALLED` seconds; then the exchange must end. `since`: time of its last
        progress.
        """
        now = trio.current_time()
        scope = trio.CancelScope(deadline=now + seconds, shield=shield)
        return Peer(self._ledger.peers, self, scope, now if since is None else since)


class Peer:
    """A wait for the peer of a hold.

    Attributes:
      scope: of the wait.
      since: time of the last progress.
    """

    __slots__ = ("_moved", "_peers", "hold", "scope", "since")

    def __init__(self, peers: dict[Peer, None], hold: Hold, scope: trio.CancelScope, since: float) -> None:
        self._peers = peers
        self.hold = hold
        self.scope = scope
        self.since = since
        self._moved = 0

    def __enter__(self) -> Self:
        self.scope.__enter__()
        self._peers[self] = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._peers.pop(self, None)
        return self.scope.__exit__(kind, error, traceback)

    def again(self, seconds: float) -> None:
        """Begin the time anew: the peer has taken octets."""
        self.since = trio.current_time()
        self.scope.deadline = self.since + seconds

    def moved(self, octets: int) -> None:
        """Note that the peer has sent or read so much."""
        self._moved += octets
        if self._moved >= SLICE:
            self._moved = 0
            self.since = trio.current_time()


_of_run: Final[trio.lowlevel.RunVar[Ledger]] = trio.lowlevel.RunVar("moxlite.ledger")


def ledger() -> Ledger:
    """The ledger of this run of Trio."""
    try:
        return _of_run.get()
    except LookupError:
        made = Ledger()
        _of_run.set(made)
        return made


def begin(total: int) -> Ledger:
    """Make the ledger of this run of Trio, before anything is held."""
    made = Ledger(total)
    _of_run.set(made)
    return made
