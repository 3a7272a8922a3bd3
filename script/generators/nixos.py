"""The services in the module of NixOS: the settings of our own units, line by line."""

from pathlib import Path
from typing import Final

from moxlite.admin.quickstart.files import follow_unit_file, unit_file

TOP: Final = Path(__file__).resolve().parents[2]
MODULE: Final = "packaging/nixos/moxlite.nix"
PROGRAM: Final = "${cfg.program}"
CONFIG: Final = Path("/etc/moxlite/moxlite.toml")
DATA: Final = Path("/var/lib/moxlite")
UNITS: Final = {
    "moxlite": unit_file(program=PROGRAM, config=CONFIG, data=DATA, more=[Path("/var/backups/moxlite")], waits=True),
    "moxlite-follow": follow_unit_file(program=PROGRAM, config=CONFIG, data=DATA),
}

BEGIN: Final = "      serviceConfig = { # by script/gen, from the unit {name}\n"
END: Final = "      };\n"


def outputs() -> dict[str, bytes]:
    """The module, with the settings of each unit between two lines."""
    text = (TOP / MODULE).read_text()
    for name, unit in UNITS.items():
        begin = BEGIN.replace("{name}", name)
        head, found, rest = text.partition(begin)
        _, end, tail = rest.partition(END)
        assert found, f"{MODULE} has not the line {begin!r}"
        assert end, f"{MODULE} has not the line {END!r}"
        text = f"{head}{begin}{_lines(unit)}{end}{tail}"
    return {MODULE: text.encode()}


def _lines(unit: str) -> str:
    """The settings of a unit's service, in the language of nix."""
    lines = ""
    for line in unit.replace("\\\n", "").partition("[Service]\n")[2].partition("\n[Install]")[0].splitlines():
        name, equals, value = line.partition("=")
        if line.startswith("#") or not equals:
            lines += f"        {line}\n"
        else:
            lines += f'        {name} = "{value.replace("/bin/kill", "${pkgs.coreutils}/bin/kill")}";\n'
    return lines
