"""Search of the installed pages, for ``moxlite help``: questions in anyone's words, best sections first."""

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import moxlite

PAGES: Final = (Path("/usr/share/doc/moxlite/docs"), Path(moxlite.__file__).parent.parent / "docs")
"""Where the pages are: of the Debian package; of a checkout, and of the program with its own Python."""

UNSEARCHED: Final = frozenset(
    {
        "README.md",
        "architecture.md",
        "campaigns.md",
        "cli.md",
        "clicks.md",
        "performance.md",
        "reasons.md",
        "style.md",
    }
)
"""Pages for developers, lists of pages, and the one that has the help of all commands."""

KNOWN_AS: Final = re.compile(r"(?m)^<!-- search: ([^>\n]*) -->\n")
"""Further words for a section, below its heading: those that newcomers use and the text does not."""

MAX_PAGES: Final = 8
"""Pages that a search lists, the best first, two lines each: they fit on a screen."""

IN_HEADING: Final = 4.0
IN_TITLE: Final = 3.0
"""How much more than in the text a word counts in the heading of a section, and in the title of its page; where the
title is the heading, a bit more than in another page's.
"""

ENOUGH: Final = 0.35
"""Share of the words, weighed by how rare they are, that a section must have to be listed."""

SYNONYM: Final = 0.7
"""Weight of another word for the same thing, beside the word itself."""

SPECIAL: Final = 0.7
"""Weight of a page that few people need, beside one for everybody."""

FOR_FEW: Final = frozenset(
    {
        "adminapi.md",
        "compared.md",
        "config.md",
        "damaged.md",
        "jmap.md",
        "keys.md",
        "login-provider.md",
        "standby-failures.md",
        "webapi.md",
        "webhooks.md",
    }
)
"""Pages for programs, lists of settings, and rare trouble."""

FILLERS: Final = frozenset(
    """
    a about am an and another any anything are as at be but by can cant could did do does dont for from get gets had has
    have how i if in into is isnt it its like make me my need not of on one or our please set should so some than
    that the their them then there they this to up use using want was we what whats when where which who why will
    with without wont would you your
    """.split()  # noqa: SIM905 - a list of 90 literals has a line each
)
"""Words of questions that say nothing about their subject."""


SAME: Final = (
    "2fa factor two-step totp authenticator",
    "app client program",
    "arrive come incoming receive",
    "attachment file",
    "away holiday out-of-office vacation",
    "blacklist block blocklist",
    "certificate https ssl tls",
    "child family husband kid wife",
    "compromise hack steal stole stolen",
    "computer hardware machine server vps",
    "cost expensive money month price",
    "crash broke die failed",
    "delete erase remove",
    "disposable masked throwaway",
    "domain domains",
    "encrypt pgp openpgp s/mime",
    "folder mailbox",
    "forgot forgotten lost",
    "full quota space",
    "gdpr law legal privacy",
    "import migrate move switch transfer",
    "install setup",
    "junk spam",
    "keep retain retention",
    "mail message email e-mail",
    "memory ram",
    "newest update upgrade version",
    "person people user",
    "phone iphone android mobile smartphone",
    "printer scanner scan",
    "recover restore undelete",
    "refuse reject bounce",
    "several multiple many more two second",
    "site website web",
    "slow speed fast",
    "spare standby",
    "start begin",
)
"""Words that newcomers and the pages use for the same thing, a line for each thing."""


class _Section(NamedTuple):
    page: Path
    title: str
    heading: str
    known_as: str
    text: str


def content_words(words: Sequence[str]) -> list[str]:
    """The words that say what a question is about, in lower case; all of them if none does."""
    asked = [word for word in re.findall(r"[\w@.+-]+", " ".join(words).lower().replace("'", "")) if word.strip(".-+")]
    return [word for word in asked if word not in FILLERS] or asked


def has_pages() -> bool:
    """Whether the pages are installed: a wheel doesn't have them."""
    return any(path.is_dir() for path in PAGES)


