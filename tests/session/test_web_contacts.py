"""Contacts, their groups and files, and templates (WEBMAIL-126, WEBMAIL-128)."""

from typing import Any

import msgspec
import pytest

from moxlite.store.groupware import resources
from tests.interfaces import posted
from tests.unit.test_cards_contactscsv import GERMAN_THUNDERBIRD, HEADERS, NEW_GOOGLE, OLD_GOOGLE, PAGES, table
from tests.web_rig import Browser, Rig

pytestmark = pytest.mark.served

CARDS = (
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:Ada Lind\r\nEMAIL:ada@nordlicht.example\r\nBDAY:1990-01-02\r\n"
    b"END:VCARD\r\nBEGIN:VCARD\r\nVERSION:3.0\r\nEND:VCARD\r\n"
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Bo\r\nPHOTO:" + b"A" * 13_400_000 + b"\r\nEMAIL:bo@b.example\r\n"
    b"END:VCARD\r\n"
)


def form(name: str, *addresses: str, **more: Any) -> dict[str, Any]:
    """A contact as the page sends it."""
    emails = [{"value": one, "kind": "home"} for one in addresses]
    return {"name": name, "emails": emails, "phones": [], "organization": "", "note": "", "groups": [], **more}


async def import_file(browser: Browser, data: bytes, **more: Any) -> dict[str, Any]:
    """Import a file."""
    target, headers = "/webmail/upload?filename=contacts", {"x-moxlite-csrf": browser.csrf}
    answer = await browser.fetch(target, method="POST", headers=headers, body=data)
    upload = msgspec.json.decode(answer.body)["result"]["upload_id"]
    found: dict[str, Any] = await browser.call("contacts_import", upload_id=upload, **more)
    return found


async def test_a_contact_is_written_found_changed_and_removed(browser: Browser) -> None:
    """WEBMAIL-128, WEBMAIL-24b, STORE-96a, STORE-196: a change by another page is a conflict; what was removed comes
    back.
    """
    first = await browser.call(
        "contact_save", contact=form("  Ada\nLind ", "ada@nordlicht.example", groups=["Sailing"])
    )
    await browser.call("contact_save", contact=form("Bo", "bo@b.example", note="two\nlines", organization="B Inc."))
    listed = await browser.call("contacts")
    assert [one["name"] for one in listed["contacts"]] == ["Ada Lind", "Bo"]
    assert (listed["total"], listed["more"]) == (2, False)
    assert await browser.call("contact_groups") == [{"name": "Sailing", "contacts": 1}]
    for search in ("NORDL", "ada", "sailing"):
        assert [one["id"] for one in (await browser.call("contacts", search=search))["contacts"]] == [first]
    assert [one["id"] for one in (await browser.call("contacts", group="Sailing"))["contacts"]] == [first]
    card = await browser.call("contact", contact_id=first)
    changed = {**card["form"], "name": "Ada L."}
    await browser.call("contact_save", contact=changed, contact_id=first, changed=card["changed"])
    again = await browser.call("contact_save", contact=changed, contact_id=first, changed=card["changed"])
    assert again == first
    other = {**changed, "note": "Another."}
    wrong = await browser.error("contact_save", contact=other, contact_id=first, changed=card["changed"])
    assert wrong == (409, "user:conflict")
    wrong = await browser.error("contact_remove", contact_id=first, changed=card["changed"])
    assert wrong == (409, "user:conflict")
    card = await browser.call("contact", contact_id=first)
    removed = await browser.call("contact_remove", contact_id=first, changed=card["changed"])
    assert await browser.error("contact", contact_id=first) == (404, "user:notFound")
    assert await browser.call("contact_remove", contact_id=first, changed=card["changed"]) == ""
    await browser.call("contact_restore", card=removed)
    assert [one["name"] for one in (await browser.call("contacts"))["contacts"]] == ["Ada L.", "Bo"]
    assert await browser.error("contact_save", contact=form(" ")) == (400, "user:error")


