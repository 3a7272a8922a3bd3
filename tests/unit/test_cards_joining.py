"""Links by which one joins an event (RFC 7986 §5.11)."""

import time

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.cards.components import Component, read_components
from moxlite.proto.cards.contentline import Property, property_of
from moxlite.proto.cards.joining import MAX_LINK, is_link, join_of, link_of, mailed_link, with_link


def event(*lines: str) -> Component:
    return read_components("\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT", ""]), "VEVENT")


def lines_of(*lines: str) -> list[Property]:
    made = [property_of(line) for line in lines]
    assert None not in made
    return [line for line in made if line is not None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://meet.example/a?b=c#d", True),
        ("HTTP://meet.example", True),
        ("https://[2001:db8::1]/", True),
        ("https://meet.example/" + "a" * (MAX_LINK - 21), True),
        ("https://meet.example/" + "a" * (MAX_LINK - 20), False),
        ("", False),
        ("https://", False),
        ("https:///a", False),
        ("javascript:alert(1)//https://meet.example", False),
        ("data:text/html,https://meet.example", False),
        ("ftp://meet.example/", False),
        ("see https://meet.example/", False),
        ("https://meet.example/ now", False),
        ('https://meet.example/"onclick="x', False),
        ("https://meet.example/<b>", False),
        ("https://meet.example\\@evil.example", False),
        ("https://meet.example/\n", False),
    ],
)
def test_a_link_is_one_of_the_web(text: str, expected: bool) -> None:
    """WEBMAIL-175b: a page opens no other kind, whatever an invitation has."""
    assert is_link(text) is expected


@pytest.mark.parametrize(
    ("lines", "link", "join"),
    [
        ([], "", ""),
        (
            ["URL:https://u.example", "CONFERENCE:https://c.example", "CONFERENCE:https://d.example"],
            "https://c.example",
            None,
        ),
        (["URL:https://u.example", "CONFERENCE:tel:+49"], "https://u.example", None),
        (["URL: https://u.example ", "LOCATION:https://l.example"], "https://u.example", None),
        (["URL:mailto:a@b.example", "LOCATION:Room 1 (https://l.example/a?b)."], "", "https://l.example/a?b"),
        (["LOCATION:https://l.example\\, room 2"], "", "https://l.example"),
        (["LOCATION:https://l.example/a\\;b\\nhttps://m.example"], "", "https://l.example/a;b"),
        (["LOCATION:javascript:x"], "", ""),
        (["LOCATION:" + "x" * MAX_LINK * 4 + "https://l.example"], "", ""),
        (["LOCATION:https://l.example/" + "x" * MAX_LINK], "", ""),
        (["LOCATION:HTTP://l.example/X!?"], "", "HTTP://l.example/X"),
    ],
)
def test_an_event_is_joined_by_its_own_link_else_by_one_in_its_place(
    lines: list[str], link: str, join: str | None
) -> None:
    """WEBMAIL-175b: CONFERENCE, URL, LOCATION; the sentence around a link is not part of it."""
    assert link_of(event(*lines)) == link
    assert join_of(event(*lines)) == (link if join is None else join)


@pytest.mark.parametrize(
    ("lines", "link"),
    [
        ([], None),
        (["CONFERENCE;VALUE=URI;LABEL=x:https://c.example", "CONFERENCE:https://d.example"], "https://c.example"),
        (["CONFERENCE:tel:+49", "CONFERENCE:http://c.example", "CONFERENCE: HTTPS://d.example "], "HTTPS://d.example"),
        (["X-GOOGLE-CONFERENCE:https://g.example"], "https://g.example"),
        (["X-MICROSOFT-SKYPETEAMSMEETINGURL:https://m.example"], "https://m.example"),
        (
            ["X-MICROSOFT-SKYPETEAMSMEETINGURL:https://m.example", "X-GOOGLE-CONFERENCE:https://g.example"],
            "https://g.example",
        ),
        (["X-GOOGLE-CONFERENCE:https://g.example", "CONFERENCE:https://c.example"], "https://c.example"),
        (["CONFERENCE:http://c.example", "X-GOOGLE-CONFERENCE:http://g.example"], None),
        (["URL:https://u.example", "LOCATION:https://l.example"], None),
    ],
)
def test_one_link_of_an_event_that_came_by_mail_stays(lines: list[str], link: str | None) -> None:
    """DAV-29: https alone, as CONFERENCE without what its sender has added to it."""
    found = mailed_link(lines_of(*lines))
    assert found == (None if link is None else property_of(f"CONFERENCE;VALUE=URI:{link}"))


OWN = (
    "SUMMARY:x",
    "CONFERENCE:https://old.example",
    "URL: https://old.example",
    "URL:https://u.example",
    "X-A:https://old.example",
)


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ("https://old.example", OWN),
        ("", ("SUMMARY:x", "URL:https://u.example", "X-A:https://old.example")),
        (
            "https://new.example",
            (
                "SUMMARY:x",
                "URL:https://u.example",
                "X-A:https://old.example",
                "CONFERENCE;VALUE=URI:https://new.example",
            ),
        ),
    ],
)
def test_another_link_replaces_the_old_one_alone(new: str, expected: tuple[str, ...]) -> None:
    """WEBMAIL-175b: other lines stay."""
    assert with_link(lines_of(*OWN), "https://old.example", new) == lines_of(*expected)


@given(st.text(st.sampled_from('https:/.a[]<>"\\^`{|} \t;,()!?'), max_size=80))
def test_any_place_gives_a_link_or_none(text: str) -> None:
    """WEBMAIL-175b"""
    found = join_of(event("LOCATION:" + text, "URL:" + text))
    assert not found or is_link(found)


def test_a_long_place_is_searched_quickly() -> None:
    """WEBMAIL-175b"""
    began = time.thread_time()
    assert join_of(event("LOCATION:" + "https://" * 100_000)) == ""
    assert time.thread_time() - began < 1
