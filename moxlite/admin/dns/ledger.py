"""The records that this server has published in DNS, and the steps that `dns undo` takes back (ADMIN-71c).

A step is written down before it is made: after a crash in the middle, all that may have been changed is known, and the
next plan goes on from what the zone really has.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import dns.exception
import msgspec

from moxlite.admin.dns.plan import Change, Ours, Published, Slot, ZonePlan
from moxlite.admin.dns.wanted import Kind, WantedRecord, merged_spf
from moxlite.admin.dnsproviders.accounts import DNSFiles
from moxlite.admin.dnsproviders.messages import data_of
from moxlite.encoding import from_json, to_json
from moxlite.proto.address import Domain

MAX_STEPS: Final = 50
"""Steps that can be undone, of one domain; the oldest go."""


class Owned(msgspec.Struct, frozen=True):
    """A record that this server has published; `wanted` as in `Published`."""

    zone: str
    name: str
    kind: Kind
    data: str
    wanted: str = ""


class RecordChange(msgspec.Struct, frozen=True):
    """A change of a set of records: the data that were removed and added, as texts."""

    zone: str
    name: str
    kind: Kind
    remove: tuple[str, ...]
    add: tuple[str, ...]


class Step(msgspec.Struct, frozen=True):
    """Changes that were made at once. at: seconds UTC. done: False while they are made. taken: records of ours that
    they removed.
    """

    at: float
    changes: tuple[RecordChange, ...]
    done: bool = False
    taken: tuple[Owned, ...] = ()


class State(msgspec.Struct, frozen=True):
    """The state of a domain."""

    owned: tuple[Owned, ...] = ()
    steps: tuple[Step, ...] = ()


class Ledger:
    """The state of one domain, on disk. Methods raise OSError.

    Raises OSError; msgspec.DecodeError for a file that is damaged.
    """

    def __init__(self, files: DNSFiles, domain: Domain) -> None:
        data = files.state(domain)
        self._files = files
        self._domain = domain
        self.state = State() if data is None else from_json(data, State)

    def ours(self) -> Ours:
        """The published records, by set."""
        found: dict[Slot, list[Published]] = {}
        for one in self.state.owned:
            try:
                data = data_of(one.kind, one.data)
            except dns.exception.DNSException:
                continue  # written by a version that knew more
            found.setdefault((one.name, one.kind), []).append(Published(data, one.wanted))
        return found

    def begin(self, plans: Iterable[ZonePlan], wanted_records: Iterable[WantedRecord]) -> None:
        """Write down what will be changed."""
        made = tuple(_made(plan.zone, change) for plan in plans for change in plan.plan.changes)
        texts = {
            (wanted_record.name.lower(), wanted_record.kind): str(wanted_record.value)
            for wanted_record in wanted_records
            if wanted_record.merge is merged_spf
        }
        new = [
            Owned(
                record_change.zone,
                record_change.name,
                record_change.kind,
                data,
                texts.get((record_change.name, record_change.kind), ""),
            )
            for record_change in made
            for data in record_change.add
        ]
        known = {(one.name, one.kind, one.data) for one in new}
        kept = [one for one in self.state.owned if (one.name, one.kind, one.data) not in known]
        steps = (*self.state.steps, Step(time.time(), made))[-MAX_STEPS:]
        self._write(State((*kept, *new), steps))

    def finish(self) -> None:
        """Write down that the last step is made."""
        last = self.state.steps[-1]
        gone = {(change.name, change.kind, data) for change in last.changes for data in change.remove}
        taken = tuple(one for one in self.state.owned if (one.name, one.kind, one.data) in gone)
        owned = tuple(one for one in self.state.owned if one not in taken)
        steps = (*self.state.steps[:-1], msgspec.structs.replace(last, done=True, taken=taken))
        self._write(State(owned, steps))

    def last(self) -> Mapping[str, Sequence[Change]]:
        """The changes of the last step, by zone; none if there is no step."""
        found: dict[str, list[Change]] = {}
        for record_change in self.state.steps[-1].changes if self.state.steps else ():
            groups = [
                tuple(data_of(record_change.kind, text) for text in group)
                for group in (record_change.remove, record_change.add)
            ]
            found.setdefault(record_change.zone, []).append(Change(record_change.name, record_change.kind, (), *groups))
        return found

    def undone(self) -> None:
        """Write down that the last step is undone: its records are not ours any more, those that it took are again."""
        last = self.state.steps[-1]
        gone = {(change.name, change.kind, data) for change in last.changes for data in change.add}
        owned = tuple(one for one in self.state.owned if (one.name, one.kind, one.data) not in gone)
        self._write(State((*owned, *last.taken), self.state.steps[:-1]))

    def _write(self, state: State) -> None:
        self._files.set_state(self._domain, to_json(state))
        self.state = state


def _made(zone: str, change: Change) -> RecordChange:
    groups = [tuple(rdata.to_text() for rdata in group) for group in (change.remove, change.add)]
    return RecordChange(zone, change.name, change.kind, *groups)
