"""A newcomer whose Debian came with Postfix, played in a net of its own: run by test_admin_taken_ports as root, in new
namespaces for network, mounts and processes, with a folder as its argument.

Postfix has port 25, and its master is in the control group that systemd gives it on Debian, a child of process 1.
"""

import json
import os
import smtplib
import subprocess
import sys
from pathlib import Path

from tests.integration.newcomer import OWN, USER, Served, say
from tests.ownnet import set_up_net
from tests.realservers import Postfix
from tests.tools import until

GROUPS = (Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup"))
"""Where systemd has its groups: with version 1 of control groups, and with version 2."""

STOP = "systemctl disable --now postfix"
SENDMAIL = "programs here send mail with its /usr/sbin/sendmail; to replace it, see `moxlite help docs/queue.md`"


def put_in_service(process: int) -> Path:
    """Put a process where systemd has Postfix. Returns the group, which may have been there already."""
    top = next(path for path in GROUPS if (path / "cgroup.procs").exists())
    group = top / "system.slice/system-postfix.slice/postfix@-.service"
    group.mkdir(parents=True, exist_ok=True)
    (group / "cgroup.procs").write_text(str(process))
    return group


def play(folder: Path, postfix: Postfix) -> None:
    """What docs/first-hour.md says, as far as the server's start."""
    server = Served(folder / "moxlite")
    (folder / "moxlite").mkdir()
    config = str(server.folder / "config/moxlite.toml")
    words = ("quickstart", "--skip-dial", "--resolver", "127.0.0.1:9", "--hostname", "mx.example.org")
    master = int((postfix.top / "spool/pid/master.pid").read_text())
    holder = f"Postfix (process {master})"

    def findings(code: str) -> list[dict[str, object]]:
        doctor = ("--json", "doctor", "--skip-dial", "--skip-mail", "--resolver", "127.0.0.1:9")
        said = json.loads(server.cli(*doctor, check=False).stdout)
        return [finding for finding in said["findings"] if finding["code"] == code]

    done = server.cli("--config", config, *words, "you@example.org", USER, check=False)
    warning = f"the server can't start while other programs use these ports: 25 by {holder}; stop them (`{STOP}`)"
    assert f"warning: {warning}\n" in done.stdout, done.stdout + done.stderr
    assert f"warning: {SENDMAIL}\n" in done.stdout, done.stdout
    say("quickstart names Postfix, the command, and its sendmail")
    refused = server.cli("serve", check=False)
    assert f"{OWN}:25 is already used by {holder}" in refused.stderr, refused.stderr
    [taken] = findings("port-taken")
    assert taken["text"] == f"{holder} uses {OWN} port 25, so the server can't start"
    assert (taken["commands"], taken["detail"]) == ([STOP], f"({SENDMAIL})")
    say("so does doctor, and the start names Postfix")
    postfix.stop()
    until(lambda: not findings("port-taken"), what="a free port")
    server.start()
    try:
        with smtplib.SMTP(OWN, 25, timeout=60) as smtp:
            assert b"mx.example.org" in smtp.ehlo()[1]
    finally:
        server.stop()
    say("once it is stopped, the server starts")


def main() -> None:
    """Play in the folder that is given."""
    folder = Path(sys.argv[1])
    set_up_net(folder, OWN)
    postfix = Postfix(folder / "postfix", port=25, ip=OWN).start()
    try:
        group = put_in_service(int((postfix.top / "spool/pid/master.pid").read_text()))
        play(folder, postfix)
    finally:
        postfix.stop()
    subprocess.run(["rmdir", "--ignore-fail-on-non-empty", str(group), str(group.parent)], check=False)
    say("done")


if __name__ == "__main__":
    assert os.getpid() == 1, "Postfix's master must be a child of process 1"
    main()
