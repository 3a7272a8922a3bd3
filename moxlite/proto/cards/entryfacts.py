"""Facts of entries of calendars, by which views show them without reading them: computed once from the octets (by
`entryreading`) and stored beside them as msgpack of arrays. A change of the layout or of the meaning of a field raises
`FACTS_VERSION`, so that the stored ones are computed anew.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Final, Literal

import msgspec

from moxlite.encoding import msgpack_decoder, to_msgpack
from moxlite.proto.cards.components import Instance

FACTS_VERSION: Final = 3
"""Of the layout and meaning of all fields."""

MAX_PERIODS: Final = 10_000
"""Periods of a VFREEBUSY that count: as many as an answer has."""


class PartFacts(msgspec.Struct, frozen=True, array_like=True):
    """Facts of a component, which all its instances share.

    Attributes:
      starts, ends: seconds of its own time, UTC or by `clock`.
      clock: "utc" since 1970; "local", the same on all clocks, and "date", whole days, both counted as if in UTC.
      free, status: TRANSP, and STATUS in capitals.
      people: PARTSTAT of attendees in capitals, "" for none, by address in lower case.
      link: by which one joins, as `joining.join_of` has it. colour: `#rrggbb`, "" for that of the calendar.
    """

    starts: int
    ends: int
    clock: Literal["utc", "local", "date"]
    title: str
    place: str
    free: bool
    status: str
    people: dict[str, str]
    link: str = ""
    colour: str = ""


class EntryFacts(msgspec.Struct, frozen=True, array_like=True):
    """Facts of an entry.

    Attributes:
      privacy: as `privacy.privacy_of` has it.
      main: number of the component that the others are exceptions of, else of the first.
      organizer: address in lower case, "" for one without a mail address, None for an entry without an organizer.
      answered: the server answers the organizer for its attendees (SCHEDULE-AGENT).
      periods: of a VFREEBUSY, seconds UTC and FBTYPE.
    """

    privacy: str
    repeated: bool
    main: int
    organizer: str | None
    answered: bool
    parts: list[PartFacts]
    periods: list[tuple[int, int, str]] = []

    @property
    def single(self) -> Instance:
        """The only instance of an entry that doesn't repeat."""
        part = self.parts[self.main]
        return Instance(part.starts, part.ends, "", self.main)

    def invites(self, own: Set[str]) -> bool:
        """Whether a user with these addresses is an attendee who can answer, as `itip.role_of` has it."""
        if self.organizer is None or self.organizer in own or not self.answered:
            return False
        return any(address in part.people for part in self.parts for address in own)

    def for_guest(self) -> EntryFacts | None:
        """The facts that a guest of the calendar sees; None for a secret entry."""
        if self.privacy == "public":
            return self
        if self.privacy == "secret":
            return None
        hidden = {"title": "", "place": "", "status": "", "people": {}, "link": "", "colour": ""}
        parts = [msgspec.structs.replace(part, **hidden) for part in self.parts]
        return msgspec.structs.replace(self, organizer=None, parts=parts)


def encode_facts(facts: EntryFacts) -> bytes:
    """The stored form."""
    return to_msgpack(facts)


def decode_facts(data: bytes) -> EntryFacts:
    """Facts from their stored form, of `FACTS_VERSION`. Raises msgspec.DecodeError for damaged ones."""
    return _decoder.decode(data)


_decoder: Final = msgpack_decoder(EntryFacts)
