"""Facts of a message beside its octets when it is stored: SMTP facts and marks (STORE-20, STORE-90).

smtpd sets them for deliveries; a message appended by IMAP or webmail has none.
"""

from __future__ import annotations

import ipaddress
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.store.types import MailboxID

Validation: TypeAlias = Literal[
    "unknown", "strict", "dmarc", "relaxed", "pass", "neutral", "temperror", "permerror", "fail", "softfail", "none"
]
"""Result of a domain's validation (STORE-90); for a From domain: strict, relaxed, dmarc or none (SMTP-77)."""

_CLASSES: Final = {4: (32, 26, 21), 6: (64, 48, 32)}
"""Prefix lengths of ip1, ip2, ip3 (STORE-90): one customer, a small and a large provider network."""


class SMTPFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts of the SMTP transaction, the row of ``message_smtp``. Domains are Unicode and lower case; localparts
    decoded.

    `ehlo_domain` is "" for an IP address. The `orig_` fields hold the values that a forward hides (STORE-66);
    `orig_dkim` are domains.
    """

    remote_ip: str = ""
    ip1: str = ""
    ip2: str = ""
    ip3: str = ""
    ehlo_domain: str = ""
    mailfrom: str = ""
    mailfrom_domain: str = ""
    rcptto: str = ""
    rcptto_domain: str = ""
    msgfrom: str = ""
    msgfrom_domain: str = ""
    msgfrom_orgdomain: str = ""
    ehlo_ok: bool = False
    mailfrom_ok: bool = False
    msgfrom_ok: bool = False
    ehlo_validation: Validation = "unknown"
    mailfrom_validation: Validation = "unknown"
    msgfrom_validation: Validation = "unknown"
    orig_ehlo: str = ""
    orig_dkim: tuple[str, ...] = ()


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts stored with a message beside its octets, flags and times.

    Attributes:
      smtp: None for messages that did not come by SMTP.
      dkim_domains: domains with a passing signature, for reputation.
      is_reject: kept in a rejects mailbox after SMTP refused it (STORE-70, STORE-67).
      is_forward, is_mailinglist: set by the destination's ruleset (STORE-64).
      destined: the mailbox it was meant for, if it is stored in another one (STORE-68, STORE-70).
      tls_version, tls_cipher, requiretls: of the connection that brought it; "" without TLS.
    """

    smtp: SMTPFacts | None = None
    dkim_domains: tuple[str, ...] = ()
    is_reject: bool = False
    is_forward: bool = False
    is_mailinglist: bool = False
    destined: MailboxID | None = None
    tls_version: str = ""
    tls_cipher: str = ""
    requiretls: bool = False


NO_FACTS: Final = Facts()


def of_forward(facts: Facts, forwarder: str) -> Facts:
    """Change the facts of a message that was forwarded by `forwarder`, a verified domain (STORE-66, SMTP-84).

    The networks, the EHLO and MAIL FROM domains and the signature of the forwarder are removed, so that forwarded mail
    gives it no reputation, good or bad; the `orig_` fields keep the original values.
    """
    smtp = facts.smtp
    if smtp is not None:
        smtp = msgspec.structs.replace(
            smtp,
            ip1="",
            ip2="",
            ip3="",
            ehlo_domain="",
            mailfrom_domain="",
            orig_ehlo=smtp.ehlo_domain,
            orig_dkim=facts.dkim_domains,
        )
    left = tuple(domain for domain in facts.dkim_domains if domain != forwarder)
    return msgspec.structs.replace(facts, smtp=smtp, is_forward=True, dkim_domains=left)


def ip_classes(ip: str) -> tuple[str, str, str]:
    """Networks ip1, ip2, ip3 of an address, each as the text of its first address (STORE-90); a mapped IPv4 address
    counts as IPv4.
    """
    address = ipaddress.ip_address(ip)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    one, two, three = (
        str(ipaddress.ip_network((address, bits), strict=False).network_address) for bits in _CLASSES[address.version]
    )
    return one, two, three
