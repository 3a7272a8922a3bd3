"""The browser's bundles: one script and one stylesheet per app, made by esbuild from frontend/ (WEBMAIL-5,
WEBMAIL-106), and the parts that a page fetches when it needs them: ``APP/NAME/part.ts`` becomes ``APP-NAME.js``.

Readable, without source maps, so that what is served can be read and compared; stylesheets have no blanks that mean
nothing. A part has its own copy of what it
imports, so it imports no module that holds state: it is given what the page has.
"""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from generators import _errors, _languages, account, admin, webmail
from moxlite.web.document import part_tag
from moxlite.wording import MARKED

TOP = Path(__file__).resolve().parent.parent.parent
FRONTEND = TOP / "frontend"
PACKAGES = FRONTEND / "node_modules"
ESBUILD = next(PACKAGES.glob("@esbuild/*/bin/esbuild"), PACKAGES / ".bin" / "esbuild")
"""The program itself: npm's command starts a node first."""
APPS = ("webmail", "account", "admin")
COMMON = ("--target=es2022", "--charset=utf8", "--legal-comments=none", "--log-level=warning")
OPTIONS = ("--bundle", "--loader:.ts=js", *COMMON)
# Comments on lines of their own, which esbuild would keep: they are a tenth of what a browser loads, and for who reads
# the sources.
COMMENTS = re.compile(r"^[ \t]*(?:/\*\*.*?\*/|//[^\n]*)\n", re.MULTILINE | re.DOTALL)
PATHS = re.compile(rb"^// ([\w./-]+)\n", re.MULTILINE)
"""Lines with which esbuild names the module that follows."""
MAX_RAW, MAX_GZIP = 230_000, 60_000  # WEBMAIL-5: the whole document
MINIFIED = {"squire"}
"""Parts of which all is a package of others: it is not ours to read, and too large as it is printed."""
MAX_PART_RAW, MAX_PART_GZIP = 72_000, 20_000  # WEBMAIL-5
RECORD = TOP / "build" / "bundles.json"
"""What the bundles were last made of, and what they were: most runs of `script/gen` change nothing of both."""
COPIED = ("manifest.webmanifest", "icon.svg", "icon-192.png", "icon-512.png")
"""Files of the webmail that are served as they are (WEBMAIL-120)."""
MAX_LANGUAGE_GZIP, MAX_ERRORS_GZIP = 20_000, 18_000  # WEBMAIL-143: each file


def build(source: Path, entries: Mapping[str, str], *options: str) -> dict[str, bytes]:
    """A bundle for each of `entries`, a name and a path, by name; one run of esbuild takes as long as that of one."""
    if not entries:
        return {}
    environment = {**os.environ, "NODE_PATH": str(PACKAGES)}
    with tempfile.TemporaryDirectory() as folder:
        named = [f"{name}={path}" for name, path in entries.items()]
        command: list[str | Path] = [ESBUILD, *named, *OPTIONS, *options, f"--outdir={folder}"]
        subprocess.run(command, cwd=source, env=environment, check=True)
        return {
            name: PATHS.sub(
                lambda found: b"" if (source / found[1].decode()).is_file() else found[0],
                (Path(folder) / f"{name}{'.css' if path.endswith('.css') else '.js'}").read_bytes(),
            )
            for name, path in entries.items()
        }


