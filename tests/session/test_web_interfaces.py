"""What a user has is the same through each interface (docs/developers/interfaces.md)."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from moxlite.store.delivery.vacation import MAX_SUBJECT, MAX_TEXT
from moxlite.store.forms import NO_CONTROLS, VacationForm
from moxlite.web.jmap.identities import FIELDS
from tests.interfaces import LATE, MINUTE, Interface, Values, command_line, posted, refused, stale, walk
from tests.jmap_rig import JMAP, Client
from tests.web_rig import STATIC, Rig

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/", static=STATIC + JMAP)]


def seconds(text: str | None) -> int:
    """µs UTC of a UTCDate, 0 for none."""
    return 0 if text is None else int(datetime.fromisoformat(text).timestamp()) * 1_000_000


def utc(micros: int, form: str = "%Y-%m-%dT%H:%M:%SZ") -> str | None:
    return datetime.fromtimestamp(micros / 1_000_000, UTC).strftime(form) if micros else None


# The answer while away.


async def vacations(rig: Rig, folder: Path) -> list[Interface]:
    """The interfaces to the vacation form."""
    found = []
    for app, name in (("/", "account app"), ("/webmail/", "webmail")):
        browser = rig.browser(app=app)
        await browser.log_in()
        found.append((name, browser))
    (_, account), (_, webmail) = found
    return [
        _calls("account app", account.call, lambda **given: posted(account, "account_vacation_set", **given)),
        # the webmail shows that answers are sent, and the page of the account app shows the rest
        _calls("webmail", account.call, lambda **given: posted(webmail, "account_vacation_set", **given)),
        _jmap(Client(rig)),
        _command_line(folder),
    ]


def _calls(name: str, call: Callable[..., Awaitable[Any]], post: Callable[..., Awaitable[str]]) -> Interface:
    async def read() -> Values:
        found = await call("account_vacation_show")
        return {one: found[one] for one in VacationForm.__struct_fields__}

    async def write(values: Values) -> str:
        return await post(changed=values)

    async def since() -> Callable[[Values], Awaitable[str]]:
        mark = (await call("account_vacation_show"))["mark"]
        return lambda values: post(changed=values, mark=mark)

    return Interface(name, read, write, since=since)


def _jmap(client: Client) -> Interface:
    async def read() -> Values:
        [found] = (await client.call("VacationResponse/get"))["list"]
        return {
            field: seconds(found[name]) if name.endswith("Date") else found[name] or getattr(VacationForm(), field)
            for name, field in FIELDS.items()
        }

    async def write(values: Values, **arguments: Any) -> str:
        patch = {
            name: utc(values[field]) if name.endswith("Date") else values[field]
            for name, field in FIELDS.items()
            if field in values
        }
        found = await client.call("VacationResponse/set", update={"singleton": patch}, **arguments)
        return found["notUpdated"]["singleton"]["description"] if found.get("notUpdated") else ""

    async def since() -> Callable[[Values], Awaitable[str]]:
        state = (await client.call("VacationResponse/get"))["state"]

        async def save(values: Values) -> str:
            patch = {name: values[field] for name, field in FIELDS.items() if field in values}
            return await client.error("VacationResponse/set", update={"singleton": patch}, ifInState=state)

        return save

    return Interface("JMAP", read, write, {"known_only": "RFC 8621 §8 has no such property"}, since=since)


def _command_line(folder: Path) -> Interface:
    async def read() -> Values:
        shown, failure = await command_line(folder, "account", "vacation", "show", "mia", "--json")
        assert not failure
        return {one: json.loads(shown)[one] for one in VacationForm.__struct_fields__}

    async def write(values: Values) -> str:
        """What a user types who keeps all that `show` has shown, but for the HTML."""
        if values == {"enabled": False}:
            return (await command_line(folder, "account", "vacation", "off", "mia"))[1]
        before = await read()
        after = before | values
        options = ["--subject", after["subject"], *(["--known-only"] if after["known_only"] else [])]
        for option, name in (("--from", "start"), ("--until", "end")):
            if moment := utc(after[name], "%Y-%m-%dT%H:%M"):
                options += [option, moment]
        if "html" in values:
            (folder / "away.html").write_text(values["html"])
            options += ["--html", str(folder / "away.html")]
        _, failure = await command_line(folder, "account", "vacation", "set", "mia", "-", *options, stdin=after["text"])
        if not failure and not after["enabled"]:
            await command_line(folder, "account", "vacation", "off", "mia")
        return failure

    return Interface("command line", read, write)


async def test_each_interface_has_the_vacation_form(rig: Rig, tmp_path: Path) -> None:
    """WEBMAIL-131, JMAP-34: a change of one field leaves the others, which an interface may not know, as they are."""
    interfaces = await vacations(rig, tmp_path)
    assert await walk(VacationForm, interfaces) > 700


async def test_a_bad_vacation_form_has_the_same_fault_everywhere(rig: Rig, tmp_path: Path) -> None:
    """WEBMAIL-131, JMAP-34."""
    interfaces = await vacations(rig, tmp_path)
    assert await interfaces[0].write({"enabled": True, "html": "<p>away</p>", "end": LATE}) == ""
    much = f"at most {MAX_TEXT:,} characters of text and {MAX_SUBJECT} of subject"
    for name, value, text in (
        ("text", "x" * (MAX_TEXT + 1), much),
        ("html", "x" * (MAX_TEXT + 1), much),
        ("html", " ", "is empty: write the answer"),
        ("subject", "x" * (MAX_SUBJECT + 1), much),
        ("subject", "a\r\nBcc: x", NO_CONTROLS),
        ("end", LATE // 3, "has passed already"),
        ("start", LATE + MINUTE, "is before the start"),
    ):
        await refused(interfaces, name, value, text)


async def test_a_vacation_form_that_another_interface_changed_is_not_overwritten(rig: Rig, tmp_path: Path) -> None:
    """WEB-158, JMAP-34: the refusal names the fields."""
    interfaces = await vacations(rig, tmp_path)
    await stale(interfaces, "text", lambda number: f"away {number}", "nothing was saved: text")
