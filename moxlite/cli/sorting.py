"""``moxlite account rule``, ``forward`` and ``junk``: how mail that comes is sorted."""

import datetime as dt
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, Final, Literal, TypeVar

import click
import msgspec

from moxlite.cli.common import Failure, note, perform, show
from moxlite.cli.described import Printer, described, for_people
from moxlite.cli.doubts import say_doubts
from moxlite.encoding import from_builtins, to_json
from moxlite.escapes import printable
from moxlite.operations import described_in, forwards as forwarding, junk as junk_settings, rules as address_rules
from moxlite.operations.forwards import ForwardChange, Forwards, ForwardTarget, ListForwards, SetForwards
from moxlite.operations.junk import (
    Junk,
    JunkChange,
    JunkFilterForm,
    JunkFlagsForm,
    JunkForm,
    MarkInbox,
    SetJunk,
    ShowJunk,
    UnmarkInbox,
)
from moxlite.operations.rules import (
    DestinationChange,
    DestinationForm,
    DestinationItem,
    HeaderRule,
    ListRules,
    Rule,
    RuleCondition,
    SetRules,
)
from moxlite.store.forms import changed_fields
from moxlite.wording import counted

C = TypeVar("C", bound=Callable[..., None])
S = TypeVar("S", bound=msgspec.Struct)


# Options made of forms: a later field has one without a line here.


def options(*forms: type[msgspec.Struct], about: Mapping[str, str]) -> Callable[[C], C]:
    """Add an option for each field of forms that a word can give; `about` has their help."""

    def add(command: C) -> C:
        for form in forms:
            for field in reversed(msgspec.structs.fields(form)):
                if kind := _kind(field.type):
                    click.option(_flag(field.name, kind), field.name, help=about.get(field.name, ""), **kind)(command)
        return command

    return add


def _flag(name: str, kind: Mapping[str, Any]) -> str:
    flag = f"--{name.replace('_', '-')}"
    return f"{flag}/--no-{flag[2:]}" if kind.get("type") is bool else flag


def _kind(of: Any) -> dict[str, Any]:
    """The parameters of an option for values of a type; none for a table."""
    while typing.get_origin(of) is typing.Annotated:
        of = typing.get_args(of)[0]
    if of in PARSED:
        return {"type": str, "metavar": PARSED[of][0]}
    if typing.get_origin(of) is Literal:
        return {"type": click.Choice(typing.get_args(of))}
    if typing.get_origin(of) is list and (inner := _kind(typing.get_args(of)[0])):
        return inner | {"multiple": True}
    return {"type": of, "default": None} if of in (bool, int, float, str) else {}


def changed(form: S, given: Mapping[str, Any]) -> S:
    """A form with the values of options; a list of nothing but "" is empty."""
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(type(form)):
        value = given.get(field.name)
        if value is None or value == ():
            continue
        make = next((make for kind, (_, make) in PARSED.items() if kind in _parts(field.type)), None)
        words = [word for word in value if word] if isinstance(value, tuple) else value
        values[field.name] = [make(word) for word in words] if make is not None else words
    return msgspec.structs.replace(form, **values)


def _parts(of: Any) -> Iterator[Any]:
    yield of
    for inner in typing.get_args(of):
        yield from _parts(inner)


def _condition(text: str) -> RuleCondition:
    part, _, rest = text.partition(" ")
    test, _, value = ("contains", "", rest) if part in ("larger", "attachment") else rest.partition(" ")
    try:
        return from_builtins({"part": part, "test": test, "value": value}, RuleCondition)
    except msgspec.ValidationError:
        raise Failure(f'"{text}" isn\'t a condition; for example, use "subject contains invoice"') from None


def _header(text: str) -> HeaderRule:
    name, equals, value = text.partition("=")
    if not equals:
        raise Failure(f'"{text}" must be NAME=VALUE')
    return HeaderRule(name, value)


PARSED: Final[Mapping[Any, tuple[str, Callable[[str], Any]]]] = {
    RuleCondition: ('"PART TEST VALUE"', _condition),
    HeaderRule: ("NAME=VALUE", _header),
}
"""Tables that a word can give."""


# Rules

NEW: Final = Rule(
    mailbox="",
    smtp_mail_from_regexp="",
    msg_from_regexp="",
    verified_domain="",
    headers_regexp=[],
    is_forward=False,
    list_allow_domain="",
    accept_rejects_to_mailbox="",
    comment="",
)
"""A rule without conditions and actions."""

