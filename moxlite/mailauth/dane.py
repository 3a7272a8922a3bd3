"""DANE for SMTP: verification of a mail host's certificate by TLSA records (RFC 6698, RFC 7671, RFC 7672; AUTH-63..66).

`find` looks up the records of a host; `verify` checks the certificate chain that the host presents. The queue decides
by `HostRecords.usable` whether TLS is mandatory.
"""

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from OpenSSL import crypto

from moxlite.net.limits import IPAddress
from moxlite.net.resolver import TLSA, Answer, NotFound, Resolver, absolute
from moxlite.net.tls.certificates import (
    MAX_CHAIN,
    CertificateProblem,
    ProblemKind,
    certificate_names,
    chain_problem,
    name_matches,
)

PKIX_TA: Final = 0
PKIX_EE: Final = 1
DANE_TA: Final = 2
DANE_EE: Final = 3
"""Certificate usages (RFC 7218)."""

SMTP_USAGES: Final = frozenset({DANE_TA, DANE_EE})
"""Certificate usages that SMTP supports (RFC 7672 §3.1.3)."""

WHOLE: Final = 0
SPKI: Final = 1
"""Selectors of TLSA records: the whole certificate, or its public key alone (RFC 6698 §2.1.2)."""

DIGESTS: Final = {1: ("sha256", 32), 2: ("sha512", 64)}
"""Matching types that are hashes, with the octets of each; 0 is the data itself."""

NO_MATCH: Final = "dane-no-match"
"""Reason of a validation failure (RFC 8460 §4.3)."""

MAX_RECORDS: Final = 50
"""Number of TLSA records of one name that are used."""


NOT_ASKED: Final = CertificateProblem(ProblemKind.NOT_TRUSTED, "not checked by PKIX")
"""PKIX verdict for callers that do not verify by PKIX, so that records of usage 0 and 1 never match."""


class HostRecords(msgspec.Struct, frozen=True):
    """The TLSA records of a host, found by DNSSEC.

    Attributes:
      base: the TLSA base domain, A-labels without final dot: the name for SNI.
      usable: records that can verify a certificate for SMTP; empty: TLS is demanded, but nothing can be verified
        (RFC 7672 §2.2).
      others: number of records that cannot be used.
    """

    base: str
    usable: tuple[TLSA, ...]
    others: int


async def find(
    resolver: Resolver,
    host: str,
    addresses: Answer[IPAddress],
    port: int = 25,
    usages: Collection[int] = SMTP_USAGES,
) -> HostRecords | None:
    """The TLSA records of a mail host; None where DANE does not apply.

    Args:
      host: as the MX record names it, A-labels.
      addresses: the answer with its addresses; DANE needs an authentic one (RFC 7672 §2.2.1).
      usages: certificate usages that count as usable.

    Raises TempError, PermError: DNS gives no reliable answer, so the host must not be used now (RFC 7672 §2.1).
    """
    if not addresses.authentic:
        return None
    names = dict.fromkeys((absolute(addresses.name), absolute(host)))  # the end of CNAMEs before their start (§2.2.2)
    for name in names:
        try:
            answer = await resolver.tlsa(f"_{port}._tcp.{name}")
        except NotFound:
            continue
        # An unsigned zone has no DANE. Broken signatures are no such answer: they raise TempError above, and the
        # message waits. Otherwise an attacker who can break DNS could turn DANE off (RFC 7672 §2.1).
        if not answer.authentic:
            continue
        usable = tuple(record for record in answer.records[:MAX_RECORDS] if is_usable(record, usages))
        return HostRecords(name.removesuffix("."), usable, len(answer.records) - len(usable))
    return None


def is_usable(record: TLSA, usages: Collection[int] = SMTP_USAGES) -> bool:
    """Whether a record with one of these usages can verify a certificate (RFC 7672 §3.1)."""
    if record.usage not in usages or record.selector not in (WHOLE, SPKI):
        return False
    if record.matching == 0:
        try:
            if record.selector == WHOLE:
                x509.load_der_x509_certificate(record.data)
            else:
                load_der_public_key(record.data)
        except (ValueError, UnsupportedAlgorithm):
            return False
        return True
    digest = DIGESTS.get(record.matching)
    return digest is not None and len(record.data) == digest[1]


