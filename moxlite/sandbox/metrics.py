"""Metrics of the sandbox (WEBMAIL-109a)."""

from moxlite.metrics import Counter, Gauge, Histogram

processes = Gauge("moxlite_sandbox_processes", "Running sandbox processes.")
starts = Counter("moxlite_sandbox_starts", "Started sandbox processes.")
deaths = Counter(
    "moxlite_sandbox_deaths",
    "Sandbox processes that exited unexpectedly.",
    ["cause"],
)
"""Deaths by cause: "deadline" (killed by the server), "ended" (by a signal, mostly for lack of memory, or an error),
"denied" (a system call that no job makes; of the process of patterns, too), "answer" (not accepted by the server),
"start" (the process never was ready).
"""
jobs_seconds = Histogram(
    "moxlite_sandbox_jobs_seconds",
    "Sandbox job duration in seconds, without queuing and process start.",
    ["job"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
