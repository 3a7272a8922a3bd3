"""Duplicates among contacts (WEBMAIL-128c)."""

import time
from typing import Any

import pytest

from moxlite.store.groupware.doubles import find_doubles
from tests.session.test_web_addressbooks import shared, tom
from tests.session.test_web_contacts import form, import_file
from tests.session.test_web_photos import png, text
from tests.web_rig import Browser, Rig

__all__ = ["tom"]

pytestmark = pytest.mark.served


def phones(*numbers: str) -> list[dict[str, str]]:
    """Telephone numbers of a form."""
    return [{"value": one, "kind": "work"} for one in numbers]


async def groups(browser: Browser) -> list[tuple[str, list[str]]]:
    """The groups that are found: reasons and names."""
    found = await browser.call("contacts_doubles")
    assert found["total"] == len(found["groups"])
    return [(one["reason"], [each["name"] for each in one["contacts"]]) for one in found["groups"]]


async def test_the_same_address_or_name_and_number_make_doubles(browser: Browser) -> None:
    """WEBMAIL-128c: in any case and spelling, in all address books; neither a name nor a number alone counts."""
    book = await browser.call("address_book_save", name="Club")
    for contact in (
        form("Ada Lind", "Ada@a.example"),
        form("A. Lind", "x@a.example", "ada@A.example"),
        form("Bo Ek", phones=phones("+46 555 01-77")),
        form("bo ek", phones=phones("+4655501 77")),
        form("Bo Ek", "bo@b.example"),
        form("Cleo", phones=phones("+46 555 01-77", "12")),
        form("Dan", phones=phones("12")),
        form("dan", phones=phones("12"), groups=["99 999"]),
    ):
        await browser.call("contact_save", contact=contact)
    await browser.call("contact_save", contact=form("Bo", "bo@b.example"), book_id=book)
    assert await groups(browser) == [
        ("address", ["Ada Lind", "A. Lind"]),
        ("phone", ["Bo Ek", "bo ek"]),
        ("address", ["Bo Ek", "Bo"]),
    ]


async def test_a_merge_keeps_what_all_have(browser: Browser) -> None:
    """WEBMAIL-128c, DAV-46: lines of the kept card stay to the letter; the others come back."""
    first = (
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:one\r\nFN:Ada\r\nEMAIL;X-A=1:ada@a.example\r\nX-BOAT;X-K=v:Sea  gull\r\n"
        "NOTE:Old\r\nTEL:+46 1 234\r\nBDAY:1990-01-02\r\nEND:VCARD\r\n"
    )
    second = (
        "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:two\r\nFN:A. L.\r\nEMAIL:ADA@a.example\r\nEMAIL:ada@new.example\r\n"
        "TEL:+461234\r\nTEL:+49 999\r\nNOTE:New\r\nORG:Nord\r\nCATEGORIES:Sailing\r\nBDAY:1991-01-01\r\n"
        f"URL:https://a.example\r\nX-BOAT:Other\r\nPHOTO:data:image/png;base64,{text(png())}\r\nEND:VCARD\r\n"
    )
    for card in (first, second):
        await browser.call("contact_restore", card=card)
    [group] = (await browser.call("contacts_doubles"))["groups"]
    kept, other = group["contacts"]
    assert kept["name"] == "Ada"
    merge = {"contact_id": kept["id"], "others": [other["id"], kept["id"]], "changed": group["changed"]}
    await browser.call("contacts_merge", **merge)
    assert await groups(browser) == []
    card = await browser.call("contact", contact_id=kept["id"])
    assert card["photo"] != ""
    assert [one["value"] for one in card["form"]["emails"]] == ["ada@a.example", "ada@new.example"]
    assert [one["value"] for one in card["form"]["phones"]] == ["+46 1 234", "+49 999"]
    assert (card["form"]["note"], card["form"]["organization"]) == ("Old\n\nNew", "Nord")
    assert card["form"]["groups"] == ["Sailing"]
    [gone] = await browser.call("deleted_list", kind="contact")
    assert gone["title"] == "A. L."
    whole = await browser.call("contact_remove", contact_id=kept["id"])
    for line in ("EMAIL;X-A=1:ada@a.example", "X-BOAT;X-K=v:Sea  gull", "BDAY:1990-01-02", "URL:https://a.example"):
        assert f"\r\n{line}\r\n" in whole
    assert "1991" not in whole
    assert "X-BOAT:Other" not in whole
    merge = {"contact_id": kept["id"], "others": [other["id"]]}
    assert (await browser.error("contacts_merge", **merge))[0] in (404, 409)


async def test_contacts_that_were_changed_since_they_were_shown_are_not_merged(browser: Browser) -> None:
    """WEBMAIL-128c, WEBMAIL-24b: one may be another person now."""
    first = await browser.call("contact_save", contact=form("Ada", "ada@a.example"))
    second = await browser.call("contact_save", contact=form("Ada Lind", "ada@a.example"))
    [group] = (await browser.call("contacts_doubles"))["groups"]
    await browser.call("contact_save", contact=form("Bo", "bo@b.example"), contact_id=second)
    merge = {"contact_id": first, "others": [second], "changed": group["changed"]}
    assert await browser.error("contacts_merge", **merge) == (409, "user:conflict")
    assert [one["name"] for one in (await browser.call("contacts"))["contacts"]] == ["Ada", "Bo"]


async def test_too_much_for_one_card_is_refused(browser: Browser) -> None:
    """WEBMAIL-128c: then nothing is changed."""
    many = [f"a{n}@x.example" for n in range(50)]
    first = await browser.call("contact_save", contact=form("A", *many))
    second = await browser.call("contact_save", contact=form("B", "a0@x.example", "b@x.example"))
    assert await browser.error("contacts_merge", contact_id=first, others=[second]) == (400, "user:error")
    assert (await browser.call("contacts"))["total"] == 2


async def test_contacts_of_others_are_no_doubles(browser: Browser, tom: Browser) -> None:
    """WEBMAIL-128c: neither found nor merged, whatever the rights."""
    await shared(browser, "change")
    own = await tom.call("contact_save", contact=form("Ada", "ada@a.example"))
    assert await groups(tom) == []
    [other] = [one["id"] for one in (await tom.call("contacts"))["contacts"] if one["id"] != own]
    assert await tom.error("contacts_merge", contact_id=own, others=[other]) == (404, "user:notFound")
    assert await tom.error("contacts_merge", contact_id=other, others=[own]) == (404, "user:notFound")


async def test_thousands_of_doubles_are_found(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-128c: 5,000 in one answer of 100 groups, and 1,000 with one address in a group of 20."""
    rows = [f"Person {n % 2000},p{n % 2000}@x.example,{n}" for n in range(4000)]
    rows += [f"Office {n},office@x.example,{n}" for n in range(1000)]
    cards = "".join(
        f"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:u{n}\r\nFN:{name} {n}\r\nEMAIL:{address}\r\nEND:VCARD\r\n"
        for n, (name, address, _) in enumerate(row.split(",") for row in rows)
    )
    assert (await import_file(browser, cards.encode()))["added"] == 5000
    found: dict[str, Any] = await browser.call("contacts_doubles")
    assert (found["total"], len(found["groups"])) == (2001, 100)
    assert max(len(one["contacts"]) for one in found["groups"]) == 20
    async with rig.account() as account:
        began = time.process_time()
        await account.scan(lambda r: find_doubles(r, 100), op="test")
        assert time.process_time() - began < 5
