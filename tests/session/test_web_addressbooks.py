"""Address books in the webmail, the user's own and shared ones (WEBMAIL-128a)."""

from typing import Any

import pytest

from moxlite.store.auth.credentials import change_password
from tests.session.test_web_contacts import form
from tests.web_rig import PASSWORD, Browser, Rig

pytestmark = pytest.mark.served


@pytest.fixture
async def tom(rig: Rig) -> Browser:
    """Another user, who has logged in."""
    async with rig.account("tom") as account:
        await change_password(account, PASSWORD)
    found = rig.browser()
    await found.log_in("tom@example.org")
    return found


async def names(browser: Browser, **more: Any) -> list[str]:
    """Names of the contacts that a user sees."""
    return [one["name"] for one in (await browser.call("contacts", **more))["contacts"]]


async def books(browser: Browser) -> dict[str, dict[str, Any]]:
    """The address books that a user sees, by name."""
    return {one["name"]: one for one in await browser.call("address_books")}


async def share(browser: Browser, **given: Any) -> None:
    """Share the address book Club."""
    await browser.call("contacts_share", name=(await books(browser))["Club"]["path"], **given)


async def shared(browser: Browser, rights: str) -> int:
    """Make an address book with Ada, and share it with tom."""
    made: int = await browser.call("address_book_save", name="Club")
    await browser.call("contact_save", contact=form("Ada", "ada@a.example", groups=["Sailing"]), book_id=made)
    await share(browser, guest="tom@example.org", write=rights == "change")
    return made


async def test_an_address_book_is_made_renamed_and_removed(browser: Browser) -> None:
    """WEBMAIL-128a, DAV-46: its contacts come back, into the first book when theirs is gone."""
    assert list(await books(browser)) == ["Contacts"]
    made = await browser.call("address_book_save", name="  Sailing \n club ")
    await browser.call("address_book_save", name="Crew", book_id=made)
    await browser.call("contact_save", contact=form("Ada"), book_id=made)
    await browser.call("contact_save", contact=form("Bo"))
    found = await books(browser)
    assert [(one["name"], one["contacts"]) for one in found.values()] == [("Contacts", 1), ("Crew", 1)]
    assert await names(browser) == ["Ada", "Bo"]
    assert await names(browser, book_id=made) == ["Ada"]
    assert (await browser.call("contacts", book_id=made))["total"] == 1
    # the same contact in another book is another contact
    await browser.call("contact_save", contact=form("Ada"), book_id=found["Contacts"]["id"])
    assert await names(browser) == ["Ada", "Ada", "Bo"]
    await browser.call("address_book_remove", book_id=made)
    assert await names(browser) == ["Ada", "Bo"]
    assert await browser.error("contacts", book_id=made) == (404, "user:notFound")
    assert await browser.error("address_book_remove", book_id=made) == (404, "user:notFound")
    [gone] = await browser.call("deleted_list", kind="contact")
    assert (gone["title"], gone["place"]) == ("Ada", "Crew")
    await browser.call("deleted_restore", deleted_id=gone["id"])
    assert await names(browser, book_id=found["Contacts"]["id"]) == ["Ada", "Ada", "Bo"]
    assert await browser.error("address_book_save", name=" \t") == (400, "user:fields")
    # a calendar is no address book
    [calendar] = await browser.call("calendars")
    for call in ("address_book_remove", "address_book_guests"):
        assert await browser.error(call, book_id=calendar["id"]) == (404, "user:notFound")


async def test_a_contact_moves_and_is_copied(browser: Browser) -> None:
    """WEBMAIL-128a: it keeps its id and all lines; a copy has a UID of its own; Undo brings it back to its book."""
    made = await browser.call("address_book_save", name="Club")
    card = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:one\r\nFN:Ada\r\nX-BOAT;X-K=v:Sea gull\r\nEND:VCARD\r\n"
    await browser.call("contact_restore", card=card.decode())
    [ada] = (await browser.call("contacts"))["contacts"]
    assert await browser.call("contact_move", contact_id=ada["id"], book_id=made) == ada["id"]
    assert (await browser.call("contact", contact_id=ada["id"]))["book_id"] == made
    assert await browser.call("deleted_list", kind="contact") == []
    copied = await browser.call("contact_move", contact_id=ada["id"], book_id=ada["book_id"], keep=True)
    assert copied != ada["id"]
    first = await browser.call("contact_remove", contact_id=ada["id"])
    assert first == card.decode()
    second = await browser.call("contact_remove", contact_id=copied)
    assert second.partition("UID:")[2].startswith("urn:uuid:")
    assert "X-BOAT;X-K=v:Sea gull\r\n" in second
    await browser.call("contact_restore", card=first, book_id=made)
    assert await names(browser, book_id=made) == ["Ada"]


