"""``moxlite dns rotation`` and ``host-key``: rotations of DKIM keys and host keys, which the running server tells about
(AUTH-115, AUTH-118).
"""

import click

from moxlite.cli.described import described, for_people
from moxlite.escapes import printable
from moxlite.operations import described_in, dns as operations


@for_people
def _show_rotation(rotation: operations.Rotation) -> None:
    _show_stage(rotation.domain, rotation)
    for label, value in (("next selector", rotation.new), ("former selectors", ", ".join(rotation.old))):
        if value:
            print(f"  {label}: {printable(value)}")
    _show_steps(rotation)


@for_people
def _show_host(host_rotation: operations.HostRotation) -> None:
    _show_stage(host_rotation.host, host_rotation)
    _show_steps(host_rotation)


@for_people
def _show_hosts(host_rotations: list[operations.HostRotation]) -> None:
    for host_rotation in host_rotations:
        _show_host(host_rotation, False)
    if not host_rotations:
        print("host key rotation requires a listener with SMTP, ACME certificates, and host_private_key_files")


def _show_stage(name: str, rotation: operations.Rotation | operations.HostRotation) -> None:
    until = f" until {rotation.until}" if rotation.until else ""
    print(printable(f"{name}: {rotation.words} ({rotation.stage} since {rotation.since or 'now'}{until})"))


def _show_steps(rotation: operations.Rotation | operations.HostRotation) -> None:
    for line in rotation.todo:
        print(f"  to do: {printable(line)}")
    if rotation.problem:
        print(f"  waiting for: {printable(rotation.problem)}")


rotation = click.Group("rotation", help="Manage DKIM key rotation. With a DNS provider, rotation starts automatically.")
described(rotation, described_in(operations), {}, {operations.Rotating: _show_rotation}, words="dns rotation")

host_key = click.Group(
    "host-key",
    help="Manage rotation of host keys for TLSA records. With a DNS provider, rotation starts automatically.",
)
described(
    host_key,
    described_in(operations),
    {},
    {operations.HostRotating: _show_host, operations.ShowHostRotation: _show_hosts},
    words="dns host-key",
)
