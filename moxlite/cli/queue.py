"""``moxlite queue``: listing and changing messages that wait to be sent (ADMIN-19, ADMIN-20)."""

import sys
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import click
import msgspec

from moxlite.admin.queueing.results import Changed, HookLine, HookTest, Line, Rule, StoppedAccount, Suppressed, Try
from moxlite.cli.common import HYPHENS, call, json_option, settings, show, show_json
from moxlite.cli.rawoutput import raw_output
from moxlite.escapes import printable
from moxlite.queue.explaining.values import MTASTS, Explanation, HostPlan, Met, Waiting

DUTY_IDS: Final = 5
"""Number of message ids shown with a duty of the administrator."""

F = TypeVar("F", bound=Callable[..., object])


class Duration(click.ParamType[float]):
    """A duration such as ``15m``, ``-1h``."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds, negative with a leading minus."""
        from moxlite.config.values import parse_duration

        text = str(value)
        try:
            seconds = parse_duration(text.removeprefix("-"))
        except ValueError as error:
            self.fail(f"{text!r} {error}", param, ctx)
        return -seconds if text.startswith("-") else seconds


def filters(*, retired: bool = False) -> Callable[[F], F]:
    """Add the options that select messages (ADMIN-20)."""
    options = [
        click.option("--ids", metavar="ID,…", help="These messages."),
        click.option("--account", help="Of this account."),
        click.option("--from", "sender", metavar="ADDR", help="Part of the sender's address, or @domain."),
        click.option("--to", "recipient", metavar="ADDR", help="Part of the recipient's address, or @domain."),
        click.option("--submitted", metavar="TIME", help="'<-1h' queued over an hour ago, '>-1h' since then."),
        click.option("--transport", help="With this transport set."),
    ]
    if retired:
        options += [
            click.option("--success", type=click.Choice(["true", "false"]), help="Delivered, or failed."),
            click.option("--last-activity", metavar="TIME", help="As --submitted."),
        ]
    else:
        options += [
            click.option("--hold", type=click.Choice(["true", "false"]), help="On hold, or not."),
            click.option("--next-attempt", metavar="TIME", help="'<1h' due within an hour, '>1h' later."),
            click.option("--n", type=int, metavar="N", help="At most so many."),
        ]

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _filter(given: dict[str, Any]) -> dict[str, object]:
    """Make a filter of a command's options, without those that were not given."""
    found: dict[str, object] = {}
    for key, value in given.items():
        if value is None:
            continue
        match key:
            case "ids":
                if not all(one.strip().isdecimal() for one in value.split(",")):
                    raise click.UsageError("--ids must be numbers, separated by commas")
                found[key] = [int(one) for one in value.split(",")]
            case "hold" | "success":
                found[key] = value == "true"
            case _:
                found[key] = value
    return found


@click.group()
def queue() -> None:
    """Messages waiting to be sent."""


@queue.group()
def retired() -> None:
    """Messages that were delivered or have failed, as long as their account keeps them."""


@queue.command("list")
@filters()
@click.option("--sort", type=click.Choice(["next-attempt", "queued"]), default="next-attempt", help="Order by this.")
@click.option("--asc/--desc", "ascending", default=True, help="Oldest or latest first.")
@click.option("--last-id", type=int, default=0, help="Go on behind this message …")
@click.option("--last", default="", metavar="TIME", help="… whose time in the order was this.")
@json_option
def list_(sort: str, ascending: bool, last_id: int, last: str, as_json: bool, **given: Any) -> None:
    """List messages, those that are due first, at most 100 (--n): why each waits, and what comes next."""
    page = {"sort": sort.replace("-", "_"), "ascending": ascending, "last_id": last_id, "last": last}
    if given["n"] is not None:
        page["n"] = given["n"]
    found = call("queue list", {"filter": _filter(given), "page": page}, list[Line])
    show(
        found,
        ("id", "queued", "account", "sender", "recipient", "attempts", "next_attempt", "why", "next"),
        as_json=as_json,
    )
    if not (as_json or settings().as_json):
        _show_duties(found)


