"""Contacts as tables (WEBMAIL-128)."""

import csv
import io

import msgspec
import pytest
from hypothesis import given, strategies as st

from moxlite.normal import normalized
from moxlite.proto.cards.cardobject import new_card
from moxlite.proto.cards.contactfiles import read_contacts
from moxlite.proto.cards.contactscsv import read_csv, write_csv
from moxlite.proto.cards.contentline import unescaped
from moxlite.proto.cards.vcard import Contact, Entry, Unreadable, named_parts

GMAIL = (
    "Name,Given Name,Family Name,Group Membership,"
    "E-mail 1 - Type,E-mail 1 - Value,Phone 1 - Type,Phone 1 - Value,Notes\r\n"
    'Ada Lind,Ada,Lind,Sailing ::: * myContacts,Work,ada@a.example ::: a2@a.example,Mobile,+46 1,"two\nlines"\r\n'
)
GMAIL_2025 = (
    "First Name,Middle Name,Last Name,Labels,E-mail 1 - Label,E-mail 1 - Value\n"
    "Ada,K.,Lind,Sailing ::: * myContacts,* Home,ada@a.example\n"
)
OUTLOOK = (
    '"First Name","Last Name","Company","Business Phone","Mobile Phone","Categories",'
    '"E-mail Address","E-mail 2 Address","Notes"\r\n'
    '"Ada","Lind","Nordlicht","+46 2","+46 1","Sailing;Friends","ada@a.example","a2@a.example",""\r\n'
)
THUNDERBIRD = (
    "First Name,Last Name,Display Name,Nickname,Primary Email,Secondary Email,Work Phone,Notes\n"
    "Ada,Lind,Ada L.,,ada@a.example,a2@a.example,+46 2,x\n"
)


def one(text: str) -> Contact:
    """The only contact of a table."""
    [found] = read_csv(text.encode())
    assert isinstance(found, Contact), found
    return found


def test_gmails_tables_are_read() -> None:
    """WEBMAIL-128: of both kinds of columns."""
    found = one(GMAIL)
    assert (found.name, found.parts, found.groups, found.note) == (
        "Ada Lind",
        ("Lind", "Ada", ""),
        ("Sailing",),
        "two\nlines",
    )
    assert found.emails == (Entry("ada@a.example", "work"), Entry("a2@a.example", "work"))
    assert found.phones == (Entry("+46 1", "mobile"),)
    found = one(GMAIL_2025)
    assert (found.name, found.emails, found.groups) == ("Ada K. Lind", (Entry("ada@a.example", "home"),), ("Sailing",))


def test_outlooks_tables_are_read() -> None:
    """WEBMAIL-128."""
    found = one(OUTLOOK)
    assert (found.name, found.organization, found.groups) == ("Ada Lind", "Nordlicht", ("Sailing", "Friends"))
    assert [entry.value for entry in found.emails] == ["ada@a.example", "a2@a.example"]
    assert found.phones == (Entry("+46 2", "work"), Entry("+46 1", "mobile"))


