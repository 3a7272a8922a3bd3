"""Turns in which Sieve scripts run, the time that they get, and scripts that are ready to run (IMAP-142c).

A script runs in a thread, which shares the interpreter with the event loop and all other threads. So an account runs
one at a time, and all accounts two: who gets much mail, or has a slow script, waits for itself.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

import msgspec
import trio

from moxlite.store.delivery.scripts import Compiled

if TYPE_CHECKING:
    from moxlite.proto.sieve.program import Program

AT_ONCE: Final = 2
"""Scripts that run at a time: each takes up to 16 MB, and a share of the interpreter."""

SECONDS: Final = 1.0
"""Seconds of a thread for one run; its counted bounds end it far earlier."""

KEPT: Final = 128 << 10
"""Octets of the texts of scripts kept ready to run: the scripts of some 60 accounts. One takes up to 80 times its
text.
"""


class _Turns(msgspec.Struct, frozen=True):
    """The turns of one run of Trio: of all accounts, and of each that waits or runs."""

    all: trio.CapacityLimiter
    accounts: WeakValueDictionary[str, trio.Lock]


_turns: Final[trio.lowlevel.RunVar[_Turns]] = trio.lowlevel.RunVar("moxlite.acceptance.sieve.turns")


@asynccontextmanager
async def turn_of(account: str) -> AsyncIterator[None]:
    """Wait for the turn of an account, which lasts as long as the block. Each account that waits comes after one run of
    each other one.
    """
    try:
        turns = _turns.get()
    except LookupError:
        turns = _Turns(trio.CapacityLimiter(AT_ONCE), WeakValueDictionary())
        _turns.set(turns)
    own = turns.accounts.setdefault(account, trio.Lock())
    async with own, turns.all:
        yield


def time_limit() -> Callable[[], bool]:
    """Tells whether this thread has used SECONDS more since."""
    end = time.thread_time() + SECONDS
    return lambda: time.thread_time() > end


class Included(Mapping[str, "Program"]):
    """The scripts of an account by name, each made ready when it is included: all of them would take much memory."""

    def __init__(self, scripts: Mapping[str, Compiled]) -> None:
        self._scripts = scripts

    def __getitem__(self, name: str) -> Program:
        program = ready(self._scripts[name])
        if program is None:
            raise KeyError(name)
        return program

    def __iter__(self) -> Iterator[str]:
        return iter(self._scripts)

    def __len__(self) -> int:
        return len(self._scripts)


class _Kept:
    """Scripts kept ready, those used last; of all accounts, for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._programs: OrderedDict[tuple[bytes, bytes], Program | None] = OrderedDict()
        self._size = 0

    def get(self, one: Compiled) -> Program | None:
        """A script ready to run."""
        key = (one.packed, one.text)
        with self._lock:
            if key in self._programs:
                self._programs.move_to_end(key)
                return self._programs[key]
        program = _built(one)
        with self._lock:
            if key not in self._programs:
                self._programs[key] = program
                self._size += len(one.text)
            while self._size > KEPT and len(self._programs) > 1:
                (_, text), _ = self._programs.popitem(last=False)
                self._size -= len(text)
        return program


_kept: Final = _Kept()


def ready(one: Compiled) -> Program | None:
    """A script ready to run; None for a text that this version refuses. Blocks for up to a tenth of a second."""
    return _kept.get(one)


def _built(one: Compiled) -> Program | None:
    from moxlite.proto.sieve.checker import check  # 1 MB that a server without scripts saves
    from moxlite.proto.sieve.errors import ScriptError
    from moxlite.proto.sieve.program import Program
    from moxlite.proto.sieve.script import unpack

    try:
        return Program(unpack(one.packed) or check(one.text))
    except ScriptError:
        return None
