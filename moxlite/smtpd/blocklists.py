"""Asking the block lists of a listener about a client (SMTP-94)."""

import logging
from typing import Final

from moxlite.config.listeners import SMTPService
from moxlite.mailauth.dnsbl import DNSBLStatus, Health, check
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import Resolver
from moxlite.smtpd import metrics

__all__ = ["listed"]

logger = logging.getLogger("moxlite.smtpd.blocklists")

_health: Final = Health()
"""Of all zones: one server has one view of DNS."""


async def listed(resolver: Resolver, settings: SMTPService, ip: IPAddress) -> str:
    """The first list that has the client, "" for none. A list that does not work is left out, and logged."""
    for zone in settings.dnsbls:
        problem = await _health.problem(resolver, zone.ascii)
        if problem:
            metrics.dnsbl_total.labels(zone=zone.ascii, result="unhealthy").inc()
            logger.warning("block list does not work, it is not used", extra={"kv": {"zone": zone, "err": problem}})
            continue
        codes = settings.dnsbl_codes.get(zone.ascii, settings.dnsbl_codes.get(zone.unicode, ()))
        result = await check(resolver, zone.ascii, ip, codes)
        metrics.dnsbl_total.labels(zone=zone.ascii, result=result.status.value).inc()
        if result.status is DNSBLStatus.FAIL:
            logger.info(
                "client is in a block list", extra={"kv": {"remote": ip, "zone": zone, "text": result.explanation}}
            )
            return zone.unicode
        if result.status is DNSBLStatus.TEMPERROR:
            logger.info("block list cannot be asked", extra={"kv": {"zone": zone, "err": result.problem}})
    return ""
