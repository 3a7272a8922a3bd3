"""A configuration from a backup or another machine, with the values that belong to this machine (ADMIN-52c).

The owner writes this machine's own values to a file beside the folder of the configuration: ``/etc/moxlite-own.toml``
for ``/etc/moxlite``. It has the form of moxlite.toml, and only keys of `OWN_KEYS`. It survives when the folder is moved
away, and comes from no backup.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from moxlite.admin.quickstart.make import data_folder
from moxlite.config.load import ConfigError, Source, parse, read_source
from moxlite.config.ownkeys import OWN_KEYS, OwnKey, own_key_of, present
from moxlite.config.static import DATA_DIR, SERVICE_USER
from moxlite.config.toml.decode import dotted
from moxlite.config.toml.edit import Document
from moxlite.config.toml.scan import literal
from moxlite.process.privileges import is_root, owner_name, same_user
from moxlite.safefile import openings

STATIC_FILE: Final = "moxlite.toml"
ADMIN_PASSWORD: Final = "adminpasswd"  # noqa: S105 - the file of its hash

CERTIFICATE: Final = {"cert_file": "hostkeys/self-signed.crt.pem", "key_file": "hostkeys/self-signed.key.pem"}
"""Files of the certificate for listeners whose own one stays on the other machine."""

FILES: Final = ("_file", "_files")
"""Ends of the names of keys whose texts are paths."""

Settings = Mapping[tuple[str, ...], Any]
"""Values by the names of their keys from the top."""


class SkippedSetting(msgspec.Struct, frozen=True):
    """A value that this machine doesn't take from the other one.

    key: from the top. value: as in TOML. instead: what is used or happens here, as a sentence.
    """

    key: tuple[str, ...]
    value: Any
    instead: str

    def __str__(self) -> str:
        """The line of moxlite.toml."""
        return f"{dotted(self.key)} = {literal(self.value)}"


Accept = Callable[[SkippedSetting], bool]
"""Asks a person about a value; returns whether to use it."""


def own_file(config: Path) -> Path:
    """The file with this machine's own values, for a folder of the configuration."""
    return config.with_name(f"{config.name}-own.toml")


def read_own(config: Path) -> dict[tuple[str, ...], Any]:
    """This machine's own values; none without the file. Raises ConfigError."""
    file = own_file(config)
    if not os.path.lexists(file):
        return {}
    if os.name == "posix" and os.geteuid() == 0 and (found := openings(file)):
        raise ConfigError.at(file, 1, f"users other than root can change this file: {found[0].words}", found[0].cure)
    return dict(_own(file, parse(read_source(file)), ()))


