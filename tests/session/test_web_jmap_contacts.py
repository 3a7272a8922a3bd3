"""Address books and contact cards by JMAP (RFC 9610), beside CardDAV and the webmail."""

import base64
import threading
from typing import Any

import pytest

from moxlite.proto.cards.cardobject import read_card
from moxlite.proto.cards.jscontactshapes import REQUIRED, TYPES
from moxlite.proto.cards.vcard import Contact, Entry
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.groupware.collection import collection, collections_of, delete_collection
from moxlite.store.groupware.contacts import save_contact
from moxlite.store.groupware.resources import card_facts, delete_resource, put_resource, resource_data, resources_of
from moxlite.web.jmap import contacts
from tests.jmap_rig import Client, Object, rig
from tests.session.test_web_dav import BOOK, CR, Program, found, text
from tests.unit.test_cards_jscontact import BESIDE, default_of, members, plain, sample, with_member
from tests.web_rig import Rig

pytestmark = pytest.mark.served

__all__ = ["rig"]

ADA: Object = {
    "name": {
        "full": "Ada Lind",
        "components": [{"kind": "given", "value": "Ada"}, {"kind": "surname", "value": "Lind"}],
    },
    "emails": {"a": {"address": "ada@nordlicht.example"}},
}


async def made(client: Client, **members: Any) -> str:
    found = await client.call("ContactCard/set", create={"a": {**ADA, **members}})
    number: str = found["created"]["a"]["id"]
    return number


async def shown(client: Client, number: str) -> Object:
    [one] = (await client.call("ContactCard/get", ids=[number]))["list"]
    found: Object = one
    return found


async def test_a_card_is_made_changed_and_destroyed(rig: Rig) -> None:
    """JMAP-60, JMAP-61: as JSContact; phones and the webmail have it at once, and lose nothing."""
    client = Client(rig)
    [book] = (await client.call("AddressBook/get"))["list"]
    assert (book["name"], book["isDefault"], book["myRights"]["mayWrite"]) == ("Contacts", True, True)
    before = (await client.call("ContactCard/get"))["state"]
    number = await made(client)
    card = await shown(client, number)
    assert (card["addressBookIds"], card["uid"][:9]) == ({book["id"]: True}, "urn:uuid:")
    assert card["emails"] == ADA["emails"]
    changed = await client.call("ContactCard/changes", sinceState=before)
    assert (changed["created"], changed["updated"], changed["destroyed"]) == ([number], [], [])
    async with rig.account() as account:
        [row] = await account.read(lambda r: resources_of(r, int(book["id"][1:]), 0, 10), op="test")
        data = await account.read(lambda r: resource_data(r, row.id), op="test")
        more = data.replace(b"END:VCARD", b"X-BOAT:Seute Deern\r\nEND:VCARD")
        await account.write(lambda tx: put_resource(tx, row.collection_id, row.name, more, card_facts(more)))
    state = (await client.call("ContactCard/get"))["state"]
    patch = {"emails/b": {"address": "b@x.example"}, "name/full": "A. Lind", "notes": {"n": {"note": "hi"}}}
    assert (await client.call("ContactCard/set", update={number: patch}))["notUpdated"] is None
    card = await shown(client, number)
    assert ([*card["emails"]], card["name"]["full"]) == (["a", "b"], "A. Lind")
    assert card["vCardProps"] == [["x-boat", {}, "unknown", "Seute Deern"]]
    assert (await client.call("ContactCard/changes", sinceState=state))["updated"] == [number]
    assert (await client.call("ContactCard/set", destroy=[number]))["destroyed"] == [number]
    assert (await client.call("ContactCard/changes", sinceState=state))["destroyed"] == [number]
    assert (await client.call("ContactCard/changes", sinceState=before))["created"] == []


