"""Groups of contacts and favorites: webmail, CardDAV and JMAP show and change the same (WEBMAIL-128g, WEBMAIL-128h)."""

from typing import Any

import pytest

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.groupware import groups
from moxlite.store.groupware.contacts import contact_of, settle_contacts
from moxlite.store.groupware.resources import card_facts, put_resource
from moxlite.store.upkeep.check import check_account
from tests.jmap_rig import Client, rig
from tests.session.test_web_addressbooks import names, share, shared, tom
from tests.session.test_web_contacts import form, import_file
from tests.session.test_web_dav import BOOK, Program
from tests.web_rig import Browser, Rig

pytestmark = pytest.mark.served

__all__ = ["rig", "tom"]

CRLF = "\r\n"
ADA, BO = "11111111-AAAA-4444-8888-222222222222", "urn:uuid:33333333-bbbb-4444-8888-444444444444"


@pytest.fixture
async def browser(rig: Rig) -> Browser:
    """A user of the webmail, who has logged in."""
    found = rig.browser()
    await found.log_in()
    return found


def card_of(uid: str, name: str, *lines: str, version: str = "3.0") -> str:
    """A card as a phone puts it."""
    return CRLF.join(
        ["BEGIN:VCARD", f"VERSION:{version}", f"UID:{uid}", f"FN:{name}", f"N:{name}", *lines, "END:VCARD"]
    )


async def two(phone: Program) -> None:
    """Put two contacts, one with a bare UID, as Apple's programs write it."""
    await phone.put("ada.vcf", card_of(ADA, "Ada", "EMAIL:ada@a.example"), home=BOOK)
    await phone.put("bo.vcf", card_of(BO, "Bo", "EMAIL:bo@b.example", version="4.0"), home=BOOK)


async def told(browser: Browser) -> dict[str, int]:
    """The groups, with their numbers of contacts."""
    return {one["name"]: one["contacts"] for one in await browser.call("contact_groups")}


async def ids(browser: Browser) -> dict[str, int]:
    """The ids of the contacts by their names."""
    return {one["name"]: one["id"] for one in (await browser.call("contacts"))["contacts"]}


async def restore(browser: Browser, removed: list[dict[str, Any]]) -> None:
    """Bring a group back, as Undo does."""
    for group_card in removed:
        await browser.call("contact_restore", **group_card)


@pytest.mark.parametrize("version", ["3.0", "4.0"])
async def test_a_group_of_a_phone_is_a_group_everywhere(rig: Rig, browser: Browser, version: str) -> None:
    """WEBMAIL-128g, DAV-11: Apple's properties and RFC 6350's; UIDs bare or as URNs, in any case; the group is
    no contact; a change in the webmail is in its card, whose other lines stay.
    """
    phone = Program(rig)
    await two(phone)
    kind, member = (
        ("X-ADDRESSBOOKSERVER-KIND", "X-ADDRESSBOOKSERVER-MEMBER") if version == "3.0" else ("KIND", "MEMBER")
    )
    lines = (f"{kind}:group", f"{member}:urn:uuid:{ADA.lower()}", f"{member}:urn:uuid:gone", "X-COLOR:red")
    await phone.put("choir.vcf", card_of("choir", "Choir", *lines, version=version), home=BOOK)
    assert await told(browser) == {"Choir": 1}
    assert await names(browser) == ["Ada", "Bo"]
    assert [book["contacts"] for book in await browser.call("address_books")] == [2]
    assert await names(browser, group="Choir") == ["Ada"]
    known = await ids(browser)
    assert (await browser.call("contact", contact_id=known["Ada"]))["form"]["groups"] == ["Choir"]
    await browser.call("contacts_group", contact_ids=[known["Ada"], known["Bo"]], group="Choir")
    assert await browser.call("group_members", group="Choir") == [
        {"name": "Ada", "address": "ada@a.example"},
        {"name": "Bo", "address": "bo@b.example"},
    ]
    body = (await phone.ask("GET", f"{BOOK}choir.vcf")).body.decode()
    assert body.split(CRLF)[1:-2] == [
        *card_of("choir", "Choir", *lines, version=version).split(CRLF)[1:-1],
        f"{member}:{BO}",
    ]
    await browser.call("contacts_group", contact_ids=[known["Ada"]], group="Choir", member=False)
    assert await names(browser, group="Choir") == ["Bo"]
    assert await browser.call("contact_group_save", name=" Big \n choir", group="Choir") == "Big choir"
    body = (await phone.ask("GET", f"{BOOK}choir.vcf")).body.decode()
    assert f"FN:Big choir{CRLF}" in body
    assert f"N:Big choir{CRLF}" in body
    assert f"{member}:urn:uuid:gone{CRLF}" in body
    found = await browser.call("complete_recipient", search="choir")
    assert (found["parties"], found["groups"]) == ([], ["Big choir"])


