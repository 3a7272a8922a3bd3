"""The command line and the message of `moxlite sendmail`, without a server."""

import email
from pathlib import Path

import pytest

from moxlite.cli import run
from moxlite.cli.sendmail.message import BadLetter, Flags, make_letter, parse_flags
from moxlite.cli.sendmail.settings import EXAMPLE, BadSettings, Settings, read_settings

SETTINGS = Settings(
    host="mail.example.org",
    username="box@example.org",
    from_address="box@example.org",
    password="secret",
    default_destination="you@example.org",
)


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        (["-t"], Flags(from_header=True)),
        (["-t", "-i"], Flags(from_header=True, dots=True)),
        (["-ti"], Flags(from_header=True, dots=True)),
        (["-oi", "-f", "root", "you@example.org"], Flags(("you@example.org",), dots=True, sender="root")),
        (["-froot@box", "-FCron Daemon", "a", "b,c"], Flags(("a", "b", "c"), sender="root@box", name="Cron Daemon")),
        (["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"], Flags(("root",), dots=True, name="CronDaemon")),
        (["-bm", "-v", "-odb", "-oMr", "x", "-N", "never", "root"], Flags(("x", "root"))),
        (["-C", "my.toml", "--", "-odd@example.org"], Flags(("-odd@example.org",), config="my.toml")),
        (["-bp"], Flags(mode="p")),
        (["-q30m", "-d", "root"], Flags(("root",))),
    ],
)
def test_flags_of_sendmail_are_read(words: list[str], flags: Flags) -> None:
    """QUEUE-141, QUEUE-142: as programs write them; unknown ones are passed over."""
    assert parse_flags(words) == flags


def letter(text: bytes, *words: str, **changes: object) -> tuple[str, list[str], bytes]:
    made = make_letter(text, parse_flags(words), Settings(**({f: getattr(SETTINGS, f) for f in fields()} | changes)))
    return str(made.senders[0]), [str(one) for one in made.recipients], made.octets


def fields() -> tuple[str, ...]:
    return SETTINGS.__struct_fields__


@pytest.mark.parametrize(
    ("words", "senders"),
    [
        ([], ("box@example.org",)),
        (["-f", "root"], ("box@example.org",)),
        (["-f", "root@"], ("box@example.org",)),
        (["-f", "box@example.org"], ("box@example.org",)),
        (["-froot@vm"], ("root@vm", "box@example.org")),
        (["-r", "<site@shop.example>"], ("site@shop.example", "box@example.org")),
        (["-f", ""], ("None", "box@example.org")),
        (["-f<>"], ("None", "box@example.org")),
    ],
)
def test_the_senders_of_the_envelope(words: list[str], senders: tuple[str, ...]) -> None:
    """QUEUE-142: -f, and `from` for a server that refuses it; without an address the null sender."""
    made = make_letter(b"Subject: x\n\nx\n", parse_flags(["-i", *words, "a@x.example"]), SETTINGS)
    assert tuple(map(str, made.senders)) == senders


def test_a_letter_of_cron() -> None:
    """QUEUE-142: the sender is ours, a name without domain goes to the default, LF becomes CRLF."""
    text = b"From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@box> true\n\nline\nlast"
    assert letter(text, "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root") == (
        "box@example.org",
        ["you@example.org"],
        b"\r\n".join(
            (
                b"From: Cron Daemon <box@example.org>",
                b"To: <you@example.org>",
                b"Subject: Cron <root@box> true",
                b"",
                b"line",
                b"last",
                b"",
            )
        ),
    )


def test_names_without_a_domain_become_addresses() -> None:
    """QUEUE-142: beside whole ones, with their names; content that is described belongs to MIME."""
    text = b"To: Root <root>, Ann <ann@remote.example>\nCc: bob@remote.example\nContent-Type: text/plain\n\nline\n"
    _, _, octets = letter(text, "root")
    read = email.message_from_bytes(octets)
    assert (read["To"], read["Cc"]) == ("Root <you@example.org>, Ann <ann@remote.example>", "bob@remote.example")
    assert read.get_all("MIME-Version") == ["1.0"]