async def test_details_are_read_and_written(browser: Browser) -> None:
    """WEBMAIL-128d: addresses, a birthday without a year, websites; a form without details, or of another name of the
    organization, leaves the rest of the card; a repeated call adds nothing.
    """
    address = {"kind": "home", "street": "Elm 5", "extended": "", "box": "", "city": "Town", "region": ""}
    details = {
        "nickname": "Addie",
        "title": "Translator",
        "department": "Research",
        "birthday": "--03-14",
        "addresses": [{**address, "code": "1", "country": "US"}],
        "websites": [{"value": "https://a.example/x", "kind": "work"}],
    }
    contact = form("Ada Lind", organization="Nordlicht", details=details)
    number = await browser.call("contact_save", contact=contact)
    assert await browser.call("contact_save", contact=contact) == number
    card = await browser.call("contact", contact_id=number)
    assert (card["form"], card["further"]) == (contact, [])
    text = (await browser.fetch("/webmail/contacts.vcf")).body.decode()
    for line in ("BDAY:--0314", "ADR;TYPE=home:;;Elm 5;Town;;1;US", "ORG:Nordlicht;Research", "NICKNAME:Addie"):
        assert f"\r\n{line}\r\n" in text
    await browser.call("contact_save", contact={**contact, "note": "tea", "details": None}, contact_id=number)
    card = await browser.call("contact", contact_id=number)
    assert card["form"] == {**contact, "note": "tea"}
    gone = {**details, "department": "", "birthday": "1988-03-14", "addresses": [], "websites": []}
    await browser.call("contact_save", contact={**contact, "details": gone}, contact_id=number)
    text = (await browser.fetch("/webmail/contacts.vcf")).body.decode()
    assert "\r\nBDAY:19880314\r\n" in text
    assert "\r\nORG:Nordlicht\r\n" in text
    assert "ADR" not in text
    assert "URL" not in text
    for wrong in ("14.3.1988", "1988-13-01", "--03"):
        contact = form("Ada", details={**details, "birthday": wrong})
        assert (await browser.error("contact_save", contact=contact))[0] == 400


@pytest.mark.parametrize("card", ["", "x", "BEGIN:VCARD", "BEGIN:VCARD\r\nEND:VCARD", "\0", "Name\nAda\nBo\n"])
async def test_what_is_no_card_brings_no_contact_back(browser: Browser, card: str) -> None:
    """WEBMAIL-128."""
    assert await browser.error("contact_restore", card=card) == (400, "user:error")
    assert (await browser.call("contacts"))["total"] == 0


async def test_a_contact_whose_answer_was_lost_is_not_doubled(browser: Browser) -> None:
    """WEBMAIL-128: the same contact is added once; one that differs in anything is another."""
    ada = form("Ada", "ada@a.example", groups=["Sailing"])
    first = await browser.call("contact_save", contact=ada)
    assert await browser.call("contact_save", contact=ada) == first
    second = await browser.call("contact_save", contact={**ada, "note": "of the harbour"})
    assert second != first
    assert (await browser.call("contacts"))["total"] == 2


