"""Rows of the store as the webmail shows them."""

import msgspec
import pytest
from hypothesis import given, strategies as st

from moxlite.proto.mime.text import fold
from moxlite.proto.mime.types import PARSE_VERSION, EmbeddedMessage, Envelope, Parameter, Part, Structure
from moxlite.store.names import flag_names, split_flags
from moxlite.store.search.texts import file_names_of
from moxlite.store.types import Flag
from moxlite.web.jmap.bodies import numbered, sorted_parts
from moxlite.web.webmail.items import Leaf, _files, attachments, bodies, clean_filename
from moxlite.web.webmail.reading.parts import walk_parts


def leaf(kind: str, *, filename: str = "", disposition: str = "", content_id: bytes | None = None) -> Part:
    type_, subtype = kind.upper().split("/")
    parameters = (Parameter("filename", filename),) if filename else ()
    return Part(0, 0, 0, 0, 0, 7, 7, type_, subtype, "7BIT", (), (), disposition, parameters, content_id)


def multipart(subtype: str, *parts: Part) -> Part:
    return Part(0, 0, 0, 0, 0, 0, 0, "MULTIPART", subtype.upper(), "7BIT", (), parts)


@pytest.mark.parametrize(
    ("given_", "name"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\temp\\x.txt", "C__temp_x.txt"),
        ("a\x00b\r\n.txt", "a_b__.txt"),
        ("\u202egpj.exe", "U+202Egpj.exe"),
        ("", "attachment-0.1.bin"),
        ("...", "attachment-0.1.bin"),
        ("büro.odt", "büro.odt"),
    ],
)
def test_file_names_are_safe_to_show_and_to_save(given_: str, name: str) -> None:
    """WEBMAIL-49, WEBMAIL-112."""
    part = leaf("application/octet-stream", filename=given_)
    assert clean_filename(part, "0.1") in (name, name.replace("bin", "octet-stream"))


@given(st.text(max_size=400))
def test_file_names_are_short_and_keep_no_control(text: str) -> None:
    """WEBMAIL-49, WEBMAIL-112."""
    name = clean_filename(leaf("image/png", filename=text.encode("utf-8", "replace").decode()), "0")
    assert 0 < len(name.encode()) <= 200
    assert not set(name) & set("/\\\x00\r\n\u202e")


LEAVES = st.builds(
    leaf,
    st.sampled_from(["text/plain", "text/html", "text/calendar", "image/png"]),
    filename=st.sampled_from(["", "a.txt"]),
    disposition=st.sampled_from(["", "INLINE", "ATTACHMENT"]),
)


@given(
    st.one_of(
        LEAVES,
        st.builds(multipart, st.sampled_from(["alternative", "mixed"]), LEAVES, LEAVES),
    ),
    st.sampled_from([7, (2 << 20) + 1]),
)
def test_messages_that_are_a_text_alone_have_no_files(root: Part, octets: int) -> None:
    """WEBMAIL-48: the answer that needs no walk is that of the walk."""
    leaves = [msgspec.structs.replace(part, decoded=octets) for part in root.parts or (root,)]
    root = msgspec.structs.replace(root, parts=tuple(leaves)) if root.parts else leaves[0]
    assert attachments(root) == _files(root)


TREES = st.recursive(
    st.builds(
        leaf,
        st.sampled_from(["text/plain", "text/html", "text/calendar", "image/png", "application/pdf", "message/rfc822"]),
        filename=st.sampled_from(["", "a.txt", "b/c.png", "Größe.PDF"]),
        disposition=st.sampled_from(["", "INLINE", "ATTACHMENT"]),
        content_id=st.sampled_from([None, b"<a@b>"]),
    ),
    lambda parts: st.builds(multipart, st.sampled_from(["alternative", "mixed", "related"]), parts, parts),
    max_leaves=6,
)


@given(TREES)
def test_the_text_index_leaves_out_no_file(root: Part) -> None:
    """STORE-110b: what is a file here is noted there, by its name or as one that only the message can tell."""
    noted = file_names_of(Structure(PARSE_VERSION, 0, Envelope(), root))
    for file in attachments(root):
        assert noted is not None
        assert noted.names is None or fold(file.filename) in noted.names.split("\n")
        assert noted.beside or file.inside


def test_a_long_name_keeps_its_extension() -> None:
    """WEBMAIL-112."""
    name = clean_filename(leaf("image/png", filename="ü" * 10_000 + ".png"), "0")
    assert name.endswith(".png")
    assert len(name.encode()) <= 200