@pytest.mark.parametrize(
    ("field", "words", "head"),
    [
        ("From: WordPress <wordpress@shop.example>", [], ["WordPress <box@example.org>", "<wordpress@shop.example>"]),
        ("From: =?utf-8?b?SsO2cmc=?= <j@x.example>", [], ["=?utf-8?b?SsO2cmc=?= <box@example.org>", "<j@x.example>"]),
        ("From: Box <Box@Example.org>", [], ["Box <box@example.org>"]),
        ("From: root (Cron Daemon)", ["-FCronDaemon"], ["Cron Daemon <box@example.org>"]),
        ("From: root <root@vm>", [], ["root <box@example.org>"]),
        ("From: <root@localhost.localdomain>", ["-F", "Box, the"], ['"Box, the" <box@example.org>']),
        ("From: A <a@x.example>, B <b@x.example>", [], ["A <box@example.org>", "<a@x.example>, <b@x.example>"]),
        ("From: Shop <s@x.example>\nReply-To: help@x.example", [], ["Shop <box@example.org>", "help@x.example"]),
        ("From: a@y.example:<s@x.example>", [], ['"a@y.example" <box@example.org>', "<s@x.example>"]),
        ("From: Grüße <grüße@x.example>", [], ["=?utf-8?b?R3LDvMOfZQ==?= <box@example.org>"]),
        ("X-Nothing: x", ["-F", "Box"], ["Box <box@example.org>"]),
    ],
)
def test_a_program_keeps_its_name_and_gets_its_answers(field: str, words: list[str], head: list[str]) -> None:
    """QUEUE-142: From has our address; another one that gets mail goes to Reply-To, if the program has none."""
    octets = letter(f"{field}\nSubject: x\n\nx\n".encode(), "-i", *words, "a@x.example")[2]
    message = email.message_from_bytes(octets)
    assert [message[name] for name in ("From", "Reply-To") if message[name]] == head


def test_recipients_of_an_envelope_are_not_told() -> None:
    """QUEUE-142: with -bs, a Bcc recipient looks like all others."""
    made = make_letter(b"Subject: x\n\nx\n", Flags(("secret@x.example",), dots=True, mode="s"), SETTINGS)
    assert made.octets == b"From: <box@example.org>\r\nTo: undisclosed-recipients:;\r\nSubject: x\r\n\r\nx\r\n"


def test_domains_of_other_scripts_are_written_in_ascii() -> None:
    """QUEUE-142: in the header as in the envelope."""
    changes = {"from_address": "box@münchen.example", "default_destination": "you@münchen.example"}
    sender, [recipient], octets = letter(b"Subject: a\n\nb\n", "root", **changes)
    assert (sender, recipient) == ("box@münchen.example", "you@münchen.example")
    head = b"From: <box@xn--mnchen-3ya.example>\r\nTo: <you@xn--mnchen-3ya.example>\r\n"
    assert octets == head + b"Subject: a\r\n\r\nb\r\n"


def test_raw_fields_are_encoded_and_long_lines_have_an_end() -> None:
    """QUEUE-142, SMTP-112a: for servers of others as well."""
    _, _, octets = letter("Subject: Grüße\n\n".encode() + b"x" * 3_000 + b"\n", "root")
    assert octets.isascii()
    assert b"\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\r\n" in octets
    assert max(map(len, octets.splitlines())) <= 998


def test_recipients_of_the_header() -> None:
    """QUEUE-142: -t takes To, Cc and Bcc beside those of the command line, each once; Bcc is removed."""
    text = b'To: "A, B" <a@x.example>, root\nCC: c@x.example,\n d@x.example\n'
    text += b"Bcc: secret@x.example\nFrom: evil@x.example\n\n.\n"
    sender, recipients, octets = letter(text, "-t", "-i", "-f", "alias@example.org", "a@x.example")
    assert sender == "alias@example.org"
    assert recipients == ["a@x.example", "you@example.org", "c@x.example", "d@x.example", "secret@x.example"]
    assert b"ecret" not in octets
    assert octets.startswith(b"From: <box@example.org>\r\nReply-To: <evil@x.example>\r\nTo: ")
    assert b"CC: c@x.example,\r\n d@x.example\r\n" in octets
    assert octets.endswith(b"\r\n\r\n.\r\n")


