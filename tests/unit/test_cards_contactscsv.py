"""Contacts as tables (WEBMAIL-128)."""

import msgspec
import pytest
from hypothesis import given, strategies as st

from moxlite.proto.cards.contactfiles import read_contacts
from moxlite.proto.cards.contactscsv import read_csv, write_csv
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
