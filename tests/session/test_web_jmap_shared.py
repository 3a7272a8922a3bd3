"""JMAP accounts of other users, who share mailboxes (RFC 8620 §1.6.2, RFC 4314)."""

import json

import pytest

from moxlite.store.accounts.access import publish_shares
from moxlite.store.auth.apppasswords import add_app_password, add_token
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.mail.copying import copy_ids
from moxlite.store.mail.delegates import Delegate, Sends, remove_delegate, set_delegate
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.mailboxes import create_mailbox, delete_mailbox, subscribe
from moxlite.store.rows.emails import emails
from moxlite.store.rows.mailboxes import mailbox_by_name, mailboxes, subscriptions
from moxlite.store.rows.messages import message
from moxlite.store.types import Flag, MessageID
from moxlite.web.jmap.table import METHODS
from tests.jmap_rig import ACCOUNT, MAIL, USING, Client, rig
from tests.store_mail import box, deliver_mail, look, put
from tests.web_rig import Rig
from tests.web_sharing import share, tom

pytestmark = pytest.mark.served

__all__ = ["rig", "tom"]

TOM = "utom"

RCPT = [{"email": "jo@else.example", "parameters": None}]


async def guest(rig: Rig) -> Client:
    """Mia, with the account of tom."""
    client = Client(rig)
    client.account = TOM
    return client


async def owner_of(rig: Rig) -> Client:
    """Tom."""
    client = Client(rig)
    async with rig.account("tom") as account:
        client.authorization = f"Bearer {await add_token(account, 'owner', ['jmap'])}"
    client.account = TOM
    return client


async def test_who_shares_is_an_account(rig: Rig, tom: Account) -> None:
    """JMAP-7a: named in the session, with the mailboxes that may be read, and the rights there; unknown before."""
    client = await guest(rig)
    assert await client.error("Mailbox/get") == "accountNotFound"
    assert [*json.loads((await client.http("GET", "/jmap/session")).body)["accounts"]] == [ACCOUNT]
    await share(rig, "lrs")
    session = json.loads((await client.http("GET", "/jmap/session")).body)
    account = session["accounts"][TOM]
    assert (account["name"], account["isPersonal"], account["isReadOnly"]) == ("tom@example.org", False, False)
    capabilities = ["mail", "submission", "blob", "contacts", "calendars"]
    assert [*account["accountCapabilities"]] == [f"urn:ietf:params:jmap:{name}" for name in capabilities]
    assert session["primaryAccounts"]["urn:ietf:params:jmap:mail"] == ACCOUNT
    await share(rig, "lri", "Sales/Old")
    found = {one["name"]: one for one in (await client.call("Mailbox/get"))["list"]}
    assert [*found] == ["Sales", "Old"]
    rights = found["Sales"]["myRights"]
    assert [name for name, has in rights.items() if has] == ["mayReadItems", "maySetSeen"]
    assert (found["Sales"]["totalEmails"], found["Sales"]["unreadThreads"]) == (3, 3)
    assert found["Old"]["parentId"] == found["Sales"]["id"]
    await share(rig, "", "Sales")
    [old] = (await client.call("Mailbox/get"))["list"]
    assert (old["name"], old["parentId"]) == ("Sales/Old", None)
    assert (await client.call("Mailbox/query", filter={"name": "sales"}))["ids"] == [old["id"]]
    assert await client.error("VacationResponse/get") == "accountNotSupportedByMethod"


