"""What can be seen in the frontend's sources without running them."""

import re
from pathlib import Path
from typing import get_args

import pytest

from moxlite.admin.dns.check import CHECKS
from moxlite.store.auth.loginattempts import PROTOCOLS, AttemptResult
from tests.tools import top

FRONTEND = top() / "frontend"
STATIC = top() / "moxlite" / "web" / "static"
VARIABLES = (
    *("--color", "--color-mild", "--color-milder", "--background", "--background-mild", "--border-color"),
    *("--button-background", "--button-hover-background", "--popup-background", "--overlay-background"),
    *("--highlight-background", "--mailbox-active-background", "--message-active-background", "--message-focus-border"),
    *("--warning-background", "--success-background", "--underline-green", "--underline-red", "--underline-blue"),
    *("--underline-grey", "--quoted1", "--quoted2", "--quoted3", "--script-switch-underline", "--link-color"),
    "--link-visited-color",
)


IMPORT = re.compile(r'@import "([^"]+)"')
DEFINED = re.compile(r"(--[\w-]+)\s*:")
USED = re.compile(r"var\((--[\w-]+)\s*\)")
"""Variables that a stylesheet gives a value, and that it takes without another one in their place."""


def sources() -> list[Path]:
    return [
        path for folder in ("lib", "webmail", "account", "admin") for path in sorted((FRONTEND / folder).rglob("*.*"))
    ]


@pytest.mark.parametrize("name", VARIABLES)
def test_each_colour_is_a_variable_with_a_light_and_a_dark_value(name: str) -> None:
    """WEBMAIL-9, WEBMAIL-10."""
    css = (FRONTEND / "lib" / "former.css").read_text()
    light, dark = css.split("@media (prefers-color-scheme: dark)")
    assert re.search(rf"^\s+{name}: #[0-9a-f]+;", light, re.MULTILINE)
    assert re.search(rf"^\s+{name}: #[0-9a-f]+;", dark, re.MULTILINE)


def test_each_variable_of_the_webmails_stylesheets_has_a_value() -> None:
    """WEBMAIL-9: in the sheet itself, or in those that each page has; a color without one is that of the ground."""
    webmail = FRONTEND / "webmail"
    first = [webmail / "style.css"]
    for sheet in first:
        first += [sheet.parent / name for name in IMPORT.findall(sheet.read_text())]
    everywhere = {name for sheet in first for name in DEFINED.findall(sheet.read_text())}
    code = " ".join(path.read_text() for path in [*webmail.rglob("*.ts"), *(FRONTEND / "lib").glob("*.ts")])
    everywhere |= set(re.findall(r'"(--[\w-]+)"', code))
    adopted = [sheet for sheet in (FRONTEND / "lib").glob("*.css") if f'"../../lib/{sheet.name}"' in code]
    missing = {
        f"{sheet.name}: {name}"
        for sheet in [*webmail.rglob("*.css"), *adopted]
        for name in set(USED.findall(sheet.read_text())) - everywhere - set(DEFINED.findall(sheet.read_text()))
    }
    assert missing == set()


def test_each_layer_of_the_webmail_has_a_name_that_is_drawn() -> None:
    """WEBMAIL-181a: what is fixed to the window says what it lies over; docs/architecture.md draws the order."""
    webmail = FRONTEND / "webmail"
    former = (FRONTEND / "lib/former.css").read_text()
    levels = {name: int(level) for name, level in re.findall(r"--z-(\w+): (\d+);", former)}
    drawing = (top() / "docs/architecture.md").read_text().split("From above:")[1].split("```")[1]
    drawn = re.findall(r"^(\w+) +\w", drawing, re.MULTILINE)
    assert drawn == sorted(levels, key=lambda name: -levels[name])
    rules = [
        (sheet.name, rule)
        for sheet in [*webmail.rglob("*.css"), FRONTEND / "lib/former.css", FRONTEND / "lib/menu.css"]
        for rule in re.findall(r"[^{}]*\{[^{}]*\}", sheet.read_text())
    ]
    layers = [(name, rule) for name, rule in rules if "position: fixed" in rule and "z-index" in rule]
    assert len(layers) > 8
    assert [f"{name}: {rule}" for name, rule in layers if "z-index: var(--z-" not in rule] == []
    assert {name for _, rule in rules for name in re.findall(r"var\(--z-(\w+)", rule)} == set(levels)


