"""Options with the keys of a stand-by's target, for the commands that read it."""

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, TypeVar, Unpack

import click

from moxlite.cli.common import Failure, config_path, load_config

if TYPE_CHECKING:
    from moxlite.admin.ownsettings import Settings
    from moxlite.admin.standby.following import Source

F = TypeVar("F", bound=Callable[..., object])


class SourceKeys(TypedDict):
    """The values of `source_options`."""

    storage_keys: str | None
    ssh_key: str | None
    ssh_host_key: tuple[str, ...]
    litestream: str | None
    signer: tuple[str, ...]
    unsigned: bool


SIGNER = click.option(
    "--signer",
    metavar="SIGNER",
    multiple=True,
    help="Required signer: moxlite-signer-...  [default: from the comments in --identity, or this server]",
)
UNSIGNED = click.option("--unsigned", is_flag=True, help="Accept any signer, or unsigned backups.")


def source_options(command: F) -> F:
    """Options with the keys of a target. The command takes them as `SourceKeys`."""
    options = (
        click.option("--storage-keys", metavar="FILE", help="Object storage keys, like standby.storage_keys_file."),
        click.option("--ssh-key", metavar="FILE", help="Private key for ssh."),
        click.option(
            "--ssh-host-key", metavar="KEY", multiple=True, help="Host's public key. Repeat for all of its keys."
        ),
        click.option(
            "--litestream", metavar="FILE", help="Litestream program.  [default: from moxlite[standby] or PATH]"
        ),
        SIGNER,
        UNSIGNED,
    )
    for option in reversed(options):
        command = option(command)
    return command


def named_places(section: str, source: str, **keys: Unpack[SourceKeys]) -> "Settings":
    """The places that a command names for a target, as settings of a section: this machine's own (ADMIN-52c)."""
    texts = {
        "target": source,
        "storage_keys_file": keys["storage_keys"],
        "ssh_key_file": keys["ssh_key"],
        "litestream": keys["litestream"],
    }
    return {
        (section, name): text if "://" in text else str(Path(text).absolute())
        for name, text in texts.items()
        if text is not None
    }


def standby_source(source: str, *, identity: str | None, **keys: Unpack[SourceKeys]) -> "Source":
    """A source with its keys, from the options, else from the configuration if that has this target. Raises Failure,
    BackupError, OSError.
    """
    from moxlite.admin.standby.following import Source
    from moxlite.admin.standby.litestream import check_version, needed_program
    from moxlite.net.storage.objectstore import read_keys
    from moxlite.net.storage.sftp import Login
    from moxlite.process.backuptargets import Access, login_for, target_of
    from moxlite.process.keys import read_named
    from moxlite.process.privileges import service_user
    from moxlite.proto.sshurl import SSHURL

    target = target_of(source)
    access: Access | None = None
    program = None if keys["litestream"] is None else Path(keys["litestream"])
    if (storage_keys := keys["storage_keys"]) is not None:
        try:
            access = read_keys(Path(storage_keys).read_bytes())
        except ValueError as error:
            raise Failure(f"{storage_keys} {error}") from None
    elif keys["ssh_key"] is not None:
        access = Login(Path(keys["ssh_key"]).read_bytes(), keys["ssh_host_key"], standby=True)
    else:
        with contextlib.suppress(Failure):  # the second machine has no configuration
            static = load_config().static
            access = login_for(target, static.standby, partial(read_named, ids=service_user(static.user)))
            program = program or static.standby.litestream
    if isinstance(target, SSHURL) and (not isinstance(access, Login) or not access.host_keys):
        raise Failure(f"{source} needs --ssh-key FILE and --ssh-host-key KEY")
    path = needed_program(program)
    check_version(path)
    key = None if identity is None else Path(identity).absolute()
    return Source(
        target=target,
        access=access,
        program=path.absolute(),
        identity=key,
        signers=trusted_signers(keys["signer"], identity),
        unsigned=keys["unsigned"],
    )


def trusted_signers(named: tuple[str, ...], identity: str | None) -> frozenset[str]:
    """The signers that a command believes: as the option names them, else as in the comments of the identity's file,
    and this server's own. Raises UsageError, OSError.
    """
    from moxlite.store.backup.keys import PREFIX, load_signer, signers_in
    from moxlite.store.errors import BackupError

    for one in named:
        if signers_in(one) != [one]:
            fault = "is cut short or mistyped" if one.startswith(PREFIX) else f"doesn't start with {PREFIX}"
            raise click.UsageError(f"--signer {one[:80]!r} {fault}; on the server, `moxlite backup signer` prints it")
    if named:
        return frozenset(named)
    found = set[str]()
    if identity is not None:
        found.update(signers_in(Path(identity).read_text(encoding="utf-8", errors="replace")))
    with contextlib.suppress(BackupError, OSError):  # a new machine has no key
        own, _ = load_signer(config_path().parent, create=False)
        found.update(() if own is None else own.known)
    return frozenset(found)
