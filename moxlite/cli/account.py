"""``moxlite account`` and ``moxlite admin``: passwords, second factors, and restoring lost mail."""

import datetime as dt
import re
import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import click
import msgspec

from moxlite.cli.backups.orphans import recover
from moxlite.cli.common import (
    FAILED,
    Failure,
    LazyGroup,
    ask,
    data_dir,
    json_option,
    load_config,
    new_password,
    note,
    perform,
    show,
    show_json,
)
from moxlite.cli.described import described, for_people
from moxlite.cli.doubts import say_doubts
from moxlite.cli.imap import imapserve
from moxlite.cli.moments import moment, since_moment
from moxlite.cli.setup.domainsfile import show_accounts
from moxlite.cli.sieve import account_sieve, sort, vacation
from moxlite.encoding import from_builtins, to_json
from moxlite.escapes import printable
from moxlite.operations import access, described_in, description, leaving, masked
from moxlite.operations.access import FactorsRemoved, LinkMade
from moxlite.operations.accounts import FindAddress, ListAccounts, ListLogins
from moxlite.operations.masked import GivenAddress
from moxlite.operations.server import AuditList
from moxlite.operations.store import ImportAccount, ListMailboxes
from moxlite.operations.subjects import SUBJECTS
from moxlite.proto.aliasexports import MAX_OCTETS, ExportError, read_aliases
from moxlite.store.forms import Leaving
from moxlite.wording import counted

# Commands that let users log in again: second factors, recovery links, limits of failed log-ins.
#
# The changes themselves are not here but in `admin.factors`.


ADMIN = "(admin)"


@for_people
def show_reset(done: FactorsRemoved) -> None:
    """Print how many second factors were removed."""
    print(f"removed {counted(done.removed, 'verification method')}")


@for_people
def show_link(made: LinkMade) -> None:
    """Print a recovery link."""
    print(f"{made.url}\nThe link works once and expires {made.expires} UTC.")


@click.command("second-factors")
@json_option
def admin_second_factors(as_json: bool) -> None:
    """List verification methods for the admin app. These are authenticator apps, security keys, and recovery codes
    left.
    """
    factor_infos = perform(access.ListFactors(ADMIN))
    show(factor_infos, description(access.ListFactors).columns, as_json=as_json)


@click.command("reset-second-factor")
def admin_reset() -> None:
    """Remove all verification methods from the admin app. You'll only need the password to log in."""
    show_reset(perform(access.ResetFactors(ADMIN)), False)


@click.group()
def limits() -> None:
    """Show failed logins and their limits."""


@limits.command("clear", help=description(access.ClearLimits).about)
@click.argument("ip", default="", metavar="[IP]")
def limits_clear(ip: str) -> None:
    if not ip:
        ask("Clear all failed logins for all networks and accounts?")
    try:
        dropped = perform(access.ClearLimits(ip))
    except Failure as failure:
        if failure.code != FAILED:
            raise
        raise Failure(f"{failure}; {LIMITS}") from None
    print(f"{counted(dropped, 'count')} cleared")
    if not dropped:
        note(f"there were no failed logins{f' from {ip}' if ip else ''}; {LIMITS}")


LIMITS: Final = "to list addresses with failed logins, run: moxlite limits list"


described(limits, described_in(access), {}, {}, without={access.ClearLimits})


# ``moxlite audit``: who changed what (WEB-160).


class Line(msgspec.Struct, frozen=True):
    """A line of the listing."""

    id: int
    time: str
    actor: str
    source: str
    action: str
    object: str
    outcome: str
    what: str


@click.group()
def audit() -> None:
    """List changes to settings, and who made them. They come from the command line, web apps, and edits of
    domains.toml.
    """


