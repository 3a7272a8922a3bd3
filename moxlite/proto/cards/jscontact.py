"""vCard (RFC 6350, RFC 9554) as JSContact (RFC 9553), by RFC 9555 §2. Values in, values out.

Each property of JSContact belongs to some properties of vCard: `COVERED`. Those without a place in JSContact are
``vCardProps`` (RFC 9555 §2.15); what a card says that vCard has no property for is in lines JSPROP (RFC 9555 §3.2.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from moxlite.proto.cards.components import Component
from moxlite.proto.cards.contentline import (
    Property,
    address_pieces,
    changed_line,
    group_of,
    split,
    unescaped,
    with_value,
)
from moxlite.proto.cards.jscontactshapes import ADDRESSES, CHOICES, KEY, NAMES, TYPES, BadContact, Object, check
from moxlite.proto.cards.jspatches import difference, patched, tokens_of

Pair: TypeAlias = tuple[Property, Property]
"""A line, and one that says the same phonetically or in another language."""

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
    "speakToAs": ("GRAMGENDER", "PRONOUNS"),
    "titles": ("TITLE", "ROLE"),
    "emails": ("EMAIL",),
    "phones": ("TEL",),
    "onlineServices": ("IMPP", "SOCIALPROFILE", "X-SOCIALPROFILE"),
    "addresses": ("ADR",),
    "anniversaries": ("BDAY", "ANNIVERSARY", "DEATHDATE", "BIRTHPLACE", "DEATHPLACE"),
    "notes": ("NOTE",),
    "keywords": ("CATEGORIES",),
    "links": ("URL", "CONTACT-URI"),
    "media": ("PHOTO", "LOGO", "SOUND"),
    "preferredLanguages": ("LANG",),
    "calendars": ("CALURI", "FBURL"),
    "schedulingAddresses": ("CALADRURI",),
    "cryptoKeys": ("KEY",),
    "directories": ("SOURCE", "ORG-DIRECTORY"),
    "personalInfo": ("EXPERTISE", "HOBBY", "INTEREST"),
    "relatedTo": ("RELATED",),
    "localizations": (),
}
"""The properties of vCard that each property of JSContact is made of."""

LETTERS: Final = {
    "nicknames": "k",
    "organizations": "o",
    "titles": "t",
    "emails": "e",
    "phones": "p",
    "onlineServices": "s",
    "addresses": "a",
    "anniversaries": "d",
    "notes": "n",
    "links": "l",
    "media": "m",
    "preferredLanguages": "g",
    "calendars": "c",
    "schedulingAddresses": "i",
    "cryptoKeys": "y",
    "directories": "r",
    "personalInfo": "f",
}
"""Properties whose objects have ids: the letter that an id without PROP-ID begins with."""

FRAME: Final = frozenset({"VERSION", "BEGIN", "END", "JSPROP"})
OWN: Final = frozenset(name for names in COVERED.values() for name in names) | FRAME
PROPERTIES: Final = ("@type", "version", *COVERED, "vCardProps")

CONTEXTS: Final = {"home": "private", "work": "work", "billing": "billing", "delivery": "delivery"}
FEATURES: Final = {
    "voice": "voice",
    "cell": "mobile",
    "fax": "fax",
    "pager": "pager",
    "text": "text",
    "video": "video",
    "textphone": "textphone",
    "main-number": "main-number",
}
DATES: Final = {"BDAY": "birth", "ANNIVERSARY": "wedding", "DEATHDATE": "death"}
PLACES: Final = {"BIRTHPLACE": "birth", "DEATHPLACE": "death"}
LEVELS: Final = {"beginner": "low", "average": "medium", "expert": "high"}
KINDS: Final = {
    "PHOTO": "photo",
    "LOGO": "logo",
    "SOUND": "sound",
    "CONTACT-URI": "contact",
    "CALURI": "calendar",
    "FBURL": "freeBusy",
    "ORG-DIRECTORY": "directory",
    "SOURCE": "entry",
}
"""Kinds of resources by their property."""

DATE: Final = re.compile(r"(\d{4}|--)-?(\d{2})?-?(\d{2})?(?:T.*)?")
MOMENT: Final = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(?:\.\d+)?Z")
APPLE_LABEL: Final = re.compile(r"_\$!<([^<>]*)>!\$_")
NO_YEAR: Final = 1604
"""The year that Apple's programs write for none: it had a 29 February."""