ABOUT: Final = {
    "conditions": 'Condition, like "from is ann@example.org" or "attachment". Can be repeated.',
    "match": "Match all conditions, or any.",
    "mailbox": "Mailbox for matching mail.",
    "label": "Label keyword to add.",
    "star": "Flag matching mail.",
    "read": "Mark matching mail as read.",
    "forward_to": "Address to forward a copy to after confirmation. Can be repeated.",
    "never_junk": "Skip the junk filter if the sender is verified.",
    "smtp_mail_from_regexp": "Pattern for the envelope sender, in lowercase.",
    "msg_from_regexp": "Pattern for the From address, in lowercase.",
    "verified_domain": "Verified sender domain.",
    "headers_regexp": "Patterns for a header field. Can be repeated.",
    "is_forward": "Skip checks of the last hop, because these are forwards from the verified domain.",
    "list_allow_domain": "Verified mailing list domain. Accept all mail from the list.",
    "accept_rejects_to_mailbox": "Mailbox for mail that would be rejected.",
    "comment": "For your own notes.",
}


@for_people
def show_rules(items: list[DestinationItem]) -> None:
    """Print addresses with their rules, numbered."""
    for item in items:
        print(printable(f"{item.address}: to {item.form.mailbox}"))
        for number, rule in enumerate(item.form.rulesets, 1):
            print(printable(f"  {number}. {'; '.join(_words(rule))}"))


def _words(rule: Rule) -> Iterator[str]:
    for name, value in msgspec.structs.asdict(rule).items():
        if value == getattr(NEW, name):
            continue
        values = value if isinstance(value, list) else [value]
        yield f"{name}: {', '.join(map(_word, values))}" if value is not True else name


def _word(value: Any) -> str:
    match value:
        case RuleCondition(part=("larger" | "attachment") as part):
            return f"{part} {value.value}".strip()
        case RuleCondition():
            return f"{value.part} {value.test} {value.value}"
        case HeaderRule():
            return f"{value.name}={value.value}"
    return str(value)


def _form(account: str, address: str) -> DestinationForm:
    items = perform(ListRules(address, account=account))
    if not items:
        raise Failure(f"{address} doesn't belong to this account")
    return items[0].form


def _edit(account: str, address: str, change: Callable[[list[Rule]], None]) -> None:
    old = _form(account, address).rulesets
    rules = [*old]
    change(rules)
    request = SetRules(address, DestinationChange(rulesets=rules), DestinationChange(rulesets=old), account=account)
    try:
        perform(request)
    except Failure as failure:
        text = PLACE.sub(_named, str(failure))
        example = next((example for words, example in EXAMPLES.items() if words in text), "")
        raise Failure(f"{text}{example}", failure.code) from None
    for number, rule in enumerate(rules, 1):
        note(f"  {number}. {'; '.join(_words(rule))}")


EXAMPLES: Final = {
    "at least one condition": '; for example: --conditions "from contains example.org"',
    "at least one action": "; for example: --mailbox Archive",
    "regular expression": "; for example, '@shop\\.example$' matches every address there",
}
"""What is right, after words of a mistake in a rule."""

PLACE: Final = re.compile(r"^rulesets\[(?P<index>\d{1,9})\](\.(?P<field>\w+))?")
"""The place of a mistake in rules, as forms have it."""


def _named(place: re.Match[str]) -> str:
    """The place in words of the command line: the rule's number and the option."""
    option = f", --{place['field'].replace('_', '-')}" if place["field"] else ""
    return f"rule {int(place['index']) + 1}{option}:"


def _placed(rules: list[Rule], number: int) -> int:
    if number > len(rules):
        raise Failure(f"rule {number} not found: this address only has {len(rules)}")
    return number - 1


RULE: Final = (click.argument("account"), click.argument("address"), click.argument("number", type=click.IntRange(1)))


def _arguments(count: int) -> Callable[[C], C]:
    def add(command: C) -> C:
        for argument in reversed(RULE[:count]):
            command = argument(command)
        return command

    return add


AT: Final = click.IntRange(1)


@click.command("add")
@_arguments(2)
@options(Rule, about=ABOUT)
@click.option("--at", type=AT, help="Position for the new rule.  [default: the last]")
def rule_add(account: str, address: str, at: int | None, **given: Any) -> None:
    """Add a rule to ACCOUNT's ADDRESS. It has conditions, and actions for mail that matches.

    A condition looks like PART TEST VALUE. PART can be from, to, subject, text, or list. TEST can be contains, is,
    begins, or ends. You can also use "larger SIZE" or "attachment". For the other options, see rules in domains.toml.
    """
    rule = changed(NEW, given)
    say_doubts("account rule add", {"account": account, **given})
    _edit(account, address, lambda rules: rules.insert(len(rules) if at is None else at - 1, rule))


