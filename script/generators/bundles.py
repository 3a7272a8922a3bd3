"""The browser's bundles: one script and one stylesheet per app, made by esbuild from frontend/ (WEBMAIL-5,
WEBMAIL-106).

Readable, without source maps, so that what is served can be read and compared.
"""

import gzip
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from generators import account, webmail

TOP = Path(__file__).resolve().parent.parent.parent
FRONTEND = TOP / "frontend"
ESBUILD = FRONTEND / "node_modules" / ".bin" / "esbuild"
APPS = ("webmail", "account")
OPTIONS = (
    "--bundle",
    "--format=iife",
    "--target=es2022",
    "--charset=utf8",
    "--legal-comments=none",
    "--log-level=warning",
)
MAX_RAW, MAX_GZIP = 225_000, 60_000  # WEBMAIL-5: the whole document


def build(source: Path, entry: str, target: Path) -> bytes:
    """One bundle."""
    subprocess.run([ESBUILD, entry, *OPTIONS, f"--outfile={target}"], cwd=source, check=True)
    return target.read_bytes()


def outputs() -> dict[str, bytes]:
    """Scripts, stylesheets and documents of all apps; nothing, with a word about it, where npm has not been run."""
    if not ESBUILD.exists():
        message = "gen: frontend/node_modules is missing (run `npm ci` in frontend); the bundles are left as they are"
        if os.environ.get("CI") == "true":
            sys.exit(message)
        print(message, file=sys.stderr)
        return {}
    written: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as name:
        # a copy with the types as they will be after this run: generators run in the order of their names
        source = Path(name) / "frontend"
        shutil.copytree(FRONTEND, source, ignore=shutil.ignore_patterns("node_modules"))
        for path, content in (account.outputs() | webmail.outputs()).items():
            if path.startswith("frontend/"):
                (Path(name) / path).write_bytes(content)
        for app in APPS:
            static = f"moxlite/web/static/{app}"
            written[f"{static}.js"] = build(source, f"{app}/main.ts", Path(name) / f"{app}.js")
            written[f"{static}.css"] = build(source, f"{app}/style.css", Path(name) / f"{app}.css")
            written[f"{static}.html"] = (source / app / "index.html").read_bytes()
            size = b"".join(written[f"{static}.{kind}"] for kind in ("html", "css", "js"))
            if len(size) > MAX_RAW or len(gzip.compress(size)) > MAX_GZIP:
                sys.exit(f"gen: {app} has grown beyond {MAX_RAW} octets, or {MAX_GZIP} compressed")
    return written
