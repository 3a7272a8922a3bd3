"""``moxlite move``: a whole server moves here (docs/spec/move.md)."""

import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from moxlite.cli.archives.imapcopy import stated_password
from moxlite.cli.common import FAILED, Failure, HostPort, HostPortType, json_option, perform, settings, show_json
from moxlite.cli.described import described
from moxlite.escapes import printable
from moxlite.operations import described_in, description, move as operations
from moxlite.operations.move import AccountCount, MoveState
from moxlite.wording import ENGLISH, ReaderLanguage, counted, offered_languages

if TYPE_CHECKING:
    from moxlite.move.building import Common
    from moxlite.move.plan import Plan

F = TypeVar("F", bound=Callable[..., object])

LOOK_SECONDS: Final = 2.0
"""Seconds between two looks at a move that the command follows."""

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def move() -> None:
    """Migrate a whole server. This includes users, passwords, mail, calendars, scripts, and aliases.

    First create a plan from the old server's files and review it. Then run the plan as often as you like, and compare
    both servers.
    """


@move.group()
def plan() -> None:
    """Create a plan from the old server's files. This doesn't change anything on either server."""


def _plan_options(command: F) -> F:
    for option in reversed(
        (
            click.option(
                "--out",
                required=True,
                metavar="FILE",
                type=click.Path(path_type=Path),
                help="File for the plan (contains secrets).",
            ),
            click.option(
                "--imap",
                "imap_",
                type=HostPortType(0),
                help="IMAP address for all users on the old server.  [default port: 993 or 143]",
            ),
            click.option(
                "--tls",
                type=click.Choice(["implicit", "starttls", "none"]),
                default="implicit",
                show_default=True,
                help="When to start TLS.",
            ),
            click.option(
                "--master-user",
                metavar="NAME",
                help="User on the old server who can read all mail. Enter the password when prompted, or use the "
                "first line of stdin.",
            ),
            click.option(
                "--master-separator",
                default="*",
                show_default=True,
                help="Separator between the user name and master user name.",
            ),
            click.option(
                "--dav",
                default="",
                metavar="URL",
                help="CalDAV and CardDAV address on the old server, for users with a password.",
            ),
            click.option(
                "--files",
                default="",
                metavar="DIR",
                help="Folder with a user's mail on this machine, like /copied/vmail/%d/%n. Use %u for the address, "
                "%n and %d for the parts before and after the @, and %a for the account.",
            ),
        )
    ):
        command = option(command)
    return command


def _common(
    imap_: HostPort | None, tls: str, master_user: str | None, master_separator: str, dav: str, files: str
) -> "Common":
    """The options that all kinds of plans share, by their names."""
    from moxlite.move.building import Common
    from moxlite.move.plan import IMAPServer

    if imap_ is None:
        if master_user:
            raise Failure("--master-user requires --imap")
        return Common(dav=dav, files=files)
    server = IMAPServer(host=imap_.host, port=imap_.port, tls=tls)  # type: ignore[arg-type] # click.Choice
    if master_user:
        server.master_user, server.master_password = master_user, stated_password(None, master_user)
        server.master_separator = master_separator
    return Common(imap=server, dav=dav, files=files)


def _write(made: "Plan", out: Path) -> None:
    from moxlite.move.plan import BadPlan, text_of_plan, write_new

    try:
        write_new(out, text_of_plan(made))
    except (BadPlan, OSError) as error:
        raise Failure(f"couldn't write the plan: {error}") from None
    for line in made.problem_lines():
        print(f"problem: {printable(line)}")
    without = sum(not (user.hash or user.password) for user in made.users)
    users = f"{counted(len(made.users), 'user')}, {without} of them without a password"
    print(f"{users}, {counted(len(made.aliases), 'alias')}, {counted(len(made.domains), 'domain')}")
    print(f"Review {out}, then run: moxlite move run {out}")


