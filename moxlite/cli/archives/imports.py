"""``moxlite import``: mail from files into an account (STORE-120, STORE-126, STORE-194)."""

import os
import shlex
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import click

from moxlite.cli.common import FAILED, NOT_RUNNING, Failure, performed, talk
from moxlite.cli.doubts import say_doubts
from moxlite.cli.filekinds import GZIP, MBOX, OUTLOOK, ZIP, beginning, check_kind, kind_of
from moxlite.encoding import from_json
from moxlite.escapes import printable
from moxlite.operations.copies import Imported, ImportMail
from moxlite.wording import counted

if TYPE_CHECKING:
    from typing import BinaryIO

    from moxlite.cli.archives.transfer import Meter
    from moxlite.net.control.client import CtlClient
    from moxlite.store.imports.items import Event, LabelUse

F = TypeVar("F", bound=Callable[..., object])

READ_SIZE: Final = 256 << 10
"""Octets of a file that are sent at a time, so that a mailbox of gigabytes is never whole in memory."""


def _options(command: F) -> F:
    command = click.option("--skip-duplicates", is_flag=True, help="Skip existing messages.")(command)
    return click.option("--dry-run", is_flag=True, help="Only count messages and check for problems.")(command)


def _labels(command: F) -> F:
    return click.option(
        "--label",
        "labels",
        multiple=True,
        metavar="LABEL=MEANING",
        callback=_meanings,
        help="Import a Gmail label as inbox, sent, drafts, trash, junk, archive, starred, important, unread, opened, "
        "ignored, or a mailbox. Can be repeated.",
    )(command)


