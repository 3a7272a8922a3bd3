"""JSContact and vCard into each other (RFC 9553, RFC 9555)."""

import time
from typing import Any

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.cards.cardobject import BadCard, read_card
from moxlite.proto.cards.components import Component, write_component
from moxlite.proto.cards.jscontact import jscontact_of
from moxlite.proto.cards.jscontactlines import card_of, changed_card
from moxlite.proto.cards.jscontactshapes import CHOICES, DEFAULTS, REQUIRED, TYPES, BadContact, normal
from moxlite.proto.cards.jspatches import patched

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


LABELLED = """BEGIN:VCARD
VERSION:4.0
UID:1
FN:Ada
item1.EMAIL;PREF=1;TYPE=INTERNET,work;X-B=c:ada@nordlicht.example
item1.X-ABLabel:_$!<Other>!$_
item2.EMAIL:ada@home.example
item2.X-ABLabel:Special
item3.ADR;GEO="geo:1,2";X-D=e:;;Elbe 1;Hamburg;;20095;Germany
item3.X-ABADR:de
NICKNAME;X-E=f:Jim,Jimmie
END:VCARD
""".replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("path", "value", "before", "after"),
    [
        ("emails/e1/address", "a@b.example", "TYPE=INTERNET,work;X-B=c:ada@nordlicht", "a@b"),
        ("emails/e2/address", "a@b.example", "item2.EMAIL:ada@home.example", "item2.EMAIL:a@b.example"),
        ("emails/e2/label", "Boat", "Label:Special", "Label:Boat"),
        ("emails/e2/label", None, "item2.X-ABLabel:Special\r\n", ""),
        ("emails/e2/pref", 3, "item2.EMAIL:", "item2.EMAIL;PREF=3:"),
        ("nicknames/k2/name", "James", "X-E=f:Jim,Jimmie", "X-E=f:Jim\r\nNICKNAME;X-E=f:James"),
        ("notes", {"n1": {"note": "hi"}}, "END:VCARD", "NOTE;PROP-ID=n1:hi\r\nEND:VCARD"),
        ("name/full", "Ada Lind", "FN:Ada", "FN:Ada Lind"),
    ],
)
def test_a_patch_changes_only_the_line_of_what_it_names(path: str, value: Any, before: str, after: str) -> None:
    """JMAP-61: groups, labels and parameters of it and of all others stay."""
    card = read_card(LABELLED.encode()).card
    wanted = patched(jscontact_of(card), {path: value})
    text = write_component(changed_card(card, wanted)).replace("\r\n ", "")
    assert before in LABELLED
    if path == "emails/e1/address":
        assert text == LABELLED.replace(
            "item1.EMAIL;PREF=1;TYPE=INTERNET,work;X-B=c:ada@nordlicht.example",
            "item1.EMAIL;X-B=c;TYPE=work,INTERNET;PREF=1:a@b.example",
        )
    else:
        assert text == LABELLED.replace(before, after)
    assert jscontact_of(read_card(text.encode()).card) == wanted


def test_ids_of_others_stay_when_one_goes() -> None:
    """JMAP-61: an id by its number is written down before the number changes."""
    card = read_card(LABELLED.encode()).card
    wanted = patched(jscontact_of(card), {"emails/e1": None, "nicknames/k1": None})
    text = write_component(changed_card(card, wanted)).replace("\r\n ", "")
    assert jscontact_of(read_card(text.encode()).card) == wanted
    assert "item1" not in text
    assert "item2.EMAIL;PROP-ID=e2:ada@home.example\r\nitem2.X-ABLabel:Special" in text


EMPTY: dict[str, Any] = {
    "String": "",
    "Set": {},
    "Texts": {},
    "Patches": {},
    "Boolean": False,
    "Uri": None,
    "Pref": None,
    "UTCDateTime": None,
    "UnsignedInt": None,
    "Date": None,
}
SAMPLES: dict[str, Any] = {
    "String": "one; two, three",
    "Uri": "https://x.example/?a,b;c",
    "Set": {"example.com:a": True},
    "Texts": {"surname": "Lind, A", "given": "Ada"},
    "Patches": {"de": {"name/full": "Ada", "titles": None}},
    "Boolean": True,
    "Pref": 3,
    "UTCDateTime": "2026-11-21T10:00:00Z",
    "UnsignedInt": 7,
    "Date": {"@type": "PartialDate", "month": 12, "day": 10},
}


