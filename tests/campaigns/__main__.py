"""Run campaigns with full counts and write what they counted to build/soak/: `script/soak [NAME ...] [--seed N]
[--share X]`; with `--record` into the table of docs/campaigns.md, too.
"""

import argparse
import importlib
import pkgutil
import random
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Final

import pytest

import tests.campaigns
from tests.campaigns.report import Finding, Report
from tests.tools import top

OTHERS = {"children", "report", "__main__"}

NIGHTLY: Final = {
    "booted": 0.1,
    "budget": 0.5,
    "calls": 0.06,
    "clocks": 0.1,
    "compose": 0.05,
    "damaged_packs": 0.5,
    "devices": 0.1,
    "epochs": 0.15,
    "forms": 0.05,
    "forwarding_kill": 0.2,
    "fulldisk": 0.2,
    "invitations": 0.3,
    "jmap_kill": 0.1,
    "link": 0.06,
    "mailauth": 0.5,
    "memory_by_work": 0.05,
    "network": 0.02,
    "office": 0.3,
    "opening": 0.05,
    "rules": 0.1,
    "standby": 0.2,
    "starts": 0.5,
    "together": 0.15,
    "train": 0.1,
    "webapi_schema": 0.2,
    "webforward": 0.5,
    "webmail": 0.4,
}
"""Share of campaigns whose full count takes longer than a night has for each: about five minutes."""


def names() -> list[str]:
    """All campaigns."""
    found = (module.name for module in pkgutil.iter_modules(tests.campaigns.__path__))
    return sorted(name for name in found if name not in OTHERS and not name.startswith("_"))


def part(which: str) -> list[str]:
    """The campaigns of a part, such as 2/8."""
    number, count = map(int, which.split("/"))
    return names()[number - 1 :: count]


def main() -> int:
    """Run; exit 1 when one found something."""
    parser = argparse.ArgumentParser(prog="script/soak", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names())}; none: all")
    parser.add_argument("--part", help="K/N: without names, the Kth of N parts, the longest with a share for a night")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--share", type=float, help="of the full counts; 1 is what an issue asks for")
    parser.add_argument("--reports", type=Path, default=top() / "build/soak", help="where the reports go")
    parser.add_argument("--record", action="store_true", help="replace the rows of docs/campaigns.md")
    options = parser.parse_args()
    if unknown := set(options.names) - set(names()):
        parser.error(f"no campaign named {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    found = 0
    for name in options.names or (part(options.part) if options.part else names()):
        began = time.monotonic()
        share = options.share or (NIGHTLY.get(name, 1.0) if options.part else 1.0)
        report = Report(name, options.seed, share)
        print(f"{name}: seed {options.seed}", flush=True)
        try:
            importlib.import_module(f"tests.campaigns.{name}").run(options.seed, share, report)
        except (Exception, pytest.fail.Exception, pytest.skip.Exception) as finding:  # whatever it is
            found += 1
            if isinstance(finding, subprocess.CalledProcessError):
                report.tell(f"stderr: {finding.stderr}")
            report.tell(f"FOUND: {finding}" if isinstance(finding, Finding) else f"FOUND: {finding!r}")
            traceback.print_exc()
        outcome = "a finding" if report.lines and report.lines[-1].startswith("FOUND") else "no finding"
        report.write(options.reports, outcome)
        if options.record:
            report.record(top() / "docs/campaigns.md", outcome)
        print(
            "\n".join(f"  {line}" for line in [*report.lines, *report.rows]),
            f"\n{name}: {outcome}, {time.monotonic() - began:.0f} s",
            flush=True,
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
