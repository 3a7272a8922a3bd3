"""Types of JMAP objects (JMAP-5b)."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from moxlite.proto.cards import jspatches
from moxlite.web.jmap import protocol
from moxlite.web.jmap.contacts import CARD_TYPE
from moxlite.web.jmap.events import TYPE as EVENT_TYPE
from moxlite.web.jmap.protocol import Object, SetError
from moxlite.web.jmap.standard import ObjectType, patched
from tests.tools import top

TYPE = ObjectType("Thing", "RFC 1 §2", settable=("name", "marks"), fixed=("id", "email"), once=("email",))
THING = {"id": "T1", "name": "a", "marks": {"x": True}, "email": "a@example.org"}


KINDS = (
    "alreadyExists",
    "blobNotFound",
    "cannotUnsend",
    "forbidden",
    "forbiddenFrom",
    "forbiddenMailFrom",
    "forbiddenToSend",
    "invalidEmail",
    "invalidPatch",
    "invalidProperties",
    "invalidRecipients",
    "invalidSieve",
    "mailboxHasChild",
    "mailboxHasEmail",
    "mdnAlreadySent",
    "noRecipients",
    "notFound",
    "overQuota",
    "rateLimit",
    "sieveIsActive",
    "singleton",
    "tooLarge",
    "tooManyKeywords",
    "tooManyMailboxes",
    "tooManyRecipients",
    "willDestroy",
)
"""SetErrors of RFC 8620 §5.3 and §5.4, 8621, 9007 and 9661: programs know what to do about these alone."""


def test_set_errors_are_those_of_the_documents() -> None:
    """JMAP-5c: stateMismatch isn't one."""
    texts = [path.read_text() for path in Path(protocol.__file__).parent.glob("*.py")]
    kinds = {kind for text in texts for kind in re.findall(r'SetError\(\s*"(\w+)"', text)}
    assert "notFound" in kinds
    assert kinds <= {*KINDS}, kinds - {*KINDS}


def test_a_patch_changes_settable_properties_alone() -> None:
    """JMAP-5b: the server's may be repeated."""
    assert TYPE.properties == ("id", "name", "marks", "email")
    assert TYPE.patched(THING, {"marks/y": True, "id": "T1"}) == {"name": "a", "marks": {"x": True, "y": True}}
    for patch in ({"email": "b@example.org"}, {"id": "T2"}, {"more": 1}):
        with pytest.raises(SetError):
            TYPE.patched(THING, patch)


@pytest.mark.parametrize("change", [partial(patched, fixed={}), jspatches.patched])
def test_paths_into_one_object_copy_it_once(change: Callable[[Object, Object], Object]) -> None:
    """JMAP-5a, JMAP-72: 2,000 paths into an object of as many members; what was before stays as it is."""

    class Counted(dict[str, Any]):
        copies = 0

        def __iter__(self) -> Any:  # with an own one, `dict` asks what it copies for its keys
            return super().__iter__()

        def keys(self) -> Any:
            Counted.copies += 1
            return super().keys()

    days = Counted({f"d{number}": {"title": "a", "more": {"x": 1}} for number in range(2_000)})
    before: Object = {"days": days}
    found = change(before, {f"days/d{number}/more/x": number for number in range(2_000)})
    assert Counted.copies == 1
    assert (found["days"]["d7"], before["days"]["d7"]) == (
        {"title": "a", "more": {"x": 7}},
        {"title": "a", "more": {"x": 1}},
    )
    assert change(before, {"days/d7/more/x": None, "days/d7/title": "b"})["days"]["d7"] == {
        "title": "b",
        "more": {},
    }
    if change is jspatches.patched:
        assert change(before, {"days/d7/none/x": 1, "days/d7/title/x": 1, "/".join("abcdefghijkl"): 1}) == before
        return
    for path in ("days/d7/none/x", "days/d7/title/x"):
        with pytest.raises(SetError, match=path):
            patched(before, {path: 1}, fixed={})


USED = {
    "CalendarEvent": """@type uid id calendarIds prodId start timeZone duration showWithoutTime endTimeZone title
        description locations virtualLocations links color status freeBusyStatus privacy sequence created updated alerts
        organizerCalendarAddress participants recurrenceRule recurrenceOverrides utcStart utcEnd baseEventId isOrigin
        recurrenceId recurrenceIdTimeZone""",
    "ContactCard": """@type version id addressBookIds uid kind members prodId created updated name nicknames
        organizations titles emails phones onlineServices addresses anniversaries notes keywords links media""",
}
"""Properties that the server and the webmail act on, or that other protocols show. The tests of JMAP-62, JMAP-71 and
DAV-24 have them."""


@pytest.mark.parametrize("kind", [EVENT_TYPE, CARD_TYPE], ids=lambda kind: kind.name)
def test_properties_without_an_effect_are_named(kind: ObjectType) -> None:
    """JMAP-5e: a property that is only kept says so in docs/jmap.md, or programs promise their users something."""
    page = (top() / "docs/jmap.md").read_text().partition("aren't used by moxlite itself:")[2].partition("## ")[0]
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    owner = {"CalendarEvent": "contacts", "ContactCard": "events"}[kind.name]
    named = {name for row in rows if owner not in row for name in re.findall(r"`(\w+)`", row)}
    used = set(USED[kind.name].split())
    assert used & set(kind.properties) == used
    assert sorted(set(kind.properties) - used - named) == []
    assert sorted(used & named) == []
