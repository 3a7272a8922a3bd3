"""Names of mailboxes on other servers to names here and back (moxlite/admin/imapcopy/names.py)."""

import pytest
from hypothesis import given, strategies as st

from moxlite.migration.names import RemoteBox, excluded, mapped, name_there, personal_prefix, places, uses_of
from moxlite.proto.imap.responses import ListData
from moxlite.store.errors import BadMailboxName
from moxlite.store.names import check_name
from moxlite.store.options import INITIAL_SPECIAL_USE
from moxlite.store.types import SpecialUse

NONE = SpecialUse(0)


def listing(*rows: str, separator: str = "/", google: bool = False) -> list[RemoteBox]:
    """Mailboxes of a listing; a row is a name, and its attributes behind it."""
    found = [ListData(tuple(row.split("|")[1:]), row.split("|")[0], separator) for row in rows]
    return uses_of(found, {"Work"}, separator, google=google)


def targets(*rows: str, separator: str = "/", google: bool = False, **options: object) -> dict[str, str]:
    """Where they go."""
    found = places(listing(*rows, separator=separator, google=google), own=INITIAL_SPECIAL_USE, **options)  # type: ignore[arg-type] # as given
    return {place.box.name: place.target for place in found}


def test_special_uses_by_attribute_come_before_well_known_names() -> None:
    """IMAP-139."""
    assert targets("Inbox", "Gesendet", "Sent Items|\\Sent", "Papierkorb", "Work|\\HasNoChildren") == {
        "Inbox": "Inbox",
        "Sent Items": "Sent",
        "Papierkorb": "Trash",
        "Gesendet": "Gesendet",
        "Work": "Work",
    }
    assert [box.subscribed for box in listing("Work", "Play|\\Subscribed", "Other")] == [False, True, True]


def test_a_prefix_and_other_separators_are_mapped() -> None:
    """IMAP-139: ``INBOX.`` of Courier and Cyrus; a slash within an element."""
    rows = ("INBOX", "INBOX.Sent", "INBOX.Lists.a/b", "INBOX.Drafts")
    assert targets(*rows, separator=".") == {
        "INBOX": "Inbox",
        "INBOX.Sent": "Sent",
        "INBOX.Drafts": "Drafts",
        "INBOX.Lists.a/b": "Lists/a_b",
    }
    # Where other mailboxes are beside Inbox, those in it are below it.
    assert targets("INBOX", "INBOX.Lists", "Work", separator=".")["INBOX.Lists"] == "Inbox/Lists"


def test_what_only_shows_other_mailboxes_is_left_out() -> None:
    r"""IMAP-139: ``\All``, ``\Flagged`` and the like; of Google ``\All`` comes last, into Archive."""
    rows = ("INBOX", "All|\\All", "Starred|\\Flagged", "[G]|\\Noselect", "Important|\\Important", "Zoo")
    assert targets(*rows) == {"INBOX": "Inbox", "Zoo": "Zoo"}
    assert list(targets(*rows, google=True).items())[-1] == ("All", "Archive")


def test_maps_excludes_and_a_prefix() -> None:
    """IMAP-137."""
    rows = ("INBOX", "Work", "Work/2019", "Work/2019/May", "Spam", "Spam/old", "Sent|\\Sent")
    assert targets(*rows, maps=[("Work", "Job"), ("Work/2019", "Old")], excludes=["spa*"]) == {
        "INBOX": "Inbox",
        "Sent": "Sent",
        "Work": "Job",
        "Work/2019": "Old",
        "Work/2019/May": "Old/May",
    }
    found = targets("INBOX", "Sent|\\Sent", prefix="old/", maps=[("inbox", "Mail")])
    assert found == {"INBOX": "Mail", "Sent": "old/Sent"}


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("Work", "work/a", True),
        ("%", "a/b", True),
        ("a/%", "a/b/c", True),
        ("b%", "a/b", False),
        ("*b", "a/b", True),
        ("*" * 500 + "x", "y" * 1000, False),
        ("", "a", False),
    ],
)
def test_patterns(pattern: str, name: str, matches: bool) -> None:
    """IMAP-137: a pattern takes what is below along; it costs no backtracking."""
    assert excluded(name, "/", [pattern]) is matches


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4), st.sampled_from(["/", ".", "\\", ""]))
def test_every_name_becomes_one_that_may_be_here(elements: list[str], separator: str) -> None:
    """IMAP-139: whatever a server calls its mailboxes."""
    name = separator.join(elements)
    for target in targets(name, separator=separator).values():
        try:
            check_name(target)
        except BadMailboxName as error:
            assert "longer" in str(error) or "deeper" in str(error)  # noqa: PT017 - said, and left out


def test_names_for_an_export() -> None:
    """IMAP-139: to the separator and prefix of the target."""
    assert name_there("Inbox", ".", "INBOX.") == "INBOX"
    assert name_there("Inbox/a.b", ".", "INBOX.") == "INBOX.a_b"
    assert name_there("Work/v1.2", ".", "INBOX.") == "INBOX.Work.v1_2"
    assert name_there("Work/a", "/", "") == "Work/a"
    assert name_there("Work/a", "", "") == "Work_a"
    assert personal_prefix(["INBOX", "INBOX.a"], ".") == "INBOX."
    assert personal_prefix(["INBOX"], ".") == ""
    assert mapped("a/b", "/", [("a", "x"), ("a/b", "y")]) == "y"
