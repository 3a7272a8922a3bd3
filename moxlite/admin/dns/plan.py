"""The plan: changes that bring the records of zones to the wanted ones (ADMIN-71a, 71c). Pure.

The rule: nothing that the owner has set is lost by chance. Missing records are added. Records that this server has
published, and that are not wanted any more, are removed. A text of which there may be only one (SPF, DMARC, TLSRPT) is
replaced by one that keeps what the old one permits, as the check would advise. Any other set that differs stays, with a
note, unless the owner asks to replace it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import dns.rdata
import msgspec

from moxlite.admin.dns.wanted import POLICY, TOPICS, Group, Kind, WantedRecord, group_of, merged_report, merged_spf
from moxlite.admin.dns.zonefile import rdata_of

Data: TypeAlias = dns.rdata.Rdata

Slot: TypeAlias = tuple[str, Kind]
"""Absolute name in lower case, and type, of a set of records."""

Found: TypeAlias = Mapping[Slot, Sequence[Data]]
"""Sets of records at the name server; absent sets are missing or empty."""

OTHERS: Final[tuple[Kind, ...]] = ("A", "AAAA", "TXT", "MX")
"""Types that are looked for where an alias is wanted: none may be beside it (RFC 1034 §3.6.2)."""


class Published(msgspec.Struct, frozen=True):
    """A record that this server has published; `wanted`: its text before that of others was merged into it."""

    data: Data
    wanted: str = ""


Ours: TypeAlias = Mapping[Slot, Sequence[Published]]


class Change(msgspec.Struct, frozen=True):
    """Change of one set of records.

    before: all records of the set; the change is made only if they are still the same. remove, add: in the order of the
    list of wanted records.
    """

    name: str
    kind: Kind
    before: tuple[Data, ...]
    remove: tuple[Data, ...]
    add: tuple[Data, ...]

    def lines(self) -> list[str]:
        """The records as lines of a zone file, with "-" or "+" before them."""
        pairs = [("-", rdata) for rdata in self.remove] + [("+", rdata) for rdata in self.add]
        return [f"{sign} {self.name} {self.kind} {rdata.to_text()}" for sign, rdata in pairs]

    @property
    def group(self) -> Group:
        """Part of a plan that shows the change. Rules that are kept, removed, or join other senders' and CAs' are
        settings: they bind no more than before.
        """
        group = group_of(self.name, self.kind, (self.add or self.remove)[0].to_text())
        if group != "rules":
            return group
        bound = any(group_of(self.name, self.kind, rdata.to_text()) == "rules" for rdata in self.before)
        return "rules" if self.add and not bound else "settings"


class Note(msgspec.Struct, frozen=True):
    """Records that stay as they are.

    text: one line, with the reason. kind: type of the records; None: a zone or key is meant. replaceable: `replace`
    would change them.
    """

    text: str
    kind: Kind | None = None
    replaceable: bool = False


class Plan(msgspec.Struct, frozen=True):
    """changes: in the order of the wanted records. left: what stays as it is."""

    changes: tuple[Change, ...]
    left: tuple[Note, ...] = ()


class ZonePlan(msgspec.Struct, frozen=True):
    """Changes in one zone; ``plan.left`` also names records that cannot be changed at this server."""

    zone: str
    plan: Plan


ADDED: Final[frozenset[Kind]] = frozenset({"TLSA", "CAA"})
"""Types whose records may be added beside others: one more key or CA never does harm."""


def slots_of(wanted_records: Iterable[WantedRecord], ours: Ours) -> list[Slot]:
    """The sets that a plan has to know: the wanted ones, ours, and the ones that could be in their way."""
    found: dict[Slot, None] = {}
    for wanted_record in wanted_records:
        name = wanted_record.name.lower()
        found.update(
            dict.fromkeys(
                (name, kind)
                for kind in (wanted_record.kind, *(OTHERS if wanted_record.kind == "CNAME" else ("CNAME",)))
            )
        )
    return [*found, *(slot for slot in ours if slot not in found)]


def make_plan(
    wanted_records: Iterable[WantedRecord], found: Found, ours: Ours | None = None, *, replace: bool = False
) -> Plan:
    """Compare wanted records with those at the server.

    Args:
      ours: records that this server has published.
      replace: also replace sets that differ: MX and SRV records, addresses, aliases, keys.
    """
    ours = ours or {}
    slots: dict[Slot, list[WantedRecord]] = {}
    for wanted_record in wanted_records:
        slots.setdefault((wanted_record.name.lower(), wanted_record.kind), []).append(wanted_record)
    changes: list[Change] = []
    left: list[Note] = []
    for (name, kind), records in slots.items():
        before = tuple(found.get((name, kind), ()))
        conflict = _conflict(name, kind, found)
        if conflict:
            left.append(Note(conflict, kind))
            continue
        published = ours.get((name, kind), ())
        remove, add = _difference(records, before, published)
        own = [record.data for record in published]
        others = [rdata for rdata in remove if rdata not in own]
        if kind == "CAA" and not any(rdata not in own for rdata in before) and all(record.joins for record in records):
            remove, add = [rdata for rdata in before if rdata in own], []
        if kind not in ADDED and others and not replace and not all(record.merge for record in records):
            left += [Note(f"keeping {name} {kind} {rdata.to_text()}", kind, replaceable=True) for rdata in others]
            continue
        if kind == "CAA" or (kind in ADDED and not replace):
            remove = [rdata for rdata in remove if rdata in own]
        if remove or add:
            changes.append(Change(name, kind, before, tuple(remove), tuple(add)))
    for (name, kind), published in ours.items():
        before = tuple(found.get((name, kind), ()))
        own = [record.data for record in published if record.data in before]
        if (name, kind) not in slots and own:
            changes.append(Change(name, kind, before, tuple(own), ()))
    return Plan(tuple(changes), tuple(left))


def reversed_changes(changes: Iterable[Change], found: Found) -> list[Change]:
    """Changes that undo others, last first, as far as their records are still there, or not."""
    back = []
    for change in reversed(list(changes)):
        before = tuple(found.get((change.name, change.kind), ()))
        remove = tuple(data for data in change.add if data in before)
        add = tuple(data for data in change.remove if data not in before)
        if remove or add:
            back.append(Change(change.name, change.kind, before, remove, add))
    return back


def _conflict(name: str, kind: Kind, found: Found) -> str:
    """Text of a note if an alias is in the way of other records, or they of an alias (RFC 1034 §3.6.2); else ""."""
    if kind != "CNAME" and found.get((name, "CNAME")):
        return f"skipping {name} {kind} because of an existing CNAME"
    if kind == "CNAME" and any(found.get((name, other)) for other in OTHERS):
        return f"skipping {name} CNAME because other records already exist"
    return ""


def _difference(
    records: Sequence[WantedRecord], before: Sequence[Data], ours: Sequence[Published]
) -> tuple[list[Data], list[Data]]:
    """Records of one set to remove and to add."""
    if records[0].kind == "TXT":
        remove: list[Data] = []
        add: list[Data] = []
        for record in records:
            old, new = _text_difference(record, before, ours)
            remove += old
            add += new
        return remove, add
    wanted = [rdata_of(wanted_record.kind, wanted_record.value) for wanted_record in records]
    return [rdata for rdata in before if rdata not in wanted], [rdata for rdata in wanted if rdata not in before]


def _text_difference(
    wanted_record: WantedRecord, before: Sequence[Data], ours: Sequence[Published]
) -> tuple[list[Data], list[Data]]:
    """As `_difference`, for one text. Texts at the same name with another beginning are left alone."""
    start = TOPICS[wanted_record.topic].start
    same = {text: data for data in before if (text := text_of(data)).lower().startswith(start.lower())}
    value, kept = str(wanted_record.value), list(same)
    if wanted_record.merge is merged_spf:
        former = {term for published in ours for term in published.wanted.split()} - set(value.split())
        kept = [" ".join(term for term in text.split() if term not in former) for text in same]
    elif wanted_record.merge is merged_report:
        # of a record that is all ours, the policy follows the configuration
        own = {text_of(published.data) for published in ours}
        kept = [text for text in same if text not in own or POLICY.sub("", text) != POLICY.sub("", value)]
    value = str(wanted_record.merged(kept).value)
    remove = [data for text, data in same.items() if text != value]
    return remove, [] if value in same else [rdata_of("TXT", value)]


def text_of(data: Data) -> str:
    """The text of a TXT record, its strings joined."""
    strings: Sequence[bytes] = getattr(data, "strings", ())
    return b"".join(strings).decode("ascii", "surrogateescape")
