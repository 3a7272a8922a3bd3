"""The link by which one joins an event: CONFERENCE (RFC 7986 §5.11), URL (RFC 5545 §3.8.4.6), or one in the place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from moxlite.proto.cards.components import Component
from moxlite.proto.cards.contentline import Property, escaped, property_of, unescaped, with_value

MAX_LINK: Final = 2000
"""Characters of a link; browsers and servers take about as many."""

LINK: Final = re.compile(r"(?i)https?://[a-z0-9\[][^\s<>\"\\^`{|}]*")
"""A link of the web; a page opens no other kind."""


MEETINGS: Final = ("X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL")
"""Properties in which programs name the link of an online meeting."""


def is_link(text: str) -> bool:
    """Whether a text is a link that one can follow."""
    return len(text) <= MAX_LINK and LINK.fullmatch(text) is not None


def link_of(part: Component) -> str:
    """Event's own meeting link, from CONFERENCE or else URL; "" without one."""
    lines = [*part.all("CONFERENCE"), *part.all("URL")]
    return next((value for line in lines if is_link(value := line.value.strip())), "")


def join_of(part: Component) -> str:
    """The link by which one joins: its own, else the first in the place; "" for none."""
    if link := link_of(part):
        return link
    match = LINK.search(unescaped(part.value("LOCATION")[: 4 * MAX_LINK]))
    text = "" if match is None else match[0].rstrip(".,;:!?)")
    return text if is_link(text) else ""


def with_shown_links(calendar: Component) -> Component:
    """A calendar whose events have their meeting links in their place, or below their description: Outlook, Apple's
    calendar and Thunderbird don't show CONFERENCE.
    """
    parts = [_with_shown_link(part) if part.name == "VEVENT" else part for part in calendar.components]
    return Component(calendar.name, calendar.properties, parts)


def _with_shown_link(part: Component) -> Component:
    link = link_of(part)
    place, text = part.first("LOCATION"), part.first("DESCRIPTION")
    if not link or any(line is not None and link in unescaped(line.value) for line in (place, text)):
        return part
    if place is None or not place.value.strip():
        kept = [line for line in part.properties if line.name != "LOCATION"]
        made = property_of(f"LOCATION:{escaped(link)}")
    else:
        kept = [line for line in part.properties if line is not text]
        below = escaped(f"\n{link}")
        made = property_of(f"DESCRIPTION:{escaped(link)}") if text is None else with_value(text, text.value + below)
    assert made is not None
    return Component(part.name, [*kept, made], part.components)


def mailed_link(lines: Sequence[Property]) -> Property | None:
    """CONFERENCE of an event that came by mail: the first https link there, or in what programs write in its place."""
    for name in ("CONFERENCE", *MEETINGS):
        for line in lines:
            link = line.value.strip()
            if line.name == name and is_link(link) and link[:8].lower() == "https://":
                return property_of(f"CONFERENCE;VALUE=URI:{link}")
    return None


def with_link(made: Sequence[Property], old: str, new: str) -> list[Property]:
    """Properties with another link of their own in place of an old one; others of CONFERENCE and URL stay."""
    if old == new:
        return list(made)
    kept = [line for line in made if not (line.name in ("CONFERENCE", "URL") and line.value.strip() == old)]
    line = property_of(f"CONFERENCE;VALUE=URI:{new}") if new else None
    return kept if line is None else [*kept, line]
