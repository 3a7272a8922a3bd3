"""The verbs of ARC (AUTH-90, AUTH-110; mailauth.md §11)."""

import json
from pathlib import Path

import dkim
import pytest

from moxlite.cli import run
from moxlite.mailauth.dkim.sign import generate, key_record, to_pem
from tests.dnstable import dns_of

pytestmark = pytest.mark.served

KEY = generate("rsa")
MAIL = (
    b"Authentication-Results: mx.mox.example; spf=pass smtp.mailfrom=a@remote.example; dkim=none\r\n"
    b"Authentication-Results: other.example; dkim=pass header.d=forged.example\r\n"
    b"From: A <a@remote.example>\r\nTo: b@remote.example\r\nSubject: x\r\n\r\nbody\r\n"
)


def zone(record: str) -> dict[tuple[str, str], list[str]]:
    strings = " ".join(f'"{record[at : at + 200]}"' for at in range(0, len(record), 200))
    return {("s._domainkey.mox.example.", "TXT"): [strings]}


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_what_seal_prints_verifies(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], line_end: bytes) -> None:
    """AUTH-90, AUTH-110: here and with dkimpy; two sets, then a message that was changed."""
    key, path = tmp_path / "key.pem", tmp_path / "m.eml"
    key.write_bytes(to_pem(KEY))
    path.write_bytes(MAIL.replace(b"\r\n", line_end))
    options = ["--domain", "mox.example", "--selector", "s", "--key-file", str(key), "--authserv-id", "mx.mox.example"]
    with dns_of(zone(key_record(KEY))) as server:
        verify = ["arc", "verify", "--json", "--resolver", server, str(path)]
        seal = ["arc", "seal", *options, "--resolver", server]
        assert run(verify) == 1
        found = json.loads(capfdbinary.readouterr().out)
        assert (found["status"], found["problem"], found["oldest_pass"], found["instances"]) == ("none", "", 0, 0)
        for number in (1, 2):
            assert run([*seal, "--headers", "from:to:subject", "--time", "1790000000", str(path)]) == 0
            made = capfdbinary.readouterr().out
            assert (b"\r" in made) == (line_end == b"\r\n")
            assert [line.partition(b":")[0] for line in made.splitlines() if line[:1] not in b"\t "] == [
                b"ARC-Seal",
                b"ARC-Message-Signature",
                b"ARC-Authentication-Results",
            ]
            assert b"h=from:to:subject;" in made
            assert b"t=1790000000;" in made
            text = b" ".join(made.split())
            assert b"i=%d; mx.mox.example; spf=pass smtp.mailfrom=a@remote.example; dkim=none" % number in text
            assert b"forged" not in text
            path.write_bytes(made + path.read_bytes())
            assert run(verify) == 0
            found = json.loads(capfdbinary.readouterr().out)
            assert (found["status"], found["problem"], found["instances"]) == ("pass", "", number)
        octets = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        assert dkim.arc_verify(octets, dnsfunc=lambda name, **_: key_record(KEY).encode())[0] == b"pass"
        path.write_bytes(path.read_bytes().replace(b"Subject: x", b"Subject: y"))
        assert run(verify) == 1
        assert json.loads(capfdbinary.readouterr().out)["status"] == "fail"
        assert run([*seal, str(path)]) == 0
        failed = capfdbinary.readouterr().out
        assert b"i=3; cv=fail;" in failed
        path.write_bytes(failed + path.read_bytes())
        assert run([*seal, str(path)]) == 1
        assert capfdbinary.readouterr().out == b""


def test_no_answer_of_dns(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """AUTH-90: exit code 75, also for sealing, which has to know."""
    key, path = tmp_path / "key.pem", tmp_path / "m.eml"
    key.write_bytes(to_pem(KEY))
    options = ["--domain", "mox.example", "--key-file", str(key), "--authserv-id", "mx.mox.example"]
    path.write_bytes(MAIL)
    with dns_of({}) as server:
        assert run(["arc", "seal", "--selector", "fail", *options, "--resolver", server, str(path)]) == 0
        path.write_bytes(capfdbinary.readouterr().out + MAIL)
        assert run(["arc", "verify", "--json", "--resolver", server, str(path)]) == 75
        assert json.loads(capfdbinary.readouterr().out)["status"] == "temperror"
        assert run(["arc", "seal", "--selector", "s", *options, "--resolver", server, str(path)]) == 75
        assert capfdbinary.readouterr().out == b""


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--headers", "to:subject"], 2),
        (["--headers", "from:arc-seal"], 2),
        (["--domain", "a..b"], 2),
        (["--authserv-id", "a b"], 2),
        (["--key-file", "/nowhere"], 1),
    ],
)
def test_wrong_usage(tmp_path: Path, capfd: pytest.CaptureFixture[str], more: list[str], code: int) -> None:
    """AUTH-90"""
    key, path = tmp_path / "key.pem", tmp_path / "m.eml"
    key.write_bytes(to_pem(KEY))
    path.write_bytes(MAIL)
    options = ["--domain", "mox.example", "--selector", "s", "--key-file", str(key), "--authserv-id", "mx.mox.example"]
    assert run(["arc", "seal", *options, *more, str(path)]) == code
    assert capfd.readouterr().out == ""
