"""How mail that comes is sorted is the same through each interface: rules, forwards, junk settings."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from moxlite.admin.accounts import account_settings
from moxlite.operations.forwards import ForwardForm
from moxlite.operations.junk import JunkForm
from moxlite.operations.rules import DestinationForm, Rule
from tests.interfaces import Interface, Values, command_line, posted, refused, sample, stale, walk
from tests.web_rig import ADDRESS, Rig

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/")]

ELSEWHERE = "this was changed elsewhere, so your changes weren't saved"


def options(values: Mapping[str, Any], spoken: Mapping[str, Callable[[Any], str]]) -> Iterable[str]:
    """Values as words of the command line."""
    for name, value in values.items():
        flag = name.replace("_", "-")
        match value:
            case dict():
                yield from options(value, spoken)
            case None:
                yield "--no-filter"
            case bool():
                yield f"--{flag}" if value else f"--no-{flag}"
            case list():
                for one in value or [""]:
                    yield from (f"--{flag}", spoken.get(name, str)(one) if one else "")
            case _:
                yield from (f"--{flag}", str(value))


def line(folder: Path, *words: str, spoken: Mapping[str, Callable[[Any], str]] | None = None) -> Callable[..., Any]:
    async def write(values: Values) -> str:
        _, failure = await command_line(folder, "account", *words, *options(values, spoken or {}))
        # a page has it at the field, and needs no example
        failure = failure.partition("; for example, ")[0]
        return re.sub(rf"^(rule 2, --[a-z-]+: |(rulesets\[1\]\.)?({'|'.join(values)}) )", "", failure)

    return write


async def shown(folder: Path, *words: str) -> Any:
    printed, failure = await command_line(folder, "account", *words, "--json")
    assert not failure
    return json.loads(printed)


# Rules


def rule_sample(kind: type[msgspec.Struct], name: str, number: int) -> Any:
    match name:
        case "conditions":
            return [{"part": "subject", "test": "begins", "value": f"word {number}"}]
        case "match":
            return ("all", "any")[number % 2]
        case "headers_regexp":
            return [{"name": "^subject$", "value": f"header {number}"}]
        case "forward_to":
            return [f"someone{number}@far.example"]
        case "label":
            return f"label{number}"
        case "list_allow_domain":
            return ""
        case "verified_domain":
            return f"host{number}.example"
    return sample(kind, name, number)


async def rules(rig: Rig, folder: Path) -> list[Interface]:
    """The interfaces to the second of an address's rules."""
    account = rig.browser(app="/")
    await account.log_in()
    for box in ("First", "Second"):
        words = ("--mailbox", box, "--conditions", f"from is {box}@x.example")
        _, failure = await command_line(folder, "account", "rule", "add", "mia", ADDRESS, *words)
        assert not failure

    async def form() -> Values:
        [found] = [one["form"] for one in await account.call("account_rule_list") if one["address"] == ADDRESS]
        assert [one["mailbox"] for one in found["rulesets"][1:]] == ["First"] or len(found["rulesets"]) == 2
        return found  # type: ignore[no-any-return]

    async def account_read() -> Values:
        return (await form())["rulesets"][1]  # type: ignore[no-any-return]

    async def save(old: Values, values: Values) -> str:
        first, second = old["rulesets"]
        given = {"address": ADDRESS, "changed": {"rulesets": [first, second | values]}}
        return await posted(account, "account_rule_set", **given, old={"rulesets": old["rulesets"]})

    async def account_write(values: Values) -> str:
        return await save(await form(), values)

    async def account_since() -> Callable[[Values], Any]:
        old = await form()
        return lambda values: save(old, values)

    async def line_read() -> Values:
        [found] = await shown(folder, "rule", "list", "mia", ADDRESS)
        return found["form"]["rulesets"][1]  # type: ignore[no-any-return]

    spoken: Mapping[str, Callable[[Any], str]] = {
        "conditions": lambda one: f"{one['part']} {one['test']} {one['value']}",
        "headers_regexp": lambda one: f"{one['name']}={one['value']}",
    }
    lists = {"list_allow_domain": "it cannot go with is_forward"}
    return [
        Interface("account app", account_read, account_write, fixed=lists, since=account_since),
        Interface(
            "command line", line_read, line(folder, "rule", "set", "mia", ADDRESS, "2", spoken=spoken), fixed=lists
        ),
    ]


