"""DKIM against others: what dkimpy and opendkim sign passes here, what we sign or break is the same to dkimpy."""

from pathlib import Path

import dkim
import pytest
import trio
from hypothesis import HealthCheck, given, settings, strategies as st

from moxlite.config.domains import DKIM_HEADERS
from moxlite.mailauth.dkim.message import Canonicalization, Message
from moxlite.mailauth.dkim.sign import Signer, generate, key_record, sign, to_pem
from moxlite.mailauth.dkim.verify import verify
from moxlite.mailauth.results import DKIMResult
from moxlite.net.resolver import FakeResolver
from moxlite.proto.address import Address
from tests.tools import need

KEY = generate("rsa")
NAME = "sel._domainkey.mox.example."
RESOLVER = FakeResolver({"TXT": {NAME: [key_record(KEY)]}})
AUTHOR = Address.parse("mjl@mox.example")

blanks = st.text(" \t", max_size=3)
words = st.lists(st.sampled_from(["x", " ", "\t", "é", "=", ";", ":", "b=abc", "  "]), max_size=8).map("".join)
values = st.lists(words, min_size=1, max_size=3).map("\r\n ".join)
names = st.sampled_from(["Subject", "SUBJECT", "To", "X-One", "x-one", "Reply-To", "List-Id", "Content-Type"])
fields = st.lists(st.tuples(names, values).map(lambda field: f"{field[0]}:{field[1]}\r\n"), max_size=6).map("".join)
bodies = st.lists(st.one_of(words, st.just("")), max_size=8).map(lambda lines: "".join(line + "\r\n" for line in lines))
canonicalizations = st.sampled_from(["simple", "relaxed"])


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A message with one From and a Subject that both sides can read."""
    header = f"{draw(fields)}From:{draw(blanks)}mjl@mox.example\r\nSubject: {draw(words)}x\r\n{draw(fields)}"
    return (header + "\r\n" + draw(bodies)).encode()


def ours(octets: bytes) -> list[DKIMResult]:
    return trio.run(verify, RESOLVER, Message.of(octets))


def theirs(octets: bytes) -> bool:
    passes: bool = dkim.verify(octets, dnsfunc=lambda name, **_: {NAME.encode(): key_record(KEY).encode()}[name])
    return passes


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(messages(), canonicalizations, canonicalizations)
def test_what_dkimpy_signs_passes(octets: bytes, header: Canonicalization, body: Canonicalization) -> None:
    """AUTH-39: any folding, blanks, doubled fields and empty lines."""
    signature = dkim.sign(
        octets,
        b"sel",
        b"mox.example",
        to_pem(KEY),
        canonicalize=(header.encode(), body.encode()),
        include_headers=[b"from", b"subject", b"subject", b"to", b"x-one", b"x-one", b"x-one"],
    )
    assert [(one.status, one.problem) for one in ours(signature + octets)] == [("pass", "")]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(messages(), canonicalizations, canonicalizations, st.booleans())
def test_what_we_sign_passes_at_dkimpy(
    octets: bytes, header: Canonicalization, body: Canonicalization, seal: bool
) -> None:
    """AUTH-43, AUTH-44."""
    signer = Signer(selector="sel", key=KEY, sealed=DKIM_HEADERS, header=header, body=body, seal=seal)
    signature = trio.run(sign, Message.of(octets), AUTHOR, [signer], 1_600_000_000)
    assert theirs(signature + octets)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(messages(), canonicalizations, canonicalizations, st.data())
def test_a_change_means_the_same_to_both(
    octets: bytes, header: Canonicalization, body: Canonicalization, data: st.DataObject
) -> None:
    """AUTH-39: one octet more, or one line end."""
    signer = Signer(selector="sel", key=KEY, sealed=DKIM_HEADERS, header=header, body=body)
    signature = trio.run(sign, Message.of(octets), AUTHOR, [signer], 1_600_000_000)
    start = octets.index(b"\r\n\r\n") + 4
    at = data.draw(st.integers(start, len(octets)))
    if octets[at - 1 : at + 1] == b"\r\n":
        at -= 1
    changed = octets[:at] + data.draw(st.sampled_from([b" ", b"\r\n", b"x", b"\t"])) + octets[at:]
    if not changed.endswith(b"\r\n"):
        changed += b"\r\n"  # as SMTP has it; without one, dkimpy keeps blanks at the end of the last line
    assert (ours(signature + changed)[0].status == "pass") is theirs(signature + changed)


@pytest.mark.parametrize("body", [b"", b"\r\n", b"One  line \t\r\n\r\n\r\n", b" \r\n", b"a" * 2000 + b"\r\n"])
async def test_what_opendkim_signs_passes(tmp_path: Path, body: bytes) -> None:
    """AUTH-33, AUTH-39: another implementation, in C, which signs relaxed/simple and with rsa-sha1 only."""
    program = need("opendkim-testmsg")
    key = tmp_path / "key.pem"
    key.write_bytes(to_pem(KEY))
    key.chmod(0o600)
    octets = b"From: mjl@mox.example\r\nTo:  you@remote.example\r\nSubject: folded\r\n  twice\r\n"
    octets += b"Date: Fri, 20 Nov 2026 12:00:00 +0000\r\n\r\n" + body
    command = [program, "-C", "-d", "mox.example", "-s", "sel", "-k", str(key), "-t", str(tmp_path)]
    signed = (await trio.run_process(command, stdin=octets, capture_stdout=True)).stdout
    record = key_record(KEY).replace("h=sha256;", "")
    results = await verify(FakeResolver({"TXT": {NAME: [record]}}), Message.of(signed), allow_sha1=True)
    assert [(one.status, one.problem) for one in results] == [("pass", "")]