async def test_what_is_not_shared_is_not_there(rig: Rig, tom: Account) -> None:
    """JMAP-7a: emails, threads, blobs, searches, changes and flags of other mailboxes."""
    await share(rig, "lr")
    client = await guest(rig)
    sales, inbox = (await box(tom, "Sales")).id, (await box(tom, "Inbox")).id
    shown = (await client.call("Email/query"))["ids"]
    assert len(shown) == 3
    owner = await owner_of(rig)
    every = (await owner.call("Email/query"))["ids"]
    assert len(every) == 5
    hidden = [one for one in every if one not in shown]
    got = await client.call("Email/get", ids=every, properties=["mailboxIds", "keywords", "threadId", "blobId"])
    assert ({one["id"] for one in got["list"]}, got["notFound"]) == ({*shown}, [one for one in every if one in hidden])
    threads = {one["threadId"] for one in (await owner.call("Email/get", ids=every, properties=["threadId"]))["list"]}
    told = await client.call("Thread/get", ids=[*threads])
    assert {number for one in told["list"] for number in one["emailIds"]} == {*shown}
    assert (await client.call("Email/query", filter={"text": "unseen"}))["ids"] == []
    assert (await client.call("Email/query", filter={"inMailbox": f"F{inbox}"}))["ids"] == []
    assert (await client.call("SearchSnippet/get", emailIds=hidden, filter={"text": "unseen"}))["notFound"] == hidden
    assert (await client.http("GET", f"/jmap/download/{TOM}/E{hidden[0][1:]}/a")).status == 404
    assert (await client.http("GET", f"/jmap/download/{TOM}/E{shown[0][1:]}/a")).status == 200
    assert (await client.http("GET", f"/jmap/download/unobody/E{shown[0][1:]}/a")).status == 404
    assert await client.error("Email/query", filter={"someInThreadHaveKeyword": "$seen"}) == "unsupportedFilter"
    # a copy in the inbox is flagged there: neither its place nor its flag shows
    one = int(shown[0][1:])
    await tom.write(lambda tx: copy_ids(tx, [MessageID(one)], inbox))
    copied = (await tom.read(lambda r: emails(r, [one]), op="test"))[one].mailboxes[inbox]
    await tom.write(lambda tx: store_flags_ids(tx, [copied], mode="add", flags=Flag.FLAGGED, keywords=["plan"]))
    [seen] = (await client.call("Email/get", ids=[shown[0]], properties=["mailboxIds", "keywords"]))["list"]
    assert (seen["mailboxIds"], seen["keywords"]) == ({f"F{sales}": True}, {})


async def test_a_guest_unsubscribes_no_name_of_the_owner(rig: Rig, tom: Account) -> None:
    """JMAP-7a, IMAP-64: the guest may remove a mailbox; what the owner's programs have subscribed by name stays."""
    await share(rig, "lrx")
    sales = await box(tom, "Sales")
    for removed in await tom.read(
        lambda r: [row.id for row in mailboxes(r) if row.name.startswith("Sales/")], op="test"
    ):
        await tom.write(lambda tx, removed=removed: delete_mailbox(tx, removed))  # type: ignore[misc]  # bound now
    await tom.write(lambda tx: subscribe(tx, "Sales"))
    client = await guest(rig)
    found = await client.call("Mailbox/set", destroy=[f"F{sales.id}"], onDestroyRemoveEmails=True)
    assert found["destroyed"] == [f"F{sales.id}"]
    assert "Sales" in await tom.read(subscriptions, op="test")


