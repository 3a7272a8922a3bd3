"""Calls of the web API made from its OpenAPI document by schemathesis: no 5xx, no answer beside the document (WEB-91,
WEB-93, WEB-154).
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.campaigns.report import Finding, Report
from tests.running import LocalServer

__all__ = ["run"]

CASES = 10_000
FEWEST = 500
"""Cases, however small the share."""

METHODS = 12
SECONDS = 7200.0
"""Seconds for schemathesis, at most."""

CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
TOTAL: Final = re.compile(r"(\d+) generated")
ENTRY: Final = "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())"


def run(seed: int, share: float, report: Report) -> None:
    """Raises Finding."""
    cases = max(FEWEST, round(CASES * share))
    # the phase `coverage` makes some 700 cases, which only a long run has time for
    phases = "examples,fuzzing" if cases < CASES // 2 else "examples,coverage,fuzzing"
    with tempfile.TemporaryDirectory(prefix="moxlite-webapi-schema-") as folder:
        server = LocalServer(Path(folder) / "local")
        server.start()
        try:
            done = subprocess.run(
                [
                    *(sys.executable, "-c", ENTRY, "run", "--no-color", "--generation-database", "none"),
                    *("--seed", str(seed), "--max-examples", str(-(-cases // METHODS)), "--phases", phases),
                    *("--checks", ",".join(CHECKS), "--auth", f"{server.user}:{server.password}"),
                    f"http://127.0.0.1:{server.port(80)}/webapi/v0/openapi.json",
                ],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=SECONDS,
            )
            log = server.log()
        finally:
            server.stop()
    if done.returncode:
        raise Finding(f"schemathesis ended with {done.returncode}:\n{done.stdout[-8000:]}\n{done.stderr[-2000:]}")
    if "unexpected error" in log or " l=panic" in log:
        raise Finding(f"the server had an unexpected error:\n{log[-4000:]}")
    found = TOTAL.search(done.stdout)
    if found is None or int(found[1]) < cases // 2:
        raise Finding(f"too few cases:\n{done.stdout[-2000:]}")
    report.tell(
        f"{found[1]} calls of {METHODS} methods, made from the document by schemathesis; none answered beside it"
    )
