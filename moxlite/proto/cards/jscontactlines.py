"""JSContact (RFC 9553) as vCard (RFC 6350, RFC 9554), by RFC 9555 §2. Values in, values out.

A changed card keeps the lines of what has not changed, and a changed line keeps its place, group and the parameters
that JSContact doesn't know, so that nothing is lost that only other programs know. What no line can say is in lines
JSPROP (RFC 9555 §3.2.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from moxlite.proto.cards.cardobject import converted
from moxlite.proto.cards.components import Component
from moxlite.proto.cards.contentline import (
    Property,
    changed_line,
    escaped,
    group_of,
    property_of,
    unescaped,
    with_value,
)
from moxlite.proto.cards.jscontact import (
    APPLE_LABEL,
    CONTEXTS,
    COVERED,
    DATES,
    FEATURES,
    KINDS,
    LETTERS,
    LEVELS,
    MAX_KEPT,
    OWN,
    PLACES,
    has_label,
    jscontact_of,
    keyed,
    singles,
    unknown,
    unknown_lines,
)
from moxlite.proto.cards.jscontactshapes import (
    ADDRESSES,
    MAX_OBJECTS,
    MAX_SET,
    MAX_TEXT,
    NAMES,
    TYPES,
    BadContact,
    Object,
    check,
    normal,
)
from moxlite.proto.cards.jspatches import difference, tokens_of

Parameters: TypeAlias = dict[str, list[str]]

NAME: Final = re.compile(r"[A-Za-z0-9-]{1,100}")
UNSAFE: Final = re.compile('[\x00-\x08\x0a-\x1f\x7f"]')
"""Characters that the value of a parameter cannot have (RFC 6350 §3.3)."""

WRITTEN: Final = frozenset(
    {"PROP-ID", "PREF", "VALUE", "LABEL", "GEO", "TZ", "CC", "SORT-AS", "JSCOMPS", "USERNAME", "SERVICE-TYPE", "TYPE"}
    | {"MEDIATYPE", "LEVEL", "INDEX", "CREATED", "AUTHOR", "AUTHOR-NAME", "CALSCALE", "ENCODING", "CHARSET", "DERIVED"}
    | {"X-APPLE-OMIT-YEAR"}
)
"""Parameters that are written here; others stay with their line."""

TYPES_WRITTEN: Final = frozenset({*CONTEXTS, *FEATURES, "pref"})


def card_of(contact: Object) -> Component:
    """The card of a JSContact object, version 4.0. Raises BadContact."""
    return changed_card(Component("VCARD", [changed_line("VERSION", {}, "4.0")], []), contact)


def changed_card(card: Component, contact: Object) -> Component:
    """The card with the properties of a JSContact object; lines of what has not changed stay. Raises BadContact."""
    before = jscontact_of(card)
    if contact.get("@type") != "Card" or contact.get("version") != "1.0":
        raise BadContact("@type", "a Card of version 1.0 is expected")
    if not contact.get("uid"):
        raise BadContact("uid", "a Card has a uid")
    lines = [line for line in card.properties if line.name != "JSPROP"]
    version = card.value("VERSION")
    for name in [*contact, *(name for name in before if name not in contact)]:
        if name in ("@type", "version", "vCardProps"):
            continue
        value, old = contact.get(name), before.get(name)
        if value == old:
            continue
        if name not in COVERED:
            if ":" not in name or len(msgspec.json.encode(value)) > MAX_TEXT:
                raise BadContact(name, "a Card has no such property")
            continue
        _check_changed(name, old, value)
        lines = _with_property(
            lines, name, normal(old, TYPES["Card"][name]), normal(value, TYPES["Card"][name]), version
        )
    if contact.get("vCardProps") != before.get("vCardProps"):
        lines = _with_unknown(lines, contact.get("vCardProps") or [])
    if not any(line.name == "FN" for line in lines):
        lines = [*lines, changed_line("FN", {"DERIVED": ["TRUE"]}, escaped(_shown_name(contact)))]
    return Component("VCARD", _with_kept(lines, contact), [])


def _check_changed(name: str, old: Any, value: Any) -> None:
    """Check what has changed of a property. Raises BadContact."""
    kind = TYPES["Card"][name]
    if value is None:
        return
    if kind[0] in "{S" and isinstance(value, dict) and isinstance(old, dict):
        most = MAX_SET if kind == "Set" else MAX_OBJECTS
        if len(value) > max(most, len(old)):
            raise BadContact(name, f"a card has at most {most} of these")
        value = {key: part for key, part in value.items() if old.get(key) != part}
        for at in range(0, len(value), most):
            check(name, dict([*value.items()][at : at + most]), kind, ("Card", name))
        return
    check(name, value, kind, ("Card", name))


def _with_property(lines: list[Property], name: str, old: Any, value: Any, version: str) -> list[Property]:
    """The lines with another value of a property: only lines whose part of it differs change."""
    if name == "keywords":  # one line has all of them
        first = next((line for line in lines if line.name == "CATEGORIES"), None)
        lines = [line for line in lines if line is first or line.name != "CATEGORIES"]
    lines = [single for line in lines for single in (singles(line) if name == "nicknames" else [line])]
    own = [line for line in lines if line.name in COVERED[name]]
    before, after, there = _slots(name, old), _slots(name, value), _lines_by_slot(name, own)
    new: dict[str, Property] = {}
    labels: dict[str, str] = {}
    groups = {group_of(line) for line in lines}
    for slot, part in after.items():
        line = there.get(slot)
        if part == before.get(slot) and line is not None:
            new[slot] = line
        elif (made := _line_of(name, slot, part)) is not None:
            made = converted(made, version)
            new[slot] = made if line is None else _merged(line, made)
            if has_label(name):
                label, group = part.get("label", ""), group_of(new[slot])
                if label and not group:
                    group = next(free for n in range(1, len(groups) + 2) if (free := f"item{n}") not in groups)
                    groups.add(group)
                    new[slot] = changed_line(made.name, new[slot].parameters, new[slot].value, group)
                labels |= {group: label} if group else {}
    if name in LETTERS and after.keys() != before.keys():
        new = {slot: line if "/" in slot else _identified(slot, line) for slot, line in new.items()}
    gone = {slot: line for slot, line in there.items() if slot not in new and (slot in before or slot == "FN")}
    return _labelled(_placed(lines, there, new, gone), labels, [*gone.values()])


def _placed(
    lines: list[Property], there: Mapping[str, Property], new: Mapping[str, Property], gone: Mapping[str, Property]
) -> list[Property]:
    """The lines with new ones in the places of the old ones, or behind them."""
    slots = {id(line): slot for slot, line in there.items()}
    kept: list[Property] = []
    last = None
    for line in lines:
        slot = slots.get(id(line))
        if slot is None:
            kept.append(line)
            continue
        if slot not in gone:
            kept.append(new.get(slot, line))
        last = len(kept)
    last = len(kept) if last is None else last
    return [*kept[:last], *(line for slot, line in new.items() if slot not in there), *kept[last:]]


def _labelled(lines: list[Property], labels: Mapping[str, str], gone: Sequence[Property]) -> list[Property]:
    """The lines with the labels of these groups, and without labels of lines that are gone."""
    left = {group_of(line) for line in lines if line.name in OWN}
    groups = {group_of(line) for line in gone} - {""} - left
    there = {group_of(line): line for line in lines if line.name == "X-ABLABEL"}
    kept: list[Property] = []
    for line in lines:
        group = group_of(line)
        if line.name.startswith("X-AB") and group in groups:
            continue
        label = labels.get(group)
        if line.name != "X-ABLABEL" or label is None:
            kept.append(line)
        elif label:
            same = APPLE_LABEL.sub(r"\1", line.value) == escaped(label)
            kept.append(line if same else with_value(line, escaped(label)))
    more = [(group, label) for group, label in labels.items() if label and group not in there]
    return [*kept, *(changed_line("X-ABLabel", {}, escaped(label), group) for group, label in more)]


def _merged(old: Property, new: Property) -> Property:
    """The new line in the group of the old one, with the parameters that only other programs know."""
    types = [kind for kind in old.parameters.get("TYPE", []) if kind.lower() not in TYPES_WRITTEN]
    if "base64" in map(str.lower, old.parameters.get("ENCODING", [])) or "b" in old.parameters.get("ENCODING", []):
        types = []
    parameters = {key: values for key, values in old.parameters.items() if key not in WRITTEN}
    parameters |= {key: values for key, values in new.parameters.items() if key != "PROP-ID"}
    identity = old.parameters.get("PROP-ID", [])
    own_types = new.parameters.get("TYPE", [])
    parameters |= {"PROP-ID": identity, "TYPE": [*own_types, *(kind for kind in types if kind not in own_types)]}
    return changed_line(new.name, parameters, new.value, group_of(old))


def _identified(key: str, line: Property) -> Property:
    """The line with the id of its object, which its number no longer gives."""
    if line.parameter("PROP-ID") == key:
        return line
    name, _, rest = line.whole.partition(":")[0].partition(";")
    head = f"{name};PROP-ID={key}" + (f";{rest}" if rest else "")
    if line.parameter("PROP-ID"):
        return changed_line(line.name, {**line.parameters, "PROP-ID": [key]}, line.value, group_of(line))
    whole = head + line.whole[len(line.whole.partition(":")[0]) :]
    return property_of(whole) or line


def _slots(name: str, value: Any) -> Object:
    """The parts of a property of which each has a line."""
    if value is None:
        return {}
    if name == "name":
        rest = {key: part for key, part in value.items() if key != "full"}
        return {"FN": value.get("full"), "N": rest} if value.get("full") is not None else {"N": rest}
    if name == "speakToAs":
        gender = value.get("grammaticalGender")
        return {**({"": gender} if gender else {}), **value.get("pronouns", {})}
    if name == "anniversaries":
        dates = {key: {member: date[member] for member in date if member != "place"} for key, date in value.items()}
        first = {date["kind"]: key for key, date in reversed(value.items())}  # the one that has the place of its kind
        places = {f"{key}/{kind}": value[key].get("place") for kind, key in first.items()}
        return dates | {slot: place for slot, place in places.items() if place}
    return dict(value) if name in LETTERS or name in ("members", "relatedTo") else {"": value}


def _lines_by_slot(name: str, lines: Sequence[Property]) -> dict[str, Property]:
    """The line of each part of a property that has one."""
    lines_by_slot: dict[str, Property] = {}
    if name in LETTERS:
        lines_by_slot = keyed(name, lines)
        kinds = {DATES[line.name]: key for key, line in reversed(lines_by_slot.items()) if line.name in DATES}
        for line in lines:
            if (key := kinds.get(PLACES.get(line.name, ""))) is not None:
                lines_by_slot.setdefault(f"{key}/{PLACES[line.name]}", line)
        return lines_by_slot
    number = 0
    for line in lines:
        slot = ""
        if name == "name":
            slot = line.name
            if line.parameter("PHONETIC"):
                continue
        elif line.name == "PRONOUNS":
            number += 1
            slot = line.parameter("PROP-ID") or f"u{number}"
        elif name in ("members", "relatedTo"):
            slot = unescaped(line.decoded)
        lines_by_slot.setdefault(slot, line)
    return lines_by_slot


def _with_kept(lines: list[Property], contact: Object) -> list[Property]:
    """The lines with JSPROP for what the other ones do not say. Raises BadContact."""
    made = normal(jscontact_of(Component("VCARD", lines, [])), "Card")
    plain = normal({name: value for name, value in contact.items() if name != "vCardProps"}, "Card")
    made.pop("vCardProps", None)
    kept: list[Property] = []
    for path, value in difference(made, plain).items():
        name, *rest = tokens_of(path)
        if value is None:
            continue
        text = msgspec.json.encode(value).decode()
        if len(text) > MAX_TEXT or len(kept) >= MAX_KEPT or UNSAFE.search(path):
            raise BadContact(name, "this has no place in a card")
        if name in LETTERS and rest:  # or the line of another object might take its id
            there = keyed(name, [line for line in lines if line.name in COVERED[name]]).get(rest[0])
            lines = [_identified(rest[0], line) if line is there else line for line in lines]
        kept.append(changed_line("JSPROP", {"JSPTR": [path]}, escaped(text)))
    return [*lines, *kept]


def _with_unknown(lines: list[Property], value: Any) -> list[Property]:
    """The lines with these ``vCardProps``; those that stayed the same stay as they are. Raises BadContact."""
    if not isinstance(value, list) or len(value) > 4 * MAX_OBJECTS:
        raise BadContact("vCardProps", f"an array of at most {4 * MAX_OBJECTS} properties is expected")
    left = list(value)
    kept = []
    ids = {id(line) for line in unknown_lines(lines)}
    for line in lines:
        if id(line) in ids:
            if unknown(line) not in left:
                continue
            left.remove(unknown(line))
        kept.append(line)
    return kept + _unknown_lines(left)


def _unknown_lines(value: list[Any]) -> list[Property]:
    props: list[Property] = []
    for prop in value:
        match prop:
            case [str(name), dict(parameters), str(kind), str(text)] if NAME.fullmatch(name):
                if name.upper() in OWN or not all(NAME.fullmatch(key) for key in parameters):
                    raise BadContact("vCardProps", f"{name} is a property of JSContact, or no property")
                if not all(isinstance(v, str) or _strings(v) for v in parameters.values()):
                    raise BadContact("vCardProps", "a parameter is a string, or an array of strings")
                typed = {} if kind == "unknown" else {"VALUE": kind}
                given = {**{k.upper(): [v] if isinstance(v, str) else v for k, v in parameters.items()}, **typed}
                if any(UNSAFE.search(v) for values in given.values() for v in values) or re.search(
                    "[\x00-\x08\x0a-\x1f\x7f]", text
                ):
                    raise BadContact("vCardProps", "a value has control characters")
                props.append(
                    changed_line(name.upper(), {k: [v] if isinstance(v, str) else v for k, v in given.items()}, text)
                )
            case _:
                raise BadContact("vCardProps", "a property is an array of name, parameters, type and value")
    return props


def _strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _shown_name(contact: Object) -> str:
    """A name for a card that has none, which vCard demands (RFC 6350 §6.2.1)."""
    name = contact.get("name") or {}
    components = name.get("components") or ()
    between = name.get("defaultSeparator") or " "
    kinds = ("given", "given2", "surname", "surname2")
    parts = [component["value"] for component in components if component.get("kind") in kinds and component["value"]]
    for key, member in (("organizations", "name"), ("emails", "address"), ("phones", "number"), ("nicknames", "name")):
        parts = parts or [part[member] for part in (contact.get(key) or {}).values() if part.get(member)][:1]
    return between.join(parts) or "?"


# Lines


def _line_of(name: str, key: str, value: Any) -> Property | None:
    """The line of a part of a property; None where vCard has no such line."""
    made = _written(name, key, value)
    if made is None:
        return None
    line, parameters, text = made
    if UNSAFE.search(text):
        return None
    kept = {
        parameter: values
        for parameter, values in parameters.items()
        if values and all(text and not UNSAFE.search(text) and text == text.strip(' "') for text in values)
    }
    ids = {"PROP-ID": [key]} if (name in LETTERS and "/" not in key) or line == "PRONOUNS" else {}
    return changed_line(line, {**ids, **kept}, text)


def _written(name: str, key: str, value: Any) -> tuple[str, Parameters, str] | None:
    """Name, parameters and value of a line."""
    # A table of RFC 9555 §2: each property of a card has a line of its own shape, so that a common form would hide
    # them.
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


def _structured(value: Object, kinds: Sequence[str]) -> tuple[Parameters, str]:
    """JSCOMPS and the pieces of N or ADR."""
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
            pieces[at].append(escaped(component["value"]))
    if len(used) > len(NAMES):  # pieces for programs that know no new ones (RFC 9554 §2.1)
        for at, new in ((1, ("room", "apartment", "floor", "building")), (2, ("number", "name"))):
            pieces[at] = [" ".join(text for kind in new for text in pieces[places[kind]])]
    if len(kinds) == len(NAMES) and not long:
        pieces = pieces[:5]
    between = value.get("defaultSeparator", "")
    comps = ";".join([f"s,{escaped(between)}" if between else "", *order]) if value.get("isOrdered") else ""
    return {"JSCOMPS": [comps] if comps else []}, ";".join(",".join(piece) for piece in pieces)


def _name(value: Object) -> tuple[str, Parameters, str] | None:
    parameters, text = _structured(value, NAMES)
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
    parameters, text = _structured(value, ADDRESSES)
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
