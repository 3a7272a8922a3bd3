"""JSContact (RFC 9553) as vCard (RFC 6350, RFC 9554), by RFC 9555 §2. Values in, values out.

A changed card keeps the lines of unchanged values. A changed line keeps its position, group, and the parameters that
JSContact doesn't define, so data from other clients isn't lost. What no line can say is in lines JSPROP (RFC 9555
§3.2.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from moxlite.encoding import to_json
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
    LETTERS,
    MAX_KEPT,
    OWN,
    PLACES,
    SHARED,
    alternates,
    has_label,
    is_kept,
    jscontact_of,
    keyed,
    organization_ids,
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
from moxlite.proto.cards.jscontactvalues import UNSAFE, UNSAID, line_of, safe, structured
from moxlite.proto.cards.jspatches import difference, patched, tokens_of

NAME: Final = re.compile(r"[A-Za-z0-9-]{1,100}")
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
        raise BadContact("@type", 'must be "Card", with version "1.0"')
    if not contact.get("uid"):
        raise BadContact("uid", "a Card must have a uid")
    beside = {id(other): other for _, other in alternates(card.properties)}
    lines = [line for line in card.properties if line.name != "JSPROP" and id(line) not in beside]
    version = card.value("VERSION")
    for name in [*contact, *(name for name in before if name not in contact)]:
        if name in ("@type", "version", "vCardProps"):
            continue
        value, old = contact.get(name), before.get(name)
        if value == old:
            continue
        if name not in COVERED:
            if ":" not in name or len(to_json(value)) > MAX_TEXT:
                raise BadContact(name, "unknown Card property")
            continue
        _check_changed(name, old, value)
        lines = _with_property(
            lines, name, normal(old, TYPES["Card"][name]), normal(value, TYPES["Card"][name]), version
        )
    if contact.get("vCardProps") != before.get("vCardProps"):
        lines = _with_unknown(lines, contact.get("vCardProps") or [])
    if not any(line.name == "FN" for line in lines):
        lines = [*lines, changed_line("FN", {"DERIVED": ["TRUE"]}, escaped(_shown_name(contact)))]
    lines = _with_alternates(_grouped(lines, contact), [*beside.values()], contact, version)
    return Component("VCARD", _with_kept(lines, contact), [])


def _grouped(lines: list[Property], contact: Object) -> list[Property]:
    """The lines with titles in the groups of their organizations (``organizationId``)."""
    before = organization_ids(lines)
    titles = keyed("titles", [line for line in lines if line.name in COVERED["titles"]])
    organizations = keyed("organizations", [line for line in lines if line.name in COVERED["organizations"]])
    groups = {id(line): group_of(line) for line in lines}
    for key, title in (contact.get("titles") or {}).items():
        line, organization = titles.get(key), organizations.get(title.get("organizationId") or "")
        if line is None or before.get(key) == title.get("organizationId"):
            continue
        group = "" if organization is None else groups[id(organization)]
        if organization is not None and not group:
            group = next(free for n in range(1, len(groups) + 2) if (free := f"item{n}") not in groups.values())
            groups[id(organization)] = group
        groups[id(line)] = group
    return [line if groups[id(line)] == group_of(line) else _in_group(line, groups[id(line)]) for line in lines]


def _in_group(line: Property, group: str) -> Property:
    """The line in another group, "" for none."""
    head = line.whole.partition(":")[0].partition(";")[0]
    name = head.rpartition(".")[2]
    return msgspec.structs.replace(line, whole=(f"{group}." if group else "") + name + line.whole[len(head) :])


def _with_alternates(lines: list[Property], old: list[Property], contact: Object, version: str) -> list[Property]:
    """The lines with those that say them phonetically or in other languages. A language of which lines do not say all
    has none. `old`: such lines as they were.
    """
    localizations = contact.get("localizations") or {}
    phonetic = _phonetic_lines(lines, contact)
    by_language = {
        language: _localized_lines(lines, contact, patch, language)
        for language, patch in localizations.items()
        if NAME.fullmatch(language)
    }
    made = _beside(lines, [*phonetic, *(pair for pairs in by_language.values() for pair in pairs)], old, version)
    if not by_language:
        return made
    said = jscontact_of(Component("VCARD", made, [])).get("localizations", {})
    whole = [pairs for language, pairs in by_language.items() if said.get(language) == localizations[language]]
    if len(whole) == len(by_language):
        return made
    return _beside(lines, [*phonetic, *(pair for pairs in whole for pair in pairs)], old, version)


def _beside(
    lines: list[Property], pairs: Sequence[tuple[Property, Property]], old: Sequence[Property], version: str
) -> list[Property]:
    """The lines with other ones behind them, under the same ALTID."""
    used = {line.parameter("ALTID") for line in lines}
    altids: dict[int, str] = {}
    others: dict[int, list[Property]] = {}
    there = {_meaning(line): line for line in old}
    for line, other in pairs:
        altid = line.parameter("ALTID") or altids.get(id(line), "")
        altid = altid or next(free for n in range(1, len(used) + 2) if (free := f"{n}") not in used)
        used.add(altid)
        altids[id(line)] = altid
        made = converted(changed_line(other.name, {"ALTID": [altid], **other.parameters}, other.value), version)
        others.setdefault(id(line), []).append(there.get(_meaning(made), made))
    kept_lines: list[Property] = []
    for line in lines:
        kept_lines += [_with_parameter(line, "ALTID", altids[id(line)]) if id(line) in altids else line]
        kept_lines += others.get(id(line), [])
    return kept_lines


def _meaning(line: Property) -> tuple[str, ...]:
    """Identify a line by its content, so that unchanged lines keep parameters that only other clients know."""
    return (line.name, line.value, *map(line.parameter, ("ALTID", "LANGUAGE", "PHONETIC", "SCRIPT")))


def _phonetic_lines(lines: Sequence[Property], contact: Object) -> list[tuple[Property, Property]]:
    """Lines of how a name or an address sounds, each behind that."""
    pairs = []
    for name, kinds in (("name", NAMES), ("addresses", ADDRESSES)):
        there = _lines_by_slot(name, [line for line in lines if line.name in COVERED[name]])
        values = {"N": contact.get(name) or {}} if name == "name" else contact.get(name) or {}
        for slot, value in values.items():
            components = value.get("components") or ()
            line = there.get(slot)
            if line is not None and any(component.get("phonetic") for component in components):
                parameters = {
                    "PHONETIC": [value.get("phoneticSystem") or "script"],
                    "SCRIPT": [value.get("phoneticScript") or ""],
                }
                _, text = structured(value, kinds, "phonetic")
                if not UNSAID.search(text):
                    pairs.append((line, changed_line(line.name, safe(parameters), text)))
    return pairs


def _localized_lines(
    lines: Sequence[Property], contact: Object, patch: Object, language: str
) -> list[tuple[Property, Property]]:
    """Pairs of an original line and its localized version from a patch."""
    pairs = []
    plain = {name: value for name, value in contact.items() if name in COVERED and name != "localizations"}
    for name, value in patched(plain, patch).items():
        if value == plain.get(name) or name not in COVERED or not is_kept(name, value):
            continue
        kind = TYPES["Card"][name]
        before, after = (_slots(name, normal(one, kind)) for one in (plain.get(name), value))
        there = _lines_by_slot(name, [line for line in lines if line.name in COVERED[name]])
        for slot, part in after.items():
            line = there.get(slot)
            made = None if line is None or part == before.get(slot) else line_of(name, slot, part)
            if line is not None and made is not None:
                own = {key: values for key, values in made.parameters.items() if key not in SHARED}
                pairs.append((line, changed_line(made.name, {"LANGUAGE": [language], **own}, made.value)))
    return pairs


def _check_changed(name: str, old: Any, value: Any) -> None:
    """Check what has changed of a property. Raises BadContact."""
    kind = TYPES["Card"][name]
    if value is None:
        return
    if kind[0] in "{S" and isinstance(value, dict) and isinstance(old, dict):
        most = MAX_SET if kind == "Set" else MAX_OBJECTS
        if len(value) > max(most, len(old)):
            raise BadContact(name, f"a card can have up to {most} entries in this property")
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
        elif (made := line_of(name, slot, part)) is not None:
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
    return _with_parameter(line, "PROP-ID", key)


def _with_parameter(line: Property, name: str, value: str) -> Property:
    """Set a parameter of a line.

    If the line doesn't have this parameter yet, the rest of it stays byte for byte the same.
    """
    if line.parameter(name) == value:
        return line
    if line.parameter(name):
        return changed_line(line.name, {**line.parameters, name: [value]}, line.value, group_of(line))
    head = line.whole.partition(":")[0].partition(";")[0]
    return property_of(f"{head};{name}={value}{line.whole[len(head) :]}") or line


def _slots(name: str, value: Any) -> Object:
    """Split a property into parts that have a line each."""
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
        first = {date["kind"]: key for key, date in reversed(value.items())}  # the one with the place of this kind
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
        text = to_json(value).decode()
        if len(text) > MAX_TEXT or len(kept) >= MAX_KEPT or UNSAFE.search(path):
            raise BadContact(name, "this property isn't supported")
        if name in LETTERS and rest:  # or the line of another object might take its id
            there = keyed(name, [line for line in lines if line.name in COVERED[name]]).get(rest[0])
            lines = [_identified(rest[0], line) if line is there else line for line in lines]
        kept.append(changed_line("JSPROP", {"JSPTR": [path]}, escaped(text)))
    return [*lines, *kept]


def _with_unknown(lines: list[Property], value: Any) -> list[Property]:
    """The lines with these ``vCardProps``; those that stayed the same stay as they are. Raises BadContact."""
    if not isinstance(value, list) or len(value) > 4 * MAX_OBJECTS:
        raise BadContact("vCardProps", f"must be an array of up to {4 * MAX_OBJECTS} properties")
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
                    raise BadContact("vCardProps", f"{name} has a JSContact equivalent or isn't a valid property")
                if not all(isinstance(v, str) or _strings(v) for v in parameters.values()):
                    raise BadContact("vCardProps", "a parameter must be a string or an array of strings")
                typed = {} if kind == "unknown" else {"VALUE": kind}
                given = {**{k.upper(): [v] if isinstance(v, str) else v for k, v in parameters.items()}, **typed}
                if UNSAID.search(text) or any(UNSAFE.search(v) for values in given.values() for v in values):
                    raise BadContact("vCardProps", "can't contain control characters")
                props.append(
                    changed_line(name.upper(), {k: [v] if isinstance(v, str) else v for k, v in given.items()}, text)
                )
            case _:
                raise BadContact("vCardProps", "a property must be an array of name, parameters, type, and value")
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
