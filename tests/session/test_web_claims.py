"""Names that an author claims, although the address is new (WEBMAIL-161, STORE-96d)."""

from email.header import Header
from functools import partial
from typing import Any, Literal

import pytest

from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.changelog.account import Account
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.groupware import contacts
from moxlite.store.mail.facts import MessageFacts, SMTPFacts
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.links import Given
from moxlite.store.people import correspondents, gathering
from moxlite.store.rows.personnames import full_name
from moxlite.store.types import Flag
from moxlite.web.composing.answering import own_of
from moxlite.web.webmail.reading.claims import claim_of
from moxlite.web.webmail.reading.parsed import structure_of
from tests.store_mail import deliver_mail, look
from tests.web_rig import Browser, Rig
from tests.web_sharing import mia, opened, share, tom

pytestmark = pytest.mark.served

__all__ = ["mia", "tom"]

ANNA = "Anna Berg <anna@example.com>"
EVIL = "mia77@evil.example"
DAY = 86_400 * 1_000_000


async def came(
    account: OpenAccount,
    name: str,
    address: str = EVIL,
    *,
    validation: Literal["none", "strict"] = "none",
    mailbox: str = "Inbox",
    listed: bool = False,
    days: int = 0,
) -> int:
    """A message that came by SMTP some days ago; its id."""
    encoded = Header(name, "utf-8", maxlinelen=998).encode(linesep="") if name else ""
    localpart, _, domain = address.rpartition("@")
    smtp = SMTPFacts(msgfrom=localpart, msgfrom_domain=domain, msgfrom_validation=validation)
    data = f"From: {encoded} <{address}>\r\nTo: mia@example.org\r\nSubject: x\r\n\r\nHello\r\n".encode()
    found = await deliver_mail(account, data, mailbox, MessageFacts(smtp=smtp, is_mailinglist=listed))

    def earlier(tx: Tx) -> None:
        for table, key in (("message", "id"), ("message_smtp", "message_id")):
            tx.execute(f"UPDATE {table} SET received = received - ? WHERE {key} = ?", days * DAY, found.message_id)

    if days:
        await account.write(earlier)
    return found.message_id


async def wrote(account: OpenAccount, to: str) -> None:
    """A message in Sent."""
    await deliver_mail(account, f"From: mia@example.org\r\nTo: {to}\r\nSubject: y\r\n\r\nHi\r\n".encode(), "Sent")


async def wanted(account: OpenAccount, message_id: int) -> None:
    """Mark a message as no junk, as reading does."""
    await account.write(lambda tx: store_flags_ids(tx, [message_id], mode="add", flags=Flag.NOTJUNK))


async def gather(account: OpenAccount) -> None:
    """What the background task does."""
    await gathering.Gatherer(account).once()


async def claim(browser: Browser, message_id: int) -> Any:
    """The claim of an opened message."""
    return (await browser.call("parsed_message", message_id=message_id))["claim"]


def person(known: str = "anna@example.com", **more: Any) -> dict[str, Any]:
    """A claim to be a person whom the user knows."""
    return {"kind": "person", "name": "Anna Berg", "known": known, "sender": EVIL, "contact_id": 0, **more}