def test_a_dot_ends_the_message_unless_told_otherwise() -> None:
    """QUEUE-142: -i."""
    text = b"Subject: x\n\none\n.\ntwo\n"
    assert letter(text, "a@x.example")[2].endswith(b"\r\n\r\none\r\n")
    assert letter(text, "-i", "a@x.example")[2].endswith(b"\r\n\r\none\r\n.\r\ntwo\r\n")


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (b"hello", b"\r\n\r\nhello\r\n"),
        (b"hello\n\nyou\n", b"\r\n\r\nhello\r\n\r\nyou\r\n"),
        (b"Subject: x\nhello\nyou\n", b"Subject: x\r\n\r\nhello\r\nyou\r\n"),
        (b"Subject: x\r\r\n\r\r\nhello\r\r\n", b"Subject: x\r\n\r\nhello\r\n"),
    ],
)
def test_a_text_needs_no_empty_line_above(text: bytes, end: bytes) -> None:
    """QUEUE-142: as ``echo hello | sendmail ann@x.example`` has none."""
    assert letter(text, "a@x.example")[2].endswith(end)


def test_a_carriage_return_alone_is_a_blank() -> None:
    """QUEUE-142: it ends no line, so that a progress meter in a log makes no header field, and no dot line."""
    octets = letter(b"Subject: 10%\r20%\rBcc: x@x.example\n\na\r.\rb\r\nc\n", "-t", "a@x.example")
    assert octets[1] == ["a@x.example"]
    assert octets[2].endswith(b"Subject: 10% 20% Bcc: x@x.example\r\n\r\na . b\r\nc\r\n")


@pytest.mark.parametrize(
    "text", [b"", b"\n", b"Subject: x\n", b"Subject: x\n\n", b"From me Mon Jan 1\nSubject: x\n\nbody\n"]
)
def test_short_messages_are_whole_ones(text: bytes) -> None:
    """QUEUE-142: To is added where it is missing; a separator line of mbox is no field."""
    octets = letter(text, "a@x.example", require_tls="no")[2]
    assert octets.startswith(b"From: <box@example.org>\r\nTo: <a@x.example>\r\nTLS-Required: No\r\n")
    assert b"\r\n\r\n" in octets
    assert octets.endswith(b"\r\n")


@pytest.mark.parametrize(
    ("text", "words", "changes", "problem"),
    [
        (b"Subject: x\nhello\n\nbody\n", ["a@x.example"], {}, "line 2 isn't a header field"),
        ("Subject: x\nX-Größe: 5\n\nbody\n".encode(), ["a@x.example"], {}, "line 2 has a field name that isn't ASCII"),
        (b"Subject: x\nhello\nBcc: b@x.example\n", ["a@x.example"], {}, "line 2 isn't a header field"),
        (b"Subject: x\n\n", [], {}, "no recipients"),
        (b"Subject: x\n\n", ["-t"], {}, "no recipients"),
        (b"Subject: x\n\n", ["root"], {"default_destination": ""}, "default_destination isn't set"),
        (b"Subject: x\n\n", ["a@"], {}, "invalid address"),
        (b"Subject: x\n\n", [f"a{n}@x.example" for n in range(1001)], {}, "limit 1000"),
    ],
)
def test_what_cannot_be_sent_is_named(text: bytes, words: list[str], changes: dict[str, object], problem: str) -> None:
    """QUEUE-142: a header line that isn't a field, no recipient, one without domain."""
    with pytest.raises(BadLetter, match=problem):
        letter(text, *words, **changes)


def test_the_example_is_a_good_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """QUEUE-141: `config describe-sendmail`."""
    assert run(["config", "describe-sendmail"]) == 0
    assert capsys.readouterr().out == EXAMPLE
    (tmp_path / "submit.toml").write_text(EXAMPLE)
    assert read_settings(tmp_path / "submit.toml").from_address == "box@example.org"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("password = ", "passwort = "), "unknown field"),
        (('password = "…"', ""), "exactly one of"),
        (('username = "box@example.org"', ""), "username"),
        (("starttls = false", "starttls = true"), "can't set both tls and starttls"),
        (('auth_method = ""', 'auth_method = "XOAUTH"'), "auth_method"),
        (("port = 465", "port = "), "Invalid value"),
    ],
)
def test_bad_settings_are_named(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    """QUEUE-141."""
    path = tmp_path / "submit.toml"
    path.write_text(EXAMPLE.replace(*change))
    with pytest.raises(BadSettings, match=problem):
        read_settings(path)
    with pytest.raises(BadSettings, match="doesn't exist"):
        read_settings(tmp_path / "none.toml")
