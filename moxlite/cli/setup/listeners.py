"""``moxlite config listeners``: services are switched on and off in moxlite.toml (ADMIN-34a, 34b)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from moxlite.cli.common import Failure, ask, config_path, root_advice, unusable

if TYPE_CHECKING:
    from moxlite.admin.quickstart.switches import Switched

PASSWORD_ALONE: Final = (
    "Only a password is needed to log in there, unless a user turns on two-step verification: docs/two-step.md."  # noqa: S105
)

STATE: Final = click.argument("state", metavar="on|off", type=click.Choice(["on", "off"]))


@click.group()
def listeners() -> None:
    """Turn services on this machine on or off in moxlite.toml."""


@listeners.command("publish-web")
@STATE
def publish_web(state: str) -> None:
    """Open or close webmail to the internet. This also opens or closes account pages. They use the mail host's port
    443.

    If another web server uses this port, configure it to forward requests. The admin pages stay private. Restart the
    server to apply the change.
    """
    from moxlite.admin.quickstart.switches import publish_web

    if state == "off":
        ask("Close webmail and account pages to the internet? Users will only reach them from the internal network.")
    with _failures():
        changed, urls, in_front = publish_web(config_path(), on=state == "on")
    if state == "on":
        print(f"Webmail and account pages open to the internet: {' and '.join(urls)}")
        print(PASSWORD_ALONE)
    else:
        print("Webmail and account pages are only on the internal listener.")
    if in_front:
        verb = "must pass them on" if state == "on" else "should stop passing them on"
        print(f"Your web server {verb}: docs/install.md, `Beside another web server`.")
    _restart(changed=changed)


@listeners.command("managesieve")
@STATE
def managesieve(state: str) -> None:
    """Allow mail clients to save Sieve scripts. This uses the mail host's port 4190. You can also turn it off.

    Restart the server to apply the change.
    """
    _switch("managesieve", "ManageSieve", on=state == "on")


@listeners.command("webapi")
@STATE
def webapi(state: str) -> None:
    """Turn the HTTP API for programs on or off. They can be on this machine or its internal network.

    This never opens the API to the internet. Restart the server afterwards.
    """
    _switch("webapi", "the web API", on=state == "on")


def _switch(service: "Switched", name: str, *, on: bool) -> None:
    from moxlite.admin.quickstart.switches import switch

    if not on:
        ask(f"Turn {name} off? Programs that use it will stop working.")
    with _failures():
        changed, places = switch(config_path(), service, on=on)
    title = name[0].upper() + name[1:]
    print(f"{title} is at {' and '.join(places)}" if places else f"{title} is off.")
    _restart(changed=changed)


def _restart(*, changed: bool) -> None:
    print("Restart the server: systemctl restart moxlite" if changed else "No changes needed.")


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
        raise unusable(error) from None
    except OSError as error:
        raise Failure(f"{config_path()}: {error.strerror or error}{root_advice(error)}") from None