def sample(kind: str, member: tuple[str, str]) -> Any:
    if kind[0] == "[":
        return [sample(kind[1:-1], member)]
    if kind[0] == "{":
        return {"x1": sample(kind[1:-1], member), "x2": sample(kind[1:-1], member)}
    if kind in SAMPLES:
        return choice(member, kind)
    return {name: sample(one, (kind, name)) for name, one in TYPES[kind].items()}


def choice(member: tuple[str, str], kind: str) -> Any:
    if member not in CHOICES:
        return {"work": True} if member[1] == "contexts" else SAMPLES[kind]
    return {CHOICES[member][0]: True} if kind == "Set" else CHOICES[member][0]


def members(kind: str = "Card", path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The paths to all members of all types."""
    found = []
    for name, one in TYPES[kind].items():
        found.append((*path, kind, name))
        inner = one.strip("{}[]")
        if inner in TYPES and len(path) < 8:
            found += members(inner, (*path, kind, name))
    return found


def with_member(kind: str, path: tuple[str, ...], value: Any, *, all_of: bool) -> Any:
    """An object of a type that has what it must have, or all, and a value at the end of a path."""
    own, name, *rest = path
    assert own == kind
    least = {one: sample(TYPES[kind][one], (kind, one)) for one in (TYPES[kind] if all_of else REQUIRED.get(kind, ()))}
    member = TYPES[kind][name]
    inner = with_member(member.strip("{}[]"), tuple(rest), value, all_of=all_of) if rest else value
    if rest:
        inner = [inner] if member[0] == "[" else {"x1": inner} if member[0] == "{" else inner
    return {**least, name: inner}


def default_of(member: tuple[str, str]) -> Any:
    """What a member says by default; None for nothing."""
    kind = TYPES[member[0]][member[1]]
    if kind == "String" and member in CHOICES and member not in DEFAULTS:
        return None
    return DEFAULTS.get(member, [] if kind[0] == "[" else {} if kind[0] == "{" else EMPTY.get(kind))


def plain(value: dict[str, Any]) -> Any:
    return normal({name: one for name, one in value.items() if name != "version"}, "Card")


def read_back(wanted: dict[str, Any]) -> dict[str, Any]:
    """The object of the card that is written, through its text."""
    text = write_component(card_of({"@type": "Card", "version": "1.0", **wanted}))
    return jscontact_of(read_card(text.encode()).card)


@pytest.mark.parametrize("path", [path for path in members() if path[-1] != "uid"], ids="/".join)
def test_every_property_has_a_place_in_a_card(path: tuple[str, ...]) -> None:
    """JMAP-61: with its default, which is taken, and with a value, which is read back as it was."""
    kind, default = TYPES[path[-2]][path[-1]], default_of((path[-2], path[-1]))
    if path[-1] not in REQUIRED.get(path[-2], ()):
        wanted = with_member("Card", path, default, all_of=False)
        assert plain(read_back(wanted)) == plain(wanted)
    wanted = with_member("Card", path, sample(kind, (path[-2], path[-1])), all_of=False)
    assert plain(read_back(wanted)) == plain(wanted)


@pytest.mark.parametrize("name", [name for name in TYPES["Card"] if name != "uid"])
def test_every_property_stays_when_another_changes(name: str) -> None:
    """JMAP-61, JMAP-60: and what a phone changes of a card is what counts."""
    whole = {"@type": "Card", "version": "1.0", **sample("Card", ("", "")), "relatedTo": {"urn:uuid:2": {}}}
    before = card_of(whole)
    assert plain(jscontact_of(before)) == plain(whole)
    wanted = {key: value for key, value in whole.items() if key != name}
    after = read_card(write_component(changed_card(before, wanted)).encode()).card
    assert plain(jscontact_of(after)) == plain(wanted)
    again = changed_card(after, whole)
    assert plain(jscontact_of(again)) == plain(whole)


def address(**parts: str) -> list[dict[str, str]]:
    return [{"kind": kind, "value": value} for kind, value in parts.items()]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("EXPERTISE;LEVEL=expert;INDEX=2:tea", {"personalInfo": {"f1": {"kind": "expertise", "value": "tea"}}}),
        ("RELATED;TYPE=friend:urn:uuid:2", {"relatedTo": {"urn:uuid:2": {"relation": {"friend": True}}}}),
        ("GRAMGENDER:FEMININE", {"speakToAs": {"grammaticalGender": "feminine"}}),
        ("CALURI:https://x.example/c", {"calendars": {"c1": {"kind": "calendar", "uri": "https://x.example/c"}}}),
        ("FBURL:https://x.example/f", {"calendars": {"c1": {"kind": "freeBusy", "uri": "https://x.example/f"}}}),
        ("CALADRURI:mailto:a@x.example", {"schedulingAddresses": {"i1": {"uri": "mailto:a@x.example"}}}),
        ("SOURCE:https://x.example/s", {"directories": {"r1": {"kind": "entry", "uri": "https://x.example/s"}}}),
        ("KEY:https://x.example/k", {"cryptoKeys": {"y1": {"uri": "https://x.example/k"}}}),
        (r"URL:https\://x.example/a\,b", {"links": {"l1": {"uri": "https://x.example/a,b"}}}),
        (  # the eighth piece is Google's
            r"ADR:;;Elbe 1;Oslo;;;;Elbe 1\nOslo",
            {"addresses": {"a1": {"components": address(name="Elbe 1", locality="Oslo")}}},
        ),
        (
            "ADR:;;;Oslo;;;;;;;1;Elbe",
            {"addresses": {"a1": {"components": address(locality="Oslo", number="1", name="Elbe")}}},
        ),
        (
            "item1.ORG:Nordlicht\r\nitem1.TITLE:Captain\r\nROLE:Cook",
            {"titles": {"t1": {"name": "Captain", "organizationId": "o1"}, "t2": {"kind": "role"}}},
        ),
        (
            "N;ALTID=1:林;花;;;\r\nN;ALTID=1;PHONETIC=piny;SCRIPT=Latn:Lín;Huā;;;",
            {
                "name": {
                    "components": [
                        {"kind": "surname", "value": "林", "phonetic": "Lín"},
                        {"kind": "given", "value": "花", "phonetic": "Huā"},
                    ],
                    "phoneticSystem": "piny",
                    "phoneticScript": "Latn",
                }
            },
        ),
        (
            "ADR;ALTID=a;PROP-ID=x:;;;東京;;;\r\nADR;ALTID=a;PHONETIC=script;SCRIPT=Latn:;;;Tōkyō;;;",
            {"addresses": {"x": {"components": [{"kind": "locality", "value": "東京", "phonetic": "Tōkyō"}]}}},
        ),
        (
            "LANGUAGE:de\r\nTITLE;ALTID=1;LANGUAGE=fr:Patron\r\nTITLE;ALTID=1;LANGUAGE=de:Chefin",
            {
                "titles": {"t1": {"name": "Chefin"}},
                "localizations": {"fr": {"titles/t1/name": "Patron"}},
            },
        ),
        ("NICKNAME:Jim,Jimmie", {"nicknames": {"k1": {"name": "Jim"}, "k2": {"name": "Jimmie"}}}),
        ("BDAY:--0412", {"anniversaries": {"d1": {"kind": "birth", "date": {"month": 4, "day": 12}}}}),
        ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12", {"anniversaries": {"d1": {"date": {"month": 4, "day": 12}}}}),
        ("BDAY:16040412", {"anniversaries": {"d1": {"date": {"month": 4, "day": 12}}}}),
        ("BIRTHPLACE:Oslo\r\nBDAY:19900407", {"anniversaries": {"d1": {"place": {"full": "Oslo"}}}}),
        (
            'N;JSCOMPS="s,-;1;s,\\, ;0":Lind;Ada;;;',
            {
                "name": {
                    "components": [
                        {"kind": "given", "value": "Ada"},
                        {"kind": "separator", "value": ", "},
                        {"kind": "surname", "value": "Lind"},
                    ],
                    "isOrdered": True,
                    "defaultSeparator": "-",
                },
            },
        ),
        (
            "ADR;CC=NO:;;Elbe 1;Oslo;;;;;;;1;Elbe;;;;;;",
            {
                "addresses": {
                    "a1": {
                        "countryCode": "NO",
                        "components": [
                            {"kind": "locality", "value": "Oslo"},
                            {"kind": "number", "value": "1"},
                            {"kind": "name", "value": "Elbe"},
                        ],
                    }
                }
            },
        ),
    ],
)
def test_lines_of_vcard_are_properties_of_jscontact(line: str, expected: dict[str, Any]) -> None:
    """JMAP-61: RFC 9555 §2, and a birthday without a year as Apple's programs write it."""
    card = f"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:1\r\nFN:Ada\r\n{line}\r\nEND:VCARD\r\n"
    found = jscontact_of(read_card(card.encode()).card)

    def has(value: Any, part: Any) -> bool:
        if not isinstance(part, dict):
            return bool(value == part)
        return all(key in value and has(value[key], one) for key, one in part.items())

    assert has(found, expected)
    assert "year" not in str(found) or "1990" in line
    assert "vCardProps" not in found


BESIDE: dict[str, Any] = {
    "@type": "Card",
    "version": "1.0",
    "uid": "1",
    "language": "zh",
    "name": {
        "full": "林花",
        "components": [
            {"kind": "surname", "value": "林", "phonetic": "Lín"},
            {"kind": "given", "value": "花"},
            {"kind": "given", "value": "月", "phonetic": "Yuè"},
        ],
        "phoneticSystem": "piny",
        "phoneticScript": "Latn",
    },
    "organizations": {"x": {"name": "北光"}, "y": {"name": "Nordlicht"}},
    "titles": {"t1": {"name": "船长", "kind": "title", "organizationId": "y"}, "t2": {"name": "厨师", "kind": "role"}},
    "emails": {"e1": {"address": "a@b.example", "label": "boat"}},
    "addresses": {
        "a1": {
            "components": [{"kind": "locality", "value": "东京", "phonetic": "Dōngjīng"}],
            "phoneticScript": "Latn",
            "contexts": {"work": True},
        },
    },
    "localizations": {
        "en": {"name/full": "Hana", "titles/t1/name": "Captain", "organizations/x/name": "North"},
        "de": {"titles/t1/name": "Kapitän"},
    },
}


def text_of(card: Component) -> str:
    return write_component(card).replace("\r\n ", "")


def test_what_other_programs_see_beside_a_name() -> None:
    """JMAP-61: how it sounds, other languages, and a title's organization are lines of vCard, as those read them."""
    text = text_of(card_of(BESIDE))
    assert "JSPROP" not in text
    for line in (
        "N;ALTID=1;PHONETIC=piny;SCRIPT=Latn:Lín;,Yuè;;;",
        "FN;ALTID=3;LANGUAGE=en:Hana",
        "item2.TITLE;ALTID=5;PROP-ID=t1:船长",
        "TITLE;ALTID=5;LANGUAGE=de:Kapitän",
        "item2.ORG;PROP-ID=y:Nordlicht",
    ):
        assert f"\r\n{line}\r\n" in text, text
    assert jscontact_of(read_card(text.encode()).card) == BESIDE


@pytest.mark.parametrize("name", [name for name in BESIDE if name not in ("@type", "version", "uid")])
@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_lines_beside_others_go_with_them(name: str, version: str) -> None:
    """JMAP-61: none is taken for a name, a title or an address of its own, and one that stays keeps what it had."""
    before = read_card(
        text_of(card_of(BESIDE))
        .replace("VERSION:4.0", f"VERSION:{version}")
        .replace("LANGUAGE=de:", "X-A=b;LANGUAGE=de:")
        .encode()
    ).card
    localizations = {
        language: {path: value for path, value in patch.items() if path.split("/")[0] != name}
        for language, patch in BESIDE["localizations"].items()
    }
    kept = {language: patch for language, patch in localizations.items() if patch}
    wanted = {**BESIDE, "localizations": kept}
    del wanted[name]
    if name == "organizations":
        wanted["titles"] = {"t1": {"name": "船长", "kind": "title"}, "t2": BESIDE["titles"]["t2"]}
    text = text_of(changed_card(before, wanted))
    after = jscontact_of(read_card(text.encode()).card)
    assert {key: value for key, value in after.items() if key != "name"} == {
        key: value for key, value in wanted.items() if key != "name"
    }
    assert "JSPROP" not in text
    assert ("X-A=b" in text) == (name not in ("titles", "localizations"))
    assert jscontact_of(changed_card(read_card(text.encode()).card, BESIDE)) == BESIDE


def test_a_language_that_lines_do_not_say_whole_is_kept_apart() -> None:
    """JMAP-61: the others are lines all the same."""
    patch = {"titles/t1/name": "Capitaine", "emails": None}
    wanted = {**BESIDE, "localizations": {**BESIDE["localizations"], "fr": patch}}
    text = text_of(card_of(wanted))
    assert "JSPROP;JSPTR=localizations/fr:" in text
    assert "Capitaine" not in text.partition("JSPROP")[0]
    assert jscontact_of(read_card(text.encode()).card) == wanted


def test_what_a_phone_changes_counts() -> None:
    """JMAP-61: a line JSPROP says nothing about a name or an address that is no longer there."""
    components = [{"kind": "given", "value": "Ada"}, {"kind": "example.com:pet", "value": "Rex"}]
    made = card_of({"@type": "Card", "version": "1.0", "uid": "1", "name": {"components": components}})
    text = write_component(made)
    assert jscontact_of(read_card(text.encode()).card)["name"]["components"] == components
    changed = text.replace(":;Ada;;;", ":;Eva;;;")
    assert jscontact_of(read_card(changed.encode()).card)["name"]["components"] == [{"kind": "given", "value": "Eva"}]


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
        ("emails", {"a": {"address": "x", "shoe": "y"}}),
        ("emails", {"a": {"address": "x", "contexts": {"moon": True}}}),
        ("emails", {"a": {"address": "x", "pref": 0}}),
        ("phones", {"a": {"number": "1", "features": {"smell": True}}}),
        ("links", {"a": {"uri": "https://x y"}}),
        ("links", {"a": {"uri": "x\r\nEMAIL:evil@x"}}),
        ("media", {"a": {"kind": "film", "uri": "x"}}),
        ("anniversaries", {"a": {"kind": "birth", "date": "today"}}),
        ("cryptoKeys", {"a": {}}),
        ("localizations", {"de": 1}),
        ("relatedTo", {"a": {"relation": {"friend": False}}}),
        ("addresses", {"a": {"isOrdered": 1}}),
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


@pytest.mark.parametrize("name", ["TITLE", "BDAY", "CATEGORIES", "ADR"])
def test_cards_of_many_lines_take_time_in_their_size(name: str) -> None:
    """JMAP-61: also with lines beside them in many languages. Processor time; the bound is ten times what it takes."""
    value = {"BDAY": "19900101", "ADR": ";;;x;;;"}.get(name, "x")
    lines = [f"{name};ALTID={number}:{value}" for number in range(5_000)]
    lines += [f"{name};ALTID={number};LANGUAGE=l{number}:{value}" for number in range(2_000)]
    lines += ["BIRTHPLACE:x" for _ in range(2_000)]
    card = read_card("\r\n".join(["BEGIN:VCARD", "VERSION:4.0", "UID:1", "FN:Ada", *lines, "END:VCARD", ""]).encode())
    before = time.process_time()
    found = jscontact_of(card.card)
    changed_card(card.card, {**found, "keywords": {"y": True}})
    assert time.process_time() - before < 15


@pytest.mark.parametrize(
    ("pref", "found"),
    [
        ("1", 1),
        ("100", 100),
        ("0100", 100),
        ("0", None),
        ("101", None),
        ("00010", None),
        ("1" * 5000, None),
        ("00011", None),
        ("²", None),
    ],
)
def test_a_preference_is_from_1_to_100(pref: str, found: int | None) -> None:
    """JMAP-61: RFC 6350 §5.3; another value is left out."""
    card = read_card(
        f"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:1\r\nFN:A\r\nEMAIL;PREF={pref}:a@b.example\r\nEND:VCARD\r\n".encode()
    )
    [email] = jscontact_of(card.card)["emails"].values()
    assert email.get("pref") == found