OLD_GOOGLE = [
    "Name",
    "Given Name",
    "Additional Name",
    "Family Name",
    "Yomi Name",
    "Given Name Yomi",
    "Additional Name Yomi",
    "Family Name Yomi",
    "Name Prefix",
    "Name Suffix",
    "Initials",
    "Nickname",
    "Short Name",
    "Maiden Name",
    "Birthday",
    "Gender",
    "Location",
    "Billing Information",
    "Directory Server",
    "Mileage",
    "Occupation",
    "Hobby",
    "Sensitivity",
    "Priority",
    "Subject",
    "Notes",
    "Language",
    "Photo",
    "Group Membership",
    "E-mail 1 - Type",
    "E-mail 1 - Value",
    "IM 1 - Type",
    "IM 1 - Service",
    "IM 1 - Value",
    "Phone 1 - Type",
    "Phone 1 - Value",
    "Address 1 - Type",
    "Address 1 - Formatted",
    "Address 1 - Street",
    "Address 1 - City",
    "Address 1 - PO Box",
    "Address 1 - Region",
    "Address 1 - Postal Code",
    "Address 1 - Country",
    "Address 1 - Extended Address",
    "Organization 1 - Type",
    "Organization 1 - Name",
    "Organization 1 - Yomi Name",
    "Organization 1 - Title",
    "Organization 1 - Department",
    "Organization 1 - Symbol",
    "Organization 1 - Location",
    "Organization 1 - Job Description",
    "Relation 1 - Type",
    "Relation 1 - Value",
    "Website 1 - Type",
    "Website 1 - Value",
    "Event 1 - Type",
    "Event 1 - Value",
    "Custom Field 1 - Type",
    "Custom Field 1 - Value",
    "Jot 1 - Type",
    "Jot 1 - Value",
]
NEW_GOOGLE = [
    "First Name",
    "Middle Name",
    "Last Name",
    "Phonetic First Name",
    "Phonetic Middle Name",
    "Phonetic Last Name",
    "Name Prefix",
    "Name Suffix",
    "Nickname",
    "File As",
    "Organization Name",
    "Organization Title",
    "Organization Department",
    "Birthday",
    "Notes",
    "Photo",
    "Labels",
    "E-mail 1 - Label",
    "E-mail 1 - Value",
    "Phone 1 - Label",
    "Phone 1 - Value",
    "Address 1 - Label",
    "Address 1 - Formatted",
    "Address 1 - Street",
    "Address 1 - City",
    "Address 1 - PO Box",
    "Address 1 - Region",
    "Address 1 - Postal Code",
    "Address 1 - Country",
    "Address 1 - Extended Address",
    "Website 1 - Label",
    "Website 1 - Value",
    "Event 1 - Label",
    "Event 1 - Value",
    "Custom Field 1 - Label",
    "Custom Field 1 - Value",
]
GERMAN_OUTLOOK = [
    "Anrede",
    "Vorname",
    "Weitere Vornamen",
    "Nachname",
    "Suffix",
    "Firma",
    "Abteilung",
    "Position",
    "Straße geschäftlich",
    "Ort geschäftlich",
    "Region geschäftlich",
    "Postleitzahl geschäftlich",
    "Land/Region geschäftlich",
    "Straße privat",
    "Ort privat",
    "Bundesland/Kanton privat",
    "Postleitzahl privat",
    "Land/Region privat",
    "Fax geschäftlich",
    "Telefon geschäftlich",
    "Mobiltelefon",
    "Telefon (privat)",
    "E-Mail-Adresse",
    "E-Mail-Typ",
    "E-Mail: Angezeigter Name",
    "E-Mail 2: Adresse",
    "Geburtstag",
    "Kategorien",
    "Notizen",
    "Webseite",
    "Büro",
]
GERMAN_THUNDERBIRD = [
    "Vorname",
    "Nachname",
    "Anzeigename",
    "Spitzname",
    "Primäre E-Mail-Adresse",
    "Sekundäre E-Mail-Adresse",
    "Tel. dienstlich",
    "Tel. privat",
    "Fax-Nummer",
    "Mobil-Tel.-Nr.",
    "Adresse privat",
    "Adresse privat 2",
    "Wohnort privat",
    "Bundesland privat",
    "PLZ privat",
    "Land privat",
    "Position",
    "Abteilung",
    "Organisation",
    "Webseite 1",
    "Geburtsjahr",
    "Geburtsmonat",
    "Geburtstag",
    "Notizen",
]


def table(titles: list[str], values: dict[str, str], mark: str = ",") -> str:
    """A table with one row."""
    return f"{mark.join(titles)}\r\n{mark.join(values.get(title, '') for title in titles)}\r\n"


