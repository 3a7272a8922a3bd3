"""The second opinion on our DKIM signatures, by dkimpy, of the doctor and of the running server (AUTH-130)."""

import imaplib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import trio

from moxlite.admin.doctor.secondopinion import MAX_OCTETS, judge, key_names
from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import PrivateKey, Signer, generate, key_record, sign, to_pem
from moxlite.proto.address import Address
from tests.dnstable import dns_of
from tests.running import ServedServer
from tests.tools import until

pytestmark = [pytest.mark.integration, pytest.mark.served]

RSA, ED25519, OTHER = generate("rsa"), generate("ed25519"), generate("rsa")

SELECTORS = """\
[domains."moxlite.example".dkim]
sign = ["r"]
selectors.r = { key_file = "r.pem" }
selectors.e = { key_file = "e.pem" }
"""

STATIC = "[doctor]\nnightly = false\n"


def server_at(folder: Path, resolver: str) -> ServedServer:
    """A server with two keys, r and e, which asks this DNS server."""
    server = ServedServer(folder, static=STATIC, domains=SELECTORS, module="tests.resolvingserver")
    server.environment = {"DNS_PORT": resolver.rpartition(":")[2]}
    for name, key in (("r", RSA), ("e", ED25519)):
        (folder / f"config/{name}.pem").write_bytes(to_pem(key))
    return server


def records(r: PrivateKey = RSA, e: PrivateKey = ED25519) -> dict[tuple[str, str], list[str]]:
    """The TXT records of both selectors, in strings of at most 255 octets."""
    return {
        (f"{name}._domainkey.moxlite.example.", "TXT"): [
            " ".join(f'"{text[at : at + 250]}"' for at in range(0, len(text), 250))
        ]
        for name, key in (("r", r), ("e", e))
        for text in [key_record(key)]
    }


def doctor(server: ServedServer, resolver: str, *args: str) -> dict[str, Any]:
    """The report: findings, and steps of the test message among others."""
    done = server.cli("doctor", "--json", "--skip-dial", "--resolver", resolver, *args, check=False)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def wrong(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["grade"], one["text"]) for one in found["findings"] if one["code"] == "signature-wrong"]


def test_signatures_with_each_selector_are_verified_by_dkimpy(tmp_path: Path) -> None:
    """AUTH-130: right keys of both kinds give no finding; another key in DNS is an error where it signs, a warning
    where it does not; a selector without a record is left to the check of names.
    """
    with dns_of(records()) as resolver:
        server = server_at(tmp_path / "server", resolver)
        assert wrong(doctor(server, resolver, "--skip-mail")) == []
    with dns_of(records(OTHER, generate("ed25519"))) as resolver:
        (one, first), (two, second) = wrong(doctor(server, resolver, "--skip-mail"))
        assert (one, two) == ("error", "warning")
        assert "receivers can't verify moxlite.example's signatures: selector r of moxlite.example: " in first
        assert "selector e of moxlite.example: " in second
    with dns_of({}) as resolver:
        assert wrong(doctor(server, resolver, "--skip-mail")) == []


def test_the_test_message_is_signed_and_verified_as_it_is_stored(tmp_path: Path) -> None:
    """AUTH-130, ADMIN-70: the message of the doctor, after its way through port 25, store and IMAP."""
    with dns_of(records()) as resolver, server_at(tmp_path / "server", resolver) as server:
        assert isinstance(server, ServedServer)
        found = doctor(server, resolver)
        assert "DKIM signatures verified by dkimpy with the keys in DNS" in found["mail"]
        assert wrong(found) == []


@pytest.mark.nightly
def test_a_change_of_keys_is_checked_at_once(tmp_path: Path) -> None:
    """AUTH-130: a new selector whose record is of another key is logged and mailed to the postmaster; one that is right
    is logged alone.
    """
    with dns_of(records() | records(OTHER)) as resolver, server_at(tmp_path / "server", resolver) as server:
        assert isinstance(server, ServedServer)
        path = server.folder / "config/domains.toml"
        before = path.read_text()
        path.write_text(before.replace('sign = ["r"]', 'sign = ["r", "e"]'))
        until(lambda: "DKIM signatures checked" in server.log(), what="the check of e")
        assert "signature verification failed" not in server.log()
        path.write_text(
            before.replace(
                'selectors.r = { key_file = "r.pem" }', 'selectors.r = { key_file = "r.pem", header = "simple" }'
            )
        )
        until(lambda: "signature verification failed" in server.log(), what="the check of r")
        client = imaplib.IMAP4("127.0.0.1", server.ports["imap"])
        client.starttls()
        client.login("bob@example.org", server.password)
        until(lambda: client.select("Postmaster")[1] == [b"1"], what="the notice", pause=0.5)
        text = client.fetch("1", "(BODY[TEXT])")[1][0]
        assert isinstance(text, tuple)
        assert b"receivers can't verify moxlite.example's signatures" in text[1]
        client.logout()


def test_dkimpy_judges_short_messages_of_our_own_only() -> None:
    """AUTH-130: the length is bounded, since dkimpy's time is not; changed messages and keys are found, with words."""
    author = Address.parse("me@moxlite.example")
    octets = b"From: me@moxlite.example\r\nSubject: one\r\n\r\nText\r\n"
    signers = [Signer(selector=name, key=key, sealed=("From", "Subject")) for name, key in (("r", RSA), ("e", ED25519))]
    signed = trio.run(sign, Message.of(octets), author, signers, time.time()) + octets
    names = key_names(signed)
    assert names == ["r._domainkey.moxlite.example.", "e._domainkey.moxlite.example."]
    keys = {names[0]: key_record(RSA), names[1]: key_record(ED25519)}
    assert [one.problem for one in judge(signed, keys)] == ["", ""]
    assert ["body hash mismatch" in one.problem for one in judge(signed + b"more\r\n", keys)] == [True, True]
    changed = judge(signed.replace(b"Subject: one", b"Subject: two"), keys)
    assert [bool(one.problem) for one in changed] == [True, True]
    assert [one.selector for one in judge(signed, {names[1]: keys[names[1]]})] == ["e"]
    assert judge(octets, keys) == []
    with pytest.raises(ValueError, match="too large"):
        judge(signed + b"x" * MAX_OCTETS, keys)


def test_the_server_starts_without_the_libraries() -> None:
    """AUTH-130, decisions/011: nothing that the server imports at its start imports dkimpy or dnspython."""
    code = "import sys, moxlite.server; sys.exit(bool({'dkim', 'dns'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
