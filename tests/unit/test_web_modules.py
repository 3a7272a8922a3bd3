"""The pure modules of the frontend: their own tests, run by Node (WEBMAIL-153)."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.tools import top

FRONTEND = top() / "frontend"
TESTS = sorted((FRONTEND / "test").glob("*.test.ts"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name.removesuffix(".test.ts"))
def test_a_module_passes_its_tests(path: Path, tmp_path: Path) -> None:
    """WEBMAIL-12, WEBMAIL-32, WEBMAIL-46, WEBMAIL-46a, WEBMAIL-57, WEBMAIL-69, WEBMAIL-71, WEBMAIL-118, WEBMAIL-124,
    WEBMAIL-153, WEB-164a.
    """
    esbuild = FRONTEND / "node_modules" / ".bin" / "esbuild"
    node = shutil.which("node")
    if not esbuild.exists() or node is None:
        pytest.skip("frontend/node_modules is missing")
    bundle = tmp_path / "test.mjs"
    options = ["--bundle", "--platform=node", "--format=esm", "--log-level=error", f"--outfile={bundle}"]
    subprocess.run([esbuild, path, *options], check=True)
    ran = subprocess.run([node, "--test", bundle], capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stdout