@audit.command("list")
@click.argument("words", nargs=-1)
@click.option("--actor", default="", help="Only show changes made by this account, or by (admin), (cli), or (editor).")
@click.option(
    "--object", "about", default="", metavar="NAME", help="Only show changes to this account, domain, or address."
)
@click.option("--via", type=click.Choice(("cli", "webadmin", "adminapi", "webaccount", "webmail", "file")))
@click.option("--days", type=click.IntRange(1, 366), help="Number of days to show.")
@click.option("--before", type=click.IntRange(1), default=None, metavar="ID", help="Only show entries with a lower ID.")
@click.option(
    "-n", "count", type=click.IntRange(1, 1000), default=50, show_default=True, help="Maximum number of results."
)
@json_option
def list_(
    words: tuple[str, ...],
    actor: str,
    about: str,
    via: str | None,
    days: int | None,
    before: int | None,
    count: int,
    as_json: bool,
) -> None:
    """List changes matching all WORDS, newest first. This shows old and new values, but no secrets.

    "begun" means the server stopped during the change, so it may be incomplete.
    """
    since = 0 if days is None else int((time.time() - days * 86_400) * 1e6)
    args = AuditList(
        actor=actor, object=about, via=via or "", words=" ".join(words), since=since, before=before or 0, count=count
    )
    say_doubts("audit list", {"actor": actor})
    audit_lines = perform(args)
    if as_json:
        show_json(audit_lines)
        return
    lines = [
        Line(
            audit_line.id,
            f"{dt.datetime.fromtimestamp(audit_line.at / 1e6, dt.UTC):%Y-%m-%d %H:%M:%S}",
            audit_line.actor,
            audit_line.remote_ip or audit_line.via,
            audit_line.action,
            audit_line.object,
            audit_line.outcome,
            audit_line.why
            or "; ".join(f"{each.path}: {_value(each.before)} -> {_value(each.after)}" for each in audit_line.changes),
        )
        for audit_line in audit_lines
    ]
    show(lines, Line.__struct_fields__)


def _value(value: object) -> str:
    return "-" if value is None else to_json(value).decode()


LAZY: Final = ("rules", "forwards", "junk")
"""Subjects whose groups are made in `cli.sorting`, when they are used."""


@click.group(
    cls=LazyGroup,
    lazy={
        word: (f"moxlite.cli.sorting:account_{word}", about)
        for subject in SUBJECTS
        if subject.name in LAZY
        for word, about in subject.groups.items()
    },
)
def account() -> None:
    """Manage passwords, shared mailboxes, and deleted mail."""


account.add_command(recover)


@for_people
def _print_leaving(found: list[Leaving]) -> None:
    for one in found:
        due = dt.datetime.fromtimestamp(one.due / 1e6, dt.UTC)
        print(printable(f"{one.id}  {due:%Y-%m-%d %H:%M} UTC  {', '.join(one.recipients)}  {one.subject}"))


def _not_shared(args: Mapping[str, Any]) -> str:
    """Ask nothing, but refuse what isn't shared: the server takes it for done."""
    owner, mailbox, guest = args["account"], args["mailbox"].strip("/"), args["guest"]
    name = perform(FindAddress(guest)).account if "@" in guest else guest
    shared = [share.mailbox.casefold() for share in perform(access.ListShares(account=owner)) if share.guest == name]
    below = f"{mailbox.casefold()}/" if args.get("below") else None
    if mailbox.casefold() not in shared and not any(below and box.startswith(below) for box in shared):
        way = f"moxlite account share list {shlex.quote(owner)}"
        raise Failure(f"account {owner} doesn't share {mailbox} with {guest}; to list shared mailboxes, run: {way}")
    return ""


_subjects = [subject for subject in SUBJECTS if subject.groups and subject.name not in LAZY]
_groups = described(
    account,
    (
        description(ListMailboxes),
        description(ListLogins),
        *(operation for subject in _subjects for operation in subject.operations),
    ),
    {word: about for subject in _subjects for word, about in subject.groups.items()},
    {
        access.ResetFactors: show_reset,
        access.MakeLink: show_link,
        leaving.ListLeaving: _print_leaving,
    },
    without={
        access.SetPassword,
        access.SetHash,
        access.Undelete,
        access.AppPasswordAdd,
        access.ShareSet,
        access.DelegateSet,
        access.ListWays,
        access.TakeBack,
    },
    questions={access.ShareRemove: _not_shared},
)


@account.command("list", help=description(ListAccounts).about)
@json_option
def account_list(as_json: bool) -> None:
    show_accounts(perform(ListAccounts()), as_json)


@account.command("set-password")
@click.argument("name")
def account_set_password(name: str) -> None:
    """Set the password for account NAME and end its sessions. Enter the password twice when prompted, or use the first
    line of stdin.
    """
    perform(access.SetPassword(name, new_password()))