async def test_rights_decide_what_a_guest_changes(rig: Rig, tom: Account) -> None:
    """JMAP-7a: keywords by s and w, mailboxes by i, t and e, mailboxes themselves by k and x; never more."""
    await share(rig, "lr")
    client = await guest(rig)
    sales, inbox = f"F{(await box(tom, 'Sales')).id}", f"F{(await box(tom, 'Inbox')).id}"
    first, second, _ = (await client.call("Email/query"))["ids"]

    async def refused(**arguments: object) -> list[str]:
        found = await client.call("Email/set", **arguments)
        failed = {**(found["notUpdated"] or {}), **(found["notDestroyed"] or {}), **(found["notCreated"] or {})}
        return [one["type"] for one in failed.values()]

    draft = {"mailboxIds": {sales: True}, "subject": "x", "bodyStructure": {"type": "text/plain", "partId": "1"}}
    new = {"new": {**draft, "bodyValues": {"1": {"value": "x"}}}}
    assert await refused(update={first: {"keywords/$seen": True}}) == ["forbidden"]
    assert await refused(destroy=[first]) == ["forbidden"]
    assert await refused(create=new) == ["forbidden"]
    await share(rig, "lrs")
    assert await refused(update={first: {"keywords/$seen": True}}) == []
    assert await refused(update={first: {"keywords/$flagged": True}}) == ["forbidden"]
    await share(rig, "lrswi")
    assert await refused(update={first: {"keywords/$flagged": True, "keywords/plan": True}}) == []
    assert await refused(create=new) == []
    assert await refused(update={first: {f"mailboxIds/{inbox}": True}}) == ["invalidProperties"]
    assert await refused(update={second: {"mailboxIds": {inbox: True}}}) == ["invalidProperties"]
    await share(rig, "lrswitek")
    assert await refused(destroy=[second]) == []
    made = await client.call("Mailbox/set", create={"a": {"name": "Below", "parentId": sales}, "b": {"name": "Top"}})
    assert ([*made["created"]], made["notCreated"]["b"]["type"]) == (["a"], "forbidden")
    below = made["created"]["a"]["id"]
    kept = await client.call("Mailbox/set", update={below: {"name": "Other"}}, destroy=[sales])
    assert (kept["notUpdated"][below]["type"], kept["notDestroyed"][sales]["type"]) == ("forbidden", "forbidden")
    unseen = await client.call("Mailbox/set", update={inbox: {"name": "Other"}}, destroy=[f"F{99}"])
    assert (unseen["notUpdated"][inbox]["type"], unseen["notDestroyed"]["F99"]["type"]) == ("notFound", "notFound")
    await tom.write(lambda tx: create_mailbox(tx, "Private"))
    hidden = await tom.read(lambda r: mailbox_by_name(r, "Private"), op="test")
    assert hidden is not None
    onto = await client.call("Mailbox/set", create={"c": {"name": "C", "parentId": f"F{hidden.id}"}})
    assert onto["notCreated"]["c"]["properties"] == ["parentId"]
    async with rig.account() as mia:
        reading = await add_app_password(mia, "reading", ["jmap"], read_only=True)
    reader = Client(rig, password=reading)
    reader.account = TOM
    assert await reader.error("Email/set", destroy=[first]) == "accountReadOnly"


async def test_a_guest_hears_of_changes(rig: Rig, tom: Account) -> None:
    """JMAP-7a, JMAP-9: of what is shared alone; after a change of rights all is read anew."""
    await share(rig, "lr")
    client = await guest(rig)
    sales, inbox = (await box(tom, "Sales")).id, (await box(tom, "Inbox")).id
    first, second, third = (await client.call("Email/query"))["ids"]
    states = {kind: (await client.call(f"{kind}/get", ids=[]))["state"] for kind in ("Email", "Mailbox", "Thread")}
    query = (await client.call("Email/query"))["queryState"]
    owner = await owner_of(rig)
    [hidden] = (await owner.call("Email/query", filter={"inMailbox": f"F{inbox}"}))["ids"]
    await owner.call(
        "Email/set",
        update={
            first: {"keywords/$seen": True},
            second: {"mailboxIds": {f"F{inbox}": True}},
            hidden: {"keywords/$seen": True},
        },
    )
    found = await client.call("Email/changes", sinceState=states["Email"])
    assert (found["created"], found["updated"], found["destroyed"]) == ([], [first], [second])
    boxes = await client.call("Mailbox/changes", sinceState=states["Mailbox"])
    assert (boxes["created"], boxes["updated"], boxes["destroyed"]) == ([], [f"F{sales}"], [])
    threads = await client.call("Thread/changes", sinceState=states["Thread"])
    assert (len(threads["updated"]), len(threads["destroyed"])) == (1, 1)
    moved = await client.call("Email/queryChanges", sinceQueryState=query)
    assert (third in moved["removed"], hidden in moved["removed"]) == (False, False)
    await share(rig, "lrs")
    assert await client.error("Email/changes", sinceState=found["newState"]) == "cannotCalculateChanges"
    assert await client.error("Email/changes", sinceState=found["newState"].partition("-")[0]) == (
        "cannotCalculateChanges"
    )