async def test_mail_without_proof_makes_no_address_known(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-161: however long ago, and however often it was read."""
    async with rig.account() as account:
        await wrote(account, ANNA)
        for days in (30, 20, 10):
            await wanted(account, await came(account, "Mia Kunz", days=days))
        message = await came(account, "Anna Berg")
        await gather(account)
        assert await claim(browser, message) == person()
        await wanted(account, await came(account, "Mia Kunz", days=10, validation="strict"))
    assert await claim(browser, message) is None


async def test_an_author_who_is_no_contact_is_a_stranger(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-142: whom one click adds; neither the reader, nor one of several authors."""

    async def stranger(message_id: int) -> Any:
        return (await browser.call("parsed_message", message_id=message_id))["stranger"]

    async with rig.account() as account:
        anna, own = await came(account, "Anna Berg", "Anna@Example.com"), await came(account, "", "mia@example.org")
        several = b"From: Anna <anna@example.com>, Bo <bo@b.example>\r\nSubject: x\r\n\r\nHello\r\n"
        two = (await deliver_mail(account, several, "Inbox")).message_id
        none = (await deliver_mail(account, b"Subject: x\r\n\r\nHello\r\n", "Inbox")).message_id
    assert [await stranger(one) for one in (anna, own, two, none)] == [True, False, False, False]
    emails = [{"value": "anna@example.com", "kind": ""}]
    contact = {"name": "A", "emails": emails, "phones": [], "organization": "", "note": "", "groups": []}
    await browser.call("contact_save", contact=contact)
    assert not await stranger(anna)


@pytest.mark.parametrize(
    ("address", "known"),
    [
        ("anna@ex\u0430mple.com", "anna@example.com"),  # a Cyrillic a
        ("office@exarnple.com", "anna@example.com"),
        ("anna@b\u00fccher.example", ""),
        ("anna@example.com", ""),
        ("mia@\u0435xample.org", "example.org"),
    ],
)
async def test_a_domain_that_looks_like_a_known_one_is_told(
    rig: Rig, browser: Browser, address: str, known: str
) -> None:
    """WEBMAIL-161: also without a name, of people to whom the user wrote, and of the own domain."""
    async with rig.account() as account:
        await wrote(account, "anna@example.com")
        message = await came(account, "", address)
    found = await claim(browser, message)
    assert known == ("" if found is None else found["known"] or found["name"])
    assert found is None or found["sender"] == address


@pytest.mark.parametrize(
    "name",
    [
        "Anna Berg",
        "Berg, Anna",
        "  ANNA   BERG ",
        "\u0410nna Berg",  # a Cyrillic A
        "Anna Berg (via Phone)",
        "An\u200bna \u2066Berg\u2069",
        "\u202egreB annA",
        "Ann\u00e1 Berg",
        "\uff21nna Berg",
        "Anna\x07Berg",
        "Anna Berg <boss@elsewhere.example>",
        "anna@example.com",
        "Support [anna@example.com]",
    ],
)
async def test_a_known_name_at_a_new_address_is_told(rig: Rig, browser: Browser, name: str) -> None:
    """WEBMAIL-161: whatever readers take for the name, or the address itself."""
    async with rig.account() as account:
        await wrote(account, ANNA)
        message = await came(account, name)
        await gather(account)
    assert await claim(browser, message) == person()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Anna",
        "Bo Lind",
        "Info",
        "Customer Support",
        "Anna Berg" + " x" * 5000,
        "A\0\u202e" * 3000,
        "boss@b.example",
    ],
)
async def test_other_names_are_not(rig: Rig, browser: Browser, name: str) -> None:
    """WEBMAIL-161: names of one word, of departments, long ones, and unknown addresses."""
    async with rig.account() as account:
        for known in (ANNA, "Anna <anna@b.example>", "Info <i@b.example>", "Customer Support <help@shop.example>"):
            await wrote(account, known)
        message = await came(account, name)
    assert await claim(browser, message) is None


