"""``moxlite serve``, ``localserve``, ``stop``, ``healthcheck`` (docs/spec/admin.md §5, §6)."""

import contextlib
import gc
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import click

from moxlite.cli.common import Failure, config_path, load_config, note, perform, settings, unusable
from moxlite.escapes import printable
from moxlite.operations.server import CheckHealth, Stop

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.process.signals import Signals
    from moxlite.wiring import Components

STOP_SECONDS: Final = 30.0
"""Seconds to wait for the process to end, longer than any orderly shutdown: 10 s for the queue, 3 s for sessions, 2 s
for databases.
"""

POLL_SECONDS: Final = 0.05
"""Seconds between two looks whether it has ended: the process is no child of this one, so nothing tells. The same for
a take-over by another process.
"""

LOADED: Final = (
    "moxlite.server",
    "moxlite.process.startup",
    "moxlite.commands",
    "moxlite.admin.standby.holding",
    "moxlite.admin.standby.replicating",
    "moxlite.smtpd.connection",
    "moxlite.imapd.connection",
    "moxlite.queue.attempt",
    "moxlite.web.webmail.app",
)
"""Modules that a server with a lease has when it is ready, or that its first clients wait for."""

SYNCHRONIZE: Final = 0x00100000
WAIT_TIMEOUT: Final = 0x102
"""Constants of Windows (processthreadsapi.h, synchapi.h), to ask whether a process has ended."""


F = TypeVar("F", bound=Callable[..., object])


def _ctl_option(command: F) -> F:
    return click.option(
        "--ctl-tcp",
        is_flag=True,
        help="Accept commands on a loopback port with a token, as on systems without sockets.",
    )(command)


@click.command()
@_ctl_option
@click.option("--no-drop", is_flag=True, help="Keep running as root after the ports are bound.")
@click.option("--after", metavar="FILE", type=Path, help="Start serving when FILE is deleted, if it exists.")
def serve(no_drop: bool, ctl_tcp: bool, after: Path | None) -> int:
    """Run the mail server in the foreground. It runs until SIGTERM or `moxlite stop`.

    When started as root, the server binds ports, reads keys and certificates, and then permanently switches to the
    configured user. Other users can only use ports from 1024, or need the capability CAP_NET_BIND_SERVICE.
    """
    if os.name != "posix":
        raise Failure("serve only works on Unix; try `moxlite localserve`")
    if after is not None and after.exists():
        _wait_loaded(after, config_path())
    return _serve(config_path(), log_level=settings().log_level, drop=not no_drop, local=False, ctl_tcp=ctl_tcp)


