"""A machine like a Raspberry Pi with an SD card, for any server's programs, and what servers do on it.

- `python -m bench.pi run COMMAND …` runs a command, with all that it starts, on that machine: see `machine`.
- `python -m bench.pi` measures moxlite beside postfix + dovecot on it, and beside mox where its binary is found.

Needs root, Linux 5.19 and a cgroup for memory (version 1 or 2).
"""