def _show_duties(found: list[Line]) -> None:
    """Print the duties of the administrator, each once, with the ids of the first messages that need it."""
    duties: dict[str, list[int]] = {}
    for line in found:
        if line.admin:
            duties.setdefault(line.admin, []).append(line.id)
    for duty, ids in duties.items():
        shown = ", ".join(map(str, ids[:DUTY_IDS])) + (", …" if len(ids) > DUTY_IDS else "")
        print(f"\n{shown}: {printable(duty)}")


@queue.command("attempts")
@click.argument("id_", metavar="ID", type=int)
@json_option
def attempts_(id_: int, as_json: bool) -> None:
    """List the attempts for message ID, waiting or retired: with whom, over which TLS, what was answered.

    The column tls names the policies that held (dane, sts), `verified` for a smarthost whose certificate is good,
    `opportunistic` for TLS that no policy demands, or `clear`.
    """
    found = call("queue attempts", {"id": id_}, list[Try])
    show(found, ("start", "seconds", "host", "ip", "tls", "outcome", "meaning", "admin"), as_json=as_json)


@queue.command("explain")
@click.argument("address")
@click.option("--from", "sender", default="", metavar="ADDR", help="By the routes and lists of this sender.")
@click.option("--connect", is_flag=True, help="Also connect to the hosts, up to STARTTLS; no message is begun.")
@json_option
def explain_(address: str, sender: str, connect: bool, as_json: bool) -> None:
    """Tell where a message to ADDRESS would go at this moment, and how: the way, the hosts and their addresses in
    order, MTA-STS and DANE, what TLS each host must show, what waits for that domain and why.

    Without --from only the routes of all accounts count. With --connect hosts are connected to, until one is good (3 at
    most). Exit code 1 if the message would not leave now.
    """
    found = call("queue explain", {"recipient": address, "sender": sender, "connect": connect}, Explanation)
    if as_json or settings().as_json:
        show_json(found)
    else:
        print("\n".join(printable(line) for line in told(found)))
    if not leaves(found):
        sys.exit(1)


def _operation(name: str, about: str) -> None:
    """Make a command whose only arguments are the filter's."""

    @queue.command(name, help=about)
    @filters()
    @click.option("--all", "every", is_flag=True, help="All messages, without a filter.")
    def command(every: bool, **given: Any) -> None:
        _report(call(f"queue {name}", {"filter": _filter(given), "all": every}, Changed))


def _report(changed: Changed, what: str = "message") -> None:
    print(f"{changed.messages} {what}{'' if changed.messages == 1 else 's'} changed")


_operation("hold", "Make no more attempts for these messages until they're released.")
_operation("unhold", "Release messages.")
_operation("fail", "Give up on messages; their senders get a notice.")
_operation("drop", "Remove messages without telling anyone.")


@queue.command(context_settings=HYPHENS)
@filters()
@click.option("--all", "every", is_flag=True, help="All messages, without a filter.")
@click.option("--now", "from_now", is_flag=True, help="Count from now, not from the time that was set.")
@click.argument("duration", type=Duration())
def schedule(duration: float, from_now: bool, every: bool, **given: Any) -> None:
    """Put the next attempt off by DURATION, or with -DURATION bring it forward. `--now 0s` is at once."""
    args = {"filter": _filter(given), "all": every, "seconds": duration, "from_now": from_now}
    _report(call("queue schedule", args, Changed))


@queue.command("transport")
@filters()
@click.option("--all", "every", is_flag=True, help="All messages, without a filter.")
@click.argument("name")
def transport_(name: str, every: bool, **given: Any) -> None:
    """Send messages by transport NAME; with an empty NAME by that of the routes again."""
    _report(call("queue transport", {"filter": _filter(given), "all": every, "transport": name}, Changed))


