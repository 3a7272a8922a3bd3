"""Sentences that must be read twice, in the product and its docs (docs/style.md): `script/check words`.

- Words that hide who acts: "nobody", "somebody", "whoever".
- Docstrings that begin with What, Who, Whom, Those, That, Of or For which: at most `HEADLESS` of all docstrings.
- Phrases with a plainer form (`PHRASES`), and "lies" or "stands" for the place where something is.
- Texts for people that a change adds, as far as they read as translated (`naturalness`): they are shown, and above
  `UNNATURAL_TEXTS` the check fails. Rewrite them, or keep one by decision in ``kept-words.txt``.

`script/check words --title FILE` checks the first line of a commit message instead, `script/check words --titles` all
titles of commits that the main branch does not have. The specification and the tests have sentences from before: their
number may only fall (`CEILINGS`).
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from checks import naturalness

TOP: Final = Path(__file__).resolve().parents[2]
HEADLESS: Final = 0.005
"""Share of docstrings that may begin as `BEGINNING` has it: some are quoted words, or names."""
BEGINNING: Final = re.compile(r"(What|Who|Whom|Those|That|Of|For which)\b")
ACTORS: Final = ("name the task, client, user or caller", re.compile(r"\b([Nn]obody|[Ss]omebody|[Ww]hoever)\b"))
"""In code alone: pages for owners may say so."""
PHRASES: Final = {
    'say "is not a …" or "there is no …"': re.compile(r"\b(is|are) none\b(?! [a-z]+ed by)"),
    "repeat the noun": re.compile(r"\b[Tt]hose of\b"),
    'say "is in", "is at"': re.compile(
        r"\b(lies?|stands?|lying|standing) (in|at|beside|below|above|there|here|under|behind|on|before|between|where)\b"
    ),
}
QUOTED: Final = re.compile(r"=\s?nobody|\"nobody\"|User=")
"""Names of system users."""
PAGES: Final = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md", ":!docs/spec")
TOOLS: Final = ("bench/*.py", "script/*.py")
CEILINGS: Final = {"docs/spec/*.md": 18, "tests/*.py": 64}
"""Number of sentences with one of `PHRASES` that are left in the specification and in tests."""
CODE: Final = ("moxlite/*.py",)
FRONTEND: Final = ("frontend/*.ts", ":!frontend/gen")
TITLE: Final = 72
UNNATURAL_TEXTS: Final = 3
"""So many may a change add: a measure is wrong now and then, and that is no reason to stop work."""


class Found(NamedTuple):
    """One sentence to write anew: ``path:line``, the text, and the advice."""

    place: str
    text: str
    advice: str


def main() -> None:
    """Print what is found; exit status 1 if anything is."""
    if sys.argv[1:2] == ["--title"]:
        found = list(in_title(Path(sys.argv[2]).read_text().partition("\n")[0]))
    elif sys.argv[1:2] == ["--titles"]:
        found = [one for title in titles() for one in in_title(title)]
    else:
        added = list(in_added_texts())
        for one in added:
            print(f"{one.place}: {one.text}  [{one.advice}]")
        found = [*in_docstrings(), *in_lines(), *above_ceilings(), *not_kept()]
        if len(added) > UNNATURAL_TEXTS:
            sys.exit(f"words: {len(added)} new texts read as translated (docs/style.md, script/checks/kept-words.txt)")
    for one in found:
        print(f"{one.place}: {one.text}  [{one.advice}]")
    if found:
        sys.exit("words: write these sentences anew (docs/style.md)")


def files(*patterns: str) -> Iterator[Path]:
    """Tracked files, relative to the top folder."""
    return (TOP / name for name in git("ls-files", *patterns).splitlines() if (TOP / name).is_file())


def in_docstrings() -> list[Found]:
    """Docstrings of modules, classes, functions and attributes with a headless first word, if they are too many."""
    total = 0
    found = []
    for path in files("moxlite/*.py"):
        for statement in statements(ast.parse(path.read_bytes())):
            match statement:
                case ast.Expr(value=ast.Constant(value=str() as text)):
                    total += 1
                    if BEGINNING.match(text.strip()):
                        place = f"{path.relative_to(TOP)}:{statement.lineno}"
                        found.append(Found(place, text.strip().split("\n")[0], "begin with a noun or a verb"))
    return found if len(found) > total * HEADLESS else []


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    """All statements in bodies below a node. Expressions, nine tenths of a tree, have no docstrings."""
    for one in node.body if isinstance(node, ast.Module | ast.stmt) and hasattr(node, "body") else ():
        yield one
        yield from statements(one)


def in_lines() -> Iterator[Found]:
    """Phrases in the lines of code and pages."""
    for path in (*files(*PAGES), *files(*CODE, *FRONTEND, *TOOLS)):
        code = path.suffix != ".md" and path.relative_to(TOP).parts[0] in ("moxlite", "frontend")
        phrases = dict([ACTORS, *PHRASES.items()]) if code else PHRASES
        yield from (one for one in with_phrases(path, phrases) if not QUOTED.search(one.text))


def with_phrases(path: Path, phrases: Mapping[str, re.Pattern[str]]) -> Iterator[Found]:
    """Lines of a file with one of the phrases."""
    text = path.read_text()
    present = {advice: phrase for advice, phrase in phrases.items() if phrase.search(text)}
    for number, line in enumerate(text.splitlines() if present else (), 1):
        for advice, phrase in present.items():
            if phrase.search(line):
                yield Found(f"{path.relative_to(TOP)}:{number}", line.strip()[:160], advice)


def above_ceilings() -> Iterator[Found]:
    """All sentences of a group that has more of them than it may have."""
    for pattern, ceiling in CEILINGS.items():
        found = [one for path in files(pattern) for one in with_phrases(path, PHRASES)]
        if len(found) > ceiling:
            yield from found


def in_added_texts() -> Iterator[Found]:
    """Unnatural texts that the main branch does not have; of the last commit, where that is the main branch."""
    base = git("for-each-ref", "--format=%(refname)", "refs/remotes/origin/main").strip()
    if not base or git("rev-parse", base) == git("rev-parse", "HEAD"):
        base = "HEAD~1" if git("rev-list", "--max-count=2", "HEAD").count("\n") == 2 else "HEAD"
    else:
        base = git("merge-base", base, "HEAD").strip()
    names = git("diff", "--name-only", base, "--", *CODE, *FRONTEND).splitlines()
    there = set(git("ls-tree", "-r", "--name-only", base, "--", *names).splitlines()) if names else set()
    before = {
        text for name in names if name in there for text in naturalness.texts(name, git("show", f"{base}:{name}"))
    }
    before |= naturalness.kept()
    for name in names:
        for text in naturalness.texts(name, (TOP / name).read_text()) if (TOP / name).is_file() else ():
            if text not in before and (advice := naturalness.unnatural(text)):
                before.add(text)
                yield Found(name, text[:200], ", ".join(advice))


def not_kept() -> Iterator[Found]:
    """Lines of ``kept-words.txt`` whose text is gone, or natural by the measures."""
    left = set(naturalness.kept())
    for path in files(*CODE, *FRONTEND) if left else ():
        left.difference_update(naturalness.texts(path.name, path.read_text()))
    left.update(text for text in naturalness.kept() if not naturalness.unnatural(text))
    for text in left:
        yield Found("script/checks/kept-words.txt", text, "no text needs this line: remove it")


def titles() -> list[str]:
    """The first lines of the commits since the main branch; of the last one, where that is the main branch."""
    base = git("for-each-ref", "--format=%(refname)", "refs/remotes/origin/main").strip()
    new = git("log", "--no-merges", "--format=%s", f"{base}..HEAD").splitlines() if base else []
    return new or git("log", "-1", "--no-merges", "--format=%s").splitlines()


def git(*arguments: str) -> str:
    """Output of a git command."""
    return subprocess.run(["git", *arguments], cwd=TOP, capture_output=True, text=True, check=True).stdout


def in_title(title: str) -> Iterator[Found]:
    """The first line of a commit message."""
    if len(title) > TITLE:
        yield Found("title", title, f"at most {TITLE} characters")
    if " " not in title.strip():
        yield Found("title", title, "say what the commit does")
    for advice, phrase in PHRASES.items():
        if phrase.search(title):
            yield Found("title", title, advice)


if __name__ == "__main__":
    main()
