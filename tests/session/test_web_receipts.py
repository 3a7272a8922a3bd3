"""Receipts: requests in mail that came, and requests of the composer (WEBMAIL-139, RFC 8098, RFC 3461)."""

from collections.abc import Awaitable, Callable

import pytest

from moxlite.admin.masked import MaskedAddresses, New
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.outgoing import TOTAL
from moxlite.store.delivery.submission import DSNNotify
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.links import NewLink, SubmissionServer, add_link
from moxlite.store.types import Flag
from tests.jmap_rig import JMAP, Client as JMAPClient
from tests.session.test_web_compose import Queue, call_id, carried, messages, octets_of, queue, written
from tests.store_mail import deliver_mail
from tests.web_rig import DOMAINS, STATIC, Browser, Rig

pytestmark = pytest.mark.served

__all__ = ["queue"]

ANN = "ann@nordlicht.example"
ASKS = f"Disposition-Notification-To: Ann <{ANN}>\r\n"
WORDS = {"subject": "Gelesen: Plan", "text": "Ihre Nachricht „Plan“ wurde angezeigt.\n"}


async def put(
    rig: Rig,
    fields: str = ASKS,
    *,
    path: str = ANN,
    sender: str = ANN,
    to: str = "mia@example.org",
    mailbox: str = "Inbox",
    flags: Flag = Flag(0),
    body: str = "\r\nHello.\r\n",
) -> int:
    """The id of a message with these fields."""
    text = f"Return-Path: <{path}>\r\nFrom: Ann <{sender}>\r\nTo: {to}\r\n"
    text += "Subject: Plan\r\nMessage-ID: <1@nordlicht.example>\r\n"
    async with rig.account() as account:
        one = await deliver_mail(account, (text + fields + body).encode(), mailbox)
        if flags:
            await account.write(lambda tx: store_flags_ids(tx, [one.message_id], mode="add", flags=flags))
    return int(one.message_id)


async def asked(browser: Browser, message_id: int) -> tuple[list[str], bool] | None:
    """The addresses that the page shows for a request, and whether one is elsewhere; None without a request."""
    found = (await browser.call("parsed_message", message_id=message_id))["receipt"]
    if found is None:
        return None
    return [f"{one['user']}@{one['host']}" for one in found["to"]], found["elsewhere"]


async def flags_of(rig: Rig, mailbox: str = "Inbox") -> Flag:
    [row] = await messages(rig, mailbox)
    return row.flags


async def counted(rig: Rig) -> int:
    """Recipients that the limits of sending have counted."""
    async with rig.account() as account:
        return int(await account.read(lambda r: r.value(TOTAL, 0, 2**62), op="test"))


