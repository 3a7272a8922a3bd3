"""The state of both machines of a stand-by, in sentences (STORE-186c)."""

from __future__ import annotations

import time
from typing import Final

from moxlite.admin.standby.layout import STALE, HeldLease, StandbyState, State
from moxlite.escapes import printable
from moxlite.process.backuptargets import Target


def first_words(state: State | None, now: float) -> list[str]:
    """Sentences about the first machine."""
    if state is None:
        return ["Nothing copied yet. Set standby.target in moxlite.toml and start the server."]
    lines = [f"{_databases(state.databases)} copied to {state.target}, as epoch {state.epoch}."]
    if not state.epoch:
        lines = [f"No copies to {state.target} since the server started."]
    if now - state.at > STALE:
        return [*lines, f"No status from the server since {_when(state.at)}. It isn't running, or it's stuck."]
    if state.problem:
        lines.append(f"The standby server is {_span(state.lag)} behind: {state.problem}.")
    else:
        lines.append(f"The standby server can have all changes up to {_span(state.lag)} ago.")
    if state.missing:
        lines.append(f"{_databases(state.missing)} still being copied. The standby server can't take over until then.")
    if state.lease is not None:
        lines.append(lease_words(state.lease, now))
    lines += [f"Note: {one}." for one in state.left_out]
    if state.restarts:
        lines.append(f"Litestream restarted {state.restarts} times since the server started.")
    return lines


def lease_words(lease: HeldLease, now: float) -> str:
    """A sentence about the lease of the first machine."""
    if lease.taken:
        return f"Changes are no longer acknowledged: {lease.taken}."
    since = f"hasn't been renewed since {_when(lease.renewed)}" if lease.renewed else "hasn't been acquired yet"
    if not lease.problem:
        return f"This machine holds the lease, last renewed {_span(now - lease.renewed)} ago."
    if not lease.silent:
        return f"The lease {since}: {lease.problem}. Changes are still acknowledged (lease_lost = continue)."
    if now < lease.silent:
        return (
            f"The lease {since}: {lease.problem}. Without the lease, changes won't be acknowledged in"
            f" {_span(lease.silent - now)}."
        )
    return (
        f"The lease {since}: {lease.problem}. Changes aren't acknowledged, and the server will exit in"
        f" {_span(lease.end - now)}."
    )


def second_words(state: StandbyState | None, now: float) -> list[str]:
    """Sentences about the second machine."""
    if state is None:
        return ["This machine isn't a standby server. To make it one, run `moxlite standby follow SOURCE --into DIR`."]
    host = state.host or "the first machine"
    lines = [f"{_databases(state.databases)} copied here from {state.source}, epoch {state.epoch} of {host}."]
    if now - state.at > STALE:
        lines.append(f"No status from the follower since {_when(state.at)}. It isn't running, or it's stuck.")
    if not state.current:
        more = f": of {host} {_databases(state.missing)} not in the target yet" if state.missing else ""
        lines.append(f"The copies aren't complete yet{more}.")
    else:
        lines.append(
            f"The copies have everything {host} copied up to {_when(state.current)}, {_span(now - state.current)} ago."
        )
    if state.stopped:
        lines.append(f"{host} was stopped manually.")
    if state.behind:
        lines.append(f"{state.behind} are behind.")
    if state.problem:
        lines.append(f"Problem: {state.problem}.")
    if state.damaged:
        lines.append(f"Damaged: {', '.join(state.damaged)}. To restore an earlier time, use moxlite restore --at.")
    return lines


def _databases(count: int) -> str:
    return "1 database is" if count == 1 else f"{count} databases are"


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{max(0.0, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


# Faults of targets and programs, in words for states and logs.


MAX_WORDS: Final = 500
"""Characters of a reason: what a server far away answers may be a whole page of HTML."""


def words_of(error: Exception) -> str:
    """The reason of an error, without its number."""
    return printable(str(getattr(error, "strerror", None) or error) or type(error).__name__)[:MAX_WORDS]


def target_fault(target: Target, error: Exception) -> str:
    """A sentence about a target that cannot be used."""
    return f"{target}: {words_of(error)}"
