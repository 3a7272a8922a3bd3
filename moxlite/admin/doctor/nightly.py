"""The nightly examination: only changes are reported, by mail and by a second channel (ADMIN-70).

A report has the errors and warnings that were not there the night before, and the ones that are gone. The second
channel is a URL or a command of the configuration: an unhealthy server cannot be relied on to deliver its own
complaint.
"""

import datetime as dt
import hashlib
import logging
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import trio

from moxlite.admin.doctor.findings import STATE, Night, addresses_of, in_groups, read_night
from moxlite.admin.doctor.requests import NightlyReport
from moxlite.admin.notices import notify_postmaster
from moxlite.config.files import write_atomically
from moxlite.config.holder import ConfigHolder
from moxlite.config.static import Doctor
from moxlite.encoding import to_json
from moxlite.findings import Finding
from moxlite.net.httpclient import HTTPClient, HTTPError
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.errors import StoreError
from moxlite.wakeup import sleep_by_both_clocks
from moxlite.wording import counted

logger = logging.getLogger("moxlite.admin.doctor")

FIRST: Final = 900.0
"""Seconds from the start to an overdue examination: by then, certificates and look-ups have arrived."""

SOON: Final = 10.0
"""Seconds from the start to the first examination of a restored server, or one with other addresses: its ports are open
by then. It has certificates, and it isn't known whether mail reaches it.
"""

HOUR: Final = 3
"""Local hour of the examination, when people sleep."""

SPREAD: Final = 7200
"""Seconds over which servers are spread, so that not all ask the same lists at once."""

DAY: Final = 86_400.0
"""Seconds: an examination that is older than this and `SPREAD` has been missed."""

CHANNEL_SECONDS: Final = 30.0
"""Seconds for the URL, and for the command."""

MAX_OUTPUT: Final = 300
"""Characters of a command's error output that are logged."""


def next_night(now: float, host: str) -> float:
    """Seconds UTC of the next examination: in the small hours, with an offset by host."""
    today = dt.datetime.fromtimestamp(now, dt.UTC).astimezone().replace(hour=HOUR, minute=0, second=0, microsecond=0)
    own = int.from_bytes(hashlib.sha256(host.encode()).digest()[:4], "big") % SPREAD
    for days in (0, 1, 2):
        moment = (today + dt.timedelta(days=days, seconds=own)).timestamp()
        if moment > now:
            return moment
    raise AssertionError("unreachable: the time comes within two days")


