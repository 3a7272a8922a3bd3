"""JSContact (RFC 9553) and vCard (RFC 6350) into each other (RFC 9555). Values in, values out.

Each property of JSContact belongs to some properties of vCard: `COVERED`. Those without a place in JSContact here are
``vCardProps`` (RFC 9555 §3.15). A changed card keeps the lines of what has not changed, so that nothing is lost that
only other programs know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from moxlite.proto.cards.components import Component
from moxlite.proto.cards.contentline import Property, escaped, property_of, split, unescaped

Object: TypeAlias = dict[str, Any]

COVERED: Final[Mapping[str, tuple[str, ...]]] = {
    "uid": ("UID",),
    "kind": ("KIND", "X-ADDRESSBOOKSERVER-KIND"),
    "members": ("MEMBER", "X-ADDRESSBOOKSERVER-MEMBER"),
    "prodId": ("PRODID",),
    "created": ("CREATED",),
    "updated": ("REV",),
    "language": ("LANGUAGE",),
    "name": ("N", "FN"),
    "nicknames": ("NICKNAME",),
    "organizations": ("ORG",),
    "titles": ("TITLE", "ROLE"),
    "emails": ("EMAIL",),
    "phones": ("TEL",),
    "onlineServices": ("IMPP", "SOCIALPROFILE", "X-SOCIALPROFILE"),
    "addresses": ("ADR",),
    "anniversaries": ("BDAY", "ANNIVERSARY", "DEATHDATE"),
    "notes": ("NOTE",),
    "keywords": ("CATEGORIES",),
    "links": ("URL",),
    "media": ("PHOTO", "LOGO", "SOUND"),
    "preferredLanguages": ("LANG",),
}
"""The properties of vCard that each property of JSContact is made of."""

FRAME: Final = frozenset({"VERSION", "BEGIN", "END"})
OWN: Final = frozenset(name for names in COVERED.values() for name in names) | FRAME
PROPERTIES: Final = ("@type", "version", *COVERED, "vCardProps")

KINDS: Final = ("individual", "group", "org", "location", "device", "application")
CONTEXTS: Final = {"home": "private", "work": "work"}
FEATURES: Final = {
    "voice": "voice",
    "cell": "mobile",
    "fax": "fax",
    "pager": "pager",
    "text": "text",
    "video": "video",
    "textphone": "textphone",
}
NAME_PARTS: Final = ("surname", "given", "given2", "title", "credential")
ADDRESS_PARTS: Final = ("postOfficeBox", "apartment", "name", "locality", "region", "postcode", "country")
DATES: Final = {"BDAY": "birth", "ANNIVERSARY": "wedding", "DEATHDATE": "death"}
MEDIA: Final = {"PHOTO": "photo", "LOGO": "logo", "SOUND": "sound"}

KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
NAME: Final = re.compile(r"[A-Za-z0-9-]{1,100}")
DATE: Final = re.compile(r"(\d{4}|--)-?(\d{2})?-?(\d{2})?(?:T.*)?")
CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
MAX_TEXT: Final = 20_000
MAX_URI: Final = 256 << 10
MAX_OBJECTS: Final = 50
"""Objects of one property."""


class BadContact(ValueError):
    """A JSContact object that cannot be a card. `name`: the property."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


# From vCard


def jscontact_of(card: Component) -> Object:
    """The JSContact object of a card."""
    found: Object = {"@type": "Card", "version": "1.0", "uid": unescaped(card.value("UID"))}
    for name, read in READERS.items():
        lines = [prop for prop in card.properties if prop.name in COVERED[name]]
        if lines and (value := read(lines)):
            found[name] = value
    rest = [_unknown(prop) for prop in card.properties if prop.name not in OWN]
    if rest:
        found["vCardProps"] = rest
    return found


def _text(prop: Property) -> str:
    return unescaped(prop.decoded)


def _first(lines: list[Property]) -> str:
    return _text(lines[0]).strip()


def _keyed(lines: Iterable[Property], make: Callable[[Property], Object | None], letter: str) -> Object:
    """Objects by their PROP-ID, else by a letter and their number."""
    found: Object = {}
    for number, line in enumerate(lines, 1):
        value = make(line)
        key = line.parameter("PROP-ID")
        if value is not None:
            found[key if KEY.fullmatch(key) and key not in found else f"{letter}{number}"] = value
    return found


def _types(prop: Property) -> list[str]:
    return [value.lower() for value in prop.parameters.get("TYPE", [])]