ALONE = re.compile(r"\.([\w-]+)(?:(?!:has)::?[\w-]+(?:\([^)]*\))?)*")
"""A selector of a class, without what it's in."""


def styled(sheet: Path) -> set[str]:
    """Classes that a stylesheet styles wherever they are, on a screen."""
    css = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
    css = re.sub(r"@media print\s*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", css)
    selectors = [re.split(r",(?![^(]*\))", rule) for rule in re.findall(r"([^{};]+)\{", css)]
    return {found[1] for names in selectors for name in names if (found := ALONE.fullmatch(name.strip()))}


def test_a_part_of_the_webmail_styles_only_classes_of_its_own() -> None:
    """WEBMAIL-9: its stylesheet comes when the part does, and stays: another part would look otherwise from then on."""
    webmail = FRONTEND / "webmail"
    later = {
        (path.parent / name).resolve()
        for path in webmail.rglob("*.ts")
        for name in re.findall(r'from "(\.[^"]+\.css)"', path.read_text())
    }
    ours = {sheet: styled(sheet) for sheet in [*webmail.rglob("*.css"), FRONTEND / "lib/base.css"]}
    assert len(later) > 40 < len(ours)
    shared = {
        f"{sheet.name} and {other.name}: {name}"
        for sheet in later & ours.keys()
        for other in ours.keys() - {sheet}
        for name in ours[sheet] & ours[other]
    }
    assert shared == {"touch.css and list.css: messages"}  # what a finger that reaches its end does


def test_the_apps_stylesheets_name_no_colour_of_their_own() -> None:
    """WEBMAIL-9: but the white canvas of an attachment's page."""
    named = {
        app: [
            colour
            for sheet in sorted((FRONTEND / app).rglob("*.css"))
            for colour in re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(", sheet.read_text())
        ]
        for app in ("webmail", "account", "admin")
    }
    assert named == {"webmail": ["#ffffff"], "account": [], "admin": []}


@pytest.mark.parametrize(
    "pattern",
    [r"\beval\(", r"new Function", "innerHTML", "outerHTML", "document.write", r"insertAdjacentHTML", 'type: "email"'],
)
def test_no_text_becomes_code_or_markup(pattern: str) -> None:
    """WEBMAIL-11, WEBMAIL-107a, WEBMAIL-159."""
    for path in sources():
        if path.suffix == ".ts":
            assert not re.search(pattern, path.read_text()), path


def test_nothing_is_loaded_from_elsewhere() -> None:
    """WEBMAIL-159."""
    for name in (f"{app}.{kind}" for app in ("webmail", "account", "admin") for kind in ("html", "css", "js")):
        text = (STATIC / name).read_text()
        urls = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text)
        assert set(urls) <= {"http://www.w3.org"}, name
        assert "sourceMappingURL" not in text


def test_each_reason_has_its_words() -> None:
    """WEBMAIL-77: what docs/reasons.md lists is said in the details of a message."""
    table = (top() / "docs" / "reasons.md").read_text()
    words = {
        word
        for line in table.splitlines()
        if line.startswith("| `")
        for word in re.findall(r"`([^`]+)`", line.split("|")[1])
    }
    assert words == words_of(FRONTEND / "webmail" / "details" / "reasons.ts")


def test_an_administrator_reads_words_for_codes() -> None:
    """WEB-88e: decisions about messages, results of log-ins and what they are for."""
    path = FRONTEND / "admin" / "ui" / "logins.ts"
    assert words_of(path.with_name("reasons.ts"), "decisions") - {"peer"} == words_of(
        FRONTEND / "webmail" / "details" / "reasons.ts"
    )
    assert words_of(path, "results") == set(get_args(AttemptResult))
    known = words_of(path, "protocols") | words_of(FRONTEND / "lib" / "logins.ts", "protocols")
    assert known == set(PROTOCOLS)