@pytest.mark.parametrize("titles", [OLD_GOOGLE, NEW_GOOGLE])
def test_all_columns_of_google_are_kept(titles: list[str]) -> None:
    """WEBMAIL-128: an address, a day, a website have their places; the rest is in the note."""
    values = {
        **{title: f"V{number}" for number, title in enumerate(titles)},
        "Birthday": " --03-04",
        "Address 1 - Type": "Home",
        "Address 1 - Label": "* Home",
        "Website 1 - Value": "https://a.example/x",
        "Organization 1 - Name": "Nordlicht",
        "Labels": "* myContacts",
    }
    found = one(table(titles, values))
    shape = [f"Address 1 - {part}" for part in ("PO Box", "Extended Address", "Street", "City", "Region")]
    shape += ["Address 1 - Postal Code", "Address 1 - Country"]
    assert f"ADR;TYPE=home:{';'.join(values[title] for title in shape)}" in found.other
    assert {"BDAY:--0304", "URL:https://a.example/x", f"NICKNAME:{values['Nickname']}"} <= {*found.other}
    said = new_card(found).decode().replace("\r\n ", "")
    beside = {"Address 1 - Formatted", "Birthday", "Labels"} | {t for t in titles if t.endswith(("- Type", "- Label"))}
    assert [title for title in titles if title not in beside and values[title] not in said] == []


@pytest.mark.parametrize("charset", ["cp1252", "utf-8", "utf-8-sig", "utf-16"])
def test_german_tables_are_read(charset: str) -> None:
    """WEBMAIL-128: with semicolons, in the charset of Windows, too."""
    values = {
        "Vorname": "Jörg",
        "Nachname": "Weiß",
        "Firma": "Nordlicht",
        "Abteilung": "Vertrieb",
        "Position": "Leiter",
        "Straße privat": "Am Weg 1",
        "Ort privat": "Köln",
        "Postleitzahl privat": "50667",
        "Land/Region privat": "DE",
        "Telefon geschäftlich": "+49 1",
        "Mobiltelefon": "+49 2",
        "E-Mail-Adresse": "j@a.example",
        "E-Mail-Typ": "SMTP",
        "E-Mail: Angezeigter Name": "Jörg Weiß (j@a.example)",
        "Geburtstag": "2.1.1990",
        "Webseite": "www.a.example",
        "Büro": "7b",
        "E-Mail 2: Adresse": "k@a.example",
        "Notizen": "Größe",
    }
    [found] = read_contacts([table(GERMAN_OUTLOOK, values, ";").encode(charset)])
    assert isinstance(found, Contact)
    assert (found.name, found.organization, found.note) == ("Jörg Weiß", "Nordlicht, Vertrieb", "Größe\nBüro: 7b")
    assert found.emails == (Entry("j@a.example"), Entry("k@a.example"))
    assert found.phones == (Entry("+49 1", "work"), Entry("+49 2", "mobile"))
    assert {*found.other} == {
        *("TITLE:Leiter", "BDAY:19900102", "URL:www.a.example", "ADR;TYPE=home:;;Am Weg 1;Köln;;50667;DE"),
    }
    values = {
        "Anzeigename": "Jörg",
        "Primäre E-Mail-Adresse": "j@a.example",
        "Geburtsjahr": "1990",
        "Geburtsmonat": "1",
        "Geburtstag": "2",
        "Adresse privat": "Am Weg 1",
        "Adresse privat 2": "Hof",
        "PLZ privat": "50667",
        "Tel. dienstlich": "+49 1",
        "Fax-Nummer": "+49 3",
        "Wohnort privat": "Köln",
        "Spitzname": "Jo",
    }
    [found] = read_csv(table(GERMAN_THUNDERBIRD, values, ";").encode(charset))
    assert isinstance(found, Contact)
    assert (found.phones, found.note) == ((Entry("+49 1", "work"), Entry("+49 3", "fax")), "")
    assert {*found.other} == {"BDAY:19900102", "NICKNAME:Jo", "ADR;TYPE=home:;;Am Weg 1\\, Hof;Köln;;50667;"}