def _common(prop: Property) -> Object:
    """Contexts, preference and label."""
    found: Object = {}
    contexts = {CONTEXTS[value]: True for value in _types(prop) if value in CONTEXTS}
    if contexts:
        found["contexts"] = contexts
    pref = prop.parameter("PREF") or ("1" if "pref" in _types(prop) else "")
    if pref.isascii() and pref.isdigit() and 1 <= int(pref[:4]) <= 100:
        found["pref"] = int(pref)
    return found


def _name_of(lines: list[Property]) -> Object:
    found: Object = {}
    for line in lines:
        if line.name == "FN" and "full" not in found:
            found["full"] = _text(line)
        elif line.name == "N" and "components" not in found:
            parts = [
                {"kind": kind, "value": unescaped(value)}
                for kind, piece in zip(NAME_PARTS, split(line.decoded, ";"), strict=False)
                for value in split(piece, ",")
                if value
            ]
            if parts:
                found["components"] = parts
    return found


def _organization(prop: Property) -> Object | None:
    name, *units = [unescaped(piece) for piece in split(prop.decoded, ";")]
    found: Object = {"name": name} if name else {}
    kept = [{"name": unit} for unit in units if unit]
    if kept:
        found["units"] = kept
    return {**found, **_common(prop)} if found else None


def _phone(prop: Property) -> Object:
    features = {FEATURES[value]: True for value in _types(prop) if value in FEATURES}
    return {"number": _text(prop), **({"features": features} if features else {}), **_common(prop)}


def _service(prop: Property) -> Object:
    named = {"service": prop.parameter("SERVICE-TYPE")} if prop.parameter("SERVICE-TYPE") else {}
    if prop.name != "IMPP" and not named and (kinds := [kind for kind in _types(prop) if kind not in CONTEXTS]):
        named = {"service": kinds[0]}
    user = {"user": prop.parameter("USERNAME")} if prop.parameter("USERNAME") else {}
    return {"uri": _text(prop), **named, **user, **_common(prop)}


def _address(prop: Property) -> Object | None:
    parts = [
        {"kind": kind, "value": unescaped(value)}
        for kind, piece in zip(ADDRESS_PARTS, split(prop.decoded, ";"), strict=False)
        for value in split(piece, ",")
        if value
    ]
    full = {"full": unescaped(prop.parameter("LABEL"))} if prop.parameter("LABEL") else {}
    return {**({"components": parts} if parts else {}), **full, **_common(prop)} if parts or full else None


def _anniversary(prop: Property) -> Object | None:
    match = DATE.fullmatch(prop.value.strip())
    if match is None:
        return None
    year, month, day = match.groups()
    parts = {"year": year, "month": month, "day": day}
    date = {name: int(value) for name, value in parts.items() if value and value != "--" and int(value)}
    return {"kind": DATES[prop.name], "date": {"@type": "PartialDate", **date}} if date else None


def _medium(prop: Property) -> Object:
    uri = prop.value.strip()
    if prop.parameter("ENCODING").lower() in ("b", "base64"):
        kind = prop.parameter("TYPE").lower() or "jpeg"
        media = kind if "/" in kind else f"{'audio' if prop.name == 'SOUND' else 'image'}/{kind}"
        uri = f"data:{media};base64,{uri}"
    return {"kind": MEDIA[prop.name], "uri": uri}


def _keywords(lines: list[Property]) -> Object:
    return {unescaped(piece): True for line in lines for piece in split(line.decoded, ",") if piece}


def _unknown(prop: Property) -> list[Any]:
    parameters = {
        name.lower(): values[0] if len(values) == 1 else values for name, values in prop.parameters.items() if values
    }
    kind = str(parameters.pop("value", "unknown")).lower()
    return [prop.name.lower(), parameters, kind, prop.value]


