"""TypeScript types, client and run-time checks from the structs and calls of an app (WEB-61, WEBMAIL-24)."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from msgspec import inspect

from moxlite.web.calls import Call

SCALARS: dict[type[inspect.Type], tuple[str, str]] = {
    inspect.AnyType: ("unknown", '"any"'),
    inspect.NoneType: ("null", '"null"'),
    inspect.BoolType: ("boolean", '"boolean"'),
    inspect.IntType: ("number", '"integer"'),
    inspect.FloatType: ("number", '"number"'),
    inspect.StrType: ("string", '"string"'),
    inspect.DateTimeType: ("string", '"time"'),
}

SATISFIES = "satisfies Checks[string][string]"


class Writer:
    """Collects the struct types that are reached, and says how each type is written in TypeScript and in the table of
    checks.
    """

    def __init__(self) -> None:
        self.structs: dict[str, inspect.StructType] = {}

    def reach(self, kind: inspect.Type) -> tuple[str, str]:
        """The TypeScript type, and the check, of a type."""
        while isinstance(kind, inspect.Metadata):
            kind = kind.type
        if type(kind) in SCALARS:
            return SCALARS[type(kind)]
        if isinstance(kind, inspect.ListType):
            of, check = self.reach(kind.item_type)
            return f"Array<{of}>", f'["list", {check}]'
        if isinstance(kind, inspect.VarTupleType):
            of, check = self.reach(kind.item_type)
            return f"Array<{of}>", f'["list", {check}]'
        if isinstance(kind, inspect.DictType):
            of, check = self.reach(kind.value_type)
            return f"Record<string, {of}>", f'["map", {check}]'
        if isinstance(kind, inspect.LiteralType):
            values = [json.dumps(value) for value in kind.values]
            return " | ".join(values), f'["enum", [{", ".join(values)}]]'
        if isinstance(kind, inspect.StructType):
            name = kind.cls.__name__
            if name not in self.structs:
                self.structs[name] = kind
                for field in kind.fields:
                    self.reach(field.type)
            return name, f'["ref", "{name}"]'
        if isinstance(kind, inspect.UnionType):
            return self.reach_union(kind)
        raise TypeError(f"no TypeScript for {kind}")

    def reach_union(self, kind: inspect.UnionType) -> tuple[str, str]:
        """A type that may be null, or one of several tagged structs."""
        parts = [part for part in kind.types if not isinstance(part, inspect.NoneType)]
        if len(parts) == 1:
            of, check = self.reach(parts[0])
            return f"{of} | null", f'["nullable", {check}]'
        names: list[str] = []
        tags: list[str] = []
        for part in parts:
            if not isinstance(part, inspect.StructType):
                raise TypeError(f"only structs with a tag can be united: {kind}")
            names.append(self.reach(part)[0])
            tags.append(f"{part.tag}: {json.dumps(names[-1])}")
        return " | ".join(names), f'["union", {{ {", ".join(tags)} }}]'

    def interface(self, name: str, kind: inspect.StructType) -> str:
        """The declaration of a struct."""
        lines = [f"/** {(kind.cls.__doc__ or '').partition(chr(10))[0]} */", f"export interface {name} {{"]
        if kind.tag_field is not None:
            lines.append(f"  {kind.tag_field}: {json.dumps(kind.tag)};")
        for field in kind.fields:
            optional = "" if field.required or not _from_browser(kind) else "?"
            lines.append(f"  {field.encode_name}{optional}: {self.reach(field.type)[0]};")
        return "\n".join([*lines, "}"])

    def table(self, name: str, kind: inspect.StructType) -> str:
        """The entry of a struct in the table of checks."""
        fields = []
        if kind.tag_field is not None:
            fields.append(f'{kind.tag_field}: ["enum", [{json.dumps(kind.tag)}]]')
        for field in kind.fields:
            check = self.reach(field.type)[1]
            if not field.required and _from_browser(kind):
                check = f'["optional", {check}]'
            fields.append(f"{field.encode_name}: {check}")
        return f"  {name}: {{ {', '.join(fields)} }},"


def _from_browser(kind: inspect.StructType) -> bool:
    return kind.forbid_unknown_fields


def _method(writer: Writer, entry: Call) -> tuple[str, str]:
    """A method's declaration, and its row of the table of calls."""
    info = inspect.type_info(entry.parameters)
    if not isinstance(info, inspect.StructType):
        raise TypeError(entry.name)
    fields = sorted(info.fields, key=lambda field: not field.required)
    arguments = ", ".join(
        f"{field.encode_name}{'' if field.required else '?'}: {writer.reach(field.type)[0]}" for field in fields
    )
    checks = ", ".join(
        f"{field.encode_name}: {writer.reach(field.type)[1] if field.required else _optional(writer, field.type)}"
        for field in fields
    )
    result, result_check = writer.reach(inspect.type_info(entry.result))
    declared = f"  /** {entry.summary} */\n  {entry.name}({arguments}): Promise<{result}>;"
    return declared, f"  {entry.name}: [{{ {checks} }}, {result_check}],".replace("{  }", "{}")


