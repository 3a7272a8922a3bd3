"""What a campaign tells: counted facts, written as a page of its own and as a row of docs/campaigns.md."""

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = ["Finding", "Report"]

ROWS: Final = "|---|---|---|---|---|\n"
"""The line above the first row of docs/campaigns.md."""


class Finding(AssertionError):
    """A campaign found something that must not be."""


@dataclass
class Report:
    """The page of one campaign."""

    name: str
    seed: int
    share: float
    lines: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.time)

    def tell(self, line: str) -> None:
        """Add a fact."""
        self.lines.append(line)

    def table(self, names: Sequence[str]) -> None:
        """Begin the table of the page."""
        self.rows = [" | ".join(("", *names, "")).strip(), "|---" * len(names) + "|"]

    def row(self, *values: object) -> None:
        """Add a line to the table."""
        self.rows.append(" | ".join(("", *map(str, values), "")).strip())

    def write(self, folder: Path, outcome: str) -> None:
        """Write `NAME.md`."""
        folder.mkdir(parents=True, exist_ok=True)
        stamp = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(self.began))
        text = [
            f"# Campaign `{self.name}`",
            "",
            f"{stamp}, `script/soak {self.name} --seed {self.seed}`, share {self.share:g} of the full count,",
            f"{time.time() - self.began:.0f} s, {platform.machine()}, Python {platform.python_version()}.",
            "",
            *[f"- {line}" for line in self.lines],
            "",
            *([*self.rows, ""] if self.rows else []),
            f"Outcome: **{outcome}**",
            "",
        ]
        (folder / f"{self.name}.md").write_text("\n".join(text))

    def record(self, page: Path, outcome: str) -> None:
        """Put the row of this run into a table of campaigns, in place of the campaign's last one."""
        above, line, table = page.read_text().partition(ROWS)
        share = "" if self.share == 1 else f" --share {self.share:g}"
        counted = self.lines[0].partition("\n")[0] if self.lines else ""
        date = time.strftime("%Y-%m-%d", time.gmtime(self.began))
        row = f"| {self.name} | `--seed {self.seed}{share}` | {counted} | {outcome} | {date} |"
        others = [one for one in table.splitlines() if not one.startswith(f"| {self.name} |")]
        page.write_text(above + line + "\n".join(sorted([*others, row])) + "\n")