def _own(file: Path, table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in table.items():
        below = (*path, name)
        if own_key_of(below) is not None:
            yield below, value
        elif isinstance(value, dict):
            yield from _own(file, value, below)
        else:
            keys = ", ".join(".".join(key.key) for key in OWN_KEYS)
            raise ConfigError.at(file, 1, f"{dotted(below)} can't be set here", f"use one of these keys: {keys}")


class LocalSettings:
    """A moxlite.toml from elsewhere, in which this machine's values replace the values of `OWN_KEYS`.

    Attributes:
      skipped: the values that were not taken.
      self_signed: names of the listeners that get `CERTIFICATE`.
    """

    def __init__(self, source: Source, config: Path, *, given: Settings, accept: Accept) -> None:
        """`config`: absolute folder of the configuration here. `given`: places that the command line names, which are
        this machine's own, too. Raises ConfigError.
        """
        self.skipped: list[SkippedSetting] = []
        self.self_signed: list[str] = []
        self._settings, self._document = parse(source), Document(source.text)
        self._config, self._given, self._accept = config, given, accept
        self._own = read_own(config)

    def settle(self, data: Path | None) -> str:
        """Decide all keys, and return the text for this machine. `data`: the data directory of the command line."""
        if data is not None:
            self._own["data_dir",] = str(data)
        for path, value in self._own.items():
            if len(path) < 3 or isinstance(self._at(path[:2]), dict):  # a listener or authority that isn't there
                self._put(path, value)
        for key in OWN_KEYS:
            for path, value in present(key, self._settings):
                if path not in self._own:
                    self._decide(key, path, value)
        user = self._settings.get("user", SERVICE_USER)
        if ("user",) not in self._own and "user" not in self._settings and (own := self._own_user()) != user:
            self._put(("user",), own)
        return str(self._document)

    def _at(self, path: tuple[str, ...]) -> Any:
        value: Any = self._settings
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def _put(self, path: tuple[str, ...], value: Any) -> None:
        self._document.put(path, value)
        table: Any = self._settings
        for name in path[:-1]:
            table = table.setdefault(name, {})
        table[path[-1]] = value

    def _drop(self, path: tuple[str, ...]) -> None:
        self._document.drop(path)
        table = self._at(path[:-1])
        if isinstance(table, dict):
            table.pop(path[-1], None)

    def _decide(self, key: OwnKey, path: tuple[str, ...], value: Any) -> None:
        """Keep a value, or replace it by this machine's own one, or leave it out."""
        inside = self._inside(value) if key.files else None
        if (key.files and inside == value) or self._is_own(path, value):
            return
        own = self._own_value(key, path)
        instead = f"{own} is used here" if own is not None else key.without
        setting = SkippedSetting(path, value, instead)
        if not _is_refused(path, value) and self._accept(setting):
            return
        self.skipped.append(setting)
        if own is None and not inside and path[2:] == ("tls", "key_certs") and not self._at((*path[:3], "acme")):
            self.self_signed.append(path[1])
            own = [CERTIFICATE]
        if own is not None or inside:
            self._put(path, inside if own is None else own)
            return
        for name in (path[-1], *key.also):
            self._drop((*path[:-1], name))

    def _inside(self, value: Any) -> Any:
        """The value, as far as its paths are below the folder of the configuration; None if that is nothing."""
        match value:
            case str():
                place = self._place(value)
                return value if isinstance(place, Path) and place.is_relative_to(self._config.resolve()) else None
            case list():
                return [item for item in value if self._inside(item) == item] or None
            case dict():
                files = {name: self._inside(text) for name, text in value.items() if name.endswith(FILES)}
                return None if None in files.values() else {**value, **files}
        return value  # a mistake, which the check of the file reports

    def _place(self, text: str) -> str | Path:
        """A target or path, in a form that can be compared. A text that can't be a path is returned unchanged."""
        try:
            return text.rstrip("/") if "://" in text else (self._config / text).resolve()
        except (OSError, ValueError, RuntimeError):  # a null character, or links in a circle
            return text

    def _is_own(self, path: tuple[str, ...], value: Any) -> bool:
        """Whether this machine would use the same value anyway."""
        if not isinstance(value, str):
            return False
        if path == ("user",):
            return same_user(value, self._own_user())
        own = str(self._own_data()) if path == ("data_dir",) else self._given.get(path)
        return isinstance(own, str) and self._place(value) == self._place(own)

    def _own_value(self, key: OwnKey, path: tuple[str, ...]) -> Any:
        """What this machine uses in place of another value; None for nothing."""
        match path:
            case ("user",):
                return self._own_user()
            case ("data_dir",):
                return str(self._own_data())
            case ("admin_password_file",):
                return ADMIN_PASSWORD
        return self._given.get(path) if key.files else None

    def _own_data(self) -> Path:
        return data_folder(self._config / STATIC_FILE)

    def _own_user(self) -> str:
        """The owner of the data directory, if it is there; the package makes it. Else the default."""
        data = self._place(str(self._settings.get("data_dir", DATA_DIR)))
        return (owner_name(data) if isinstance(data, Path) else "") or SERVICE_USER


def _is_refused(path: tuple[str, ...], value: object) -> bool:
    """Whether no user is asked: a backup never makes the server run as root, and a restore makes a new password."""
    return path == ("admin_password_file",) or (path == ("user",) and isinstance(value, str) and is_root(value))
