"""Measure moxlite beside postfix + dovecot: `python -m bench [MEASURE ...] [--only moxlite|reference] [--rounds N]`.

Both sides run one after the other on the same machine in the same run, each round of a measure on both before the
next.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

from bench.measures import MEASURES, OWN, Figures
from bench.servers import Moxlite, Reference, Server


def main() -> None:
    """Run the measures and print one table."""
    known = [*MEASURES, *OWN]
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("measures", nargs="*", default=[], help=f"of {', '.join(known)}; none: all")
    parser.add_argument("--only", choices=["moxlite", "reference"])
    parser.add_argument("--rounds", type=int, default=1, help="run each measure so often; the table has the medians")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    unknown = set(options.measures) - set(known)
    if unknown:
        parser.error(f"no measure named {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    rounds: dict[str, dict[str, list[float]]] = {"moxlite": {}, "reference": {}}
    for name in options.measures or known:
        for _ in range(options.rounds):
            for kind in rounds:
                if options.only not in (None, kind) or (name not in MEASURES and kind == "reference"):
                    continue
                if name == "fanout" and kind == "reference":
                    continue  # it has no webmail
                for figure, value in measured(name, kind).items():
                    rounds[kind].setdefault(figure, []).append(value)
                print(f"# {name}, {kind}: done, load {os.getloadavg()[0]:.1f}", flush=True)
    figures = {kind: {name: statistics.median(values) for name, values in got.items()} for kind, got in rounds.items()}
    table(figures)
    if options.json:
        conditions = {
            "machine": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "time": time.time(),
        }
        document = {"conditions": conditions, "figures": figures, "rounds": rounds}
        options.json.write_text(json.dumps(document, indent=1) + "\n")


def measured(name: str, kind: str) -> Figures:
    """One round of a measure."""
    with tempfile.TemporaryDirectory(prefix="moxlite-bench-", ignore_cleanup_errors=True) as folder:
        top = Path(folder)
        top.chmod(0o755)
        if name in OWN:
            return OWN[name](top)
        server: Server = Moxlite(top) if kind == "moxlite" else Reference(top)
        server.start()
        try:
            return MEASURES[name](server)
        finally:
            server.stop()


def table(figures: dict[str, Figures]) -> None:
    """A Markdown table: figure, both sides, how many times better moxlite is (rates: higher, all else: lower)."""
    ours, theirs = figures.get("moxlite", {}), figures.get("reference", {})
    print("\n| Figure | moxlite | postfix + dovecot | moxlite is better by |\n|---|---|---|---|")
    for name in dict.fromkeys([*ours, *theirs]):
        a, b = ours.get(name), theirs.get(name)
        ratio = ""
        if a and b:
            ratio = f"{(a / b if name.endswith('/s') else b / a):.2f} ×"
        shown = [("–" if value is None else f"{value:,.1f}") for value in (a, b)]
        print(f"| {name} | {shown[0]} | {shown[1]} | {ratio} |")


if __name__ == "__main__":
    main()
