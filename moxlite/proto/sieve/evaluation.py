"""Tests as functions of the state: each is made once for a script, with all that does not change worked out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, TypeAlias

import msgspec

from moxlite.normal import normalized
from moxlite.proto.address import unicode_domain
from moxlite.proto.sieve import conditions as c
from moxlite.proto.sieve.comparing import COMPARATORS, Values, charge_keys, finder, search_cost
from moxlite.proto.sieve.errors import RunError
from moxlite.proto.sieve.limits import CALL, MAX_STEPS, Budget
from moxlite.proto.sieve.message import DOMAIN, NO_VALUES, Mailbox
from moxlite.proto.sieve.state import State
from moxlite.proto.sieve.strings import PARTS, date_part, flags_of, has_variables, words_of, zone_minutes
from moxlite.proto.sieve.syntax import CONTAINS, IS
from moxlite.proto.sieve.validation import EXTENSIONS, RESTRICTED

Evaluate: TypeAlias = Callable[[State], bool]
_Check: TypeAlias = Callable[[State, Values], bool]
_Get: TypeAlias = Callable[[State], Values]

WEEK: Final = 7 * 86400
"""Seconds that ``duplicate`` remembers a message, unless the script says otherwise (RFC 7352 §3.2)."""

LONGEST: Final = 90 * 86400
"""Most seconds that ``duplicate`` remembers a message."""


def build_test(test: c.AnyTest, *, variables: bool) -> Evaluate:
    """The function of a test. `variables`: strings may refer to variables."""
    match test:
        case c.AllOf():
            return _all_of([build_test(one, variables=variables) for one in test.tests])
        case c.AnyOf():
            return _any_of([build_test(one, variables=variables) for one in test.tests])
        case c.Not():
            return _not(build_test(test.test, variables=variables))
        case c.UnavailableTest():
            return _unavailable(test.text)
        case _:
            return _BUILDERS[type(test)](test, variables)


def _all_of(tests: list[Evaluate]) -> Evaluate:
    def evaluate(state: State) -> bool:
        for test in tests:  # noqa: SIM110 - ends at the first that is false (RFC 5228 §5.2); a generator is slower
            if not test(state):
                return False
        return True

    return evaluate


def _any_of(tests: list[Evaluate]) -> Evaluate:
    def evaluate(state: State) -> bool:
        for test in tests:  # noqa: SIM110 - a generator is slower
            if test(state):
                return True
        return False

    return evaluate


def _not(test: Evaluate) -> Evaluate:
    return lambda state: not test(state)


def _unavailable(text: str) -> Evaluate:
    def evaluate(_: State) -> bool:
        raise RunError(text)

    return evaluate


# Comparing


def _check(test: c.Comparing, variables: bool) -> _Check:
    """The function that compares values with the keys of a test, and sets the match variables."""
    captures = variables and not isinstance(test, c.BodyTest)  # RFC 5173 §6
    words = isinstance(test, c.HasFlagTest)
    if variables and any(map(has_variables, test.keys)):

        def check_expanded(state: State, values: Values) -> bool:
            keys = state.texts(test.keys)
            if words:
                keys = words_of(keys, state)
            charge_keys(keys, test.match, test.comparator, state)
            find, cost = finder(test.match, test.comparator, keys, captures=captures)
            state.charge(values.size * cost)
            found = find(values, state)
            if found:
                state.frame.matched = found
            return found is not None

        return check_expanded
    if test.match == IS:
        return _check_is(test.comparator, test.keys)
    if test.match == CONTAINS and len(set(test.keys)) == 1:
        return _check_contains(test.comparator, test.keys[0])
    try:
        find, cost = finder(test.match, test.comparator, test.keys, captures=captures)
    except RunError as error:  # an expression that an earlier version took
        return _refused(str(error))

    def check(state: State, values: Values) -> bool:
        state.work += values.size * cost
        if state.work > state.pause:
            state.charge(0)
        found = find(values, state)
        if found:
            state.frame.matched = found
        return found is not None

    return check


def _refused(text: str) -> _Check:
    def check(_state: State, _values: Values) -> bool:
        raise RunError(text)

    return check


# The commonest checks: as `finder` has them, without its calls, which would be most of their time.


def _check_is(comparator: str, keys: tuple[str, ...]) -> _Check:
    wanted = frozenset(map(COMPARATORS[comparator], keys))

    def check(state: State, values: Values) -> bool:
        state.work += values.size
        if state.work > state.pause:
            state.charge(0)
        return not wanted.isdisjoint(values.forms.get(comparator) or values.folded(comparator, state))

    return check


def _check_contains(comparator: str, key: str) -> _Check:
    wanted, cost = COMPARATORS[comparator](key), search_cost(key)

    def check(state: State, values: Values) -> bool:
        state.work += values.size * cost
        if state.work > state.pause:
            state.charge(0)
        for text in values.forms.get(comparator) or values.folded(comparator, state):  # noqa: SIM110 - a generator is slower
            if wanted in text:
                return True
        return False

    return check


def _comparing(test: c.Comparing, variables: bool, get: _Get) -> Evaluate:
    check = _check(test, variables)

    def evaluate(state: State) -> bool:
        state.step()
        values = get(state)
        return values is not NO_VALUES and check(state, values)

    return evaluate


def _named(test: Any, variables: bool, get: Callable[[State, str], Values]) -> Evaluate:
    """A test of the values of names, of each in turn; ``:count`` counts the values of all (RFC 5231 §4.2)."""
    check = _check(test, variables)
    names = tuple(name.lower() for name in test.names)
    dynamic = variables and any(map(has_variables, names))
    counts = test.match.startswith("count")

    def evaluate(state: State) -> bool:
        state.step(len(names))
        wanted = tuple(name.lower() for name in state.texts(test.names)) if dynamic else names
        if counts:
            texts: list[str] = []
            for name in wanted:
                values = get(state, name)
                state.charge(values.size)
                texts += values.texts
            return check(state, Values(texts))
        for name in wanted:
            values = get(state, name)
            if values is not NO_VALUES and check(state, values):
                return True
        return False

    return evaluate


def _of_index(count: int, index: int, last: bool) -> slice:
    """The field of an index, counted from 1, or from the last one; all for 0 (RFC 5260 §6)."""
    if not index:
        return slice(0, count)
    at = count - index if last else index - 1
    return slice(at, at + 1) if 0 <= at < count else slice(0, 0)


# RFC 5228 §5


def _header(test: c.HeaderTest, variables: bool) -> Evaluate:
    if not test.index:
        if len(test.names) == 1 and not (variables and has_variables(test.names[0])):
            return _one_header(test, test.names[0].lower(), variables)
        return _named(test, variables, lambda state, name: state.message.header(name, state))

    def get(state: State, name: str) -> Values:
        texts = state.message.header(name, state).texts
        return Values(texts[_of_index(len(texts), test.index, test.last)])

    return _named(test, variables, get)


def _one_header(test: c.HeaderTest, name: str, variables: bool) -> Evaluate:
    """The commonest test by far."""
    check = _check(test, variables)
    counts = test.match.startswith("count")

    def evaluate(state: State) -> bool:
        state.steps += 1
        if state.steps > MAX_STEPS:
            state.step(0)
        values = state.message.headers.get(name) or state.message.header(name, state)
        return (values is not NO_VALUES or counts) and check(state, values)

    return evaluate


def _address(test: c.AddressTest, variables: bool) -> Evaluate:
    index, last, part = test.index, test.last, test.part
    # the number of addresses, and the order of values, count one spelling of each
    single = test.match.startswith(("count", "value"))
    place = f"{-index if last else index}{' single' if single else ''}"

    def read(state: State, name: str, key: tuple[str, ...]) -> Values:
        fields = state.message.addresses(name, state)
        chosen = fields[_of_index(len(fields), index, last)]
        separator = state.world.separator
        texts = [_part(mailbox, part, separator) for field in chosen for mailbox in field]
        if not single:
            texts += [_part(twin, part, separator) for field in chosen for twin in _other_spellings(field, part, state)]
        values = state.memo[key] = Values([text for text in texts if text is not None])
        return values

    if test.match.startswith("count") or (variables and any(map(has_variables, test.names))):

        def get(state: State, name: str) -> Values:
            key = ("address", name, part, place)
            return state.memo.get(key) or read(state, name, key)

        return _named(test, variables, get)

    check = _check(test, variables)
    keys = tuple((name.lower(), ("address", name.lower(), part, place)) for name in test.names)
    steps = len(keys)

    def evaluate(state: State) -> bool:
        state.steps += steps
        if state.steps > MAX_STEPS:
            state.step(0)
        memo = state.memo
        for name, key in keys:  # noqa: SIM110 - a generator is slower
            if check(state, memo.get(key) or read(state, name, key)):
                return True
        return False

    return evaluate


def _envelope(test: c.EnvelopeTest, variables: bool) -> Evaluate:
    def get(state: State, name: str) -> Values:
        world = state.world
        if name == "from" and world.sender is None:  # the null path is "" in all its parts (RFC 5228 §5.4)
            return Values(("",))
        address = world.sender if name == "from" else world.recipient if name == "to" else None
        text = None if address is None else _part(address, test.part, world.separator)
        if address is None or text is None:
            return NO_VALUES
        single = test.match.startswith(("count", "value"))
        twins = () if single else tuple(_other_spellings((address,), test.part, state))
        return Values((text, *(str(_part(twin, test.part, world.separator)) for twin in twins)))

    return _named(test, variables, get)


def _other_spellings(addresses: Iterable[Mailbox], part: str, budget: Budget) -> Iterator[Mailbox]:
    """The other spellings of addresses, as far as a part shows them: domains in U-labels, localparts in NFC. A script
    has one of them, as the header that people see (RFC 5228 §5.1).
    """
    for address in addresses:
        localparts, domains = {address.localpart: None}, {address.domain: None}
        if part != "localpart" and "xn--" in address.domain.lower():
            budget.charge(DOMAIN)
            domains[unicode_domain(address.domain)] = None
        if part != "domain" and not address.localpart.isascii():
            localparts[normalized("NFC", address.localpart)] = None
        spellings = (Mailbox(localpart, domain) for localpart in localparts for domain in domains)
        yield from islice(spellings, 1, None)


def _part(address: Mailbox, part: str, separator: str) -> str | None:
    """A part of an address (RFC 5228 §2.7.4, RFC 5233 §4); None where it has no such part. An address without localpart
    or domain, as ``mia@``, is not valid: it has only itself.
    """
    if part == "all":
        return str(address)
    if not address.localpart or not address.domain:
        return None
    match part:
        case "localpart":
            return address.localpart
        case "domain":
            return address.domain
        case "user":
            return address.localpart.partition(separator)[0]
        case _:
            _, found, detail = address.localpart.partition(separator)
            return detail if found else None


def _exists(test: c.ExistsTest, variables: bool) -> Evaluate:
    def evaluate(state: State) -> bool:
        state.step(len(test.names))
        return all(state.message.exists(name.lower()) for name in _texts(state, test.names, variables))

    return evaluate


def _size(test: c.SizeTest, _: bool) -> Evaluate:
    limit, over = test.limit, test.side == "over"

    def evaluate(state: State) -> bool:
        state.step()
        size = state.message.size
        return size > limit if over else size < limit

    return evaluate


def _texts(state: State, texts: tuple[str, ...], variables: bool) -> tuple[str, ...]:
    return state.texts(texts) if variables else texts


# Variables, flags, environment


def _string(test: c.StringTest, variables: bool) -> Evaluate:
    count = test.match.startswith("count")

    def get(state: State) -> Values:
        texts = state.texts(test.sources)
        return Values([text for text in texts if text] if count else texts)  # RFC 5229 §5

    return _comparing(test, variables, get)


def _has_flag(test: c.HasFlagTest, variables: bool) -> Evaluate:
    open_keys = variables and any(map(has_variables, test.keys))
    keys = test.keys if open_keys else words_of(test.keys, Budget())  # RFC 5232 §2: each string is a list of flags

    def get(state: State) -> Values:
        if not test.variables:
            return Values(state.flags)
        flags: list[str] = []
        for name in _texts(state, test.variables, variables):  # RFC 5232 §4: the count of variables is their sum
            flags += flags_of((state.variable(name),), state)
            state.make(CALL * len(flags))
        return Values(flags)

    return _comparing(msgspec.structs.replace(test, keys=keys), variables, get)


def _environment(test: c.EnvironmentTest, variables: bool) -> Evaluate:
    def get(state: State) -> Values:
        name = state.text(test.name) if variables else test.name
        text = state.world.items.get(name.lower())
        return NO_VALUES if text is None else Values((text,))

    return _comparing(test, variables, get)


def _spam(test: c.SpamTest, variables: bool) -> Evaluate:
    def get(state: State) -> Values:
        return Values((spam_value(state.world.junk, percent=test.percent),))

    return _comparing(test, variables, get)


def spam_value(junk: float | None, *, percent: bool) -> str:
    """A probability as spamtest gives it: 0 for not tested, 1 to 10, or 0 to 100 (RFC 5235 §3.2)."""
    if junk is None:
        return "0"
    return str(round(junk * 100)) if percent else str(1 + round(junk * 9))


# Body and dates


def _body(test: c.BodyTest, variables: bool) -> Evaluate:
    def get(state: State) -> Values:
        if not state.message.has_body():
            return NO_VALUES
        if test.content:
            return state.message.body("content", state, _texts(state, test.content, variables))
        return state.message.body(test.transform, state)

    return _comparing(test, variables, get)


def _date(test: c.DateTest, variables: bool) -> Evaluate:
    def get(state: State) -> Values:
        name, part, zone = (state.text(text) if variables else text for text in (test.name, test.part, test.zone))
        found = state.message.dates(name.lower(), state)
        texts: list[str] = []
        for date in found[_of_index(len(found), test.index or 1, test.last)]:  # RFC 5260 §4: the first field
            if date is not None:
                moment, written = date
                offset = written if test.original else _offset(state, zone, moment)
                text = date_part(moment, offset, _known(part))
                if text is not None:
                    texts.append(text)
        return Values(texts)

    return _comparing(test, variables, get)


def _current_date(test: c.CurrentDateTest, variables: bool) -> Evaluate:
    def get(state: State) -> Values:
        part, zone = (state.text(text) if variables else text for text in (test.part, test.zone))
        now = state.world.now
        text = date_part(now, _offset(state, zone, now), _known(part))
        return NO_VALUES if text is None else Values((text,))

    return _comparing(test, variables, get)


def _offset(state: State, zone: str, moment: int) -> int:
    if not zone:
        return state.world.offset(moment)
    minutes = zone_minutes(zone)
    if minutes is None:
        raise RunError(f"{zone[:20]!r} isn't a valid time zone")
    return minutes


def _known(part: str) -> str:
    if part.lower() not in PARTS:
        raise RunError(f"{part[:20]!r} isn't a valid date part")
    return part.lower()


# Mailboxes, duplicates, extensions


def _mailbox_exists(test: c.MailboxExistsTest, variables: bool) -> Evaluate:
    def evaluate(state: State) -> bool:
        state.step(len(test.mailboxes))
        boxes = state.world.mailboxes
        return all(boxes.canonical(name) in boxes.names for name in _texts(state, test.mailboxes, variables))

    return evaluate


def _mailbox_id_exists(test: c.MailboxIDExistsTest, variables: bool) -> Evaluate:
    def evaluate(state: State) -> bool:
        state.step(len(test.ids))
        return all(text in state.world.mailboxes.ids for text in _texts(state, test.ids, variables))

    return evaluate


def _special_use_exists(test: c.SpecialUseExistsTest, variables: bool) -> Evaluate:
    def evaluate(state: State) -> bool:
        state.step(len(test.uses))
        boxes = state.world.mailboxes
        state.charge(CALL * len(boxes.uses) * len(test.uses))
        uses = [use.lower() for use in _texts(state, test.uses, variables)]
        if not test.mailbox:
            return all(boxes.with_use(use) is not None for use in uses)
        name = boxes.canonical(state.text(test.mailbox) if variables else test.mailbox)
        return name in boxes.names and boxes.uses.get(name, frozenset()).issuperset(uses)

    return evaluate


def _duplicate(test: c.DuplicateTest, variables: bool) -> Evaluate:
    seconds = min(WEEK if test.seconds is None else test.seconds, LONGEST)

    def evaluate(state: State) -> bool:
        state.step()
        handle, header, unique = (
            state.text(text) if variables else text for text in (test.handle, test.header, test.unique_id)
        )
        if not unique:
            unique = next(iter(state.message.header((header or "message-id").lower(), state).texts), "")
        if not unique:  # RFC 7352 §3.1: without an id no message is a duplicate
            return False
        # The length keeps the two apart: the handle "a" with the id "bc" must not be the handle "ab" with "c".
        key = hashlib.blake2b(f"{len(handle)} {handle}{unique}".encode(), digest_size=16).digest()
        known = key in state.world.seen
        if not known or test.last:  # RFC 7352 §3.3
            state.track(key, seconds)
        return known

    return evaluate


def _ihave(test: c.IHaveTest, variables: bool) -> Evaluate:
    def evaluate(state: State) -> bool:
        state.step()
        return all(text in EXTENSIONS and text not in RESTRICTED for text in _texts(state, test.extensions, variables))

    return evaluate


def _constant(value: bool) -> Callable[[Any, bool], Evaluate]:
    def build(_test: Any, _variables: bool) -> Evaluate:
        def evaluate(state: State) -> bool:
            state.step()
            return value

        return evaluate

    return build


_BUILDERS: Final[Mapping[type, Callable[[Any, bool], Evaluate]]] = {
    c.TrueTest: _constant(True),
    c.FalseTest: _constant(False),
    c.HeaderTest: _header,
    c.AddressTest: _address,
    c.EnvelopeTest: _envelope,
    c.ExistsTest: _exists,
    c.SizeTest: _size,
    c.StringTest: _string,
    c.HasFlagTest: _has_flag,
    c.BodyTest: _body,
    c.DateTest: _date,
    c.CurrentDateTest: _current_date,
    c.EnvironmentTest: _environment,
    c.SpamTest: _spam,
    c.MailboxExistsTest: _mailbox_exists,
    c.MailboxIDExistsTest: _mailbox_id_exists,
    c.SpecialUseExistsTest: _special_use_exists,
    c.DuplicateTest: _duplicate,
    c.IHaveTest: _ihave,
}