@click.command("set")
@_arguments(3)
@options(Rule, about=ABOUT)
def rule_set(account: str, address: str, number: int, **given: Any) -> None:
    """Change rule NUMBER for ACCOUNT's ADDRESS. To clear a value, use "".

    Other values don't change. For conditions, see `account rule add`.
    """

    def change(rules: list[Rule]) -> None:
        place = _placed(rules, number)
        rules[place] = changed(rules[place], given)

    say_doubts("account rule set", {"account": account, **given})
    _edit(account, address, change)


@click.command("rm")
@_arguments(3)
def rule_rm(account: str, address: str, number: int) -> None:
    """Delete rule NUMBER of ACCOUNT's ADDRESS. This doesn't move mail that was already sorted."""
    _edit(account, address, lambda rules: rules.__delitem__(_placed(rules, number)))


@click.command("move")
@_arguments(3)
@click.argument("to", type=AT)
def rule_move(account: str, address: str, number: int, to: int) -> None:
    """Move rule NUMBER to position TO for ACCOUNT's ADDRESS."""
    _edit(account, address, lambda rules: rules.insert(to - 1, rules.pop(_placed(rules, number))))


@click.command("address")
@_arguments(2)
@options(
    DestinationForm,
    about={
        "mailbox": "Mailbox for mail that doesn't match a rule.",
        "full_name": "Display name for this address.",
        "smtp_error": "Reject all mail with this reply.",
        "refused_addresses": "Address variant to reject. Can be repeated.",
        "message_auth_required_smtp_error": "Reject unverified senders with this message.",
    },
)
def rule_address(account: str, address: str, **given: Any) -> None:
    """Change what happens to mail that doesn't match a rule. This is for ACCOUNT's ADDRESS. To clear a value,
    use "".
    """
    old = _form(account, address)
    say_doubts("account rule address", {"account": account, **given})
    perform(SetRules(address, _difference(DestinationChange, old, changed(old, given)), account=account))


def _difference(kind: type[S], old: msgspec.Struct, new: msgspec.Struct) -> S:
    before = msgspec.structs.asdict(old)
    return kind(**{name: value for name, value in msgspec.structs.asdict(new).items() if value != before[name]})


# Forwards


class ForwardLine(msgspec.Struct, frozen=True):
    """What sends mail to an address (``forward_to``, an alias, a script), the state of the address, since when (UTC),
    and the error of the last bounce.
    """

    address: str
    by: str
    state: str
    since: str
    error: str


def show_forwards(found: Forwards, as_json: bool) -> None:
    """Print the addresses with their states."""
    show([_line(target) for target in found.targets], ForwardLine.__struct_fields__, as_json=as_json)


def _line(target: ForwardTarget) -> ForwardLine:
    by = f"alias {target.alias}" if target.alias else f"script {target.script}" if target.script else "forward_to"
    states = {"new": "not confirmed yet, not asked", "asked": "waiting for confirmation", "stopped": "stopped"}
    state = states.get(target.state, "bounces" if target.failing else "confirmed")
    since = "" if target.since is None else target.since.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M")
    return ForwardLine(target.address, "script" if target.ran else by, state, since, target.error)


@click.command("set")
@click.argument("account")
@click.argument("addresses", metavar="[ADDRESS]...", nargs=-1)
@click.option(
    "--no-copy",
    is_flag=True,
    help="Don't keep a copy in the account. If a Sieve script is active, only the script decides this.",
)
def forward_set(account: str, addresses: tuple[str, ...], no_copy: bool) -> None:
    """Forward ACCOUNT's mail, except junk, to each ADDRESS. To stop forwarding, leave out ADDRESS.

    The server emails a confirmation link to each new address. Forwarding starts when it's confirmed.
    """
    changed = ForwardChange(forward_to=[*addresses], keep_copy=not no_copy)
    say_doubts("account forward set", {"forward_to": addresses})
    if problem := perform(SetForwards(changed, account=account)):
        raise Failure(problem)
    if addresses:
        status = f"for their status, run: moxlite account forward list {account}"
        note(f"account {account} now forwards to {', '.join(addresses)}; {status}")
    else:
        note(f"account {account} no longer forwards mail")


# Junk


FEW: Final = 10
"""Good messages for each junk message beyond which little junk is caught: of 500 and 30, about half is missed."""