def words_of(path: Path, name: str = "reasons") -> set[str]:
    """The codes that a module has words for, in a table of it."""
    table = path.read_text().partition(f"const {name}: ")[2].partition("\n};")[0]
    return set(re.findall(r'^  "?([a-z0-9-]+)"?: ', table, re.MULTILINE))


def test_each_topic_of_dns_is_a_sentence() -> None:
    """WEB-83: with its abbreviation apart; no topic is without."""
    source = (FRONTEND / "admin" / "domains" / "dns.ts").read_text()
    table = source.partition("const topics: ")[2].partition("};")[0]
    said = dict(re.findall(r'^  "?([a-z-]+)"?: \[t\("([^"]+)"\), ', table, re.MULTILINE))
    assert said.keys() == set(CHECKS)
    assert {text for text in said.values() if len(text.split()) < 4} == set()


TOKENS = re.compile(
    r"""//[^\n]*|/\*.*?\*/"""  # comments
    r"""|"(?:\\.|[^"\\\n])*"|`(?:\\.|\$\{(?:[^{}`]|\{[^{}]*\}|`[^`]*`)*\}|[^`\\])*`"""  # strings, templates
    r"""|/(?![/*\s])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[dgimsuvy]*(?=[\s.,:;)\]])"""  # regular expressions
    r"""|[A-Za-z_$][\w$.]*|\s+|.""",
    re.DOTALL,
)
NAMES = {
    "Fwd: ",
    "Re: ",
    "InvalidStateError",
    "NotAllowedError",
    "AbortError",
    "Inbox",
    "Scheduled",
    "Snoozed",
    "Webmail",
    "ctrl shift Enter",
    "ctrl shift z",
    "Files",
    "From ",
    "Archive",
    "Trash",
    "Happenings",
    "ManageSieve",
}  # of errors, mailboxes, the program, a key, what is dragged, the first line of an mbox, a type, a protocol
KEYS = re.compile(r"Arrow\w+|Page\w+|Backspace|Delete|End|Enter|Escape|Home|Space|Tab|(?:Ctrl|Meta|Shift)-\w+")


def bare_words(source: str) -> list[str]:
    """The strings that read as words for a person and are not, at any depth, an argument of a function of words."""
    found: list[str] = []
    calls: list[str] = []
    before = ""
    for match in TOKENS.finditer(source):
        token = match[0]
        if token == "(":
            calls.append(before)
        elif token == ")":
            calls.pop()
        elif token[0] in '"`' and not {"t", "many", "mailboxName", "meant"} & set(calls):
            words = token[1:-1]
            if words.startswith("btn ") or source[: match.start()].endswith(("class: ", "kind: ")):  # styles
                continue
            sentence = re.match(r"[A-Z][a-z]", words) or re.match(r'"\w+( [a-z,]+){2,}', token)
            # an error that names a fault of the program, not of the mail, is for developers: it begins in lower case
            fault = calls and calls[-1] == "Error" and words[0].islower()
            if sentence and not fault and words not in NAMES and not KEYS.fullmatch(words):
                found.append(words)
        if not token.isspace():
            before = token
    return found


def test_words_for_people_go_through_one_function() -> None:
    """WEBMAIL-143a, WEBMAIL-159: of the webmail, of the account app and of what all apps share."""
    assert bare_words('el("p", {}, "Not sent")') == ["Not sent"]
    assert bare_words('el("p", { class: `text quoted quoted${level}` })') == []
    assert bare_words('say("a few seconds")') == ["a few seconds"]
    assert bare_words('el("p", {}, t("Not sent"), key === "Escape")') == []
    for folder in ("account", "admin", "lib", "webmail"):
        for path in sorted((FRONTEND / folder).rglob("*.ts")):
            assert bare_words(path.read_text()) == [], path