async def test_a_new_group_is_a_card_for_phones_and_jmap(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-128g, JMAP-61: JMAP has its members; hasMember knows both forms of a UID; what JMAP changes is there."""
    phone, client = Program(rig), Client(rig)
    await two(phone)
    known = await ids(browser)
    assert await browser.call("contact_group_save", name="Crew") == "Crew"
    assert await told(browser) == {"Crew": 0}
    await browser.call("contacts_group", contact_ids=[known["Ada"]], group="Crew")
    await browser.call("contacts_group", contact_ids=[known["Ada"]], group="Crew")
    for uid in (ADA, f"urn:uuid:{ADA}"):
        [number] = (await client.call("ContactCard/query", filter={"kind": "group", "hasMember": uid}))["ids"]
    [group] = (await client.call("ContactCard/get", ids=[number]))["list"]
    assert (group["kind"], group["name"]["full"], group["members"]) == ("group", "Crew", {f"urn:uuid:{ADA}": True})
    answer = await phone.report(
        BOOK, "CR:addressbook-query", "<D:prop><CR:address-data/></D:prop><CR:filter/>", depth="1"
    )
    assert "X-ADDRESSBOOKSERVER-KIND:group" in answer.body.decode()
    await client.call("ContactCard/set", update={number: {"members": {BO: True}}})
    assert await names(browser, group="Crew") == ["Bo"]
    # a form has all groups: what is new there becomes a category, unless a card has its name
    whole = (await browser.call("contact", contact_id=known["Ada"]))["form"]
    assert whole["groups"] == []
    await browser.call("contact_save", contact={**whole, "groups": ["Crew", "Sailing"]}, contact_id=known["Ada"])
    assert await told(browser) == {"Crew": 2, "Sailing": 1}
    assert f"CATEGORIES:Sailing{CRLF}" in (await phone.ask("GET", f"{BOOK}ada.vcf")).body.decode()
    await browser.call("contact_save", contact={**whole, "groups": ["Sailing"]}, contact_id=known["Ada"])
    assert await told(browser) == {"Crew": 1, "Sailing": 1}
    text = (await browser.fetch("/webmail/contacts.vcf")).body.decode()
    assert "KIND:group" in text
    assert "Crew" in (await browser.fetch("/webmail/contacts.csv")).body.decode()
    async with rig.account() as account:
        assert not await account.read(check_account, op="test")


async def test_a_group_is_removed_and_comes_back(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-128g: also one that is a category alone; the contacts stay."""
    phone = Program(rig)
    await two(phone)
    known = await ids(browser)
    await browser.call("contact_group_save", name="Crew")
    await browser.call("contacts_group", contact_ids=[known["Ada"]], group="Crew")
    await browser.call("contacts_group", contact_ids=[known["Ada"], known["Bo"]], group="Sailing")
    assert await told(browser) == {"Crew": 1, "Sailing": 2}
    assert await browser.error("contact_group_save", name="Crew", group="Sailing") == (409, "user:conflict")
    assert await browser.error("contact_group_save", name="starred", group="Sailing") == (409, "user:conflict")
    for name in ("starred", "Starred"):
        assert await browser.error("contact_group_save", name=name) == (409, "user:conflict")
    assert await browser.error("contact_group_save", name=" \n") == (400, "user:error")
    for group in ("Crew", "Sailing"):
        removed = await browser.call("contact_group_remove", group=group)
        assert group not in await told(browser)
        assert await browser.call("contact_group_remove", group=group) == []
        assert await names(browser) == ["Ada", "Bo"]
        await restore(browser, removed)
    assert await told(browser) == {"Crew": 1, "Sailing": 2}
    assert await browser.call("contact_group_save", name="Boats", group="Sailing") == "Boats"
    assert await told(browser) == {"Boats": 2, "Crew": 1}


async def test_groups_of_shared_address_books(rig: Rig, browser: Browser, tom: Browser) -> None:
    """WEBMAIL-128g, WEBMAIL-128a: who may only view a book changes no group there; a group of a book that isn't shared
    isn't seen; who may edit it changes its groups.
    """
    made = await shared(browser, "read")
    await browser.call("contact_group_save", name="Crew", book_id=made)
    await browser.call("contact_group_save", name="Mine")
    [ada] = (await browser.call("contacts"))["contacts"]
    for group in ("Crew", "Mine"):
        await browser.call("contacts_group", contact_ids=[ada["id"]], group=group)
    assert await told(tom) == {"Crew": 1, "Sailing": 1}
    [seen] = (await tom.call("contacts"))["contacts"]
    assert (await tom.call("contact", contact_id=seen["id"]))["form"]["groups"] == ["Sailing", "Crew"]
    assert await names(tom, group="Mine") == []
    change = {"contact_ids": [seen["id"]], "group": "Crew", "member": False}
    assert (await tom.error("contacts_group", **change))[0] == 403
    assert await tom.call("contact_group_remove", group="Crew") == []
    assert await told(tom) == {"Crew": 1, "Sailing": 1}
    await share(browser, guest="tom@example.org", write=True)
    await tom.call("contacts_group", **change)
    assert await told(browser) == {"Crew": 0, "Mine": 1, "Sailing": 1}
    await tom.call("contact_group_save", name="Hands", group="Crew")
    assert await told(browser) == {"Hands": 0, "Mine": 1, "Sailing": 1}


async def test_a_group_of_a_book_that_a_guest_only_views_is_no_category(
    rig: Rig, browser: Browser, tom: Browser
) -> None:
    """WEBMAIL-128g: the guest saves a contact that is a member there; it stays one, and gets no category."""
    await shared(browser, "change")
    more = await browser.call("address_book_save", name="More")
    path = next(one["path"] for one in await browser.call("address_books") if one["id"] == more)
    await browser.call("contacts_share", name=path, guest="tom@example.org")
    await browser.call("contact_group_save", name="Crew", book_id=more)
    [ada] = (await browser.call("contacts"))["contacts"]
    await browser.call("contacts_group", contact_ids=[ada["id"]], group="Crew")
    [seen] = (await tom.call("contacts"))["contacts"]
    shown = (await tom.call("contact", contact_id=seen["id"]))["form"]
    assert shown["groups"] == ["Sailing", "Crew"]
    await tom.call("contact_save", contact=shown | {"name": "Ada L."}, contact_id=seen["id"])
    assert "CATEGORIES:Sailing\r\n" in (await browser.fetch("/webmail/contacts.vcf")).body.decode()
    assert await told(browser) == {"Crew": 1, "Sailing": 1}


async def test_a_group_of_several_address_books_comes_back_in_each(rig: Rig, browser: Browser, tom: Browser) -> None:
    """WEBMAIL-128g, WEBMAIL-128a: the cards and categories of all address books, and of all users who let the user
    change theirs.
    """
    made = await shared(browser, "change")
    phone = Program(rig)
    lines = ("KIND:group", "MEMBER:urn:uuid:gone", "X-COLOR:red")
    await phone.put("crew.vcf", card_of("crew", "Crew", *lines, version="4.0"), home=BOOK)
    await two(phone)
    more = await browser.call("address_book_save", name="More")
    await browser.call("contact_save", contact=form("Cleo", groups=["Sailing"]), book_id=more)
    async with rig.account() as account:

        def card(tx: AccountTx) -> None:
            text = card_of("club", "Crew", "KIND:group", f"MEMBER:{BO}", version="4.0").encode()
            put_resource(tx, made, "crew.vcf", text, card_facts(text))

        await account.write(card)
    before = await told(browser), await told(tom)
    assert before == ({"Crew": 1, "Sailing": 2}, {"Crew": 0, "Sailing": 1})
    # who owns them
    for group in ("Crew", "Sailing"):
        removed = await browser.call("contact_group_remove", group=group)
        assert len(removed) == 2
        assert group not in await told(tom)
        await restore(browser, removed)
        await restore(browser, removed)
        assert (await told(browser), await told(tom)) == before
    assert f"X-COLOR:red{CRLF}" in (await browser.fetch("/webmail/contacts.vcf")).body.decode()
    # a guest, who has groups of these names, too
    await tom.call("contact_save", contact=form("Tom", groups=["Sailing"]))
    await tom.call("contact_group_save", name="Crew")
    assert await told(tom) == {"Crew": 0, "Sailing": 2}
    for group in ("Crew", "Sailing"):
        removed = await tom.call("contact_group_remove", group=group)
        assert len({group_card["book_id"] for group_card in removed}) == len(removed) == 2
        assert group not in await told(tom)
        await restore(tom, removed)
        assert (await told(browser), await told(tom)) == (before[0], {"Crew": 0, "Sailing": 2})


async def test_two_cards_of_a_group_with_one_uid_both_come_back(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-128g: as a program that copies a card writes them, one in each address book."""
    phone = Program(rig)
    await two(phone)
    more = await browser.call("address_book_save", name="More")
    text = card_of("crew", "Crew", "KIND:group", f"MEMBER:urn:uuid:{ADA}", version="4.0")
    await phone.put("crew.vcf", text, home=BOOK)
    async with rig.account() as account:
        facts = card_facts(text.encode())
        await account.write(lambda tx: put_resource(tx, more, "crew.vcf", text.encode(), facts))
        removed = await browser.call("contact_group_remove", group="Crew")
        await restore(browser, removed)
        await restore(browser, removed)
        assert len(await account.read(groups.group_ids, op="test")) == len(removed) == 2


async def test_groups_from_before_are_noted(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-128g, DAV-22: the background task makes groups of the cards that were contacts."""
    phone = Program(rig)
    await two(phone)
    await phone.put("crew.vcf", card_of("crew", "Crew", "KIND:group", f"MEMBER:{BO}", version="4.0"), home=BOOK)
    async with rig.account() as account:

        def before(tx: AccountTx) -> None:
            number = tx.value("SELECT id FROM group_card")
            tx.execute("DELETE FROM group_card")
            tx.execute("DELETE FROM group_member")
            tx.execute("INSERT INTO contact VALUES (?, 'crew', 'crew', 'crew', '{}', 'crew')", number)
            tx.execute("INSERT INTO contact_due (id, changed) VALUES (?, 0)", number)

        await account.write(before)
        await account.write(settle_contacts)
        assert not await account.read(check_account, op="test")
    assert await told(browser) == {"Crew": 1}
    assert await names(browser) == ["Ada", "Bo"]


async def test_a_member_without_a_card_gets_mail(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-128g, RFC 6350 §6.6.5: it is an address."""
    phone = Program(rig)
    lines = ("KIND:group", "MEMBER:mailto:Cleo@c.example", "MEMBER:urn:uuid:gone")
    await phone.put("crew.vcf", card_of("crew", "Crew", *lines, version="4.0"), home=BOOK)
    assert await browser.call("group_members", group="Crew") == [{"name": "", "address": "cleo@c.example"}]


async def test_merged_contacts_keep_their_groups(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-128c: the one that stays is in all their groups."""
    phone = Program(rig)
    await two(phone)
    known = await ids(browser)
    await browser.call("contact_group_save", name="Crew")
    await browser.call("contacts_group", contact_ids=[known["Bo"]], group="Crew")
    await browser.call("contacts_merge", contact_id=known["Ada"], others=[known["Bo"]])
    assert await names(browser, group="Crew") == ["Ada"]


async def test_a_group_has_an_end(rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-128g."""
    monkeypatch.setattr(groups, "MAX_MEMBERS", 1)
    await browser.call("contact_group_save", name="Crew")
    found = [await browser.call("contact_save", contact=form(name)) for name in ("Ada", "Bo")]
    assert (await browser.error("contacts_group", contact_ids=found, group="Crew"))[0] == 400
    assert await names(browser, group="Crew") == []
    # who is in it already can be changed, and joins again
    monkeypatch.setattr(groups, "MAX_MEMBERS", 2)
    await browser.call("contacts_group", contact_ids=found[:1], group="Crew")
    monkeypatch.setattr(groups, "MAX_MEMBERS", 1)
    card = await browser.call("contact", contact_id=found[0])
    await browser.call("contact_save", contact={**card["form"], "note": "x"}, contact_id=found[0])
    await browser.call("contacts_group", contact_ids=found[:1], group="Crew")
    card = await browser.call("contact", contact_id=found[0])
    assert (card["form"]["note"], card["form"]["groups"]) == ("x", ["Crew"])
    assert await told(browser) == {"Crew": 1}
    async with rig.account() as account:
        stored = await account.read(lambda r: contact_of(r, found[0]), op="test")
    assert stored is not None
    assert stored.contact.groups == ()


async def test_a_favorite_is_one_everywhere(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-128h, JMAP-61: a category of the card and a keyword; a form leaves it, and completion has it first."""
    phone, client = Program(rig), Client(rig)
    await two(phone)
    known = await ids(browser)
    await browser.call("contacts_group", contact_ids=[known["Bo"]], group="starred")
    assert f"CATEGORIES:starred{CRLF}" in (await phone.ask("GET", f"{BOOK}bo.vcf")).body.decode()
    found = (await browser.call("contacts"))["contacts"]
    assert [(one["name"], one["starred"]) for one in found] == [("Ada", False), ("Bo", True)]
    assert await names(browser, group="starred") == ["Bo"]
    assert await told(browser) == {"starred": 1}
    parties = (await browser.call("complete_recipient", search="example"))["parties"]
    assert [one["name"] for one in parties] == ["Bo", "Ada"]
    assert (await browser.call("complete_recipient", search="star"))["groups"] == []
    card = await browser.call("contact", contact_id=known["Bo"])
    assert (card["starred"], card["form"]["groups"]) == (True, [])
    changed = {**card["form"], "groups": ["Sailing"]}
    await browser.call("contact_save", contact=changed, contact_id=known["Bo"], changed=card["changed"])
    assert await told(browser) == {"Sailing": 1, "starred": 1}
    # a phone makes a group of this name
    await phone.put("star.vcf", card_of("star", "starred", "KIND:group", f"MEMBER:{BO}", version="4.0"), home=BOOK)
    await browser.call("contact_save", contact={**changed, "note": "x"}, contact_id=known["Bo"])
    assert await told(browser) == {"Sailing": 1, "starred": 1}
    assert (await browser.call("contact", contact_id=known["Bo"]))["starred"]
    assert "MEMBER" in (await phone.ask("GET", f"{BOOK}star.vcf")).body.decode()
    await phone.ask("DELETE", f"{BOOK}star.vcf")
    # another program has another spelling, and takes it away
    lines = ("EMAIL:ada@a.example", "CATEGORIES:Starred,Sailing")
    await phone.put("ada.vcf", card_of(ADA, "Ada", *lines), home=BOOK)
    assert await told(browser) == {"Sailing": 2, "starred": 2}
    [ada] = (await client.call("ContactCard/query", filter={"name": "Ada"}))["ids"]
    await client.call("ContactCard/set", update={ada: {"keywords": {"Sailing": True}}})
    assert await told(browser) == {"Sailing": 2, "starred": 1}
    await client.call("ContactCard/set", update={ada: {"keywords/starred": True}})
    assert await names(browser, group="starred") == ["Ada", "Bo"]
    table = (await browser.fetch("/webmail/contacts.csv")).body.decode()
    assert "Sailing ::: * starred" in table
    await browser.call("contacts_group", contact_ids=[*known.values()], group="starred", member=False)
    assert await told(browser) == {"Sailing": 2}
    assert (await import_file(browser, table.encode()))["known"] == 2
    assert await told(browser) == {"Sailing": 2, "starred": 2}
