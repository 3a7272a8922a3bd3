"""The types of JSContact (RFC 9553): the members of each, what may be in them, and what each says by default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from moxlite.encoding import to_json
from moxlite.normal import is_visible

Object: TypeAlias = dict[str, Any]

COMMON: Final = {"contexts": "Set", "pref": "Pref"}
LABELLED: Final = {**COMMON, "label": "String"}
RESOURCE: Final = {**LABELLED, "kind": "String", "uri": "Uri", "mediaType": "String"}
PHONETIC: Final = {"phoneticScript": "String", "phoneticSystem": "String"}
COMPONENT: Final = {"kind": "String", "value": "String", "phonetic": "String"}
ORDERED: Final = {"isOrdered": "Boolean", "defaultSeparator": "String", "full": "String", **PHONETIC}

TYPES: Final[Mapping[str, Mapping[str, str]]] = {
    "Card": {
        "uid": "String",
        "kind": "String",
        "members": "Set",
        "prodId": "String",
        "created": "UTCDateTime",
        "updated": "UTCDateTime",
        "language": "String",
        "name": "Name",
        "nicknames": "{Nickname}",
        "organizations": "{Organization}",
        "speakToAs": "SpeakToAs",
        "titles": "{Title}",
        "emails": "{EmailAddress}",
        "phones": "{Phone}",
        "onlineServices": "{OnlineService}",
        "addresses": "{Address}",
        "anniversaries": "{Anniversary}",
        "notes": "{Note}",
        "keywords": "Set",
        "links": "{Link}",
        "media": "{Media}",
        "preferredLanguages": "{LanguagePref}",
        "calendars": "{Calendar}",
        "schedulingAddresses": "{SchedulingAddress}",
        "cryptoKeys": "{CryptoKey}",
        "directories": "{Directory}",
        "personalInfo": "{PersonalInfo}",
        "relatedTo": "{Relation}",
        "localizations": "Patches",
    },
    "Name": {"components": "[NameComponent]", "sortAs": "Texts", **ORDERED},
    "NameComponent": COMPONENT,
    "Nickname": {"name": "String", **COMMON},
    "Organization": {"name": "String", "units": "[OrgUnit]", "sortAs": "String", **COMMON},
    "OrgUnit": {"name": "String", "sortAs": "String"},
    "SpeakToAs": {"grammaticalGender": "String", "pronouns": "{Pronouns}"},
    "Pronouns": {"pronouns": "String", **COMMON},
    "Title": {"name": "String", "kind": "String", "organizationId": "String"},
    "EmailAddress": {"address": "String", **LABELLED},
    "Phone": {"number": "String", "features": "Set", **LABELLED},
    "OnlineService": {"uri": "Uri", "service": "String", "user": "String", **LABELLED},
    "Address": {
        "components": "[AddressComponent]",
        "countryCode": "String",
        "coordinates": "Uri",
        "timeZone": "String",
        **ORDERED,
        **COMMON,
    },
    "AddressComponent": COMPONENT,
    "Anniversary": {"kind": "String", "date": "Date", "place": "Address"},
    "PartialDate": {"year": "UnsignedInt", "month": "UnsignedInt", "day": "UnsignedInt", "calendarScale": "String"},
    "Timestamp": {"utc": "UTCDateTime"},
    "Note": {"note": "String", "created": "UTCDateTime", "author": "Author"},
    "Author": {"name": "String", "uri": "Uri"},
    "LanguagePref": {"language": "String", **COMMON},
    "Link": RESOURCE,
    "Media": RESOURCE,
    "Calendar": RESOURCE,
    "CryptoKey": RESOURCE,
    "Directory": {**RESOURCE, "listAs": "UnsignedInt"},
    "SchedulingAddress": {"uri": "Uri", **LABELLED},
    "PersonalInfo": {
        "kind": "String",
        "value": "String",
        "level": "String",
        "listAs": "UnsignedInt",
        "label": "String",
    },
    "Relation": {"relation": "Set"},
}
"""Types of members: in braces objects by id, in brackets an array."""

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "Card": ("uid",),
    "NameComponent": ("kind", "value"),
    "AddressComponent": ("kind", "value"),
    "Nickname": ("name",),
    "OrgUnit": ("name",),
    "Pronouns": ("pronouns",),
    "Title": ("name",),
    "EmailAddress": ("address",),
    "Phone": ("number",),
    "LanguagePref": ("language",),
    "Anniversary": ("kind", "date"),
    "Timestamp": ("utc",),
    "Note": ("note",),
    "Media": ("kind", "uri"),
    "Link": ("uri",),
    "Calendar": ("uri",),
    "CryptoKey": ("uri",),
    "Directory": ("uri",),
    "SchedulingAddress": ("uri",),
    "PersonalInfo": ("kind", "value"),
}
DEFAULTS: Final[Mapping[tuple[str, str], Any]] = {
    ("Card", "kind"): "individual",
    ("Title", "kind"): "title",
    ("Calendar", "kind"): "calendar",
    ("Directory", "kind"): "entry",
    ("PartialDate", "calendarScale"): "gregorian",
}
CONTEXTS: Final = ("private", "work")
PLACES: Final = (*CONTEXTS, "billing", "delivery")
NAMES: Final = ("surname", "given", "given2", "title", "credential", "surname2", "generation")
ADDRESSES: Final = (
    *("postOfficeBox", "apartment", "name", "locality", "region", "postcode", "country"),
    *("room", "apartment", "floor", "number", "name", "building", "block", "subdistrict", "district"),
    *("landmark", "direction"),
)
"""Kinds of the pieces of N and ADR (RFC 9554 §2.1, §2.2). Two kinds of ADR have a place for old programs, too."""

CHOICES: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("Card", "kind"): ("individual", "group", "org", "location", "device", "application"),
    ("NameComponent", "kind"): (*NAMES, "separator"),
    ("AddressComponent", "kind"): (*ADDRESSES, "separator"),
    ("SpeakToAs", "grammaticalGender"): ("animate", "common", "feminine", "inanimate", "masculine", "neuter"),
    ("Title", "kind"): ("title", "role"),
    ("Phone", "features"): ("mobile", "voice", "text", "video", "main-number", "textphone", "fax", "pager"),
    ("Anniversary", "kind"): ("birth", "death", "wedding"),
    ("Media", "kind"): ("photo", "sound", "logo"),
    ("Link", "kind"): ("contact",),
    ("Calendar", "kind"): ("calendar", "freeBusy"),
    ("Directory", "kind"): ("directory", "entry"),
    ("PersonalInfo", "kind"): ("expertise", "hobby", "interest"),
    ("PersonalInfo", "level"): ("high", "medium", "low"),
    ("Address", "contexts"): PLACES,
}
"""Values of members that have a choice; vendors have more, with a colon (RFC 9553 §1.8.2)."""

KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
UTC: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
MAX_TEXT: Final = 20_000
"""Characters of a text."""

MAX_URI: Final = 256 << 10
"""Characters of a URI. Large, because it may embed a photo."""

MAX_OBJECTS: Final = 50
"""Objects of one property."""

MAX_SET: Final = 1_000
"""Members of a set, as of a group."""

MAX_NUMBER: Final = 1 << 31  # above any number that JSContact has a use for


class BadContact(ValueError):
    """A JSContact object that cannot be a card. `name`: the property."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