@pytest.mark.parametrize("sends", [False, True])
async def test_states_tell_a_guest_nothing_of_the_rest(rig: Rig, tom: Account, sends: bool) -> None:
    """JMAP-7a: of each type that has a state, whatever happens where the guest may not read; also for a delegate, who
    may only send. The owner's states change.
    """
    await share(rig, "lr")
    if sends:
        await share(rig, "")
        await let(rig, tom, "behalf")
    mia, owner = await guest(rig), await owner_of(rig)
    types = sorted(name.removesuffix("/get") for name in METHODS if name.endswith("/get"))

    async def states(client: Client) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in types:
            answer = await client.request([f"{name}/get", {"accountId": TOM, "ids": []}, "0"])
            [[answered, result, _]] = answer["methodResponses"]
            if answered != "error":
                found[name] = result.get("state", "")
        return found

    whole, seen = await states(owner), await states(mia)
    assert {"Email", "Mailbox", "Thread", "EmailSubmission", "Calendar", "ContactCard"} <= seen.keys()
    await put(tom, 1, "Inbox", first=70)
    [inbox] = [one["id"] for one in (await owner.call("Mailbox/get"))["list"] if one["role"] == "inbox"]
    hidden = (await owner.call("Email/query", filter={"inMailbox": inbox}))["ids"]
    await owner.call("Email/set", update={hidden[0]: {"keywords/$flagged": True}}, destroy=hidden[1:])
    await owner.call("Mailbox/set", create={"a": {"name": "Diary"}}, update={inbox: {"isSubscribed": False}})
    [identity] = (await owner.call("Identity/get"))["list"]
    held = {"mailFrom": {"email": "tom@example.org", "parameters": {"HOLDFOR": "3600"}}, "rcptTo": RCPT}
    email = await owner.imported(TEAM.replace(b"t@x", b"w@x"), inbox)
    wish = {"identityId": identity["id"], "emailId": email, "envelope": held}
    assert (await owner.call("EmailSubmission/set", create={"s": wish}))["created"]
    await owner.call("Calendar/get")
    await owner.call("Calendar/set", create={"c": {"name": "Doctor"}})
    await owner.call("AddressBook/set", create={"b": {"name": "Friends"}})
    assert await states(mia) == seen
    assert {name for name, state in (await states(owner)).items() if state != whole[name]} >= {
        *("Email", "Mailbox", "Thread", "EmailSubmission", "Calendar", "AddressBook")
    }
    if not sends:
        await put(tom, 1, "Sales", first=80)
        assert {name for name, state in (await states(mia)).items() if state != seen[name]} == {
            *("Email", "Mailbox", "Thread")
        }


