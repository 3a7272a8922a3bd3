"""The verbs of DKIM: messages in files, keys, records (AUTH-90; mailauth.md §11)."""

import io
import json
import os
import sys
from pathlib import Path

import dkim
import pytest

from moxlite.cli import run
from moxlite.mailauth.dkim.sign import generate, key_record, to_pem
from tests.dnstable import dns_of

pytestmark = pytest.mark.served

RSA, ED25519 = generate("rsa"), generate("ed25519")
MAIL = b"From: A <a@mox.example>\r\nTo: b@remote.example\r\nSubject: x\r\n\r\nbody\r\n"


def zone(key: str) -> dict[tuple[str, str], list[str]]:
    """A record as a zone file has it, in strings of 200."""
    strings = " ".join(f'"{key[at : at + 200]}"' for at in range(0, len(key), 200))
    return {("s._domainkey.mox.example.", "TXT"): [strings], ("t._domainkey.mox.example.", "TXT"): ['"v=DKIM1; p="']}


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """Files with an RSA and an Ed25519 key."""
    paths = tmp_path / "rsa.pem", tmp_path / "ed25519.pem"
    for path, key in zip(paths, (RSA, ED25519), strict=True):
        path.write_bytes(to_pem(key))
    return paths


def signed(capfdbinary: pytest.CaptureFixture[bytes], path: Path, key: Path, *more: str) -> bytes:
    """The message of a file, with what ``dkim sign`` prints put before it."""
    options = ["--domain", "mox.example", "--selector", "s", "--key-file", str(key), *more]
    assert run(["dkim", "sign", *options, str(path)]) == 0
    return capfdbinary.readouterr().out + path.read_bytes()


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("canonicalization", ["relaxed/relaxed", "simple/simple"])
def test_what_sign_prints_verifies(
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    keys: tuple[Path, Path],
    line_end: bytes,
    canonicalization: str,
) -> None:
    """AUTH-90: here and with dkimpy; From is oversigned, lines are short."""
    path = tmp_path / "m.eml"
    path.write_bytes(MAIL.replace(b"\r\n", line_end))
    octets = signed(capfdbinary, path, keys[0], "--canonicalization", canonicalization)
    header = octets.removesuffix(path.read_bytes())
    assert (b"\r" in header) == (line_end == b"\r\n")
    assert max(map(len, header.split(line_end))) <= 78
    assert b"From:From:" in header
    assert b"i=a@mox.example;" in header
    assert dkim.verify(octets, dnsfunc=lambda name, **_: {b"s._domainkey.mox.example.": key_record(RSA).encode()}[name])
    path.write_bytes(octets)
    with dns_of(zone(key_record(RSA))) as server:
        assert run(["dkim", "verify", "--json", "--resolver", server, str(path)]) == 0
    [found] = json.loads(capfdbinary.readouterr().out)["signatures"]
    assert (found["status"], found["problem"], found["domain"], found["selector"]) == ("pass", "", "mox.example", "s")
    assert (found["identity"], found["algorithm"], found["key_bits"]) == ("a@mox.example", "rsa-sha256", 2048)
    assert found["authentic"] is True


def test_each_signature_is_told_and_the_exit_code_is_that_of_the_best(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], keys: tuple[Path, Path]
) -> None:
    """AUTH-90: 0 if one passes, else 75 if one is for now, else 1; unreadable ones and those over the limit too."""
    path = tmp_path / "m.eml"
    path.write_bytes(MAIL)
    one = signed(capfdbinary, path, keys[1]).removesuffix(MAIL)
    late = one.replace(b"s=s;", b"s=fail;")
    cases: list[tuple[bytes, int, list[str]]] = [
        (b"DKIM-Signature: junk\r\n" + one + MAIL, 0, ["permerror", "pass"]),
        (late + one + MAIL.replace(b"body", b"bodies"), 75, ["temperror", "fail"]),
        (one.replace(b"s=s;", b"s=t;") + MAIL, 1, ["permerror"]),
        (one.replace(b"d=mox", b"d=fox").replace(b"@mox", b"@fox") * 11 + MAIL, 1, ["permerror"] * 10 + ["policy"]),
        (MAIL, 1, []),
        (b"\0\xff no message", 1, []),
        (b"", 1, []),
    ]
    with dns_of(zone(key_record(ED25519))) as server:
        for octets, code, statuses in cases:
            path.write_bytes(octets)
            assert run(["dkim", "verify", "--json", "--resolver", server, str(path)]) == code
            found = json.loads(capfdbinary.readouterr().out)["signatures"]
            assert [result["status"] for result in found] == statuses
        path.write_bytes(MAIL)
        assert run(["dkim", "verify", "--resolver", server, str(path)]) == 1
        assert capfdbinary.readouterr().out == b"problem: the message doesn't have a DKIM signature\n"
        assert run(["dkim", "verify", "--resolver", server, str(tmp_path / "none")]) == 1


