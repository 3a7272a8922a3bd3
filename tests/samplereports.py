"""Mails with reports of our own, for programs of others: `python -m tests.samplereports FOLDER` (docs/reports.md)."""

import sys
import tempfile
from functools import partial
from pathlib import Path

import msgspec
import trio

from moxlite.net.resolver import RecordType
from tests.session.test_queue_reports import EVALUATION, TODAY, evaluated, fail_tls, reporting, sent

__all__: list[str] = []


async def write(folder: Path) -> None:
    """Write a TLS report and a DMARC report: with failures, overrides, an error, a null path, IPv6."""
    with tempfile.TemporaryDirectory() as home:
        async with reporting(Path(home)) as rig:
            await fail_tls(rig, 2)
            refused = msgspec.structs.replace(
                EVALUATION, source_ip="2001:db8::1", aligned_dkim=False, disposition="reject", dkim=(), envelope_from=""
            )
            listed = msgspec.structs.replace(refused, disposition="none", overrides=(("mailing_list", "it is <one>"),))
            await evaluated(rig, EVALUATION, EVALUATION, refused, listed)
            record = "v=DMARC1; p=reject; sp=none; rua=mailto:r@reports.example,mailto:x@elsewhere.example"
            rig.resolver.set("_dmarc.remote.example", RecordType.TXT, [record])
            for kind in (rig.queue.reports.tls, rig.queue.reports.dmarc):
                await kind.send(TODAY)
            await rig.settle()
            for number, octets in enumerate(sent(rig)):
                (folder / f"report-{number}.eml").write_bytes(octets)


def main() -> None:
    """Into a folder that there is."""
    trio.run(partial(write, Path(sys.argv[1])))


if __name__ == "__main__":
    main()