async def test_a_card_with_all_sorts_of_properties(rig: Rig) -> None:
    """JMAP-61, DAV-11: is taken whole, shown as it was given, and is a card for phones; a phone's card keeps labels."""
    client = Client(rig)
    card: Object = {
        "name": {
            "components": [{"kind": "surname", "value": "Lind"}, {"kind": "generation", "value": "Jr."}],
            "isOrdered": True,
            "sortAs": {"surname": "lind"},
        },
        "emails": {"a": {"address": "ada@nordlicht.example", "label": "Boat"}},
        "speakToAs": {"grammaticalGender": "neuter"},
        "personalInfo": {"h": {"kind": "hobby", "value": "sailing", "level": "high"}},
        "localizations": {"de": {"titles": None}},
        "anniversaries": {"b": {"kind": "birth", "date": {"@type": "PartialDate", "month": 12, "day": 10}}},
    }
    defaults = {"emails/a/contexts": {}, "keywords": {}, "name/defaultSeparator": "", "phones": {"p": {"number": "1"}}}
    number = await made(client, **card)
    assert card.items() <= (await shown(client, number)).items()
    assert (await client.call("ContactCard/set", update={number: defaults}))["notUpdated"] is None
    found = await shown(client, number)
    assert {**card, "phones": {"p": {"number": "1"}}}.items() <= found.items()
    async with rig.account() as account:
        data = await account.read(lambda r: resource_data(r, int(number[1:])), op="test")
    text = data.decode().replace("\r\n ", "")
    assert 'N;JSCOMPS=";0;6";SORT-AS=lind:Lind;;;;;;Jr.' in text
    assert "item1.EMAIL;PROP-ID=a:ada@nordlicht.example" in text
    assert "item1.X-ABLabel:Boat" in text
    assert "BDAY;PROP-ID=b:--1210" in text


async def test_texts_with_quotes_are_lines_for_other_programs(rig: Rig) -> None:
    """JMAP-61, DAV-11a: a phone has the name and the note; labels and systems of sounds have them as parameters."""
    client, phone = Client(rig), Program(rig)
    name = {"components": [{"kind": "given", "value": 'Jim "Jimmie"'}], "full": 'Jim "Jimmie"'}
    notes = {"n": {"note": 'said "no",\ntwice', "author": {"name": 'A "B" ^C'}}}
    card = {"name": name, "notes": notes, "emails": {"e": {"address": "jim@else.example", "label": 'the "big" one'}}}
    number = await made(client, **card)
    answer = await phone.report(BOOK, "CR:addressbook-query", f"<D:prop>{FOURTH}</D:prop><CR:filter/>", depth="1")
    [lines] = [text(props[CR + "address-data"]).replace("\r\n ", "") for props in found(answer).values()]
    for line in (
        'FN:Jim "Jimmie"',
        'N:;Jim "Jimmie";;;',
        'said "no"\\,\\ntwice',
        "AUTHOR-NAME=A ^'B^' ^^C",
        'the "big" one',
    ):
        assert line in lines
    assert "JSPROP" not in lines
    assert card.items() <= (await shown(client, number)).items()


async def test_every_property_is_read_alike_after_a_program_put_it_back(rig: Rig) -> None:
    """JMAP-61, DAV-11: with its default and with a value, by JMAP and after a round trip through CardDAV."""
    client, phone = Client(rig), Program(rig)
    wanted: dict[str, Object] = {}
    for number, path in enumerate(path for path in members() if path[-1] != "uid"):
        own = (path[-2], path[-1])
        for at, value in enumerate((sample(TYPES[own[0]][own[1]], own), default_of(own))):
            if value is not None or (at and own[1] not in REQUIRED.get(own[0], ())):
                wanted[f"u{number}-{at}"] = {**with_member("Card", path, value, all_of=False), "uid": f"u{number}-{at}"}
    wanted["beside"] = {name: value for name, value in BESIDE.items() if name[0] != "@"} | {"uid": "beside"}
    done = await client.call("ContactCard/set", create=wanted)
    assert done["notCreated"] is None

    async def told() -> Object:
        cards = (await client.call("ContactCard/get"))["list"]
        by_server = {uid: {"created", "updated"} - card.keys() for uid, card in right.items()}
        names = {card["uid"]: {*TYPES["Card"]} - by_server[card["uid"]] for card in cards}
        return {card["uid"]: plain({name: card[name] for name in card.keys() & names[card["uid"]]}) for card in cards}

    right = {uid: plain({"version": "1.0", **card}) for uid, card in wanted.items()}
    assert await told() == right
    answer = await phone.report(BOOK, "CR:addressbook-query", f"<D:prop>{FOURTH}</D:prop><CR:filter/>", depth="1")
    cards = {path: text(props[CR + "address-data"]) for path, props in found(answer).items()}
    assert len(cards) == len(wanted)
    for href, card in cards.items():
        await phone.ask("DELETE", href)
        put = await phone.ask("PUT", href, card.replace("END:VCARD", "X-BOAT:Passat\r\nEND:VCARD"))
        assert put.status == 201, put.body
    assert await told() == right