async def test_hostile_names_are_bounded(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-161: long names end in a moment, and addresses in them are no way round or out."""
    for name in ("(" * 50_000, "a@" * 50_000, "x@y." * 50_000, "\u0301" * 50_000, "\ud7a3\u202e" * 20_000):
        assert full_name(name) == ""
    async with rig.account() as account:
        await wrote(account, ANNA)
        for name in ("a@" * 5000, "x@y." * 3000, "\u0301\u202e" * 2000, "xn--a.xn--b@xn--\u20ac.example " * 300):
            assert await claim(browser, await came(account, name)) is None
        several = f"From: Bo <bo@b.example>, Anna Berg <{EVIL}>\r\n\r\nx\r\n".encode()
        smtp = SMTPFacts(msgfrom="bo", msgfrom_domain="b.example")
        found = await deliver_mail(account, several, facts=MessageFacts(smtp=smtp))
    assert await claim(browser, found.message_id) == person()


async def test_own_names_and_addresses_are_told(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-161: the user's own name, address and domain, but no stranger's."""
    await rig.holder.edit(lambda document, snapshot: document.put(("accounts", "mia", "full_name"), "Mia Lund"))
    async with rig.account() as account:
        ids = [
            await came(account, name)
            for name in (
                "lund, mia",
                "mia@example.org",
                "Example.org Team",
                "\u0435xample.org",
                "example.com",
                "notexample.org",
                "Mia",
            )
        ]
        own = [await came(account, "example.org", address) for address in ("mia@example.org", "tom@example.org")]
    found = [await claim(browser, message) for message in ids]
    assert [one and (one["kind"], one["name"]) for one in found] == [
        ("own", "Mia Lund"),
        ("own", "Mia Lund"),
        ("domain", "example.org"),
        ("domain", "example.org"),
        None,
        None,
        None,
    ]
    assert [await claim(browser, message) for message in own] == [None, None]


async def test_lists_drafts_and_own_mail_have_no_claims(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-161: nor has mail that did not come by SMTP."""
    async with rig.account() as account:
        await wrote(account, ANNA)
        told = await came(account, "Anna Berg", mailbox="Junk")
        ids = [
            await came(account, "Anna Berg", listed=True),
            await came(account, "Anna Berg", mailbox="Sent"),
            await came(account, "Anna Berg", mailbox="Drafts"),
            await came(account, "Anna Berg", "b\u00fcro@example.org"),
            await came(account, "Anna Berg", "ANNA@example.com"),
            (await deliver_mail(account, f"From: Anna Berg <{EVIL}>\r\n\r\nx\r\n".encode())).message_id,
        ]
    assert await claim(browser, told) == person()
    assert [await claim(browser, message) for message in ids] == [None] * 6


async def test_a_second_address_at_the_same_company_is_no_claim(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-161: if it is proven; users of a mailbox provider are strangers to each other."""
    async with rig.account() as account:
        await wrote(account, ANNA)
        await wrote(account, "Bo Lind <bo@gmail.com>")
        proven = await came(account, "Anna Berg", "berg@mail.example.com", validation="strict")
        forged = await came(account, "Anna Berg", "berg@mail.example.com")
        other = await came(account, "Bo Lind", "b0@gmail.com", validation="strict")
    assert await claim(browser, proven) is None
    assert (await claim(browser, forged))["sender"] == "berg@mail.example.com"
    assert (await claim(browser, other))["known"] == "bo@gmail.com"


async def test_wanted_mail_makes_its_author_known_after_a_week(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-161, STORE-96d: reading a stranger's first message does not, and two known people may have a name."""
    async with rig.account() as account:
        first = await came(account, "Anna Berg", "anna@example.com", days=30, validation="strict")
        evil = [await came(account, "Anna Berg", days=days) for days in (3, 0)]
        await gather(account)
        assert await claim(browser, evil[0]) is None  # neither is known
        await wanted(account, first)
        await wanted(account, evil[0])
        assert [await claim(browser, message) for message in (*evil, first)] == [person(), person(), None]
        await wanted(account, await came(account, "Anna Berg", days=3, validation="strict"))
        later = await came(account, "Anna Berg", days=-7)
    assert await claim(browser, later) is None


async def test_it_is_really_that_person(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-161: the address goes to the contact, or a contact is made; then nothing is told. Again is no harm."""
    async with rig.account() as account:
        await wrote(account, ANNA)
        message = await came(account, "Anna Berg")
    for _ in range(2):
        await browser.call("claim_confirm", message_id=message)
    assert await claim(browser, message) is None
    [made] = (await browser.call("contacts"))["contacts"]
    assert (made["name"], made["emails"]) == ("Anna Berg", ["anna@example.com", EVIL])
    async with rig.account() as account:
        other = await came(account, "Berg, Anna", "other@evil.example")
    found = await claim(browser, other)
    assert found == person(sender="other@evil.example", contact_id=made["id"])
    await browser.call("claim_confirm", message_id=other)
    [now] = (await browser.call("contacts"))["contacts"]
    assert (now["id"], len(now["emails"])) == (made["id"], 3)
    assert await claim(browser, other) is None
    assert await browser.error("claim_confirm", message_id=999_999) == (404, "user:notFound")


async def test_the_name_of_a_contact_may_have_one_word(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-161."""
    form = {"name": "Oma", "phones": [], "organization": "", "note": "", "groups": []}
    number = await browser.call("contact_save", contact={**form, "emails": [{"value": "oma@home.example", "kind": ""}]})
    async with rig.account() as account:
        message = await came(account, "OMA")
    assert await claim(browser, message) == person("oma@home.example", name="Oma", contact_id=number)


async def test_a_look_up_goes_by_indices(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-161, STORE-96d: none of its questions reads all people."""
    questions = {
        contacts.BY_FOLDED: ("a", 1),
        correspondents.CONTACT_OF: ("d", "l", "l"),
        correspondents.BY_NAME: ("a", 1),
        correspondents.KNOWN_BY_ADDRESS: ("d", "l", "l"),
        correspondents.WANTED: ("d", "l", 1, 1),
        correspondents.WRITTEN: (1, 1),
    }
    async with rig.account() as account:
        for sql, values in questions.items():
            rows = await look(account, partial(_plan, sql=sql, values=values))
            bounded = ("SCAN CONSTANT ROW", "SCAN (subquery-1)")
            assert [row for row in rows if row.startswith("SCAN") and row not in bounded] == [], rows


def _plan(r: Reader, sql: str, values: tuple[Any, ...]) -> list[str]:
    return [row[-1] for row in r.rows(f"EXPLAIN QUERY PLAN {sql}", *values)]


async def test_guests_are_told_nothing_of_the_people_of_the_owner(rig: Rig, tom: Account, mia: Browser) -> None:
    """WEBMAIL-161, WEBMAIL-62: nor may they change the owner's contacts."""
    async with rig.account("tom") as account:
        await wrote(account, ANNA)
        message = await came(account, "Anna Berg", mailbox="Sales")
        own = own_of(rig.holder.current, "tom", "tom@example.org", Given())
        envelope = (await look(account, lambda r: structure_of(r, message))).envelope
        assert await look(account, lambda r: claim_of(r, message, envelope, own)) is not None
    await share(rig, "lrs")
    _, _, items = await opened(mia)
    shown = max(thread[0]["id"] for thread in items)
    assert await claim(mia, shown) is None
    assert await mia.error("claim_confirm", message_id=shown) == (403, "user:notAllowed")