@for_people
def show_junk(junk: Junk) -> None:
    """Print the settings, and what the filter has learned."""
    for name, value in msgspec.structs.asdict(junk.form).items():
        inner = {name: value} if not isinstance(value, msgspec.Struct) else msgspec.structs.asdict(value)
        for key, setting in inner.items():
            shown = ", ".join(setting) if isinstance(setting, list) else to_json(setting).decode().strip('"')
            print(printable(f"{key}: {'off' if setting is None else shown}"))
    print(f"learned: {junk.hams} not junk, {junk.spams} junk")
    if junk.lacks:
        from moxlite.store.junk.score import Lack

        lacks = [str(Lack(one.kind, one.count, one.needed)) for one in junk.lacks]
        print(f"the filter doesn't know yet: has {', '.join(lacks)}")
    elif junk.spams * FEW < junk.hams:
        few = f"{counted(junk.spams, 'junk message')} and {counted(junk.hams, 'other')}"
        print(f"{few}: too few junk messages to catch much")
    if not junk.hams:
        print("no good mail filed yet; moving mail to Archive trains the filter")
    if junk.kept and any(lack.kind in ("hams", "ham-senders") for lack in junk.lacks):
        print(f"read mail in Inbox, older than 14 days: {counted(junk.kept, 'message')}")
        print("to train the filter with it, use mark-inbox")
    if junk.marked:
        print(f"marked by mark-inbox: {counted(junk.marked, 'message')}")
    print(f"last 7 days: {junk.filed} moved to Junk, {junk.refused} rejected")


@for_people
def show_marked(count: int) -> None:
    """Print how much was marked."""
    print(f"marked {counted(count, 'message')} as not junk")


@for_people
def show_unmarked(count: int) -> None:
    """Print how much was taken back."""
    print(f"removed the mark from {counted(count, 'message')}")


JUNK: Final = {
    "rejects_mailbox": "Mailbox for copies of rejected mail.",
    "keep_rejects": "Keep mail in the rejects mailbox.",
    "introbox": "Mailbox for first mail from unknown senders.",
    "imap_capabilities_disabled": "IMAP extension to turn off. Can be repeated.",
    "threshold": "Reject mail from unknown senders above this probability.",
    "onegrams": "Use single words.",
    "twograms": "Use word pairs.",
    "threegrams": "Use word triples.",
    "max_power": "Keep word probabilities this far from 0 and 1.",
    "top_words": "Number of words that an explanation shows.",
    "ignore_words": "Ignore words this close to 0.5.",
    "rare_words": "Ignore words seen this often or less.",
    "file_unsure": "Move probable junk to Junk. Only reject mail that's almost certainly junk.",
    "enabled": "Set junk flags based on the mailbox that messages are moved to.",
    "junk_mailbox_regexp": "Pattern for junk mailboxes.",
    "neutral_mailbox_regexp": "Pattern for mailboxes to leave unmarked.",
    "not_junk_mailbox_regexp": "Pattern for not-junk mailboxes.",
}


def _setting(value: Any) -> str:
    if isinstance(value, bool | None):
        return "on" if value else "off"
    return ", ".join(value) if isinstance(value, list) else str(value)


@click.command("set")
@click.argument("account")
@options(JunkForm, JunkFilterForm, JunkFlagsForm, about=JUNK)
@click.option("--filter/--no-filter", "filtering", default=None, help="Classify mail by content.")
def junk_set(account: str, filtering: bool | None, **given: Any) -> None:
    """Change ACCOUNT's junk settings. To clear a text, use "".

    For details, see [accounts.NAME], junk_filter, and automatic_junk_flags in domains.toml.
    """
    junk = perform(ShowJunk(account=account))
    old, judged = junk.form, junk.form.junk_filter
    if filtering is False:
        judged = None
    elif filtering or judged is not None:
        judged = changed(judged or junk.standard, given)
    new = msgspec.structs.replace(
        changed(old, given), junk_filter=judged, automatic_junk_flags=changed(old.automatic_junk_flags, given)
    )
    change = _difference(JunkChange, old, new)
    seen = JunkChange(**{name: getattr(old, name) for name in changed_fields(change)})
    perform(SetJunk(change, seen, account=account))


def _group(word: str, subject: ModuleType, printers: Mapping[type, Printer], *verbs: click.Command) -> click.Group:
    """A group of ``moxlite account``: the verbs, with options made of forms, and the other operations of a subject."""
    group = click.Group(word)
    for verb in verbs:
        group.add_command(verb)
    described(group, described_in(subject), {}, printers, words=f"account {word}", without=SETTERS)
    return group


SETTERS: Final[frozenset[type]] = frozenset({SetRules, SetForwards, SetJunk})
"""Operations whose verbs are made here."""

account_rule = _group(
    "rule", address_rules, {ListRules: show_rules}, rule_add, rule_set, rule_rm, rule_move, rule_address
)
account_forward = _group("forward", forwarding, {ListForwards: show_forwards}, forward_set)
account_junk = _group(
    "junk",
    junk_settings,
    {ShowJunk: show_junk, MarkInbox: show_marked, UnmarkInbox: show_unmarked},
    junk_set,
)