def _optional(writer: Writer, kind: inspect.Type) -> str:
    return f'["optional", {writer.reach(kind)[1]}]'


def typescript(
    app: str,
    calls: Mapping[str, Call],
    unions: Mapping[str, tuple[Any, str]],
    others: tuple[Any, ...],
    *,
    first_calls: Collection[str] | None = None,
) -> tuple[str, str]:
    """The module that the frontend imports, and one with what the first view needs nothing of, for a part of the page:
    the other calls' checks, and the types that they alone have.

    Args:
      app: how the app is called.
      unions: types to be declared by name, each with what it is; the first one, if any, is that of the events.
      others: further types that a browser needs.
      first_calls: the calls whose checks are in the first module; None for all, and then the second module is "".
    """
    divided = first_calls is not None
    first_calls = calls.keys() if first_calls is None else first_calls
    writer = Writer()
    declared = {name: (writer.reach(inspect.type_info(kind)), text) for name, (kind, text) in unions.items()}
    for kind in others:
        writer.reach(inspect.type_info(kind))
    early = set(writer.structs)
    methods = {name: _method(writer, entry) for name, entry in calls.items() if name in first_calls}
    if divided and set(writer.structs) != early:
        raise ValueError("the first calls have types that the first view has not")
    later = {name: _method(writer, entry) for name, entry in calls.items() if name not in first_calls}
    first = next(iter(declared), "")
    generated = f"// Generated by script/gen from moxlite/web/{app}; do not edit."

    def checks(name: str, *, late: bool) -> str:
        chosen = ((one, kind) for one, kind in writer.structs.items() if (divided and one not in early) == late)
        return f"export const {name}: Checks = {{\n" + "\n".join(writer.table(*each) for each in chosen) + "\n};"

    def rows(methods: Mapping[str, tuple[str, str]]) -> str:
        return "{\n" + "\n".join(row for _, row in methods.values()) + "\n}"

    declarations = [(methods | later)[name][0] for name in calls]
    blocks = [
        generated,
        'import { type BaseClient, type Checks, clientOf } from "../lib/client";',
        *(writer.interface(name, kind) for name, kind in writer.structs.items()),
        *(f"/** {text} */\nexport type {name} = {union};" for name, ((union, _), text) in declared.items()),
        checks("checks", late=False),
        *(
            [f"export const {first[0].lower()}{first[1:]}Check = {declared[first][0][1]} as const {SATISFIES};"]
            if first
            else []
        ),
        f"/** The calls of the {app}. */\nexport interface Calls {{\n" + "\n\n".join(declarations) + "\n}",
        "export type Client = BaseClient & Calls;",
        "export const Client = /* @__PURE__ */ clientOf<Calls>(" + rows(methods) + ");",
    ]
    rest = [
        generated,
        'import type { Calls, Checks } from "../lib/client";',
        checks("checks", late=True),
        f"export const calls: Calls = {rows(later)};",
    ]
    names = " ".join(name for name, entry in calls.items() if entry.once)
    once = f'/** Calls that the server does once for each id. */\nexport const once = "{names}".split(" ");'
    (rest if divided else blocks).append(once)
    if not divided:
        rest = []
    return "\n\n".join(blocks) + "\n", "\n\n".join(rest) + "\n"