FOURTH = '<CR:address-data content-type="text/vcard" version="4.0"/>'


async def test_wrong_cards_are_refused_one_by_one(rig: Rig) -> None:
    """JMAP-61: each with the property that is wrong."""
    client = Client(rig)
    await made(client, uid="u1")
    wrong: dict[str, tuple[Object, str]] = {
        "twice": ({"uid": "u1"}, "uid"),
        "nowhere": ({"addressBookIds": {"B999": True}}, "addressBookIds"),
        "two": ({"addressBookIds": {"B1": True, "B2": True}}, "addressBookIds"),
        "id": ({"id": "C1"}, "id"),
        "email": ({"emails": {"a": {"address": 1}}}, "emails"),
        "more": ({"shoes": 1}, "shoes"),
    }
    found = await client.call("ContactCard/set", create={key: {**ADA, **more} for key, (more, _) in wrong.items()})
    assert {key: one["properties"] for key, one in found["notCreated"].items()} == {
        key: [name] for key, (_, name) in wrong.items()
    }
    number = (await client.call("ContactCard/query"))["ids"][0]
    patches = {number: {"emails/x/address": "a"}, "C999": {}}
    kinds = await client.call("ContactCard/set", update=patches, destroy=["C998"])
    assert kinds["notUpdated"][number]["type"] == "invalidPatch"
    assert (kinds["notUpdated"]["C999"]["type"], kinds["notDestroyed"]["C998"]["type"]) == ("notFound", "notFound")
    assert await client.error("ContactCard/copy", fromAccountId="utom", create={}) == "fromAccountNotFound"


async def test_cards_are_found(rig: Rig) -> None:
    """JMAP-62: by text, name, address, book and time; sorted by parts of the name."""
    client = Client(rig)
    ada = await made(client)
    bob = await made(
        client,
        name={"components": [{"kind": "given", "value": "Bob"}, {"kind": "surname", "value": "Ahrens"}]},
        emails={},
        kind="individual",
        keywords={"Boats": True},
    )
    [book] = (await client.call("AddressBook/get", properties=["id"]))["list"]

    async def ids(wish: Object | None, **more: Any) -> list[str]:
        found: list[str] = (await client.call("ContactCard/query", filter=wish, **more))["ids"]
        return found

    assert await ids({"text": "lind ADA"}) == [ada]
    assert await ids({"text": "lin* ada*"}) == [ada]
    assert await ids({"text": '"lind ada"'}) == []
    assert await ids({"text": "boats"}) == [bob]
    assert await ids({"email": "nordlicht"}) == [ada]
    assert await ids({"name/surname": "ahr"}) == [bob]
    assert await ids({"inAddressBook": book["id"], "kind": "individual"}) == [ada, bob]
    assert await ids({"inAddressBook": "B99"}) == []
    assert await ids({"createdBefore": "2020-01-01T00:00:00Z"}) == []
    assert await ids({"operator": "NOT", "conditions": [{"text": "bob"}]}) == [ada]
    assert await ids(None, sort=[{"property": "name/surname"}]) == [bob, ada]
    assert await ids(None, sort=[{"property": "name/surname"}], position=1, limit=1) == [ada]
    assert await client.error("ContactCard/query", filter={"shoe": "x"}) == "unsupportedFilter"
    assert await client.error("ContactCard/query", sort=[{"property": "shoe"}]) == "unsupportedSort"


