"""Clients that programs generate from the OpenAPI document type-check, and call each method (WEB-154)."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from moxlite.web.webapi.methods import METHODS
from moxlite.web.webapi.pages import document
from tests.running import LocalServer
from tests.tools import need

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.integration]

HERE = Path(__file__).parent / "webapiclient"

MYPY = """\
[mypy]
strict = true
cache_dir = cache
[mypy-moxclient.client]
disable_error_code = arg-type
"""
"""`client.py` is the same for each API; it hands the arguments of its `__exit__` on as objects."""


def base(server: LocalServer) -> str:
    """The URL of the API."""
    return f"http://127.0.0.1:{server.port(80)}/webapi/v0"


def run(command: list[str], folder: Path, **environment: str) -> str:
    """What a command prints; it must succeed, and say nothing on standard error."""
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def called(command: list[str], folder: Path, server: LocalServer) -> list[str]:
    """The methods that a client has called."""
    facts = {"API_URL": base(server), "API_USER": server.user, "API_PASSWORD": server.password, "no_proxy": "*"}
    found = json.loads(run(command, folder, **facts))
    assert isinstance(found, list)
    return found


def write_document(folder: Path, url: str) -> Path:
    """The document in a file."""
    path = folder / "openapi.json"
    path.write_text(json.dumps(document(url)))
    return path


def generate_python(folder: Path, url: str) -> None:
    """Make `moxclient`, without a warning."""
    source = write_document(folder, url)
    generate = "from openapi_python_client.cli import app; app()"
    command = [sys.executable, "-c", generate, "generate", "--path", str(source), "--meta", "none"]
    command += ["--output-path", str(folder / "moxclient"), "--fail-on-warning"]
    # the generator calls `ruff`
    run(command, folder, PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))


def test_a_generated_python_client_has_every_method(tmp_path: Path) -> None:
    """WEB-154: openapi-python-client makes a client without a warning, whose modules can be imported."""
    generate_python(tmp_path, "http://127.0.0.1:1/webapi/v0/")
    folder = tmp_path / "moxclient/api/default"
    modules = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    assert [name.replace("_", "") for name in modules] == sorted(name.lower() for name in METHODS)
    run([sys.executable, "-c", f"from moxclient.api.default import {', '.join(modules)}"], tmp_path)


@pytest.mark.nightly(
    smoke="tests/integration/test_web_webapi_clients.py::test_a_generated_python_client_has_every_method"
)
def test_a_generated_python_client_calls_every_method(tmp_path: Path, server: LocalServer) -> None:
    """WEB-93, WEB-94, WEB-154: the client of openapi-python-client passes `mypy --strict`, as the program does that
    uses it; each answer has the types that it was made for.
    """
    generate_python(tmp_path, base(server))
    shutil.copy(HERE / "session.py", tmp_path)
    (tmp_path / "mypy.ini").write_text(MYPY)
    run([sys.executable, "-m", "mypy", "--no-error-summary", "session.py", "moxclient"], tmp_path)
    assert sorted(called([sys.executable, "session.py"], tmp_path, server)) == sorted(METHODS)


@pytest.mark.nightly(
    smoke="tests/integration/test_web_webapi_clients.py::test_a_generated_python_client_has_every_method"
)
def test_a_generated_typescript_client_calls_every_method(tmp_path: Path, server: LocalServer) -> None:
    """WEB-93, WEB-94, WEB-154: with the types of openapi-typescript, a program of openapi-fetch compiles strictly, and
    calls each method.
    """
    node = need("node")
    modules = HERE / "node_modules"
    if not modules.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail("openapi-typescript is not installed, and CI=true allows no skip")
        pytest.skip("openapi-typescript is not installed: (cd tests/integration/webapiclient && npm ci)")
    for name in ("session.ts", "tsconfig.json", "package.json"):
        shutil.copy(HERE / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(modules)
    source = write_document(tmp_path, base(server))
    generator = str(modules / "openapi-typescript/bin/cli.js")
    run([node, generator, str(source), "-o", str(tmp_path / "api.ts"), "--array-length"], tmp_path)
    run([node, str(modules / "typescript/bin/tsc"), "-p", "."], tmp_path)
    assert sorted(called([node, "out/session.js"], tmp_path, server)) == sorted(METHODS)