def _moment(lines: list[Property]) -> str:
    digits = re.sub(r"[-:]", "", lines[0].value.strip())
    match = re.fullmatch(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(?:\.\d+)?Z", digits)
    return "" if match is None else "{}-{}-{}T{}:{}:{}Z".format(*match.groups())


READERS: Final[Mapping[str, Callable[[list[Property]], Any]]] = {
    "kind": lambda lines: _first(lines).lower(),
    "members": lambda lines: {_text(line): True for line in lines},
    "prodId": _first,
    "created": _moment,
    "updated": _moment,
    "language": _first,
    "name": _name_of,
    "nicknames": lambda lines: _keyed(lines, lambda prop: {"name": _text(prop), **_common(prop)}, "k"),
    "organizations": lambda lines: _keyed(lines, _organization, "o"),
    "titles": lambda lines: _keyed(lines, lambda prop: {"name": _text(prop), "kind": prop.name.lower()}, "t"),
    "emails": lambda lines: _keyed(
        lines, lambda prop: {"address": _text(prop).removeprefix("mailto:"), **_common(prop)}, "e"
    ),
    "phones": lambda lines: _keyed(lines, _phone, "p"),
    "onlineServices": lambda lines: _keyed(lines, _service, "s"),
    "addresses": lambda lines: _keyed(lines, _address, "a"),
    "anniversaries": lambda lines: _keyed(lines, _anniversary, "d"),
    "notes": lambda lines: _keyed(lines, lambda prop: {"note": _text(prop)}, "n"),
    "keywords": _keywords,
    "links": lambda lines: _keyed(lines, lambda prop: {"uri": prop.value.strip(), **_common(prop)}, "l"),
    "media": lambda lines: _keyed(lines, _medium, "m"),
    "preferredLanguages": lambda lines: _keyed(lines, lambda prop: {"language": _first([prop]), **_common(prop)}, "g"),
}


# To vCard


def card_of(wanted: Object) -> Component:
    """The card of a JSContact object, version 4.0. Raises BadContact."""
    return _written([_line("VERSION", {}, "4.0")], {}, wanted)


def changed_card(card: Component, wanted: Object) -> Component:
    """The card with the properties of a JSContact object; lines of what has not changed stay. Raises BadContact."""
    return _written(card.properties, jscontact_of(card), wanted)


def _written(lines: list[Property], before: Object, wanted: Object) -> Component:
    unknown = [name for name in wanted if name not in PROPERTIES]
    if unknown:
        raise BadContact(unknown[0], "there is no such property, or it has no place in a card")
    if wanted.get("@type") != "Card" or wanted.get("version") != "1.0":
        raise BadContact("@type", "a Card of version 1.0 is expected")
    kept = lines
    for name, covered in COVERED.items():
        if wanted.get(name) == before.get(name):
            continue
        new = _lines_of(name, wanted)
        kept = [prop for prop in kept if prop.name not in covered] + new
    if wanted.get("vCardProps") != before.get("vCardProps"):
        kept = [prop for prop in kept if prop.name in OWN] + _unknown_lines(wanted.get("vCardProps") or [])
    if not any(prop.name == "FN" for prop in kept):
        kept = [*kept, _line("FN", {}, escaped(_shown_name(wanted)))]
    return Component("VCARD", kept, [])


def _shown_name(wanted: Object) -> str:
    """A name for a card that has none, which vCard demands (RFC 6350 §6.2.1)."""
    name = wanted.get("name") or {}
    parts = [one["value"] for one in name.get("components", ()) if one.get("kind") in ("given", "given2", "surname")]
    for key, member in (("organizations", "name"), ("emails", "address"), ("phones", "number"), ("nicknames", "name")):
        parts = parts or [one[member] for one in (wanted.get(key) or {}).values() if one.get(member)][:1]
    return " ".join(parts) or "?"


def _line(name: str, parameters: Mapping[str, str | list[str]], value: str) -> Property:
    """A line. Raises BadContact for what cannot be in one."""
    head = name
    for key, given in parameters.items():
        values = [given] if isinstance(given, str) else given
        for one in values:
            if '"' in one or "\n" in one or CONTROL.search(one):
                raise BadContact("vCardProps", "a parameter has quotes or control characters")
        head += f";{key}=" + ",".join(f'"{one}"' if re.search("[,;:]", one) else one for one in values)
    if CONTROL.search(value) or "\n" in value:
        raise BadContact(name.lower(), "a value has control characters")
    made = property_of(f"{head}:{value}")
    if made is None:
        raise BadContact(name.lower(), "this cannot be written as a card")
    return made


def _string(name: str, value: Any, most: int = MAX_TEXT) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise BadContact(name, f"a text of at most {most} characters is expected")
    return escaped(value)


def _members(name: str, value: Any, known: tuple[str, ...]) -> Object:
    """An object whose members are known. Raises BadContact."""
    if not isinstance(value, dict) or value.keys() - {"@type", *known}:
        raise BadContact(name, "an object is expected whose members have a place in a card")
    return value


def _parameters(name: str, key: str, value: Object) -> dict[str, str | list[str]]:
    """PROP-ID, TYPE and PREF of an object with contexts and pref."""
    found: dict[str, str | list[str]] = {"PROP-ID": key}
    contexts, pref = value.get("contexts") or {}, value.get("pref")
    back = {shown: written for written, shown in CONTEXTS.items()}
    if not isinstance(contexts, dict) or not all(one in back and on is True for one, on in contexts.items()):
        raise BadContact(name, "contexts are private and work")
    if contexts:
        found["TYPE"] = [back[context] for context in contexts]
    if pref is not None:
        if not isinstance(pref, int) or isinstance(pref, bool) or not 1 <= pref <= 100:
            raise BadContact(name, "pref is a number from 1 to 100")
        found["PREF"] = str(pref)
    return found


COMMON: Final = ("contexts", "pref")


def _lines_of(name: str, wanted: Object) -> list[Property]:
    """The lines of a property of JSContact. Raises BadContact."""
    value = wanted.get(name)
    if value is None:
        return []
    match name:
        case "uid" | "kind" | "prodId" | "language":
            if name == "kind" and value not in KINDS:
                raise BadContact(name, f"a kind is one of {', '.join(KINDS)}")
            return [_line(COVERED[name][0], {}, _string(name, value, 1_000))]
        case "created" | "updated":
            if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", value):
                raise BadContact(name, "a UTCDateTime is expected")
            return [_line(COVERED[name][0], {}, re.sub(r"[-:]|\.\d+", "", value))]
        case "members" | "keywords":
            if not isinstance(value, dict) or len(value) > 1_000 or not all(on is True for on in value.values()):
                raise BadContact(name, "an object of true is expected")
            texts = [_string(name, one, 1_000) for one in value]
            return (
                [_line("CATEGORIES", {}, ",".join(texts))]
                if name == "keywords"
                else [_line("MEMBER", {}, text) for text in texts]
            )
        case "name":
            return _name_lines(value)
    if not isinstance(value, dict) or len(value) > MAX_OBJECTS or not all(map(KEY.fullmatch, value)):
        raise BadContact(name, f"an object of at most {MAX_OBJECTS} objects by id is expected")
    return [_line_of(name, key, one) for key, one in value.items()]


def _name_lines(value: Any) -> list[Property]:
    given = _members("name", value, ("components", "full", "isOrdered"))
    props: list[Property] = []
    if given.get("full") is not None:
        props.append(_line("FN", {}, _string("name", given["full"], 1_000)))
    components = given.get("components")
    if components is not None:
        props.append(_line("N", {}, _structured("name", components, NAME_PARTS)))
    return props


def _structured(name: str, components: Any, kinds: tuple[str, ...]) -> str:
    """The value of N or ADR. Raises BadContact."""
    pieces: dict[str, list[str]] = {kind: [] for kind in kinds}
    if not isinstance(components, list) or len(components) > MAX_OBJECTS:
        raise BadContact(name, "components is an array")
    for component in components:
        part = _members(name, component, ("kind", "value"))
        if part.get("kind") not in pieces:
            raise BadContact(name, f"a component is one of {', '.join(kinds)}")
        pieces[part["kind"]].append(_string(name, part.get("value"), 1_000))
    return ";".join(",".join(values) for values in pieces.values())


def _line_of(name: str, key: str, value: Any) -> Property:
    # A table of RFC 9555 §2: each property of a card has a line of its own shape, so that a common form would hide
    # them.
    match name:
        case "nicknames":
            given = _members(name, value, ("name", *COMMON))
            return _line("NICKNAME", _parameters(name, key, given), _string(name, given.get("name"), 1_000))
        case "organizations":
            given = _members(name, value, ("name", "units", *COMMON))
            units = given.get("units") or []
            if not isinstance(units, list) or len(units) > MAX_OBJECTS:
                raise BadContact(name, "units is an array")
            texts = [given.get("name") or "", *(_members(name, unit, ("name",)).get("name") for unit in units)]
            joined = ";".join(_string(name, text, 1_000) for text in texts)
            return _line("ORG", _parameters(name, key, given), joined)
        case "titles":
            given = _members(name, value, ("name", "kind"))
            kind = given.get("kind") or "title"
            if kind not in ("title", "role"):
                raise BadContact(name, "a kind is title or role")
            return _line(kind.upper(), {"PROP-ID": key}, _string(name, given.get("name"), 1_000))
        case "emails":
            given = _members(name, value, ("address", *COMMON))
            return _line("EMAIL", _parameters(name, key, given), _string(name, given.get("address"), 1_000))
        case "phones":
            return _phone_line(key, _members(name, value, ("number", "features", *COMMON)))
        case "onlineServices":
            given = _members(name, value, ("uri", "service", "user", *COMMON))
            parameters = _parameters(name, key, given)
            for member, parameter in (("service", "SERVICE-TYPE"), ("user", "USERNAME")):
                if given.get(member) is not None:
                    _string(name, given[member], 1_000)
                    parameters[parameter] = given[member]
            line = "SOCIALPROFILE" if given.get("service") is not None else "IMPP"
            return _line(line, parameters, _uri(name, given.get("uri")))
        case "addresses":
            given = _members(name, value, ("components", "full", *COMMON))
            parameters = _parameters(name, key, given)
            if given.get("full") is not None:
                parameters["LABEL"] = _string(name, given["full"], 1_000)
            return _line("ADR", parameters, _structured(name, given.get("components") or [], ADDRESS_PARTS))
        case "anniversaries":
            return _anniversary_line(key, _members(name, value, ("kind", "date")))
        case "notes":
            given = _members(name, value, ("note",))
            return _line("NOTE", {"PROP-ID": key}, _string(name, given.get("note")))
        case "links":
            given = _members(name, value, ("uri", *COMMON))
            return _line("URL", _parameters(name, key, given), _uri(name, given.get("uri")))
        case "media":
            given = _members(name, value, ("kind", "uri", "mediaType"))
            back = {shown: written for written, shown in MEDIA.items()}
            if given.get("kind") not in back:
                raise BadContact(name, f"a kind is one of {', '.join(back)}")
            return _line(back[given["kind"]], {"PROP-ID": key}, _uri(name, given.get("uri")))
    given = _members(name, value, ("language", *COMMON))
    return _line("LANG", _parameters(name, key, given), _string(name, given.get("language"), 100))


def _uri(name: str, value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_URI or not value.isprintable() or " " in value:
        raise BadContact(name, f"a URI of at most {MAX_URI} characters is expected")
    return value


def _phone_line(key: str, given: Object) -> Property:
    parameters = _parameters("phones", key, given)
    features = given.get("features") or {}
    back = {shown: written for written, shown in FEATURES.items()}
    if not isinstance(features, dict) or not all(one in back and on is True for one, on in features.items()):
        raise BadContact("phones", f"a feature is one of {', '.join(back)}")
    types = [*parameters.get("TYPE", []), *(back[feature] for feature in features)]
    if types:
        parameters["TYPE"] = types
    if isinstance(given.get("number"), str) and given["number"].startswith("tel:"):
        parameters["VALUE"] = "uri"
    return _line("TEL", parameters, _string("phones", given.get("number"), 1_000))


def _anniversary_line(key: str, given: Object) -> Property:
    back = {shown: written for written, shown in DATES.items()}
    date = given.get("date")
    if given.get("kind") not in back:
        raise BadContact("anniversaries", f"a kind is one of {', '.join(back)}")
    match date:
        case {"@type": "Timestamp", "utc": str(utc)} if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", utc):
            text = utc[:10].replace("-", "")
        case dict() if not date.keys() - {"@type", "year", "month", "day"}:
            year, month, day = (date.get(one) for one in ("year", "month", "day"))
            if not all(one is None or (isinstance(one, int) and 0 < one < 10_000) for one in (year, month, day)):
                raise BadContact("anniversaries", "year, month and day are numbers")
            head = "--" if year is None else f"{year:04}"
            tail = f"{month or 0:02}{day:02}" if day is not None else f"{month:02}" if month is not None else ""
            text = f"{head}-{tail}" if year is not None and day is None and tail else head + tail
        case _:
            raise BadContact("anniversaries", "a date is a PartialDate or Timestamp")
    return _line(back[given["kind"]], {"PROP-ID": key}, text)


def _unknown_lines(value: Any) -> list[Property]:
    if not isinstance(value, list) or len(value) > 4 * MAX_OBJECTS:
        raise BadContact("vCardProps", f"an array of at most {4 * MAX_OBJECTS} properties is expected")
    props: list[Property] = []
    for one in value:
        match one:
            case [str(name), dict(parameters), str(kind), str(text)] if NAME.fullmatch(name):
                if name.upper() in OWN or not all(NAME.fullmatch(key) for key in parameters):
                    raise BadContact("vCardProps", f"{name} is a property of JSContact, or no property")
                if not all(isinstance(v, str) or _strings(v) for v in parameters.values()):
                    raise BadContact("vCardProps", "a parameter is a string, or an array of strings")
                typed = {} if kind == "unknown" else {"VALUE": kind}
                props.append(_line(name.upper(), {**{k.upper(): v for k, v in parameters.items()}, **typed}, text))
            case _:
                raise BadContact("vCardProps", "a property is an array of name, parameters, type and value")
    return props


def _strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
