"""jmapio/jmap-test-suite against a localserve: `python -m tests.jmapsuite FOLDER`, its checkout. Needs node and npm.

Prints the rows of the table in docs/jmap.md; exit code 1 if a test fails or is left out.
"""

import imaplib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final

from tests.running import LocalServer
from tests.tools import top

__all__ = ["main", "play"]

OTHER: Final = ("second@localhost", "another of them")
"""Address and password of the account that gets mail, and shares its mailboxes with the first."""


def prepare(server: LocalServer) -> None:
    """Make the other account, which gives the first all rights on its mailboxes."""
    address, password = OTHER
    server.cli("config", "account", "add", "second", address)
    server.cli("account", "set-password", "second", stdin=password + "\n")
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as client:
        client.login(address, password)
        for name in ("INBOX", "Archive"):
            code, answer = client.setacl(name, server.user, "lrswipkxte")
            assert code == "OK", answer


def play(suite: Path, server: LocalServer, *options: str) -> list[dict[str, Any]]:
    """Build the suite in its folder and run it; returns its results."""
    config = {
        "sessionUrl": f"http://127.0.0.1:{server.port(80)}/.well-known/jmap",
        "users": {
            "primary": {"username": server.user, "password": server.password},
            "secondary": dict(zip(("username", "password"), OTHER, strict=True)),
        },
    }
    given, report = server.folder / "suite.json", server.folder / "report.json"
    given.write_text(json.dumps(config))
    for command in (["npm", "install", "--no-audit", "--no-fund"], ["npm", "run", "build"]):
        subprocess.run(command, cwd=suite, check=True, stdout=sys.stderr)
    helper = top() / "tests/jmapsuite.mjs"
    certificate = server.folder / "config/localhost.crt"
    environment = {"PUSH_CERTIFICATE": str(certificate), "PUSH_KEY": str(certificate.with_suffix(".key"))}
    command = ["node", "--import", str(helper), "dist/cli.js", "-c", str(given), "-o", str(report), "--force"]
    subprocess.run([*command, "--fail-only", *options], cwd=suite, check=False, env=os.environ | environment)
    results: list[dict[str, Any]] = json.loads(report.read_text())["results"]
    return results


def main() -> None:
    """Run it whole."""
    suite = Path(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="moxlite-suite-") as folder, LocalServer(Path(folder) / "server") as server:
        prepare(server)
        results = play(suite, server, *sys.argv[2:])
    kinds = {(one["testId"].partition("/")[0], one["required"]) for one in results}
    counts = Counter((one["testId"].partition("/")[0], one["required"], one["status"]) for one in results)
    for part in sorted({part for part, _ in kinds}):
        cells = []
        for required in (True, False):
            passed, failed, skipped = (counts[part, required, one] for one in ("pass", "fail", "skip"))
            cells.append(f"{passed} of {passed + failed + skipped}")
        print(f"| {part} | {' | '.join(cells)} |")
    sys.exit(any(one["status"] != "pass" for one in results))


if __name__ == "__main__":
    main()
