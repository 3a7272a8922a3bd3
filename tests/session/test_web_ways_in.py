"""Who and what has access to an account: a list, and a press that takes back all that an intruder has set up."""

import base64
import datetime as dt
import json
import re
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
import pytest
import trio
from cryptography.hazmat.primitives.asymmetric import ec

from moxlite.net.httpclient import HTTPResponse
from moxlite.net.imapclient import Client as IMAPClient, Credentials, log_in
from moxlite.operations.access import LinkMade, ListWays, MakeLink, TakeBack, TakenBack, WayInfo
from moxlite.operations.forwards import ConfirmForward
from moxlite.operations.queue import Line, ListMessages
from moxlite.operations.webhooks import HookLine, ListHooks
from moxlite.store.auth.apppasswords import add_app_password
from moxlite.store.auth.credentials import change_password
from moxlite.store.changelog import origin
from moxlite.store.changelog.origin import WayKind
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.mail.acl import set_rights
from moxlite.store.mail.identities import load_identities
from moxlite.store.mail.mailboxes import create_mailbox
from moxlite.web.notices import service
from tests.authenticator import SoftKey
from tests.house import SECONDS
from tests.interfaces import command_line
from tests.jmap_rig import JMAP, Client
from tests.keyproof import proof_of
from tests.loginprovider import PROVIDER, House, house_of
from tests.pushservice import Phone
from tests.session.smtpd_harness import Client as SMTPClient
from tests.session.test_imapd_sieve import Client as SieveClient
from tests.session.test_web_account_settings import certificate
from tests.session.test_web_compose import call_id, octets_of, written
from tests.session.test_web_factors import add_key, add_phone, first_step, second_step
from tests.session.test_web_interfaces_access import said
from tests.store_mail import rows
from tests.web_rig import ADDRESS, PASSWORD, STATIC, Answer, Browser, Rig

IMAP_PORT, SIEVE_PORT, SMTP_PORT = 1143, 4190, 1025
DOORS = f"""
[listeners.programs]
ips = ["127.0.0.1"]
imap = {{ enabled = true, port = {IMAP_PORT}, require_tls = false }}
managesieve = {{ enabled = true, port = {SIEVE_PORT}, require_tls = false }}
smtp = {{ enabled = true, port = {SMTP_PORT}, starttls = false, first_time_sender_delay = "0s" }}
"""
pytestmark = [pytest.mark.served, pytest.mark.rig(app="/", static=STATIC + JMAP + DOORS + PROVIDER)]

HOST, THERE = "mail.example.org", "198.51.100.7"
THIEF = "queue451@far.example"
"""An address for which mail waits in the queue."""
SCRIPT = f'redirect "{THIEF}"; keep;'
OWED: Final = "SELECT count(*) FROM outbox WHERE kind <> 'way-in'"
"""Work for other files, but for the mail to the owner, which waits for a minute."""
PUSHES: Final = "https://push.far.example/"
CALLED: Final = [f"{PUSHES}jmap", f"{PUSHES}device", "https://far.example/outgoing", "https://far.example/incoming"]
"""Addresses of the thief that hear of the account's mail."""
OWN: Final = ["https://push.home.example/jmap", "https://push.home.example/device"]
"""Addresses of the owner's program and device."""


def at_home(rig: Rig, app: str = "/", remote: str = "192.0.2.7") -> Browser:
    browser = rig.browser(app=app, port=443, tls=True, remote=remote)
    browser.host = HOST
    return browser


async def logged_in(rig: Rig, code: str, app: str = "/", remote: str = THERE, password: str = PASSWORD) -> Browser:
    """A browser that has logged in by the password and a recovery code."""
    browser = at_home(rig, app, remote)
    await second_step(browser, await first_step(browser, password), "recovery", code)
    return browser