async def test_emails_and_blobs_are_copied_between_accounts(rig: Rig, tom: Account) -> None:
    """JMAP-7, JMAP-7a: Email/copy in both directions, with the removal of the original, and Blob/copy."""
    await share(rig, "lrite")
    mine, theirs = Client(rig), await guest(rig)
    sales = f"F{(await box(tom, 'Sales')).id}"
    number = await mine.imported(keywords={"$flagged": True}, receivedAt="2026-11-21T09:00:00Z")
    wish = {"id": number, "mailboxIds": {sales: True}, "keywords": {}}
    bad = {"id": "M999", "mailboxIds": {sales: True}}
    answer = await theirs.request(
        [
            "Email/copy",
            {
                "accountId": TOM,
                "fromAccountId": ACCOUNT,
                "create": {"a": wish, "b": bad, "c": {"id": number}, "d": {**wish, "keywords": {"$flagged": True}}},
                "onSuccessDestroyOriginal": True,
            },
            "0",
        ]
    )
    [[name, found, _], [implied, gone, _]] = answer["methodResponses"]
    assert (name, implied, gone["accountId"], gone["destroyed"]) == ("Email/copy", "Email/set", ACCOUNT, [number])
    kinds = {key: one["type"] for key, one in found["notCreated"].items()}
    assert kinds == {"b": "notFound", "c": "invalidProperties", "d": "forbidden"}
    copied = found["created"]["a"]["id"]
    [email] = (await theirs.call("Email/get", ids=[copied], properties=["receivedAt", "keywords", "size", "blobId"]))[
        "list"
    ]
    assert (email["receivedAt"], email["keywords"], email["size"]) == ("2026-11-21T09:00:00Z", {}, len(MAIL))
    back = await mine.call("Email/copy", fromAccountId=TOM, create={"a": {"id": copied, "mailboxIds": {"F1": True}}})
    assert back["notCreated"] is None
    for source, kind in (
        (ACCOUNT, "invalidArguments"),
        ("unobody", "fromAccountNotFound"),
        ("x", "fromAccountNotFound"),
    ):
        assert await mine.error("Email/copy", fromAccountId=source, create={}) == kind
        assert await mine.error("Blob/copy", fromAccountId=source, blobIds=[]) == kind
    blobs = await mine.call("Blob/copy", fromAccountId=TOM, blobIds=[email["blobId"], f"{email['blobId']}-2", "E999"])
    assert {key: one["type"] for key, one in blobs["notCopied"].items()} == {"E999": "blobNotFound"}
    whole, part = blobs["copied"].values()
    assert (await mine.http("GET", f"/jmap/download/{ACCOUNT}/{whole}/a")).body == MAIL
    assert (await mine.http("GET", f"/jmap/download/{ACCOUNT}/{part}/a")).body == b"ABC"
    uploaded = await theirs.upload(MAIL)
    put = await theirs.call("Email/import", emails={"a": {"blobId": uploaded, "mailboxIds": {sales: True}}})
    assert put["notCreated"] is None
    assert (await (await owner_of(rig)).http("GET", f"/jmap/download/{TOM}/{uploaded}/a")).status == 404
    assert USING


async def let(rig: Rig, tom: Account, sends: Sends | None) -> None:
    """Let mia write from the addresses of tom, or no longer."""

    def unit(tx: AccountTx) -> None:
        if sends is None:
            remove_delegate(tx, "mia")
        else:
            set_delegate(tx, Delegate("mia", sends))

    await tom.write(unit)
    await publish_shares(rig.auth, tom)


QUESTION = b"From: jo@else.example\r\nTo: tom@example.org\r\nMessage-ID: <q@x>\r\nSubject: y\r\n\r\ny\r\n"
TEAM = b"From: tom@example.org\r\nTo: jo@else.example\r\nMessage-ID: <t@x>\r\nSubject: x\r\n\r\nx\r\n"