def lay_out(source: Path, target: Path) -> None:
    """Copy the sources, as JavaScript whose objects and calls are on one line each.

    esbuild breaks lines within them where the source does: a bundle would grow by how its sources are formatted.
    The tables of frontend/gen keep a line for each row. Stylesheets of parts, which are texts in their bundles, are
    printed by esbuild's own reader of CSS: strings and selectors keep the blanks that they need.
    """
    shutil.copytree(source, target)
    tables: list[str] = []
    modules: list[str] = []
    for path in sorted(source.rglob("*.ts")):
        (tables if path.parent.name == "gen" else modules).append(str(path.relative_to(source)))
    options = (*COMMON, "--out-extension:.js=.ts", "--outbase=.", f"--outdir={target}")
    subprocess.run([ESBUILD, *tables, *options], cwd=source, check=True)
    subprocess.run([ESBUILD, *modules, *options, "--minify-whitespace"], cwd=source, check=True)
    sheets = sorted(str(path.relative_to(source)) for path in source.rglob("*.css"))
    blanks = ("--minify-whitespace", "--charset=utf8", "--log-level=warning")
    command: list[str | Path] = [ESBUILD, *sheets, *blanks, "--outbase=.", f"--outdir={target}", "--allow-overwrite"]
    subprocess.run(command, cwd=source, check=True)


def measure(name: str, content: bytes, raw: int, squeezed: int) -> None:
    """Say how large it is, and end when that is too large."""
    size = len(gzip.compress(content))
    if os.environ.get("CI") == "true":
        print(f"gen: {name}: {len(content)} octets of {raw}, {size} of {squeezed} compressed")
    if len(content) > raw or size > squeezed:
        sys.exit(f"gen: {name} has grown to {len(content)} octets of {raw}, {size} of {squeezed} compressed")


def parts(source: Path, app: str) -> dict[str, bytes]:
    """The parts of an app, by name."""
    entries = {path.parent.name: f"{app}/{path.parent.name}/part.ts" for path in (source / app).glob("*/part.ts")}
    options = ("--format=esm", "--loader:.css=text")
    found = build(source, {name: path for name, path in entries.items() if name not in MINIFIED}, *options)
    minified = {name: path for name, path in entries.items() if name in MINIFIED}
    found |= build(source, minified, *options, "--minify")
    for name, content in found.items():
        measure(f"{app}, part {name}", content, MAX_PART_RAW, MAX_PART_GZIP)
    return dict(sorted(found.items()))


def texts(source: Path, app: str) -> dict[str, bytes]:
    """The parts with the texts of an app in other languages, by name. Each is a script that runs before the page's."""
    names = [*sorted(_languages.languages(app)), MARKED] if app in _languages.TRANSLATED else []
    for name in names:
        lines = json.dumps(_errors.data(name), ensure_ascii=False)
        (source / f"errors-{name}.ts").write_text(
            'import { inWords as say } from "./lib/errors";\n'
            f"export const inWords = (error) => say(error, {lines});\n"
        )
    found = build(source, {f"errors-{name}": f"errors-{name}.ts" for name in names}, "--format=esm")
    for name in names:
        errors = found[f"errors-{name}"]
        measure(f"{app}, errors in {name}", errors, MAX_PART_RAW, MAX_ERRORS_GZIP)
        first, rest = (json.dumps(lines, ensure_ascii=False) for lines in _languages.data(app, name))
        later = f"export const lines = {rest};\n"
        found[f"texts-{name}"] = later.encode()
        measure(f"{app}, language {name} of parts", later.encode(), MAX_PART_RAW, MAX_LANGUAGE_GZIP)
        forms = json.dumps(_languages.forms(name))
        (source / f"lang-{name}.ts").write_text(
            'import { language } from "./lib/language";\n'
            f"globalThis.moxliteLanguage = language({json.dumps(name)}, {first}, navigator.languages, "
            f'"./errors-{name}.{part_tag(errors.decode())}.js", "./texts-{name}.{part_tag(later)}.js", {forms});\n'
        )
    pages = build(source, {f"lang-{name}": f"lang-{name}.ts" for name in names}, "--format=iife")
    for name, content in pages.items():
        measure(f"{app}, {name}", content, MAX_PART_RAW, MAX_LANGUAGE_GZIP)
    return found | pages


