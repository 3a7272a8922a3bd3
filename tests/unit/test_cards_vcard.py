"""vCards of several versions, and hostile ones (WEBMAIL-128)."""

import quopri
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from moxlite.proto.cards.cardobject import FileCard
from moxlite.proto.cards.contactfiles import cards_in, read_contacts
from moxlite.proto.cards.vcard import MAX_CARD, Contact, Entry, Unreadable, file_lines, read_vcards, write_vcard

OLD = (
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=BCrgen;;;\r\n"
    b"TEL;CELL:+49 171 1\r\nEMAIL;INTERNET;HOME:j@example.org\r\nNOTE;ENCODING=QUOTED-PRINTABLE:one=0D=0A=\r\ntwo\r\n"
    b"END:VCARD\r\n"
)
APPLE = (
    b"BEGIN:VCARD\nVERSION:3.0\nN:Lind;Ada;;;\nFN:Ada Lind\nORG:Nordlicht;Research\n"
    b"item1.EMAIL;type=INTERNET;type=WORK;type=pref:ada@nordlicht.exa\n mple\nitem1.X-ABLabel:_$!<Work>!$_\n"
    b'TEL;TYPE="voice,cell":+46 1\nNOTE:semi\\; comma\\, line\\nbackslash \\\\n\nCATEGORIES:Friends,Sail\\,ing\n'
    b"BDAY:1990-01-02\nUID:urn:uuid:1\nPHOTO;ENCODING=b;TYPE=JPEG:" + b"A" * 200_000 + b"\nEND:VCARD\n"
)


def one(data: bytes) -> Contact:
    """The only card of a file."""
    [found] = read_vcards(data)
    assert isinstance(found, Contact), found
    return found


def test_a_card_of_an_old_telephone_is_read() -> None:
    """WEBMAIL-128: version 2.1."""
    found = one(OLD)
    assert found.name == "Jürgen Müller"
    assert found.phones == (Entry("+49 171 1", "mobile"),)
    assert found.emails == (Entry("j@example.org", "home"),)
    assert found.note.split() == ["one", "two"]


def test_lines_of_old_versions_keep_their_types() -> None:
    """WEBMAIL-128: bare ones, and beside quoted-printable, in a charset that is not said."""
    found = one(
        b"BEGIN:VCARD\r\nVERSION:2.1\r\nN:M\xfcller;J\xf6rg\r\n"
        b"item1.ADR;HOME;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:;;Am Weg=C3=9F;K=C3=B6ln;;;\r\nADR;WORK:;;x \x96 y;;;;\r\nURL;WORK:https://a.example\r\n"
        b"PHOTO;JPEG;BASE64:AAAA\r\nLOGO;TYPE=GIF;ENCODING=BASE64:AAAA\r\nBDAY:19900102\r\nEND:VCARD\r\n"
    )
    assert found.name == "Jörg Müller"
    assert found.other == (
        "item1.ADR;TYPE=HOME:;;Am Wegß;Köln;;;",
        *("ADR;TYPE=WORK:;;x – y;;;;", "URL;TYPE=WORK:https://a.example", "PHOTO;TYPE=JPEG;ENCODING=b:AAAA"),
        *("LOGO;TYPE=GIF;ENCODING=BASE64:AAAA", "BDAY:19900102"),
    )


GMAIL = (
    b"BEGIN:VCARD\r\nVERSION:%b\r\nFN:Ada\r\nN:;Ada;;;\r\nitem1.URL:http\\://www.google.com/profiles/1\r\n"
    b"item1.X-ABLabel:PROFILE\r\nURL:https\\\r\n ://a.example/\r\n"
    b"NOTE:a\\\\: b\\, c\\:d\r\nX-OLD;HOME:1\r\nEND:VCARD\r\n"
)


@pytest.mark.parametrize("version", [b"2.1", b"3.0"])
def test_links_of_gmail_are_links(version: bytes) -> None:
    """WEBMAIL-128: which writes ``http\\://``; texts stay what they are."""
    [found] = read_contacts([GMAIL % version])
    assert isinstance(found, Contact | FileCard)
    contact = found if isinstance(found, Contact) else found.contact
    urls = [line.partition(":")[2] for line in contact.other if "URL" in line]
    assert urls == ["http://www.google.com/profiles/1", "https://a.example/"]
    assert contact.note == "a\\: b, c:d"


NAMES = st.sampled_from(["ADR;HOME", "ADR;TYPE=home", "URL", "BDAY", "TITLE;CHARSET=UTF-8", "X-A", "item1.X-B", "GEO"])
VALUE = st.text(st.characters(codec="utf-8", categories=("L", "N", "S")), max_size=30).map("x".__add__)