LISTED = {
    "{n}",
    "{day} {time}",
    "{day}, {time}",
    "{n} {state}",
    "{mailboxes}, {messages}",
    "{path} {why}",
}
"""Texts without a word: what is beside each other in a list, and moments, which languages order in another way."""


def frames(source: str) -> list[str]:
    """The texts into which others are put, so that a sentence is made from parts."""
    texts = re.findall(r'\bt\(\s*"((?:[^"\\]|\\.)*)"', source)
    wordless = [text for text in texts if "{" in text and not re.search("[A-Za-z]{2}", re.sub(r"\{\w+\}", "", text))]
    return [text for text in texts if re.search(r"\{(action|doing)\}", text) or text in set(wordless) - LISTED]


def half_texts(source: str) -> list[tuple[str, str]]:
    """The pairs that `attempt` gets: "Deleting…", "Couldn't delete contact" is one; the others."""
    pairs = re.findall(r'\battempt\(\s*t\("([^"]*)"[^()]*\),\s*t\("([^"]*)"', source)
    return [(doing, failed) for doing, failed in pairs if doing[-1] != "…" or not failed.startswith("Couldn't ")]


def test_no_sentence_is_put_together_from_parts() -> None:
    """WEBMAIL-143a: a language with other endings, or another order, could not translate it."""
    assert frames('say(t("{action} failed", { action }), t("{action}…", { action }))') == [
        "{action} failed",
        "{action}…",
    ]
    assert half_texts('attempt(t("Deleting"), t("Couldn\'t delete contact"), work)') != []
    assert half_texts('attempt(t("Deleting…"), t("Couldn\'t delete contact"), work)') == []
    pairs = 0
    for folder in ("account", "admin", "lib", "webmail"):
        for path in sorted((FRONTEND / folder).rglob("*.ts")):
            source = path.read_text()
            pairs += len(re.findall(r"\battempt\(\s*t\(", source))
            assert (frames(source), half_texts(source)) == ([], []), path
    assert pairs > 100


def unchecked_answers(source: str) -> list[str]:
    """The functions that put an answer of the network into a cache of the browser and ask nothing but its status."""
    functions = re.split(r"(?m)^(?=(?:export )?(?:async )?function |  (?:private )?(?:async )?\w+\(.*\{$)", source)
    asking = [
        one
        for one in functions
        if re.search(r"(?<!\.)\b(fetch|fetchMail)\(", one) and re.search(r"\b(put|keep)\(", one)
    ]
    return [one.split("\n")[0] for one in asking if not re.search(r"\b(guarded|genuine|keepFile|fetchMail)\(", one)]


def test_the_browser_keeps_only_answers_of_the_server() -> None:
    """WEBMAIL-120a: with status 200 alone, it may be a page of another network."""
    careless = "async function keep(path) {\n  const a = await fetch(path);\n  if (a.ok) await cache.put(path, a);\n}\n"
    assert unchecked_answers(careless) == ["async function keep(path) {"]
    keeping = [path for path in sources() if path.suffix == ".ts" and "caches.open(" in path.read_text()]
    assert len(keeping) >= 3
    assert {path.name: unchecked_answers(path.read_text()) for path in keeping} == {path.name: [] for path in keeping}


LEAVING = re.compile(r"\blocation\.(reload|replace)\b|\bhistory\.go\(|navigation\.(reload|navigate)\(")


def test_one_function_loads_a_page_again() -> None:
    """WEBMAIL-12: it knows whether something on the page isn't saved. Callers hand it the way to the next page."""
    assert LEAVING.search("setTimeout(() => location.reload(), 5);")
    for path in sources():
        if path.suffix != ".ts" or path.name == "reload.ts":
            continue
        source = re.sub(
            r"(?<!\.)\b(?:reload|leave|leavePage)\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\)",
            "",
            path.read_text(),
        )
        assert not LEAVING.search(source), path
