"""Regular expressions of the program, and inputs on which a pattern that backtracks takes more than linear time.

`patterns` finds all patterns: those in the namespaces of modules and classes, and those that functions compile.
`probes` reads a pattern's parse tree and repeats what each of its repetitions accepts, behind what leads there, before
an end that does not fit. `slowness` runs a pattern on such an input the way the program does (`match`, `search`, …).
"""

import ast
import functools
import importlib
import inspect
import itertools
import pkgutil
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from re import _constants as sre, _parser as parser  # type: ignore[attr-defined]  # the parse tree has no public form
from types import ModuleType
from typing import Any, Final, NamedTuple

import moxlite

WAYS: Final = ("match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer")
"""Methods of a pattern, and functions of `re`, that look at a text."""

SMALL, MIDDLE, LARGE = 4096, 16384, 65536
"""Characters of an input: for the first look, and the two whose times are compared."""

USES_RE: Final = re.compile(r"\bre\.")

GROWING: Final = tuple(int(12 * 1.25**step) for step in range(15))
"""Characters of the first inputs, up to 273: with exponential time each takes so much longer than the one before that
the first that is felt ends the look.
"""

QUICK: Final = 0.0015
"""Seconds in which a linear pattern is through with `SMALL` characters: a quadratic one takes 8 ms and more."""

GROWTH: Final = 6.0
"""Ratio of the times of `LARGE` and `MIDDLE` characters that still counts as linear (4 would be exact)."""

LONGEST: Final = 1.0
"""Seconds that `LARGE` characters may take, whatever the ratio."""

NOTHING: Final = 0.03
"""Seconds for `LARGE` characters below which a ratio says nothing: 65,536² / 2 steps take far more."""

MAX_UNITS: Final = 6
"""Characters tried of what one repetition accepts."""


class Found(NamedTuple):
    """A pattern of the program: its name (`module.NAME`, or `module:line` in a function), and the methods used."""

    name: str
    pattern: re.Pattern[Any]
    ways: tuple[str, ...]


class Slow(NamedTuple):
    """A pattern that takes too long: with which input, and the seconds at two sizes."""

    name: str
    pattern: str
    way: str
    probe: "Probe"
    seconds: tuple[float, float]