async def test_a_shared_address_book_is_read(browser: Browser, tom: Browser) -> None:
    """WEBMAIL-128a: with its groups among all others; each change is refused; nothing else of the owner is found."""
    made = await shared(browser, "read")
    secret = await browser.call("contact_save", contact=form("Secret"))
    await tom.call("contact_save", contact=form("Bo"))
    found = await books(tom)
    club = found["Club"]
    assert (club["owner"], club["writable"], club["contacts"]) == ("mia", False, 1)
    assert (await books(browser))["Club"]["guests"] == 1
    assert await names(tom) == ["Ada", "Bo"]
    assert await tom.call("contact_groups") == [{"name": "Sailing", "contacts": 1}]
    assert await names(tom, book_id=club["id"]) == ["Ada"]
    [ada] = (await tom.call("contacts", book_id=club["id"]))["contacts"]
    card = await tom.call("contact", contact_id=ada["id"])
    assert (card["form"]["name"], card["book_id"]) == ("Ada", club["id"])
    refused = (403, "user:notAllowed")
    assert await tom.error("contact_save", contact=form("X"), contact_id=ada["id"]) == refused
    assert await tom.error("contact_save", contact=form("X"), book_id=club["id"]) == refused
    assert await tom.error("contact_remove", contact_id=ada["id"]) == refused
    assert await tom.error("contact_move", contact_id=ada["id"], book_id=found["Contacts"]["id"]) == refused
    copied = await tom.call("contact_move", contact_id=ada["id"], book_id=found["Contacts"]["id"], keep=True)
    assert await tom.error("contact_move", contact_id=copied, book_id=club["id"], keep=True) == refused
    assert await tom.error("contact_restore", card="x", book_id=club["id"]) == refused
    missing = (404, "user:notFound")
    for call in ("address_book_remove", "address_book_guests"):
        assert await tom.error(call, book_id=club["id"]) == missing
    assert await tom.error("address_book_save", name="Mine", book_id=club["id"]) == missing
    assert await tom.error("contacts_share", name=club["path"], guest="mia") == missing
    # another contact of the owner, by its number in the owner's account
    other = ada["id"] - (await browser.call("contacts", book_id=made))["contacts"][0]["id"] + secret
    for call, more in (("contact", {}), ("contact_save", {"contact": form("X")}), ("contact_remove", {})):
        assert await tom.error(call, contact_id=other, **more) == missing
    assert await names(browser) == ["Ada", "Secret"]
    await share(browser, guest="tom", end=True)
    assert await tom.error("contact", contact_id=ada["id"]) == missing
    assert await names(tom) == ["Ada", "Bo"]  # the copy is tom's own


async def test_a_guest_with_the_right_changes_contacts(browser: Browser, tom: Browser) -> None:
    """WEBMAIL-128a: adds, changes, removes with Undo, moves in and out; what a guest took out comes back at the
    owner's.
    """
    made = await shared(browser, "change")
    found = await books(tom)
    club, own = found["Club"]["id"], found["Contacts"]["id"]
    bo = await tom.call("contact_save", contact=form("Bo"), book_id=club)
    assert await tom.call("contact_save", contact=form("Bo"), book_id=club) == bo
    assert await names(browser, book_id=made) == ["Ada", "Bo"]
    card = await tom.call("contact", contact_id=bo)
    await tom.call("contact_save", contact={**card["form"], "name": "Bob"}, contact_id=bo, changed=card["changed"])
    assert await tom.error("contact_save", contact=form("B"), contact_id=bo, changed=card["changed"]) == (
        409,
        "user:conflict",
    )
    gone = await tom.call("contact_remove", contact_id=bo)
    await tom.call("contact_restore", card=gone, book_id=club)
    assert await names(browser, book_id=made) == ["Ada", "Bob"]
    [ada, _] = (await tom.call("contacts", book_id=club))["contacts"]
    moved = await tom.call("contact_move", contact_id=ada["id"], book_id=own)
    assert await names(tom, book_id=own) == ["Ada"]
    assert [one["title"] for one in await browser.call("deleted_list", kind="contact")] == ["Ada"]
    back = await tom.call("contact_move", contact_id=moved, book_id=club)
    assert (await tom.call("contact", contact_id=back))["book_id"] == club
    assert await names(tom, book_id=own) == []


@pytest.mark.nightly
async def test_contacts_of_several_accounts_come_in_pages(browser: Browser, tom: Browser) -> None:
    """WEBMAIL-128a: by name, whoever has them; none twice, none left out."""
    made = await shared(browser, "change")
    club = (await books(tom))["Club"]["id"]
    for at in range(60):
        for name in ("Same", f"P{at:02}"):
            await tom.call("contact_save", contact=form(name, note=str(at)))
            await tom.call("contact_save", contact=form(name, note=str(at)), book_id=club)
    found: list[dict[str, Any]] = []
    more, after = True, 0
    while more:
        page = await tom.call("contacts", after=after)
        found += page["contacts"]
        after, more = page["contacts"][-1]["id"], page["more"]
    assert page["total"] == 241
    assert len({one["id"] for one in found}) == 241
    listed = [one["name"].lower() for one in found]
    assert listed == sorted(listed)
    assert len((await browser.call("contacts", book_id=made))["contacts"]) == 100


async def test_only_accounts_get_rights(browser: Browser, tom: Browser) -> None:
    """WEBMAIL-128a, DAV-41: by name or address, or all of them; no mistake of spelling shares with a stranger."""
    made = await shared(browser, "read")
    assert await browser.call("address_book_guests", book_id=made) == [
        {"account": "tom", "name": "", "writable": False}
    ]
    path = (await books(browser))["Club"]["path"]
    for guest in ("nobody@example.org", "x@elsewhere.example", "", "mia", "mia@example.org"):
        error = await browser.error("contacts_share", name=path, guest=guest)
        assert error[0] == 400, guest
    await share(browser, guest="anyone", write=True)
    assert [one["account"] for one in await browser.call("address_book_guests", book_id=made)] == ["anyone", "tom"]
    assert (await books(tom))["Club"]["writable"]
