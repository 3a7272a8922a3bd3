"""Who may see and use an account is the same through each interface: shares of mailboxes, calendars, and address books,
private links, certificates, app passwords; and to whom it sends nothing more.
"""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from moxlite.net.tls.certificates import self_signed
from moxlite.store.forms import CertificateChange
from tests.interfaces import Interface, Values, command_line, posted, refused, stale, walk
from tests.keyproof import proof_of
from tests.web_rig import ADDRESS, PASSWORD, STATIC, Rig

IMAP_PORT = 1143
IMAP = f"""
[listeners.imap]
ips = ["127.0.0.1"]
imap = {{ enabled = true, port = {IMAP_PORT}, require_tls = false }}
"""
pytestmark = [pytest.mark.served, pytest.mark.rig(app="/", static=STATIC + IMAP)]


async def shown(folder: Path, *words: str, group: str = "account") -> Any:
    printed, failure = await command_line(folder, group, *words, "--json")
    assert not failure
    return json.loads(printed)


# A share of a mailbox


class OwnShare(msgspec.Struct):
    """What a guest may do."""

    rights: str


def rights_sample(kind: type[msgspec.Struct], name: str, number: int) -> Any:
    return ("lr", "lrs", "lrswi", "lrswite", "l")[number % 5]


async def said(stream: trio.abc.Stream, line: str) -> str:
    """The answer of an IMAP server to a command."""
    await stream.send_all(f"a {line}\r\n".encode())
    answer = b""
    while not re.search(rb"^a (OK|NO|BAD) .*\r\n", answer, re.MULTILINE):
        answer += await stream.receive_some()
    return answer.decode()


async def shares(rig: Rig, folder: Path) -> list[Interface]:
    """The interfaces to what tom may do in mia's Inbox."""
    account, imap = rig.browser(app="/"), rig.connect(port=IMAP_PORT)
    await account.log_in()
    assert "a OK" in await said(imap, f'LOGIN "{ADDRESS}" "{PASSWORD}"')

    async def account_read() -> Values:
        given = (await account.call("shares"))["given"]
        return {"rights": "".join(one["rights"] for one in given if one["guest"] == "tom")}

    async def account_write(values: Values) -> str:
        return await posted(account, "account_share_set", mailbox="Inbox", guest="tom", **values)

    async def line_read() -> Values:
        given = await shown(folder, "share", "list", "mia")
        return {"rights": "".join(one["rights"] for one in given if one["guest"] == "tom")}

    async def line_write(values: Values) -> str:
        words = ("share", "set", "mia", "Inbox", "tom", values["rights"])
        return (await command_line(folder, "account", *words))[1]

    async def imap_read() -> Values:
        found = re.search(r' "?tom"? "?([a-z]+)"?', await said(imap, "GETACL Inbox"))
        return {"rights": re.sub("[cd]", "", found[1]) if found else ""}  # RFC 4314 §2.1.1: of older clients

    async def imap_write(values: Values) -> str:
        answer = await said(imap, f"SETACL Inbox tom {values['rights']}")
        return "" if "a OK" in answer else answer

    return [
        Interface("account app", account_read, account_write),
        Interface("command line", line_read, line_write),
        Interface("IMAP", imap_read, imap_write),
    ]


def letters(values: Values) -> Values:
    """Rights in no order."""
    return {name: "".join(sorted(value)) for name, value in values.items()}


async def test_each_interface_has_a_share(rig: Rig, tmp_path: Path) -> None:
    """IMAP-157: the rights of a guest, and the end of them."""
    interfaces = await shares(rig, tmp_path)
    ordered = [
        Interface(one.name, lambda read=one.read: _sorted(read), one.write)  # type: ignore[misc]
        for one in interfaces
    ]
    assert await walk(OwnShare, ordered, samples=rights_sample, same=letters) == 9
    assert await interfaces[0].write({"rights": ""}) == ""
    assert [await one.read() for one in interfaces] == [{"rights": ""}] * 3


async def _sorted(read: Callable[[], Awaitable[Values]]) -> Values:
    return letters(await read())