def _lines(path: Path, top: Path | None = None) -> list[str]:
    """The lines of a file of the old server, which may be a link within `top`, or within its folder."""
    from moxlite.move.building import inside
    from moxlite.safefile import read_file

    try:
        return read_file(inside(path, top or path.parent)).decode().splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"can't read {path}: {error}") from None


@plan.command("csv")
@_plan_options
@click.argument("source", type=_FILE)
def plan_csv(source: Path, out: Path, **common: Any) -> None:
    """Plan a migration from a CSV file, for any server.

    The first line must contain column names: address, and optionally name, account, hash, password, quota, aliases,
    files, disabled, active, imap_host, imap_port, imap_tls, imap_user, imap_password, dav_url, dav_user, dav_password.
    """
    from moxlite.move.accountscsv import plan_of_csv
    from moxlite.move.plan import BadPlan

    try:
        _write(plan_of_csv(_lines(source), _common(**common)), out)
    except BadPlan as error:
        raise Failure(f"{source}: {error}") from None


@plan.command("dovecot")
@_plan_options
@click.option("--domain", default="", help="Default domain for users and aliases.")
@click.option("--virtual", multiple=True, type=_FILE, help="Postfix virtual map (text). Can be repeated.")
@click.option("--aliases", multiple=True, type=_FILE, help="Postfix aliases file, like /etc/aliases.")
@click.option("--scripts", default="", metavar="DIR", help="Folder with a user's scripts, like /var/vmail/%d/%n.")
@click.argument("source", metavar="PASSWD_FILE", type=_FILE)
def plan_dovecot(
    source: Path,
    out: Path,
    domain: str,
    virtual: tuple[Path, ...],
    aliases: tuple[Path, ...],
    scripts: str,
    **common: Any,
) -> None:
    """Plan a migration from Dovecot and Postfix. This reads Dovecot's passwd-file and the Postfix maps."""
    from moxlite.move.dovecot import Files, plan_of_dovecot

    given = Files(
        passwd=_lines(source),
        virtual=[line for path in virtual for line in _lines(path)],
        aliases=[line for path in aliases for line in _lines(path)],
        domain=domain,
        scripts=scripts,
    )
    _write(plan_of_dovecot(given, _common(**common)), out)


@plan.command("mox")
@_plan_options
@click.argument("source", metavar="FOLDER", type=click.Path(exists=True, path_type=Path))
def plan_mox(source: Path, out: Path, **common: Any) -> None:
    """Plan a migration from mox. This reads domains.conf in FOLDER or FOLDER/config."""
    from moxlite.move.mox import plan_of_mox
    from moxlite.move.plan import BadPlan

    places = (source, source / "domains.conf", source / "config" / "domains.conf")
    path = next((one for one in places if one.is_file()), None)
    if path is None:
        raise Failure(f"domains.conf not found in {source}")
    try:
        text = "".join(_lines(path, source if source.is_dir() else None))
        _write(plan_of_mox(text, _common(**common), path.parent), out)
    except BadPlan as error:
        raise Failure(f"{path}: {error}") from None


# A plan carried out


def _secret(path: Path) -> "tuple[Plan, str]":
    from moxlite.move.plan import BadPlan, read_plan, read_secret

    try:
        text = read_secret(path)
        return read_plan(text), text
    except (BadPlan, OSError) as error:
        raise Failure(f"{path}: {error}") from None


@move.command(help=description(operations.RunMove).about + " Press Ctrl-C to continue in the background.")
@click.argument("file", type=_FILE)
@click.option("--detach", is_flag=True, help="Don't wait until the migration is complete.")
def run(file: Path, detach: bool) -> None:
    plan, text = _secret(file)
    perform(operations.RunMove(), upload=text.encode())
    if detach:
        return
    try:
        state = _follow()
    except KeyboardInterrupt:
        print("The server continues in the background. To see the progress: moxlite move status", file=sys.stderr)
        return
    _show(state)
    came = _import_files(plan) if state.phase == "done" else False
    if not came or any(account.phase == "failed" for account in state.accounts):
        raise Failure("the migration is incomplete; fix the problems, and run the same command again", FAILED)
    print(f"Now compare both servers: moxlite move check {file}")