@click.command()
@click.option(
    "--dir",
    "directory",
    metavar="DIR",
    help="Folder for configuration and data.  [default: moxlite-localserve in your configuration directory]",
)
@click.option(
    "--ip", metavar="IP", help="Listen on this address instead of 127.0.0.1 and ::1. Only at the first start."
)
@click.option(
    "--port-base",
    type=int,
    metavar="N",
    help="Number to add to standard ports from now on.  [default: 1000 at the first start]",
)
@click.option(
    "--serve-workdir", is_flag=True, help="List and serve the working directory at /workdir/. Only at the first start."
)
@click.option("--init-only", is_flag=True, help="Create the directory and exit.")
@click.option("--verbose", is_flag=True, help="Log all protocol lines, including passwords.")
@_ctl_option
def localserve(
    directory: str | None,
    ip: str | None,
    port_base: int | None,
    serve_workdir: bool,
    init_only: bool,
    verbose: bool,
    ctl_tcp: bool,
) -> int:
    """Try moxlite on this machine. You don't have to be root, and mail isn't sent to other servers.

    The first start creates a configuration with the account moxlite@localhost (password moxmoxmox). SMTP, IMAP, and the
    web apps use loopback ports. You can send mail to any address. Mail is delivered to the account with that address,
    to the sender's account, or to moxlite. Sent mail goes through the queue, but never leaves this machine. To try
    moxlite with your own mail, import from your current server by IMAP, in the account app or with `moxlite imap
    import`. This won't change anything on that server.

    To test errors, end a recipient's localpart with temperror, permerror, timeout, or an SMTP code like 451. To choose
    when the error occurs, add the prefix mailfrom, rcptto, or queue.
    """
    from moxlite.net.control.tcp import needs_tcp
    from moxlite.process import localserve as local
    from moxlite.store.errors import StoreError

    where = Path(directory) if directory else local.default_directory()
    path = local.config_file(where)
    if not path.exists():
        try:
            local.initialize(
                where, ip=ip, port_base=1000 if port_base is None else port_base, serve_workdir=serve_workdir
            )
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        except OSError as error:
            raise Failure(f"can't create {error.filename or where}: {error.strerror}") from None
        except StoreError as error:
            raise Failure(f"can't create the account in {where}: {error}") from None
    else:
        try:
            ips, base = local.place(where)
        except (OSError, ValueError):
            ips, base = frozenset(), -1  # the start says what is wrong
        if base >= 0 and port_base is not None and port_base != base:
            try:
                local.move_ports(where, base, port_base)
            except (OSError, ValueError) as error:
                raise Failure(f"can't change the ports in {path}: {error}") from None
        changed = {"--ip": ip is not None and {ip} != ips, "--serve-workdir": serve_workdir}
        if base >= 0 and (passed_over := ", ".join(name for name, is_changed in changed.items() if is_changed)):
            note(f"moxlite: {where} already exists, so these options have no effect: {passed_over}")
    if init_only:
        print(f"created {where}")
        return 0
    level = settings().log_level or ("traceauth" if verbose else None)
    return _serve(path, log_level=level, drop=False, local=True, ctl_tcp=ctl_tcp or needs_tcp())


def _wait_loaded(sign: Path, path: Path) -> None:
    """Load all that listeners need, which takes most of a start, and wait until a take-over has put configuration and
    data in place (STORE-186q). Raises Failure: it has not.
    """
    import fcntl

    from moxlite.admin.standby.layout import OWN, Head, read_document
    from moxlite.process.errors import REPLACED
    from moxlite.process.signals import more_time

    for name in LOADED:
        import_module(name)
    goes_on = more_time()
    with contextlib.suppress(FileNotFoundError), sign.open("rb") as opened:  # which may not be written to, in the unit
        fcntl.flock(opened, fcntl.LOCK_EX)  # says that all is loaded
        note("loaded; waiting for the other machine's last changes")
        while sign.exists():
            goes_on()
            time.sleep(POLL_SECONDS)
    if not path.exists() or read_document(load_config(path).static.data_dir / OWN, Head) is None:
        raise Failure("can't take over because the other machine is still serving", REPLACED)


def _serve(path: Path, *, log_level: str | None, drop: bool, local: bool, ctl_tcp: bool) -> int:
    # Each full collection walks all that is there so far, and finds next to nothing.
    gc.disable()  # nearly all that a start makes stays; at its end the server switches the collector on again
    try:
        from moxlite.process.signals import Signals

        with Signals() as signals:
            return _serve_with(signals, path, log_level=log_level, drop=drop, local=local, ctl_tcp=ctl_tcp)
    finally:
        gc.enable()


def _serve_with(
    signals: "Signals", path: Path, *, log_level: str | None, drop: bool, local: bool, ctl_tcp: bool
) -> int:
    from moxlite import server as composition
    from moxlite.config.load import ConfigError
    from moxlite.process.errors import REPLACED, AlreadyRunning, PortTaken, Replaced, StartFailed
    from moxlite.process.startup import start

    try:
        started = start(path, log_level=log_level, pedantic=settings().pedantic, drop=drop)
    except ConfigError as error:
        raise unusable(error) from None
    except PortTaken as error:
        if local:
            raise Failure(f"{error.where}; stop it, or use other ports: --port-base 3000") from None
        raise Failure(str(error)) from None
    except AlreadyRunning as error:
        other = "; or use another folder and ports: --dir DIR --port-base 3000" if local else ""
        raise Failure(f"{error}{other}") from None
    except StartFailed as error:
        raise Failure(str(error)) from None
    for warning in started.warnings:
        print(f"moxlite: warning: {warning}", file=sys.stderr)

    def ready(components: "Components") -> None:
        if local:
            with contextlib.suppress(BrokenPipeError):  # `moxlite localserve | head`: the reader has gone
                print(_welcome(path, started.holder.current), flush=True)
            print("moxlite: ready", file=sys.stderr, flush=True)

    try:
        composition.run(started, local=local, ready=ready, signals=signals, ctl_tcp=ctl_tcp)
    except Replaced as error:
        raise Failure(str(error), REPLACED) from None
    except StartFailed as error:
        raise Failure(str(error)) from None
    finally:
        started.close()
    return 0


