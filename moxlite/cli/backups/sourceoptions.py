"""Options with the keys of a stand-by's target, for the commands that read it."""

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, TypeVar, Unpack

import click

from moxlite.cli.common import Failure, load_config

if TYPE_CHECKING:
    from moxlite.admin.standby.following import Source

__all__ = ["SourceKeys", "source_options", "standby_source"]

F = TypeVar("F", bound=Callable[..., object])


class SourceKeys(TypedDict):
    """The values of `source_options`."""

    storage_keys: str | None
    ssh_key: str | None
    ssh_host_key: tuple[str, ...]
    litestream: str | None


def source_options(command: F) -> F:
    """Options with the keys of a target. The command takes them as `SourceKeys`."""
    options = (
        click.option("--storage-keys", metavar="FILE", help="Keys of object storage, as standby.storage_keys_file."),
        click.option("--ssh-key", metavar="FILE", help="Private key for ssh."),
        click.option("--ssh-host-key", metavar="KEY", multiple=True, help="Public key of the host."),
        click.option("--litestream", metavar="FILE", help="The program.  [default: of moxlite[standby], or of PATH]"),
    )
    for option in reversed(options):
        command = option(command)
    return command


def standby_source(source: str, *, identity: str | None, **keys: Unpack[SourceKeys]) -> "Source":
    """A source with its keys, from the options, else from the configuration if that has this target. Raises Failure,
    BackupError, OSError.
    """
    from moxlite.admin.standby.following import Source
    from moxlite.admin.standby.litestream import check_version, needed_program
    from moxlite.net.storage.objectstore import read_keys
    from moxlite.net.storage.sftpbatch import Login
    from moxlite.process.backuptargets import Access, login_for, target_of
    from moxlite.process.keys.files import read_named
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
        access = Login(Path(keys["ssh_key"]).read_bytes(), keys["ssh_host_key"])
    else:
        with contextlib.suppress(Failure):  # the second machine has no configuration
            static = load_config().static
            access = login_for(target, static.standby, partial(read_named, ids=service_user(static.user)))
            program = program or static.standby.litestream
    if isinstance(target, SSHURL) and (not isinstance(access, Login) or not access.host_keys):
        raise Failure(f"{source} needs --ssh-key FILE and --ssh-host-key KEY")
    found = needed_program(program)
    check_version(found)
    key = None if identity is None else Path(identity).absolute()
    return Source(target=target, access=access, program=found.absolute(), identity=key)