class Probe(NamedTuple):
    """An input: `head`, `unit` repeated, `tail`."""

    head: str
    unit: str
    tail: str

    def text(self, size: int) -> str:
        """The input, of about `size` characters."""
        return self.head + self.unit * max(1, size // len(self.unit)) + self.tail


# The program's patterns


@functools.cache
def modules() -> tuple[ModuleType, ...]:
    """All modules of the program, imported, but those that run when they are."""
    names = ["moxlite"]
    names += [found.name for found in pkgutil.walk_packages(moxlite.__path__, "moxlite.")]
    return tuple(importlib.import_module(name) for name in names if not name.endswith("__main__"))


@functools.cache
def patterns() -> tuple[tuple[Found, ...], tuple[str, ...]]:
    """All patterns of the program, and the places (`module.function`) that make a pattern only as they run."""
    uses: dict[int, set[str]] = {}
    inline: list[Found] = []
    made: list[str] = []
    for module in modules():
        source = inspect.getsource(module)
        if not USES_RE.search(source) and not any(isinstance(one, re.Pattern) for one in vars(module).values()):
            continue
        tree = ast.parse(source)
        for node in ast.walk(tree):
            for child in ast.iter_child_nodes(node):
                child.parent = node  # type: ignore[attr-defined]  # to see how a name is used
        passed = _ways_of_parameters(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                if isinstance(held := _value(node, module), re.Pattern):
                    uses.setdefault(id(held), set()).update(_ways(node, passed))
            elif isinstance(node, ast.Call) and (way := _function_of_re(node)):
                pattern = _compiled(node, module)
                if pattern is None and _function(node):
                    made.append(f"{module.__name__}.{_function(node)}")
                elif pattern is not None and way != "compile":
                    inline.append(Found(f"{module.__name__}:{node.lineno}", pattern, (way,)))
                elif pattern is not None and _function(node):
                    inline.append(Found(f"{module.__name__}:{node.lineno}", pattern, ("match", "search")))
    found: dict[int, Found] = {}
    for module in modules():
        for name, pattern in _held(module):
            ways = tuple(sorted(uses.get(id(pattern), {"search"})))
            found.setdefault(id(pattern), Found(f"{module.__name__}.{name}", pattern, ways))
    return (*found.values(), *inline), tuple(made)


def _ways_of_parameters(tree: ast.Module) -> dict[str, set[str]]:
    """How functions of a module use the patterns that they are given: by the function's name."""
    found: dict[str, set[str]] = {}
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        given = {one.arg for one in function.args.args if one.annotation and "Pattern" in ast.unparse(one.annotation)}
        for node in ast.walk(function):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in given:
                found.setdefault(function.name, set()).update({node.attr} & set(WAYS))
    return found


def _held(module: ModuleType) -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Patterns in the namespace of a module and of its classes, also inside of lists, tuples and dictionaries."""

    def inside(name: str, value: object) -> Iterator[tuple[str, re.Pattern[Any]]]:
        if isinstance(value, re.Pattern):
            yield name, value
        elif isinstance(value, dict):
            for key, one in value.items():
                yield from inside(f"{name}[{key!r}]", one)
        elif isinstance(value, tuple | list | frozenset) and len(value) < 1000:
            for number, one in enumerate(value):
                yield from inside(f"{name}[{number}]", one)
        elif isinstance(value, type) and value.__module__ == module.__name__ and "." not in name:
            for attribute, one in vars(value).items():
                yield from inside(f"{name}.{attribute}", one)

    for name, value in list(vars(module).items()):
        yield from inside(name, value)


def _value(node: ast.expr, module: ModuleType) -> object:
    """Value of a name or of `module.name` in a module's namespace, or None."""
    if isinstance(node, ast.Name):
        return vars(module).get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(held := _value(node.value, module), ModuleType | type):
        return vars(held).get(node.attr)
    return None


def _ways(node: ast.AST, passed: Mapping[str, set[str]]) -> Iterable[str]:
    """How a pattern is used where it is named, or by the function that it is passed to."""
    parent = node.parent  # type: ignore[attr-defined]  # set above
    if isinstance(parent, ast.Attribute):
        return (parent.attr,) if parent.attr in WAYS else ()
    if isinstance(parent, ast.Call):
        name = parent.func.id if isinstance(parent.func, ast.Name) else getattr(parent.func, "attr", "")
        if name in passed:
            return passed[name]
    return ("match", "search")


def _function_of_re(node: ast.Call) -> str:
    """Name of the function of `re` that a call is of, or an empty text."""
    function = node.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "re":
        return function.attr if function.attr in (*WAYS, "compile") else ""
    return ""


def _compiled(node: ast.Call, module: ModuleType) -> re.Pattern[Any] | None:
    """The pattern of a call of `re`; None if it depends on more than the module's names."""
    flags = [one.value for one in node.keywords if one.arg == "flags"]
    try:
        values = [
            eval(compile(ast.Expression(one), "<pattern>", "eval"), vars(module))  # our own sources
            for one in (node.args[0], *flags)
        ]
    except NameError:
        return None
    return re.compile(*values)


def _function(node: ast.AST) -> str:
    """Name of the function that a node is in, `Class.method` for methods; empty outside of functions."""
    names: list[str] = []
    inside = False
    while (node := getattr(node, "parent", None)) is not None:  # type: ignore[assignment]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = True
            names.insert(0, node.name)
        elif isinstance(node, ast.ClassDef):
            names.insert(0, node.name)
    return ".".join(names) if inside else ""


# Inputs


def probes(pattern: re.Pattern[Any], chance: random.Random | None = None, more: int = 0) -> list[Probe]:
    """Inputs on which backtracking of `pattern` shows, and `more` made of its characters by chance."""
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    repetitions = list(
        _repetitions(tree, "", _Flags(bool(pattern.flags & re.IGNORECASE), bool(pattern.flags & re.DOTALL)))
    )
    alphabet = sorted(
        {letter for repetition in repetitions for letter in repetition.accepted[:3]} | set(_literals(tree))
    )
    whole = _example(tree)
    found: dict[Probe, None] = {}
    tails = ("", "\x00", "\n!")
    for repetition in repetitions:
        shared = [letter for letter in alphabet if letter in repetition.accepted_set]
        units = [*dict.fromkeys([*repetition.examples, *repetition.accepted[:3], *shared])][:MAX_UNITS]
        for unit, tail in itertools.product(units, tails):
            found[Probe(repetition.head, unit, tail)] = None
            if repetition.head:
                found[Probe("", unit, tail)] = None
                found[Probe("", repetition.head + unit, tail)] = None
        if repetition.head:
            found[Probe("", repetition.head, "")] = None
    for unit in {whole, whole[:-1], whole[1:]} - {""}:
        for tail in tails:
            found[Probe("", unit, tail)] = None
    if chance is not None and alphabet:
        heads = sorted({repetition.head for repetition in repetitions} | {""})
        for _ in range(more):
            unit = "".join(chance.choices(alphabet, k=chance.randint(1, 4)))
            tail = "".join(chance.choices([*alphabet, "\x00", "\n"], k=chance.randint(0, 2)))
            found[Probe(chance.choice(heads), unit, tail)] = None
    found.pop(Probe("", "", ""), None)
    return [probe for probe in found if probe.unit]


class _Flags(NamedTuple):
    ignorecase: bool
    dotall: bool


class _Repetition(NamedTuple):
    """A repetition of a pattern: an example of what leads to it, of its body, and the characters that it accepts."""

    head: str
    examples: tuple[str, ...]
    accepted: tuple[str, ...]

    @property
    def accepted_set(self) -> frozenset[str]:
        return frozenset(self.accepted)


TRIED: Final = " \ta0.-\n\\\"'(<=?;:,/A_%&@*[{\r!zé" + "".join(map(chr, range(32, 127)))
"""Characters in the order in which they are tried as examples of a set."""

_REPEATS: Final = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)


def _repetitions(tree: Iterable[tuple[Any, Any]], head: str, flags: _Flags) -> Iterator[_Repetition]:
    for op, argument in tree:
        if op in _REPEATS:
            low, high, body = argument
            if high > 50:
                letters = tuple(dict.fromkeys(letter for letter in TRIED if _starts(body, letter, flags)))
                yield _Repetition(head, tuple(_examples(body)), letters)
            yield from _repetitions(body, head, flags)
            head += _example(body) * min(low, 100)
            continue
        for inner in _inner(op, argument):
            yield from _repetitions(inner, head, flags)
        head += _example([(op, argument)])


def _inner(op: object, argument: Any) -> list[Any]:
    """Patterns inside of a node."""
    if op is sre.SUBPATTERN:
        return [argument[3]]
    if op is sre.BRANCH:
        return list(argument[1])
    if op in (sre.ASSERT, sre.ASSERT_NOT):
        return [argument[1]]
    if op is sre.ATOMIC_GROUP:
        return [argument]
    if op is sre.GROUPREF_EXISTS:
        return [one for one in argument[1:] if one is not None]
    return [argument[2]] if op in _REPEATS else []


def _starts(tree: Iterable[tuple[Any, Any]], letter: str, flags: _Flags) -> bool:
    """Whether a text that begins with a character can fit a pattern, roughly."""
    for op, argument in tree:
        if op in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
            return _fits(op, argument, letter)
        if op in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
            continue
        inner = _inner(op, argument)
        if any(_starts(one, letter, flags) for one in inner):
            return True
        if not (op in _REPEATS and argument[0] == 0):
            return False
    return False


def _fits(op: object, argument: Any, letter: str) -> bool:
    """Whether a character fits a node for one character."""
    number = ord(letter)
    if op is sre.LITERAL:
        return bool(number == argument)
    if op is sre.NOT_LITERAL:
        return bool(number != argument)
    if op is sre.ANY:
        return letter != "\n"
    if op is sre.RANGE:
        return bool(argument[0] <= number <= argument[1])
    if op is sre.CATEGORY:
        name = str(argument)
        holds = (
            letter.isdigit()
            if "DIGIT" in name
            else letter.isspace()
            if "SPACE" in name
            else letter.isalnum() or letter == "_"
        )
        return holds != ("NOT" in name)
    negated = bool(argument) and argument[0][0] is sre.NEGATE
    return negated != any(_fits(one, what, letter) for one, what in argument[negated:])


def _example(tree: Iterable[tuple[Any, Any]]) -> str:
    """A text that fits a pattern, roughly: shortest repetitions, first branches, no look at assertions."""
    text = ""
    for op, argument in tree:
        if op is sre.LITERAL:
            text += chr(argument)
        elif op in (sre.NOT_LITERAL, sre.ANY, sre.IN):
            text += next((letter for letter in TRIED if _fits(op, argument, letter)), _beyond(argument))
        elif op in _REPEATS:
            text += _example(argument[2]) * min(max(argument[0], 0), 100)
        elif op is sre.BRANCH:
            text += _example(argument[1][0])
        elif op in (sre.SUBPATTERN, sre.ATOMIC_GROUP):
            text += _example(_inner(op, argument)[0])
    return text


def _beyond(argument: Any) -> str:
    """First character of a set without ASCII."""
    for op, what in argument if isinstance(argument, list) else ():
        if op in (sre.LITERAL, sre.RANGE):
            return chr(what if op is sre.LITERAL else what[0])
    return "a"


def _examples(body: Iterable[tuple[Any, Any]]) -> Iterator[str]:
    """Examples of a repetition's body, one for each branch, with its inner repetitions once and twice."""
    nodes = list(body)
    branches = [nodes]
    while len(nodes) == 1 and nodes[0][0] in (sre.SUBPATTERN, sre.ATOMIC_GROUP):
        nodes = list(_inner(*nodes[0])[0])
    if len(nodes) == 1 and nodes[0][0] is sre.BRANCH:
        branches = [list(one) for one in nodes[0][1][1]]
    for branch in branches:
        if text := _example(branch):
            yield text
        longer = [
            (op, (max(argument[0], 1), argument[1], argument[2])) if op in _REPEATS else (op, argument)
            for op, argument in branch
        ]
        if text := _example(longer):
            yield text


def _literals(tree: Iterable[tuple[Any, Any]]) -> Iterator[str]:
    """Characters that a pattern names."""
    for op, argument in tree:
        if op is sre.LITERAL:
            yield chr(argument)
        elif op is sre.IN:
            yield from (chr(what) for one, what in argument if one is sre.LITERAL)
        for inner in _inner(op, argument):
            yield from _literals(inner)


# Times


def slowness(found: Found, way: str, probe: Probe) -> Slow | None:
    """The pattern's time on an input, if it is more than linear; None if it is linear.

    Small inputs come first, so that a pattern with exponential time ends here, too.
    """
    run = _runner(found.pattern, way)
    kind = isinstance(found.pattern.pattern, bytes)

    def seconds(size: int, times: int = 3) -> float:
        text = probe.text(size)
        # no UTF-8: an octet for each character
        subject = text.encode("latin-1", "replace") if kind else text
        best = LONGEST * 100
        for _ in range(times):
            began = time.thread_time()
            run(subject)
            best = min(best, time.thread_time() - began)
            if best > LONGEST / 4:
                break
        return best

    for size in GROWING:
        if (spent := seconds(size)) > 0.02:
            return Slow(found.name, str(found.pattern.pattern), way, probe, (spent, spent))
    if seconds(SMALL, 1) < QUICK or seconds(SMALL, 2) < QUICK:
        return None
    if (spent := seconds(MIDDLE)) * LARGE / MIDDLE > LONGEST:  # the large one would take as much at least
        return Slow(found.name, str(found.pattern.pattern), way, probe, (spent, spent))
    for _ in range(2):  # a busy machine shifts single figures
        times = (seconds(MIDDLE), seconds(LARGE))
        if times[1] <= max(GROWTH * times[0], NOTHING) and times[1] <= LONGEST:
            return None
    return Slow(found.name, str(found.pattern.pattern), way, probe, times)


def _runner(pattern: re.Pattern[Any], way: str) -> Callable[[Any], object]:
    if way in ("match", "fullmatch", "search"):
        method: Callable[[Any], object] = getattr(pattern, way)
        return method

    def each(text: Any) -> None:
        for _ in pattern.finditer(text):
            pass

    return each
