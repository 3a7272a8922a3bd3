"""A mailbox, a message's flags and place, and an account's quota are the same through each interface."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.interfaces import Interface, Values, command_line, posted, reason, refused, sample, walk
from tests.jmap_rig import JMAP, Client
from tests.session.test_web_admin_api import asked
from tests.session.test_web_dav import HOME, D, Program
from tests.session.test_web_interfaces_access import IMAP, IMAP_PORT, said
from tests.session.test_web_webapi import API
from tests.store_mail import deliver_mail
from tests.web_rig import ADDRESS, ADMIN_STATIC, PASSWORD, Browser, Rig, owner
from tests.webapi import Client as Programs, Refused

ALL = ADMIN_STATIC.partition("[listeners.alone]")[0] + JMAP + IMAP + API  # that one has ports of JMAP and API
pytestmark = [pytest.mark.served, pytest.mark.rig(app="/admin/", static=ALL)]


async def imap_session(rig: Rig) -> Callable[[str], Awaitable[str]]:
    """An IMAP client that has logged in: what the server answers to a command."""
    stream = rig.connect(port=IMAP_PORT)
    assert "a OK" in await said(stream, f'LOGIN "{ADDRESS}" "{PASSWORD}"')
    return lambda line: said(stream, line)


def failed(answer: str) -> str:
    """The words of a refusal, without its code."""
    return "" if "a OK" in answer else re.sub(r"^a (NO|BAD) (\[[^]]*\] )?", "", answer.splitlines()[-1])


async def shown_boxes(webmail: Browser) -> list[dict[str, Any]]:
    """The mailboxes that the webmail shows."""
    found: list[dict[str, Any]] = (await (await webmail.events()).next())["mailboxes"]
    return found


# A mailbox


class OwnMailbox(msgspec.Struct):
    name: str
    role: str
    subscribed: bool
    order: int


def mailbox_sample(kind: type[msgspec.Struct], name: str, number: int) -> Any:
    match name:
        case "role":
            return ("archive", "trash", "junk")[number % 3]
        case "order":
            return 20 + number
    return sample(kind, name, number)


async def mailboxes(rig: Rig) -> list[Interface]:
    """The interfaces to a new mailbox."""
    webmail, client, imap = rig.browser(), Client(rig), await imap_session(rig)
    await webmail.log_in()
    number = await webmail.call("mailbox_create", name="First")
    order = "/private/vendor/moxlite/sort-order"

    async def found() -> dict[str, Any]:
        return next(one for one in await shown_boxes(webmail) if one["id"] == number)

    async def webmail_read() -> Values:
        box = await found()
        return {"name": box["name"], "role": "".join(box["roles"])}

    async def webmail_write(values: Values) -> str:
        """As the page, which keeps a name that is the same."""
        reasons = [""]
        if values.get("name", (await found())["name"]) != (await found())["name"]:
            reasons.append(await posted(webmail, "mailbox_rename", mailbox_id=number, name=values["name"]))
        if "role" in values:
            given = {"mailbox_id": number, "roles": [values["role"]]}
            reasons.append(await posted(webmail, "mailbox_set_special_use", **given))
        return max(reasons)

    names = {"subscribed": "isSubscribed", "order": "sortOrder"}

    async def jmap_read() -> Values:
        [box] = (await client.call("Mailbox/get", ids=[f"F{number}"]))["list"]
        return {name: box[names.get(name, name)] for name in OwnMailbox.__struct_fields__}

    async def jmap_write(values: Values) -> str:
        patch = {names.get(name, name): value for name, value in values.items()}
        done = await client.call("Mailbox/set", update={f"F{number}": patch})
        return done["notUpdated"][f"F{number}"]["description"] if done.get("notUpdated") else ""

    async def imap_read() -> Values:
        name = (await found())["name"]
        listed = await imap(f'LIST "" "{name}" RETURN (SUBSCRIBED SPECIAL-USE)')
        kept = re.search(f'{order} "(.*)"', await imap(f'GETMETADATA "{name}" {order}'))
        return {
            "name": name if f'"{name}"' in listed or f" {name}\r\n" in listed else "",
            "role": "".join(re.findall(r"\\(Archive|Trash|Junk|Drafts|Sent)", listed)).lower(),
            "subscribed": "\\Subscribed" in listed,
            "order": int(kept[1]) if kept else 0,
        }

    async def imap_write(values: Values) -> str:
        name, lines = (await found())["name"], list[str]()
        if "role" in values:
            lines.append(f'SETMETADATA "{name}" (/private/specialuse "\\\\{values["role"]}")')
        if "order" in values:
            lines.append(f'SETMETADATA "{name}" ({order} "{values["order"]}")')
        if "subscribed" in values:
            lines.append(f'{"SUBSCRIBE" if values["subscribed"] else "UNSUBSCRIBE"} "{name}"')
        if values.get("name", name) != name:
            lines.append(f'RENAME "{name}" "{values["name"]}"')
            if (await imap_read())["subscribed"]:  # clients move it: it stays with the name (RFC 9051 §6.3.6)
                lines += [f'UNSUBSCRIBE "{name}"', f'SUBSCRIBE "{values["name"]}"']
        return max(["", *[failed(await imap(line)) for line in lines]])

    return [
        Interface("JMAP", jmap_read, jmap_write),
        Interface("IMAP", imap_read, imap_write),
        Interface(
            "webmail",
            webmail_read,
            webmail_write,
            dict.fromkeys(("subscribed", "order"), "the webmail's list shows all, in an order of its own"),
        ),
    ]


async def test_each_interface_has_a_mailbox(rig: Rig) -> None:
    """IMAP-133, JMAP-10, WEBMAIL-35: name, use, subscription and order."""
    assert await walk(OwnMailbox, await mailboxes(rig), samples=mailbox_sample) > 80


async def test_a_bad_order_of_a_mailbox_has_the_same_fault_everywhere(rig: Rig) -> None:
    """IMAP-133, JMAP-10: also one that JMAP could not show."""
    interfaces = await mailboxes(rig)
    assert await interfaces[0].write({"order": 7}) == ""
    for order in (-1, 1 << 31, 10**12):
        await refused(interfaces, "order", order, "must be an integer between 0 and 2147483647")


# A message's flags, labels and place


class OwnMessage(msgspec.Struct):
    seen: bool
    flagged: bool
    answered: bool
    forwarded: bool
    work: bool
    mailbox: str


FLAGS = {
    "seen": "\\Seen",
    "flagged": "\\Flagged",
    "answered": "\\Answered",
    "forwarded": "$Forwarded",
    "work": "work",
}
"""Flags by field, as IMAP has them; "work" is a label."""
MAIL = b"From: jo@else.example\r\nTo: mia@example.org\r\nSubject: x\r\nMessage-ID: <m@else.example>\r\n\r\nx\r\n"


def message_sample(kind: type[msgspec.Struct], name: str, number: int) -> Any:
    return ("Inbox", "Archive")[number % 2] if name == "mailbox" else sample(kind, name, number)


def flagged(found: list[str]) -> Values:
    """The fields that are flags."""
    lower = {one.lower() for one in found}
    return {name: flag.lower() in lower for name, flag in FLAGS.items()}


async def messages(rig: Rig) -> list[Interface]:
    """The interfaces to a message."""
    webmail, client, imap, api = rig.browser(), Client(rig), await imap_session(rig), Programs(rig, port=82)
    await webmail.log_in()
    async with rig.account() as account:
        number = (await deliver_mail(account, MAIL)).message_id
    boxes = {one["name"]: one["id"] for one in await shown_boxes(webmail)}

    async def changed(
        values: Values, store: Callable[[bool, list[str]], Awaitable[str]], move: Callable[[str], Awaitable[str]]
    ) -> str:
        flags = {add: [FLAGS[name] for name, value in values.items() if value is add] for add in (True, False)}
        reasons = ["", *[await store(add, names) for add, names in flags.items() if names]]
        if "mailbox" in values:
            reasons.append(await move(values["mailbox"]))
        return max(reasons)

    async def webmail_read() -> Values:
        item = await webmail.call("message_item", message_id=number)
        [mailbox] = [name for name, box in boxes.items() if box == item["mailbox_id"]]
        return flagged([*item["flags"], *item["keywords"]]) | {"mailbox": mailbox}

    async def webmail_write(values: Values) -> str:
        async def store(add: bool, flags: list[str]) -> str:
            given = {"message_ids": [number], "flags": [flag.lower() for flag in flags]}
            return await posted(webmail, "flags_add" if add else "flags_clear", **given)

        async def move(mailbox: str) -> str:
            if (await webmail_read())["mailbox"] == mailbox:
                return ""
            return await posted(webmail, "message_move", message_ids=[number], mailbox_id=boxes[mailbox])

        return await changed(values, store, move)

    async def jmap_one() -> dict[str, Any]:
        [found] = (await client.call("Email/query"))["ids"]
        emails: list[dict[str, Any]]
        emails = (await client.call("Email/get", ids=[found], properties=["keywords", "mailboxIds"]))["list"]
        return emails[0]

    async def jmap_read() -> Values:
        email = await jmap_one()
        [mailbox] = [name for name, box in boxes.items() if f"F{box}" in email["mailboxIds"]]
        return flagged([one.replace("$", "\\") for one in email["keywords"]] + [*email["keywords"]]) | {
            "mailbox": mailbox
        }

    async def jmap_write(values: Values) -> str:
        patch: dict[str, Any] = {
            f"keywords/{FLAGS[name].lower().replace(chr(92), '$')}": value or None
            for name, value in values.items()
            if name != "mailbox"
        }
        if "mailbox" in values:
            patch["mailboxIds"] = {f"F{boxes[values['mailbox']]}": True}
        key = (await jmap_one())["id"]
        done = await client.call("Email/set", update={key: patch})
        return done["notUpdated"][key]["description"] if done.get("notUpdated") else ""

    async def imap_selected() -> str:
        """The mailbox of the message, which is selected."""
        for name in ("Inbox", "Archive"):
            if "* 1 EXISTS" in await imap(f"SELECT {name}"):
                return name
        raise AssertionError("it is nowhere")

    async def imap_read() -> Values:
        mailbox = await imap_selected()
        flags = re.search(r"FLAGS \(([^)]*)\)", await imap("FETCH 1 (FLAGS)"))
        assert flags
        return flagged(flags[1].split()) | {"mailbox": mailbox}

    async def imap_write(values: Values) -> str:
        async def store(add: bool, flags: list[str]) -> str:
            return failed(await imap(f"STORE 1 {'+' if add else '-'}FLAGS ({' '.join(flags)})"))

        async def move(mailbox: str) -> str:
            return "" if at == mailbox else failed(await imap(f"MOVE 1 {mailbox}"))

        at = await imap_selected()
        return await changed(values, store, move)

    async def api_read() -> Values:
        meta = (await api.call("MessageGet", MsgID=number))["Meta"]
        return flagged(meta["Flags"]) | {"mailbox": meta["MailboxName"]}

    async def api_write(values: Values) -> str:
        async def called(method: str, **given: Any) -> str:
            try:
                await api.call(method, MsgID=number, **given)
            except Refused as refusal:
                return str(refusal)
            return ""

        return await changed(
            values,
            lambda add, flags: called("MessageFlagsAdd" if add else "MessageFlagsRemove", Flags=flags),
            lambda mailbox: called("MessageMove", DestMailboxName=mailbox),
        )

    return [
        Interface("webmail", webmail_read, webmail_write),
        Interface("JMAP", jmap_read, jmap_write),
        Interface("IMAP", imap_read, imap_write),
        Interface("web API", api_read, api_write),
    ]


async def test_each_interface_has_a_message(rig: Rig) -> None:
    """WEB-103, WEBMAIL-47, JMAP-20: flags, a label and the mailbox; a move leaves the flags."""
    assert await walk(OwnMessage, await messages(rig), samples=message_sample) > 550


# The quota


class OwnQuota(msgspec.Struct):
    limit: int


def quota_sample(kind: type[msgspec.Struct], name: str, number: int) -> int:
    return (100 + number) << 20


async def quotas(rig: Rig, folder: Path) -> list[Interface]:
    """The interfaces to the size that an account's mail may have."""
    app, account, webmail = await owner(rig), rig.browser(app="/"), rig.browser()
    token = await app.call("admin_token_add", name="quota", scopes=["accounts"])
    await account.log_in()
    await webmail.log_in()
    client, imap, phone = Client(rig), await imap_session(rig), Program(rig)

    async def refuse(values: Values) -> str:
        raise AssertionError(f"not changed here: {values}")

    async def api_write(values: Values) -> str:
        return reason(await asked(rig, token, "config_account_quota", account="mia", size=str(values["limit"])))

    async def line_write(values: Values) -> str:
        return (await command_line(folder, "config", "account", "set", "mia", "quota", str(values["limit"])))[1]

    assert await line_write({"limit": 50 << 20}) == ""  # without one, JMAP has no object

    async def account_read() -> Values:
        return {"limit": (await account.call("overview"))["storage_limit"]}

    async def webmail_read() -> Values:
        return {"limit": (await (await webmail.events()).next())["storage_limit"]}

    async def jmap_read() -> Values:
        [found] = (await client.call("Quota/get"))["list"]
        return {"limit": found["hardLimit"]}

    async def imap_read() -> Values:
        found = re.search(r"STORAGE \d+ (\d+)", await imap("GETQUOTAROOT Inbox"))
        return {"limit": int(found[1]) * 1024 if found else 0}

    async def dav_read() -> Values:
        names = [D + name for name in ("quota-available-bytes", "quota-used-bytes")]
        props = (await phone.find(HOME, *names))[HOME]
        return {"limit": sum(int(props[name].text or 0) for name in names)}

    return [
        Interface("admin API", account_read, api_write),
        Interface("command line", account_read, line_write),
        *(
            Interface(name, read, refuse, fixed={"limit": "the owner sets it"})
            for name, read in (
                ("account app", account_read),
                ("webmail", webmail_read),
                ("JMAP", jmap_read),
                ("IMAP", imap_read),
                ("DAV", dav_read),
            )
        ),
    ]


async def test_each_interface_has_the_quota(rig: Rig, tmp_path: Path) -> None:
    """STORE-67, WEB-168: set by token and command, shown by the rest."""
    assert await walk(OwnQuota, await quotas(rig, tmp_path), samples=quota_sample) > 10
