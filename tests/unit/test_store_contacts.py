"""Contacts are cards: those from before become cards, and changes keep what only other programs know (DAV-22)."""

import json
import time
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
import trio

from moxlite.proto.cards.cardobject import changed_card, new_card, read_card
from moxlite.proto.cards.vcard import Contact, Entry
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.gentestdata import ACCOUNTS
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.groupware import contacts
from moxlite.store.groupware.cards import Listed
from moxlite.store.groupware.collection import has_due
from moxlite.store.groupware.groups import groups_of
from moxlite.store.groupware.resources import resource_of
from moxlite.store.options import Options
from moxlite.store.people.correspondents import known_address
from moxlite.store.recover.rebuild import recover
from moxlite.store.types import GroupwareChanged
from moxlite.store.upkeep.check import check_account
from tests.store_fixtures import accounts, store_options
from tests.tools import slowness
from tests.upgrade_fixtures import unpack

__all__ = ["accounts", "store_options"]

PHONE = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:phone-1\r\nN:Lind;Ada;;Dr.;\r\nFN:Ada Lind\r\nORG:Nordlicht;Research\r\n"
    "item1.EMAIL;type=INTERNET;type=WORK;type=pref:ada@nordlicht.example\r\nitem1.X-ABLabel:_$!<Work>!$_\r\n"
    "EMAIL;TYPE=home:ada@home.example\r\nADR;TYPE=home:;;Hamngatan 1;Kiruna;;981;SE\r\nX-SPOUSE:Bo\r\n"
    "PHOTO;ENCODING=b;TYPE=JPEG:" + "A" * 40_000 + "\r\nEND:VCARD\r\n"
)
FULL: dict[str, Any] = {
    "uid": "1",
    "name": "Ada Lind",
    "parts": ["Lind", "Ada"],
    "emails": [{"value": "Ada@nordlicht.example", "kind": "work"}, {"value": "ada@home.example", "kind": ""}],
    "phones": [{"value": "+46 1", "kind": "mobile"}],
    "organization": "Nordlicht, Research",
    "note": "two\nlines; with, marks \\ and more",
    "groups": ["Sailing", "A, B"],
    "other": ["BDAY:1990-01-02", "ADR;TYPE=home:;;Hamngatan 1;Kiruna;;981;SE"],
    "dropped": [],
}


def before(folder: Path, cards: list[dict[str, Any]], *, put: bool) -> Path:
    """A data directory with contacts from before; `put`: the account also has resources."""
    data = unpack("0.1.0-account-0030" if put else "0.1.0-account-0027", folder / "data")
    db = apsw.Connection(str(data / f"accounts/{ACCOUNTS[2]}/account.db"))
    with db:
        for number, card in enumerate(cards, 5):
            texts = (card["name"].casefold(), "\n".join((card["name"], *(f"<{e['value']}>" for e in card["emails"]))))
            sql = "INSERT INTO contact (id, uid, sorted, found, changed, card) VALUES (?, ?, ?, ?, ?, ?)"
            db.execute(sql, (number, card["uid"], texts[0], texts[1].casefold(), 7, json.dumps(card)))
            for entry in card["emails"]:
                localpart, _, domain = entry["value"].partition("@")
                db.execute("INSERT INTO contact_address VALUES (?, ?, ?)", (number, localpart, domain))
            for group in card["groups"]:
                db.execute("INSERT INTO contact_group VALUES (?, ?)", (group, number))
    db.close()
    return data


def person(number: int, **more: Any) -> dict[str, Any]:
    emails = [{"value": f"p{number}@x.example", "kind": ""}]
    return {**FULL, "uid": f"u{number}", "name": f"P {number:05}", "parts": [], "emails": emails, **more}


async def all_of(account: OpenAccount) -> list[tuple[int, Listed]]:
    found = await account.read(contacts.find_contacts, op="test")
    return [(one.id, one.listed) for one in found]


@pytest.mark.parametrize("put", [False, True])
async def test_contacts_from_before_become_cards(tmp_path: Path, caplog: pytest.LogCaptureFixture, put: bool) -> None:
    """DAV-22: all is kept, ids stay; one that no card can hold stays, and is named; the known stay known throughout."""
    broken = person(2, other=["no property"])
    data = before(tmp_path, [FULL, person(1, note="a\r\nb", uid="card"), broken], put=put)
    accounts = Accounts(data, Options(min_free_space=0, check_on_close=not put))
    try:
        async with accounts.use(ACCOUNTS[2]) as account:
            raised = (await all_of(account))[0][0] - 5
            assert (raised > 0) == put
            wanted = [(raised + 5, "Ada Lind"), (raised + 6, "P 00001"), (raised + 7, "P 00002")]
            known = await account.read(lambda r: known_address(r, "Ada", "nordlicht.example"), op="test")
            assert (known and (known.name, known.contact_id)) == ("Ada Lind", raised + 5)
            assert [(number, one.name) for number, one in await all_of(account)][:3] == wanted
            _, changes = await account.subscribe()
            await account.gatherer.once()
            found = [(number, one.name) for number, one in await all_of(account)]
            assert [one for one in found if one[1] != "Ada"] == wanted
            assert len(found) == 3 + put
            events = (await changes.take()).events
            assert "contact" in {one.kind for one in events if isinstance(one, GroupwareChanged)}
            ada = await account.read(lambda r: contacts.contact_of(r, raised + 5), op="test")
            assert ada is not None
            assert json.loads(json.dumps(FULL))["other"] == list(ada.contact.other)
            emails = (Entry("Ada@nordlicht.example", "work"), Entry("ada@home.example"))
            assert (ada.contact.emails, ada.contact.note, ada.contact.groups) == (
                emails,
                FULL["note"],
                ("Sailing", "A, B"),
            )
            assert ada.contact.parts[:2] == ("Lind", "Ada")
            one = await account.read(lambda r: resource_of(r, raised + 5), op="test")
            assert (one and one.uid) == "1"
            assert [one.kv["contact"] for one in caplog.records if "stays as it is" in one.message] == [raised + 7]  # type: ignore[attr-defined]  # set by the log
            stays = await account.read(lambda r: contacts.contact_of(r, raised + 7), op="test")
            assert stays is not None
            assert await account.read(has_due, op="test") is False
            mended = Contact(name="P 2", emails=stays.contact.emails)
            assert await account.write(lambda tx: contacts.save_contact(tx, mended, raised + 7)) == raised + 7
            assert await account.scan(lambda r: check_account(r, deep=True), op="test") == []
    finally:
        await accounts.aclose()


async def test_thousands_of_contacts_become_cards_in_slices(tmp_path: Path) -> None:
    """DAV-22: each unit is short, so that mail goes on; the quota stops none."""
    data = before(tmp_path, [person(number) for number in range(2000)], put=False)
    accounts = Accounts(data, Options(min_free_space=0))
    try:
        async with accounts.use(ACCOUNTS[2]) as account:
            took = []
            while await account.read(has_due, op="test"):
                began = time.process_time()
                await account.write(contacts.settle_contacts)
                took.append(time.process_time() - began)
            assert len(took) == 2000 // contacts.SLICE
            assert len(await all_of(account)) == 2000
            assert (await account.read(lambda r: r.value("SELECT count(*) FROM contact_due"), op="test")) == 0
            assert sorted(took)[len(took) // 2] < 0.1 * slowness()  # 30 ms, twice that beside other work
    finally:
        await accounts.aclose()


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
