"""One thing through all interfaces: each field is written through each of them, and read through all.

A thing is a struct that the store keeps. An interface tells how it reads and changes fields of the thing, in its own
form, and gives a reason for each field that it does not have. So a new field of the struct fails here until each
interface has it, or says why not.
"""

import itertools
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import trio
from click.testing import CliRunner
from msgspec import inspect

from moxlite.cli import main
from moxlite.cli.common import Failure
from tests.browsing import Browser

LATE: Final = 3_786_912_000_000_000
"""µs UTC of 2090."""

MINUTE: Final = 60_000_000
YEAR: Final = 366 * 1440 * MINUTE

Values = dict[str, Any]


@dataclass
class Interface:
    """A way to a thing.

    Attributes:
      read: the fields that it shows, by their names in the store.
      write: changes these fields alone. Returns the reason of a refusal, "" if it was done.
      lacks: the reasons why it does not show fields.
      fixed: the reasons why it shows fields, and does not change them.
      since: as `write`, on the base of the thing as this interface showed it before.
    """

    name: str
    read: Callable[[], Awaitable[Values]]
    write: Callable[[Values], Awaitable[str]]
    lacks: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    since: Callable[[], Awaitable[Callable[[Values], Awaitable[str]]]] | None = None

    def changes(self, name: str) -> bool:
        return name not in self.lacks and name not in self.fixed


def sample(kind: type[msgspec.Struct], name: str, number: int) -> Any:
    """A value of a field, another one for each number."""
    names = kind.__struct_fields__
    of = next(one.type for one in msgspec.structs.fields(kind) if one.name == name)
    match inspect.type_info(of):
        case inspect.BoolType():
            return bool(number % 2)
        case inspect.IntType():  # a moment; later fields have later ones
            return LATE + names.index(name) * YEAR + number * MINUTE
        case inspect.StrType():
            return f"{name} {number}"
        case inspect.VarTupleType():
            return [f"{name}{number}@example.org"]
    raise AssertionError(f"no sample of {of}")


async def walk(
    kind: type[msgspec.Struct],
    interfaces: list[Interface],
    *,
    samples: Callable[[type[msgspec.Struct], str, int], Any] = sample,
    same: Callable[[Values], Values] = dict,
) -> int:
    """Write each field through each interface, and compare all fields at all interfaces. Returns the number of
    comparisons. `same`: values in the form in which interfaces read them.
    """
    fields, compared = kind.__struct_fields__, 0
    for interface in interfaces:
        shown = {*await interface.read()}
        assert not shown & {*interface.lacks}, interface.name
        assert shown | {*interface.lacks} == {*fields}, f"{interface.name}: show the field, or say why not"
    numbers = itertools.count(1)
    values = {name: samples(kind, name, next(numbers)) for name in fields}
    for writer in interfaces:  # those that are first know the most fields
        given = {name: value for name, value in values.items() if writer.changes(name)}
        refusal = await writer.write(given) if given else ""
        assert refusal == "", (writer.name, refusal)
    # With all fields set, so that it shows what a change of one loses of the others.
    for name in fields:
        for writer in interfaces:
            if not writer.changes(name):
                continue
            while (value := samples(kind, name, next(numbers))) == values[name]:
                pass
            values[name] = value
            assert await writer.write({name: value}) == "", (writer.name, name)
            for reader in interfaces:
                found = await reader.read()
                assert found == {one: same(values)[one] for one in found}, (
                    f"{name} by {writer.name}, seen by {reader.name}"
                )
                compared += len(found)
    return compared


async def refused(interfaces: list[Interface], name: str, value: Any, text: str) -> None:
    """A bad value is refused with the same words everywhere, and nothing changes. A form shows them beside its field;
    the command line has the field's name before a mere predicate.
    """
    before = [await one.read() for one in interfaces]
    reasons = {one.name: await one.write({name: value}) for one in interfaces if one.changes(name)}
    assert all(re.fullmatch(rf"([a-z ]+ )?{re.escape(text)}", reason) for reason in reasons.values()), reasons
    assert [await one.read() for one in interfaces] == before


async def stale(interfaces: list[Interface], name: str, values: Callable[[int], Any], text: str) -> None:
    """What another interface has changed meanwhile is not overwritten by who has not seen it."""
    for number, (late, other) in enumerate(itertools.permutations(interfaces, 2)):
        if late.since is None or not other.changes(name) or not late.changes(name):
            continue
        save = await late.since()
        assert await other.write({name: values(2 * number)}) == ""
        reason = await save({name: values(2 * number + 1)})
        assert text in reason or reason == "stateMismatch", (late.name, other.name, reason)
        assert (await late.read())[name] == values(2 * number)


def reason(answer: Any) -> str:
    """The words of a refused call of an app."""
    if answer.status == 200:
        return ""
    error = answer.json["error"]
    text: str = error["fields"][0]["text"] if error.get("fields") else error["message"]
    return text


async def posted(browser: Browser, name: str, /, **parameters: Any) -> str:
    """The reason for which a call is refused, "" if it is done."""
    return reason(await browser.post(name, parameters))


async def command_line(folder: Path, *words: str, stdin: str = "") -> tuple[str, str]:
    """What a command prints, and the reason of its failure, "" for none."""
    arguments = ["--config", str(folder / "config" / "moxlite.toml"), *words]
    done = await trio.to_thread.run_sync(lambda: CliRunner().invoke(main, arguments, input=stdin, prog_name="moxlite"))
    assert done.exception is None or isinstance(done.exception, Failure), (done.output, done.exception)
    return done.stdout, "" if done.exception is None else str(done.exception)