async def by_app_password(rig: Rig, password: str, world: House) -> None:
    """All that an app password for IMAP, ManageSieve and JMAP sets up."""
    async with rig.connect(port=IMAP_PORT, remote=THERE) as imap:
        assert "a OK" in await said(imap, f'LOGIN "{ADDRESS}" "{password}"')
        assert "a OK" in await said(imap, "SETACL Inbox tom lr")
    async with rig.connect(port=SIEVE_PORT, remote=THERE) as stream:
        sieve = SieveClient(stream)
        await sieve.response()
        plain = base64.b64encode(f"\0{ADDRESS}\0{password}".encode()).decode()
        assert (await sieve.last(f'AUTHENTICATE "PLAIN" "{plain}"')).startswith("OK")
        assert (await sieve.last(f'PUTSCRIPT "news" {{{len(SCRIPT)}+}}\r\n{SCRIPT}')).startswith("OK")
        assert (await sieve.last('SETACTIVE "news"')).startswith("OK")
    jmap = Client(rig, password=password)
    jmap._browser.connection["remote"] = THERE
    await shared(jmap, "Calendar", {"mayReadFreeBusy": True, "mayReadItems": True})
    await shared(jmap, "AddressBook", {"mayRead": True})
    await told_of_changes(jmap, world, f"{PUSHES}jmap")
    [identity, *_] = (await jmap.call("Identity/get"))["list"]
    update = {identity["id"]: {"bcc": [{"name": None, "email": THIEF}]}}
    assert (await jmap.call("Identity/set", update=update))["updated"]


async def told_of_changes(jmap: Client, world: House, url: str) -> None:
    """Subscribe a program to changes, and prove that it hears of them."""
    before = len(world.asked)
    device = {"deviceClientId": url, "url": url, "types": None}
    answer = await jmap.request(["PushSubscription/set", {"create": {"a": device}}, "0"])
    subscription = answer["methodResponses"][0][1]["created"]["a"]["id"]
    proof = json.loads(await asked(world, url, before))
    update = {subscription: {"verificationCode": proof["verificationCode"]}}
    answer = await jmap.request(["PushSubscription/set", {"update": update}, "0"])
    assert subscription in answer["methodResponses"][0][1]["updated"]


async def asked(world: House, url: str, since: int) -> bytes:
    """The body of the first request to an address after so many requests, once there is one."""
    with trio.fail_after(SECONDS):
        while not (bodies := [body for _, to, _, body in world.asked[since:] if to == url]):  # noqa: ASYNC110
            await trio.sleep(0.05)
    return bodies[0]


async def shared(jmap: Client, kind: str, rights: dict[str, bool]) -> None:
    """Share the first calendar or address book with Tom."""
    [one, *_] = (await jmap.call(f"{kind}/get"))["list"]
    found = await jmap.call(f"{kind}/set", update={one["id"]: {"shareWith": {"utom": rights}}})
    assert one["id"] in (found["updated"] or {}), found


@dataclass
class Loot:
    """What an intruder has then: browsers that are logged in, passwords for IMAP, tokens for JMAP, the address of a
    private link, the token of a recovery link, recovery codes. A person of the login provider can log in, too.
    """

    browsers: list[Browser]
    passwords: list[str]
    tokens: list[str]
    link: str
    recovery: str
    codes: list[str]


async def by_session(rig: Rig, codes: list[str], world: House) -> Loot:
    """All that a session sets up, and a link from an administrator who was persuaded."""
    page, mail = await logged_in(rig, codes.pop()), await logged_in(rig, codes.pop(), "/webmail/")
    await page.call("account_delegate_set", guest="tom", sends="as", whole=True)
    mine = await page.call("account_app_password_add", name="mine", scopes=["imap"])
    robot = await page.call("account_app_password_add", name="robot", scopes=["jmap"], token=True)
    key = ec.generate_private_key(ec.SECP256R1())
    proof = proof_of(key, (await page.call("config_tlspubkey_challenge"))["command"])
    await page.call("config_tlspubkey_add", certificate=certificate(key), address=ADDRESS, proof=proof)
    form = (await page.call("sending"))["form"]
    hooks = {
        f"{way}_webhook": form[f"{way}_webhook"] | {"url": f"https://far.example/{way}"}
        for way in ("outgoing", "incoming")
    }
    await page.call("sending_save", old=form, changed=form | hooks)
    nothing = {"forward_to": [], "keep_copy": True}
    await page.call("account_forward_set", old=nothing, changed={"forward_to": [THIEF], "keep_copy": True})
    await page.call("link_add", link=LINK)
    await mail.call("notices_subscribe", **Phone().subscription(f"{PUSHES}device"))
    everyone = {"known": False, "quiet_from": 0, "quiet_until": 0, "zone": "UTC", "alarms": "all"}
    await mail.call("notices_choose", choice=everyone)
    await page.call("provider_connected", answer=world.approve(await page.call("provider_connect")))
    (calendar,) = await mail.call("calendars")
    link: str = (await mail.call("calendar_link_make", name=calendar["path"])).removeprefix(f"https://{HOST}")
    assert (await at_home(rig).fetch(link)).status == 200
    await add_key(page, SoftKey(f"https://{HOST}"), "thief's")
    await add_phone(page, "thief's")
    new = await page.call("recovery_codes_new")
    async with rig.running.ctl() as ctl:
        await ctl.call("account forward confirm", ConfirmForward(THIEF, account="mia"), type(None))
        recovery = (await ctl.call("account recovery-link", MakeLink("mia"), LinkMade)).url.partition("#recover=")[2]
    return Loot([page, mail], [mine], [robot], link, recovery, new)