@given(st.sampled_from(["2.1", "3.0", "4.0"]), st.lists(st.tuples(NAMES, VALUE, st.booleans()), max_size=8))
def test_every_line_of_a_card_is_kept(version: str, lines: list[tuple[str, str, bool]]) -> None:
    """WEBMAIL-128: of all versions, quoted-printable or not."""
    parts = [
        f"{name};ENCODING=QUOTED-PRINTABLE:{quopri.encodestring(value.encode()).decode().replace('=' + chr(10), '')}"
        if quoted and version == "2.1"
        else f"{name}:{value}"
        for name, value, quoted in lines
    ]
    card = "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", "FN:Ada", *parts, "END:VCARD", ""])
    [found] = read_contacts([card.encode()])
    assert isinstance(found, Contact | FileCard)
    contact = found if isinstance(found, Contact) else found.contact
    assert [line.partition(":")[2] for line in contact.other] == [value for _, value, _ in lines]


def test_what_has_no_place_is_kept_and_large_pictures_are_not() -> None:
    """WEBMAIL-128: version 3.0, as Apple's programs write it."""
    found = one(APPLE)
    assert (found.name, found.parts[:2], found.organization) == ("Ada Lind", ("Lind", "Ada"), "Nordlicht, Research")
    assert found.emails == (Entry("ada@nordlicht.example", "work"),)
    assert found.phones == (Entry("+46 1", "mobile"),)
    assert found.note == "semi; comma, line\nbackslash \\n"
    assert found.groups == ("Friends", "Sail,ing")
    assert found.other == ("item1.X-ABLabel:_$!<Work>!$_", "BDAY:1990-01-02")
    assert found.dropped == ("PHOTO",)
    written = write_vcard(found)
    assert all(len(line.encode()) <= 75 for line in written.split("\r\n"))
    again = one(written.encode())
    assert again.emails == found.emails
    assert (again.note, again.groups, again.other, again.uid) == (found.note, found.groups, found.other, "urn:uuid:1")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"BEGIN:VCARD\nFN:A\n", "END line"),
        (b"BEGIN:VCARD\nEND:VCARD\n", "empty"),
        (b"BEGIN:VCARD\nBDAY:1990\nEND:VCARD\n", "doesn't have a name"),
        (b"BEGIN:VCARD\n" + b"X-A:bcdefgh\n" * 40_000 + b"END:VCARD\n", "256 KiB"),
    ],
)
def test_a_bad_card_is_an_error_in_its_place(data: bytes, words: str) -> None:
    """WEBMAIL-128: and the next one is read."""
    good = b"BEGIN:VCARD\nFN:Good\nEND:VCARD\n"
    found = list(read_vcards(good + data))
    assert isinstance(found[1], Unreadable)
    assert words in str(found[1])
    if "END line" not in words:
        assert [card.name for card in read_vcards(data + good) if isinstance(card, Contact)] == ["Good"]


def test_no_cards_are_found_in_other_files() -> None:
    """WEBMAIL-128."""
    assert list(read_vcards(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100)) == []