def _welcome(path: Path, snapshot: "Snapshot") -> str:
    """Instructions for a local server: URLs, ports, credentials."""
    from moxlite.process.localserve import ADDRESS, ADMIN_PASSWORD, PASSWORD

    listener = next(iter(snapshot.static.listeners.values()))
    ip = listener.ips[0]
    host = "localhost" if ip.is_loopback else f"[{ip}]" if ip.version == 6 else str(ip)
    web, tls = f"http://{host}:{listener.account_http.port}", f"https://{host}:{listener.account_https.port}"
    lines = [
        "",
        f"  account      {web}/          {tls}/",
        f"  webmail      {web}/webmail/  {tls}/webmail/",
        f"  admin        {web}/admin/    {tls}/admin/",
        f"  webapi       {web}/webapi/v0/  {tls}/webapi/v0/",
        f"  metrics      http://{host}:{listener.metrics_http.port}/metrics",
    ]
    if any(handler.log_name == "workdir" for handler in snapshot.domains.web_handlers):
        lines.append(f"  workdir      {web}/workdir/")
    lines += [
        f"  smtp         {host}:{listener.smtp.port}",
        f"  submission   {host}:{listener.submission.port}    submissions {host}:{listener.submissions.port}",
        f"  imap         {host}:{listener.imap.port}    imaps {host}:{listener.imaps.port}",
        "",
        f"  user {ADDRESS}, password {PASSWORD}",
        f"  admin password {ADMIN_PASSWORD}",
        "",
        "  Mail to unknown addresses goes to the sender's account, or to moxlite. Mail never leaves this machine.",
        "  To try it with your own mail, import it by IMAP in the account app. Your server won't be changed.",
        f"  Configuration and data: {path.parent.parent}",
        "",
    ]
    return "\n".join(lines)


@click.command()
def stop() -> None:
    """Stop the running server and wait for the process to exit.

    If systemd restarts the server, use systemctl stop moxlite instead.
    """
    process = perform(Stop())
    deadline = time.monotonic() + STOP_SECONDS
    while _alive(process.pid):
        if time.monotonic() > deadline:
            raise Failure(f"process {process.pid} is still running after {STOP_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)  # until it is gone, not only silent: the next start must find lock and ports free


def _alive(pid: int) -> bool:
    if sys.platform == "win32":  # there os.kill would send Ctrl-C
        return _alive_in_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it exists, and belongs to another user
        return True
    return not _zombie(pid)


def _alive_in_windows(pid: int) -> bool:
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]  # of Windows alone
    handle = kernel.OpenProcess(SYNCHRONIZE, False, pid)
    if not handle:
        return False
    try:
        return bool(kernel.WaitForSingleObject(handle, 0) == WAIT_TIMEOUT)
    finally:
        kernel.CloseHandle(handle)


def _zombie(pid: int) -> bool:
    """Whether a process has ended, but its parent has not yet collected its status: a container's first process seldom
    does.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False


@click.command()
def healthcheck() -> None:
    """Exit with code 0 if the server is healthy. Otherwise, this prints the problem. For containers.

    An unavailable account is a problem even if the others work, because the user isn't getting mail.
    """
    found = perform(CheckHealth())
    for warning in found.warnings:
        print(f"warning: {printable(warning)}")
    if problems := [*found.problems, *found.accounts]:
        raise Failure("; ".join(problems))