HEADERS = {
    "ar": "الاسم الأول,اسم العائلة,عنوان البريد الإلكتروني,هاتف العمل,تاريخ الميلاد,ملاحظات",
    "cs": "Jméno,Příjmení,E-mailová adresa,Telefon do zaměstnání,Narozeniny,Poznámky",
    "de": "Vorname,Nachname,E-Mail-Adresse,Telefon geschäftlich,Geburtstag,Notizen",
    "en": "First Name,Last Name,E-mail Address,Business Phone,Birthday,Notes",
    "es": "Nombre,Apellidos,Dirección de correo electrónico,Teléfono del trabajo,Cumpleaños,Notas",
    "fr": "Prénom,Nom,Adresse de messagerie,Téléphone (bureau),Date de naissance,Notes",
    "he": "שם פרטי,שם משפחה,כתובת דואר אלקטרוני,טלפון בעבודה,יום הולדת,הערות",
    "it": "Nome,Cognome,Indirizzo posta elettronica,Telefono (uff.) ufficio,Compleanno,Note",
    "ja": "名,姓,電子メール アドレス,会社電話,誕生日,メモ",
    "nl": "Voornaam,Achternaam,E-mailadres,Telefoon op werk,Verjaardag,Notities",
    "pl": "Imię,Nazwisko,Adres e-mail,Telefon służbowy,Urodziny,Notatki",
    "pt": "Nome,Sobrenome,Endereço de Email,Telefone comercial,Aniversário,Notas",
    "sv": "Förnamn,Efternamn,E-postadress,Telefon arbete,Födelsedag,Anteckningar",
    "uk": "Ім’я,Прізвище,Адреса електронної пошти,Робочий телефон,День народження,Нотатки",
    "zh": "名,姓,电子邮件地址,单位电话,生日,附注",
}
PAGES = {"ar": "cp1256", "cs": "cp1250", "he": "cp1255", "ja": "cp932", "pl": "cp1250", "uk": "cp1251", "zh": "gb18030"}


@pytest.mark.parametrize("language", HEADERS)
@pytest.mark.parametrize("mark", [",", ";"])
def test_titles_of_the_languages_of_the_pages_are_known(language: str, mark: str) -> None:
    """WEBMAIL-128: in UTF-8, and in the charset of a Windows of that language."""
    text = f"{HEADERS[language]}\r\nAda,Lind,ada@a.example,+46 2,1990-01-02,x\r\n".replace(",", mark)
    for charset in ("utf-8", PAGES.get(language, "cp1252")):
        [found] = read_csv(text.encode(charset))
        assert isinstance(found, Contact)
        assert (found.parts[:2], found.emails, found.note) == (("Lind", "Ada"), (Entry("ada@a.example"),), "x")
        assert (found.phones, found.other) == ((Entry("+46 2", "work"),), ("BDAY:19900102",))


@pytest.mark.parametrize(
    ("cells", "day"),
    [
        (["1/2/1990"], "19900102"),
        (["1/2/1990", "13/2/1990"], "19900201"),
        (["2.1.1990"], "19900102"),
        (["1990/1/2"], "19900102"),
        (["1604-01-02"], "--0102"),
        (["0/0/00"], ""),
    ],
)
def test_days_are_read_as_the_table_writes_them(cells: list[str], day: str) -> None:
    """WEBMAIL-128: whether the day is first is seen in other rows."""
    rows = "".join(f"Ada,{cell}\n" for cell in cells)
    found = next(read_csv(f"Name,Birthday\n{rows}".encode()))
    assert isinstance(found, Contact)
    assert (found.other, found.note) == ((f"BDAY:{day}",) if day else (), "")


CELL = st.text(st.characters(codec="utf-8", categories=("L", "N")), max_size=30).map("x".__add__)