def test_the_body_is_told_from_the_files() -> None:
    """WEBMAIL-47, WEBMAIL-48."""
    root = multipart(
        "mixed",
        multipart(
            "alternative",
            leaf("text/plain"),
            multipart("related", leaf("text/html"), leaf("image/png", content_id=b"<logo>")),
        ),
        leaf("application/pdf", filename="a.pdf", disposition="ATTACHMENT"),
        leaf("text/plain", filename="notes.txt", disposition="ATTACHMENT"),
        leaf("message/rfc822"),
    )
    assert paths(root) == (["0.0.0"], ["0.0.1.0"])
    assert [one.path for one in attachments(root) if not one.inside] == ["0.1", "0.2", "0.3"]
    assert [one.path for one in attachments(root) if one.inside] == ["0.0.1.1"]


def paths(root: Part) -> tuple[list[str], list[str]]:
    """What is seen as text, and as HTML."""
    text, html = bodies(root)
    return [one.path for one in text], [one.path for one in html]


def invitation(method: str = "REQUEST") -> Part:
    return msgspec.structs.replace(leaf("text/calendar"), parameters=(Parameter("method", method),))


def test_an_invitation_among_the_forms_of_a_text_is_a_file() -> None:
    """WEBMAIL-48: no reader would know of it else; of two that are the same one is shown."""
    root = multipart("alternative", leaf("text/plain"), leaf("text/html"), invitation())
    assert [(one.path, one.filename) for one in attachments(root)] == [("0.2", "invitation.ics")]
    twice = multipart("mixed", root, leaf("application/ics", filename="invite.ics", disposition="ATTACHMENT"))
    assert [(one.path, one.filename) for one in attachments(twice)] == [("0.1", "invite.ics")]
    answered = multipart("alternative", leaf("text/plain"), invitation("REPLY"), invitation("REPLY"))
    assert [(one.path, one.filename) for one in attachments(answered)] == [("0.1", "calendar.ics")]
    assert [one.path for one in attachments(invitation())] == ["0"]


def test_a_text_that_is_not_read_is_a_file() -> None:
    """WEBMAIL-48: patches and tables come inline; other forms of what is read are not shown."""
    root = multipart(
        "mixed",
        multipart(
            "alternative", leaf("text/plain"), leaf("text/x-amp-html"), leaf("text/html"), leaf("text/watch-html")
        ),
        leaf("text/x-patch", filename="fix.patch", disposition="INLINE"),
        leaf("text/csv"),
        leaf("text/html"),
        leaf("text/plain", disposition="INLINE"),
    )
    assert [one.path for one in attachments(root)] == ["0.1", "0.2"]
    assert paths(root) == (["0.0.0", "0.3", "0.4"], ["0.0.2", "0.3", "0.4"])


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("Minutes: Monday", "Minutes - Monday.eml"),
        ("a/b\u202e", "a_bU+202E.eml"),
        ("x" * 500, "x" * 100 + ".eml"),
        (" . ", "attachment-0.1.eml"),
        ("", "attachment-0.1.eml"),
    ],
)
def test_an_attached_message_is_called_by_its_subject(subject: str, name: str) -> None:
    """WEBMAIL-49, WEBMAIL-112."""
    inner = EmbeddedMessage(Envelope(subject=subject), b"", leaf("text/plain"))
    part = msgspec.structs.replace(leaf("message/rfc822"), message=inner)
    assert clean_filename(part, "0.1") == name
    assert (
        clean_filename(msgspec.structs.replace(part, disposition_parameters=(Parameter("filename", "f.eml"),)), "0.1")
        == "f.eml"
    )


def test_a_signature_is_no_file() -> None:
    """WEBMAIL-48a: that of a multipart/signed; elsewhere it is, as is what a list has added behind the signature."""
    signature = leaf("application/pgp-signature", filename="s.asc")
    root = multipart("signed", leaf("text/plain"), signature, leaf("text/plain"), leaf("image/png"))
    assert paths(root) == (["0.0", "0.2"], [])
    assert [one.path for one in attachments(root)] == ["0.3"]
    assert [one.path for one in attachments(multipart("mixed", leaf("text/plain"), signature))] == ["0.1"]


@pytest.mark.parametrize(
    ("kind", "subtype", "inside"),
    [
        ("image/png", "related", True),
        ("image/jpeg", "mixed", False),  # Apple Mail's icons
        ("image/heic", "related", False),
        ("image/tiff", "related", False),
        ("image/svg+xml", "related", False),
        ("application/octet-stream", "related", False),
    ],
)
def test_a_picture_is_perhaps_inside_where_browsers_show_it(kind: str, subtype: str, inside: bool) -> None:
    """WEBMAIL-48a: the sign of files in the list is by this guess; the opened message knows what its page has drawn."""
    root = multipart(subtype, leaf("text/html"), leaf(kind, content_id=b"<a>"))
    assert [(one.path, one.inside) for one in attachments(root)] == [("0.1", inside)]


