"""The calls that show the configuration files and the metrics of the process (WEB-88)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
import trio
from msgspec import Meta

from moxlite.config.domains import Domains
from moxlite.config.load import ConfigError, read_source
from moxlite.config.masking import masked_table, masked_text
from moxlite.config.static import Static
from moxlite.config.toml.edit import text_of
from moxlite.config.values import Section
from moxlite.metrics import Metric, metrics as all_metrics
from moxlite.web.admin.calls.common import AdminCalls
from moxlite.web.admin.machinetypes import ConfigFile, MetricRow, MetricSample
from moxlite.web.calls import call
from moxlite.web.cookies import Caller

Word = Annotated[str, Meta(max_length=320)]

MAX_TEXT: Final = 256 * 1024
"""Characters of a file that are shown."""

MAX_OBJECTS: Final = 50
"""Accounts, and domains, among the values that are shown at a time."""

MAX_SAMPLES: Final = 200
"""Values of one metric that are shown."""


class ProcessCalls(AdminCalls):
    """The configuration in use, and what the process counts."""

    @call()
    async def config_file(
        self, caller: Caller, file: Literal["moxlite.toml", "domains.toml"], search: Word = ""
    ) -> ConfigFile:
        """A configuration file as text and as effective values, without secrets. Of accounts and domains those whose
        name contains `search` are among the values, at most 50 of each.
        """
        holder, snapshot = self._server.holder, self._server.config()
        section: Section
        if file == "moxlite.toml":
            path, section = holder.path, snapshot.static
        else:
            path, section = holder.domains_path, snapshot.domains
        text, problem, current = "", "", True
        try:
            source = await trio.to_thread.run_sync(read_source, path)
            text = source.text
            current = file == "moxlite.toml" or source.revision == snapshot.revision
        except ConfigError as error:
            problem = error.problems[0].text
        section, left_out = _chosen(section, search.casefold())
        shown = _cut(text)
        return ConfigFile(
            path=str(path),
            text=await trio.to_thread.run_sync(masked_text, shown, Static if file == "moxlite.toml" else Domains),
            cut=len(shown) < len(text),
            problem=problem,
            current=current,
            effective=await trio.to_thread.run_sync(lambda: text_of(masked_table(section))),
            left_out=left_out,
        )

    @call()
    async def metrics(self, caller: Caller) -> list[MetricRow]:
        """All metrics by name; of histograms their sums and numbers."""
        await self._server.machinery.measure()
        return [_row(one) for one in sorted(all_metrics(), key=lambda one: one.name)]


def _chosen(section: Section, search: str) -> tuple[Section, int]:
    """The section with some of its domains and accounts, and the number of those left out."""
    if not isinstance(section, Domains):
        return section, 0
    left_out = 0
    found: dict[str, dict[str, Any]] = {"domains": {}, "accounts": {}}
    for kind, objects in found.items():
        names = [name for name in getattr(section, kind) if search in name.casefold()]
        objects.update((name, getattr(section, kind)[name]) for name in names[:MAX_OBJECTS])
        left_out += len(getattr(section, kind)) - len(objects)
    return msgspec.structs.replace(section, **found), left_out


def _cut(text: str) -> str:
    """The beginning of a long text, up to a table."""
    if len(text) <= MAX_TEXT:
        return text
    end = text.rfind("\n[", 0, MAX_TEXT)
    return text[: end + 1] if end >= 0 else text[:MAX_TEXT]


def _row(metric: Metric) -> MetricRow:
    counts: dict[tuple[tuple[str, str], ...], int] = {}
    found: list[tuple[Mapping[str, str], float]] = []
    for suffix, labels, value in metric.samples():
        if suffix == "_count":
            counts[tuple(labels.items())] = round(value)
        elif suffix != "_bucket":
            found.append((labels, value))
    shown = found[:MAX_SAMPLES]
    kind: Any = metric.kind
    return MetricRow(
        name=metric.name,
        kind=kind,
        about=metric.about,
        samples=[MetricSample(dict(labels), value, counts.get(tuple(labels.items()), 0)) for labels, value in shown],
        left_out=len(found) - len(shown),
    )