@given(
    st.sampled_from([OLD_GOOGLE, NEW_GOOGLE, GERMAN_OUTLOOK, GERMAN_THUNDERBIRD]).flatmap(
        lambda titles: st.dictionaries(st.sampled_from([*titles, "Einkommen", ""]), CELL, min_size=1)
    )
)
def test_every_cell_is_stored_or_told(values: dict[str, str]) -> None:
    """WEBMAIL-128: whatever is in a column, known or not."""
    titles = [*values, "Name"]
    out = io.StringIO()
    csv.writer(out).writerows([titles, [*values.values(), "Ada"]])
    found = [*read_csv(out.getvalue().encode())]
    assert isinstance(found[0], Contact)
    said = normalized("NFC", found[0].note + "\0".join(found[0].groups) + unescaped(new_card(found[0]).decode()))
    for title, value in values.items():
        beside = title.endswith(("- Type", "- Label", "- Formatted"))
        assert beside or len(found) > 1 or normalized("NFC", value) in "".join(said.split())


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_thunderbirds_tables_are_read(mark: str) -> None:
    """WEBMAIL-128: with any mark between cells."""
    found = one(THUNDERBIRD.replace(",", mark))
    assert found.name == "Ada L."
    assert [entry.value for entry in found.emails] == ["ada@a.example", "a2@a.example"]
    assert found.phones == (Entry("+46 2", "work"),)


def test_no_cell_is_a_formula() -> None:
    """WEBMAIL-128: a name from outside must not run in the spreadsheet that opens the file."""
    contact = Contact(name="=HYPERLINK(1)", emails=(Entry("@SUM(1)"),), phones=(Entry("+46 (1) 2"),), note="-1+cmd")
    text = write_csv([contact])
    assert "'=HYPERLINK" in text
    assert ",'@SUM" in text
    assert ",'-1+cmd" in text
    assert ",+46 (1) 2" in text
    assert one(text) == msgspec.structs.replace(contact, parts=("", contact.name, ""))


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"\x89PNG\r\n", b'Name\n"' + b"x" * 200_000])
def test_what_is_no_table_of_contacts_says_so(data: bytes) -> None:
    """WEBMAIL-128."""
    try:
        found = list(read_csv(data))
    except Unreadable as e:
        found = [e]
    assert found
    assert isinstance(found[-1], Unreadable)


WORD = st.text(st.characters(codec="utf-8", categories=("L", "N", "S", "P")), min_size=1, max_size=20).filter(
    lambda text: not set(";'") & set(text) and text.strip() == text
)


@given(
    st.lists(
        st.builds(
            Contact,
            name=WORD,
            note=WORD,
            emails=st.lists(st.builds(Entry, WORD, st.just("home")), max_size=3, unique=True).map(tuple),
        ),
        max_size=5,
    )
)
def test_what_is_written_is_read(contacts: list[Contact]) -> None:
    """WEBMAIL-128."""
    found = [entry for entry in read_csv(write_csv(contacts).encode()) if isinstance(entry, Contact)]
    assert [msgspec.structs.replace(contact, parts=()) for contact in found] == contacts
    assert [contact.parts[:2] for contact in found] == [named_parts(contact.name)[:2] for contact in contacts]


@given(
    st.binary(max_size=500)
    | st.text(max_size=300).map(lambda text: f"Name,E-mail Address,Phone\n{text}".encode("utf-8", "replace"))
)
def test_nothing_but_contacts_and_errors_comes_out(data: bytes) -> None:
    """WEBMAIL-128."""
    try:
        assert all(isinstance(one, Contact | Unreadable) for one in read_csv(data))
    except Unreadable:
        pass


@pytest.mark.parametrize(
    "octets",
    [b"Name,E-mail 1 - Value\n" + b"a,b\n" * 30_000, b"BEGIN:VCARD\nEND:VCARD\n" * 30_000],
    ids=["table", "cards"],
)
def test_a_file_of_too_many_contacts_is_not_read_to_its_end(octets: bytes) -> None:
    """WEBMAIL-128, STORE-199: half a million short rows would take 600 MB."""
    with pytest.raises(Unreadable, match="more than 20,000"):
        list(read_contacts([octets]))


@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000, "2147483648", "²", "-1", "0", "10000"])
def test_a_birthday_of_no_day_is_in_the_note(number: str) -> None:
    """WEBMAIL-128: numbers that no date has end nothing."""
    for row in (f"{number},4,7", f"1990,{number},7", f"1990,4,{number}"):
        [contact] = read_csv(f"Name,Birth Year,Birth Month,Birth Day\nAda,{row}\n".encode())
        assert isinstance(contact, Contact)
        assert not any(line.startswith("BDAY:1990") for line in contact.other)
