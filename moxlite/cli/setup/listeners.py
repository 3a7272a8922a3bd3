"""``moxlite config listeners``: what the ports of this machine serve (ADMIN-34a, ADMIN-34b)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from moxlite.cli.common import Failure, config_path

if TYPE_CHECKING:
    from moxlite.admin.quickstart.switches import Switched

PASSWORD_ALONE: Final = (
    "A password is all that a log-in takes there, unless a user turns on two-step log-in: docs/two-step.md."  # noqa: S105
)

STATE: Final = click.argument("state", metavar="on|off", type=click.Choice(["on", "off"]))


@click.group()
def listeners() -> None:
    """Change what the ports of this machine serve, in moxlite.toml."""


@listeners.command("publish-web")
@STATE
def publish_web(state: str) -> None:
    """Serve webmail and account pages to the internet, at port 443 of the mail host, or stop that.

    Behind another web server, which has that port, links lead to its pages; it must pass them on. The admin pages are
    never opened. Comments in moxlite.toml stay. Restart the server afterwards.
    """
    from moxlite.admin.quickstart.switches import publish_web

    with _failures():
        changed, urls, in_front = publish_web(config_path(), on=state == "on")
    if state == "on":
        print(f"Webmail and account pages for all the internet: {' and '.join(urls)}")
        print(PASSWORD_ALONE)
    else:
        print("Webmail and account pages are for the internal listener alone.")
    if in_front:
        verb = "must pass them on" if state == "on" else "must pass them on no longer"
        print(f"Your web server {verb}: docs/install.md, `Beside another web server`.")
    _restart(changed=changed)


@listeners.command("managesieve")
@STATE
def managesieve(state: str) -> None:
    """Let mail programs store Sieve scripts, at port 4190 of the mail host, or stop that.

    Comments in moxlite.toml stay. Restart the server afterwards.
    """
    _switch("managesieve", "ManageSieve", on=state == "on")


@listeners.command("webapi")
@STATE
def webapi(state: str) -> None:
    """Serve the HTTP API for programs on this machine and its inner network, or stop serving it anywhere.

    It is never opened to the internet by this. Comments in moxlite.toml stay. Restart the server afterwards.
    """
    _switch("webapi", "The web API", on=state == "on")


def _switch(service: "Switched", name: str, *, on: bool) -> None:
    from moxlite.admin.quickstart.switches import switch

    with _failures():
        changed, places = switch(config_path(), service, on=on)
    print(f"{name} is at {' and '.join(places)}" if places else f"{name} is off.")
    _restart(changed=changed)


def _restart(*, changed: bool) -> None:
    print("Restart the server: systemctl restart moxlite" if changed else "Nothing was to be changed.")


@contextmanager
def _failures() -> Iterator[None]:
    """Turn what prevents a change into Failures."""
    from moxlite.admin.quickstart.switches import CannotSwitch
    from moxlite.config.load import ConfigError

    try:
        yield
    except CannotSwitch as error:
        raise Failure(str(error)) from None
    except ConfigError as error:
        raise Failure("\n".join(map(str, error.problems))) from None
    except OSError as error:
        raise Failure(f"{config_path()}: {error.strerror or error}") from None