@account.command("set-hash", help=description(access.SetHash).about)
@click.argument("name")
def account_set_hash(name: str) -> None:
    taken = perform(access.SetHash(name, new_password("Hash")))
    if not taken.stored:
        raise Failure(f"password not changed: {name} already has a password")
    if taken.weak:
        print(f"{taken.weak}: easy to crack if the old server's file was stolen; ask the user for a new password")


@click.command("add")
@click.argument("account_name", metavar="ACCOUNT")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(["imap", "submission", "webapi", "dav", "jmap", "addresses", "sharing", "sieve"]),
    help="Allowed service. Can be repeated. With sharing and sieve, apps can also change these by IMAP and JMAP.  "
    "[default: imap and submission; imap with --read-only; jmap with --token]",
)
@click.option("--read-only", is_flag=True, help="Don't allow changes or sending.")
@click.option("--expires", metavar="TIME", help="Expiration, like 90d or 2026-11-20T08:00 (UTC).  [default: never]")
@click.option("--token", is_flag=True, help="Create an access token for use without an address (HTTP Bearer).")
def app_password_add(
    account_name: str, name: str, scopes: tuple[str, ...], read_only: bool, expires: str | None, token: bool
) -> None:
    """Create and print the app password NAME for ACCOUNT. You won't be able to see it again.

    Mail clients can log in with the account's addresses and this password. You can't use app passwords in web apps.
    Tokens are for jmap, webapi, and dav.
    """

    usual = ("jmap",) if token else ("imap",) if read_only else ("imap", "submission")
    deadline = None if expires is None else _deadline(expires)
    request = access.AppPasswordAdd(
        name, from_builtins(scopes or usual, list), read_only, deadline, token, account=account_name
    )
    print(perform(request))


_groups["app-password"].add_command(app_password_add)


def _deadline(text: str) -> int:
    """Parse a future time, as µs UTC: a duration from now (``12h``, ``90d``), or a date."""
    if match := re.fullmatch(r"(\d{1,6})([hdw])", text):
        seconds = int(match[1]) * {"h": 3600, "d": 86_400, "w": 604_800}[match[2]]
        return int((time.time() + seconds) * 1_000_000)
    return moment(text)


account.add_command(account_sieve)
account.add_command(sort)
account.add_command(vacation)


_WORDS: Final = {"read": "lr", "write": "lrswite", "all": "lrswipkxtea"}
"""Rights in words."""

_LETTERS: Final = frozenset(_WORDS["all"])


@click.command("set")
@click.argument("account_name", metavar="ACCOUNT")
@click.argument("mailbox")
@click.argument("guest")
@click.argument("rights")
@click.option("--below", is_flag=True, help="Include submailboxes.")
def share_set(account_name: str, mailbox: str, guest: str, rights: str, below: bool) -> None:
    """Set GUEST's permissions for ACCOUNT's MAILBOX. They replace previous ones.

    GUEST can be an account, an account's address, or "anyone". RIGHTS can be read (can view), write (can also change
    flags, and add and delete messages), all (can also create and delete submailboxes, and share), or letters from RFC
    4314: l r s w i p k x t e a. New submailboxes get the same permissions.
    """
    letters = _WORDS.get(rights, rights)
    if not letters or not _LETTERS.issuperset(letters):
        raise Failure(f'invalid permissions "{rights}"; use read, write, all, or letters from {_WORDS["all"]}')
    if "l" not in letters:
        raise Failure('to let GUEST see the mailbox, add the permission "l"')
    shared = access.ShareSet(mailbox, guest, letters, below, account=account_name)
    who = "all accounts on this server" if guest == "anyone" else "{guest}"
    perform(shared, done=f"shared {{mailbox}} of account {{account}} with {who}: {rights}")


_groups["share"].add_command(share_set)


