"""Compare all views of the webmail with an earlier version's: `script/pictures compare [REVISION] [FOLDER]`.

Both versions are run here, in the same browser and with the same mail, so that nothing differs but what was changed.
Without REVISION it is the newest release, else the version of a week ago. FOLDER (build/pictures)
gets both sets and `index.html`: the views that differ, the most different first, with what differs in red. A person
looks at it: a difference may be wanted, so none is an error.
"""

import base64
import html
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page

from tests.integration.browser import ARGUMENTS, playing
from tests.tools import need

TOP: Final = Path(__file__).resolve().parents[2]

LEAST: Final = 0.001
"""The share of pixels from which a view is named: the times of messages differ between two runs."""

COMPARE: Final = """async ([before, after]) => {
  const pixels = async (octets) => {
    const image = new Image();
    image.src = `data:image/png;base64,${octets}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return { canvas, context, found: context.getImageData(0, 0, image.width, image.height) };
  };
  const [one, other] = [await pixels(before), await pixels(after)];
  const { canvas, context, found } = other;
  if (one.canvas.width !== canvas.width || one.canvas.height !== canvas.height) return [1, ""];
  let count = 0;
  for (let at = 0; at < found.data.length; at += 4) {
    const differs = [0, 1, 2].some((part) => Math.abs(found.data[at + part] - one.found.data[at + part]) > 24);
    if (differs) count++;
    for (let part = 0; part < 3; part++)
      found.data[at + part] = differs ? (part === 0 ? 220 : 0) : 170 + found.data[at + part] / 3;
  }
  context.putImageData(found, 0, 0);
  return [(count * 4) / found.data.length, canvas.toDataURL("image/png").split(",")[1]];
}"""
"""The share of pixels in which two pictures differ by more than an edge of a letter may, and a picture of these."""


@dataclass(frozen=True)
class Difference:
    """A view that differs; `share` is of its pixels, 1 where its size is another."""

    name: str
    share: float


def view_of(path: Path) -> str:
    """The name of a view without its number, which changes when a view comes before it."""
    screen, scheme, _, view = path.stem.split(" ", 3)
    return f"{screen} {scheme} {view}"


def compare(browser: Browser, before: Path, after: Path, marked: Path) -> list[Difference]:
    """Compare two folders of pictures by the names of their views; `marked` gets what differs in each."""
    page: Page = browser.new_page()
    marked.mkdir(parents=True, exist_ok=True)
    old = {view_of(path): path for path in before.glob("*.png")}
    found: list[Difference] = []
    for path in sorted(after.glob("*.png")):
        name = view_of(path)
        if name not in old:
            continue
        octets = [base64.b64encode(one.read_bytes()).decode() for one in (old[name], path)]
        share, picture = page.evaluate(COMPARE, octets)
        if share >= LEAST:
            (marked / f"{name}.png").write_bytes(base64.b64decode(picture))
            found.append(Difference(name, share))
    page.close()
    return sorted(found, key=lambda one: -one.share)


def report(folder: Path, found: list[Difference], revision: str) -> list[str]:
    """Write index.html of a folder with `before`, `after` and `marked`; what to say of it."""
    names = {part: {view_of(path): path.name for path in (folder / part).glob("*.png")} for part in ("before", "after")}
    lines = [f"{one.name}: {one.share:.1%} differ" for one in found]
    lines += [f"{name}: new" for name in sorted(names["after"].keys() - names["before"].keys())]
    lines += [f"{name}: is no more" for name in sorted(names["before"].keys() - names["after"].keys())]
    cells = []
    for one in found:
        paths = f"before/{names['before'][one.name]}", f"after/{names['after'][one.name]}", f"marked/{one.name}.png"
        pictures = "".join(f'<img loading="lazy" src="{html.escape(path)}" alt="">' for path in paths)
        cells.append(f"<h2>{html.escape(one.name)}: {one.share:.1%}</h2><div>{pictures}</div>")
    style = "body{font:14px sans-serif;margin:2em}div{display:flex;gap:8px}img{width:33%;border:1px solid #ccc}"
    head = f"<!doctype html><meta charset=utf-8><title>Views that differ</title><style>{style}</style>"
    said = "".join(f"<li>{html.escape(line)}" for line in lines)
    text = f"{head}<h1>Since {html.escape(revision)}: before, after, what differs</h1><ul>{said}</ul>{''.join(cells)}"
    (folder / "index.html").write_text(text)
    return lines


def earlier() -> str:
    """The newest release; without one, the version of a week ago, or the first."""
    for command in (
        ["git", "describe", "--tags", "--abbrev=0"],
        ["git", "rev-list", "-1", "--before=7 days ago", "HEAD"],
        ["git", "rev-list", "--max-parents=0", "HEAD"],
    ):
        done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
        if lines := done.stdout.split():
            return lines[0]
    raise SystemExit("pictures: there is no earlier version; name one")


def take(tree: Path, folder: Path) -> None:
    """Let a version take its pictures: an earlier one perhaps not all, with a browser that came after it."""
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    command = [sys.executable, "-m", "tests.integration.webmail_views", str(folder.resolve())]
    if subprocess.run(command, cwd=tree, env=environment, check=tree == TOP).returncode != 0:
        print(f"pictures: the earlier version stopped after {len(list(folder.glob('*.png')))} pictures", flush=True)


def main() -> None:
    """Take both sets, compare, and say what differs."""
    revision = "".join(sys.argv[1:2]) or earlier()
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else "build/pictures")
    for part in ("before", "after", "marked"):
        for path in (folder / part).glob("*.png"):
            path.unlink()
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "tree"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", tree, revision], cwd=TOP, check=True)
        try:
            take(tree, folder / "before")
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=TOP, check=True)
    take(TOP, folder / "after")
    with playing() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=ARGUMENTS)
        lines = report(folder, compare(browser, folder / "before", folder / "after", folder / "marked"), revision)
        browser.close()
    print("\n".join(lines) or "no view differs")
    print(f"pictures: see {folder / 'index.html'}")


if __name__ == "__main__":
    main()
