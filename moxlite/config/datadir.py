"""The data folder alone, for commands to the running server, which must work although the configuration has mistakes
elsewhere (ADMIN-19).
"""

import re
import tomllib
from pathlib import Path
from typing import Final

from moxlite.config.load import ConfigError, finding_at, parse, read_source
from moxlite.config.static import DATA_DIR
from moxlite.config.toml.decode import Mistake

KEY: Final = "data_dir"
HEADER: Final = re.compile(r"^[ \t]*\[", re.MULTILINE)
"""The first table ends the keys of the top level (TOML 1.0, "Table")."""

LINE: Final = re.compile(r"^[ \t]*data_dir[ \t]*=[^\n]*$", re.MULTILINE)


def data_dir_of(path: Path) -> Path:
    """The data folder that the static file at `path` names, absolute and with links resolved; the default without the
    key. If the file isn't TOML, the line of the key is read alone.

    Raises:
      ConfigError: the file cannot be read, or the key is not a usable text.
    """
    source = read_source(path)
    try:
        value = parse(source).get(KEY, DATA_DIR)
        line = 1
    except ConfigError as error:
        found = _alone(source.text)
        if found is None:
            raise error from None
        value, line = found
    if not isinstance(value, str) or not value or "\0" in value:
        raise ConfigError([finding_at(path, line, Mistake((KEY,), "must be a path in quotes"))])
    return (path.parent.absolute() / value).resolve()


def _alone(text: str) -> tuple[object, int] | None:
    """The value and line of the key in a text that isn't TOML. The default without such a line, None if the value or
    its place is in doubt.
    """
    header = HEADER.search(text)
    lines = list(LINE.finditer(text, 0, len(text) if header is None else header.start()))
    if not lines:
        return DATA_DIR, 1
    if len(lines) > 1:  # the wrong one would send the command to another server
        return None
    try:
        value = tomllib.loads(lines[0][0])[KEY]
    except tomllib.TOMLDecodeError:
        return None
    return value, text.count("\n", 0, lines[0].start()) + 1