def check(name: str, value: Any, kind: str, member: tuple[str, str] = ("", "")) -> None:
    """Check a value of the property `name` by its type. `member`: type and name of the member that it is. Raises
    BadContact.
    """
    # One branch a kind of value (RFC 9553 §1.3, §1.4), so that each refusal can say what is expected.
    choices = CHOICES.get(member)
    match kind:
        case "String" | "Uri":
            _check_text(name, value, MAX_URI if kind == "Uri" else MAX_TEXT)
            if kind == "Uri" and (not is_visible(value) or " " in value):
                raise BadContact(name, f"{member[1]} must be a URI")
            if choices is not None and value not in choices and ":" not in value:
                raise BadContact(name, f"{member[1]} must be one of {', '.join(dict.fromkeys(choices))}")
        case "Pref" | "UnsignedInt":
            least, most = (1, 100) if kind == "Pref" else (0, MAX_NUMBER)
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
                raise BadContact(name, f"{member[1]} must be a number between {least} and {most}")
        case "Boolean":
            if not isinstance(value, bool):
                raise BadContact(name, f"{member[1]} must be true or false")
        case "UTCDateTime":
            if not isinstance(value, str) or UTC.fullmatch(value) is None:
                raise BadContact(name, "must be a UTCDateTime")
        case "Set":
            if not isinstance(value, dict) or len(value) > MAX_SET or not all(on is True for on in value.values()):
                raise BadContact(name, f"must be an object with up to {MAX_SET} members and only true values")
            known = CONTEXTS if choices is None and member[1] == "contexts" else choices
            for text in value:
                _check_text(name, text, MAX_TEXT)
                if known is not None and text not in known and ":" not in text:
                    raise BadContact(name, f"{member[1]} must be one of {', '.join(known)}")
        case "Texts" | "Patches":
            if not isinstance(value, dict) or len(value) > MAX_OBJECTS:
                raise BadContact(name, f"must be an object with up to {MAX_OBJECTS} members")
            for key, item in value.items():
                _check_text(name, key, MAX_TEXT)
                _check_text(name, item, MAX_TEXT) if kind == "Texts" else _check_any(name, item, dict)
        case "Date":
            check(name, value, str(value.get("@type", "PartialDate")) if isinstance(value, dict) else "PartialDate")
        case _ if kind[0] == "{":
            if not isinstance(value, dict) or len(value) > MAX_OBJECTS:
                raise BadContact(name, f"must be an object mapping up to {MAX_OBJECTS} ids to objects")
            for key, item in value.items():
                if name != "relatedTo" and KEY.fullmatch(key) is None:
                    raise BadContact(name, "ids can only contain letters, digits, hyphens, and underscores")
                check(name, item, kind[1:-1])
        case _ if kind[0] == "[":
            if not isinstance(value, list) or len(value) > MAX_OBJECTS:
                raise BadContact(name, f"must be an array of up to {MAX_OBJECTS} objects")
            for item in value:
                check(name, item, kind[1:-1])
        case _:
            _check_object(name, value, kind)


