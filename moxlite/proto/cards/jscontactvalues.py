"""Values of JSContact (RFC 9553) as lines of vCard (RFC 6350, RFC 9554), by RFC 9555 §2. Values in, values out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from moxlite.proto.cards.contentline import Property, changed_line, escaped
from moxlite.proto.cards.jscontact import CONTEXTS, COVERED, DATES, FEATURES, KINDS, LETTERS, LEVELS, PLACES
from moxlite.proto.cards.jscontactshapes import ADDRESSES, NAMES, Object

Parameters: TypeAlias = dict[str, list[str]]

UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
"""Characters that no parameter can have (RFC 6350 §3.3): its quotes and line ends are encoded."""

UNSAID: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
"""Characters that no value can have; in a text, line ends are escaped."""


def line_of(name: str, key: str, value: Any) -> Property | None:
    """Return the line for a part of a property, or None if vCard has no such line."""
    made = _written(name, key, value)
    if made is None:
        return None
    line, parameters, text = made
    if UNSAID.search(text):
        return None
    kept = safe(parameters)
    ids = {"PROP-ID": [key]} if (name in LETTERS and "/" not in key) or line == "PRONOUNS" else {}
    return changed_line(line, {**ids, **kept}, text)


def safe(parameters: Parameters) -> Parameters:
    """The parameters that a line can have."""
    return {
        name: values
        for name, values in parameters.items()
        if values and all(text and not UNSAFE.search(text) and text == text.strip() for text in values)
    }


def _written(name: str, key: str, value: Any) -> tuple[str, Parameters, str] | None:
    """Name, parameters and value of a line."""
    # A table of RFC 9555 §2. A shared structure would hide that each property's line has a different form.
    match name:
        case "uid" | "kind" | "prodId" | "language" | "members":
            return COVERED[name][0], {}, escaped(key if name == "members" else value)
        case "created" | "updated":
            return COVERED[name][0], {}, re.sub(r"[-:]|\.\d+", "", value)
        case "keywords":
            return "CATEGORIES", {}, ",".join(map(escaped, value))
        case "name":
            return ("FN", {}, escaped(value)) if key == "FN" else _name(value)
        case "nicknames":
            return "NICKNAME", _common(value), escaped(value["name"])
        case "organizations":
            return _organization(value)
        case "speakToAs":
            return ("PRONOUNS", _common(value), escaped(value["pronouns"])) if key else ("GRAMGENDER", {}, value)
        case "titles" if value.get("kind", "title") in ("title", "role"):
            return value.get("kind", "title").upper(), {}, escaped(value["name"])
        case "emails":
            return "EMAIL", _common(value), escaped(value["address"])
        case "phones":
            return _phone(value)
        case "onlineServices":
            return _service(value)
        case "addresses":
            return _address(value)
        case "anniversaries":
            return _anniversary(key, value)
        case "notes":
            return _note(value)
        case "preferredLanguages":
            return "LANG", _common(value), escaped(value["language"])
        case "personalInfo" if value["kind"] in ("expertise", "hobby", "interest"):
            back = {shown: level for level, shown in LEVELS.items()} if value["kind"] == "expertise" else {}
            level = value.get("level", "")
            parameters = {"LEVEL": [back.get(level, level)], "INDEX": _number(value.get("listAs"))}
            return value["kind"].upper(), parameters, escaped(value["value"])
        case "relatedTo":
            return "RELATED", {"TYPE": [*value.get("relation", {})]}, key
        case "links" | "media" | "calendars" | "schedulingAddresses" | "cryptoKeys" | "directories":
            return _resource(name, value)
    return None


def _number(value: int | None) -> list[str]:
    return [] if value is None else [str(value)]


def _common(value: Object) -> Parameters:
    """TYPE and PREF of contexts and pref."""
    back = {shown: kind for kind, shown in CONTEXTS.items()}
    types = [back[context] for context in value.get("contexts", {}) if context in back]
    return {"TYPE": types, "PREF": _number(value.get("pref"))}


def structured(value: Object, kinds: Sequence[str], member: str = "value") -> tuple[Parameters, str]:
    """JSCOMPS and the pieces of N or ADR. `member`: of components, what the pieces are."""
    components = value.get("components", [])
    given = {component["kind"] for component in components}
    long = bool(given & {*kinds[7:]} - {*kinds[:7]}) if len(kinds) > len(NAMES) else bool(given & {*kinds[5:]})
    used = [*kinds] if long or len(kinds) == len(NAMES) else [*kinds[:7]]
    places = {kind: at for at, kind in enumerate(used)}  # the later one of two is the new one
    pieces: list[list[str]] = [[] for _ in used]
    order = []
    for component in components:
        if component["kind"] == "separator":
            order.append(f"s,{escaped(component['value'])}")
        elif component["kind"] in places and component["value"]:
            at = places[component["kind"]]
            order.append(f"{at},{len(pieces[at])}" if pieces[at] else str(at))
            pieces[at].append(escaped(component.get(member) or ""))
    if len(used) > len(NAMES):  # pieces for programs that know no new ones (RFC 9554 §2.1)
        for at, new in ((1, ("room", "apartment", "floor", "building")), (2, ("number", "name"))):
            pieces[at] = [" ".join(text for kind in new for text in pieces[places[kind]] if text)]
    if len(kinds) == len(NAMES) and not long:
        pieces = pieces[:5]
    between = value.get("defaultSeparator", "")
    comps = ";".join([f"s,{escaped(between)}" if between else "", *order]) if value.get("isOrdered") else ""
    return {"JSCOMPS": [comps] if comps else []}, ";".join(",".join(piece) for piece in pieces)


def _name(value: Object) -> tuple[str, Parameters, str] | None:
    parameters, text = structured(value, NAMES)
    sort = value.get("sortAs", {})
    pieces = [sort.get("surname", ""), sort.get("given", "")]
    if not text.strip(";") and not value.get("sortAs"):
        return None
    return "N", {**parameters, "SORT-AS": [",".join(map(escaped, pieces)).rstrip(",")]}, text


def _organization(value: Object) -> tuple[str, Parameters, str]:
    units = value.get("units", [])
    pieces = [value.get("name", ""), *(unit["name"] for unit in units)]
    sort = [value.get("sortAs", ""), *(unit.get("sortAs", "") for unit in units)]
    parameters = {**_common(value), "SORT-AS": [",".join(map(escaped, sort)).rstrip(",")]}
    return "ORG", parameters, ";".join(map(escaped, pieces))


def _phone(value: Object) -> tuple[str, Parameters, str]:
    back = {shown: kind for kind, shown in FEATURES.items()}
    parameters = _common(value)
    parameters["TYPE"] = [
        *parameters["TYPE"],
        *(back[feature] for feature in value.get("features", {}) if feature in back),
    ]
    if value["number"].startswith("tel:"):
        parameters["VALUE"] = ["uri"]
    return "TEL", parameters, escaped(value["number"])


def _service(value: Object) -> tuple[str, Parameters, str]:
    parameters = {**_common(value), "SERVICE-TYPE": [value.get("service", "")]}
    if "uri" in value:
        line = "SOCIALPROFILE" if value.get("service") else "IMPP"
        return line, {**parameters, "USERNAME": [value.get("user", "")]}, escaped(value["uri"])
    return "SOCIALPROFILE", {**parameters, "VALUE": ["text"]}, escaped(value.get("user", ""))


def _address(value: Object) -> tuple[str, Parameters, str]:
    parameters, text = structured(value, ADDRESSES)
    members = {"LABEL": "full", "GEO": "coordinates", "TZ": "timeZone", "CC": "countryCode"}
    texts = {name: [escaped(value[member])] for name, member in members.items() if value.get(member)}
    return "ADR", {**parameters, **texts, **_common(value)}, text


def _anniversary(key: str, value: Object) -> tuple[str, Parameters, str] | None:
    if "/" in key:
        line = {kind: name for name, kind in PLACES.items()}.get(key.rpartition("/")[2])
        text = value.get("full") or value.get("coordinates", "")
        return (line, {"VALUE": ["uri"] if "full" not in value else []}, escaped(text)) if line and text else None
    back = {shown: line for line, shown in DATES.items()}
    date = value["date"]
    if value["kind"] not in back:
        return None
    if "utc" in date:
        return back[value["kind"]], {"VALUE": ["timestamp"]}, re.sub(r"[-:]|\.\d+", "", date["utc"])
    year, month, day = (date.get(member) for member in ("year", "month", "day"))
    head = f"{year:04}" if year else "--"
    tail = f"{month or 0:02}{day:02}" if day else f"{month:02}" if month else ""
    text = f"{head}-{tail}" if year and not day and tail else head + tail
    return back[value["kind"]], {"CALSCALE": [date.get("calendarScale", "")]}, text


def _note(value: Object) -> tuple[str, Parameters, str]:
    author = value.get("author", {})
    parameters = {"AUTHOR": [author.get("uri", "")], "AUTHOR-NAME": [escaped(author.get("name", ""))]}
    moment = re.sub(r"[-:]|\.\d+", "", value.get("created", ""))
    return "NOTE", {**parameters, "CREATED": [moment]}, escaped(value["note"])


def _resource(name: str, value: Object) -> tuple[str, Parameters, str] | None:
    by_kind = {KINDS[line]: line for line in COVERED[name] if line in KINDS}
    plain = {"links": "URL", "calendars": "CALURI", "directories": "SOURCE"}.get(name, COVERED[name][0])
    line = by_kind.get(value["kind"]) if "kind" in value else plain
    if line is None:
        return None
    parameters = {"MEDIATYPE": [value.get("mediaType", "")], "INDEX": _number(value.get("listAs"))}
    return line, {**_common(value), **parameters}, value["uri"]