async def test_each_interface_has_a_rule(rig: Rig, tmp_path: Path) -> None:
    """WEB-65, ADMIN-19: each field; a stale save is refused."""
    interfaces = await rules(rig, tmp_path)
    assert await walk(Rule, interfaces, samples=rule_sample) > 400
    for one in interfaces:
        assert await one.write({"is_forward": False, "list_allow_domain": f"{len(one.name)}.example"}) == ""
        assert [(await each.read())["list_allow_domain"] for each in interfaces] == [f"{len(one.name)}.example"] * 2
    await stale(interfaces, "comment", lambda number: f"comment {number}", ELSEWHERE)


async def test_a_bad_rule_has_the_same_fault_everywhere(rig: Rig, tmp_path: Path) -> None:
    """WEB-64a, WEB-65."""
    interfaces = await rules(rig, tmp_path)
    for name, value in (("label", "two words"), ("msg_from_regexp", "(x"), ("verified_domain", "-x-")):
        reasons = {await one.write({name: value}) for one in interfaces}
        assert len(reasons) == 1, reasons
        assert "" not in reasons, name


async def test_rules_are_added_moved_and_removed_by_commands(rig: Rig, tmp_path: Path) -> None:
    """WEB-65, ADMIN-19: by number; what is not there is said."""
    await rules(rig, tmp_path)

    async def boxes() -> list[str]:
        [found] = await shown(tmp_path, "rule", "list", "mia", ADDRESS)
        return [one["mailbox"] for one in found["form"]["rulesets"]]

    async def say(*words: str) -> str:
        return (await command_line(tmp_path, "account", "rule", *words))[1]

    assert await boxes() == ["First", "Second"]
    assert await say("add", "mia", ADDRESS, "--at", "1", "--mailbox", "Third", "--conditions", "larger 5m") == ""
    assert await say("move", "mia", ADDRESS, "1", "3") == ""
    assert await boxes() == ["First", "Second", "Third"]
    printed, _ = await command_line(tmp_path, "account", "rule", "list", "mia")
    assert "  3. conditions: larger 5m; mailbox: Third\n" in printed
    assert await say("set", "mia", ADDRESS, "1", "--conditions", "", "--msg-from-regexp", "^x") == ""
    assert await say("rm", "mia", ADDRESS, "2") == ""
    assert await boxes() == ["First", "Third"]
    assert await say("rm", "mia", ADDRESS, "3") == "rule 3 not found: this address only has 2"
    assert await say("rm", "mia", "tom@example.org", "1") == "tom@example.org doesn't belong to this account"
    assert "isn't a condition" in await say("set", "mia", ADDRESS, "1", "--conditions", "sender is x")


# An address


def address_sample(kind: type[msgspec.Struct], name: str, number: int) -> Any:
    if name == "refused_addresses":
        return [ADDRESS] if number % 2 else []
    if name in ("rulesets", "smtp_error"):
        return [] if name == "rulesets" else ""
    text = sample(kind, name, number)
    return f"550 {text}" if name == "message_auth_required_smtp_error" else text


async def addresses(rig: Rig, folder: Path) -> list[Interface]:
    """The interfaces to an address."""
    account = rig.browser(app="/")
    await account.log_in()

    async def account_read() -> Values:
        [found] = [one["form"] for one in await account.call("account_rule_list") if one["address"] == ADDRESS]
        return {name: value for name, value in found.items() if name != "rulesets"}

    async def account_write(values: Values) -> str:
        return await posted(account, "account_rule_set", address=ADDRESS, changed=values)

    async def line_read() -> Values:
        [found] = await shown(folder, "rule", "list", "mia", ADDRESS)
        return {name: value for name, value in found["form"].items() if name != "rulesets"}

    own = {"rulesets": "each rule is a thing of its own"}
    alone = {"smtp_error": "with it there is nothing else"}
    return [
        Interface("account app", account_read, account_write, own, alone),
        Interface("command line", line_read, line(folder, "rule", "address", "mia", ADDRESS), own, alone),
    ]


async def test_each_interface_has_an_address(rig: Rig, tmp_path: Path) -> None:
    """WEB-64, ADMIN-19."""
    interfaces = await addresses(rig, tmp_path)
    assert await walk(DestinationForm, interfaces, samples=address_sample) > 70
    for one in interfaces:
        assert await one.write({"mailbox": "", "smtp_error": f"550 {one.name}"}) == ""
        assert [(await each.read())["smtp_error"] for each in interfaces] == [f"550 {one.name}"] * 2