def allowed_names(
    base: str, *, host: str, domain: str = "", expanded: str = "", has_mx: bool, secure: bool
) -> tuple[str, ...]:
    """The names that a certificate below a trust anchor may have (RFC 7672 §3.2.2; AUTH-65).

    Args:
      base: the TLSA base domain. host: as the MX record names it, or the domain itself if it has no MX records.
      domain: of the recipient. expanded: end of its CNAME chain. has_mx: it has MX records.
      secure: the answer with the MX records was authentic.
    """
    names = [base, host]
    if has_mx and secure:
        names += [domain, expanded]
    return tuple(dict.fromkeys(name.lower().removesuffix(".") for name in names if name))


def verify(
    records: Sequence[TLSA],
    chain: Sequence[x509.Certificate],
    names: Iterable[str],
    *,
    now: dt.datetime | None = None,
    pkix: CertificateProblem | None = NOT_ASKED,
) -> CertificateProblem | None:
    """Verify a server's chain, leaf first, by usable records; one match is enough. Returns None if verified.

    A record of usage 3 matches the leaf alone, regardless of names and dates (RFC 7672 §3.1.1). A record of usage 2
    matches a certificate authority: the chain must lead to it, be valid, and be for one of `names`. A record of usage 0
    matches a certificate of the chain, one of usage 1 the leaf, if the chain is also valid by PKIX. `pkix` is the
    problem that PKIX found, or None.
    """
    if not chain:
        return CertificateProblem(ProblemKind.VALIDATION_FAILURE, f"{NO_MATCH}: the server didn't send a certificate")
    chain = chain[:MAX_CHAIN]
    if any(record.usage == DANE_EE and _matches(record, chain[0]) for record in records):
        return None
    problem: CertificateProblem | None = None
    if any(record.usage == PKIX_EE and _matches(record, chain[0]) for record in records) or any(
        record.usage == PKIX_TA and _matches(record, one) for record in records for one in chain
    ):
        if pkix is None:
            return None
        problem = pkix
    wanted = tuple(names)
    for record in records:
        if record.usage != DANE_TA:
            continue
        for anchor in _anchors(record, chain):
            certificate_problem = _below(anchor, chain, wanted, now)
            if certificate_problem is None:
                return None
            problem = problem or certificate_problem
    return problem or CertificateProblem(
        ProblemKind.VALIDATION_FAILURE, f"{NO_MATCH}: no TLSA record matches the server's certificates"
    )


def _matches(record: TLSA, certificate: x509.Certificate) -> bool:
    if record.selector == WHOLE:
        data = certificate.public_bytes(Encoding.DER)
    else:
        try:
            data = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        except (ValueError, UnsupportedAlgorithm):
            return False
    if record.matching == 0:
        return data == record.data
    return hashlib.new(DIGESTS[record.matching][0], data).digest() == record.data


def _anchors(record: TLSA, chain: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Trust anchors by a record of usage 2: matching certificates of the chain, else the whole one in the record."""
    found = [certificate for certificate in chain if _matches(record, certificate)]
    if not found and (record.selector, record.matching) == (WHOLE, 0):
        found = [x509.load_der_x509_certificate(record.data)]
    return found


def _below(
    anchor: x509.Certificate, chain: Sequence[x509.Certificate], names: Sequence[str], now: dt.datetime | None
) -> CertificateProblem | None:
    """Check that the chain leads to the anchor and its leaf is for one of the names. Returns None if so."""
    store = crypto.X509Store()
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    store.add_cert(crypto.X509.from_cryptography(anchor))
    if now is not None:
        store.set_time(now)
    if (problem := chain_problem(store, chain)) is not None:
        return problem
    shown = certificate_names(chain[0])
    if any(name_matches(pattern, name) for pattern in shown for name in names):
        return None
    text = f"certificate is for {', '.join(shown[:5]) or 'no name'}, not {', '.join(names)}"
    return CertificateProblem(ProblemKind.HOST_MISMATCH, text)