def test_sign_by_the_configuration(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], keys: tuple[Path, Path]
) -> None:
    """AUTH-90, AUTH-41: the selectors of the domain of From."""
    (tmp_path / "moxlite.toml").write_text(
        'hostname = "mx.mox.example"\n[postmaster]\naccount = "a"\nmailbox = "Inbox"\n'
        '[listeners.local]\nips = ["127.0.0.1"]\n'
    )
    (tmp_path / "domains.toml").write_text(
        '[domains."mox.example".dkim]\nsign = ["s"]\n[domains."mox.example".dkim.selectors.s]\n'
        'key_file = "ed25519.pem"\nheader = "simple"\n[accounts.a]\ndomain = "mox.example"\n'
        '[accounts.a.destinations."a@mox.example"]\n'
    )
    config = ["--config", str(tmp_path / "moxlite.toml")]
    path = tmp_path / "m.eml"
    path.write_bytes(MAIL)
    assert run([*config, "dkim", "sign", str(path)]) == 0
    header = capfdbinary.readouterr().out
    assert b"a=ed25519-sha256;" in header
    assert b"c=simple/relaxed;" in header
    path.write_bytes(header + MAIL)
    with dns_of(zone(key_record(ED25519))) as server:
        assert run(["dkim", "verify", "--resolver", server, str(path)]) == 0
    path.write_bytes(MAIL.replace(b"mox.", b"other."))
    assert run([*config, "dkim", "sign", str(path)]) == 1
    keys[1].unlink()
    assert run([*config, "dkim", "sign", str(path)]) == 1
    assert str(keys[1]).encode() in capfdbinary.readouterr().err


def test_keys_and_records(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """AUTH-90: what gen makes, txt publishes, lookup finds."""
    for verb, algorithm, bits in (("gen-rsa", "rsa", 2048), ("gen-ed25519", "ed25519", 256)):
        assert run(["dkim", verb]) == 0
        pem = capfdbinary.readouterr().out
        assert pem.startswith(b"-----BEGIN PRIVATE KEY-----")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pem)))
        assert run(["dkim", "txt"]) == 0
        text = capfdbinary.readouterr().out.decode().strip()
        assert all(len(part) <= 257 for part in text.split(" "))
        with dns_of(zone("") | {("s._domainkey.mox.example.", "TXT"): [text]}) as server:
            assert run(["dkim", "lookup", "--json", "--resolver", server, "s", "mox.example"]) == 0
            found = json.loads(capfdbinary.readouterr().out)
            assert (found["algorithm"], found["key_bits"], found["hashes"]) == (algorithm, bits, ["sha256"])
            assert (found["authentic"], found["problem"], found["testing"]) == (True, "", False)
            assert run(["dkim", "lookup", "--json", "--resolver", server, "t", "mox.example"]) == 1
            assert json.loads(capfdbinary.readouterr().out)["problem"] == "key record: key revoked"
            assert run(["dkim", "lookup", "--resolver", server, "none", "mox.example"]) == 1
            assert run(["dkim", "lookup", "--resolver", server, "fail", "mox.example"]) == 75
            capfdbinary.readouterr()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"no key")))
    assert run(["dkim", "txt"]) == 1


def test_a_private_key_does_not_go_onto_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """AUTH-90."""
    master, slave = os.openpty()
    try:
        with os.fdopen(slave, "w") as terminal:
            monkeypatch.setattr(sys, "stdout", terminal)
            assert run(["dkim", "gen-ed25519"]) == 1
            assert run(["dkim", "gen-ed25519", "--force"]) == 0
            terminal.flush()
            assert os.read(master, 100).startswith(b"-----BEGIN PRIVATE KEY-----")
    finally:
        os.close(master)


@pytest.mark.parametrize(
    "words", [["dkim", "sign", "m", "--domain", "mox.example"], ["dkim", "verify"], ["dkim", "lookup", "s"]]
)
def test_wrong_usage(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AUTH-90."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m").write_bytes(MAIL)
    assert run(words) == 2
