"""How far a text for people is from what a native writer would have written: the measures of `script/check words`.

A measure is a weight, a pattern and an advice; a text is unnatural from `UNNATURAL` on. They were chosen from texts of
this product that readers had marked, and leave alone what Thunderbird, Roundcube and Nextcloud Mail say. A measure
finds, a reader decides: what stays as it is has a line in ``kept-words.txt``.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from generators import _languages

KEPT: Final = Path(__file__).with_name("kept-words.txt")
"""Texts that stay by decision, one a line; lines with ``#`` are reasons."""
UNNATURAL: Final = 2
LONGEST: Final = 22
"""Words of a sentence: longer ones are read twice."""

SPELLING: Final = (
    r"\b(colours?|coloured|organis\w+|cancell(ed|ing)|labell(ed|ing)|behaviours?|centred?|favour\w*|grey|neighbour\w*|"
    r"minimis\w+|normalis\w+|recognis\w+|authoris\w+|synchronis\w+|customis\w+|learnt|licence|catalogue|judgement|"
    r"defence|honour\w*|whilst)\b"
)
GLOSSARY: Final = (
    r"\blog-ins?\b|\blook-ups?\b|\bmail programs?\b|\bsecond factors?\b|\bcode apps?\b|\btwo-step log-in\b|"
    r"\baway form\b|\bvacation form\b|\bgive[ns]? away\b|\bgave away\b|\blinked mailbox\w*|\bmends?\b|\bmended\b|"
    r"\bstrangers?\b|\bfor good\b|\bcalled off\b|\bsecret links?\b|\bout of service\b|\bpictures?\b|\bproven\b|"
    r"\bbr(ing|ought) back\b|\btake[ns]? back\b|\bput off\b|\bswitched o(n|ff)\b|\bstand-by\b"
)
MEASURES: Final = tuple(
    (weight, re.compile(pattern, re.IGNORECASE), advice)
    for weight, pattern, advice in (
        (2, SPELLING, "American spelling"),
        (2, GLOSSARY, "the glossary's word"),
        (2, r"(^|[;:] )(it|they)\b(?! (may|can|will) )", "talk to the reader, or name the thing"),
        (1, r"\. (it|they)\b(?! (may|can|will) )", "name the thing"),
        (2, r"\b(is|are) (told|taken|said|asked|made)\b", "say who acts: you, or a verb in the imperative"),
        (
            2,
            r"(?<!there )\b(is|are|was|were|has|have|be) no\b(?! longer)|\bno\b[^.]* any ?more\b",
            "negate the verb",
        ),
        (1, r"\bnothing (is|was|has|of)\b|\bnone of\b", "negate the verb"),
        (2, r"\b(those|he|one) (who|whose|whom|which|that)\b|\bwhose\b", "anyone who, or a plural"),
        (2, r"^\w+ing\b[^:]* failed\b|^not \w+[dt]: ", "Couldn't, and the verb"),
        (2, r"\b(please|sorry|oops|successfully)\b|!$", "leave it out"),
        (2, r"^(what|who|those|without it)\b(?!.*\?)", "name the thing"),
        (2, r"^(tell|let|look at|go on|bring|drop (it|mine)|cut off|say|at most so)\b|^empty: ", "the usual verb"),
        (
            2,
            r"(?<!there is )\bno \w+( \w+)? (has|have|is|are|was|were|sets?|keeps?|runs?|gets?)\b",
            "negate the verb",
        ),
        (2, r"\b(anew|all the same|no more|from now on|go(es)? on with|says? yes|what is|who got)\b", "plainer"),
        (
            2,
            r"\b(mail|senders?|messages?|keys?|rules?|name|sessions?|rotation) of (this|the|a|an|one|all)\b",
            "nouns in front",
        ),
        (1, r"\bwhat (was|has|the|you|it|they)\b|, (which|who|and nothing|so that)\b", "name the thing"),
        (1, r"\b(cannot|can not|(is|are|was|were|do|does|did|will|could|has|have) not)\b", "contract: can't, isn't"),
        (
            1,
            r"\b(is|are|was|were|be) ((not|never|now|being) )*(\w+ed|sent|given|kept|read|left|found|held)\b",
            "active",
        ),
        (2, r"(?-i:^[A-Z“{].*; )", "a period: one idea a sentence"),
        (1, r"(?-i:^[A-Z][^:.]{3,}: [a-z])|;.*;", "a period: one idea a sentence"),
        (1, r"\bof\b.*\bof\b|\bof (this|the|a|an|your|its|mail|all)\b", "nouns in front, not behind of"),
        (1, r"\b(that|which) (it|they|you|is|are|has|have|was|were)\b", "to, if, or a plain noun"),
        (
            1,
            r"\b(its|their) (owners?|place|help|name)\b|\b(nobody|everybody|somebody|everyone else)\b",
            "name the thing",
        ),
        (1, r"\b(stays?|goes on|comes? back|lies?|by itself|at once|meanwhile|nothing|begins?)\b", "plainer"),
        (1, r"^such as\b|\btwice\b|\bso that\b|, as\b", "For example, or a sentence of its own"),
    )
)
SENTENCE: Final = re.compile(r"[^.!?]+")
QUERY: Final = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE FROM|CREATE|WHERE|PRAGMA|BEGIN|ORDER BY|VALUES)\b")
PROSE: Final = re.compile(r"[A-Za-z\"“{(][\w '’\"“”(){},.;:!?…/=@<>*|\\-]*")


def unnatural(text: str) -> list[str]:
    """Advice on a text that is unnatural; [] for one that is not."""
    found = [(weight, advice) for weight, pattern, advice in MEASURES if pattern.search(text)]
    if max((len(part.split()) for part in SENTENCE.findall(text)), default=0) > LONGEST:
        found.append((1, "shorter sentences"))
    return [advice for _, advice in found] if sum(weight for weight, _ in found) >= UNNATURAL else []


def kept() -> frozenset[str]:
    """The texts that stay by decision."""
    return frozenset(line for line in KEPT.read_text().splitlines() if line and not line.startswith("#"))


def texts(name: str, source: str) -> Iterator[str]:
    """The texts for people in a module: of the frontend those that are translated, of the server strings of words."""
    if name.endswith(".ts"):
        for key, _ in _languages.texts(source):
            yield key.split("|")[-1]
    elif name.endswith(".py"):
        yield from strings(ast.parse(source))


def strings(tree: ast.AST) -> Iterator[str]:
    """Strings of three words and more that are neither docstrings nor SQL; ``{}`` for a value."""
    inner = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            inner.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            inner.update(map(id, node.values))
        if id(node) in inner:
            continue
        match node:
            case ast.Constant(value=str() as text):
                pass
            case ast.JoinedStr(values=parts):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
            case _:
                continue
        text = text.strip()
        if text.count(" ") >= 2 and PROSE.fullmatch(text) and not QUERY.search(text):
            yield text
