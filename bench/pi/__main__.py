"""`python -m bench.pi`: see the package."""

import argparse
import sys

from bench.pi.compare import add_options, compare
from bench.pi.machine import Machine, run


def main() -> None:
    """Run a command on the machine, or measure servers there."""
    parser = argparse.ArgumentParser(prog="bench.pi", description="A machine like a Raspberry Pi with an SD card.")
    commands = parser.add_subparsers(dest="what")
    machine = argparse.ArgumentParser(add_help=False)
    machine.add_argument("--processor", type=int, default=0, help="the number of the core")
    machine.add_argument("--share", type=float, default=0.2, help="of its time")
    machine.add_argument("--late", type=float, default=10, help="milliseconds of a flush")
    machine.add_argument("--rate", type=float, default=20, help="megabytes a second that the card writes")
    machine.add_argument("--memory", type=int, default=512, help="MiB")
    one = commands.add_parser("run", parents=[machine], help="run a command there")
    one.add_argument("command", nargs=argparse.REMAINDER)
    add_options(commands.add_parser("compare", parents=[machine], help="measure servers there"))
    options = parser.parse_args(sys.argv[1:] or ["compare"])
    there = Machine(options.processor, options.share, options.late / 1e3, options.rate * 1e6, options.memory << 20)
    if options.what == "run":
        command = options.command[1:] if options.command[:1] == ["--"] else options.command
        if not command:
            one.error("no command")
        sys.exit(run(there, command))
    compare(there, options)


if __name__ == "__main__":
    main()
