"""JSContact and vCard into each other (RFC 9553, RFC 9555)."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.cards.cardobject import BadCard, read_card
from moxlite.proto.cards.components import write_component
from moxlite.proto.cards.jscontact import BadContact, card_of, changed_card, jscontact_of

CARD = """BEGIN:VCARD
VERSION:4.0
UID:urn:uuid:1
FN:Dr. Ada Lind
N:Lind;Ada;Maria,Eva;Dr.;
NICKNAME:Adi
ORG;TYPE=work:Nordlicht;Research\\, East
TITLE:Engineer
ROLE;PROP-ID=r9:Speaker
EMAIL;TYPE=work;PREF=1;PROP-ID=mail:ada@nordlicht.example
EMAIL;TYPE=home:ada@home.example
TEL;VALUE=uri;TYPE="cell,home":tel:+49-1
TEL;TYPE=fax:+49 2
IMPP:xmpp:ada@nordlicht.example
ADR;TYPE=home;LABEL="Elbe 1, Hamburg":;;Elbe 1;Hamburg;;20095;Germany
BDAY:19900407
ANNIVERSARY:--0407
NOTE:likes\\ntea
CATEGORIES:friends,work
URL:https://ada.example/
PHOTO:data:image/png;base64,QUJD
LANG;PREF=1:de
REV:20261121T100000Z
item1.X-ABLabel:boat
X-BOAT;KIND=sail:Seute Deern
END:VCARD
""".replace("\n", "\r\n")

FULL: dict[str, Any] = {
    "@type": "Card",
    "version": "1.0",
    "uid": "urn:uuid:1",
    "updated": "2026-11-21T10:00:00Z",
    "name": {
        "full": "Dr. Ada Lind",
        "components": [
            {"kind": "surname", "value": "Lind"},
            {"kind": "given", "value": "Ada"},
            {"kind": "given2", "value": "Maria"},
            {"kind": "given2", "value": "Eva"},
            {"kind": "title", "value": "Dr."},
        ],
    },
    "nicknames": {"k1": {"name": "Adi"}},
    "organizations": {
        "o1": {"name": "Nordlicht", "units": [{"name": "Research, East"}], "contexts": {"work": True}},
    },
    "titles": {"t1": {"name": "Engineer", "kind": "title"}, "r9": {"name": "Speaker", "kind": "role"}},
    "emails": {
        "mail": {"address": "ada@nordlicht.example", "contexts": {"work": True}, "pref": 1},
        "e2": {"address": "ada@home.example", "contexts": {"private": True}},
    },
    "phones": {
        "p1": {"number": "tel:+49-1", "features": {"mobile": True}, "contexts": {"private": True}},
        "p2": {"number": "+49 2", "features": {"fax": True}},
    },
    "onlineServices": {"s1": {"uri": "xmpp:ada@nordlicht.example"}},
    "addresses": {
        "a1": {
            "components": [
                {"kind": "name", "value": "Elbe 1"},
                {"kind": "locality", "value": "Hamburg"},
                {"kind": "postcode", "value": "20095"},
                {"kind": "country", "value": "Germany"},
            ],
            "full": "Elbe 1, Hamburg",
            "contexts": {"private": True},
        },
    },
    "anniversaries": {
        "d1": {"kind": "birth", "date": {"@type": "PartialDate", "year": 1990, "month": 4, "day": 7}},
        "d2": {"kind": "wedding", "date": {"@type": "PartialDate", "month": 4, "day": 7}},
    },
    "notes": {"n1": {"note": "likes\ntea"}},
    "keywords": {"friends": True, "work": True},
    "links": {"l1": {"uri": "https://ada.example/"}},
    "media": {"m1": {"kind": "photo", "uri": "data:image/png;base64,QUJD"}},
    "preferredLanguages": {"g1": {"language": "de", "pref": 1}},
    "vCardProps": [
        ["x-ablabel", {}, "unknown", "boat"],
        ["x-boat", {"kind": "sail"}, "unknown", "Seute Deern"],
    ],
}


def test_a_card_as_jscontact() -> None:
    """JMAP-61: all properties, and those without a place as they are."""
    assert jscontact_of(read_card(CARD.encode()).card) == FULL


def test_jscontact_as_a_card_and_back() -> None:
    """JMAP-61"""
    octets = write_component(card_of(FULL)).encode()
    assert jscontact_of(read_card(octets).card) == FULL


def test_only_the_lines_of_what_changed_are_written_anew() -> None:
    """JMAP-61: what other programs know stays as it is, to the letter."""
    card = read_card(CARD.encode()).card
    wanted = {**FULL, "emails": {"new": {"address": "a@b.example"}}}
    changed = write_component(changed_card(card, wanted))
    before = [line for line in CARD.split("\r\n") if not line.startswith("EMAIL")]
    after = [line for line in changed.split("\r\n") if not line.startswith("EMAIL")]
    assert sorted(after) == sorted(before)
    assert "EMAIL;PROP-ID=new:a@b.example" in changed
    assert jscontact_of(read_card(changed.encode()).card) == wanted


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nothing", 1),
        ("version", "2.0"),
        ("uid", 1),
        ("kind", "dog"),
        ("name", "Ada"),
        ("name", {"full": "a\x00b"}),
        ("name", {"components": [{"kind": "tail", "value": "x"}]}),
        ("emails", []),
        ("emails", {"a b": {"address": "x"}}),
        ("emails", {"a": {"address": 1}}),
        ("emails", {"a": {"address": "x", "label": "y"}}),
        ("emails", {"a": {"address": "x", "contexts": {"moon": True}}}),
        ("emails", {"a": {"address": "x", "pref": 0}}),
        ("phones", {"a": {"number": "1", "features": {"smell": True}}}),
        ("links", {"a": {"uri": "https://x y"}}),
        ("links", {"a": {"uri": "x\r\nEMAIL:evil@x"}}),
        ("media", {"a": {"kind": "film", "uri": "x"}}),
        ("anniversaries", {"a": {"kind": "birth", "date": "today"}}),
        ("onlineServices", {"a": {"uri": "x:y", "service": 'a"b'}}),
        ("keywords", {"a": False}),
        ("updated", "yesterday"),
        ("vCardProps", [["x-a", {}, "text"]]),
        ("vCardProps", [["x-a", {}, "text", "a\r\nEMAIL:evil@x"]]),
        ("vCardProps", [["x-a", {"b c": "d"}, "text", "a"]]),
        ("vCardProps", [["email", {}, "text", "a@b"]]),
    ],
)
def test_what_cannot_be_a_card_is_refused(name: str, value: Any) -> None:
    """JMAP-61: and no value ends in a line of its own."""
    with pytest.raises(BadContact):
        card_of({**FULL, name: value})


def test_a_card_without_a_name_gets_one() -> None:
    """JMAP-61: vCard demands FN."""
    wanted = {"@type": "Card", "version": "1.0", "uid": "u", "emails": {"a": {"address": "a@b.example"}}}
    octets = write_component(card_of(wanted)).encode()
    assert read_card(octets).title == "a@b.example"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([*FULL]), JSON)
def test_any_value_is_a_card_or_refused(name: str, value: Any) -> None:
    """JMAP-61: and what is a card can be read."""
    wanted = {**FULL, name: value}
    try:
        octets = write_component(card_of(wanted)).encode("utf-8", "surrogatepass")
        jscontact_of(read_card(octets).card)
    except (BadContact, BadCard):
        pass
