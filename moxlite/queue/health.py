"""How the queue is: for the doctor (ADMIN-70), its tests of mail, and the history that the admin app draws."""

import time
from typing import Final

from moxlite.admin.doctor.requests import QueueState, Waiting
from moxlite.findings import Finding
from moxlite.operations.queue import Filter, Page
from moxlite.queue.bounces import Block
from moxlite.queue.guard.stops import Stopped
from moxlite.queue.queue import Queue
from moxlite.store.reports.history import QueueSample
from moxlite.wording import counted

STUCK_SECONDS: Final = 4 * 3600.0
"""Seconds that a message waits in the queue before it is a finding: by then four attempts have failed (QUEUE-10)."""

WAY_ROUND: Final = 'moxlite config example transport (a route with after = "blocked")'
"""Remedy until a block ends (QUEUE-184)."""

MAX_REPLY: Final = 300
"""Characters of a host's reply that are shown."""


async def queue_state(queue: Queue | None) -> tuple[QueueState | None, list[Finding]]:
    """The queue's state, and findings about it; none while no queue runs. Raises StoreError."""
    if queue is None:
        return None, []
    counts = await queue.listings.counts()
    findings = [_blocked(block) for block in queue.listings.blocks()]
    findings += [_stopped(stopped) for stopped in await queue.listings.stopped()]
    oldest = 0.0
    for first in await queue.listings.list_messages(Filter(hold=False), Page(sort="queued", n=1)):
        oldest = time.time() - first.queued / 1e6
        if oldest > STUCK_SECONDS:
            why = f": {first.last_result.error}" if first.last_result and first.last_result.error else ""
            text = f"mail to {first.recipient_address} has been waiting for {oldest / 3600:.0f} h{why}"
            commands = ("moxlite queue list", "moxlite queue retry --all")
            findings.append(Finding(grade="warning", code="queue-stuck", about="queue", text=text, commands=commands))
    if counts.held:
        text = f"{counted(counts.held, 'message')} on hold"
        commands = ("moxlite queue list --hold true", "moxlite queue unhold --ids ID")
        findings.append(Finding(grade="note", code="queue-held", about="queue", text=text, commands=commands))
    return QueueState(counts.messages, counts.held, oldest), findings


async def find_waiting(queue: Queue | None, account: str, message_id: str) -> Waiting | None:
    """A message of an account that is in the queue. Raises StoreError."""
    if queue is None:
        return None
    newest = Page(sort="queued", ascending=False)
    for message in await queue.listings.list_messages(Filter(account=account), newest):
        if message.message_id == message_id:
            return Waiting(message.attempts, message.last_result.error if message.last_result is not None else "")
    return None


async def queue_sample(queue: Queue | None) -> QueueSample | None:
    """The queue now; None while none runs. Raises StoreError."""
    if queue is None:
        return None
    now = queue.ctx.clock()
    counts = await queue.listings.counts()
    waiting = await queue.listings.list_messages(Filter(hold=False), Page(sort="queued", n=1))
    return QueueSample(now, counts.messages, counts.held, max(0, now - waiting[0].queued) if waiting else 0)


def _blocked(block: Block) -> Finding:
    since = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(block.since / 1e6))
    reply = " ".join(block.reply.split())[:MAX_REPLY]
    return Finding(
        grade="error",
        code="address-blocked",
        about="mail out",
        text=block.meaning.meaning,
        detail=f"Messages refused since {since}: {block.times}. {block.host} has said: {reply}",
        commands=(*([block.meaning.admin] if block.meaning.admin else []), WAY_ROUND),
    )


def _stopped(stopped: Stopped) -> Finding:
    name, since = stopped.stop.account, time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(stopped.stop.since / 1e6))
    return Finding(
        grade="error",
        code="account-stopped",
        about=name,
        text=f"account {name} may be compromised; sending is paused",
        detail=f"Since {since}: {stopped.stop.why}. Messages on hold: {stopped.held.messages}.",
        commands=(f"moxlite queue list --account {name} --hold true", f"moxlite queue guard release {name}"),
    )