@queue.command()
@filters()
@click.option("--all", "every", is_flag=True, help="All messages, without a filter.")
@click.argument("value", type=click.Choice(["yes", "no", "default"]))
def requiretls(value: str, every: bool, **given: Any) -> None:
    """Demand verified TLS for messages, ignore all policies, or do as usual."""
    _report(call("queue requiretls", {"filter": _filter(given), "all": every, "require_tls": value}, Changed))


@queue.command()
@click.argument("id_", metavar="ID", type=int)
def dump(id_: int) -> None:
    """Print message ID as it will be sent: octet by octet into a file or pipe, with escapes on a terminal."""
    call("queue dump", {"id": id_}, type(None), output=raw_output())


@retired.command("list")
@filters(retired=True)
@json_option
def retired_list(as_json: bool, **given: Any) -> None:
    """List finished messages, the latest first."""
    found = call("queue retired list", {"filter": _filter(given)}, list[Line])
    show(
        found,
        ("id", "last_activity", "account", "sender", "recipient", "attempts", "success", "error"),
        as_json=as_json,
    )


@retired.command("print")
@click.argument("id_", metavar="ID", type=int)
def retired_print(id_: int) -> None:
    """Print all about finished message ID as JSON."""
    show_json(call("queue retired print", {"id": id_}, msgspec.Raw))


@queue.group()
def suppress() -> None:
    """Addresses to which accounts send nothing more."""


@suppress.command("list")
@click.option("--account", default="", help="Of this account only.")
@json_option
def suppress_list(account: str, as_json: bool) -> None:
    """List them, with the reason why each is there."""
    found = call("queue suppress list", {"account": account}, list[Suppressed])
    show(found, ("account", "address", "manual", "created", "expires", "reason"), as_json=as_json)


@suppress.command("add")
@click.argument("account")
@click.argument("address")
@click.option("--reason", default="", help="Why, for the list.")
def suppress_add(account: str, address: str, reason: str) -> None:
    """Let ACCOUNT send nothing more to ADDRESS; messages to it fail at once."""
    call("queue suppress add", {"account": account, "address": address, "reason": reason}, type(None))


@suppress.command("remove")
@click.argument("account")
@click.argument("address")
def suppress_remove(account: str, address: str) -> None:
    """Let ACCOUNT send to ADDRESS again."""
    call("queue suppress remove", {"account": account, "address": address}, type(None))


@suppress.command("lookup")
@click.argument("account")
@click.argument("address")
@json_option
def suppress_lookup(account: str, address: str, as_json: bool) -> None:
    """Tell whether ACCOUNT may send to ADDRESS: the entry that forbids it, if there is one."""
    found = call("queue suppress lookup", {"account": account, "address": address}, list[Suppressed])
    show(found, ("account", "address", "base", "manual", "created", "expires", "reason"), as_json=as_json)


@queue.group()
def guard() -> None:
    """Accounts that the guard has stopped, because it looks as if strangers send with them."""


@guard.command("list")
@json_option
def guard_list(as_json: bool) -> None:
    """List them: since when, why, and what of them waits; with --json also from where they have sent."""
    found = call("queue guard list", {}, list[StoppedAccount])
    show(found, ("account", "since", "why", "messages", "recipients", "oldest"), as_json=as_json)


@guard.command("release")
@click.argument("account")
@json_option
def guard_release(account: str, as_json: bool) -> None:
    """Let ACCOUNT send again, with what the guard holds of it; tell what that is.

    To see it before: `moxlite queue list --account ACCOUNT --hold true`; to take it away: `moxlite queue drop` with the
    same options. What a person or a hold rule has put on hold stays there.
    """
    found = call("queue guard release", {"account": account}, StoppedAccount)
    if as_json or settings().as_json:
        show([found], (), as_json=True)
        return
    print(printable(f"account {found.account} may send again; it was stopped since {found.since}: {found.why}"))
    if found.messages:
        print(
            f"released: messages: {found.messages}, recipients: {found.recipients}, their domains: {found.domains},"
            f" the oldest of {found.oldest}"
        )
    else:
        print("released: nothing, no message of it was held")