async def test_a_receipt_is_sent_once_by_hand_and_marks_the_message(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-139: opening sends nothing; a receipt leaves from the null path, in all octets as RFC 8098 has it."""
    number = await put(rig, ASKS + "Original-Recipient: rfc822;office@example.net\r\n")
    assert await asked(browser, number) == ([ANN], False)
    await carried(rig, queue, 0)
    await browser.call("receipt_send", message_id=number, **WORDS)
    await browser.call("receipt_send", message_id=number, **WORDS)
    [one] = await carried(rig, queue)
    assert one.submission.mail_from is None
    assert [str(to.address) for to in one.submission.recipients] == [ANN]
    assert await counted(rig) == 1
    assert await flags_of(rig) & Flag.MDNSENT
    assert await asked(browser, number) is None
    assert await messages(rig, "Sent") == []
    mail = one.parsed
    assert (mail["From"], mail["To"], mail["Auto-Submitted"]) == ("mia@example.org", ANN, "auto-replied")
    assert (mail["Subject"], mail["In-Reply-To"]) == ("Gelesen: Plan", "<1@nordlicht.example>")
    assert mail["Disposition-Notification-To"] is None
    header, _, content = one.octets.partition(b"\r\n\r\n")
    boundary = mail.get_boundary()
    assert boundary is not None
    kind = b'Content-Type: multipart/report; report-type=disposition-notification;\r\n boundary="%s"'
    assert header.endswith(kind % boundary.encode())
    assert (
        content
        == (
            f"--{boundary}\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n"
            "\r\n"
            "Ihre Nachricht =E2=80=9EPlan=E2=80=9C wurde angezeigt.\r\n"
            f"\r\n--{boundary}\r\n"
            "Content-Type: message/disposition-notification\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n"
            "Reporting-UA: example.org; moxlite\r\n"
            "Original-Recipient: rfc822;office@example.net\r\n"
            "Final-Recipient: rfc822;mia@example.org\r\n"
            "Original-Message-ID: <1@nordlicht.example>\r\n"
            "Disposition: manual-action/MDN-sent-manually; displayed\r\n"
            f"\r\n--{boundary}--\r\n"
        ).encode()
    )


ALIASES = """
[domains."example.org".aliases.crew]
addresses = ["mia@example.org", "tom@example.org"]
allow_msg_from = true
[domains."example.org".aliases.board]
addresses = ["mia@example.org"]
"""
NAMED = DOMAINS.replace("[accounts.mia]", "[accounts.mia]\nfull_name = 'Mia Berg'")
LINK = NewLink(
    name="Provider",
    address="berg@mail.example",
    host="imap.mail.example",
    port=993,
    tls="implicit",
    username="berg",
    secret=b"x",
    outlet=SubmissionServer(host="smtp.mail.example"),
)


async def receipt_by_webmail(rig: Rig, number: int) -> bool:
    """Whether a receipt is sent, which the page has offered before."""
    browser = rig.browser()
    await browser.log_in()
    offered = await asked(browser, number) is not None
    answer = await browser.post("receipt_send", {"message_id": number, **WORDS})
    assert offered == (answer.status == 200)
    return offered


async def receipt_by_jmap(rig: Rig, number: int) -> bool:
    """Whether a receipt is sent; the program gives the identity of the login address."""
    client = JMAPClient(rig)
    identities = (await client.call("Identity/get"))["list"]
    [login] = [one["id"] for one in identities if one["email"] == "mia@example.org"]
    shown = {"actionMode": "manual-action", "sendingMode": "mdn-sent-manually", "type": "displayed"}
    wish = {"forEmailId": f"M{number}", "disposition": shown}
    false = {"a": {**wish, "finalRecipient": "rfc822;tom@example.org"}}
    refused = (await client.call("MDN/send", identityId=login, send=false))["notSent"]["a"]
    assert refused["type"] == "forbiddenFrom"
    found = await client.call("MDN/send", identityId=login, send={"a": wish})
    assert found["sent"] or found["notSent"]["a"]["type"] == "forbiddenFrom"
    return bool(found["sent"])


@pytest.mark.rig(static=STATIC + JMAP, domains=NAMED + ALIASES)
@pytest.mark.parametrize("send", [receipt_by_webmail, receipt_by_jmap])
@pytest.mark.parametrize("where", ["To", "Delivered-To"])
@pytest.mark.parametrize("kind", ["masked", "linked", "crew", "board"])
async def test_a_receipt_names_only_the_address_that_was_written_to(
    rig: Rig, queue: Queue, send: Callable[[Rig, int], Awaitable[bool]], where: str, kind: str
) -> None:
    """WEBMAIL-139, JMAP-53, MASK-6, LINK-14: it says nothing of the reader. An alias that its members may not
    write from sends no receipt.
    """
    address = f"{kind}@example.org"
    if kind == "masked":
        given = MaskedAddresses(rig.holder, rig.accounts, rig.auth.masked)
        address = (await given.make("mia", New(site="shop.example"))).address
    elif kind == "linked":
        address = LINK.address
        async with rig.account() as account:
            await account.write(lambda tx: add_link(tx, LINK))
    fields = ASKS if where == "To" else ASKS + f"Delivered-To: {address}\r\n"
    number = await put(rig, fields, to=address if where == "To" else "list@shop.example")
    assert await send(rig, number) == (kind != "board")
    if kind == "board":
        await carried(rig, queue, 0)
        return
    [one] = await carried(rig, queue)
    assert one.parsed["From"] == address
    assert f"Final-Recipient: rfc822;{address}\r\n".encode() in one.octets
    assert b"mia" not in one.octets.lower()


async def test_declining_elsewhere_prevents_a_receipt(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-139, RFC 3503: any program that sets $MDNSent ends the offer; taking it back brings it again."""
    number = await put(rig)
    await browser.call("flags_add", message_ids=[number], flags=["$mdnsent"])
    assert await flags_of(rig) & Flag.MDNSENT
    assert await asked(browser, number) is None
    assert await browser.error("receipt_send", message_id=number, **WORDS) == (400, "user:error")
    await browser.call("flags_clear", message_ids=[number], flags=["$mdnsent"])
    assert await asked(browser, number) == ([ANN], False)
    await carried(rig, queue, 0)


@pytest.mark.parametrize(
    "case",
    [
        {"sender": "mia@example.org"},
        {"path": ""},
        {"mailbox": "Sent"},
        {"mailbox": "Drafts"},
        {"mailbox": "Junk"},
        {"flags": Flag.JUNK},
        {"flags": Flag.MDNSENT},
        {"fields": ASKS + "List-Id: <l.nordlicht.example>\r\n"},
        {"fields": ASKS + "Precedence: bulk\r\n"},
        {"fields": ASKS + ASKS},
        {"fields": ASKS + "Disposition-Notification-Options: sealed=required,yes\r\n"},
        {"fields": ASKS + "Disposition-Notification-Options: odd\r\n"},
        {"fields": "Disposition-Notification-To: \r\n"},
        {"fields": "Disposition-Notification-To: Ann\r\n"},
        {"fields": "Disposition-Notification-To: @nordlicht.example\r\n"},
        {"fields": "Disposition-Notification-To: all: ann@nordlicht.example;\r\n"},
        {"fields": f"Disposition-Notification-To: {ANN}, <broken\r\n"},
        {"fields": 'Disposition-Notification-To: "a\x07"@nordlicht.example\r\n'},
        {"fields": "Disposition-Notification-To: " + ",\r\n ".join(f"a{n}@x.example" for n in range(10_000)) + "\r\n"},
        {"fields": "Disposition-Notification-To: " + ", ".join(f"a{n}@x.example" for n in range(6)) + "\r\n"},
        {
            "fields": ASKS + "MIME-Version: 1.0\r\nContent-Type: multipart/report; boundary=b;"
            " report-type=disposition-notification\r\n",
            "body": "\r\n--b\r\n\r\nRead.\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\n"
            "Disposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--b--\r\n",
        },
    ],
)
async def test_a_receipt_is_not_offered(rig: Rig, browser: Browser, queue: Queue, case: dict[str, str]) -> None:
    """WEBMAIL-139a: own mail, drafts, sent, junk, lists, bulk, machines, reports, broken and crowded requests."""
    number = await put(rig, **case)  # type: ignore[arg-type]  # the cases name parameters of several types
    assert await asked(browser, number) is None
    assert await browser.error("receipt_send", message_id=number, **WORDS) == (400, "user:error")
    await carried(rig, queue, 0)


@pytest.mark.parametrize(
    ("fields", "path", "shown"),
    [
        (ASKS, "bounce-7@mailer.example", [ANN]),
        ("Disposition-Notification-To: Ann <spy@elsewhere.example>\r\n", ANN, ["spy@elsewhere.example"]),
        ("Disposition-Notification-To: Ann@nordlicht.example\r\n", ANN, ["Ann@nordlicht.example"]),
        (f"Disposition-Notification-To: {ANN}, b@x.example\r\n", ANN, [ANN, "b@x.example"]),
        ("Disposition-Notification-To: ann@nordlіcht.example\r\n", ANN, ["ann@nordlіcht.example"]),
    ],
)
async def test_a_request_from_elsewhere_is_told(
    rig: Rig, browser: Browser, fields: str, path: str, shown: list[str]
) -> None:
    """WEBMAIL-139b, RFC 8098 §2.1: an address that is not From and Return-Path, in any look-alike letter, is told."""
    assert await asked(browser, await put(rig, fields, path=path)) == (shown, True)


async def test_a_request_in_other_letters_of_the_domain_is_the_same(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-139b: domains have no case; an option that is optional may be ignored."""
    fields = (
        "Disposition-Notification-To: <ann@NORDLICHT.example>\r\nDisposition-Notification-Options: x=optional,1\r\n"
    )
    assert await asked(browser, await put(rig, fields)) == ([ANN], False)


async def test_addresses_with_other_letters_get_an_internationalized_receipt(
    rig: Rig, browser: Browser, queue: Queue
) -> None:
    """WEBMAIL-139, RFC 6533: a receipt with an address in UTF-8 is a global one, and needs SMTPUTF8."""
    number = await put(rig, "Disposition-Notification-To: jürgen@nordlicht.example\r\n", to="büro@example.org")
    await browser.call("receipt_send", message_id=number, **WORDS)
    [one] = await carried(rig, queue)
    assert one.submission.smtputf8
    assert "From: <büro@example.org>\r\nTo: <jürgen@nordlicht.example>\r\n".encode() in one.octets
    assert b"Content-Type: message/global-disposition-notification\r\n" in one.octets
    assert "Final-Recipient: utf-8;büro@example.org\r\n".encode() in one.octets


async def test_texts_of_a_receipt_cannot_make_fields(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-139: a line end in the subject or in copied fields adds no field."""
    fields = ASKS + "Original-Recipient: rfc822;a@b.example\r\n Bcc: c@b.example\r\n"
    number = await put(rig, fields)
    await browser.call("receipt_send", message_id=number, subject="Read\r\nBcc: eve@evil.example", text="Read.")
    [one] = await carried(rig, queue)
    assert one.parsed["Bcc"] is None
    assert one.parsed["Subject"] == "Read  Bcc: eve@evil.example"
    assert b"Original-Recipient" not in one.octets


async def test_a_receipt_counts_against_the_limits(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-139: an account that may send nothing more sends no receipt, and its message is not marked."""
    number = await put(rig)

    def fill(tx: AccountTx) -> None:
        for n in range(1000):
            tx.execute("INSERT INTO outgoing (recipient, submitted) VALUES (?, ?)", f"r{n}@x.example", tx.now)

    async with rig.account() as account:
        await account.write(fill)
    status, _ = await browser.error("receipt_send", message_id=number, **WORDS)
    assert status >= 400
    assert not await flags_of(rig) & Flag.MDNSENT
    await carried(rig, queue, 0)


async def test_a_message_asks_for_a_receipt_of_reading(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-139c: the wish is off unless it is chosen; it names the From address, and one's own copy is marked."""
    await browser.call("message_submit", message=written(ask_read=True), submit_id=call_id())
    await browser.call("message_submit", message=written(message_id="<2@mail.example.org>"), submit_id=call_id())
    asking, plain = await carried(rig, queue, 2)
    assert asking.parsed["Disposition-Notification-To"] == "<mia@example.org>"
    assert plain.parsed["Disposition-Notification-To"] is None
    assert [one.dsn_notify for one in plain.submission.recipients] == [DSNNotify(0)]
    first, second = await messages(rig, "Sent")
    assert [bool(one.flags & Flag.MDNSENT) for one in (first, second)] == [True, False]
    assert await asked(browser, first.id) is None


async def test_a_message_asks_for_receipts_of_delivery(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-139d: each recipient of the envelope asks for success too; no field of the message says so."""
    bcc = [{"name": "", "address": "ada@example.net"}]
    await browser.call("message_submit", message=written(ask_delivered=True, bcc=bcc), submit_id=call_id())
    [one] = await carried(rig, queue)
    wanted = DSNNotify.SUCCESS | DSNNotify.FAILURE | DSNNotify.DELAY
    assert [to.dsn_notify for to in one.submission.recipients] == [wanted, wanted]
    assert b"moxlite-draft" not in one.octets.lower()
    [sent] = await messages(rig, "Sent")
    assert b"moxlite-draft" not in (await octets_of(rig, sent.id)).lower()


async def test_a_draft_keeps_both_wishes(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-139e: another browser that opens the draft has them; a stranger's request is no wish of one's own."""
    for n, (read, delivered) in enumerate([(True, True), (False, False), (True, False), (False, True)]):
        draft = written(ask_read=read, ask_delivered=delivered, message_id=f"<d{n}@mail.example.org>")
        number = await browser.call("draft_save", draft=draft, save_id=call_id())
        other = rig.browser()
        await other.log_in()
        begun = await other.call("compose_prepare", kind="edit", message_id=number)
        assert (begun["ask_read"], begun["ask_delivered"]) == (read, delivered)
    begun = await browser.call("compose_prepare", kind="edit", message_id=await put(rig))
    assert (begun["ask_read"], begun["ask_delivered"]) == (False, False)
    begun = await browser.call("compose_prepare", kind="reply", message_id=number)
    assert (begun["ask_read"], begun["ask_delivered"]) == (False, False)


@pytest.mark.parametrize("tls", ["default", "require", "insecure"])
@pytest.mark.parametrize("more", [{}, {"ask_delivered": True}])
async def test_a_draft_keeps_reply_to_and_the_wish_for_tls(browser: Browser, tls: str, more: dict[str, object]) -> None:
    """WEBMAIL-89, WEBMAIL-98: it is opened again as it was written, and without a wish that was not made."""
    people = [{"name": "Office", "address": "office@example.net"}, {"name": "", "address": "desk@example.net"}]
    for reply_to in ([], people[:1], people):
        draft = written(tls=tls, reply_to=reply_to, message_id=f"<d{len(reply_to)}@mail.example.org>", **more)
        number = await browser.call("draft_save", draft=draft, save_id=call_id())
        begun = await browser.call("compose_prepare", kind="edit", message_id=number)
        assert (begun["reply_to"], begun["tls"]) == (reply_to, tls)
        assert begun["ask_delivered"] == bool(more)
