"""``moxlite config listeners``: what the ports of this machine serve (ADMIN-34a)."""

from typing import Final

import click

from moxlite.cli.common import Failure, config_path

__all__ = ["PASSWORD_ALONE", "listeners"]

PASSWORD_ALONE: Final = "A password is all that a log-in takes there, until second factors are there: have long ones."  # noqa: S105


@click.group()
def listeners() -> None:
    """Change what the ports of this machine serve, in moxlite.toml."""


@listeners.command("publish-web")
@click.argument("state", metavar="on|off", type=click.Choice(["on", "off"]))
def publish_web(state: str) -> None:
    """Serve webmail and account pages to the internet, at port 443 of the mail host, or stop that.

    The admin pages are never opened. Comments in moxlite.toml stay. Restart the server afterwards.
    """
    from moxlite.admin.quickstart.publish import CannotPublish, publish_web
    from moxlite.config.load import ConfigError

    path = config_path()
    try:
        changed, urls = publish_web(path, on=state == "on")
    except CannotPublish as error:
        raise Failure(str(error)) from None
    except ConfigError as error:
        raise Failure("\n".join(map(str, error.problems))) from None
    except OSError as error:
        raise Failure(f"{path}: {error.strerror or error}") from None
    if state == "on":
        print(f"Webmail and account pages for all the internet: {' and '.join(urls)}")
        print(PASSWORD_ALONE)
    else:
        print("Webmail and account pages are for the internal listener alone.")
    print("Restart the server: systemctl restart moxlite" if changed else "Nothing was to be changed.")
