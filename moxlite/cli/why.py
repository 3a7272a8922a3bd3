"""``moxlite why``: why a message is where it is, or where one would go (ADMIN-77, SMTP-164)."""

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from moxlite.cli.common import HYPHENS, Failure, load_config, perform, settings, show, show_json
from moxlite.cli.files import on_files, served
from moxlite.escapes import printable
from moxlite.operations.why import ConnectionLog, Explained, WhyFile, WhyMessage, WhyReply

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from moxlite.acceptance.commands import DryRunSources
    from moxlite.config.snapshot import Snapshot

T = TypeVar("T")

_ID = re.compile(r"\(?([A-Za-z0-9_-]{22})\)?")
"""An ID in a reply or a Received header, in parentheses as replies have it."""

_REASON = re.compile(r'\breason"?[=:]"?([a-z-]+)')
"""The reason in a log line of either form."""


@click.command(context_settings=HYPHENS)
@click.option("--account", metavar="NAME", help="Find messages in this account by number, Message-ID, or sender.")
@click.option("--from", "sender", metavar="ADDR", help="Envelope sender for a file, or <> for none.  [default: From]")
@click.option("--to", "recipient", metavar="ADDR", help="Envelope recipient for a file.")
@click.option("--ip", default="", metavar="IP", help="Client address for a file, to run DNS checks.")
@click.option("--helo", default="", metavar="NAME", help="HELO name for a file.")
@click.argument("message", metavar="ID|SENDER|FILE")
def why(account: str | None, sender: str | None, recipient: str | None, ip: str, helo: str, message: str) -> None:
    """Explain where a message was delivered and why. This shows all evidence, rule results, and the final decision.

    With --account, use a message that was delivered to the account, or rejected with a copy in its rejects mailbox.
    Specify a message number, a Message-ID, or a sender (ann@example.com, or @example.com for a whole domain) to see
    their 20 newest messages. If there's only one account, you can omit --account. To see rejections without a copy,
    check the log. With --to, use a file with a complete message to preview how it would be delivered. The preview uses
    the account's history and junk filter. Add --ip and --helo to check SPF, DKIM, DMARC, and block lists. The first
    line lists any skipped checks. This works even if the server isn't running.

    If a user sends you an error with an ID at its end, such as (kWaJQnbvcf28zLVTjo7RCg), specify just the ID to see the
    log lines for that connection, with the sender, the recipients, and the reason.
    """
    if account is None and recipient is None and (match := _ID.fullmatch(message)) and not Path(message).exists():
        _print_log(_logged(match[1]))
        return
    if account is None and recipient is None and not Path(message).is_file():
        account = _only_account()
    if account is not None:
        if recipient is not None or sender is not None:
            raise click.UsageError("use --from and --to for a file, --account for an account's message")
        found = _stored(account, message)
    else:
        if recipient is None:
            raise click.UsageError("add --account NAME for an account's message, or --to ADDR for a file")
        found = _tried(message, sender, recipient, ip, helo)
    if settings().as_json:
        show(found, (), as_json=True)
    else:
        _print(found)


def _logged(received_id: str) -> ConnectionLog:
    return served(lambda: perform(WhyReply(received_id)), partial(_log_of_stopped, received_id))


def _log_of_stopped(received_id: str) -> ConnectionLog:
    from moxlite.acceptance.commands import MAX_LINES, OTHER_INSTALLATION
    from moxlite.net.log import in_file, of_connection
    from moxlite.process.keys import ReceivedID, load_key

    static = load_config().static
    try:
        cid = ReceivedID(load_key(static.data_dir, create=False)).decode(received_id)
        if cid is None:
            raise Failure(OTHER_INSTALLATION)
        if static.log_file is None:
            raise Failure(f"the server isn't running; search its log for cid={cid:x}")
        lines, _ = in_file(static.log_file, of_connection(cid), MAX_LINES)
    except OSError as error:
        raise Failure(f"can't read {error.filename}: {error.strerror or error}") from None
    return ConnectionLog(f"{cid:x}", tuple(line.text for line in lines), str(static.log_file))


def _print_log(log: ConnectionLog) -> None:
    if settings().as_json:
        show_json(log)
        return
    for line in log.lines:
        print(printable(line))
    reasons = dict.fromkeys(match[1] for line in log.lines for match in _REASON.finditer(line))
    for reason in reasons:
        if meaning := _meaning(reason):
            print(f"{reason}: {meaning}")
    if not log.lines:
        place = log.file or "the newest log lines in memory"
        counted = "An account's rejections beyond ten a minute are only counted"
        raise Failure(f"nothing about this ID in {place}. {counted}. Search older logs for cid={log.cid}")


def _meaning(reason: str) -> str:
    """Meaning of a reason, by the table of the installed page; "" without the page."""
    from moxlite.cli.helpsearch import find_page

    rows = (line.split(" | ") for line in (find_page("reasons.md") or "").splitlines() if line.startswith("| `"))
    return next((row[1].replace("`", "") for row in rows if f"`{reason}`" in row[0]), "")


def _only_account() -> str | None:
    accounts = load_config().domains.accounts
    return next(iter(accounts)) if len(accounts) == 1 else None


def _stored(account: str, message: str) -> list[Explained]:
    from moxlite.acceptance.commands import stored

    return served(
        lambda: perform(WhyMessage(account, message)),
        lambda: on_files(account, lambda accounts, _: _told(stored(accounts, account, message))),
    )


def _tried(message: str, sender: str | None, recipient: str, ip: str, helo: str) -> list[Explained]:
    from moxlite.acceptance.commands import dry_run

    try:
        octets = Path(message).read_bytes()
    except OSError as error:
        raise Failure(f"can't read {message}: {error.strerror or error}") from None
    if not octets:
        raise Failure("the file is empty")
    args = WhyFile(recipient, sender, ip, helo)

    def directly() -> list[Explained]:
        snapshot = load_config()
        asking = _asking(snapshot)
        return on_files(None, lambda accounts, _: _told(dry_run(snapshot, accounts, args, octets, asking)))

    return served(
        lambda: perform(args, upload=octets),
        directly,
    )


def _asking(snapshot: "Snapshot") -> "DryRunSources":
    from moxlite.acceptance.commands import DryRunSources
    from moxlite.config.snapshot import FixedConfig
    from moxlite.net.dns.client import DNSResolver
    from moxlite.smtpd.incoming.blocklists import listed_at

    dns = snapshot.static.dns
    resolver = DNSResolver(dns.servers, trust_ad=dns.trust_ad)
    return DryRunSources(resolver, partial(listed_at, FixedConfig(snapshot), resolver))


async def _told(answer: "Awaitable[T]") -> T:
    from moxlite.acceptance.commands import WhyFailed

    try:
        return await answer
    except WhyFailed as error:
        raise Failure(str(error)) from None


def _print(found: list[Explained]) -> None:
    from moxlite.acceptance.why import lines

    if unjudged := dict.fromkeys(words for one in found for words in one.unjudged):
        print(f"skipped checks: {'; '.join(unjudged)}")
    for number, one in enumerate(found):
        if number:
            print()
        where = f", in {printable(one.mailbox)}" if one.mailbox else ""
        print(f"account {one.account}" + (f", message {one.message}{where}" if one.message else ""))
        if one.why is None:
            print("no details available for messages added by a mail client, an import, or an earlier version")
            continue
        for line in lines(one.why, _meaning(one.why.reason)):
            print(printable(line))
    if not found:
        print("not delivered because the only member is the author")
