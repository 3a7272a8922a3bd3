"""DANE for SMTP: which records a host has, and what they say of a chain (AUTH-63..66)."""

import datetime as dt
import hashlib
from typing import TypeAlias

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from moxlite.mailauth.dane import allowed_names, find, is_usable, verify
from moxlite.net.resolver import TLSA, FakeResolver, RecordType, TempError
from moxlite.net.tls.certificates import ProblemKind, self_signed

HOST = "mx.remote.example"
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


Issued: TypeAlias = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def issue(name: str, issuer: Issued | None, *, days: int = 30, ca: bool) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer[1] if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=60))
        .not_valid_after(NOW + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    return builder.sign(signer, hashes.SHA256()), key


ROOT = issue("Root", None, ca=True)
MIDDLE = issue("Middle", ROOT, ca=True)
LEAF = issue(HOST, MIDDLE, ca=False)
OLD = issue(HOST, MIDDLE, days=-1, ca=False)
CHAIN = (LEAF[0], MIDDLE[0])


def record(usage: int, selector: int, matching: int, certificate: x509.Certificate) -> TLSA:
    data = (
        certificate.public_bytes(Encoding.DER)
        if selector == 0
        else certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    if matching:
        data = hashlib.new({1: "sha256", 2: "sha512"}[matching], data).digest()
    return TLSA(usage, selector, matching, data)


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_a_record_of_the_leaf_verifies_it_whatever_its_name_and_dates(selector: int, matching: int) -> None:
    """AUTH-64: 3 x x."""
    assert verify([record(3, selector, matching, LEAF[0])], CHAIN, ["other.example"]) is None
    assert verify([record(3, selector, matching, OLD[0])], (OLD[0],), ["other.example"]) is None
    problem = verify([record(3, selector, matching, OLD[0])], CHAIN, [HOST])
    assert problem is not None
    assert problem.kind is ProblemKind.VALIDATION_FAILURE


@pytest.mark.parametrize(("selector", "matching"), [(0, 0), (0, 1), (1, 1), (1, 2)])
def test_a_record_of_an_authority_verifies_chain_dates_and_names(selector: int, matching: int) -> None:
    """AUTH-64, AUTH-65: 2 x x."""
    anchored = [record(2, selector, matching, MIDDLE[0])]
    assert verify(anchored, CHAIN, [HOST]) is None
    wrong = verify(anchored, CHAIN, ["other.example"])
    assert wrong is not None
    assert wrong.kind is ProblemKind.HOST_MISMATCH
    expired = verify(anchored, (OLD[0], MIDDLE[0]), [HOST])
    assert expired is not None
    assert expired.kind is ProblemKind.EXPIRED
    foreign = verify(anchored, (self_signed([HOST]).leaf, MIDDLE[0]), [HOST])
    assert foreign is not None
    assert foreign.kind is ProblemKind.NOT_TRUSTED


def test_the_whole_authority_in_a_record_need_not_be_shown() -> None:
    """AUTH-64: a ``2 0 0`` record."""
    assert verify([record(2, 0, 0, MIDDLE[0])], (LEAF[0],), [HOST]) is None
    assert verify([record(2, 0, 1, MIDDLE[0])], (LEAF[0],), [HOST]) is not None


def test_one_of_several_records_is_enough() -> None:
    """AUTH-66: a pair for a change of keys."""
    assert verify([record(3, 1, 1, OLD[0]), record(3, 1, 1, LEAF[0])], CHAIN, []) is None
    assert verify([record(3, 1, 1, LEAF[0])], (), []) is not None


@pytest.mark.parametrize(
    ("tlsa", "usable"),
    [
        (record(3, 1, 1, LEAF[0]), True),
        (record(2, 0, 2, LEAF[0]), True),
        (record(0, 0, 1, LEAF[0]), False),
        (record(1, 0, 1, LEAF[0]), False),
        (TLSA(3, 2, 1, bytes(32)), False),
        (TLSA(3, 1, 3, bytes(32)), False),
        (TLSA(3, 1, 1, bytes(31)), False),
        (TLSA(3, 0, 0, b"no certificate"), False),
        (TLSA(3, 1, 0, b"no key"), False),
        (TLSA(3, 1, 2, bytes(64)), True),
    ],
)
def test_what_can_be_used(tlsa: TLSA, usable: bool) -> None:
    """AUTH-63."""
    assert is_usable(tlsa) is usable


async def test_records_are_looked_up_for_authentic_addresses_alone() -> None:
    """AUTH-63, QUEUE-52: base domain after a secure CNAME, then the original one."""
    tlsa = record(3, 1, 1, LEAF[0])
    dns = FakeResolver(
        {
            "A": {HOST: ["192.0.2.1"], "real.example": ["192.0.2.2"]},
            "CNAME": {"alias.example": ["real.example"]},
            "TLSA": {f"_25._tcp.{HOST}": [tlsa, TLSA(0, 0, 1, bytes(32))], "_25._tcp.alias.example": [tlsa]},
        },
        authentic=True,
    )
    found = await find(dns, HOST, await dns.ips(f"{HOST}."))
    assert found is not None
    assert (found.base, found.usable, found.others) == (HOST, (tlsa,), 1)
    behind = await find(dns, "alias.example", await dns.ips("alias.example."))
    assert behind is not None
    assert behind.base == "alias.example"
    dns.set("_25._tcp.real.example", RecordType.TLSA, [tlsa])
    expanded = await find(dns, "alias.example", await dns.ips("alias.example."))
    assert expanded is not None
    assert expanded.base == "real.example"

    unsigned = FakeResolver({"A": {HOST: ["192.0.2.1"]}, "TLSA": {f"_25._tcp.{HOST}": [tlsa]}})
    assert await find(unsigned, HOST, await unsigned.ips(f"{HOST}.")) is None
    assert [name for name, kind in unsigned.asked if kind is RecordType.TLSA] == []

    failing = FakeResolver({"A": {HOST: ["192.0.2.1"]}}, authentic=True, failing=[f"_25._tcp.{HOST}"])
    with pytest.raises(TempError):
        await find(failing, HOST, await failing.ips(f"{HOST}."))


def test_names_of_the_domain_count_only_when_its_mx_is_secure() -> None:
    """AUTH-65."""
    assert allowed_names(HOST, host=HOST, domain="remote.example", has_mx=True, secure=True) == (HOST, "remote.example")
    assert allowed_names(HOST, host=HOST, domain="remote.example", has_mx=True, secure=False) == (HOST,)
    assert allowed_names("b.example", host=HOST, domain="d.example", has_mx=False, secure=True) == ("b.example", HOST)