def find_page(name: str) -> str | None:
    """The text of the installed page with this name, as our texts refer to it: ``dns.md``, ``docs/dns.md``, or
    ``docs/dns.md#dnssec``, which begins at that heading. None if there is no such page.
    """
    named = re.fullmatch(r"(?:docs/)?([\w-]+\.md)(?:#([\w-]+))?", name)
    page = next((page for folder in PAGES if named and (page := folder / named[1]).is_file()), None)
    if named is None or page is None:
        return None
    text = KNOWN_AS.sub("", page.read_text(encoding="utf-8"))
    headings = re.finditer(r"(?m)^#+ (.+)$", text)
    return text[next((one.start() for one in headings if _anchor(one[1]) == named[2]), 0) :]


def _anchor(heading: str) -> str:
    """The name of a heading in addresses, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def find_sections(words: Sequence[str]) -> list[tuple[Path, str]]:
    """The pages that answer best, each with the title of its best section.

    A word counts by how few sections have it, and in titles and headings more than in texts; endings don't count, and
    other words for the same thing count, too.
    """
    sections = list(_sections())
    terms = [_Term(_pattern(word), _pattern(*others) if (others := _others(word)) else None) for word in words]
    counts = [[term.found(one.text) for term in terms] for one in sections]
    having = [sum(count > 0 for count in column) for column in zip(*counts, strict=True)]
    # a word that no page has says nothing about which one answers
    weights = [math.log(1 + len(sections) / (1 + count)) if count else 0.0 for count in having]
    if not any(weights):
        return []
    best: dict[Path, tuple[float, str]] = {}
    for section, times in zip(sections, counts, strict=True):
        score = _score(section, terms, times, weights)
        if score > best.get(section.page, (0.0, ""))[0]:
            name = section.title if section.heading == section.title else f"{section.title}: {section.heading}"
            best[section.page] = score, name
    ranked = sorted(best.items(), key=lambda one: -one[1][0])
    return [(page, name) for page, (_, name) in ranked[:MAX_PAGES]]


class _Term(NamedTuple):
    """A word that was asked for, and other words for the same thing."""

    itself: re.Pattern[str]
    others: re.Pattern[str] | None

    def found(self, text: str) -> float:
        """How often the text has the word; others count less."""
        return len(self.itself.findall(text)) or SYNONYM * bool(self.others and self.others.search(text))


def _score(section: _Section, terms: Sequence[_Term], times: Sequence[float], weights: Sequence[float]) -> float:
    score = matched = 0.0
    for term, count, weight in zip(terms, times, weights, strict=True):
        if not count:
            continue
        matched += weight * min(1.0, count)
        score += weight * count / (count + 1)
        if in_heading := min(1.0, term.found(section.known_as)):
            score += weight * in_heading * (IN_HEADING + (section.heading == section.title))
        elif in_title := min(1.0, term.found(section.title)):
            score += weight * in_title * IN_TITLE
    share = matched / sum(weights)
    score *= SPECIAL if section.page.name in FOR_FEW else 1.0
    return score * share * share if share >= ENOUGH else 0.0


def _sections() -> Iterator[_Section]:
    folder = next((path for path in PAGES if path.is_dir()), None)
    for page in sorted(folder.glob("*.md")) if folder is not None else ():
        if page.name in UNSEARCHED:
            continue
        parts = re.split(r"(?m)^(?=#{1,3} )", page.read_text(encoding="utf-8"))[1:]
        headings = [part.partition("\n")[0].strip("# ") for part in parts]
        for heading, part in zip(headings, parts, strict=True):
            words = KNOWN_AS.search(part)
            known_as = f"{heading} {words[1] if words else ''}"
            yield _Section(page, headings[0], heading, known_as, f"{headings[0]}\n{part}")


def _others(word: str) -> list[str]:
    """Other words for the same thing."""
    stem = _stem(word)
    same = [word for line in SAME for word in line.split() if stem in map(_stem, line.split())]
    return [word for word in same if _stem(word) != stem]


def _stem(word: str) -> str:
    """The word without its ending."""
    return re.sub(r"(?:ing|ies|ed|es|s|e|y)$", "", word) if len(word) > 3 else word


def _pattern(*words: str) -> re.Pattern[str]:
    """Pattern of one of the words: it begins like that, whatever its ending."""
    stems = "|".join(re.escape(_stem(word)) for word in words)
    return re.compile(rf"(?<![^\W_])(?:{stems})", re.IGNORECASE)
