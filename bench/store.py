"""Measure the store against the goals of docs/spec/store.md, "Performance": `python -m bench.store [LINE ...]`.

Builds the reference account from a seed (100,000 messages, over 1 GB, 50 mailboxes) in a temporary folder, or in that
of --folder, where it stays for the next run. Each line is measured in a process of its own. Prints a table of the goals
with what was measured, and all figures.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

import msgspec

from bench import storelines
from bench.backup import backups
from bench.imports import backup_beside_import, maildir, mbox
from bench.junk import junk
from bench.storelines import Figures
from bench.storemail import MESSAGES, build
from moxlite.heap import keep_heap_small
from moxlite.server import SWITCH_INTERVAL

__all__ = ["main"]


class Goal(msgspec.Struct, frozen=True):
    """A figure that must not be above `bound`, or not below it."""

    operation: str
    figure: str
    bound: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        """Whether it is."""
        return value >= self.bound if self.at_least else value <= self.bound


LINES: Final[dict[str, Callable[[Path], Figures]]] = {
    "deliver": storelines.deliver_alone,
    "deliver-at-once": storelines.deliver_at_once,
    "deliver-large": storelines.deliver_large,
    "flags": storelines.flags,
    "changes": storelines.changes,
    "envelopes": storelines.envelopes,
    "threads": storelines.threads,
    "reputation": storelines.reputation,
    "junk": junk,
    "suggestions": storelines.suggestions,
    "completion": storelines.completion,
    "indexing": storelines.indexing,
    "search": storelines.search,
    "open": storelines.opening,
    "events": storelines.events,
    "backup": backups,
    "mbox": mbox,
    "maildir": maildir,
    "backup-beside-import": backup_beside_import,
}

GOALS: Final = (
    Goal("Deliver 10 KiB alone, above an fsync", "deliver 10 KiB alone, p50 without the fsync, ms", 15),
    Goal("Deliver, 32 at once, 5 ms fsync", "deliver 10 KiB, 32 at once, fsync 5 ms longer, 1/s", 300, at_least=True),
    Goal("Deliver 25 MiB", "deliver 25 MiB, s", 1),
    Goal("– memory", "deliver 25 MiB, peak of RSS above what it was, MiB", 30),
    Goal("Store flags on 1", "store flags of 1 message, p50, ms", 10),
    Goal("Store flags on 10,000", "store flags of 10,000 messages, ms", 1000),
    Goal("catch-up with 100 changes", "catch-up with 100 changes, p50, ms", 10),
    Goal("1000 envelopes + flags", "1000 envelopes and flags, p50, ms", 100),
    Goal("Thread match", "thread match, p50, ms", 2),
    Goal("Reputation queries", "reputation queries, p50, ms", 5),
    Goal("– cold", "reputation queries, cold, p50, ms", 50),
    Goal("Classify 20 KiB", "classify 20 KiB, median, ms", 20),
    Goal("Suggest recipients, common", "suggestions of a common text, p50, ms", 20),
    Goal("– rare", "suggestions of a rare text, p50, ms", 20),
    Goal("– no match", "suggestions without a match, p50, ms", 20),
    Goal("Complete an address beside 10,000 contacts", "completion, the slowest text, p50, ms", 20),
    Goal("Text search, 10 hits", "search, 10 hits, ms", 300),
    Goal("– against a scan, times", "search, 10 hits, times faster", 50, at_least=True),
    Goal("Import of an mbox", "import of an mbox, messages/s", 300, at_least=True),
    Goal("– deliveries p99 while staging", "delivery p99 while staging, ms", 500),
    Goal("Import of a Maildir of dovecot's", "import of a Maildir, messages/s", 300, at_least=True),
    Goal("– deliveries p99 while staging", "delivery p99 while staging a Maildir, ms", 500),
    Goal("Open a clean account", "open a clean account, p50, ms", 50),
    Goal("Full backup", "full backup, MiB/s", 80, at_least=True),
    Goal("– deliveries p99", "delivery p99 beside a full backup, ms", 200),
    Goal("First snapshot", "first snapshot, MiB/s", 80, at_least=True),
    Goal("– deliveries p99", "delivery p99 beside a snapshot, ms", 200),
    Goal("Snapshot after 1 % of new mail, % stored", "snapshot after 1 % of new mail, stored, % of the data", 3),
    Goal("Event to 50 subscribers", "event to 50 subscribers, p50, ms", 2),
)


def measured(name: str, folder: Path) -> tuple[Figures, float]:
    """One line, in a process of its own that is set up as a server: its figures, and the load when it ended."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    keep_heap_small()
    return LINES[name](folder), os.getloadavg()[0]


def built(folder: Path, messages: int) -> Figures:
    """The account; what it is like."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    return build(folder, messages)


def alone() -> ProcessPoolExecutor:
    """A process for one piece of work."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(prog="bench.store", description=__doc__)
    parser.add_argument("lines", nargs="*", metavar="LINE", help=f"of {', '.join(LINES)}; none: all")
    parser.add_argument("--folder", type=Path, help="where the account is, or is to be")
    parser.add_argument("--rounds", type=int, default=1, help="measure each so often; the tables have the medians")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    if unknown := set(options.lines) - set(LINES):
        parser.error(f"no line named {', '.join(sorted(unknown))}; there are {', '.join(LINES)}")
    with tempfile.TemporaryDirectory(prefix="moxlite-bench-") as temporary:
        folder = options.folder or Path(temporary)
        with alone() as process:
            account = process.submit(built, folder, MESSAGES).result()
        print("# account: " + ", ".join(f"{name} {value:,.0f}" for name, value in account.items()), flush=True)
        rounds: dict[str, list[float]] = {}
        loads: dict[str, list[float]] = {}
        for name in options.lines or LINES:
            for _ in range(options.rounds):
                with alone() as process:
                    figures, load = process.submit(measured, name, folder).result()
                loads.setdefault(name, []).append(load)
                for figure, value in figures.items():
                    rounds.setdefault(figure, []).append(value)
                told = "; ".join(f"{figure} {shown(value)}" for figure, value in figures.items())
                print(f"# {name}, load {load:.1f}: {told}", flush=True)
    medians = {figure: statistics.median(values) for figure, values in rounds.items()}
    table(medians)
    if options.json:
        conditions = {
            "machine": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "time": time.time(),
            "account": account,
            "load": loads,
        }
        verdicts = {goal.figure: goal.met(medians[goal.figure]) for goal in GOALS if goal.figure in medians}
        document = {"conditions": conditions, "figures": medians, "rounds": rounds, "met": verdicts}
        options.json.write_text(json.dumps(document, indent=1) + "\n")


def table(figures: Figures) -> None:
    """The goals, then all figures, as Markdown."""
    print("\n| Operation | Goal | Measured | |\n|---|---|---|---|")
    for goal in GOALS:
        if goal.figure in figures:
            value = figures[goal.figure]
            verdict = "met" if goal.met(value) else "MISSED"
            sign = "≥" if goal.at_least else "≤"
            print(f"| {goal.operation} | {sign} {goal.bound:,g} | {shown(value)} {unit(goal.figure)} | {verdict} |")
    print("\n| Figure | |\n|---|---|")
    for figure, value in figures.items():
        print(f"| {figure} | {shown(value)} |")


def unit(figure: str) -> str:
    """The unit at the end of a figure's name."""
    last = figure.rpartition(", ")[2]
    return "×" if last == "times faster" else last


def shown(value: float) -> str:
    """With three digits at least."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main()