@pytest.mark.parametrize(
    "piece",
    [
        b"BEGIN:VCARD\n",
        b"TEL;" + b"A=b;" * 50 + b":1\n",
        b"NOTE:" + b"\\" * 9 + b"\n",
        b" x\n",
        b"N:" + b";" * 90,
        b'"',
        b"=",
    ],
)
def test_hostile_files_take_linear_time(piece: bytes) -> None:
    """WEBMAIL-128: ten times as much takes about ten times as long, not a hundred times."""

    def taken(size: int) -> float:
        data = b"BEGIN:VCARD\nNOTE;ENCODING=QUOTED-PRINTABLE:" + piece * (size // len(piece)) + b"\nEND:VCARD\n"
        began = time.process_time()
        for _ in read_vcards(data):
            pass
        return time.process_time() - began

    assert taken(1_000_000) < 40 * max(taken(100_000), 0.005)


def pieces_of(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


LINES = st.sampled_from(
    [
        b"BEGIN:VCARD\r\n",
        b"END:VCARD\r\n",
        b"FN:Ada\n",
        b"item1.PHOTO;X=y:" + b"A" * 20_000 + b"\r\n",
        b"PHOTO;ENCODING=b:AAAA\r\n" + b" AAAAAAAA\r\n" * 9_000,
        b"NOTE:" + b"n" * 40_000 + b"\n",
        b"X-LONG:" + b"x" * 200_000 + b"\n",
        b"NOTE;QUOTED-PRINTABLE:" + b"=C3=BC=\r\n" * 3,
        b"\tfold\n",
        b" \r\n",
        b"\r\n",
    ]
)


@given(st.lists(LINES | st.binary(max_size=60), max_size=12), st.integers(1, 300_000))
def test_a_file_without_its_pictures_has_the_same_contacts(lines: list[bytes], size: int) -> None:
    """WEBMAIL-128: whatever the pieces in which the file comes."""
    data = b"BEGIN:VCARD\n" + b"".join(lines)
    reduced = b"".join(line.short for line in file_lines(pieces_of(data, max(size, len(data) // 5_000))))
    assert list(map(str, read_vcards(reduced))) == list(map(str, read_vcards(data)))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("fold", [b" ", b""])
def test_a_picture_of_many_lines_takes_no_room(end: bytes, fold: bytes) -> None:
    """WEBMAIL-128: also in version 2.1, whose pictures may have lines without a fold."""
    picture = end.join([b"PHOTO;JPEG;ENCODING=BASE64:", *[fold + b"QUJD" * 18] * 20_000, b""])
    data = end.join([b"BEGIN:VCARD", b"FN:Ada", picture, b"TEL:1", b"END:VCARD", b""])
    reduced = b"".join(line.short for line in file_lines(pieces_of(data, 70_000)))
    assert len(reduced) < 300
    found = one(reduced)
    assert (found.name, found.phones, found.dropped) == ("Ada", (Entry("1"),), ("PHOTO",))


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("fold", [b" ", b"\t"])
@pytest.mark.parametrize("encoding", [b"ENCODING=b;TYPE=JPEG", b"ENCODING=BASE64;JPEG", b"TYPE=JPEG;ENCODING=B"])
def test_a_folded_picture_is_kept_to_the_letter(end: bytes, fold: bytes, encoding: bytes) -> None:
    """DAV-5, WEBMAIL-128: of version 3.0, too, whose lines end in base64."""
    data = end.join([b"PHOTO;%b:%b" % (encoding, b"A" * 40), fold + b"A" * 70, fold + b"AA==", b"END:VCARD", b""])
    photo, last, _ = file_lines([data])
    held = data[: data.index(b"END")]
    assert (photo.short, photo.whole) == (held, held)
    assert last.whole == b"END:VCARD" + end


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp", "Cf", "Co", "Cn")),
    min_size=1,
    max_size=30,
)


@given(
    st.builds(
        Contact,
        uid=TEXT,
        name=TEXT,
        emails=st.lists(
            st.builds(Entry, TEXT, st.sampled_from(["", "home", "work", "mobile"])), max_size=3, unique=True
        ).map(tuple),
        units=st.lists(TEXT, min_size=2, max_size=3).map(tuple) | st.just(()),
        note=st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")) | st.just("\n"), max_size=200),
        groups=st.lists(TEXT, max_size=3, unique=True).map(tuple),
    ).map(lambda contact: msgspec.structs.replace(contact, organization=", ".join(contact.units)))
)
def test_what_is_written_is_read(contact: Contact) -> None:
    """WEBMAIL-128: any characters, escaped and folded; an organization keeps its units."""
    assert one(write_vcard(contact).encode()) == contact


@given(
    st.binary(max_size=2000)
    | st.lists(st.sampled_from([b"BEGIN:VCARD", b"END:VCARD", b"N:;", b"FN:a", b" ", b"TEL;=:", b'X;A=":', b":"])).map(
        b"\n".join
    )
)
def test_nothing_but_cards_and_errors_comes_out(data: bytes) -> None:
    """WEBMAIL-128."""
    found: list[Any] = list(read_vcards(data))
    assert all(isinstance(card, Contact | Unreadable) for card in found)
    assert all(len(write_vcard(card).encode()) < 2 * MAX_CARD + 10_000 for card in found if isinstance(card, Contact))


def test_a_line_that_is_kept_stays_one_line() -> None:
    """WEBMAIL-128: quoted-printable of old versions holds ends of lines, which an export must not show."""
    card = (
        "BEGIN:VCARD\r\nVERSION:2.1\r\nFN:Mia\r\nX-A;ENCODING=QUOTED-PRINTABLE:a=0D=0AEND:VCARD=0D=0ABEGIN:VCARD\r\n"
        "X-B;Y=QUOTED-PRINTABLE:b=\r\nEND:VCARD\r\nEND:VCARD\r\n"
    )
    [found] = read_vcards(card.encode())
    assert isinstance(found, Contact)
    again = [*read_vcards(write_vcard(found).encode())]
    assert [type(one) for one in again] == [Contact]
    assert write_vcard(found).splitlines().count("END:VCARD") == 1


CARD_LINES = (
    "BEGIN:VCARD",
    "VERSION:3.0",
    "UID:1",
    "FN:Zoë",
    "N:;Zoë;;;",
    "X-messaging/xmpp-All:a",
    "  note",
    "END:VCARD",
)
CARD = "".join(f"{line}\r\n" for line in CARD_LINES)
WRITTEN = {
    "UTF-16": CARD.encode("utf-16"),
    "UTF-16 without its mark": CARD.encode("utf-16-be"),
    "CR CR LF": CARD.replace("\r\n", "\r\r\n").encode(),
    "folds within letters": CARD.encode().replace("ë".encode(), b"\xc3\r\n \xab"),
    "blanks before BEGIN": b"   " + CARD.encode(),
}


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize("size", [37, 40, 1 << 20])
def test_cards_are_kept_however_programs_write_lines(kind: str, size: int) -> None:
    """WEBMAIL-128: with names of properties that KAddressBook writes."""
    data = WRITTEN[kind]
    [card] = read_contacts(data[at : at + size] for at in range(0, len(data), size))
    assert isinstance(card, FileCard)
    assert card.data.decode() == CARD
    assert (card.contact.name, card.contact.other) == ("Zoë", ("X-messaging/xmpp-All:a note",))
    assert cards_in(data[at : at + size] for at in range(0, len(data), size)) == 1
