"""Header fields with the results of the sender checks: Authentication-Results and Received-SPF (AUTH-12, AUTH-29,
AUTH-85).
"""

from collections.abc import Iterator, Sequence
from typing import Final

from moxlite.mailauth.dkim.verify import MAX_READ
from moxlite.mailauth.results import (
    ARCResult,
    ARCStatus,
    DKIMResult,
    DMARCResult,
    DMARCStatus,
    IPRevResult,
    SPFResult,
    SPFStatus,
)
from moxlite.net.limits import IPAddress
from moxlite.proto.authresults import AuthResults, Method, Property, write, write_received_spf

MAX_PROBLEM: Final = 68
"""Characters of a problem in a field (AUTH-29)."""

_SAYS: Final = {
    SPFStatus.PASS: "designates {ip} as permitted sender",
    SPFStatus.FAIL: "does not designate {ip} as permitted sender",
    SPFStatus.SOFTFAIL: "does not designate {ip} as permitted sender, but is not sure",
    SPFStatus.NEUTRAL: "says nothing about {ip}",
    SPFStatus.NONE: "has no SPF record",
    SPFStatus.TEMPERROR: "could not be asked about {ip}",
    SPFStatus.PERMERROR: "has an SPF record with an error",
}


def authentication_results(
    hostname: str,
    *,
    ip: IPAddress,
    mail_from: str,
    iprev: IPRevResult | None,
    dkim: Sequence[DKIMResult],
    spf: Sequence[SPFResult],
    dmarc: DMARCResult | None,
    arc: ARCResult | None = None,
    utf8: bool,
) -> bytes:
    """Return the Authentication-Results field of a received message, folded, with its line end.

    Args:
      hostname: own host name, A-labels.
      mail_from: the reverse path as text, "" for the null path.
      dkim: results in the order of the header. Results beyond `MAX_READ` are left out.
      spf: results for MAIL FROM, then for HELO.
      arc: left out for a message without a chain.
      utf8: the message was sent with SMTPUTF8, so its header may have raw UTF-8.
    """
    methods: list[Method] = []
    if iprev is not None:
        methods.append(
            Method(
                name="iprev",
                result=iprev.status,
                comment=_dnssec(iprev.authentic),
                reason=iprev.problem[:MAX_PROBLEM],
                properties=(Property("policy", "iprev", str(ip)),),
            )
        )
    methods += [_dkim(dkim_result) for dkim_result in dkim[:MAX_READ]]
    if not dkim:
        methods.append(Method(name="dkim", result="none"))
    methods += [_spf(spf_result, mail_from) for spf_result in spf]
    if dmarc is not None:
        methods.append(_dmarc(dmarc))
    if arc is not None and arc.status is not ARCStatus.NONE:
        methods.append(_arc(arc, ip))
    return write(AuthResults(hostname, tuple(methods)), utf8=utf8)


def _dnssec(authentic: bool) -> str:
    return "with dnssec" if authentic else "without dnssec"


def _dkim(result: DKIMResult) -> Method:
    return Method(
        name="dkim",
        result=result.status,
        comment=", ".join(_key(result)),
        reason=result.problem[:MAX_PROBLEM],
        properties=tuple(
            Property("header", name, value)
            for name, value in (
                ("d", result.domain),
                ("s", result.selector),
                ("a", result.algorithm),
                ("b", result.signature),
                ("i", result.identity),
            )
            if value
        ),
    )


def _key(result: DKIMResult) -> Iterator[str]:
    if result.key_bits:
        yield f"{result.key_bits} bit {result.algorithm.partition('-')[0] or 'key'}"
    yield _dnssec(result.authentic)


def _spf(result: SPFResult, mail_from: str) -> Method:
    if result.identity == "mailfrom":
        identity = Property("smtp", "mailfrom", mail_from or result.domain)
    else:
        identity = Property("smtp", "helo", result.domain)
    return Method(
        name="spf",
        result=result.status,
        comment=_dnssec(result.authentic),
        reason=result.problem[:MAX_PROBLEM],
        properties=(identity,) if identity.value else (),
    )


def _dmarc(result: DMARCResult) -> Method:
    comment = []
    if result.record_domain and result.status is not DMARCStatus.PERMERROR:
        comment.append(f"policy {result.policy}")
    if result.override:
        comment.append(f"override {result.override}")
    comment.append(_dnssec(result.authentic))
    return Method(
        name="dmarc",
        result=result.status,
        comment=", ".join(comment),
        reason=result.problem[:MAX_PROBLEM],
        properties=(Property("header", "from", result.domain),) if result.domain else (),
    )


def _arc(result: ARCResult, ip: IPAddress) -> Method:
    """The ARC result. A temporary error, for which RFC 8617 §10.1 has no word, becomes `fail`."""
    passed = result.status is ARCStatus.PASS
    properties = [Property("smtp", "remote-ip", str(ip))]
    if passed:
        properties.insert(0, Property("header", "oldest-pass", str(result.oldest_pass)))
    return Method(
        name="arc",
        result="pass" if passed else "fail",
        comment=f"as.{result.instances}.d={result.sealers[-1]}" if result.sealers else "",
        reason=result.problem[:MAX_PROBLEM],
        properties=tuple(properties),
    )


def received_spf(result: SPFResult, *, hostname: str, ip: IPAddress, mail_from: str, helo: str, utf8: bool) -> bytes:
    """Return the Received-SPF field (RFC 7208 §9.1), folded, with line end. Arguments as `authentication_results`."""
    says = _SAYS[result.status].format(ip=ip)
    values = [("client-ip", str(ip)), ("envelope-from", mail_from), ("helo", helo)]
    if result.problem:
        values.append(("problem", result.problem[:MAX_PROBLEM]))
    values += [("mechanism", result.mechanism), ("receiver", hostname), ("identity", result.identity)]
    comment = f"{hostname}: {result.domain or 'the sender'} {says}, {_dnssec(result.authentic)}"
    return write_received_spf(result.status, comment, values, utf8=utf8)
