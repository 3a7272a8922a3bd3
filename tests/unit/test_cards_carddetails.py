"""What the further lines of a card say, and what a form changes of them (WEBMAIL-128d)."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from moxlite.proto.cards.carddetails import (
    HIDDEN,
    TOPICS,
    Address,
    Details,
    Fact,
    birthday_in,
    details_of,
    facts_of,
    with_details,
)
from moxlite.proto.cards.cardobject import changed_card, new_card, read_card
from moxlite.proto.cards.vcard import Contact, Entry

CARD = """BEGIN:VCARD
VERSION:3.0
UID:1
FN:Ada Lind
item1.ADR;TYPE=HOME;X-P=q:;;Storgatan 4;Stockholm;;111 22;Sweden
item1.X-ABADR:se
ADR;TYPE=work:Box 9;;Elm 5;Town;;1;US
BDAY;X-APPLE-OMIT-YEAR=1604;X-B=c:1604-03-14
item2.URL;type=pref:http\\://a.example
item2.X-ABLabel:_$!<HomePage>!$_
item3.X-ABRELATEDNAMES:Bo
item3.X-ABLabel:_$!<Spouse>!$_
IMPP;X-SERVICE-TYPE=Jabber:xmpp:a@x.example
TITLE;X-F=g:Translator
X-FOO-BAR:hi
KEY;ENCODING=b:AAAA
GENDER:F
ANNIVERSARY:20100607
END:VCARD
""".replace("\n", "\r\n")

HOME = Address("home", "Storgatan 4", city="Stockholm", code="111 22", country="Sweden")
WORK = Address("work", "Elm 5", box="Box 9", city="Town", code="1", country="US")


def changed(**changes: Any) -> str:
    """The card after a form that changed details, without folds."""
    card = read_card(CARD.encode())
    details = msgspec.structs.replace(details_of(card.contact.other), **changes)
    contact = msgspec.structs.replace(card.contact, other=with_details(card.contact.other, details))
    return changed_card(card, contact).decode().replace("\r\n ", "")


@pytest.mark.parametrize(
    ("lines", "birthday"),
    [
        ("BDAY:1988-03-14", "1988-03-14"),
        ("bday;value=date:19880314", "1988-03-14"),
        ("item1.BDAY;X-APPLE-OMIT-YEAR=1604:1604-03-14", "--03-14"),
        ("BDAY;X-LONG=\r\n a;X-B=c:--0\r\n\t229", "--02-29"),
        ("BDAY:1988\r\nBDAY:1988-03-14T10:00:00Z", "1988-03-14"),
        ("BDAY;VALUE=text:circa 1800", ""),
        ("NOTE:BDAY:1988-03-14\r\nX-BDAY:1988-03-14", ""),
        ("NOTE:x\r\n BDAY:1988-03-14", ""),
    ],
)
def test_a_birthday_is_found_without_reading_the_card(lines: str, birthday: str) -> None:
    """WEBMAIL-175d: the same as the form has it."""
    card = CARD.replace("BDAY;X-APPLE-OMIT-YEAR=1604;X-B=c:1604-03-14", lines).encode()
    assert birthday_in(card) == birthday
    assert details_of(read_card(card).contact.other).birthday == birthday


def test_a_card_is_said_in_words() -> None:
    """WEBMAIL-128d: fields of the form, and a fact for each further line; no names of properties."""
    other = read_card(CARD.encode()).contact.other
    assert details_of(other) == Details(
        title="Translator", birthday="--03-14", addresses=(HOME, WORK), websites=(Entry("http://a.example"),)
    )
    assert facts_of(other) == [
        Fact("related", "Spouse", "Bo"),
        Fact("chat", "Jabber", "xmpp:a@x.example"),
        Fact("other", "Foo bar", "hi"),
        Fact("key", "", ""),
        Fact("gender", "", "F"),
        Fact("anniversary", "", "2010-06-07"),
    ]


@pytest.mark.parametrize(
    ("changes", "before", "after"),
    [
        ({}, "", ""),
        ({"birthday": "1988-03-14"}, "BDAY;X-APPLE-OMIT-YEAR=1604;X-B=c:1604-03-14", "BDAY;X-B=c:19880314"),
        ({"birthday": "--04-15"}, "X-APPLE-OMIT-YEAR=1604;X-B=c:1604-03-14", "X-B=c;X-APPLE-OMIT-YEAR=1604:1604-04-15"),
        ({"birthday": ""}, "BDAY;X-APPLE-OMIT-YEAR=1604;X-B=c:1604-03-14\r\n", ""),
        ({"title": "Cook, baker"}, "TITLE;X-F=g:Translator", "TITLE;X-F=g:Cook\\, baker"),
        ({"addresses": (WORK,)}, CARD[CARD.index("item1.ADR") : CARD.index("ADR;TYPE=work")], ""),
        (
            {"addresses": (msgspec.structs.replace(HOME, street="Strand 1"), WORK)},
            "X-P=q:;;Storgatan 4;",
            "X-P=q:;;Strand 1;",
        ),
        (
            {"websites": (Entry("https://b.example/a,b", "work"),)},
            "type=pref:http\\://a.example",
            "TYPE=pref,work:https://b.example/a,b",
        ),
        (
            {"websites": (Entry("http://a.example"), Entry("https://b.example"))},
            "END:V",
            "URL:https://b.example\r\nEND:V",
        ),
        ({"nickname": "Addie"}, "END:V", "NICKNAME:Addie\r\nEND:V"),
    ],
)
def test_a_changed_detail_changes_its_line_alone(changes: dict[str, Any], before: str, after: str) -> None:
    """WEBMAIL-128d, DAV-22: its parameters, group and label stay, and every other line does, to the letter."""
    assert before in CARD
    expected = CARD.replace(before, after, 1) if before else CARD
    text = changed(**changes)
    assert sorted(text.upper().split("\r\n")) == sorted(expected.upper().split("\r\n"))
    assert details_of(read_card(text.encode()).contact.other) == msgspec.structs.replace(
        details_of(read_card(CARD.encode()).contact.other), **changes
    )


@pytest.mark.parametrize("name", sorted({*TOPICS, "X-ANYTHING"} - HIDDEN))
def test_no_property_is_left_unsaid(name: str) -> None:
    """WEBMAIL-128d: each is in a field of the form or a fact, also a second one of it, and one that nobody knows."""
    other = (f"{name}:first", f"{name}:second")
    details = details_of(other)
    said = [details.nickname, details.title, *(website.value for website in details.websites)]
    told = [fact for fact in facts_of(other) if fact.value or fact.topic in ("photo", "logo", "sound", "key")]
    assert len([*filter(None, said), *told]) == 2


def test_a_birthday_without_a_day_stays_beside_a_new_one() -> None:
    """WEBMAIL-128d: what a form has no field for is a fact, and is kept until the form has a birthday."""
    assert details_of(("BDAY:1985",)) == Details()
    assert facts_of(("BDAY:1985",)) == [Fact("birthday", "", "1985")]
    assert with_details(("BDAY:1985",), Details(title="x")) == ("BDAY:1985", "TITLE:x")
    assert with_details(("BDAY:1985",), Details(birthday="1985-02-01")) == ("BDAY:19850201",)


TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=20)
ADDRESS = st.builds(Address, st.sampled_from(("", "home", "work")), *[TEXT] * 7).filter(
    lambda one: one != Address(one.kind)
)


@given(st.builds(Details, nickname=TEXT, title=TEXT, addresses=st.lists(ADDRESS, max_size=3).map(tuple)))
def test_details_come_back_from_a_new_card(details: Details) -> None:
    """WEBMAIL-128d: encode and decode, and a second write changes nothing."""
    contact = Contact("1", "Ada", other=with_details((), details))
    other = read_card(new_card(contact)).contact.other
    assert details_of(other) == details
    assert with_details(other, details) == other
