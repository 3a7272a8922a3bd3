"""rspamd as a second opinion, asked by its HTTP interface: SPF, DKIM, DMARC and ARC alone, or all rules of its package
that need no net.
"""

import http.client
import json
import subprocess
import time
from pathlib import Path
from typing import Final

from tests.tools import need

__all__ = ["RESULTS", "Rspamd"]

CONFIG: Final = """\
options {{
  dns {{ nameserver = ["127.0.0.1:53:1"]; timeout = 10s; retransmits = 1; }}
  filters = "dkim";
  tempdir = "{folder}";
  control_socket = "{folder}/ctl.sock mode=0600";
  local_addrs = [];
  url_tld = "{folder}/suffixes";
  disable_hyperscan = true;
}}
logging {{ type = "file"; filename = "{folder}/rspamd.log"; level = "error"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
{milter}
lua = "/usr/share/rspamd/rules/rspamd.lua";
modules {{
  path = "/usr/share/rspamd/plugins/spf.lua";
  path = "/usr/share/rspamd/plugins/dmarc.lua";
  path = "/usr/share/rspamd/plugins/arc.lua";
}}
spf {{ min_cache_ttl = 0; spf_cache_size = 1; }}
dkim {{ trusted_only = false; skip_multi = false; max_sigs = 20; }}
dmarc {{ }}
arc {{ }}
actions {{ reject = 1000; }}
"""

ALL_RULES: Final = """\
.include "$CONFDIR/common.conf"
options {{
  .include "$CONFDIR/options.inc"
  dns {{ nameserver = ["127.0.0.1:9:1"]; timeout = 0.1s; retransmits = 1; }}
  tempdir = "{folder}";
  control_socket = "{folder}/ctl.sock mode=0600";
  pidfile = "{folder}/rspamd.pid";
  local_addrs = [];
  disable_hyperscan = true;
}}
logging {{ type = "file"; filename = "{folder}/rspamd.log"; level = "error"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
rbl {{ enabled = false; }}
dmarc {{ enabled = false; }}
spf {{ enabled = false; }}
arc {{ enabled = false; }}
fuzzy_check {{ enabled = false; }}
"""

MILTER: Final = """\
worker "rspamd_proxy" {{
  bind_socket = "127.0.0.1:{port}"; count = 1; milter = true; timeout = 60s;
  upstream "local" {{ default = true; self_scan = true; }}
}}
modules {{ path = "/usr/share/rspamd/plugins/milter_headers.lua"; }}
milter_headers {{
  use = ["authentication-results"];
  routines {{ authentication-results {{ header = "{field}"; remove = 0; }} }}
}}
"""

RESULTS: Final = "X-Rspamd-Results"
"""The field that its milter adds, with the syntax of Authentication-Results."""

SECONDS: Final = 180.0
"""For an answer, and until it listens: with all rules it looks for hosts first, a minute where there is no net."""


class Rspamd:
    """One that runs, with the resolver at 127.0.0.1 port 53. A context manager.

    Args:
      folder: for its files.
      suffixes: the public suffixes that it knows.
      port: of its HTTP service.
      milter: port of its milter, which adds `RESULTS` to each message; None for no milter.
      all_rules: `ALL_RULES`, without a resolver; then it has its own public suffixes and no milter.
    """

    def __init__(
        self, folder: Path, suffixes: str, port: int, milter: int | None = None, *, all_rules: bool = False
    ) -> None:
        self._folder = folder
        self._port = port
        (folder / "suffixes").write_text(suffixes)
        more = "" if milter is None else MILTER.format(port=milter, field=RESULTS)
        config = ALL_RULES if all_rules else CONFIG
        (folder / "rspamd.conf").write_text(config.format(folder=folder, port=port, milter=more))

    def __enter__(self) -> "Rspamd":
        command = [need("rspamd"), "-f", "-i", "-c", str(self._folder / "rspamd.conf")]
        command += [f"--var={name}={self._folder}" for name in ("DBDIR", "RUNDIR", "LOGDIR")]
        with (self._folder / "rspamd.out").open("wb") as out:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self._client = http.client.HTTPConnection("127.0.0.1", self._port, timeout=SECONDS)
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                self._client.connect()
                self._client.close()  # it would close an idle one
                return self
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise
                time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._process.terminate()
        try:
            self._process.wait(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def symbols(self, message: bytes, ip: str, helo: str, sender: str) -> frozenset[str]:
        """What it says of a message: R_SPF_…, R_DKIM_…, DMARC_…, ARC_… and others."""
        return frozenset(self.scores(message, ip, helo, sender, "you@remote.test"))

    def scores(self, message: bytes, ip: str, helo: str, sender: str, recipient: str) -> dict[str, float]:
        """The points that each symbol gives a message."""
        headers = {"IP": ip, "Helo": helo, "From": sender, "Rcpt": recipient}
        self._client.request("POST", "/checkv2", message, headers)
        answer = json.loads(self._client.getresponse().read())
        self._client.close()
        return {name: float(symbol["score"]) for name, symbol in answer["symbols"].items()}
