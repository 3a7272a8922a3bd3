"""``moxlite queue``: listing and changing messages that wait to be sent (ADMIN-19, ADMIN-20)."""

import sys
from collections.abc import Iterator
from typing import Final

import click

from moxlite.cli.common import note, show, show_json
from moxlite.cli.described import Printer, described, for_people
from moxlite.escapes import printable
from moxlite.operations import described_in, description, queue as operations, webhooks
from moxlite.operations.queue import MTASTS, Changed, Explanation, HostPlan, Line, Met, StoppedAccount, Waiting
from moxlite.operations.webhooks import HookTest
from moxlite.wording import counted

NARROW: Final = ("id", "sender", "recipient", "attempts", "next_attempt", "why")
"""Columns of the queue that fit a terminal."""

DUTY_IDS: Final = 5
"""Number of message ids shown with a duty of the administrator."""


@click.group()
def queue() -> None:
    """Manage messages waiting to be sent."""


def _show_list(lines: list[Line], as_json: bool) -> None:
    show(lines, description(operations.ListMessages).columns, as_json=as_json, fewer=NARROW)
    if not as_json:
        _show_duties(lines)


def _show_duties(lines: list[Line]) -> None:
    """Print the duties of the administrator, each once, with the ids of the first messages that need it."""
    duties: dict[str, list[int]] = {}
    for line in lines:
        if line.admin:
            duties.setdefault(line.admin, []).append(line.id)
    for duty, ids in duties.items():
        shown = ", ".join(map(str, ids[:DUTY_IDS])) + (", …" if len(ids) > DUTY_IDS else "")
        print(f"\n{shown}: {printable(duty)}")


def _show_explanation(explanation: Explanation, as_json: bool) -> None:
    if as_json:
        show_json(explanation)
    else:
        print("\n".join(printable(line) for line in explanation_lines(explanation)))
    if not leaves(explanation):
        sys.exit(1)


def _changed(what: str) -> Printer:
    def report(changed: Changed, as_json: bool) -> None:
        if as_json:
            show_json(changed)
        else:
            listing = "queue list" if what == "message" else f"queue {what} list"
            none = "" if changed.messages else f": none match; to list them, run: moxlite {listing}"
            print(f"changed {counted(changed.messages, what)}{none}")

    return report


def _show_retry(changed: Changed, as_json: bool) -> None:
    _changed("message")(changed, as_json)
    if not changed.messages and not as_json:
        print("messages on hold aren't retried; to release them, run: moxlite queue unhold --ids ID")


@for_people
def _show_rule(added: Changed) -> None:
    print(f"added rule {added.id}; {counted(added.messages, 'message')} on hold")
    note(f"To stop, run: moxlite queue holdrules remove {added.id}")


def _show_release(stopped: StoppedAccount, as_json: bool) -> None:
    if as_json:
        show([stopped], (), as_json=True)
        return
    print(printable(f"account {stopped.account} can send again; sending was paused on {stopped.since}: {stopped.why}"))
    if stopped.messages:
        print(
            f"released: messages: {stopped.messages}, recipients: {stopped.recipients}, their domains: "
            f"{stopped.domains}, oldest from {stopped.oldest}"
        )
    else:
        print("no messages on hold")


def _show_tests(hook_tests: list[HookTest], as_json: bool) -> None:
    show(hook_tests, description(webhooks.TestHooks).columns, as_json=as_json)
    if not all(hook_test.success for hook_test in hook_tests):
        sys.exit(1)


described(
    queue,
    (*described_in(operations), *described_in(webhooks)),
    {
        "retired": "Manage delivered and failed messages.",
        "suppress": "Manage addresses that accounts don't send to.",
        "guard": "Manage accounts with paused sending. They may be compromised.",
        "holdrules": "Manage rules to hold new messages until you release them.",
        "webhook": "Manage webhooks for sent and received messages.",
        "webhook retired": "Manage finished webhooks, if their account keeps them.",
    },
    {
        operations.ListMessages: _show_list,
        operations.CountMessages: lambda found, as_json: show_json(found.messages),
        operations.Explain: _show_explanation,
        operations.Choose: _changed("message"),
        operations.Retry: _show_retry,
        operations.AddHoldRule: _show_rule,
        operations.Release: _show_release,
        webhooks.ChooseHooks: _changed("webhook"),
        webhooks.TestHooks: _show_tests,
    },
)