async def test_bad_rights_change_nothing(rig: Rig, tmp_path: Path) -> None:
    """IMAP-157."""
    account, *others = await shares(rig, tmp_path)
    await refused([account], "rights", "rs", "must be letters from lrswipkxtea, including l")
    for one in others:
        assert await one.write({"rights": "lr!"}) != ""
    assert [await one.read() for one in (account, *others)] == [{"rights": ""}] * 3


# A client certificate


async def certificates(rig: Rig, folder: Path) -> list[Interface]:
    """The interfaces to a certificate of mia's."""
    account = rig.browser(app="/")
    await account.log_in()
    pair = self_signed(["phone"])
    proof = proof_of(pair.key, (await account.call("config_tlspubkey_challenge"))["command"])
    given = {"address": ADDRESS, "certificate": pair.certificate_pem().decode(), "proof": proof}
    fingerprint = (await account.call("config_tlspubkey_add", **given))["fingerprint"]

    def fields(found: list[Values]) -> Values:
        return {name: found[0][name] for name in CertificateChange.__struct_fields__}

    async def account_read() -> Values:
        return fields(await account.call("config_tlspubkey_list"))

    async def account_write(values: Values, mark: str = "") -> str:
        return await posted(account, "config_tlspubkey_set", fingerprint=fingerprint, changed=values, mark=mark)

    async def account_since() -> Callable[[Values], Awaitable[str]]:
        (seen,) = await account.call("config_tlspubkey_list")
        return lambda values: account_write(values, seen["mark"])

    async def line_read() -> Values:
        return fields(await shown(folder, "list", "mia", group="tlspubkey"))

    async def line_write(values: Values, *more: str) -> str:
        words = [word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", f"{value}")]
        return (await command_line(folder, "tlspubkey", "set", fingerprint, *words, *more))[1]

    async def line_since() -> Callable[[Values], Awaitable[str]]:
        (seen,) = await shown(folder, "list", "mia", group="tlspubkey")
        return lambda values: line_write(values, "--mark", seen["mark"])

    return [
        Interface("account app", account_read, account_write, since=account_since),
        Interface("command line", line_read, line_write, since=line_since),
    ]


def certificate_sample(kind: type[msgspec.Struct], name: str, number: int) -> Any:
    texts = {"name": f"phone {number}", "login_address": ADDRESS if number % 2 else "büro@example.org"}
    return texts.get(name, number % 2 == 0)


async def test_each_interface_has_a_client_certificate(rig: Rig, tmp_path: Path) -> None:
    """WEB-67, STORE-104: what its user changes, stale saves, and the same words for the same mistake."""
    interfaces = await certificates(rig, tmp_path)
    assert await walk(CertificateChange, interfaces, samples=certificate_sample) == 36
    await refused(interfaces, "name", " ", "is empty")
    await refused(interfaces, "login_address", "tom@example.org", "doesn't belong to this account")
    await stale(interfaces, "name", lambda number: f"laptop {number}", "this was changed elsewhere")


# An app password, which is made and removed, never changed


async def test_each_interface_has_an_app_password(rig: Rig, tmp_path: Path) -> None:
    """STORE-191: made by either, both show all of it, and either removes it."""
    account = rig.browser(app="/")
    await account.log_in()
    expires = 3_786_912_000_000_000

    def ends(moment: str | None) -> str:
        return "" if not moment else datetime.fromisoformat(moment).strftime("%Y-%m-%d")

    async def by_app(name: str, scopes: list[str], read_only: bool, limited: bool, token: bool) -> str:
        given = {"scopes": scopes, "read_only": read_only, "expires": expires if limited else None, "token": token}
        return await posted(account, "account_app_password_add", name=name, **given)

    async def by_command(name: str, scopes: list[str], read_only: bool, limited: bool, token: bool) -> str:
        words = [word for scope in scopes for word in ("--scope", scope)]
        words += ["--read-only"] * read_only + ["--token"] * token
        words += ["--expires", "2090-01-01T00:00"] if limited else []
        return (await command_line(tmp_path, "account", "app-password", "add", "mia", name, *words))[1]

    async def seen_in_app() -> list[tuple[Any, ...]]:
        found = await account.call("account_app_password_list")
        return sorted(
            (one["name"], one["scopes"], one["read_only"], ends(one["expires"]), one["token"]) for one in found
        )

    async def seen_by_command() -> list[tuple[Any, ...]]:
        found = await shown(tmp_path, "app-password", "list", "mia")
        return sorted(
            (one["name"], one["scopes"], one["read_only"], ends(one["expires"]), one["token"]) for one in found
        )

    kinds = (
        (["imap"], True, False, False),
        (["imap", "submission"], False, True, False),
        (["jmap", "dav"], False, False, True),
    )
    made: list[tuple[Any, ...]] = []
    for maker in (by_app, by_command):
        for scopes, read_only, limited, token in kinds:
            name = f"{maker.__name__} {len(made)}"
            assert await maker(name, scopes, read_only, limited, token) == ""
            made.append((name, sorted(scopes), read_only, "2090-01-01" if limited else "", token))
            for found in (await seen_in_app(), await seen_by_command()):
                assert [(name, sorted(scopes), *rest) for name, scopes, *rest in found] == sorted(made)
    for maker in (by_app, by_command):  # the same words for a name that is taken
        assert await maker(made[0][0], ["imap"], False, False, False) != ""
    assert await posted(account, "account_app_password_rm", name=made[-1][0]) == ""
    assert (await command_line(tmp_path, "account", "app-password", "rm", "mia", made[0][0]))[1] == ""
    assert await seen_in_app() == await seen_by_command()
    assert [one[0] for one in await seen_in_app()] == sorted(one[0] for one in made[1:-1])


# Shares of calendars and address books, private links, suppressed addresses: set and taken back as wholes


@pytest.mark.parametrize(
    ("calls", "group", "number"),
    [
        (("calendars", "calendar_guests"), "calendar", "calendar_id"),
        (("address_books", "address_book_guests"), "contacts", "book_id"),
    ],
)
async def test_each_interface_has_a_share_of_a_collection(
    rig: Rig, tmp_path: Path, calls: tuple[str, str], group: str, number: str
) -> None:
    """DAV-41, WEBMAIL-128a: set and ended by either, seen by both, and the same words for the same mistake."""
    webmail = rig.browser()
    await webmail.log_in()
    (own,) = await webmail.call(calls[0])

    async def seen() -> list[list[str]]:
        guests = await webmail.call(calls[1], **{number: own["id"]})
        (listed,) = await shown(tmp_path, "list", "mia", group=group)
        return [[f"{one['account']} (w)" if one["writable"] else one["account"] for one in guests], listed["shared"]]

    async def by_page(guest: str, **more: bool) -> str:
        return await posted(webmail, f"{group}_share", name=own["path"], guest=guest, **more)

    async def by_command(guest: str, **more: bool) -> str:
        options = [f"--{name}" for name in more]
        return (await command_line(tmp_path, group, "share", "mia", own["path"], guest, *options))[1]

    for share in (by_page, by_command):
        assert await share("Tom@example.org") == ""
        assert await seen() == [["tom"], ["tom"]]
        assert await share("tom", write=True) == ""
        assert await seen() == [["tom (w)"], ["tom (w)"]]
        assert await share("tom", end=True) == ""
        assert await seen() == [[], []]
        assert "isn't an account on this server" in await share("nobody@example.org")
        assert "is your own account" in await share("mia")


async def test_each_interface_has_a_suppressed_address(rig: Rig, tmp_path: Path) -> None:
    """QUEUE-83, WEB-69: added and removed by either, and seen by both with all that is known of it."""
    account = rig.browser(app="/")
    await account.log_in()

    async def by_page(verb: str, **given: str) -> str:
        return await posted(account, f"queue_suppress_{verb}", **given)

    async def by_command(verb: str, address: str, **more: str) -> str:
        options = [word for name, value in more.items() for word in (f"--{name}", value)]
        return (await command_line(tmp_path, "queue", "suppress", verb, "mia", address, *options))[1]

    for change in (by_page, by_command):
        assert await change("add", address="Gone+x@far.example", reason="moved") == ""
        listed = await shown(tmp_path, "suppress", "list", "--account", "mia", group="queue")
        assert await account.call("queue_suppress_list") == listed
        assert [(one["base"], one["reason"]) for one in listed] == [("gone@far.example", "moved")]
        assert await change("add", address="gone@far.example") != ""
        assert await change("remove", address="gone@far.example") == ""
        assert await change("remove", address="gone@far.example") != ""