SHARED: Final = frozenset({"PROP-ID", "TYPE", "PREF", "INDEX", "LEVEL", "MEDIATYPE"})
"""Parameters of a line that lines in other languages need not repeat."""

LISTED: Final = ("name", "addresses", "organizations")
"""Properties with arrays that lines have, too: a line JSPROP with such an array must say the same."""

MAX_KEPT: Final = 200  # lines JSPROP that are read
MAX_LANGUAGES: Final = 20  # of lines beside others: a property without ids is read anew for each


def jscontact_of(card: Component) -> Object:
    """The JSContact object of a card."""
    pairs = alternates(card.properties)
    others = {id(other) for _, other in pairs}
    lines = [line for line in card.properties if id(line) not in others]
    contact = {"@type": "Card", "version": "1.0", "uid": unescaped(card.value("UID")), **_members(lines, COVERED)}
    if localizations := _localizations(contact, lines, pairs):
        contact["localizations"] = localizations
    for line, other in pairs:
        if other.parameter("PHONETIC"):
            _add_phonetic(contact, lines, line, other)
    contact = _with_kept(contact, card.all("JSPROP"))
    rest = [unknown(prop) for prop in unknown_lines(lines)]
    if rest:
        contact["vCardProps"] = rest
    return contact


def alternates(lines: Sequence[Property]) -> list[Pair]:
    """Lines beside others: phonetic ones (RFC 9554 §4.6) or of another language, by ALTID (RFC 6350 §5.4)."""
    language = next((_text(line).strip() for line in lines if line.name == "LANGUAGE"), "")
    by_altid: dict[tuple[str, str], list[Property]] = {}
    for line in lines:
        if line.name in OWN and line.parameter("ALTID"):
            by_altid.setdefault((line.name, line.parameter("ALTID")), []).append(line)
    pairs = []
    for same in by_altid.values():
        plain = [line for line in same if not line.parameter("PHONETIC")]
        own = [line for line in plain if line.parameter("LANGUAGE") in ("", language)]
        if not plain:
            continue
        main = (own or plain)[0]
        seen = {("", main.parameter("LANGUAGE")), ("", "")}
        for line in same:
            meaning = (line.parameter("PHONETIC") and "phonetic", line.parameter("LANGUAGE"))
            if meaning not in seen and (line.name in ("N", "ADR") or not meaning[0]):
                seen.add(meaning)
                pairs.append((main, line))
    return pairs


def _members(lines: Sequence[Property], names: Collection[str]) -> Object:
    """The properties of these names that lines say, but for the UID."""
    contact: Object = {}
    labels = {group_of(line): line for line in lines if line.name == "X-ABLABEL"}
    labels.pop("", None)
    for name in names:
        own = [prop for prop in lines if prop.name in COVERED[name]]
        if own and name != "uid":
            value = _objects(name, own, labels) if name in LETTERS else READERS[name](own)
            contact |= {name: value} if value else {}
    for key, organization in organization_ids(lines).items():
        if key in contact.get("titles", ()) and organization in contact.get("organizations", ()):
            contact["titles"][key]["organizationId"] = organization
    return contact


def _objects(name: str, own: Sequence[Property], labels: Mapping[str, Property]) -> Object:
    """The objects of a property by their ids. `labels`: by group."""
    value: Object = {}
    for key, line in keyed(name, own).items():
        if (member := READERS[name](line)) is not None:
            value[key] = member | _label(name, labels.get(group_of(line)))
    first = {member.get("kind"): member for member in reversed(value.values())}
    for line in own:
        if line.name in PLACES and (member := first.get(PLACES[line.name])) is not None:
            member.setdefault("place", _place(line))
    return value


def organization_ids(lines: Sequence[Property]) -> dict[str, str]:
    """The ids of titles whose line is in the group of an organization's, with its id."""
    organizations = keyed("organizations", [line for line in lines if line.name in COVERED["organizations"]])
    groups = {group: key for key, line in reversed(organizations.items()) if (group := group_of(line))}
    titles = keyed("titles", [line for line in lines if line.name in COVERED["titles"]])
    return {key: groups[group] for key, line in titles.items() if (group := group_of(line)) in groups}