def _meanings(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    from typing import get_args

    from moxlite.store.types import Meaning

    found = {}
    for text in given:
        label, _sign, meaning = text.rpartition("=")
        if not label or meaning not in get_args(Meaning):
            raise click.BadParameter(f"{text!r}: must be LABEL=MEANING, with one of {', '.join(get_args(Meaning))}")
        found[label] = meaning
    return found


@click.group("import")
def import_() -> None:
    """Import mail from files to an account. If there's a problem, the import is undone.

    You can run this while the server is running.
    """


@import_.command()
@_options
@_labels
@click.argument("account")
@click.argument("mailbox")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
def mbox(account: str, mailbox: str, path: Path, labels: dict[str, str], skip_duplicates: bool, dry_run: bool) -> None:
    """Import an mbox file to ACCOUNT's MAILBOX.

    For Inbox, messages with Gmail labels are imported by label. If the labels are in an unknown language, --dry-run
    lists them as --label options. Correct them and use them for the import.
    """
    if path.is_dir():
        other = shlex.join(["moxlite", "import", "archive", account, str(path)])
        raise Failure(f"{path} is a folder. To import it, run: {other}")
    start = beginning(path)
    check_kind(str(path), start, account, (MBOX,))
    if kind_of(start) is None:
        raise Failure(f"{path} isn't an mbox file. An mbox file begins with From")
    _import(
        path,
        account=account,
        form="mbox",
        mailbox=mailbox,
        labels=labels,
        skip_duplicates=skip_duplicates,
        dry_run=dry_run,
    )


@import_.command()
@_options
@click.argument("account")
@click.argument("mailbox")
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
def maildir(account: str, mailbox: str, path: Path, skip_duplicates: bool, dry_run: bool) -> None:
    """Import a Maildir to ACCOUNT's MAILBOX.

    Subfolders (.Sent, .Lists.python) are imported below MAILBOX, or at the top level for Inbox. You can also specify a
    home directory that contains a Maildir.
    """
    found = _maildir_in(path)
    if found is None:
        raise Failure(f"{path} isn't a Maildir: new and cur not found")
    _import(
        found,
        account=account,
        form="tar",
        mailbox=mailbox,
        skip_duplicates=skip_duplicates,
        dry_run=dry_run,
        without="tmp",
    )


@import_.command()
@_options
@_labels
@click.option("--prefix", default="", metavar="NAME", help="Remove this prefix from mailbox names.")
@click.argument("account")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
def archive(
    account: str, file: Path, prefix: str, labels: dict[str, str], skip_duplicates: bool, dry_run: bool
) -> None:
    """Import a zip file, tar.gz file, or folder to ACCOUNT. This imports all mail in it.

    X.mbox files, Maildirs and MH folders become mailboxes with the same names. You can also import Google Takeout, mail
    folders of Thunderbird, Apple Mail and KMail, and Outlook's .pst files if readpst is installed.

    If Gmail labels are in an unknown language, --dry-run lists them as --label options. Edit them and use them for the
    import.
    """
    from moxlite.cli.archives.outlook import is_outlook_file, unpacked

    if file.is_file():
        check_kind(str(file), beginning(file), account, (ZIP, GZIP, OUTLOOK))
    with unpacked(file) if is_outlook_file(file) else nullcontext(file) as source:
        _import(
            source,
            account=account,
            form="tar" if source.is_dir() else "archive",
            prefix=prefix,
            labels=labels,
            skip_duplicates=skip_duplicates,
            dry_run=dry_run,
        )


def _maildir_in(path: Path) -> Path | None:
    """The Maildir that a folder is, or that a home directory has. Raises Failure for folders of mdbox and sdbox, and
    for a link, which may lead to mail of another user.
    """
    from moxlite.store.imports.forms import HOME
    from moxlite.store.imports.items import DBOX, DBOX_FOLDERS

    if _is_maildir(path):
        return path
    if (path / "mailboxes").is_dir() or any((path / name).is_dir() for name in DBOX_FOLDERS):
        raise Failure(f"{path}: {DBOX}")
    if (path / HOME).is_symlink():
        raise Failure(
            f"{path / HOME} is a symbolic link; specify {os.path.realpath(path / HOME)} if that's the right folder"
        )
    return path / HOME if _is_maildir(path / HOME) else None


def _is_maildir(path: Path) -> bool:
    return any((path / name).is_dir() for name in ("new", "cur"))


def import_folder(account: str, folder: Path, *, skip_duplicates: bool, dry_run: bool = False) -> Imported:
    """Import a folder of any kind with mail: a Maildir, a home directory, or any mix. Raises Failure."""
    maildir = _maildir_in(folder)
    return _imported(
        maildir or folder,
        account=account,
        form="tar",
        skip_duplicates=skip_duplicates,
        dry_run=dry_run,
        without="tmp" if maildir else "",
    )


def _import(path: Path, *, without: str = "", **args: Any) -> None:
    if "mailbox" in args:
        say_doubts("import", args)
    imported = _imported(path, without=without, **args)
    what = "would be imported" if args["dry_run"] else "imported"
    print(f"{counted(imported.messages, 'message')} {what}, {counted(imported.problems, 'problem')}")
    if imported.problems:
        raise SystemExit(FAILED)


def _imported(path: Path, *, without: str = "", **args: Any) -> Imported:
    from moxlite.cli.archives.transfer import Meter, folder_pieces, folder_size, open_file

    request = ImportMail(**args)
    is_file = path.is_file()
    with Meter("importing", path.stat().st_size if is_file else folder_size(path, without=without)) as meter:
        file = open_file(path) if is_file else None

        def pieces() -> Iterator[bytes]:
            source = folder_pieces(path, without=without) if file is None else iter(lambda: file.read(READ_SIZE), b"")
            for piece in source:
                meter.octets(len(piece))
                yield piece

        try:
            return _run(request, pieces, file, meter)
        except OSError as error:
            raise Failure(f"can't read {path}: {error.strerror or error}") from None
        finally:
            if file is not None:
                file.close()


def _run(
    request: ImportMail, pieces: Callable[[], Iterator[bytes]], file: "BinaryIO | None", meter: "Meter"
) -> Imported:
    from moxlite.cli.archives.transfer import PiecesFile, stopped_config

    tell = _telling(meter)
    try:
        return _running(request, pieces, tell)
    except Failure as failure:
        if failure.code != NOT_RUNNING:
            raise
        snapshot = stopped_config(failure)
    from moxlite.migration.mailcopies import import_stopped
    from moxlite.net.control.server import CommandFailed
    from moxlite.process.lock import Locked

    async def tell_async(event: "Event") -> None:
        tell(event)

    # A zip file is read with seeks, the others from beginning to end.
    source = cast("BinaryIO", PiecesFile(pieces())) if file is None or request.form != "archive" else file
    try:
        return import_stopped(snapshot, request, source, tell_async)
    except (Locked, CommandFailed) as error:
        raise Failure(printable(str(error))) from None


def _telling(meter: "Meter") -> Callable[["Event"], None]:
    """Return the function that shows the events of an import."""
    from moxlite.store.imports.items import Count, LabelQuestion, Note, Share, Step, Trouble

    counts: dict[str, int] = {}

    def tell(event: "Event") -> None:
        match event:
            case Count(mailbox, count):
                counts[mailbox] = count
                meter.count(sum(counts.values()))
            case Step("finishing"):
                meter.step("finishing")
            case Share(percent):
                meter.share(percent)
            case Trouble(text):
                meter.line(f"problem: {text}")
            case Note(text):
                meter.line(f"note: {text}")
            case LabelQuestion(labels):
                meter.line(
                    "How should these labels be imported? Use these options for the import, and correct them if needed:"
                )
                for label in labels:
                    meter.line(
                        f"{_option(label)}  # {counted(label.messages, 'message')}, {label.own} sent by the owner"
                    )
            case _:
                pass

    return tell


def _option(use: "LabelUse") -> str:
    """The option for a label, as a shell reads it."""
    return f"--label {shlex.quote(f'{use.name}={use.meaning}')}"


def _running(request: ImportMail, pieces: Callable[[], Iterator[bytes]], tell: Callable[["Event"], None]) -> Imported:
    import trio

    from moxlite.store.imports.items import Aborted, Count, Done, LabelQuestion, Note, Share, Step, Trouble

    kinds = Count | Trouble | Note | LabelQuestion | Step | Share | Done | Aborted

    async def send() -> AsyncIterator[bytes]:
        source = pieces()
        while (piece := await trio.to_thread.run_sync(next, source, None)) is not None:
            yield piece

    async def ask_server(client: "CtlClient") -> Imported:
        return await performed(
            client,
            request,
            upload=send(),
            progress=lambda raw: tell(from_json(raw, kinds)),
        )

    # A server that ends meanwhile has rolled the import back, or does so at its next start.
    return talk(ask_server, broken=FAILED)