async def test_many_contacts_come_in_pages(rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-128, STORE-96a: by name; there is an end to how many there may be."""
    table = "Name,E-mail Address\n" + "".join(f"Person {n:04},p{n}@x.example\n" for n in range(250))
    assert (await import_file(browser, table.encode(), group="All"))["added"] == 250
    found: list[str] = []
    after, more = 0, True
    while more:
        page = await browser.call("contacts", after=after, group="All")
        found += [one["name"] for one in page["contacts"]]
        after, more = page["contacts"][-1]["id"], page["more"]
    assert found == [f"Person {n:04}" for n in range(250)]
    assert len(await browser.call("group_members", group="All")) == 250
    monkeypatch.setattr(resources, "MAX_CONTACTS", 250)
    assert (await browser.error("contact_save", contact=form("One more")))[0] == 400
    assert (await import_file(browser, table.encode()))["known"] == 250


async def test_names_are_listed_without_their_accents(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-128, STORE-96a."""
    for name in ("Zoé", "Émile", "emma", "Ångström", "Straße", "strasse 2"):
        await browser.call("contact_save", contact=form(name))
    names = ["Ångström", "Émile", "emma", "Straße", "strasse 2", "Zoé"]
    assert [one["name"] for one in (await browser.call("contacts"))["contacts"]] == names


async def test_the_letters_of_all_names_come_with_the_first_page(browser: Browser) -> None:
    """WEBMAIL-128i: of what is searched for, of a group; and larger pages."""
    for name in ("Émile", "emma", "Ångström", "7 Seas", "Юрий", "김민준", "東京"):
        await browser.call("contact_save", contact=form(name, groups=["Few"] if name[0] in "eЮ" else []))
    page = await browser.call("contacts", limit=2)
    assert page["letters"] == ["7", "a", "e", "\u044e", "\u1100", "東"]
    assert (len(page["contacts"]), page["more"]) == (2, True)
    rest = await browser.call("contacts", after=page["contacts"][-1]["id"], limit=1000)
    assert (len(rest["contacts"]), rest["more"], rest["letters"]) == (5, False, [])
    assert (await browser.call("contacts", group="Few"))["letters"] == ["e", "ю"]
    assert (await browser.call("contacts", search="m"))["letters"] == ["a", "e"]
    assert (await browser.error("contacts", limit=1001))[0] == 400


async def test_files_are_imported_and_exported(browser: Browser) -> None:
    """WEBMAIL-128, STORE-96a, STORE-196: unknown properties are kept, not large pictures; nothing is doubled."""
    assert await import_file(browser, CARDS, group="New") == {
        "added": 2,
        "known": 0,
        "unread": 1,
        "dropped": 1,
        "problems": [{"message": "a card doesn't have a name or an address", "words": None}],
    }
    again = await import_file(browser, CARDS.replace(b"ada@nordlicht", b"ada2@nordlicht"))
    assert (again["added"], again["known"]) == (0, 2)
    answer = await browser.fetch("/webmail/contacts.vcf")
    assert answer.headers["content-type"] == "text/vcard; charset=utf-8"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''contacts.vcf"
    text = answer.body.decode()
    assert "BDAY:1990-01-02\r\n" in text
    assert "EMAIL:ada@nordlicht.example" in text
    assert "EMAIL:ada2@nordlicht.example" in text
    assert "PHOTO" not in text
    [ada, _] = (await browser.call("contacts"))["contacts"]
    card = await browser.call("contact", contact_id=ada["id"])
    assert (card["form"]["details"]["birthday"], card["further"]) == ("1990-01-02", [])
    await browser.call("contact_save", contact=card["form"], contact_id=ada["id"])
    assert "BDAY" in (await browser.fetch("/webmail/contacts.vcf")).body.decode()
    table = (await browser.fetch("/webmail/contacts.csv")).body.decode()
    assert table.startswith("Name,Given Name,")
    assert (await import_file(browser, table.encode()))["known"] == 2
    target, headers = "/webmail/upload?filename=x", {"x-moxlite-csrf": browser.csrf}
    picture = await browser.fetch(target, method="POST", headers=headers, body=b"\x89PNG")
    upload = msgspec.json.decode(picture.body)["result"]["upload_id"]
    assert await browser.error("contacts_import", upload_id=upload) == (400, "user:error")
    assert (await browser.error("contacts_import", upload_id=upload))[0] == 400, "the file was removed"


async def read_back(browser: Browser) -> tuple[dict[str, Any], str]:
    """The only contact in the form of the page, and the file of all contacts."""
    [item] = (await browser.call("contacts"))["contacts"]
    answer = await browser.fetch("/webmail/contacts.vcf")
    return (await browser.call("contact", contact_id=item["id"]))["form"], answer.body.decode().replace("\r\n ", "")


@pytest.mark.parametrize("titles", [OLD_GOOGLE, NEW_GOOGLE], ids=["old", "new"])
async def test_tables_of_google_are_imported_whole(browser: Browser, titles: list[str]) -> None:
    """WEBMAIL-128: nothing is told as a problem, and each cell is in the card."""
    values = {title: f"V{number}" for number, title in enumerate(titles) if not title.endswith(("- Type", "- Label"))}
    values |= {"Birthday": "1990-01-02", "Labels": "* myContacts", "Website 1 - Value": "https://a.example/x"}
    done = await import_file(browser, table(titles, values).encode())
    assert (done["added"], done["unread"], done["problems"]) == (1, 0, [])
    _, cards = await read_back(browser)
    assert "BDAY:19900102" in cards
    left_out = ("Address 1 - Formatted", "Birthday", "Labels")
    assert [title for title in values if title not in left_out and values[title] not in cards] == []


@pytest.mark.parametrize("language", HEADERS)
async def test_tables_in_languages_of_the_pages_are_imported(browser: Browser, language: str) -> None:
    """WEBMAIL-128: as Outlook writes them there, with semicolons and in the charset of that Windows."""
    text = f"{HEADERS[language]}\r\nAda,Lind,ada@a.example,+46 2,1990-01-02,x\r\n".replace(",", ";")
    done = await import_file(browser, text.encode(PAGES.get(language, "cp1252")))
    assert (done["added"], done["unread"], done["problems"]) == (1, 0, [])
    form_, cards = await read_back(browser)
    assert (form_["name"], form_["note"]) == ("Ada Lind", "x")
    assert [one["value"] for one in (*form_["emails"], *form_["phones"])] == ["ada@a.example", "+46 2"]
    assert "BDAY:19900102" in cards


@pytest.mark.parametrize("mark", [",", ";", "\t"])
async def test_tables_of_thunderbird_are_imported(browser: Browser, mark: str) -> None:
    """WEBMAIL-128: a German one, in the charset of Windows."""
    values = {"Anzeigename": "Jörg", "Primäre E-Mail-Adresse": "j@a.example", "Spitzname": "Jo", "Notizen": "Größe"}
    values |= {"Geburtsjahr": "1990", "Geburtsmonat": "1", "Geburtstag": "2", "Wohnort privat": "Köln"}
    done = await import_file(browser, table(GERMAN_THUNDERBIRD, values, mark).encode("cp1252"))
    assert (done["added"], done["unread"], done["problems"]) == (1, 0, [])
    form_, cards = await read_back(browser)
    assert (form_["name"], form_["emails"][0]["value"], form_["note"]) == ("Jörg", "j@a.example", "Größe")
    assert all(words in cards for words in ("BDAY:19900102", "NICKNAME:Jo", ";Köln;"))


THUNDERBIRD = {
    "ar": "الاسم الأول,الاسم الأخير,الاسم المعروض,الكنية,عنوان البريد الإلكتروني الأساسي",
    "cs": "Jméno,Příjmení,Zobrazované jméno,Přezdívka,Hlavní e-mailová adresa",
    "en": "First Name,Last Name,Display Name,Nickname,Primary Email",
    "es": "Nombre,Apellidos,Nombre a mostrar,Apodo,Correo-e principal",
    "fr": "Prénom,Nom de famille,Nom à afficher,Surnom,Première adresse électronique",
    "he": "שם פרטי,שם משפחה,שם תצוגה,כינוי,כתובת דוא״ל ראשית",
    "it": "Nome,Cognome,Nome visualizzato,Soprannome,Email primaria",
    "ja": "名,姓,表示名,ニックネーム,メールアドレス",
    "nl": "Voornaam,Achternaam,Weergavenaam,Bijnaam,Primair e-mailadres",
    "pl": "Imię,Nazwisko,Wyświetlana nazwa,Pseudonim,Podstawowy adres e-mail",
    "pt": "Nome,Sobrenome,Nome de exibição,Alcunha,Email principal",
    "sv": "Förnamn,Efternamn,Visningsnamn,Smeknamn,Primär e-postadress",
    "uk": "Ім'я,Прізвище,Показуване ім'я,Псевдонім,Основна адреса ел. пошти",
    "zh": "名,姓,显示名称,昵称,主要电子邮件",
}
"""Titles as Thunderbird's translators write such fields, in the languages of the pages but German."""


@pytest.mark.parametrize("language", THUNDERBIRD)
async def test_tables_of_thunderbird_in_other_languages_are_imported(browser: Browser, language: str) -> None:
    """WEBMAIL-128"""
    done = await import_file(browser, f"{THUNDERBIRD[language]}\r\nAda,Lind,Ada Lind,Adi,ada@a.example\r\n".encode())
    assert (done["added"], done["unread"], done["problems"]) == (1, 0, [])
    form_, cards = await read_back(browser)
    assert (form_["name"], form_["note"], [one["value"] for one in form_["emails"]]) == (
        "Ada Lind",
        "",
        ["ada@a.example"],
    )
    assert "NICKNAME:Adi" in cards


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        ("VERSION:3.0\r\nURL:http\\://a.example/x", "URL:http://a.example/x"),
        ("VERSION:3.0\r\nitem1.URL:http\\://a.example\r\nitem1.X-ABLabel:_$!<HomePage>!$_", "URL:http://a.example"),
        ("VERSION:2.1\r\nADR;HOME;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:;;K=C3=B6;;;;", ":;;Kö;;;;"),
        ("VERSION:3.0\r\nBDAY;X-APPLE-OMIT-YEAR=1604:1604-12-10", "--1210"),
        ("VERSION:3.0\r\nBDAY:1604-12-10", "--1210"),
    ],
)
async def test_cards_of_gmail_and_phones_are_imported(browser: Browser, lines: str, shown: str) -> None:
    """WEBMAIL-128, DAV-11: links without a backslash, version 2.1, birthdays without a year."""
    card = f"BEGIN:VCARD\r\n{lines}\r\nN:Lind;Ada;;;\r\nFN:Ada Lind\r\nEND:VCARD\r\n"
    done = await import_file(browser, card.encode())
    assert (done["added"], done["unread"], done["problems"]) == (1, 0, [])
    assert shown in (await read_back(browser))[1]