class Nightly:
    """The nightly task of the server.

    Args:
      new: no server has used the data before, so that certificates and names have yet to arrive.
      examine: runs the examination, and returns all findings.
      http: makes requests.
    """

    def __init__(
        self,
        settings: Doctor,
        *,
        new: bool,
        config: ConfigHolder,
        accounts: Accounts,
        examine: Callable[[], Awaitable[Sequence[Finding]]],
        http: HTTPClient,
    ) -> None:
        self._settings = settings
        self._new = new
        self._config = config
        self._accounts = accounts
        self._examine = examine
        self._http = http
        self._path: Path = config.current.static.data_dir / STATE
        self._lock = trio.Lock()

    async def serve(self) -> None:
        """Examine each night, for ever; also after a start if that's overdue, and at once if this machine hasn't been
        examined at its addresses, unless it is new.

        Errors: a fault of the examined server is not raised. If the last findings cannot be read, they count as empty,
        and everything is reported again. OSError comes out if the file cannot be written.
        """
        last = await trio.to_thread.run_sync(self._read)
        if time.time() - last.at > DAY + SPREAD:
            await sleep_by_both_clocks(FIRST if last.at or self._new else SOON)
            await self.once()
        while True:
            now = time.time()
            await sleep_by_both_clocks(next_night(now, self._config.current.static.hostname.ascii) - now)
            await self.once()

    async def once(self) -> NightlyReport:
        """Examine now, and report changes. Raises OSError: the findings cannot be saved."""
        async with self._lock:
            before = await trio.to_thread.run_sync(self._read)
            examined = await self._examine()
            findings = [finding for finding in examined if finding.grade != "note"]
            known, keys = {finding.key for finding in before.findings}, {finding.key for finding in findings}
            new = [finding for finding in findings if finding.key not in known]
            absent = [finding for finding in before.findings if finding.key not in keys]
            gone = [finding for finding in absent if not _is_unknown(finding, examined)]
            findings += [finding for finding in absent if finding not in gone]
            kv = {"errors": sum(finding.grade == "error" for finding in findings), "new": len(new), "gone": len(gone)}
            logger.info("server check finished", extra={"kv": kv})
            nightly_report = NightlyReport(new, gone, [], [])
            if new or gone:
                await self._tell(nightly_report, standing=len(findings) - len(new))
            if nightly_report.channels or not (new or gone):
                await trio.to_thread.run_sync(
                    self._write, Night(time.time(), findings, addresses_of(self._config.current.static))
                )
            return nightly_report

    def _read(self) -> Night:
        return read_night(self._config.current.static)

    def _write(self, night: Night) -> None:
        write_atomically(self._path, to_json(night), mode=0o640)

    async def _tell(self, nightly_report: NightlyReport, *, standing: int) -> None:
        """Send the report by each channel, independent of the others; a failure is logged."""
        text = _text(nightly_report, standing)
        for channel, tell in (("mail", self._mail), ("url", self._post), ("command", self._run)):
            problem = await tell(nightly_report, text)
            if problem == "":
                nightly_report.channels.append(channel)
            elif problem is not None:
                nightly_report.problems.append(f"{channel}: {problem}")
                logger.error("failed to send problem report", extra={"kv": {"channel": channel, "err": problem}})

    async def _mail(self, nightly_report: NightlyReport, text: str) -> str | None:
        subject = _subject(nightly_report)
        once = f"doctor {time.time_ns()}"
        try:
            await notify_postmaster(self._accounts, self._config.current, subject, text, once=once)
        except StoreError as error:
            return str(error)
        return ""

    async def _post(self, nightly_report: NightlyReport, text: str) -> str | None:
        """Post the changes as JSON; None if no URL is configured."""
        if self._settings.url is None:
            return None
        body = to_json(
            {
                "host": self._config.current.static.hostname.ascii,
                "new": nightly_report.new,
                "gone": nightly_report.gone,
                "text": text,
            }
        )
        try:
            answer = await self._http.request(
                "POST",
                str(self._settings.url),
                headers=(("Content-Type", "application/json"),),
                body=body,
                seconds=CHANNEL_SECONDS,
            )
        except HTTPError as error:
            return str(error)
        return "" if 200 <= answer.status < 300 else f"status {answer.status}"

    async def _run(self, nightly_report: NightlyReport, text: str) -> str | None:
        """Give a command the changes as text on stdin; None if no command is configured."""
        command = self._settings.command
        if not command:
            return None
        try:
            with trio.fail_after(CHANNEL_SECONDS):
                done = await trio.run_process(
                    list(command), stdin=text.encode(), capture_stderr=True, stdout=subprocess.DEVNULL, check=False
                )
        except (OSError, trio.TooSlowError) as error:
            return getattr(error, "strerror", None) or f"timed out after {CHANNEL_SECONDS:.0f} s"
        words = done.stderr.decode(errors="replace").strip()[:MAX_OUTPUT]
        return "" if done.returncode == 0 else f"exit code {done.returncode}: {words}".rstrip(": ")


def _is_unknown(finding: Finding, examined: Sequence[Finding]) -> bool:
    """Whether an examination could not look for an earlier finding: DNS or a check failed, or that one look-up."""
    return any(
        (one.code == "dns-server" and one.grade == "error")
        or (one.code == "not-checked" and (one.grade == "warning" or one.about == finding.about))
        for one in examined
    )


def _subject(nightly_report: NightlyReport) -> str:
    if not nightly_report.new:
        return f"{counted(len(nightly_report.gone), 'problem')} fixed"
    first = nightly_report.new[0]
    more = f" and {len(nightly_report.new) - 1} more" if len(nightly_report.new) > 1 else ""
    return f"{first.grade}: {first.text[:120]}{more}"


def _text(nightly_report: NightlyReport, standing: int) -> str:
    lines: list[str] = []
    for title, findings in (("New problems:", nightly_report.new), ("Fixed:", nightly_report.gone)):
        if not findings:
            continue
        lines += [title, ""]
        for group, commands in in_groups(findings):
            lines += [f"- {finding.grade}, {finding.code}: {finding.words}" for finding in group]
            if findings is nightly_report.new:
                lines += [f"    {command}" for command in commands]
        lines.append("")
    if standing:
        problems = "1 earlier problem remains" if standing == 1 else f"{standing} earlier problems remain"
        lines += [f"{problems}. To list all problems, run moxlite doctor.", ""]
    lines += [
        "For help with a problem, run `moxlite help doctor.md`. You'll only get this email when something changes.",
        "",
    ]
    return "\n".join(lines)
