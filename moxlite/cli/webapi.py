"""``moxlite webapi``: the methods of the web API, and calls by hand (ADMIN-18)."""

import base64
import http.client
import ssl
import sys
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import click

from moxlite.cli.common import Failure, raw_output
from moxlite.escapes import printable

SECONDS: Final = 300.0
"""Seconds without any octet of the answer, after which the server counts as gone."""

PIECE: Final = 64 << 10
"""Octets of the answer that are written at a time."""


@click.command()
@click.argument("method", required=False)
@click.argument("url", required=False)
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File with the password in the first line. [default: prompt on a terminal]",
)
def webapi(method: str | None, url: str | None, password_file: Path | None) -> None:
    """List web API methods, describe METHOD, or call it.

    With URL, for example https://you%40example.org@mail.example.org/webapi/v0/, METHOD is called with the JSON on
    stdin, and the response is written to stdout. Exit code 1 for an error. You can put the password in the URL
    (you%40example.org:PASSWORD@), but other users of this machine can see it while the command runs.
    """
    from moxlite.web.webapi.methods import METHODS, OCTETS
    from moxlite.web.webapi.pages import describe, example_of

    if method is None:
        for one in METHODS.values():
            click.echo(f"{one.name:<20} {one.summary}")
        return
    found = METHODS.get(method)
    if found is None:
        raise click.UsageError(f"unknown method {method!r}; use one of {', '.join(METHODS)}")
    if url is not None:
        _call(method, url, password_file)
        return
    click.echo(f"{found.name}: {found.summary}\n\nParameters")
    _fields(describe(found.request))
    click.echo("\nExample\n" + example_of(found) + "\n\nResult")
    if found.result is OCTETS:
        click.echo("  message as bytes")
    else:
        _fields(describe(found.result))


def _fields(rows: list[tuple[str, str, str]]) -> None:
    for name, kind, text in rows or [("none", "", "")]:
        click.echo(f"  {name:<38} {kind:<26} {text}".rstrip())


def _password(file: Path | None, user: str) -> str:
    """The password of a user, of a file or asked for. Raises Failure."""
    from moxlite.cli.archives.imapcopy import stated_password

    if file is None and not sys.stdin.isatty():  # it has the request, of which a line could pass for a password
        raise Failure("no password; use --password-file")
    return stated_password(file, user)


def _call(method: str, url: str, password_file: Path | None) -> None:
    """Call a method, and write its answer. Raises Failure, click.UsageError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # whose text may have a part of the password
        raise click.UsageError("invalid URL; in a password, use %23 for #, %2F for /, and %40 for @") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.UsageError("URL must start with http:// or https://, and include a user name")
    headers = {"Content-Type": "application/json"}
    if parts.username is not None:
        user = unquote(parts.username)
        password = _password(password_file, user) if parts.password is None else unquote(parts.password)
        pair = f"{user}:{password}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(parts.hostname, port, timeout=SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname, port, timeout=SECONDS)
    try:
        body = sys.stdin.buffer.read()
        connection.request("POST", f"{parts.path.rstrip('/')}/{method}", body=body or b"{}", headers=headers)
        answer = connection.getresponse()
        # What a server answers may be a page of any length, and is shown on a terminal.
        if answer.status != 200:
            text = answer.read(PIECE).decode("utf-8", "replace").strip()
            raise Failure(f"status {answer.status}: {printable(text)}")
        out = raw_output()
        while piece := answer.read(PIECE):
            out.write(piece)
        if (answer.headers.get("Content-Type") or "").startswith("application/json"):
            out.write(b"\n")
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"{parts.hostname}: {error}") from error
    finally:
        connection.close()
