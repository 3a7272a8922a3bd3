"""What a user has is the same through each interface (docs/developers/interfaces.md)."""

import base64
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from moxlite.store.delivery.vacation import MAX_SUBJECT, MAX_TEXT
from moxlite.store.forms import NO_CONTROLS, VacationForm
from moxlite.store.groupware.collection import MAX_DESCRIPTION, MAX_SHOWN
from moxlite.store.mail.identities import MAX_SIGNATURE
from moxlite.store.people.templates import Template
from moxlite.web.jmap.identities import FIELDS
from tests.browsing import Browser
from tests.interfaces import LATE, MINUTE, Interface, Values, command_line, posted, refused, sample, stale, walk
from tests.jmap_rig import JMAP, Client
from tests.session.test_imapd_sieve import Client as SieveClient, put
from tests.session.test_web_dav import BOOK, HOME, Program
from tests.web_rig import ADDRESS, PASSWORD, STATIC, Rig

SIEVE_PORT = 4190
SIEVE = f"""
[listeners.sieve]
ips = ["127.0.0.1"]
managesieve = {{ enabled = true, port = {SIEVE_PORT}, require_tls = false }}
"""
pytestmark = [pytest.mark.served, pytest.mark.rig(app="/", static=STATIC + JMAP + SIEVE)]


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

    return Interface(
        "JMAP", read, write, dict.fromkeys(("known_only", "addresses"), "RFC 8621 §8 has no such property"), since=since
    )


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
        options += [option for address in after["addresses"] for option in ("--address", address)]
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
    much = f"the text can be up to {MAX_TEXT:,} characters, and the subject up to {MAX_SUBJECT}"
    for name, value, text in (
        ("text", "x" * (MAX_TEXT + 1), much),
        ("html", "x" * (MAX_TEXT + 1), much),
        ("html", " ", "can't be empty; write a reply"),
        ("subject", "x" * (MAX_SUBJECT + 1), much),
        ("subject", "a\r\nBcc: x", NO_CONTROLS),
        ("end", LATE // 3, "has already passed"),
        ("start", LATE + MINUTE, "must be after the start"),
    ):
        await refused(interfaces, name, value, text)


async def test_a_vacation_form_that_another_interface_changed_is_not_overwritten(rig: Rig, tmp_path: Path) -> None:
    """WEB-158, JMAP-34: the refusal names the fields."""
    interfaces = await vacations(rig, tmp_path)
    await stale(interfaces, "text", lambda number: f"away {number}", "your changes weren't saved: text")


# Identity and signature.


class OwnAddress(msgspec.Struct):
    """An identity with its name, which is in the configuration."""

    name: str
    reply_to: list[tuple[str, str]]
    bcc: list[tuple[str, str]]
    text: str
    html: str


def own_sample(kind: type[msgspec.Struct], name: str, number: int) -> Any:
    if name in ("reply_to", "bcc"):
        return [(f"{name}{number}@example.net", f"Someone {number}")]
    return sample(kind, name, number)


async def identities(rig: Rig, address: str = ADDRESS) -> list[Interface]:
    """The interfaces to an own address."""
    account, webmail, client = rig.browser(app="/"), rig.browser(), Client(rig)
    await account.log_in()
    await webmail.log_in()

    async def jmap_read() -> Values:
        found = next(one for one in (await client.call("Identity/get"))["list"] if one["email"] == address)
        people = {
            field: [(one["email"], one["name"]) for one in found[name] or ()]
            for name, field in (("replyTo", "reply_to"), ("bcc", "bcc"))
        }
        return {"name": found["name"], **people, "text": found["textSignature"], "html": found["htmlSignature"]}

    async def jmap_write(values: Values, **arguments: Any) -> str:
        number = next(one["id"] for one in (await client.call("Identity/get"))["list"] if one["email"] == address)
        names = {"text": "textSignature", "html": "htmlSignature", "reply_to": "replyTo"}
        patch = {
            names.get(field, field): [{"email": email, "name": name} for email, name in value]
            if field in ("reply_to", "bcc")
            else value
            for field, value in values.items()
        }
        found = await client.call("Identity/set", update={number: patch}, **arguments)
        return found["notUpdated"][number]["description"] if found.get("notUpdated") else ""

    async def jmap_since() -> Callable[[Values], Awaitable[str]]:
        found = await client.call("Identity/get")
        number = next(one["id"] for one in found["list"] if one["email"] == address)

        async def save(values: Values) -> str:
            patch = {"textSignature": values["text"]}
            return await client.error("Identity/set", update={number: patch}, ifInState=found["state"])

        return save

    async def settings() -> Values:
        events = await webmail.events()
        found: Values = (await events.next())["settings"]
        await events.stream.aclose()
        return found

    async def webmail_read() -> Values:
        begun, shown = await webmail.call("compose_prepare", kind="new"), await settings()
        own = next((one for one in shown["signatures"] if one["address"] == address), None)
        return {
            "name": begun["from"]["name"],
            "reply_to": [(one["address"], one["name"]) for one in begun["reply_to"]],
            "bcc": [(one["address"], one["name"]) for one in begun["bcc"]],
            "text": own["text"] if own else shown["signature"],
            "html": own["html"] if own else shown["signature_html"],
        }

    async def webmail_write(values: Values) -> str:
        """As the page of the settings, which sends all."""
        shown = await settings()
        now = {name: value for name, value in (await webmail_read()).items() if name in ("text", "html")}
        others = [one for one in shown["signatures"] if one["address"] != address]
        shown["signatures"] = [*others, {"address": address, **now, **values}]
        return await posted(webmail, "settings_save", settings=shown)

    async def account_read() -> Values:
        form = next(one["form"] for one in await account.call("account_rule_list") if one["address"] == address)
        return {"name": form["full_name"]}

    async def account_write(values: Values) -> str:
        form = next(one["form"] for one in await account.call("account_rule_list") if one["address"] == address)
        changed = form | {"full_name": values["name"]}
        return await posted(account, "account_rule_set", address=address, old=form, changed=changed)

    composing = "the composer begins with it, and the settings of the webmail have no field for it yet"
    receiving = "the page of an address is about its mail"
    return [
        Interface("JMAP", jmap_read, jmap_write, since=jmap_since),
        Interface("webmail", webmail_read, webmail_write, fixed=dict.fromkeys(("name", "reply_to", "bcc"), composing)),
        Interface(
            "account app", account_read, account_write, dict.fromkeys(("reply_to", "bcc", "text", "html"), receiving)
        ),
    ]


async def test_each_interface_has_the_identity_of_an_address(rig: Rig) -> None:
    """WEBMAIL-105, JMAP-30: one name, one signature, and one Reply-To and Bcc for an address."""
    assert await walk(OwnAddress, await identities(rig), samples=own_sample) > 80


async def test_an_address_gets_a_signature_of_its_own_as_it_was_shown(rig: Rig) -> None:
    """WEBMAIL-105, JMAP-30: a program that changes the text of the signature of all addresses keeps its HTML, at this
    address alone; no signature is not "as for all addresses".
    """
    program, webmail, _ = await identities(rig)
    other = (await identities(rig, "büro@example.org"))[0]
    browser = rig.browser()
    await browser.log_in()
    events = await browser.events()
    settings = (await events.next())["settings"] | {"signature": "All", "signature_html": "<b>All</b>"}
    await browser.call("settings_save", settings=settings)
    assert {one["html"] for one in (await program.read(), await webmail.read(), await other.read())} == {"<b>All</b>"}
    assert await program.write({"text": "Mine"}) == ""
    for one in (program, webmail):
        assert {"text": "Mine", "html": "<b>All</b>"}.items() <= (await one.read()).items()
    assert (await other.read())["text"] == "All"
    assert await other.write({"text": "", "html": ""}) == ""
    assert await webmail.write({"text": "Mine again"}) == ""
    assert (await other.read())["text"] == ""


async def test_a_bad_identity_has_the_same_fault_everywhere(rig: Rig) -> None:
    """WEBMAIL-105, JMAP-30."""
    interfaces = await identities(rig)
    long = "x" * (MAX_SIGNATURE + 1)
    await refused(interfaces, "name", "a\r\nBcc: x", "contains control characters")
    reasons = [await one.write({"text": long}) for one in interfaces if one.changes("text")]
    assert all(reason.endswith(f": must be {MAX_SIGNATURE:,} characters or fewer") for reason in reasons), reasons


async def test_a_program_hears_of_a_signature_of_the_webmail(rig: Rig) -> None:
    """JMAP-30: its state moves, and a change on the base of the older one is refused; the page hears at once, too."""
    interfaces = await identities(rig)
    await stale(interfaces[:2], "text", lambda number: f"Yours, {number}", "stateMismatch")
    client = Client(rig)
    before = (await client.call("Identity/get"))["state"]
    assert await interfaces[1].write({"text": "Bye"}) == ""
    assert len((await client.call("Identity/changes", sinceState=before))["updated"]) == 1
    watcher = rig.browser()
    await watcher.log_in()
    events = await watcher.events()
    assert (await events.next())["settings"]["signatures"][0]["text"] == "Bye"
    assert await interfaces[0].write({"text": "Cheers"}) == ""
    for _ in range(10):
        if "Cheers" in json.dumps(event := await events.next()):
            break
    assert event["kind"] in ("settings", "view_changes"), event


async def test_a_program_hears_of_a_name_that_another_set(rig: Rig) -> None:
    """JMAP-30: from each state since, in one step; other changes of the configuration have no history."""
    client = Client(rig)
    found = await client.call("Identity/get")
    first, second = (one["id"] for one in found["list"])
    states = [found["state"]]

    async def rename(number: str, name: str) -> None:
        done = await client.call("Identity/set", update={number: {"name": name}})
        assert (done["notUpdated"], done["oldState"]) == (None, states[-1])
        states.append(done["newState"])

    async def changed(state: str) -> set[str]:
        return {*(await client.call("Identity/changes", sinceState=state))["updated"]}

    await rename(first, "Mia")
    assert await changed(states[0]) == {first}
    await rename(second, "Office")
    await rename(first, "Mia M.")
    await rename(first, "")
    assert [await changed(state) for state in states] == [{first, second}, {first, second}, {first}, {first}, set()]
    path = rig.running.folder / "config/domains.toml"
    path.write_text(path.read_text().replace('"Office"', '"Desk"'))
    assert await rig.holder.reload()
    assert await client.error("Identity/changes", sinceState=states[-1]) == "cannotCalculateChanges"
    now = (await client.call("Identity/get"))["state"]
    assert await client.error("Identity/set", ifInState=states[-1], update={}) == "stateMismatch"
    assert await changed(now) == set()


# A masked address.


class OwnMasked(msgspec.Struct):
    """A masked address with its choices."""

    site: str
    note: str
    only_from: list[str]
    expires: int
    active: bool


def masked_sample(kind: type[msgspec.Struct], name: str, number: int) -> Any:
    if name == "site":
        return f"shop{number}.example"
    if name == "only_from":
        return [f"shop{number}.example", f"news@list{number}.example"]
    return sample(kind, name, number)


async def masked_addresses(rig: Rig, folder: Path) -> list[Interface]:
    """The interfaces to a masked address."""
    account, client = rig.browser(app="/"), Client(rig)
    await account.log_in()
    address = (await account.call("address_add"))["address"]
    text: dict[str, Callable[[Any], str]] = {"only_from": ", ".join, "expires": lambda moment: utc(moment) or "never"}

    def shown(found: Values) -> Values:
        state = found["state"]
        return {
            **{name: found[name] for name in ("site", "note", "only_from")},
            "expires": seconds(found["expires"] or None),
            "active": state != "off",
        }

    async def account_read() -> Values:
        [found] = (await account.call("masked_list", text="", offset=0))["items"]
        return shown(found)

    async def account_write(values: Values) -> str:
        given = {name: text.get(name, str)(value) for name, value in values.items() if name != "active"}
        failed = await posted(account, "address_set", address=address, **given) if given else ""
        if not failed and "active" in values:
            failed = await posted(account, "address_on" if values["active"] else "address_off", address=address)
        return failed

    async def line_read() -> Values:
        printed, failure = await command_line(folder, "address", "list", "mia", "--json")
        assert not failure
        [found] = json.loads(printed)
        return shown(found)

    async def line_write(values: Values) -> str:
        names = {"site": "for", "only_from": "only-from"}
        given = [(name, text.get(name, str)(value)) for name, value in values.items() if name != "active"]
        options = [word for name, value in given for word in (f"--{names.get(name, name)}", value)]
        failure = (await command_line(folder, "address", "set", "mia", address, *options))[1] if options else ""
        if not failure and "active" in values:
            state = "on" if values["active"] else "off"
            failure = (await command_line(folder, "address", state, "mia", address))[1]
        return failure

    async def jmap_read() -> Values:
        [found] = (await client.call("MaskedEmail/get"))["list"]
        site = found["forDomain"].removeprefix("https://")
        return {"site": site, "note": found["description"], "active": found["state"] == "enabled"}

    async def jmap_write(values: Values) -> str:
        [found] = (await client.call("MaskedEmail/get"))["list"]
        names = {"site": "forDomain", "note": "description", "active": "state"}
        states = {True: "enabled", False: "disabled"}
        patch = {names[name]: states[value] if name == "active" else value for name, value in values.items()}
        done = await client.call("MaskedEmail/set", update={found["id"]: patch})
        return done["notUpdated"][found["id"]]["description"] if done.get("notUpdated") else ""

    beyond = dict.fromkeys(("only_from", "expires"), "Fastmail's object has no such property")
    return [
        Interface("account app", account_read, account_write),
        Interface("command line", line_read, line_write),
        Interface("JMAP", jmap_read, jmap_write, beyond),
    ]


async def test_each_interface_has_a_masked_address(rig: Rig, tmp_path: Path) -> None:
    """MASK-7, MASK-12, MASK-13: a change of one field leaves the others as they are."""
    assert await walk(OwnMasked, await masked_addresses(rig, tmp_path), samples=masked_sample) > 150


async def test_a_bad_masked_address_has_the_same_fault_everywhere(rig: Rig, tmp_path: Path) -> None:
    """MASK-7, MASK-12, MASK-13."""
    interfaces = await masked_addresses(rig, tmp_path)
    for name, value, text in (
        ("site", "no host", "the site must be a host name, like shop.example"),
        ("note", "x" * 501, "notes must be 500 characters or fewer"),
        ("only_from", ["x@@y"], "x@@y isn't a valid address or domain"),
        ("expires", MINUTE, "the expiration time must be in the future"),
    ):
        await refused(interfaces, name, value, text)


# A Sieve script.


class OwnScript(msgspec.Struct):
    name: str
    text: str
    active: bool


def script_sample(kind: type[msgspec.Struct], name: str, number: int) -> Any:
    return f"# script {number}\nkeep;\n" if name == "text" else sample(kind, name, number)


async def scripts(rig: Rig, folder: Path) -> list[Interface]:
    """The interfaces to a script."""
    account, client, program = rig.browser(app="/"), Client(rig), SieveClient(rig.connect(port=SIEVE_PORT))
    await account.log_in()
    await account.call("account_sieve_put", script="first", text="keep;")
    await program.response()
    secret = base64.b64encode(f"\0{ADDRESS}\0{PASSWORD}".encode()).decode()
    assert (await program.last(f'AUTHENTICATE "PLAIN" "{secret}"')).startswith("OK")

    async def account_read() -> Values:
        [found] = (await account.call("script_list"))["scripts"]
        text = await account.call("account_sieve_get", script=found["name"])
        return {"name": found["name"], "text": text, "active": found["active"]}

    async def account_write(values: Values) -> str:
        name, reasons = (await account_read())["name"], [""]
        if "text" in values:
            reasons.append(await posted(account, "account_sieve_put", script=name, text=values["text"]))
        if "active" in values:
            reasons.append(await posted(account, "account_sieve_activate", script=name if values["active"] else ""))
        if "name" in values:
            reasons.append(await posted(account, "account_sieve_rename", script=name, new_name=values["name"]))
        return max(reasons)

    async def account_since() -> Callable[[Values], Awaitable[str]]:
        before = await account_read()

        async def save(values: Values) -> str:
            given = {"script": before["name"], "text": values["text"], "old": before["text"]}
            return await posted(account, "account_sieve_put", **given)

        return save

    async def line(*words: str, stdin: str = "") -> str:
        printed, failure = await command_line(folder, "account", "sieve", *words, stdin=stdin)
        return failure or printed

    async def line_read() -> Values:
        [found] = json.loads(await line("list", "mia", "--json"))["scripts"]
        return {
            "name": found["name"],
            "text": await line("get", "mia", found["name"]),
            "active": found["active"],
        }

    async def line_write(values: Values) -> str:
        name, reasons = (await account_read())["name"], [""]
        if "text" in values:
            reasons.append(await line("put", "mia", name, "-", stdin=values["text"]))
        if "active" in values:
            reasons.append(await line("activate", "mia", *([name] if values["active"] else [])))
        if "name" in values:
            reasons.append(await line("rename", "mia", name, values["name"]))
        return max(reasons)

    async def jmap_read() -> Values:
        [found] = (await client.call("SieveScript/get"))["list"]
        text = (await client.http("GET", f"/jmap/download/{client.account}/{found['blobId']}/x.siv")).body.decode()
        return {"name": found["name"], "text": text, "active": found["isActive"]}

    async def jmap_write(values: Values) -> str:
        [found] = (await client.call("SieveScript/get"))["list"]
        patch = {"name": values["name"]} if "name" in values else {}
        if "text" in values:
            patch["blobId"] = await client.upload(values["text"].encode(), "application/sieve")
        active: dict[str, Any] = {}
        if "active" in values:
            active = (
                {"onSuccessActivateScript": found["id"]} if values["active"] else {"onSuccessDeactivateScript": True}
            )
        done = await client.call("SieveScript/set", update={found["id"]: patch}, **active)
        return done["notUpdated"][found["id"]]["description"] if done.get("notUpdated") else ""

    async def sieve_read() -> Values:
        listed, _ = await program.say("LISTSCRIPTS")
        name, active = listed.decode().rstrip().rpartition('"')[0][1:], listed.rstrip().endswith(b" ACTIVE")
        text, *_ = await program.say(f'GETSCRIPT "{name}"')
        return {"name": name, "text": text.partition(b"\r\n")[2].decode().removesuffix("\r\n"), "active": active}

    async def sieve_write(values: Values) -> str:
        name, lines = (await account_read())["name"], list[str]()
        if "text" in values:
            lines.append(put(name, values["text"]))
        if "active" in values:
            lines.append(f'SETACTIVE "{name if values["active"] else ""}"')
        if "name" in values:
            lines.append(f'RENAMESCRIPT "{name}" "{values["name"]}"')
        answers = [await program.last(one) for one in lines]
        return max(["", *(one for one in answers if not one.startswith("OK"))])

    return [
        Interface("account app", account_read, account_write, since=account_since),
        Interface("command line", line_read, line_write),
        Interface("JMAP", jmap_read, jmap_write),
        Interface("ManageSieve", sieve_read, sieve_write),
    ]


async def test_each_interface_has_a_script(rig: Rig, tmp_path: Path) -> None:
    """IMAP-141, WEB-158, JMAP-33: name, text and which is active."""
    interfaces = await scripts(rig, tmp_path)
    assert await walk(OwnScript, interfaces, samples=script_sample) > 140
    texts = partial(script_sample, OwnScript, "text")
    await stale(interfaces, "text", lambda number: texts(100 + number), "was changed elsewhere")


# A calendar's own properties.


class OwnCalendar(msgspec.Struct):
    name: str
    color: str
    description: str
    order: int
    hidden: bool


APPLE = "http://apple.com/ns/ical/"
NAMED = {"teal": "#008080", "navy": "#000080"}


def calendar_sample(kind: type[msgspec.Struct], name: str, number: int) -> Any:
    if name == "color":  # as programs write them: by name, or with three digits
        return ("teal", "#0f0", f"#0000{number % 256:02x}", "navy")[number % 4]
    return number % 1000 if name == "order" else sample(kind, name, number)


def plain(color: str) -> str:
    """A color with six digits."""
    color = NAMED.get(color, color)
    return color[:7].lower() if len(color) > 4 else "#" + "".join(2 * digit for digit in color[1:]).lower()


def plainly(values: Values) -> Values:
    return values | {"color": plain(values["color"])}


def collection_by_dav(
    phone: Program, path: str, tags: dict[str, str]
) -> tuple[Callable[[], Awaitable[Values]], Callable[[Values], Awaitable[str]]]:
    """How a program reads and changes the properties of a calendar or address book. `tags`: by field."""

    async def read() -> Values:
        props = (await phone.find(path, *tags.values()))[path]
        found: Values = {name: props[tag].text or "" if tag in props else "" for name, tag in tags.items()}
        shown = {"color": plain(found["color"])} if "color" in found else {}
        return found | shown | {"order": int(found["order"] or 0)}

    async def write(values: Values) -> str:
        inner = "".join(
            f'<x:{tags[name].rpartition("}")[2]} xmlns:x="{tags[name][1:].partition("}")[0]}">{value}'
            f"</x:{tags[name].rpartition('}')[2]}>"
            for name, value in values.items()
        )
        body = f'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>{inner}</D:prop></D:set></D:propertyupdate>'
        answer = await phone.ask("PROPPATCH", path, body)
        return "" if b" 200 " in answer.body else answer.body.decode()

    return read, write


async def calendars(rig: Rig) -> list[Interface]:
    """The interfaces to the first calendar."""
    webmail, program, phone = rig.browser(), Client(rig), Program(rig)
    await webmail.log_in()
    await webmail.call("calendars")  # makes it

    async def jmap_read() -> Values:
        [found] = (await program.call("Calendar/get"))["list"]
        return {
            "name": found["name"],
            "color": plain(found["color"]),
            "description": found["description"] or "",
            "order": found["sortOrder"],
            "hidden": not found["isVisible"],
        }

    async def jmap_write(values: Values) -> str:
        [found] = (await program.call("Calendar/get"))["list"]
        names = {"order": "sortOrder"}
        patch = {names.get(name, name): value for name, value in values.items() if name != "hidden"}
        if "hidden" in values:
            patch["isVisible"] = not values["hidden"]
        done = await program.call("Calendar/set", update={found["id"]: patch})
        return done["notUpdated"][found["id"]]["description"] if done.get("notUpdated") else ""

    async def webmail_read() -> Values:
        [found] = await webmail.call("calendars")
        return {"name": found["name"], "color": plain(found["colour"]), "hidden": found["hidden"]}

    async def webmail_write(values: Values) -> str:
        [found] = await webmail.call("calendars")
        change = {"colour" if name == "color" else name: value for name, value in values.items()}
        return await posted(webmail, "calendar_save", calendar_id=found["id"], change=change)

    dav_read, dav_write = collection_by_dav(
        phone,
        HOME,
        {
            "name": "{DAV:}displayname",
            "color": f"{{{APPLE}}}calendar-color",
            "description": "{urn:ietf:params:xml:ns:caldav}calendar-description",
            "order": f"{{{APPLE}}}calendar-order",
        },
    )
    assert await dav_write({"color": "teal", "description": "", "order": 0}) == ""
    beyond = dict.fromkeys(("description", "order"), "the webmail's list has no such field")
    return [
        Interface("JMAP", jmap_read, jmap_write),
        Interface("webmail", webmail_read, webmail_write, beyond),
        Interface("DAV", dav_read, dav_write, {"hidden": "a choice of the webmail and of JMAP's isVisible"}),
    ]


async def test_each_interface_has_the_properties_of_a_calendar(rig: Rig) -> None:
    """JMAP-70, DAV-17: a color by name, as programs write it, does not lock the other properties."""
    assert await walk(OwnCalendar, await calendars(rig), samples=calendar_sample, same=plainly) > 130


async def test_a_bad_value_of_a_calendar_has_the_same_fault_everywhere(rig: Rig) -> None:
    """WEBMAIL-174, JMAP-70, DAV-17: DAV has no words for it, and nothing changes."""
    *worded, phone = await calendars(rig)
    name = f"names must be 1 to {MAX_SHOWN} bytes of printable characters"
    for field, value, text in (
        ("name", "ü" * 128, name),
        ("name", "a\u200eb", name),
        ("color", "re d", "color: must be #rrggbb"),
        ("description", "x" * (MAX_DESCRIPTION + 1), f"must be {MAX_DESCRIPTION:,} characters or fewer"),
    ):
        await refused(worded, field, value, text)
        before = await phone.read()
        assert "409" in await phone.write({field: value})
        assert await phone.read() == before


# An address book's own properties.


class OwnBook(msgspec.Struct):
    name: str
    description: str
    order: int


async def address_books(rig: Rig) -> list[Interface]:
    """The interfaces to the first address book."""
    webmail, program, phone = rig.browser(), Client(rig), Program(rig)
    await webmail.log_in()
    await webmail.call("address_books")  # makes it

    async def jmap_read() -> Values:
        [found] = (await program.call("AddressBook/get"))["list"]
        return {"name": found["name"], "description": found["description"] or "", "order": found["sortOrder"]}

    async def jmap_write(values: Values) -> str:
        [found] = (await program.call("AddressBook/get"))["list"]
        patch = {{"order": "sortOrder"}.get(name, name): value for name, value in values.items()}
        done = await program.call("AddressBook/set", update={found["id"]: patch})
        return done["notUpdated"][found["id"]]["description"] if done.get("notUpdated") else ""

    async def webmail_read() -> Values:
        [found] = await webmail.call("address_books")
        return {"name": found["name"]}

    async def webmail_write(values: Values) -> str:
        [found] = await webmail.call("address_books")
        return await posted(webmail, "address_book_save", book_id=found["id"], **values)

    tags = {
        "name": "{DAV:}displayname",
        "description": "{urn:ietf:params:xml:ns:carddav}addressbook-description",
        "order": f"{{{APPLE}}}calendar-order",
    }
    beyond = dict.fromkeys(("description", "order"), "the webmail's list has no such field")
    return [
        Interface("JMAP", jmap_read, jmap_write),
        Interface("webmail", webmail_read, webmail_write, beyond),
        Interface("DAV", *collection_by_dav(phone, BOOK, tags)),
    ]


async def test_each_interface_has_the_properties_of_an_address_book(rig: Rig) -> None:
    """JMAP-60, DAV-17, WEBMAIL-128a: and the same words for a bad name."""
    *worded, phone = interfaces = await address_books(rig)
    assert await walk(OwnBook, interfaces, samples=calendar_sample) > 40
    await refused(worded, "name", "ü" * 128, f"names must be 1 to {MAX_SHOWN} bytes of printable characters")
    assert "409" in await phone.write({"name": "ü" * 128})


# A template.


async def templates(rig: Rig) -> list[Interface]:
    """The interfaces to a template."""
    account, webmail = rig.browser(app="/"), rig.browser()
    await account.log_in()
    await webmail.log_in()
    number = await account.call("template_save", template={"id": 0, "name": "Offer"})

    def interface(name: str, browser: Browser) -> Interface:
        async def read() -> Values:
            [found] = await browser.call("templates")
            return {field: value for field, value in found.items() if field not in ("id", "mark")}

        async def write(values: Values) -> str:
            return await posted(browser, "template_save", template={"id": number, **values})

        return Interface(name, read, write)

    return [interface("account app", account), interface("webmail", webmail)]


async def test_each_interface_has_a_template(rig: Rig) -> None:
    """WEBMAIL-126: a change of one field leaves the others as they are."""
    kind = msgspec.defstruct("OwnTemplate", [(one, str) for one in Template.__struct_fields__ if one != "id"])
    assert await walk(kind, await templates(rig)) == 64


async def test_a_bad_template_has_the_same_fault_everywhere(rig: Rig) -> None:
    """WEBMAIL-126: a template that was removed isn't made again of the fields that have changed."""
    interfaces = await templates(rig)
    await refused(interfaces, "name", " ", "enter a template name")
    account = rig.browser(app="/")
    await account.log_in()
    [template] = await account.call("templates")
    await account.call("template_remove", template_id=template["id"])
    assert {await one.write({"text": "Dear all"}) for one in interfaces} == {"this template no longer exists"}
    assert await account.call("templates") == []