async def receive(rig: Rig) -> None:
    """Receive mail, and wait until it was carried where the account has it go."""
    async with rig.connect(port=SMTP_PORT) as stream:
        smtp = SMTPClient(stream)
        assert (await smtp.reply()).startswith("220")
        await smtp.say("EHLO client.example")
        message = b"From: a@elsewhere.example\r\nSubject: your code\r\n\r\n123456\r\n"
        assert (await smtp.deliver(ADDRESS, message)).startswith("250")
    async with rig.account() as account:
        with trio.fail_after(SECONDS):
            while await account.read(lambda r: r.value(OWED), op="test"):  # noqa: ASYNC110 - nothing tells of it
                await trio.sleep(0.05)


async def waiting(rig: Rig, recipient: str = THIEF) -> set[int]:
    """The ids of mail that waits for a recipient: for the thief, who gets what comes."""
    async with rig.running.ctl() as ctl:
        lines = await ctl.call("queue list", ListMessages(), list[Line])
    return {line.id for line in lines if line.recipient == recipient}


LINK: dict[str, Any] = {
    "address": "tom@example.org",
    "name": "Elsewhere",
    "protocol": "imap",
    "keep_days": None,
    "sorts": False,
    "host": "imap.example.net",
    "port": 0,
    "tls": "implicit",
    "user": "",
    "password": PASSWORD,
    "sends": False,
    "smtp_host": "",
    "smtp_port": 0,
    "smtp_tls": "implicit",
    "smtp_user": "",
}


