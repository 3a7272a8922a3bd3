"""curl, fetchmail, getmail, alpine, neomutt, openssl and Dovecot's doveadm read and change an account."""

import imaplib
import os
import re
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from moxlite.store.auth.tlskeys import TLSKey, read_certificate
from tests.integration.conftest import commands, logs_in_by
from tests.integration.mail import Stored, holdings, message
from tests.realservers import Dovecot
from tests.running import LocalServer, make_certificate
from tests.terminal import on_terminal
from tests.tools import need, top, until

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]

DATE = 1_790_000_000


def append(session: imaplib.IMAP4, number: int, name: str = "INBOX", flags: str = "") -> Stored:
    """Add a message; what is stored then."""
    content, date = message(number), DATE + number
    code, answer = session.append(f'"{name}"', f"({flags})", imaplib.Time2Internaldate(date), content)
    assert code == "OK", answer
    return Stored(content, frozenset(flags.split()), date)


def certificate(server: LocalServer) -> Path:
    """What the server's TLS is checked with."""
    return server.folder / "config/localhost.crt"


def run(*command: str | Path, home: Path, codes: tuple[int, ...] = (0,), stdin: str | None = None) -> str:
    """Run a program to its end; what it wrote."""
    done = subprocess.run(
        [need(str(command[0])), *map(str, command[1:])],
        input=stdin,
        capture_output=True,
        timeout=120,
        env=os.environ | {"HOME": str(home)},
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode in codes, done.stdout + done.stderr
    return done.stdout


def first_uid(session: imaplib.IMAP4) -> int:
    """The UID of the first message of the Inbox."""
    session.select("INBOX", readonly=True)
    _, answer = session.fetch("1", "(UID)")
    match = re.search(rb"UID (\d+)", answer[0] if isinstance(answer[0], bytes) else b"")
    assert match, answer
    return int(match[1])


def lf(octets: bytes) -> bytes:
    """With the line ends of Unix, as these programs write messages."""
    return octets.replace(b"\r\n", b"\n")


# --- curl


def curl(
    server: LocalServer, home: Path, target: str, *options: str | Path, tls: bool = True, login: bool = True
) -> str:
    """Run curl on a URL; what it wrote."""
    base = f"imaps://localhost:{server.port(993)}" if tls else f"imap://localhost:{server.port(143)}"
    user = ("-u", f"{server.user}:{server.password}") if login else ()
    required = () if tls else ("--ssl-reqd",)
    return run(
        "curl", "-sS", "--cacert", certificate(server), *required, *user, *options, f"{base}/{target}", home=home
    )


def test_curl_adds_lists_finds_and_reads(shared: LocalServer, session: imaplib.IMAP4, tmp_path: Path) -> None:
    """IMAP-177: by implicit TLS and by STARTTLS, with PLAIN and CRAM-MD5."""
    (tmp_path / "message").write_bytes(message(1))
    curl(shared, tmp_path, "Archive", "-T", tmp_path / "message")
    curl(shared, tmp_path, "INBOX", "-T", tmp_path / "message", tls=False)
    held = holdings(session)
    assert [stored.octets for stored in held["Archive"] + held["INBOX"]] == [message(1)] * 2
    assert held["Archive"][0].flags == {r"\Seen"}
    assert abs(held["Archive"][0].date - time.time()) < 3600
    for mechanism in ("PLAIN", "CRAM-MD5"):
        options = ("--login-options", f"AUTH={mechanism}")
        for tls in (True, False):
            with logs_in_by(shared, mechanism.lower()):
                found = curl(shared, tmp_path, "INBOX?SUBJECT%20number", *options, tls=tls)
            assert found.split() == ["*", "SEARCH", "1"]
    uid = first_uid(session)
    assert lf(curl(shared, tmp_path, f"INBOX;UID={uid}").encode()) == lf(message(1))
    assert "number 1" in curl(shared, tmp_path, f"INBOX;UID={uid};SECTION=HEADER.FIELDS%20(Subject)")
    listed = curl(shared, tmp_path, "")
    assert r'* LIST (\HasNoChildren \Archive) "/" Archive' in listed
    curl(shared, tmp_path, "INBOX", "-X", r"STORE 1 +FLAGS (\Deleted keyword)")
    curl(shared, tmp_path, "INBOX", "-X", "EXPUNGE")
    assert holdings(session)["INBOX"] == []


@pytest.mark.nightly
def test_curl_logs_in_with_a_certificate(shared: LocalServer, session: imaplib.IMAP4, tmp_path: Path) -> None:
    """IMAP-47, IMAP-48, IMAP-49, IMAP-177: PREAUTH by a known key, EXTERNAL after STARTTLS and where PREAUTH is off."""
    append(session, 1)
    target = f"INBOX;UID={first_uid(session)}"
    cert, key = make_certificate(tmp_path / "client")
    known = read_certificate(cert.read_bytes(), "moxlite", shared.user, name="curl")
    with_key = ("--cert", cert, "--key", key)
    external = (*with_key, "-u", f"{shared.user}:", "--login-options", "AUTH=EXTERNAL")
    log = len(shared.log())
    try:
        add_key(shared, known, no_preauth=False)
        assert "number 1" in curl(shared, tmp_path, target, *with_key, login=False)
        assert "number 1" in curl(shared, tmp_path, target, *external, tls=False, login=False)
        add_key(shared, known, no_preauth=True)
        assert "number 1" in curl(shared, tmp_path, target, *external, login=False)
    finally:
        remove_keys(shared)
    with pytest.raises(AssertionError, match=r"denied|67|certificate|Access"):
        curl(shared, tmp_path, target, *external, login=False)
    assert "authentication failed" in shared.log()[log:]


def add_key(server: LocalServer, key: TLSKey, *, no_preauth: bool) -> None:
    """Write a row as the account app does."""
    values = {name: getattr(key, name) for name in key.__struct_fields__} | {
        "created": 1,
        "no_imap_preauth": no_preauth,
    }
    with sqlite3.connect(server.folder / "data/auth.db", timeout=30) as database:
        database.execute("DELETE FROM tls_public_key")
        places = ", ".join("?" * len(values))
        database.execute(f"INSERT INTO tls_public_key ({', '.join(values)}) VALUES ({places})", tuple(values.values()))
    database.close()


def remove_keys(server: LocalServer) -> None:
    """Forget all keys."""
    with sqlite3.connect(server.folder / "data/auth.db", timeout=30) as database:
        database.execute("DELETE FROM tls_public_key")
    database.close()


# --- fetchmail, getmail


def collector(folder: Path) -> Path:
    """A delivery program that keeps each message in a file `mail.*` of `folder`."""
    program = folder / "deliver"
    program.write_text(f'#!/bin/sh\nexec cat >"$(mktemp {folder}/mail.XXXXXX)"\n')
    program.chmod(0o755)
    return program


def collected(folder: Path) -> list[bytes]:
    """What was delivered, without the fields that the program adds on top or below the others."""
    added = re.compile(rb"(?m)^(Received:.*\n([ \t].*\n)*|Return-Path:.*\n|X-getmail-.*\n)")
    return sorted(added.sub(b"", path.read_bytes()) for path in folder.glob("mail.*"))


def test_fetchmail_takes_new_mail_once(shared: LocalServer, session: imaplib.IMAP4, tmp_path: Path) -> None:
    """IMAP-177: messages kept there are marked seen and not taken again; without `keep` they are expunged."""
    sent = [append(session, number) for number in range(4)]
    rc = tmp_path / "fetchmailrc"
    common = (
        f'user "{shared.user}" password "{shared.password}" ssl sslcertck sslcertfile "{certificate(shared)}" '
        f'no rewrite mda "{collector(tmp_path)}"'
    )

    def fetchmail(options: str, codes: tuple[int, ...] = (0,)) -> None:
        rc.write_text(f"poll localhost protocol IMAP service {shared.port(993)} {common} {options}\n")
        rc.chmod(0o600)
        run(
            "fetchmail",
            "-f",
            rc,
            "--pidfile",
            tmp_path / "pid",
            "--idfile",
            tmp_path / "ids",
            home=tmp_path,
            codes=codes,
        )

    with logs_in_by(shared, "cram-md5"):
        fetchmail("keep")
    assert collected(tmp_path) == sorted(lf(stored.octets) for stored in sent)
    assert holdings(session)["INBOX"] == [stored._replace(flags=frozenset({r"\Seen"})) for stored in sent]
    fetchmail("keep", codes=(1,))
    assert len(collected(tmp_path)) == 4
    sent.append(append(session, 9))
    fetchmail("fetchall")
    assert len(collected(tmp_path)) == 9
    assert holdings(session)["INBOX"] == []


GETMAILRC = """\
[retriever]
type = SimpleIMAPSSLRetriever
server = localhost
port = {port}
username = {user}
password = {password}
ca_certs = {certificate}
mailboxes = ("INBOX", "Archive")
[destination]
type = MDA_external
path = {program}
allow_root_commands = true
[options]
read_all = false
delivered_to = false
received = false
delete = {delete}
"""


def test_getmail_takes_new_mail_once(shared: LocalServer, session: imaplib.IMAP4, tmp_path: Path) -> None:
    """IMAP-177: it knows messages by UIDVALIDITY and UID; with `delete` it removes what it took."""
    sent = [append(session, 1), append(session, 2), append(session, 3, "Archive")]
    program = collector(tmp_path)

    def getmail(delete: str) -> None:
        (tmp_path / "getmailrc").write_text(
            GETMAILRC.format(
                port=shared.port(993),
                user=shared.user,
                password=shared.password,
                certificate=certificate(shared),
                program=program,
                delete=delete,
            )
        )
        run("getmail", "--getmaildir", tmp_path, home=tmp_path)

    with logs_in_by(shared, "login"):
        getmail("false")
    assert collected(tmp_path) == sorted(lf(stored.octets) for stored in sent)
    held = holdings(session)
    assert [stored.octets for stored in held["INBOX"] + held["Archive"]] == [stored.octets for stored in sent]
    assert [stored.date for stored in held["INBOX"] + held["Archive"]] == [stored.date for stored in sent]
    sent.append(append(session, 4))
    getmail("false")
    assert collected(tmp_path) == sorted(lf(stored.octets) for stored in sent)
    getmail("true")
    assert {name: held for name, held in holdings(session).items() if held} == {}


# --- alpine, neomutt, openssl


PINERC = """\
user-domain=example.org
inbox-path={{localhost:{port}/ssl/novalidate-cert/user={user}}}INBOX
feature-list=quit-without-confirm,expunge-without-confirm,expunge-without-confirm-everywhere,enable-flag-cmd
last-version-used=9.99
personal-name=Tester
"""


def test_alpine_reads_flags_and_expunges(shared: LocalServer, session: imaplib.IMAP4, tmp_path: Path) -> None:
    """IMAP-72, IMAP-72a, IMAP-177: new messages are shown as new; one is read, one flagged, one deleted and expunged;
    then the second time. alpine complains of no line.
    """
    sent = [append(session, number) for number in range(3)]
    (tmp_path / "mail").mkdir()  # else it tells that it makes it
    (tmp_path / "pinerc").write_text(PINERC.format(port=shared.port(993), user=shared.user))
    command = [need("alpine"), "-p", str(tmp_path / "pinerc"), "-i"]
    begin = [("ENTER PASSWORD", f"{shared.password}\r"), ("Preserve password", "n")]
    steps = [
        *begin,
        ("3 new", "*"),
        ("Flag New", "\r"),
        ("Flagged message 1", "nd"),
        ("Message 2 marked for deletion", "x"),
        ("expunged from folder", "\r"),
        ("..two dots", "q"),
    ]
    shown = on_terminal(command, tmp_path, steps)
    assert "number 0" in shown
    assert "Unknown message data" not in shown
    seen, flagged = (frozenset({word}) for word in (r"\Seen", r"\Flagged"))
    assert holdings(session)["INBOX"] == [sent[0]._replace(flags=flagged), sent[2]._replace(flags=seen)]
    with logs_in_by(shared, "cram-md5"):
        on_terminal(command, tmp_path, [*begin, ("with 2 messages", "q")])


MUTTRC = """\
set folder="imaps://{user}@localhost:{port}"
set spoolfile="+INBOX"
set imap_user="{user}"
set imap_pass="{password}"
set imap_condstore=yes
set imap_qresync=yes
set header_cache="{home}/headers/"
set message_cachedir="{home}/bodies/"
set certificate_file="{certificate}"
set ssl_verify_host=no
set quit=yes
set delete=yes
set mail_check=0
set status_format="%f has %m, %F flagged, %u unread."
"""


@pytest.mark.parametrize(
    ("program", "more", "mechanism"),
    [
        ("mutt", 'set imap_deflate=yes imap_authenticators="scram-sha-256"', "scram-sha-256"),
        ("neomutt", "", "plain"),
    ],
)
def test_mutt_and_neomutt_resynchronize(
    shared: LocalServer,
    session: imaplib.IMAP4,
    tmp_path: Path,
    program: str,
    more: str,
    mechanism: str,
) -> None:
    """IMAP-81, IMAP-135, IMAP-140, IMAP-177: mutt with SCRAM-SHA-256 and COMPRESS, neomutt with PLAIN; the second time
    from the header cache by QRESYNC, what happened in between being seen; a flag and a deletion are carried there.
    """
    sent = [append(session, number, flags=flags) for number, flags in enumerate(["", r"\Seen", r"\Seen $Forwarded"])]
    for folder in ("Mail", "headers", "bodies"):
        (tmp_path / folder).mkdir()
    rc = tmp_path / "rc"
    names = {"user": shared.user, "password": shared.password, "home": tmp_path, "certificate": certificate(shared)}
    rc.write_text(MUTTRC.format(port=shared.port(993), **names) + more + "\n")
    command = [need(program), "-n", "-F", str(rc)]
    deflated = commands(shared, "compress")
    with logs_in_by(shared, mechanism):
        on_terminal(command, tmp_path, [("has 3, 0 flagged, 1 unread.", "q")])
    session.select("INBOX")
    session.store("2", "+FLAGS", r"(\Flagged)")
    session.store("1", "+FLAGS", r"(\Deleted)")
    session.expunge()
    sent.append(append(session, 3))
    on_terminal(command, tmp_path, [("has 3, 1 flagged, 1 unread.", "1\rF2\rdq")])
    assert commands(shared, "compress") == deflated + (2 if "deflate" in more else 0)
    assert commands(shared, "enable") > 0
    old = sent[3]._replace(flags=frozenset({"Old"}))  # their word for what they have shown in a list
    assert holdings(session)["INBOX"] == [sent[1], old]


@pytest.mark.parametrize("program", ["mutt", "neomutt"])
def test_mutt_and_neomutt_send_as_the_page_says(
    shared: LocalServer, session: imaplib.IMAP4, tmp_path: Path, program: str
) -> None:
    """SMTP-48, SMTP-179: with the settings that docs/clients.md prints, by the best mechanism that is announced. They
    couldn't complete SCRAM-SHA-256-PLUS, and try no other.
    """
    page = (top() / "docs/clients.md").read_text()
    printed = re.search(r"^\| mutt, NeoMutt \|[^|]*\|([^|]*)\|", page, re.MULTILINE)
    assert printed is not None
    settings = "\n".join(re.findall(r"`([^`]*)`", printed[1]))
    settings = settings.replace("@mail.example.org", f"@localhost:{shared.port(465)}")
    settings = settings.replace("me@example.org", shared.user).replace("PASSWORD", shared.password)
    here = f'set record="" ssl_verify_host=no certificate_file="{certificate(shared)}"'
    (tmp_path / "rc").write_text(f"{settings}\n{here}\n")
    with logs_in_by(shared, "scram-sha-256"):
        run(program, "-n", "-F", tmp_path / "rc", "-s", "sent", "--", shared.user, home=tmp_path, stdin="x\n")
    until(lambda: len(holdings(session)["INBOX"]) == 1, what="the message")
    assert b"Subject: sent\r\n" in holdings(session)["INBOX"][0].octets


def test_gsasl_binds_the_channel(shared: LocalServer, tmp_path: Path) -> None:
    """IMAP-43, IMAP-45, IMAP-177: GNU SASL's program logs in by SCRAM-PLUS with tls-exporter, which no mail program of
    Debian 12 can.
    """
    place = ("--connect", f"localhost:{shared.port(143)}", "--starttls", f"--x509-ca-file={certificate(shared)}")
    login = ("-a", shared.user, "-p", shared.password)
    for mechanism in ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"):
        said = 'b LIST "" "%"\r\nc LOGOUT\r\n'
        with logs_in_by(shared, mechanism.lower()):
            answer = run("gsasl", "--imap", *place, "-m", mechanism, *login, "--verbose", home=tmp_path, stdin=said)
        assert f"AUTHENTICATE {mechanism}" in answer
        assert '"/" INBOX' in answer
    refused = run("gsasl", "--imap", *place, "-m", mechanism, *login[:3], "wrong", home=tmp_path, codes=(1,))
    assert '"/" INBOX' not in refused


def test_openssl_speaks_to_both_ports(shared: LocalServer, tmp_path: Path) -> None:
    """IMAP-177: `openssl s_client` by implicit TLS and by STARTTLS, its session resumed by ticket."""
    place, ticket = f"localhost:{shared.port(993)}", tmp_path / "ticket"
    checked = ("-CAfile", certificate(shared), "-verify_return_error", "-quiet", "-ign_eof")
    said = f"a LOGIN {shared.user} {shared.password}\r\nb LOGOUT\r\n"
    for options in (
        ("-connect", place, "-sess_out", ticket),
        ("-connect", place, "-sess_in", ticket),
        ("-connect", f"localhost:{shared.port(143)}", "-starttls", "imap"),
    ):
        answer = run("openssl", "s_client", *options, *checked, home=tmp_path, stdin=said)
        assert "a OK" in answer
        assert "b OK" in answer


# --- doveadm

IMAPC = """\
imapc_host = localhost
imapc_port = {port}
imapc_user = {user}
imapc_password = {password}
imapc_ssl = imaps
imapc_features = rfc822.size fetch-headers search modseq delay-login
imapc_sasl_mechanisms = {mechanism}
ssl_client_ca_file = {certificate}
"""


def test_doveadm_copies_the_account_and_synchronizes_it(
    shared: LocalServer, session: imaplib.IMAP4, tmp_path: Path
) -> None:
    """IMAP-177, IMAP-178: `doveadm backup` over imapc takes all octets, flags, keywords and dates, twice; what is
    changed on both sides then is carried both ways by `doveadm sync`.
    """
    session.create("folder/inner")
    append(session, 1, flags=r"\Seen $Forwarded")
    append(session, 2, flags=r"\Flagged keyword")
    append(session, 3, "folder/inner", r"\Answered")
    append(session, 4, "Archive")
    folder = tmp_path / "dovecot"
    folder.mkdir()
    shutil.copy(certificate(shared), folder / "moxlite.crt")
    (folder / "moxlite.crt").chmod(0o644)
    extra = IMAPC.format(
        port=shared.port(993),
        user=shared.user,
        password=shared.password,
        mechanism="plain",
        certificate=folder / "moxlite.crt",
    )
    with Dovecot(folder, extra=extra) as dovecot:
        theirs = imaplib.IMAP4("127.0.0.1", dovecot.port)
        theirs.login("someone", "moxmoxmox")

        def alike() -> None:
            mine, other = holdings(session), holdings(theirs)
            assert {name: by_octets(held) for name, held in mine.items()} == {
                name: by_octets(held) for name, held in other.items()
            }

        for _ in range(2):
            dovecot.doveadm("backup", "-R", "-u", "someone", "imapc:")
            alike()
        theirs.select("INBOX")
        theirs.store("1", "+FLAGS", r"(\Flagged)")
        append(theirs, 11)
        session.select("INBOX")
        session.store("2", "-FLAGS", r"(keyword)")
        append(session, 12, "Archive", "$Forwarded")
        for _ in range(2):
            dovecot.doveadm("sync", "-u", "someone", "imapc:")
            alike()
        assert len(holdings(session)["INBOX"]) == 3
        theirs.logout()


def by_octets(held: list[Stored]) -> list[tuple[bytes, list[str], int]]:
    """Messages in an order that does not depend on UIDs."""
    return sorted((stored.octets, sorted(stored.flags), stored.date) for stored in held)
