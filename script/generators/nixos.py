"""The service in the module of NixOS: the settings of our own unit, line by line."""

from pathlib import Path
from typing import Final

from moxlite.admin.quickstart.files import unit_file

TOP: Final = Path(__file__).resolve().parents[2]
MODULE: Final = "packaging/nixos/moxlite.nix"

BEGIN: Final = "      serviceConfig = { # by script/gen, from the unit\n"
END: Final = "      };\n"


def outputs() -> dict[str, bytes]:
    """The module, with the settings of the unit between the two lines."""
    unit = unit_file(
        program="${cfg.program}",
        config=Path("/etc/moxlite/moxlite.toml"),
        data=Path("/var/lib/moxlite"),
        more=[Path("/var/backups/moxlite")],
        waits=True,
    ).replace("\\\n", "")
    section = unit.partition("[Service]\n")[2].partition("\n[Install]")[0]
    lines = ""
    for line in section.splitlines():
        name, equals, value = line.partition("=")
        if line.startswith("#") or not equals:
            lines += f"        {line}\n"
        else:
            lines += f'        {name} = "{value.replace("/bin/kill", "${pkgs.coreutils}/bin/kill")}";\n'
    text = (TOP / MODULE).read_text()
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    assert begin, f"{MODULE} has not the line {BEGIN!r}"
    assert end, f"{MODULE} has not the line {END!r}"
    return {MODULE: f"{head}{begin}{lines}{end}{tail}".encode()}