@queue.group()
def holdrules() -> None:
    """Rules by which new messages wait until they're released."""


@holdrules.command("list")
@json_option
def holdrules_list(as_json: bool) -> None:
    """List all rules; an empty field matches everything."""
    show(call("queue holdrules list", {}, list[Rule]), ("id", "account", "sender", "recipient"), as_json=as_json)


@holdrules.command("add")
@click.option("--account", default="", help="Messages of this account.")
@click.option("--sender", default="", metavar="ADDR", help="From this address, or @domain.")
@click.option("--recipient", default="", metavar="ADDR", help="To this address, or @domain.")
def holdrules_add(account: str, sender: str, recipient: str) -> None:
    """Hold messages that match, now and in future. Without options: hold everything."""
    found = call("queue holdrules add", {"account": account, "sender": sender, "recipient": recipient}, Changed)
    print(f"rule {found.id} added, {found.messages} messages held")


@holdrules.command("remove")
@click.argument("id_", metavar="ID", type=int)
def holdrules_remove(id_: int) -> None:
    """Remove rule ID; messages that it held stay so."""
    call("queue holdrules remove", {"id": id_}, type(None))


@queue.group()
def webhook() -> None:
    """Calls to web servers of accounts, about sent and received messages."""


def hook_filters(*, finished: bool = False) -> Callable[[F], F]:
    """Add the options that select webhooks."""
    options = [
        click.option("--ids", metavar="ID,…", help="These webhooks."),
        click.option("--account", help="Of this account."),
        click.option("--event", help="Of this event, such as failed, or incoming."),
        click.option("--submitted", metavar="TIME", help="'<-1h' made over an hour ago, '>-1h' since then."),
    ]
    if finished:
        options.append(click.option("--last-activity", metavar="TIME", help="As --submitted."))
    else:
        options += [
            click.option("--next-attempt", metavar="TIME", help="'<1h' due within an hour, '>1h' later."),
            click.option("--n", type=int, metavar="N", help="At most so many."),
        ]

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@webhook.command("list")
@hook_filters()
@json_option
def webhook_list(as_json: bool, **given: Any) -> None:
    """List webhooks that wait, those that are due first, at most 100 (--n)."""
    page = {} if given["n"] is None else {"n": given["n"]}
    found = call("queue webhook list", {"filter": _filter(given), "page": page}, list[HookLine])
    columns = ("id", "msg_id", "account", "event", "url", "attempts", "next_attempt", "error")
    show(found, columns, as_json=as_json)


@webhook.command("schedule", context_settings=HYPHENS)
@hook_filters()
@click.option("--all", "every", is_flag=True, help="All webhooks, without a filter.")
@click.option("--now", "from_now", is_flag=True, help="Count from now, not from the time that was set.")
@click.argument("duration", type=Duration())
def webhook_schedule(duration: float, from_now: bool, every: bool, **given: Any) -> None:
    """Put the next call off by DURATION, or with -DURATION bring it forward. `--now 0s` is at once."""
    args = {"filter": _filter(given), "all": every, "seconds": duration, "from_now": from_now}
    _report(call("queue webhook schedule", args, Changed), "webhook")


@webhook.command("cancel")
@hook_filters()
@click.option("--all", "every", is_flag=True, help="All webhooks, without a filter.")
def webhook_cancel(every: bool, **given: Any) -> None:
    """Make no more calls."""
    _report(call("queue webhook cancel", {"filter": _filter(given), "all": every}, Changed), "webhook")