# Forwards


async def test_each_interface_has_the_forwards(rig: Rig, tmp_path: Path) -> None:
    """WEB-158a, SMTP-159: the addresses, and whether a copy is kept."""
    account = rig.browser(app="/")
    await account.log_in()

    async def account_read() -> Values:
        return (await account.call("account_forward_list"))["form"]  # type: ignore[no-any-return]

    async def account_write(values: Values) -> str:
        return await posted(account, "account_forward_set", changed=values)

    async def line_read() -> Values:
        found = await shown(tmp_path, "forward", "list", "mia")
        return {"forward_to": [one["address"] for one in found if one["by"] == "forward_to"]}

    async def line_write(values: Values) -> str:
        given = await account_read() | values  # a user types all of it
        copy = [] if given["keep_copy"] else ["--no-copy"]
        return (await command_line(tmp_path, "account", "forward", "set", "mia", *given["forward_to"], *copy))[1]

    def addresses(kind: type[msgspec.Struct], name: str, number: int) -> Any:
        if name == "forward_to":  # few: the owners of ten addresses are asked in a day
            return [f"someone{number % 3}@far.example"]
        return sample(kind, name, number)

    interfaces = [
        Interface("account app", account_read, account_write),
        Interface("command line", line_read, line_write, {"keep_copy": "its list is of addresses"}),
    ]
    assert await walk(ForwardForm, interfaces, samples=addresses) > 8


# Junk


FILTER = {"threshold": 0.9, "onegrams": True, "twograms": False, "threegrams": False}
FILTER |= {"max_power": 0.02, "ignore_words": 0.2, "rare_words": 3, "file_unsure": True}


def junk_sample(kind: type[msgspec.Struct], name: str, number: int) -> Any:
    match name:
        case "automatic_junk_flags":
            patterns = {f"{one}_mailbox_regexp": f"^{one}{number}$" for one in ("junk", "neutral", "not_junk")}
            return {"enabled": bool(number % 2), **patterns}
        case "junk_filter":
            return None if number % 3 == 0 else FILTER | {"top_words": 10 + number}
        case "imap_capabilities_disabled":
            return [("IDLE", "NOTIFY", "MOVE")[number % 3]]
    return sample(kind, name, number)


async def junks(rig: Rig, folder: Path) -> list[Interface]:
    """The interfaces to the settings about junk."""
    account = rig.browser(app="/")
    await account.log_in()

    async def account_read() -> Values:
        return (await account.call("account_junk_show"))["form"]  # type: ignore[no-any-return]

    async def account_write(values: Values) -> str:
        return await posted(account, "account_junk_set", changed=values)

    async def account_since() -> Callable[[Values], Any]:
        old = await account_read()
        return lambda values: posted(account, "account_junk_set", changed=values, old=old)

    async def line_read() -> Values:
        return (await shown(folder, "junk", "show", "mia"))["form"]  # type: ignore[no-any-return]

    async def line_write(values: Values) -> str:
        filtering = ["--filter"] if values.get("junk_filter") else []
        return await line(folder, "junk", "set", "mia", *filtering)(values)  # type: ignore[no-any-return]

    return [
        Interface("account app", account_read, account_write, since=account_since),
        Interface("command line", line_read, line_write),
    ]


async def test_each_interface_has_the_junk_settings(rig: Rig, tmp_path: Path) -> None:
    """WEB-66, ADMIN-14, ADMIN-19: with the filter's own values; one that is turned on begins as that of a new account;
    a stale save is refused.
    """
    interfaces = await junks(rig, tmp_path)
    for word in ("--no-filter", "--filter"):
        assert (await command_line(tmp_path, "account", "junk", "set", "mia", word))[1] == ""
    begun = await shown(tmp_path, "junk", "show", "mia")
    assert begun["form"]["junk_filter"] == begun["standard"]
    assert account_settings(ADDRESS)["junk_filter"].items() <= begun["standard"].items()
    assert await walk(JunkForm, interfaces, samples=junk_sample) > 70
    await stale(interfaces, "introbox", lambda number: f"Box {number}", ELSEWHERE)
    await refused(interfaces, "introbox", "Inbox", "can't be Inbox")
