"""Contacts are cards: changes keep what only other programs know (DAV-22)."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from moxlite.proto.cards.cardobject import changed_card, new_card, read_card
from moxlite.proto.cards.vcard import Contact, Entry
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.groupware import contacts
from moxlite.store.groupware.cards import CardSummary
from moxlite.store.groupware.groups import groups_of
from moxlite.store.options import Options
from moxlite.store.recover.rebuild import recover
from tests.store_fixtures import accounts, store_options

__all__ = ["accounts", "store_options"]

PHONE = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:phone-1\r\nN:Lind;Ada;;Dr.;\r\nFN:Ada Lind\r\nORG:Nordlicht;Research\r\n"
    "item1.EMAIL;type=INTERNET;type=WORK;type=pref:ada@nordlicht.example\r\nitem1.X-ABLabel:_$!<Work>!$_\r\n"
    "EMAIL;TYPE=home:ada@home.example\r\nADR;TYPE=home:;;Hamngatan 1;Kiruna;;981;SE\r\nX-SPOUSE:Bo\r\n"
    "PHOTO;ENCODING=b;TYPE=JPEG:" + "A" * 40_000 + "\r\nEND:VCARD\r\n"
)


async def all_of(account: OpenAccount) -> list[tuple[int, CardSummary]]:
    found = await account.read(contacts.find_contacts, op="test")
    return [(one.id, one.listed) for one in found]


def test_a_changed_card_keeps_what_only_other_programs_know() -> None:
    """DAV-22, DAV-1: lines of what stayed the same stay as they are; the label of an address goes with it."""
    found = read_card(PHONE.encode())
    same = changed_card(found, found.contact)
    assert same.decode().replace("\r\n ", "") == PHONE
    wanted = Contact(
        name="Ada Berg",
        emails=(Entry("ada@home.example", "home"), Entry("new@x.example", "work")),
        phones=(Entry("+46 2", "mobile"),),
        organization="Nordlicht, Research",
        note="a\nb",
        groups=("Sail,ing",),
        other=(*found.contact.other, "BDAY:1990-01-02"),
    )
    text = changed_card(found, wanted).decode().replace("\r\n ", "")
    for line in ("FN:Ada Berg", "N:Berg;Ada;;;", "EMAIL;TYPE=home:ada@home.example", "EMAIL;TYPE=work:new@x.example"):
        assert f"\r\n{line}\r\n" in text
    for line in ("TEL;TYPE=cell:+46 2", "NOTE:a\\nb", "CATEGORIES:Sail\\,ing", "BDAY:1990-01-02", "X-SPOUSE:Bo"):
        assert f"\r\n{line}\r\n" in text
    assert "ORG:Nordlicht;Research" in text
    assert "A" * 40_000 in text
    assert "item1" not in text
    again = read_card(text.encode()).contact
    assert (again.name, again.emails, again.groups) == ("Ada Berg", wanted.emails, wanted.groups)


OWNED = """BEGIN:VCARD
VERSION:4.0
UID:1
FN;LANGUAGE=de:Ada Lind
N;X-A=1:Lind;Ada;;;;;Jr.
item1.EMAIL;PREF=1;X-B=c;TYPE=INTERNET,work:ada@nordlicht.example
item1.X-ABLabel:Boat
EMAIL;VALUE=uri:mailto:ada@home.example
TEL;PREF=1;TYPE="cell,voice";VALUE=uri:tel:+49-1
TEL;TYPE=home:+49 2
item2.ORG;X-D=e:Nordlicht
NOTE;X-E=f:tea
NOTE:coffee
CATEGORIES;X-F=g:friends,work
CATEGORIES:sailing
END:VCARD
""".replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("changes", "before", "after"),
    [
        ({"name": "Ada Berg"}, "de:Ada Lind|N;X-A=1:Lind;", "de:Ada Berg|N;X-A=1:Berg;"),
        ({"organization": "Elbe"}, ":Nordlicht", ":Elbe"),
        ({"note": "water"}, "f:tea", "f:water"),
        ({"groups": ("friends", "sailing", "new")}, "g:friends,work", "g:friends,new"),
        ({"emails": {0: Entry("a@b.example", "work")}}, "ada@nordlicht.example", "a@b.example"),
        ({"emails": {0: Entry("a@b.example", "home")}}, "work:ada@nordlicht.example", "home:a@b.example"),
        ({"emails": {1: Entry("a@b.example")}}, "ada@home.example", "a@b.example"),
        ({"phones": {0: Entry("+49-3", "mobile")}}, "+49-1", "+49-3"),
        ({"phones": {0: Entry("+49 3", "mobile")}}, '"cell,voice";VALUE=uri:tel:+49-1', "cell,voice:+49 3"),
        ({"phones": {1: Entry("+49 2", "work")}}, "TEL;TYPE=home", "TEL;TYPE=work"),
    ],
)
def test_a_corrected_value_changes_in_its_line(changes: dict[str, Any], before: str, after: str) -> None:
    """DAV-22: with its place, preference, parameters, group and label; and no other line changes."""
    found = read_card(OWNED.encode())
    entries = {
        name: tuple(value.get(at, entry) for at, entry in enumerate(getattr(found.contact, name)))
        for name, value in changes.items()
        if isinstance(value, dict)
    }
    wanted = msgspec.structs.replace(found.contact, **(changes | entries))
    expected = OWNED
    for old, new in zip(before.split("|"), after.split("|"), strict=True):
        assert old in expected
        expected = expected.replace(old, new)
    assert changed_card(found, wanted).decode().replace("\r\n ", "") == expected


def test_addresses_change_places_with_their_lines() -> None:
    """DAV-22: and one that goes takes only its own label along."""
    found = read_card(OWNED.encode())
    first, second = found.contact.emails
    text = changed_card(found, msgspec.structs.replace(found.contact, emails=(second, first))).decode()
    assert [line for line in OWNED.split("\r\n") if line not in text.replace("\r\n ", "").split("\r\n")] == []
    assert read_card(text.encode()).contact.emails == (second, first)
    text = changed_card(found, msgspec.structs.replace(found.contact, emails=(Entry("new@b.example"), second))).decode()
    assert "item1.X-ABLabel:Boat" in text
    text = changed_card(found, msgspec.structs.replace(found.contact, emails=(second,))).decode()
    assert "item1" not in text


@pytest.mark.parametrize(
    ("name", "line"),
    [("Ada", "N:;Ada;;;"), ("Ada Maria Lind", "N:Lind;Ada Maria;;;"), ("a@x.example", "N:;a@x.example;;;")],
)
def test_a_new_card_has_the_parts_of_a_name(name: str, line: str) -> None:
    """DAV-22: phones show nothing else."""
    assert f"\r\n{line}\r\n" in new_card(Contact(uid="1", name=name)).decode()


async def test_cards_of_a_recovered_account_are_contacts(tmp_path: Path) -> None:
    """DAV-6, STORE-188"""
    accounts = Accounts(tmp_path / "data", Options(min_free_space=0))
    async with accounts.use("mia") as account:
        ada = Contact(name="Ada", emails=(Entry("ada@x.example"),), groups=("Sailing",))
        number = await account.write(lambda tx: contacts.save_contact(tx, ada))
    await accounts.aclose()
    out = tmp_path / "out"
    done = await trio.to_thread.run_sync(recover, "mia", accounts.path("mia") / "account.db", out)
    assert done.losses == []
    again = Accounts(out, Options(check_on_close=True, min_free_space=0))
    async with again.use("mia") as account:
        await account.gatherer.once()
        assert [one for one, _ in await all_of(account)] == [number]
        assert await account.read(groups_of, op="test") == [("Sailing", 1)]
    await again.aclose()
