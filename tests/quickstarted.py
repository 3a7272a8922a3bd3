"""A server of what ``moxlite quickstart`` makes, on this machine: its own ports, addresses and certificate are put into
the configuration; `FencedServer` is started by root, behind the fences of the unit (ADMIN-40).
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.rootserver import UID, interpreter, readable_path
from tests.running import ServerProcess, make_certificate
from tests.tools import free_port, need

__all__ = ["FencedServer", "serve_here"]

WITH_PAGES = ("account_http", "webmail_http", "webapi_http")
"""Services that share a port, as `quickstart` has it."""

ENABLED = r"^([a-z_]+)(?:\.enabled = true| = \{ enabled = true(?:, port = 8012)? \})$"

FENCES = """\
set -e
mount --make-rprivate /
for place in {writable}; do mount --bind "$place" "$place"; done
cut -d ' ' -f 5 /proc/self/mountinfo | while read -r place; do
    case "$place" in /proc*|/sys*|/dev*) continue;; esac
    for kept in {writable}; do test "$place" = "$kept" && continue 2; done
    mount -o remount,bind,ro "$place" 2>/dev/null || true
done
umask 007
exec setpriv --no-new-privs --bounding-set {capabilities} "$@"
"""
"""ProtectSystem=strict, ReadWritePaths, NoNewPrivileges and CapabilityBoundingSet of the unit (ADMIN-40). A mount that
the namespace does not show cannot be made read-only, and need not be.
"""

CAPABILITIES: Final = (
    *("setuid", "setgid", "net_bind_service", "chown", "fsetid"),
    *("dac_override", "dac_read_search", "fowner", "kill"),
)


def serve_here(config: Path) -> dict[str, int]:
    """Change moxlite.toml of `quickstart` so that it can be served beside others; the ports by service."""
    make_certificate(config.parent)
    text = re.sub(r"^ips = .*$", 'ips = ["127.0.0.1"]', config.read_text(), flags=re.MULTILINE)
    text = text.replace(
        'tls.acme = "letsencrypt"', 'tls.key_certs = [{ cert_file = "cert.pem", key_file = "key.pem" }]'
    )
    ports: dict[str, int] = {}
    https, pages = free_port(), free_port()
    for service in re.findall(ENABLED, text, re.MULTILINE):
        shared = https if service.endswith("_https") else free_port()
        ports[service] = pages if service in WITH_PAGES else shared
    text = re.sub(ENABLED, lambda m: f"{m[1]} = {{ enabled = true, port = {ports[m[1]]} }}", text, flags=re.MULTILINE)
    config.write_text(text)
    return ports


@dataclass
class FencedServer(ServerProcess):
    """What an owner has: `quickstart` by root, `serve` by root behind the fences of systemd, commands by root without
    them. `UID` is the service user.
    """

    ports: dict[str, int] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    """Of `account` and `admin`, as quickstart printed them."""

    def __post_init__(self) -> None:
        """Run `quickstart`; the folder must be open to all."""
        python = interpreter()
        assert python is not None
        self.python = python
        self.environment = readable_path()
        self.backups = self.folder / "backups"
        quickstart = ("quickstart", "--skip-dial", "--resolver", "127.0.0.1:9", "--hostname", "mx.example.org")
        done = self.cli(*quickstart, "you@example.org", str(UID))
        self.passwords = dict(re.findall(r"^(account|admin) password: (\S+)$", done.stdout, re.MULTILINE))
        self.ports = serve_here(self.config)

    @property
    def config(self) -> Path:
        """The file moxlite.toml."""
        return self.folder / "config/moxlite.toml"

    def write(self, text: str) -> None:
        """Add lines to moxlite.toml."""
        self.config.write_text(self.config.read_text() + text)

    def command(self) -> list[str]:
        """With its own configuration file."""
        return ["--config", str(self.config), "serve"]

    def is_ready(self, line: str) -> bool:
        """The log line of ADMIN-38."""
        return "ready to serve" in line

    def start(self) -> float:
        """Start it behind the fences."""
        writable = [self.folder / "config", self.folder / "data", self.backups]
        fences = FENCES.format(
            writable=" ".join(str(one) for one in writable if one.exists()),
            capabilities=",".join(["-all", *(f"+{one}" for one in CAPABILITIES)]),
        )
        plain, environment = self.python, self.environment
        inner, script = self.folder.with_name("fences"), self.folder.with_name("fenced")
        inner.write_text(fences)
        script.write_text(f'#!/bin/sh\nexec {need("unshare")} --mount sh {inner} {plain} "$@"\n')
        script.chmod(0o755)
        self.python, self.environment = str(script), {**environment, "INVOCATION_ID": "of-a-unit"}
        try:
            return super().start()
        finally:
            self.python, self.environment = plain, environment

    def restart(self) -> None:
        """Stop it in order, and start it again."""
        assert self.stop() == 0
        self.start()