# Output of ``moxlite queue explain`` (QUEUE-182).


def leaves(explanation: Explanation) -> bool:
    """Whether a message would be tried now, and, as far as hosts were contacted, one would accept it."""
    if explanation.error or explanation.suppressed or explanation.stopped:
        return False
    if not explanation.hosts:
        return True
    usable = [host for host in explanation.hosts if not host.refusal and not host.pause]
    met = [host.met for host in usable if host.met is not None]
    return bool(usable) and (not met or any(not one.error for one in met))


def explanation_lines(explanation: Explanation) -> Iterator[str]:
    """Format an explanation as lines for people."""
    sender = f" from {explanation.sender}" if explanation.sender else ""
    account = f" (account {explanation.account})" if explanation.account else ""
    yield f"message to {explanation.recipient}{sender}{account}:"
    if explanation.suppressed:
        yield f"  FAILS IMMEDIATELY: the address is on the account's suppression list: {explanation.suppressed}"
    if explanation.stopped:
        yield f"  HELD: sending is paused for the account: {explanation.stopped}"
    transport = f" by transport {explanation.transport}" if explanation.transport else ""
    yield f"  way{transport}: {explanation.way}"
    if explanation.error:
        yield f"  {'FAILS' if explanation.permanent else 'WAITS'}: {explanation.error}"
    yield f"  {_waiting(explanation.waiting)}"
    if explanation.mtasts is not None:
        yield f"  MTA-STS: {_mtasts(explanation.mtasts)}"
    if explanation.hosts:
        yield f"  host names verified by DNSSEC: {'yes' if explanation.dnssec else 'no'}"
    for number, host in enumerate(explanation.hosts, 1):
        yield f"  host {number}: {host.name}"
        for line in _host(host):
            yield f"    {line}"


def _waiting(waiting: Waiting) -> str:
    if not waiting.messages:
        return "no other messages queued for this domain" + (f"; {waiting.why}" if waiting.why else "")
    held = f", {waiting.held} on hold" if waiting.held else ""
    why = f": {waiting.why}" if waiting.why else ""
    return f"messages queued for this domain: {waiting.messages}{held}, oldest from {waiting.oldest}{why}"


def _mtasts(policy: MTASTS) -> str:
    problem = f" ({policy.problem})" if policy.problem else ""
    if not policy.mode:
        return f"no policy{problem}"
    when = f"{policy.source}, from {policy.fetched}, valid until {policy.until}"
    return f"{policy.mode}, hosts {', '.join(policy.mx) or 'none'}; {when}{problem}"


def _host(host: HostPlan) -> Iterator[str]:
    if host.addresses:
        yield f"addresses: {', '.join(host.addresses)}"
    if host.tlsa_name:
        yield f"TLSA at {host.tlsa_name}: {'; '.join(host.tlsa) or 'none that can be used'}"
    if host.tlsa_problem:
        yield host.tlsa_problem
    if host.refusal:
        yield f"NOT USED: {host.refusal}"
        return
    yield f"demanded ({host.policies}): {host.demand}"
    if host.pause:
        yield f"PAUSED: {host.pause}"
    if host.met is not None:
        yield from _met(host.met)


def _met(met: Met) -> Iterator[str]:
    if met.ip:
        yield f"connected to {met.ip}"
    if met.greeting:
        yield f"greeting: {met.greeting}"
    if met.keywords:
        yield f"offers: {' '.join(met.keywords)}"
    if met.policies:
        yield f"TLS: {met.tls or 'none'} ({met.policies})"
    yield f"WOULD FAIL: {met.error}" if met.error else "a message would be sent over this connection"