def test_all_that_is_written_is_on_the_page() -> None:
    """WEBMAIL-48a: Apple Mail writes a text around a file as several HTML parts, lists add their footers."""
    root = multipart(
        "mixed",
        multipart(
            "alternative",
            leaf("text/plain"),
            multipart("mixed", leaf("text/html"), leaf("application/pdf"), leaf("text/html"), leaf("text/csv")),
        ),
        leaf("text/plain"),
    )
    assert paths(root) == (["0.0.0", "0.1"], ["0.0.1.0", "0.0.1.2", "0.1"])
    assert [one.path for one in attachments(root)] == ["0.0.1.1", "0.0.1.3"]
    many = multipart("mixed", *[leaf("text/plain")] * 60)
    assert len(bodies(many).text) + len(attachments(many)) == 60
    long = msgspec.structs.replace(leaf("text/html"), decoded=11 << 20)
    assert [one.path for one in attachments(multipart("mixed", long, leaf("text/html")))] == ["0.0", "0.1"]


LEAVES = st.builds(
    leaf,
    st.sampled_from(
        [
            *("text/plain", "text/html", "text/csv", "text/calendar", "text/x-amp-html", "message/delivery-status"),
            *("image/png", "image/heic", "application/pdf", "application/pgp-signature", "message/rfc822"),
        ]
    ),
    filename=st.sampled_from(["", "a.txt"]),
    disposition=st.sampled_from(["", "INLINE", "ATTACHMENT"]),
    content_id=st.sampled_from([None, b"<a>"]),
)
SUBTYPES = st.sampled_from(["mixed", "alternative", "related", "signed", "report"])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.builds(lambda kind, parts: multipart(kind, *parts), SUBTYPES, st.lists(inner, min_size=1)),
    max_leaves=12,
)


@given(TREES)
def test_every_leaf_is_drawn_or_offered(root: Part) -> None:
    """WEBMAIL-48a, JMAP-21: by the page of texts, by that of HTML, and for JMAP. What neither has, a drawn leaf
    says in another form directly in a multipart/alternative, or it is the signature of what is signed.
    """
    shown, files = bodies(root), {one.path for one in attachments(root)}
    calendars = {path for path in files if kind_at(root, path) == "text/calendar"}
    for drawn in filter(None, shown):
        seen = {one.path for one in drawn} | files
        for path, part in walk_parts(root):
            if not part.parts and path not in seen:
                # another type than that of a body may be beside a text that the HTML says in its turn
                drawn = drawn if part.subtype in ("PLAIN", "HTML") else [*shown.text, *shown.html]
                assert is_signature(root, path) or says_the_same(root, path, drawn) or (
                    part.media_type == "text/calendar" and calendars
                ), path  # fmt: skip
    parts = sorted_parts(root)
    listed = {piece.number for pieces in (parts.text, parts.html, parts.attachments) for piece in pieces}
    assert listed == {number for number, part in numbered(root) if not part.parts}


def kind_at(root: Part, path: str) -> str:
    return dict(walk_parts(root))[path].media_type


def is_signature(root: Part, path: str) -> bool:
    above, _, index = path.rpartition(".")
    signed = bool(above) and kind_at(root, above) == "multipart/signed" and index != "0"
    return signed and "signature" in kind_at(root, path)


def says_the_same(root: Part, path: str, drawn: list[Leaf]) -> bool:
    """Whether a text is in one child of a multipart/alternative, and a drawn one in another."""
    part = dict(walk_parts(root))[path]
    steps = path.split(".")
    for at in range(1, len(steps)):
        above = ".".join(steps[:at])
        if kind_at(root, above) != "multipart/alternative" or part.type != "TEXT" or part.is_attachment:
            continue
        body = part.subtype in ("PLAIN", "HTML") or at == len(steps) - 1
        if body and any(
            one.path.startswith(f"{above}.") and one.path.split(".")[at] != steps[at] for one in drawn
        ):  # fmt: skip
            return True
    return False


def test_flags_have_names() -> None:
    r"""WEBMAIL-47."""
    flags = Flag.SEEN | Flag.JUNK | Flag.MDNSENT
    assert flag_names(flags) == ["\\seen", "$junk", "$mdnsent"]
    assert split_flags(["\\SEEN", "$Junk", "$mdnSent", "Later"]) == (flags, ["Later"])