async def test_cards_of_a_file_are_kept_to_the_letter(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-128: what a contact has no place for, and a photo above 128 KiB; a second import changes nothing."""
    phone = (
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:kept\r\nN:Lind;Ada;;;\r\nFN:Ada Lind\r\nFN;LANGUAGE=jp:Eida\r\n"
        b"ORG:Nordlicht;Research;Ice\r\nitem1.EMAIL;type=INTERNET;type=WORK;type=pref:ada@nordlicht.exa\r\n mple\r\n"
        b"item1.X-ABLabel:Harbour\r\nTEL;TYPE=CELL,VOICE;PREF=1:+46 1\r\nNOTE:one\r\nNOTE:two\r\n"
        b"PHOTO;ENCODING=b;TYPE=JPEG:" + b"A" * 200_000 + b"\r\nEND:VCARD\r\n"
    )
    without = b"BEGIN:VCARD\nVERSION:4.0\nFN:Bo\nTEL;PREF=2;TYPE=home,voice:tel:+46 2\n"
    old = b"BEGIN:VCARD\nVERSION:2.1\nN:Old;Cy\nEND:VCARD\n"
    file = phone + without + b"END:VCARD\n" + old

    async def cards() -> list[bytes]:
        async with rig.account() as account:
            rows = await account.read(
                lambda r: r.rows("SELECT data FROM resource_data ORDER BY resource_id"), op="test"
            )
            return [bytes(data) for (data,) in rows]

    done = await import_file(browser, b"\xef\xbb\xbf" + file)
    assert (done["added"], done["dropped"], done["problems"]) == (3, 0, [])
    first, second, third = await cards()
    assert first == phone
    assert second.startswith(without + b"UID:urn:uuid:")
    assert third.startswith(b"BEGIN:VCARD\r\nVERSION:4.0\r\n")
    again = await import_file(browser, file)
    assert (again["added"], again["known"]) == (1, 2)  # the old card has neither a UID nor an address
    assert (await cards())[:3] == [first, second, third]
    await import_file(browser, phone.replace(b"UID:kept", b"UID:new").replace(b"ada@", b"eve@"), group="Sailing")
    assert b"CATEGORIES:Sailing\r\n" in (await cards())[-1]
    assert b"\r\nORG:Nordlicht;Research;Ice\r\nitem1.EMAIL" in (await cards())[-1]


async def test_contacts_and_groups_are_suggested(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-89, WEBMAIL-128, STORE-196: own contacts before those one wrote to, each address once; groups by name."""
    await browser.call(
        "contact_save", contact=form("Ada Lind", "ada@a.example", "ada@work.example", groups=["Adult club"])
    )
    await browser.call("contact_save", contact=form("Zoe", "zoe@z.example"))
    found = await browser.call("complete_recipient", search="ad")
    assert [one["address"] for one in found["parties"]] == ["ada@a.example", "ada@work.example"]
    assert found["groups"] == ["Adult club"]
    assert await browser.call("group_members", group="Adult club") == [{"name": "Ada Lind", "address": "ada@a.example"}]
    found = await browser.call("complete_recipient", search="work.ex")
    assert [one["address"] for one in found["parties"]] == ["ada@work.example"]


async def test_a_page_that_completes_by_itself_gets_no_more_than_it_can_keep(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-93: 30,000 addresses of the 500,000 that contacts may have."""
    add = "INSERT INTO contact (id, sorted, found, folded, listed) VALUES (?, ?, ?, '', ?)"

    def row(number: int) -> tuple[int, str, str, str]:
        name = f"person {number:05}"
        emails = [f"p{number}-{at}@x.example" for at in range(50)]
        return number, name, name, msgspec.json.encode({"name": name, "emails": emails, "organization": ""}).decode()

    async with rig.account() as account:
        await account.write(lambda tx: tx.executemany(add, map(row, range(1, 10_001))))
        found = await browser.call("complete_recipient", search="")
        await account.write(lambda tx: tx.execute("DELETE FROM contact"))
    assert (len(found["parties"]), found["complete"]) == (30_000, False)
    assert found["parties"][-1] == {"name": "person 00600", "address": "p600-49@x.example"}
    assert len(msgspec.json.encode(found)) < 3_000_000


async def test_templates_are_kept(browser: Browser) -> None:
    """WEBMAIL-126, WEBMAIL-24b, STORE-96a: by name, each name once; the same again is the same template; one that was
    changed since it was shown isn't changed or removed.
    """
    one = {"id": 0, "name": "Offer", "subject": "Our offer", "text": "Dear {name},\n", "html": ""}
    number = await browser.call("template_save", template=one)
    assert await browser.call("template_save", template=one) == number
    other = {**one, "text": "Dear all,\n"}
    assert await browser.error("template_save", template=other) == (409, "user:conflict")
    [shown] = await browser.call("templates")
    for _ in range(2):  # the answer to the first one was lost
        change = {"id": number, "subject": "Our new offer"}
        await browser.call("template_save", template=change, mark=shown["mark"])
    stale = {"template": {"id": number, "text": "Dear all,\n"}, "mark": shown["mark"]}
    fault = "this was changed elsewhere, so your changes weren't saved: subject"
    assert await posted(browser, "template_save", **stale) == fault
    assert await browser.error("template_save", **stale) == (409, "user:conflict")
    await browser.call("template_save", template={**one, "name": "A first"})
    assert [(each["name"], each["subject"]) for each in await browser.call("templates")] == [
        ("A first", "Our offer"),
        ("Offer", "Our new offer"),
    ]
    removal = {"template_id": number, "mark": shown["mark"]}
    assert await browser.error("template_remove", **removal) == (409, "user:conflict")
    _, shown = await browser.call("templates")
    for _ in range(2):  # the answer to the first one was lost
        await browser.call("template_remove", template_id=number, mark=shown["mark"])
    assert [each["name"] for each in await browser.call("templates")] == ["A first"]
    assert await browser.error("template_save", template={**one, "name": " "}) == (400, "user:fields")