async def test_a_card_moves_to_another_book_and_keeps_its_id(rig: Rig) -> None:
    """JMAP-60: and a picture comes from a blob."""
    client = Client(rig)
    made_book = await client.call("AddressBook/set", create={"w": {"name": "Work", "sortOrder": 2}})
    work = made_book["created"]["w"]["id"]
    number = await made(client)
    state = (await client.call("ContactCard/get"))["state"]
    blob = await client.upload(b"ABC", "image/png")
    patch = {"addressBookIds": {work: True}, "media": {"p": {"kind": "photo", "blobId": blob}}}
    assert (await client.call("ContactCard/set", update={number: patch}))["notUpdated"] is None
    card = await shown(client, number)
    assert card["addressBookIds"] == {work: True}
    assert card["media"]["p"]["uri"] == f"data:image/png;base64,{base64.b64encode(b'ABC').decode()}"
    changed = await client.call("ContactCard/changes", sinceState=state)
    assert (changed["created"], changed["updated"], changed["destroyed"]) == ([], [number], [])
    kept = await client.call("AddressBook/set", destroy=[work])
    assert kept["notDestroyed"][work]["type"] == "addressBookHasContents"
    named = await client.call("AddressBook/set", update={work: {"name": "Office", "description": "of work"}})
    assert named["notUpdated"] is None
    changed = await client.call("AddressBook/changes", sinceState=made_book["oldState"])
    assert work in changed["created"]
    gone = await client.call("AddressBook/set", destroy=[work], onDestroyRemoveContents=True)
    assert gone["destroyed"] == [work]
    assert await client.error("ContactCard/changes", sinceState=state) == "cannotCalculateChanges"
    assert work in (await client.call("AddressBook/changes", sinceState=named["newState"]))["destroyed"]
    bad = {"a": {"name": ""}, "b": {"name": "x", "shareWith": {"umia": {}}}, "c": {"name": "x", "sortOrder": -1}}
    wrong = (await client.call("AddressBook/set", create=bad))["notCreated"]
    assert {key: one["properties"] for key, one in wrong.items()} == {
        "a": ["name"],
        "b": ["shareWith"],
        "c": ["sortOrder"],
    }


async def test_what_a_phone_has_written_of_a_book_stays(rig: Rig) -> None:
    """JMAP-60: a name or an order that JMAP does not take is not judged, nor changed, with another property."""
    client = Client(rig)
    [book] = (await client.call("AddressBook/get"))["list"]
    number = int(book["id"][1:])

    def write(tx: AccountTx) -> None:
        tx.execute("UPDATE collection SET display_name = ?, position = -5 WHERE id = ?", "n" * 900, number)

    async with rig.account() as account:
        await account.write(write)
        patch = {book["id"]: {"description": "new"}}
        assert (await client.call("AddressBook/set", update=patch))["notUpdated"] is None
        found = await account.read(lambda r: collection(r, number), op="test")
    assert (found.display_name, found.position, found.description) == ("n" * 900, -5, "new")
    made = await client.call("AddressBook/set", create={"a": {"name": "A"}, "b": {"name": "B"}})
    ids = [made["created"][key]["id"] for key in ("a", "b")]
    swapped = await client.call("AddressBook/set", update={ids[0]: {"name": "B"}, ids[1]: {"name": "A"}})
    assert swapped["notUpdated"] is None


async def test_what_others_change_is_told(rig: Rig) -> None:
    """JMAP-60, JMAP-40: contacts of the webmail, and a phone that puts a removed card back under its old name."""
    client = Client(rig)
    state = (await client.call("AddressBook/get"))["state"]
    async with rig.account() as account:
        contact = Contact(name="Tea", emails=(Entry("tea@x.example"),))
        number = await account.write(lambda tx: save_contact(tx, contact))
        found = await client.call("ContactCard/changes", sinceState=state)
        assert found["created"] == [f"C{number}"]
        [book] = await account.read(lambda r: collections_of(r, "contact"), op="test")
        [row] = await account.read(lambda r: resources_of(r, book.id, 0, 10), op="test")
        data = await account.read(lambda r: resource_data(r, row.id), op="test")
        await account.write(lambda tx: delete_resource(tx, book.id, row.name, lambda _: None))
        await account.write(lambda tx: put_resource(tx, book.id, row.name, data, card_facts(data)))
        assert [one["id"] for one in (await client.call("ContactCard/get"))["list"]] == [f"C{number}"]
        await account.write(lambda tx: delete_collection(tx, book.id))
    assert (await client.call("AddressBook/get"))["list"] == []


async def test_a_large_card_is_read_in_a_thread(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-199: one of 1 MiB, which any program may put, would hold the loop for a second."""
    client, threads = Client(rig), set[str]()
    number = await made(client)
    real = read_card

    def read(data: bytes) -> Any:
        threads.add(threading.current_thread().name)
        return real(data)

    monkeypatch.setattr(contacts, "read_card", read)
    assert (await client.call("ContactCard/set", update={number: {"kind": "org"}}))["notUpdated"] is None
    assert threads
    assert threading.main_thread().name not in threads