def _add_phonetic(contact: Object, lines: Sequence[Property], line: Property, phonetic: Property) -> None:
    """Add what a line says phonetically to the name or address of the line beside it."""
    value: Object | None = contact.get("name")
    if line.name == "ADR":
        addresses = keyed("addresses", [other for other in lines if other.name == "ADR"])
        value = contact["addresses"].get(next(key for key, other in addresses.items() if other is line))
    if value is not None and "components" in value:
        value |= components_of(line, NAMES if line.name == "N" else ADDRESSES, phonetic)
        value |= _parameters(phonetic, {"phoneticScript": "SCRIPT"})
        if (system := phonetic.parameter("PHONETIC").lower()) != "script":
            value["phoneticSystem"] = system


def _localizations(contact: Object, lines: Sequence[Property], pairs: Sequence[Pair]) -> Object:
    """The patches of languages that lines are in, too (RFC 9553 §2.7.1)."""
    localizations: Object = {}
    for language, others in _by_language(pairs).items():
        covered = {line.name for line, _ in others}
        patch: Object = {}
        for name in (name for name, own in COVERED.items() if name not in ("uid", *LETTERS) and covered & {*own}):
            replaced = {id(line): other for line, other in others}
            localized = _members([replaced.get(id(line), line) for line in lines if line.name in COVERED[name]], [name])
            patch |= difference({name: contact.get(name)}, localized)
        localizations[language] = {path: value for path, value in patch.items() if value is not None}
    for name, own in COVERED.items():
        if name in LETTERS and any(line.name in own for line, _ in pairs):
            _localize_objects(localizations, name, lines, pairs)
    return {language: patch for language, patch in localizations.items() if patch}


def _localize_objects(localizations: Object, name: str, lines: Sequence[Property], pairs: Sequence[Pair]) -> None:
    """Add what languages say of objects: only these are read anew, of which a hostile card has thousands."""
    keys = {id(line): key for key, line in keyed(name, [line for line in lines if line.name in COVERED[name]]).items()}
    for language, others in _by_language(pairs).items():
        for line, other in others:
            key = keys.get(id(line))
            member, localized = (None, None) if key is None else (READERS[name](line), READERS[name](other))
            if member is not None and localized is not None:
                patch = difference(member, localized, f"{name}/{key}/")
                localizations[language] |= {path: value for path, value in patch.items() if value is not None}


