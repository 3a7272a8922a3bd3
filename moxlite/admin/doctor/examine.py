"""All checks at once, within minutes, without an exception whatever is wrong (ADMIN-70)."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
import trio

from moxlite.admin.doctor import backups, configuration, machine, names, running, signatures, standby
from moxlite.admin.doctor.examination import Examination
from moxlite.admin.doctor.findings import Finding, in_order
from moxlite.admin.doctor.requests import Running

logger = logging.getLogger("moxlite.admin.doctor")

SECONDS: Final = 300.0
"""Seconds for all checks together: 200 domains whose DNS servers are silent take half of it."""

Check = Callable[[Examination], Awaitable[list[Finding]]]

CHECKS: Final[Mapping[str, Check]] = {
    "configuration": configuration.check_configuration,
    "permissions": configuration.check_permissions,
    "server": running.check_running,
    "backups": backups.check_backups,
    "standby": standby.check_standby,
    "ports": machine.check_ports,
    "certificates": machine.check_certificates,
    "disk": machine.check_disk,
    "clock": machine.check_clock,
    "kernel": machine.check_kernel,
    "dns": names.check_names,
    "addresses": names.check_families,
    "signatures": signatures.check_signatures,
    "port 25 outside": machine.check_outgoing,
    "block lists": machine.check_lists,
}


async def examine(examination: Examination) -> list[Finding]:
    """Run all checks; their findings, sorted.

    A check that crashes or does not end in time is a finding. So is a DNS server that does not answer; names are not
    looked up then.
    """
    found = await names.check_servers(examination)
    examination = msgspec.structs.replace(examination, names=not any(one.grade == "error" for one in found))
    waiting = dict.fromkeys(CHECKS)

    async def run(name: str, check: Check) -> None:
        try:
            found.extend(await check(examination))
        except Exception as error:  # a crash of one check becomes a finding, and the others go on
            logger.exception("a check failed", extra={"kv": {"check": name}})
            text = f"the check failed: {type(error).__name__}: {error}"
            found.append(Finding(grade="warning", code="not-checked", about=name, text=text))
        del waiting[name]

    with trio.move_on_after(SECONDS):
        # Alone: as root it acts as the service user for a moment, and the other checks would, too.
        await run(*next(iter(CHECKS.items())))
        async with trio.open_nursery() as nursery:
            for name, check in islice(CHECKS.items(), 1, None):
                nursery.start_soon(run, name, check)
    for name in waiting:
        text = f"the check did not end within {SECONDS:.0f} s"
        found.append(Finding(grade="warning", code="not-checked", about=name, text=text))
    return in_order(found)


async def examine_mistaken(path: Path, said: Running | None) -> list[Finding]:
    """Examine a server whose configuration has mistakes: the mistakes, and the running server's report about itself if
    there is one.

    path: of the static file.
    """
    text = "DNS, ports, certificates, permissions and the disk are examined once the configuration has no mistakes"
    later = Finding(grade="note", code="not-checked", about="configuration", text=text)
    return in_order([*await configuration.check_files(path), *running.check_words(said), later])