@pytest.fixture
def world(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> House:
    """The web servers elsewhere: of the login provider, of the thief and of the owner."""
    monkeypatch.setattr(service, "PAUSE", 0.05)
    monkeypatch.setattr(service, "INTERVAL", 0.05)
    provider = house_of(rig, monkeypatch)
    for url in [*CALLED, *OWN]:
        provider.answers[url] = HTTPResponse(200, (), b"")
    return provider


@pytest.fixture
async def owner(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """The owner's browser. Tom's account plays the other provider."""

    async def connect(server: Any, credentials: Credentials, **options: Any) -> IMAPClient:
        client = IMAPClient(rig.connect(port=IMAP_PORT))
        try:
            await client.greet()
            await log_in(client, msgspec.structs.replace(credentials, allow_clear=True))
        except BaseException:
            await client.aclose()
            raise
        return client

    monkeypatch.setattr("moxlite.net.imapclient.connect", connect)
    async with rig.account("tom") as account:
        await change_password(account, PASSWORD)
    browser = at_home(rig)
    await browser.log_in()
    return browser


async def ways(rig: Rig, browser: Browser) -> dict[str, Any]:
    """The newest of each kind in the list."""
    found: list[Any] = []
    while page := await browser.call("account_access", after=found[-1]["place"] if found else "", count=5):
        found += page
    assert [one["set_up"] for one in found] == sorted((one["set_up"] for one in found), reverse=True)
    return {one["kind"]: one for one in reversed(found)}


def microseconds(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp()) * 1_000_000


async def test_one_press_takes_back_all_that_an_intruder_has_set_up(rig: Rig, owner: Browser, world: House) -> None:
    """WEB-192, WEB-192a, WEB-63b: each is named with when, from where, and by which login; then nothing works. The
    session of the button stays. What the owner had set up before stays, too.
    """
    async with rig.account() as account:
        stolen = await add_app_password(account, "old phone", ["imap", "jmap", "sharing", "sieve"])
        await account.write(lambda tx: create_mailbox(tx, "Family"))
    await owner.call("account_share_set", mailbox="Family", guest="tom", rights="lr")
    key = SoftKey(f"https://{HOST}")
    codes = await add_key(owner, key)
    assert set(await ways(rig, owner)) == {"session", "app_password", "folder", "security_key", "recovery_codes"}
    await trio.sleep(1)  # times are told in seconds
    since = microseconds(dt.datetime.now(dt.UTC).isoformat())
    await by_app_password(rig, stolen, world)
    loot = await by_session(rig, codes, world)
    loot.passwords.append(stolen)
    before = len(world.asked)
    await receive(rig)
    mails = await waiting(rig)
    assert mails
    for url in CALLED:
        await asked(world, url, before)
    stranger = at_home(rig, "/webmail/", THERE)
    step = (await by_provider(stranger, world)).json["result"]["second_step"]
    assert step["apps"] == ["thief's"]
    assert await thief_in_bcc(rig)

    found = await ways(rig, owner)
    assert set(found) == set(get_args(WayKind))
    for kind in ("folder", "script", "calendar", "contacts", "push", "sender"):
        way = found[kind]
        assert (way["login"], way["remote_ip"], way["actor"]) == ("old phone", THERE, "mia"), kind
    for kind in ("delegate", "outgoing_webhook", "token", "linked", "certificate", "security_key", "authenticator"):
        assert (found[kind]["via"], found[kind]["remote_ip"]) == ("webaccount", THERE), kind
    assert (found["folder"]["name"], found["folder"]["who"], found["folder"]["via"]) == ("Inbox", "tom", "imap")
    assert found["forward"]["who"] == THIEF
    assert found["calendar_link"]["via"] == "webmail"

    result = await owner.call("not_me", since=since, keep=[])
    assert result["taken"]["failed"] == {}
    taken = {one["kind"] for one in result["taken"]["ways"]}
    assert taken == set(found)
    assert not any(one["current"] for one in result["taken"]["ways"])

    left = await ways(rig, owner)
    assert set(left) == {"session", "folder", "security_key"}
    assert left["session"]["current"]
    assert (left["folder"]["name"], left["security_key"]["name"]) == ("Family", "blue")
    await nothing_works(rig, loot)
    assert (await by_provider(at_home(rig, "/webmail/", THERE), world)).status == 401
    assert not await thief_in_bcc(rig)
    page, mail = [await with_key(rig, app, result["password"], key) for app in ("/", "/webmail/")]
    assert (await page.call("account_forward_list"))["script"] == ""
    assert (await page.call("link_list"))["items"] == []
    assert (await page.call("shares"))["senders"] == []
    assert await page.call("config_tlspubkey_list") == []
    assert await page.call("account_app_password_list") == []
    await silence_of_thief(rig, world, page, mail)
    assert await waiting(rig) == mails, "mail of before is on hold"


async def with_key(rig: Rig, app: str, password: str, key: SoftKey) -> Browser:
    """The owner's new login, by the security key that the press has kept."""
    browser = at_home(rig, app)
    step = await first_step(browser, password)
    assert (step["apps"], step["keys"], step["codes"]) == ([], ["blue"], False)
    await second_step(browser, step, "key", key.get(step["key_request"]))
    return browser


async def by_provider(browser: Browser, world: House) -> Answer:
    """The answer to a login by the login provider."""
    answer = world.approve(await browser.call("provider_login", stay=False))
    return await browser.post("provider_finish", {"answer": answer})


async def silence_of_thief(rig: Rig, world: House, page: Browser, mail: Browser) -> None:
    """The owner's own program and device hear of mail that comes and goes; the addresses of the thief hear nothing."""
    before = len(world.asked)
    jmap = Client(rig)
    token = await page.call("account_app_password_add", name="new phone", scopes=["jmap"], token=True)
    jmap.authorization = f"Bearer {token}"
    await told_of_changes(jmap, world, OWN[0])
    await mail.call("notices_subscribe", **Phone().subscription(OWN[1]))
    carried = len(world.asked)
    await receive(rig)
    for url in OWN:
        await asked(world, url, carried)
    friend = {"name": "", "address": "queue451@friend.example"}
    await mail.call("message_submit", message=written(to=[friend]), submit_id=call_id())
    with trio.fail_after(SECONDS):
        while not await attempted(rig, friend["address"]):  # noqa: ASYNC110 - nothing tells of it
            await trio.sleep(0.05)
    async with rig.running.ctl() as ctl:
        assert await ctl.call("queue webhook list", ListHooks(), list[HookLine]) == []
    assert not [url for _, url, *_ in world.asked[before:] if url in CALLED]


async def attempted(rig: Rig, recipient: str) -> bool:
    """Whether the queue has tried to send a message to a recipient."""
    async with rig.running.ctl() as ctl:
        lines = await ctl.call("queue list", ListMessages(), list[Line])
    return any(line.attempts for line in lines if line.recipient == recipient)


async def thief_in_bcc(rig: Rig) -> bool:
    """Whether the thief gets a copy of what the account sends."""
    async with rig.account() as account:
        identities = await account.read(load_identities, op="test")
    return any(person.email == THIEF for one in identities.values() for person in one.bcc or ())


async def nothing_works(rig: Rig, loot: Loot) -> None:
    """Each way in is closed."""
    for browser in loot.browsers:
        assert (await browser.error("overview" if browser.app == "/" else "calendars"))[0] == 401
    for password in loot.passwords:
        async with rig.connect(port=IMAP_PORT) as imap:
            assert "a NO" in await said(imap, f'LOGIN "{ADDRESS}" "{password}"')
    for token in loot.tokens:
        robot = Client(rig)
        robot.authorization = f"Bearer {token}"
        assert (await robot.http("GET", "/jmap/session")).status == 401
    page = at_home(rig)
    assert await page.error("recover", token=loot.recovery, password="a better one, and long") == (410, "user:gone")
    async with rig.connect(port=IMAP_PORT) as imap:
        assert "a OK" in await said(imap, f'LOGIN "tom@example.org" "{PASSWORD}"')
        listed = await said(imap, 'LIST "" "*"')
        assert '"Other Users/mia/Family"' in listed
        assert "Other Users/mia/Inbox" not in listed
    tom = Client(rig, "tom@example.org")
    assert [*(json.loads((await tom.http("GET", "/jmap/session")).body))["accounts"]] == ["utom", "umia"]
    for kind in ("Calendar", "AddressBook"):
        tom.account = "umia"
        assert (await tom.call(f"{kind}/get"))["list"] == []
    assert (await at_home(rig).fetch(loot.link)).status == 404
    settings = rig.holder.current.account("mia")
    assert settings is not None
    assert (settings.outgoing_webhook, settings.incoming_webhook, settings.forward_to) == (None, None, ())


async def test_ten_thousand_grants_are_paged_and_taken_back(rig: Rig, owner: Browser) -> None:
    """WEB-192a: with one request for each page, and one for all of it."""
    async with rig.account() as account:

        def share(tx: AccountTx) -> None:
            for number in range(100):
                [box, *_] = create_mailbox(tx, f"Folder {number}")
                for guest in range(100):
                    set_rights(tx, box.id, f"guest{guest}", "lr")

        await account.write(share)
    seen: list[str] = []
    place = ""
    while page := await owner.call("account_access", after=place, count=1000):
        seen += [one["id"] for one in page]
        place = page[-1]["place"]
    assert (len(seen), len(set(seen))) == (10_001, 10_001)
    for wrong in ("x", "-1", "9" * 30 + "-a"):
        assert await owner.error("account_access", after=wrong) == (400, "user:fields")
    async with rig.running.ctl() as client:
        taken = await client.call("account take-back", TakeBack(1, account="mia"), TakenBack)
        assert (len(taken.ways), taken.failed) == (10_001, {})  # the command line has no session to keep
        assert await client.call("account access", ListWays(account="mia"), list[WayInfo]) == []
    assert (await owner.error("account_access"))[0] == 401


async def test_one_way_in_is_removed_by_its_id_but_not_the_own_session(rig: Rig, owner: Browser) -> None:
    """WEB-192b: a second time says that it's gone; others of an account don't exist for another one."""
    await owner.call("account_share_set", mailbox="Inbox", guest="tom", rights="lr")
    await owner.call("account_delegate_set", guest="tom", sends="behalf")
    found = await ways(rig, owner)
    tom = rig.browser(app="/")
    await tom.log_in("tom@example.org")
    assert await tom.error("account_remove_access", way=found["folder"]["id"]) == (404, "user:notFound")
    await owner.call("account_remove_access", way=found["folder"]["id"])
    assert await owner.error("account_remove_access", way=found["folder"]["id"]) == (404, "user:notFound")
    assert set(await ways(rig, owner)) == {"session", "delegate"}
    assert (await owner.error("account_remove_access", way=found["session"]["id"]))[0] == 400
    result = await owner.call("account_take_back", since=1, keep=[found["delegate"]["id"]])
    assert result == {"ways": [], "failed": {}}
    assert set(await ways(rig, owner)) == {"session", "delegate"}


async def test_the_command_line_lists_and_takes_back(rig: Rig, owner: Browser, tmp_path: Path) -> None:
    """WEB-192b: `account access`, `account remove-access`, `account take-back`."""
    await owner.call("account_share_set", mailbox="Inbox", guest="tom", rights="lr")
    await owner.call("account_delegate_set", guest="tom", sends="as")
    printed, failure = await command_line(tmp_path, "account", "access", "mia", "--since", "1h")
    assert not failure
    lines = printed.splitlines()
    assert re.match(r"set up +kind +name +who +access +actor +via +remote ip +login +id", lines[0])
    [folder] = [line for line in lines if " folder " in line]
    for word in ("Inbox", "tom", "lr", "mia", "webaccount", "192.0.2.7"):
        assert word in folder
    way = folder.split()[-1]
    assert await command_line(tmp_path, "account", "remove-access", "mia", way) == ("", "")
    _, failure = await command_line(tmp_path, "account", "remove-access", "mia", way)
    assert "already removed" in failure
    printed, failure = await command_line(tmp_path, "--yes", "account", "take-back", "mia", "--since", "1h")
    assert (printed.splitlines()[-1], failure) == ("removed 2 items", "")
    printed, _ = await command_line(tmp_path, "account", "take-back", "mia", "--since", "1h")
    assert printed == "0 items set up since then\n"


async def mails(rig: Rig) -> list[str]:
    """The texts of the mails to the owner about new ways in, the oldest first."""
    async with rig.account() as account:
        found = [message_from_bytes(await octets_of(rig, row.id), policy=default) for row in await rows(account)]
    return [one.get_content().replace("\r\n", "\n") for one in found if "New access to your account" in one["subject"]]


async def told(rig: Rig, number: int) -> list[str]:
    """The mails once there are as many, when the minute in which they are gathered has passed."""
    async with rig.account() as account:
        await account.write(lambda tx: tx.execute("UPDATE outbox SET due = 1 WHERE kind = ?", origin.NEWS))
        account.owed()
    with trio.fail_after(SECONDS):
        while len(found := await mails(rig)) < number:  # noqa: ASYNC110 - as a user who waits for mail
            await trio.sleep(0.05)
    return found


async def test_the_owner_is_told_of_new_ways_in_by_one_mail(rig: Rig, owner: Browser) -> None:
    """WEB-193: with the facts of each; not of what the command line sets up, nor of a share that is narrowed."""
    async with rig.account() as account:
        stolen = await add_app_password(account, "old phone", ["imap", "sharing"])
    async with rig.connect(port=IMAP_PORT, remote=THERE) as imap:
        assert "a OK" in await said(imap, f'LOGIN "{ADDRESS}" "{stolen}"')
        assert "a OK" in await said(imap, "SETACL Inbox tom lrs")
    await owner.call("account_app_password_add", name="mine", scopes=["imap"])
    [mail] = await told(rig, 1)
    login = "app password or certificate “old phone”"
    shared = "- Shared folder: Inbox, tom, view and mark as read"
    assert re.search(rf"{shared}\n  .* UTC, mia, IMAP, {login}, {THERE}\n", mail)
    assert "- App password: mine, reading mail (IMAP)\n" in mail
    assert "old phone, reading" not in mail
    assert "https://mail.example.org/, go to Security, and choose “This wasn't me”." in mail
    await owner.call("account_share_set", mailbox="Inbox", guest="tom", rights="l")
    await owner.call("account_share_set", mailbox="Inbox", guest="tom", rights="")
    await owner.call("account_delegate_set", guest="tom", sends="behalf")
    [_, second] = await told(rig, 2)
    assert re.findall(r"^- (.*)$", second, re.MULTILINE) == [
        "Person who can send: tom, sends on behalf of this account"
    ]