def _check_text(name: str, value: Any, most: int) -> None:
    if not isinstance(value, str) or len(value) > most or CONTROL.search(value):
        raise BadContact(name, f"must be a string of up to {most} characters")


def _check_any(name: str, value: Any, kind: type = object) -> None:
    if not isinstance(value, kind) or len(to_json(value)) > MAX_TEXT:
        raise BadContact(name, f"must be {MAX_TEXT} bytes or less")


def _check_object(name: str, value: Any, kind: str) -> None:
    members = TYPES.get(kind)
    if members is None or not isinstance(value, dict) or value.get("@type", kind) != kind:
        raise BadContact(name, f"must be an object of type {kind}")
    for member, content in value.items():
        if member == "@type" or content is None:
            continue
        if member in members:
            check(name, content, members[member], (kind, member))
        elif ":" in member:
            _check_any(name, content)
        else:
            raise BadContact(name, f"unknown {kind} property: {member[:100]}")
    if any(value.get(member) is None for member in REQUIRED.get(kind, ())):
        raise BadContact(name, f"{kind} must have {' and '.join(REQUIRED[kind])}")
    if kind == "PartialDate" and not (value.get("year") or value.get("month")):
        raise BadContact(name, "a date must have a year or a month")


def normal(value: Any, kind: str) -> Any:
    """A value without nulls, names of types, and what is so by default: two that mean the same are equal."""
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n")
    if isinstance(value, list):
        return [normal(item, kind.strip("[]")) for item in value]
    if not isinstance(value, dict):
        return value
    if kind == "Date":
        kind = "Timestamp" if "utc" in value else "PartialDate"
    if kind[0] == "{":
        return {key: normal(item, kind[1:-1]) for key, item in value.items()}
    members = TYPES.get(kind)
    if members is None:
        return value
    found: Object = {}
    for member, content in value.items():
        plain = normal(content, members.get(member, "Any"))
        is_default = plain in (None, "", [], {}) or plain is False or plain == DEFAULTS.get((kind, member))
        if member != "@type" and (not is_default or member in REQUIRED.get(kind, ())):
            found[member] = plain
    return found