def _follow() -> MoveState:
    """Show what is moved until the move has ended."""
    import time

    from moxlite.cli.archives.transfer import Signs

    last: dict[str, str] = {}
    with Signs("migrating") as signs:
        while (state := perform(operations.ShowMove())).phase in ("running", "paused"):
            for account in state.accounts:
                line = f"{account.address}: {account.phase} {account.step}".rstrip()
                if last.get(account.address) != line and account.phase != "waiting":
                    last[account.address] = line
                    print(printable(line), flush=True)
            signs.tell(f"{counted(sum(account.messages for account in state.accounts), 'message')}{_pace(state)}")
            time.sleep(LOOK_SECONDS)
    return state


def _pace(state: MoveState) -> str:
    """Messages a second, and how long the rest will take; "" if neither is known."""
    rate = f", {state.rate:.0f}/s" if state.rate else ""
    known = state.seconds >= 0 and state.phase == "running"
    return rate + (f", {counted(math.ceil(state.seconds / 60), 'minute')} left" if known else "")


def _import_files(plan: "Plan") -> bool:
    """Import the users' mail that is in files here, without what is there already; whether all of it came."""
    from moxlite.cli.archives.imports import import_folder

    came = True
    for user in plan.users:
        if not user.files:
            continue
        try:
            done = import_folder(user.account, _folder(user.files), skip_duplicates=True)
        except Failure as failure:
            came = False
            print(f"{user.address}: {failure}")
        else:
            came = came and not done.problems
            print(
                f"{user.address}: {counted(done.messages, 'message')} from {user.files}, "
                f"{counted(done.problems, 'problem')}"
            )
    return came


def _folder(text: str) -> Path:
    """A folder with a user's mail, as the plan names it. Raises Failure if it's a link by now, or below one: the old
    server may be copied again after the plan was made.
    """
    real = os.path.realpath(text)
    if real != str(Path(text).absolute()):
        raise Failure(f"{text} leads to {real}; if that's the right folder, write it in the plan")
    return Path(real)


def _count_files(plan: "Plan", count: operations.MoveCount) -> None:
    """Count the users' mail in files on both sides."""
    from moxlite.cli.archives.imports import import_folder

    folders = {user.address: user.files for user in plan.users if user.files}
    for account in count.accounts:
        if account.address not in folders or "the account" in account.lost:
            continue
        try:
            folder = _folder(folders[account.address])
            whole = import_folder(account.account, folder, skip_duplicates=False, dry_run=True)
            missing = import_folder(account.account, folder, skip_duplicates=True, dry_run=True)
        except Failure as failure:
            account.uncounted.append(f"{folders[account.address]}: {failure}")
            continue
        account.places.append(operations.PlaceCount(str(folder), whole.messages, missing.messages, whole.problems))
        if missing.messages:
            account.lost.append(f"{counted(missing.messages, 'message')} of {folder}")
        if whole.problems:
            account.uncounted.append(f"{counted(whole.problems, 'message')} of {folder}")


def _show(state: MoveState) -> None:
    print(f"move: {state.phase}{_pace(state)}")
    for problem in state.problems:
        print(f"problem: {printable(problem)}")
    for account in state.accounts:
        step = f", {printable(account.step)}" if account.step else ""
        print(
            f"{account.address}: {account.phase}{step}, {counted(account.messages, 'message')}, "
            f"{counted(account.problem_count, 'problem')}"
        )
        for problem in account.problems:
            print(f"  problem: {printable(problem)}")


described(
    move,
    described_in(operations),
    {},
    {operations.ShowMove: lambda state, as_json: show_json(state) if as_json else _show(state)},
    without={operations.RunMove, operations.CheckMove, operations.MakeMoveLinks, operations.FinishMove},
)