@click.command("set")
@click.argument("account_name", metavar="ACCOUNT")
@click.argument("guest")
@click.argument("sends", metavar="as|behalf", type=click.Choice(["as", "behalf"]))
@click.option("--until", metavar="TIME", help="Expiration, like 14d or 2026-11-20T08:00 (UTC).  [default: always]")
@click.option("--whole", is_flag=True, help="GUEST can also view and edit all mailboxes, calendars, and contacts.")
def delegate_set(account_name: str, guest: str, sends: Literal["as", "behalf"], until: str | None, whole: bool) -> None:
    """Let GUEST send from ACCOUNT's addresses. GUEST is an account or one of its addresses.

    With "as", recipients only see ACCOUNT's address. With "behalf", the Sender field also shows GUEST. Sharing a
    mailbox doesn't give this permission. Messages are saved in ACCOUNT's Sent mailbox and count toward GUEST's limits.
    """
    ends = 0 if until is None else _deadline(until)
    perform(access.DelegateSet(guest, sends, ends, whole, account=account_name))


_groups["delegate"].add_command(delegate_set)


SINCE: Final = "Only set up since this time, like 2h, 3d, or 2026-11-20T08:00 (UTC)."


@account.command("access")
@click.argument("name")
@click.option("--since", metavar="TIME", help=SINCE)
@json_option
def account_access(name: str, since: str | None, as_json: bool) -> None:
    """List who and what has access to account NAME's mail. The newest is first.

    This includes shares, delegates, private links, forwarding, scripts, webhooks, linked accounts, app passwords,
    logins and ways to log in, with when, by whom, from where, and by which app password they were set up.
    """
    show(_all_ways(name, since), description(access.ListWays).columns, as_json=as_json)


def _all_ways(name: str, since: str | None) -> list[access.WayInfo]:
    ways: list[access.WayInfo] = []
    start = since_moment(since)
    while page := perform(access.ListWays(start, ways[-1].place if ways else "", access.MAX_WAYS, account=name)):
        ways += page
    return ways


@account.command("take-back")
@click.argument("name")
@click.option("--since", metavar="TIME", required=True, help=SINCE)
@click.option("--keep", multiple=True, metavar="ID", help="Keep this ID from `moxlite account access`.")
def account_take_back(name: str, since: str, keep: tuple[str, ...]) -> None:
    """Remove all access given to account NAME since a time. You'll see the list and confirm it first.

    To also lock out someone who knows the password, run `moxlite account set-password`.
    """
    start = since_moment(since)
    ways = [way for way in _all_ways(name, since) if way.id not in keep]
    if not ways:
        print("0 items set up since then")
        return
    show(ways, description(access.ListWays).columns)
    ask(f"Remove {counted(len(ways), 'item')}?")
    done = perform(access.TakeBack(start, keep, account=name))
    print(f"removed {counted(len(done.ways), 'item')}")
    if done.failed:
        raise Failure("\n".join(f"couldn't remove {way}: {reason}" for way, reason in done.failed.items()))


@account.command()
@click.argument("name")
@click.option(
    "--since", metavar="TIME", help="Only messages deleted since this time, like 2h, 3d, or 2026-11-20T08:00 (UTC)."
)
@click.option("--mailbox", metavar="MAILBOX", default="", help="Only messages deleted from this mailbox.")
def undelete(name: str, since: str | None, mailbox: str) -> None:
    """Restore account NAME's deleted messages to their mailboxes.

    You can do this within the time set in store.undelete_grace, unless the disk was low on space. Without --since and
    --mailbox, this restores all messages deleted in that time, even if the user deleted them on purpose. You'll have
    to confirm.
    """
    request = access.Undelete(name, since_moment(since), mailbox)
    place = f"mailbox {printable(mailbox)} of account {name}" if mailbox else f"account {name}"
    kept = "that can still be restored" if since is None else f"since {since}"
    ask(f"Restore everything deleted from {place} {kept}?")
    done = perform(request)
    print(f"restored {counted(done.messages, 'message')}")
    if done.damaged:
        raise Failure(f"skipped {done.damaged} damaged messages")