def _by_language(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """Lines, and what they are in another language, with the parameters that this one need not repeat."""
    by_language: dict[str, list[Pair]] = {}
    for line, other in pairs:
        language = other.parameter("LANGUAGE")
        if not other.parameter("PHONETIC") and (language in by_language or len(by_language) < MAX_LANGUAGES):
            shared = {name: values for name, values in line.parameters.items() if name in SHARED}
            own = {name: values for name, values in other.parameters.items() if name not in ("LANGUAGE", "ALTID")}
            replaced = changed_line(other.name, {**shared, **own}, other.value, group_of(other))
            by_language.setdefault(language, []).append((line, replaced))
    return by_language


def keyed(name: str, lines: Sequence[Property]) -> dict[str, Property]:
    """The lines of objects by their PROP-ID, else by a letter and their number."""
    lines_by_key: dict[str, Property] = {}
    number = 0
    for line in lines:
        if line.name in PLACES:
            continue
        for single in singles(line):
            number += 1
            key = single.parameter("PROP-ID")
            lines_by_key[key if KEY.fullmatch(key) and key not in lines_by_key else f"{LETTERS[name]}{number}"] = single
    return lines_by_key


def singles(line: Property) -> list[Property]:
    """A line as lines of one value each: NICKNAME is a list (RFC 6350 §6.2.3)."""
    pieces = [piece for piece in split(line.decoded, ",") if piece.strip()] if line.name == "NICKNAME" else []
    return [with_value(line, piece) for piece in pieces] if len(pieces) > 1 else [line]


def has_label(name: str) -> bool:
    """Whether the objects of a property have a label."""
    return name in LETTERS and "label" in TYPES[TYPES["Card"][name][1:-1]]


def unknown_lines(lines: Sequence[Property]) -> Iterator[Property]:
    """The lines that are no property of JSContact here."""
    labelled = {name for property_name, names in COVERED.items() if has_label(property_name) for name in names}
    groups = {group_of(line) for line in lines if line.name in labelled} - {""}
    return (
        line for line in lines if line.name not in OWN and not (line.name == "X-ABLABEL" and group_of(line) in groups)
    )


def unknown(prop: Property) -> list[Any]:
    """A line as an element of ``vCardProps``."""
    parameters = {
        name.lower(): values[0] if len(values) == 1 else values for name, values in prop.parameters.items() if values
    }
    kind = str(parameters.pop("value", "unknown")).lower()
    return [prop.name.lower(), parameters, kind, prop.value]


def _label(name: str, line: Property | None) -> Object:
    if line is None or not has_label(name):
        return {}
    match = APPLE_LABEL.fullmatch(text := _text(line))
    return {"label": text if match is None else match[1]}


def _with_kept(contact: Object, lines: Sequence[Property]) -> Object:
    """Add the values of JSPROP lines to the object, except invalid and stale ones."""
    for line in lines[:MAX_KEPT]:
        path = line.parameter("JSPTR").removeprefix("/")
        tokens = tokens_of(path)
        try:
            value = msgspec.json.decode(unescaped(line.decoded))
        except msgspec.DecodeError:
            continue
        holder: Any = contact
        for token in tokens[:-1]:
            holder = holder.get(token) if isinstance(holder, dict) else None
        if not isinstance(holder, dict):
            continue
        listed = tokens[0] in LISTED and isinstance(value, list)
        if not listed or _pieces(holder.get(tokens[-1])) == _pieces(value):
            changed = patched(contact, {path: value})
            if is_kept(tokens[0], changed.get(tokens[0])):
                contact = changed
    return contact


def is_kept(name: str, value: Any) -> bool:
    """Whether a line JSPROP may make this of a property."""
    if name not in TYPES["Card"] or name == "uid":
        return ":" in name
    try:
        check(name, value, TYPES["Card"][name], ("Card", name))
    except BadContact:
        return False
    return True


def _pieces(value: Any) -> list[tuple[str, str]]:
    """The parts of an array that a line has, too."""
    known = {*NAMES, *ADDRESSES, ""}
    objects = [piece for piece in value or () if isinstance(piece, dict) and piece.get("kind", "") in known]
    return sorted((str(piece.get("kind", "")), str(piece.get("value", piece.get("name", "")))) for piece in objects)


# Values


def _text(prop: Property) -> str:
    return unescaped(prop.decoded)


def _first(lines: list[Property]) -> str:
    return _text(lines[0]).strip()


def types_of(prop: Property) -> list[str]:
    """The types of a line in lower case."""
    return [value.lower() for value in prop.parameters.get("TYPE", [])]


def _common(prop: Property) -> Object:
    """Contexts and preference."""
    members: Object = {}
    known = [
        value for value in types_of(prop) if value in CONTEXTS and (prop.name == "ADR" or value in ("home", "work"))
    ]
    if known:
        members["contexts"] = {CONTEXTS[value]: True for value in known}
    pref = prop.parameter("PREF") or ("1" if "pref" in types_of(prop) else "")
    if pref.isascii() and pref.isdigit() and len(pref) < 5 and 1 <= int(pref) <= 100:
        members["pref"] = int(pref)
    return members


def _parameters(prop: Property, names: Mapping[str, str]) -> Object:
    """Members that are texts of parameters."""
    return {member: text for member, name in names.items() if (text := unescaped(prop.parameter(name)))}


def components_of(prop: Property, kinds: Sequence[str], phonetic: Property | None = None) -> Object:
    """The components of N or ADR, in the order that JSCOMPS gives them (RFC 9555 §3.3.1), with what a phonetic line has
    in their places.
    """
    texts = address_pieces(prop.decoded) if prop.name == "ADR" else split(prop.decoded, ";")
    pieces = [[unescaped(value) for value in split(piece, ",")] for piece in texts[: len(kinds)]]
    # pieces for old programs repeat new ones (RFC 9554 §2.1)
    old = {1, 2} if prop.name == "ADR" and any(any(piece) for piece in pieces[7:]) else set()
    places = [
        (at, number) for at, piece in enumerate(pieces) for number, value in enumerate(piece) if value and at not in old
    ]
    spoken = [split(piece, ",") for piece in split(phonetic.decoded, ";")] if phonetic is not None else []
    sounds = {(at, number): unescaped(text) for at, piece in enumerate(spoken) for number, text in enumerate(piece)}
    components = [
        {"kind": kinds[at], "value": pieces[at][number]}
        | ({"phonetic": sound} if (sound := sounds.get((at, number))) else {})
        for at, number in places
    ]
    if prop.parameter("JSCOMPS"):
        separator, *entries = split(prop.parameter("JSCOMPS"), ";")
        ordered: list[Object] = []
        named: list[tuple[int, int]] = []
        for entry in entries:
            head, _, rest = entry.partition(",")
            if head == "s":
                ordered.append({"kind": "separator", "value": unescaped(rest)})
            elif head.isascii() and head.isdigit() and (not rest or (rest.isascii() and rest.isdigit())):
                named.append((int(head[:4]), int(rest[:4] or 0)))
                if named[-1] in places:
                    ordered.append(components[places.index(named[-1])])
        if sorted(named) == places and places:
            between = unescaped(separator.partition(",")[2])
            return {"components": ordered, "isOrdered": True, **({"defaultSeparator": between} if between else {})}
    return {"components": components} if components else {}


def _name_of(lines: list[Property]) -> Object:
    name: Object = {}
    for line in lines:
        if line.name == "FN" and "full" not in name and line.parameter("DERIVED").lower() != "true":
            name["full"] = _text(line)
        elif line.name == "N" and "components" not in name and not line.parameter("PHONETIC"):
            name |= components_of(line, NAMES)
            sort = dict(zip(("surname", "given"), split(line.parameter("SORT-AS"), ","), strict=False))
            if kept := {kind: unescaped(value) for kind, value in sort.items() if value}:
                name["sortAs"] = kept
    return name


def _organization(prop: Property) -> Object | None:
    name, *units = [unescaped(piece) for piece in split(prop.decoded, ";")]
    sort, *sorts = [*map(unescaped, split(prop.parameter("SORT-AS"), ",")), *[""] * len(units)]
    organization: Object = {"name": name} if name else {}
    kept = [
        {"name": unit, **({"sortAs": after} if after else {})}
        for unit, after in zip(units, sorts, strict=False)
        if unit
    ]
    if kept:
        organization["units"] = kept
    return {**organization, **({"sortAs": sort} if sort else {}), **_common(prop)} if organization else None


def _phone(prop: Property) -> Object:
    features = {FEATURES[value]: True for value in types_of(prop) if value in FEATURES}
    return {"number": _text(prop), **({"features": features} if features else {}), **_common(prop)}


def _service(prop: Property) -> Object:
    service = _parameters(prop, {"service": "SERVICE-TYPE", "user": "USERNAME"})
    known = [kind for kind in types_of(prop) if kind not in (*CONTEXTS, "pref")]
    if prop.name != "IMPP" and "service" not in service and known:
        service["service"] = known[0]
    member = "user" if prop.parameter("VALUE").lower() == "text" else "uri"
    return {member: _text(prop), **service, **_common(prop)} if _text(prop) else {**service, **_common(prop)}


def _address(prop: Property) -> Object | None:
    members = {"full": "LABEL", "coordinates": "GEO", "timeZone": "TZ", "countryCode": "CC"}
    address = {**components_of(prop, ADDRESSES), **_parameters(prop, members)}
    return {**address, **_common(prop)} if address else None


def _anniversary(prop: Property) -> Object | None:
    text = prop.value.strip()
    moment = MOMENT.fullmatch(re.sub("[-:]", "", text))
    if moment is not None:
        utc = "{}-{}-{}T{}:{}:{}Z".format(*moment.groups())
        return {"kind": DATES[prop.name], "date": {"@type": "Timestamp", "utc": utc}}
    match = DATE.fullmatch(text)
    if match is None or text.startswith("---"):
        return None
    date = dict(zip(("year", "month", "day"), (int(value.strip("-") or 0) for value in match.groups("")), strict=True))
    if date["year"] == NO_YEAR and date["month"]:
        date["year"] = 0
    scale = prop.parameter("CALSCALE")
    kept: Object = {name: value for name, value in date.items() if value} | ({"calendarScale": scale} if scale else {})
    if not (date["year"] or date["month"]):
        return None
    return {"kind": DATES[prop.name], "date": {"@type": "PartialDate", **kept}}


def _place(prop: Property) -> Object:
    text = _text(prop)
    is_uri = prop.parameter("VALUE").lower() == "uri" or text.startswith("geo:")
    return {"coordinates": text} if is_uri else {"full": text}


def _note(prop: Property) -> Object:
    author = _parameters(prop, {"name": "AUTHOR-NAME", "uri": "AUTHOR"})
    moment = _utc(prop.parameter("CREATED"))
    return {
        "note": _text(prop),
        **({"created": moment} if moment else {}),
        **({"author": author} if author else {}),
    }


def _resource(prop: Property) -> Object:
    uri = _text(prop).strip()  # a URI has no backslash (RFC 3986 §2): Gmail's programs write http\\://
    if prop.parameter("ENCODING").lower() in ("b", "base64"):
        kind = prop.parameter("TYPE").lower() or ("octet-stream" if prop.name == "KEY" else "jpeg")
        main = {"SOUND": "audio", "KEY": "application"}.get(prop.name, "image")
        uri = f"data:{kind if '/' in kind else f'{main}/{kind}'};base64,{uri}"
    index = prop.parameter("INDEX")
    return {
        **({"kind": KINDS[prop.name]} if prop.name in KINDS else {}),
        "uri": uri,
        **_parameters(prop, {"mediaType": "MEDIATYPE"}),
        **({"listAs": int(index)} if index.isascii() and index.isdigit() and len(index) < 9 else {}),
        **_common(prop),
    }


def _personal(prop: Property) -> Object:
    level, index = prop.parameter("LEVEL").lower(), prop.parameter("INDEX")
    level = LEVELS.get(level, level if level in CHOICES["PersonalInfo", "level"] else "")
    return {
        "kind": prop.name.lower(),
        "value": _text(prop),
        **({"level": level} if level else {}),
        **({"listAs": int(index)} if index.isascii() and index.isdigit() and len(index) < 9 else {}),
    }


def _speak(lines: list[Property]) -> Object:
    genders = [_text(line).strip().lower() for line in lines if line.name == "GRAMGENDER"]
    pronouns = {
        line.parameter("PROP-ID") or f"u{number}": {"pronouns": _text(line), **_common(line)}
        for number, line in enumerate((line for line in lines if line.name == "PRONOUNS"), 1)
    }
    return {
        **({"grammaticalGender": genders[0]} if genders else {}),
        **({"pronouns": pronouns} if pronouns else {}),
    }


def _keywords(lines: list[Property]) -> Object:
    return {unescaped(piece): True for line in lines for piece in split(line.decoded, ",") if piece}


def _related(lines: list[Property]) -> Object:
    return {
        _text(line): {"relation": kinds} if (kinds := {kind: True for kind in types_of(line) if kind != "pref"}) else {}
        for line in lines
    }


def _utc(text: str) -> str:
    match = MOMENT.fullmatch(re.sub(r"[-:]", "", text.strip()))
    return "" if match is None else "{}-{}-{}T{}:{}:{}Z".format(*match.groups())


READERS: Final[Mapping[str, Callable[..., Any]]] = {
    "kind": lambda lines: _first(lines).lower(),
    "members": lambda lines: {_text(line): True for line in lines},
    "prodId": _first,
    "created": lambda lines: _utc(lines[0].value),
    "updated": lambda lines: _utc(lines[0].value),
    "language": _first,
    "name": _name_of,
    "nicknames": lambda prop: {"name": _text(prop).strip(), **_common(prop)},
    "organizations": _organization,
    "speakToAs": _speak,
    "titles": lambda prop: {"name": _text(prop), "kind": prop.name.lower()},
    "emails": lambda prop: {"address": _text(prop).removeprefix("mailto:"), **_common(prop)},
    "phones": _phone,
    "onlineServices": _service,
    "addresses": _address,
    "anniversaries": _anniversary,
    "notes": _note,
    "keywords": _keywords,
    "links": _resource,
    "media": _resource,
    "preferredLanguages": lambda prop: {"language": _text(prop).strip(), **_common(prop)},
    "calendars": _resource,
    "schedulingAddresses": _resource,
    "cryptoKeys": _resource,
    "directories": _resource,
    "personalInfo": _personal,
    "relatedTo": _related,
}
"""Readers of lines: of all lines of a property, in `LETTERS` of one line."""