@move.command(
    help="Compare both servers. This compares mail, flags, samples, scripts, addresses, and aliases. Exit code 1 if "
    "anything is missing."
)
@click.argument("file", type=_FILE)
@json_option
def check(file: Path, as_json: bool) -> None:
    from moxlite.cli.archives.transfer import Signs

    plan, text = _secret(file)
    with Signs("comparing") as signs:
        count = perform(operations.CheckMove(), upload=text.encode(), progress=signs.tell)
    _count_files(plan, count)
    if as_json or settings().as_json:
        show_json(count)
    else:
        for account in count.accounts:
            _show_count(account)
        for lost in count.lost:
            print(f"missing: {printable(lost)}")
    missing = sum(len(account.lost) for account in count.accounts) + len(count.lost)
    uncounted = sum(len(account.uncounted) for account in count.accounts)
    if not (as_json or settings().as_json):
        messages = sum(mailbox.there for account in count.accounts for mailbox in account.mailboxes)
        accounts, aliases = counted(len(count.accounts), "account"), counted(count.aliases, "alias")
        print(f"{accounts}, {counted(messages, 'message')}, {aliases}: {missing} lost, {uncounted} not counted")
    if missing or uncounted:
        sys.exit(FAILED)


def _show_count(account: AccountCount) -> None:
    opens = {True: "; the previous version can open it", False: "; the previous version can't open it", None: ""}[
        account.opens
    ]
    print(f"{account.address}: password {account.credential}{opens}, {counted(account.scripts, 'script')}")
    for one in account.mailboxes:
        changed = f", {one.flags} with other flags here" if one.flags else ""
        equal = f"{one.compared - one.differ} of {one.compared} compared are equal"
        numbers = f"{one.there} there, {one.missing} missing, {one.removed} removed here{changed}"
        print(f"  {printable(one.mailbox)}: {numbers}, {equal}")
    for place in account.places:
        print(f"  {printable(place.place)}: {place.there} entries on the old server, {place.missing} missing here")
    for text in account.lost:
        print(f"  missing: {printable(text)}")
    for text in account.uncounted:
        print(f"  couldn't count messages: {printable(text)}")


@move.command(
    help="Create password links for users without a password. You'll also get a page to print them. A link works once "
    "and expires in 7 days."
)
@click.argument("file", type=_FILE)
@click.option(
    "--out",
    required=True,
    metavar="PAGE",
    type=click.Path(path_type=Path),
    help="HTML file for the page (contains secrets).",
)
@click.option("--language", default=ENGLISH, help="Language of the page, for example: de, fr, ja. [default: en]")
def links(file: Path, out: Path, language: str) -> None:
    from moxlite.move.page import page_of
    from moxlite.move.plan import BadPlan, write_new

    if out.exists():
        raise Failure(f"{out} already exists")
    if language not in (languages := {ENGLISH, *offered_languages()}):
        raise Failure(f"--language must be one of {', '.join(sorted(languages))}")
    made = perform(operations.MakeMoveLinks(), upload=_secret(file)[1].encode())
    try:
        write_new(out, page_of(made, ReaderLanguage(language)))
    except (BadPlan, OSError) as error:
        raise Failure(f"couldn't write the page: {error}; to create new links, run the command again") from None
    for one in made:
        if one.problem:
            print(f"problem: {one.address}: {printable(one.problem)}")
    print(
        f"created {sum(not one.problem for one in made)} links in {out}; print the file, hand out the sheets, and "
        f"delete the file"
    )


@move.command(
    help="Finish the migration. This lists what to turn off on the old server, and deletes all secrets from FILE."
)
@click.argument("file", type=_FILE)
def finish(file: Path) -> None:
    from moxlite.config.files import write_atomically
    from moxlite.move.plan import text_of_plan, without_secrets

    plan, text = _secret(file)
    steps = perform(operations.FinishMove(), upload=text.encode())
    try:
        write_atomically(file, text_of_plan(without_secrets(plan)).encode(), mode=0o600)
    except OSError as error:
        raise Failure(f"couldn't delete the secrets in {file}: {error}") from None
    for number, step in enumerate(steps, 1):
        print(f"{number}. {printable(step)}")