@webhook.command("print")
@click.argument("id_", metavar="ID", type=int)
def webhook_print(id_: int) -> None:
    """Print all about webhook ID as JSON: what it sends, and what came of each call."""
    show_json(call("queue webhook print", {"id": id_}, msgspec.Raw))


@webhook.command("test")
@click.argument("account")
@json_option
def webhook_test(account: str, as_json: bool) -> None:
    """Call the web servers of ACCOUNT now, with a sample of each event.

    Each is called once, and the answer shown. Exit code 1 unless all have succeeded. All ids in a sample are 0.
    """
    found = call("queue webhook test", {"account": account}, list[HookTest])
    show(found, ("event", "url", "success", "status", "error", "response"), as_json=as_json)
    if not all(one.success for one in found):
        raise SystemExit(1)


@webhook.group("retired")
def webhook_retired() -> None:
    """Webhooks that are finished, as long as their account keeps them."""


@webhook_retired.command("list")
@hook_filters(finished=True)
@json_option
def webhook_retired_list(as_json: bool, **given: Any) -> None:
    """List finished webhooks, the latest first."""
    found = call("queue webhook retired list", {"filter": _filter(given)}, list[HookLine])
    columns = ("id", "last_activity", "msg_id", "account", "event", "url", "attempts", "success", "error")
    show(found, columns, as_json=as_json)


@webhook_retired.command("print")
@click.argument("id_", metavar="ID", type=int)
def webhook_retired_print(id_: int) -> None:
    """Print all about finished webhook ID as JSON."""
    show_json(call("queue webhook retired print", {"id": id_}, msgspec.Raw))


# Output of ``moxlite queue explain`` (QUEUE-182).


def leaves(found: Explanation) -> bool:
    """Whether a message would be tried now, and, as far as hosts were contacted, one would accept it."""
    if found.error or found.suppressed or found.stopped:
        return False
    if not found.hosts:
        return True
    usable = [host for host in found.hosts if not host.refusal and not host.pause]
    met = [host.met for host in usable if host.met is not None]
    return bool(usable) and (not met or any(not one.error for one in met))


def told(found: Explanation) -> Iterator[str]:
    """Format an explanation as lines for people."""
    sender = f" from {found.sender}" if found.sender else ""
    account = f" (account {found.account})" if found.account else ""
    yield f"a message to {found.recipient}{sender}{account}:"
    if found.suppressed:
        yield f"  FAILS AT ONCE: the account sends nothing to this address: {found.suppressed}"
    if found.stopped:
        yield f"  WAITS: the account is stopped: {found.stopped}"
    transport = f" by transport {found.transport}" if found.transport else ""
    yield f"  way{transport}: {found.way}"
    if found.error:
        yield f"  {'FAILS' if found.permanent else 'WAITS'}: {found.error}"
    yield f"  {_waiting(found.waiting)}"
    if found.mtasts is not None:
        yield f"  MTA-STS: {_mtasts(found.mtasts)}"
    if found.hosts:
        yield f"  DNSSEC vouches for the names of the hosts: {'yes' if found.dnssec else 'no'}"
    for number, host in enumerate(found.hosts, 1):
        yield f"  host {number}: {host.name}"
        for line in _host(host):
            yield f"    {line}"


def _waiting(waiting: Waiting) -> str:
    if not waiting.messages:
        return "nothing else waits for that domain" + (f"; {waiting.why}" if waiting.why else "")
    held = f", {waiting.held} of them on hold" if waiting.held else ""
    why = f": {waiting.why}" if waiting.why else ""
    return f"messages that wait for that domain: {waiting.messages}{held}, the oldest since {waiting.oldest}{why}"


def _mtasts(policy: MTASTS) -> str:
    problem = f" ({policy.problem})" if policy.problem else ""
    if not policy.mode:
        return f"no policy{problem}"
    when = f"{policy.source}, of {policy.fetched}, in force until {policy.until}"
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
        yield f"LEFT ALONE: {host.pause}"
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