@account.command("export-full")
@click.argument("name")
@click.argument("file")
def export_full(name: str, file: str) -> None:
    """Export all of account NAME to the new FILE. You can then import it on another server. The account keeps running,
    so stop using it here first.

    Keep the file safe. It contains mail, UIDs, the password, and junk filter words.
    """
    from moxlite.cli.archives.transfer import Signs
    from moxlite.store.accounts.folders import check_account_name
    from moxlite.store.backup.restore import export_account
    from moxlite.store.errors import StoreError

    try:
        source = data_dir() / "accounts" / check_account_name(name) / "account.db"
        if not source.is_file():
            raise Failure(f"account not found: {name!r}")
        with Signs("exporting") as signs:
            export_account(source, name, Path(file), tell=signs.tell)
    except StoreError as error:
        raise Failure(str(error)) from None
    except FileExistsError:
        raise Failure(f"{file} exists") from None
    except OSError as error:
        raise Failure(f"{error.filename or file}: {error.strerror or error}") from None


@account.command("import-full")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
def import_full(name: str, file: str) -> None:
    """Import account NAME from FILE. FILE comes from `account export-full`, and the server is running.

    Add the account to the configuration first. You can only replace an account that has never had messages.
    Mail clients will download all mailboxes again.
    """

    with Path(file).open("rb") as octets:
        imported = perform(ImportAccount(name), upload=iter(lambda: octets.read(1 << 20), b""))
    print(
        f"account {name}: imported {counted(imported.messages, 'message')} in {counted(imported.mailboxes, 'mailbox')}"
    )


@click.group()
def admin() -> None:
    """Manage the administrator's password and tools."""


admin.add_command(imapserve)
admin.add_command(admin_second_factors)
admin.add_command(admin_reset)


@admin.command("set-password")
def admin_set_password() -> None:
    """Set the admin app password. Enter the password twice when prompted, or use the first line of stdin."""
    from moxlite.logins.adminpassword import write_admin_password
    from moxlite.logins.newpasswords import refuse_guessable
    from moxlite.process.privileges import UnknownUser, service_user
    from moxlite.store.auth.loginattempts import ADMIN
    from moxlite.store.errors import BadPassword

    snapshot = load_config()
    static = snapshot.static
    path = static.admin_password_file
    if path is None:
        raise Failure('admin_password_file isn\'t set; in moxlite.toml, add: admin_password_file = "adminpasswd"')
    password = new_password()
    try:
        refuse_guessable(snapshot, ADMIN, password)
    except BadPassword as error:
        raise Failure(str(error)) from None
    try:
        owner = service_user(static.user)
    except UnknownUser:  # there is no server yet, whose start gives it the file
        owner = None
    try:
        write_admin_password(path, password, owner=owner)
    except BadPassword as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"can't write {path}: {error.strerror}") from None


described(admin, described_in(access), {"token": "Manage tokens for admin API clients."}, {})


# Addresses to give away (MASK-7)


@click.group()
def address() -> None:
    """Manage masked addresses. Each site gets its own, which you can turn off separately."""


@for_people
def _show_given(given_address: GivenAddress) -> None:
    print(printable(given_address.address))


described(
    address,
    described_in(masked),
    {},
    {masked.MakeAddress: _show_given, masked.ChangeGiven: _show_given},
    without={masked.ImportGiven},
)


SLICE: Final = 100
"""Aliases of one request."""


@address.command("import")
@click.argument("account")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
def import_addresses(account: str, file: Path, as_json: bool) -> None:
    """Import addy.io or SimpleLogin aliases from FILE. The CSV export becomes ACCOUNT's masked addresses. You can only
    import aliases in your own domains. This lists any skipped aliases with the reason.
    """
    try:
        with file.open("rb") as opened:
            aliases, deleted = read_aliases(opened.read(MAX_OCTETS + 1))
    except ExportError as error:
        raise click.ClickException(str(error)) from None
    done = masked.ImportedAliases(0, 0, [])
    for at in range(0, len(aliases), SLICE):
        some = [
            masked.ImportedAlias(alias.address[:1_000], alias.note[:2_000], alias.active)
            for alias in aliases[at : at + SLICE]
        ]
        more = perform(masked.ImportGiven(account, some))
        left_out = done.left_out + more.left_out
        done = masked.ImportedAliases(done.added + more.added, done.known + more.known, left_out)
    if as_json:
        show_json(done)
        return
    for one in done.left_out:
        print(printable(f"skipped {one.address}: {one.reason}"))
    print(f"added {done.added}, {done.known} already exist, skipped {len(done.left_out)}")
    if deleted:
        print(f"skipped {deleted} deleted aliases")