async def test_a_guest_sends_in_the_account_of_the_address(rig: Rig, tom: Account) -> None:
    """JMAP-30a: the identity is there with the right alone, and nowhere else; submissions are told to who made them."""
    await share(rig, "lrswit")
    client, home, owner = await guest(rig), Client(rig), await owner_of(rig)
    assert (await client.call("Identity/get"))["list"] == []
    there = (await box(tom, "Sales")).id
    await let(rig, tom, "behalf")
    [identity] = (await client.call("Identity/get"))["list"]
    assert identity["email"] == "tom@example.org"
    refused = await client.call("Identity/set", update={identity["id"]: {"textSignature": "mine"}})
    assert refused["notUpdated"][identity["id"]]["type"] == "forbidden"
    email = await client.imported(TEAM, f"F{there}")
    sender = {"email": "tom@example.org", "parameters": {"HOLDFOR": "3600"}}  # nothing reaches the queue
    held = {"mailFrom": sender, "rcptTo": [{"email": "jo@else.example", "parameters": None}]}
    wish = {"identityId": identity["id"], "emailId": email, "envelope": held}
    sent = await client.call("EmailSubmission/set", create={"s": wish})
    number = sent["created"]["s"]["id"]
    async with rig.account("mia") as mia:
        count = "SELECT count(*) FROM outgoing"
        assert await mia.read(lambda r: r.value(count), op="test") == 1
    assert await tom.read(lambda r: r.value(count), op="test") == 0
    shown = await client.call("EmailSubmission/get")
    assert shown["list"][0]["id"] == number
    assert (await client.call("EmailSubmission/changes", sinceState=shown["state"]))["updated"] == []
    [told] = (await owner.call("EmailSubmission/get"))["list"]
    assert told["emailId"] == email
    [own] = [one for one in (await owner.call("Identity/get"))["list"] if one["email"] == "tom@example.org"]
    private = await owner.imported(TEAM.replace(b"t@x", b"u@x"), f"F{there}")
    other = await owner.call("EmailSubmission/set", create={"s": wish | {"identityId": own["id"], "emailId": private}})
    assert [one["id"] for one in (await client.call("EmailSubmission/get"))["list"]] == [number]
    assert (await client.call("EmailSubmission/query"))["ids"] == [number]
    hidden = other["created"]["s"]["id"]
    assert (await client.call("EmailSubmission/set", destroy=[hidden]))["notDestroyed"][hidden]["type"] == "notFound"
    # In the own account the copy would be kept in the wrong Sent.
    [mine] = [one for one in (await home.call("Identity/get"))["list"] if one["email"] == "mia@example.org"]
    wrong = await home.imported(TEAM.replace(b"t@x", b"v@x"))
    refused = await home.call("EmailSubmission/set", create={"s": {"identityId": mine["id"], "emailId": wrong}})
    assert refused["notCreated"]["s"]["type"] == "forbiddenFrom"
    await let(rig, tom, None)
    refused = await client.call("EmailSubmission/set", create={"s": wish})
    assert refused["notCreated"]["s"]["type"] == "invalidProperties"
    assert (await client.call("Email/get", ids=[email]))["list"] != []


@pytest.mark.parametrize("other", ["", "Sent", "Sales"])
async def test_a_canceled_answer_leaves_the_mark_of_another(rig: Rig, tom: Account, other: str) -> None:
    """JMAP-30a, WEBMAIL-123: the question stays answered where Sent, or the mailbox of the copy, has another answer."""
    await share(rig, "lrswit")
    await let(rig, tom, "as")
    client, sales = await guest(rig), (await box(tom, "Sales")).id
    question = (await deliver_mail(tom, QUESTION)).message_id
    answer = TEAM.replace(b"Subject: x", b"In-Reply-To: <q@x>\r\nReferences: <q@x>\r\nSubject: Re: y")
    email = await client.imported(answer, f"F{sales}")
    [identity] = (await client.call("Identity/get"))["list"]
    sender = {"email": "tom@example.org", "parameters": {"HOLDFOR": "3600"}}
    held = {"mailFrom": sender, "rcptTo": [{"email": "jo@else.example"}]}
    wish = {"identityId": identity["id"], "emailId": email, "envelope": held}
    number = (await client.call("EmailSubmission/set", create={"s": wish}))["created"]["s"]["id"]

    async def answered() -> bool:
        return bool((await look(tom, lambda r: message(r, question))).flags & Flag.ANSWERED)

    assert await answered()
    if other:
        await deliver_mail(tom, answer.replace(b"t@x", b"o@x"), other)
    gone = await client.call("EmailSubmission/set", update={number: {"undoStatus": "canceled"}})
    assert gone["updated"] == {number: None}
    assert await answered() == bool(other)
