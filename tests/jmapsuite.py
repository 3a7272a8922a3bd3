"""jmapio/jmap-test-suite against a localserve: `python -m tests.jmapsuite FOLDER`, its checkout. Needs node and npm.
With `--quickstart`, as root, against a server that `quickstart` made, behind the fences of its unit.

Prints the rows of the table in docs/jmap.md; exit code 1 if a test fails or is left out.
"""

import imaplib
import json
import os
import ssl
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.quickstarted import FencedServer
from tests.running import LocalServer, ServerProcess
from tests.tools import top

__all__ = ["main", "play"]

PASSWORD: Final = "another of them"
"""Of the account that gets mail, and shares its mailboxes with the first."""


@dataclass(frozen=True)
class Target:
    """A server: where JMAP and IMAP are, the address and password of an account, and the certificate it has."""

    server: ServerProcess
    session: str
    imaps: int
    user: str
    password: str
    certificate: Path

    @property
    def domain(self) -> str:
        """Of both accounts."""
        return self.user.partition("@")[2]

    @property
    def other(self) -> str:
        """The address of the other account."""
        return f"second@{self.domain}"


def local(server: LocalServer) -> Target:
    """A running localserve."""
    session = f"http://127.0.0.1:{server.port(80)}/.well-known/jmap"
    certificate = server.folder / "config/localhost.crt"
    return Target(server, session, server.port(993), server.user, server.password, certificate)


def quickstarted(server: FencedServer) -> Target:
    """What `quickstart` made, running; its push may go to this machine."""
    session = f"https://localhost:{server.ports['jmap_https']}/.well-known/jmap"
    user, password = "you@example.org", server.passwords["account"]
    return Target(server, session, server.ports["imaps"], user, password, server.config.parent / "cert.pem")


def prepare(target: Target) -> None:
    """Make the other account, which gives the first all rights on its mailboxes."""
    target.server.cli("config", "account", "add", "second", target.other)
    target.server.cli("account", "set-password", "second", stdin=PASSWORD + "\n")
    trusted = ssl.create_default_context(cafile=str(target.certificate))
    with imaplib.IMAP4_SSL("localhost", target.imaps, ssl_context=trusted) as client:
        client.login(target.other, PASSWORD)
        for name in ("INBOX", "Archive"):
            code, answer = client.setacl(name, target.user, "lrswipkxte")
            assert code == "OK", answer


def play(suite: Path, target: Target, *options: str) -> list[dict[str, Any]]:
    """Build the suite in its folder and run it; returns its results."""
    config = {
        "sessionUrl": target.session,
        "users": {
            "primary": {"username": target.user, "password": target.password},
            "secondary": {"username": target.other, "password": PASSWORD},
        },
    }
    given, report = target.server.folder / "suite.json", target.server.folder / "report.json"
    given.write_text(json.dumps(config))
    for command in (["npm", "install", "--no-audit", "--no-fund"], ["npm", "run", "build"]):
        subprocess.run(command, cwd=suite, check=True, stdout=sys.stderr)
    helper = top() / "tests/jmapsuite.mjs"
    certificate = target.certificate
    key = certificate.with_name("key.pem") if certificate.suffix == ".pem" else certificate.with_suffix(".key")
    trusted = {"NODE_EXTRA_CA_CERTS": str(certificate)}
    environment = {"PUSH_CERTIFICATE": str(certificate), "PUSH_KEY": str(key), **trusted}
    command = ["node", "--import", str(helper), "dist/cli.js", "-c", str(given), "-o", str(report), "--force"]
    subprocess.run([*command, "--fail-only", *options], cwd=suite, check=False, env=os.environ | environment)
    results: list[dict[str, Any]] = json.loads(report.read_text())["results"]
    return results


def main() -> None:
    """Run it whole."""
    suite, options = Path(sys.argv[1]), sys.argv[2:]
    with tempfile.TemporaryDirectory(prefix="moxlite-suite-") as name, ExitStack() as stack:
        folder = Path(name)
        if "--quickstart" in options:
            options.remove("--quickstart")
            folder.chmod(0o755)
            fenced = FencedServer(folder / "server")
            fenced.config.write_text(f"allow_private_webhooks = true\n{fenced.config.read_text()}")
            fenced.environment |= {"SSL_CERT_FILE": str(fenced.config.with_name("cert.pem"))}  # of push services
            fenced.start()
            stack.callback(fenced.stop)
            target = quickstarted(fenced)
        else:
            target = local(stack.enter_context(LocalServer(folder / "server")))
        prepare(target)
        results = play(suite, target, *options)
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