def sources() -> str:
    """A hash of all that the bundles are made of: frontend/, the types that are written into it by this run, texts of
    errors, the versions of the packages, and the generators themselves.
    """
    parts = hashlib.sha256()
    for path in sorted(FRONTEND.rglob("*")):
        if PACKAGES not in path.parents and path.is_file():
            parts.update(f"{path.relative_to(FRONTEND)} {path.stat().st_size}\n".encode() + path.read_bytes())
    for name, content in sorted((account.outputs() | admin.outputs() | webmail.outputs()).items()):
        parts.update(name.encode() + content)
    parts.update("\n".join(_errors.source_texts()).encode())
    modules = [sys.modules[part_tag.__module__].__file__ or "", *sorted(map(str, Path(__file__).parent.glob("*.py")))]
    for module in modules:
        parts.update(Path(module).read_bytes())
    return parts.hexdigest()


def outputs() -> dict[str, bytes]:
    """Scripts, stylesheets and documents of all apps; nothing, with a word about it, where npm has not been run.

    Where nothing has changed since they were made, they are those that are there; in CI they are always made.
    """
    if not ESBUILD.exists():
        message = "gen: frontend/node_modules is missing (run `npm ci` in frontend); the bundles are left as they are"
        if os.environ.get("CI") == "true":
            sys.exit(message)
        print(message, file=sys.stderr)
        return {}
    now = sources()
    if os.environ.get("CI") != "true" and (kept := _kept(now)):
        return kept
    written = _made()
    RECORD.parent.mkdir(exist_ok=True)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in written.items()}
    RECORD.write_text(json.dumps({"sources": now, "files": hashes}))
    return written


def _kept(now: str) -> dict[str, bytes]:
    """The bundles that are there, if they were made of these sources and not changed since; else none."""
    try:
        record = json.loads(RECORD.read_text())
        files = {name: (TOP / name).read_bytes() for name in record["files"]}
    except (OSError, ValueError):
        return {}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return files if (now, hashes) == (record["sources"], record["files"]) else {}


def _made() -> dict[str, bytes]:
    written: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as name:
        # a copy with the types as they will be after this run: generators run in the order of their names
        copy = Path(name) / "frontend"
        shutil.copytree(FRONTEND, copy, ignore=shutil.ignore_patterns("node_modules", "test", "*.d.ts"))
        for path, content in (account.outputs() | admin.outputs() | webmail.outputs()).items():
            if path.startswith("frontend/"):
                (Path(name) / path).write_bytes(content)
        for module in copy.rglob("*.ts"):
            module.write_text(COMMENTS.sub("", module.read_text()))
        source = Path(name) / "modules"
        lay_out(copy, source)
        for app in APPS:
            static = f"moxlite/web/static/{app}"
            lazy = parts(source, app)
            written |= {f"{static}-{part}.js": content for part, content in (texts(source, app) | lazy).items()}
            tags = {part: part_tag(content.decode()) for part, content in lazy.items()}
            define = f"--define:PARTS={json.dumps(tags)}"
            script = build(source, {app: f"{app}/main.ts"}, "--format=esm", define)[app]
            # a function around it, as esbuild's own, but without the indentation: 460 octets of the first load
            written[f"{static}.js"] = b'"use strict";\n(() => {\n' + script + b"})();\n"
            style = build(source, {app: f"{app}/style.css"}, "--minify-whitespace")[app]
            # a layer below what the administrator adds, and beside the sheets of parts (frontend/lib/sheets.ts)
            written[f"{static}.css"] = b"@layer app {\n" + style + b"}\n"
            written[f"{static}.html"] = (source / app / "index.html").read_bytes()
            if app == "webmail":
                worker = build(source, {app: "webmail/worker/worker.ts"}, "--format=iife", define)[app]
                measure("webmail, service worker", worker, MAX_PART_RAW, MAX_PART_GZIP)
                written[f"{static}.worker.js"] = worker
                written |= {f"{static}.{one}": (source / app / one).read_bytes() for one in COPIED}
            measure(app, b"".join(written[f"{static}.{kind}"] for kind in ("html", "css", "js")), MAX_RAW, MAX_GZIP)
    return written
