"""Rows of the store as the webmail shows them."""

import msgspec
import pytest
from hypothesis import given, strategies as st

from moxlite.proto.mime.types import EmbeddedMessage, Envelope, Parameter, Part
from moxlite.store.names import flag_names, split_flags
from moxlite.store.types import Flag
from moxlite.web.webmail.items import attachments, clean_filename, find_html, find_texts


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
    assert [path for path, _ in find_texts(root)] == ["0.0.0"]
    html = find_html(root)
    assert html is not None
    assert html[0] == "0.0.1.0"
    assert [one.path for one in attachments(root)] == ["0.1", "0.2", "0.3"]


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
    assert [one.path for one in attachments(root)] == ["0.1", "0.2", "0.3"]
    assert [path for path, _ in find_texts(root)] == ["0.0.0", "0.4"]


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
    """WEBMAIL-48: of multipart/signed only the first child."""
    root = multipart("signed", leaf("text/plain"), leaf("application/pgp-signature", filename="s.asc"))
    assert attachments(root) == []
    assert [path for path, _ in find_texts(root)] == ["0.0"]


def test_flags_have_names() -> None:
    r"""WEBMAIL-47."""
    flags = Flag.SEEN | Flag.JUNK | Flag.MDNSENT
    assert flag_names(flags) == ["\\seen", "$junk", "$mdnsent"]
    assert split_flags(["\\SEEN", "$Junk", "$mdnSent", "Later"]) == (flags, ["Later"])
