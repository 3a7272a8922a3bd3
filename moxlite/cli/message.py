"""``moxlite message``: messages in files (ADMIN-19)."""

import sys
from typing import TYPE_CHECKING, BinaryIO, Final

import click

from moxlite.cli.common import Failure, note

if TYPE_CHECKING:
    from moxlite.proto.mime.types import MailAddress, Part

MAX_MESSAGE: Final = 256 << 20
"""Octets of a file at most."""


@click.group()
def message() -> None:
    """Inspect messages in files."""


@message.command()
@click.argument("file", type=click.File("rb"))
def parse(file: BinaryIO) -> None:
    """Print a message's envelope and MIME parts as JSON. It's in FILE (- for stdin), and parsed like the server does.

    Offsets and sizes are in bytes. Errors in a part are shown as "defect".
    """
    import json

    from moxlite.proto.mime.structure import scan

    data = file.read(MAX_MESSAGE + 1)
    if len(data) > MAX_MESSAGE:
        raise Failure(f"message exceeds {MAX_MESSAGE} bytes")
    structure = scan(data)
    envelope = structure.envelope
    told: dict[str, object] = {
        "size": structure.size,
        "date": None if envelope.date is None else _moment(envelope.date),
        "subject": envelope.subject,
        "message_id": envelope.message_id,
        "in_reply_to": envelope.in_reply_to,
    }
    for name in ("from_", "sender", "reply_to", "to", "cc", "bcc"):
        told[name.rstrip("_")] = [_address(one) for one in getattr(envelope, name)]
    told["root"] = _part(structure.root)
    if not structure.root.body:
        note(f"note: {file.name} doesn't have header fields, so it might not be a message")
    sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=True) + "\n")


def _moment(microseconds: int) -> str:
    import datetime as dt

    return (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=microseconds)).isoformat()


def _address(address: "MailAddress") -> dict[str, str]:
    return {"name": address.name, "localpart": address.localpart, "domain": address.domain}


def _part(part: "Part") -> dict[str, object]:
    told: dict[str, object] = {
        "type": f"{part.type}/{part.subtype}".lower(),
        "encoding": part.encoding.lower(),
        "parameters": {parameter.name: parameter.value for parameter in part.parameters},
        "header": part.header,
        "body": part.body,
        "end": part.end,
        "lines": part.lines,
        "decoded_size": part.decoded,
    }
    if part.disposition:
        told["disposition"] = part.disposition.lower()
        told["disposition_parameters"] = {
            disposition_parameter.name: disposition_parameter.value
            for disposition_parameter in part.disposition_parameters
        }
    if part.defect:
        told["defect"] = str(part.defect)
    if part.parts:
        told["parts"] = [_part(one) for one in part.parts]
    if part.message is not None:
        told["message"] = {"subject": part.message.envelope.subject, "root": _part(part.message.root)}
    return told
