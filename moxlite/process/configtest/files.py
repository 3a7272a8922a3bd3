"""``moxlite config test``: everything that can be said about the configuration without using it (ADMIN-10, ADMIN-11).

Beyond the checks of the files themselves, keys and certificates are read where this user may.
"""

import datetime as dt
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from moxlite.config.domains import Domains, Selector
from moxlite.config.load import ConfigError, Problem, check_files, parse, read_source, read_sources
from moxlite.config.snapshot import Snapshot
from moxlite.config.static import SERVICE_USER, Static
from moxlite.config.toml.decode import Finding, KeyPath
from moxlite.mailauth.dkim.sign import GOOD_RSA, PrivateKeyError, load_private_key
from moxlite.net.metrics import PACKAGES
from moxlite.net.tls.certificates import CertificateError, KeyPair, load_private_key as load_host_key
from moxlite.process.author import as_author
from moxlite.process.configtest.machine import test_machine
from moxlite.process.keys import ONLY_SHA256, selectors_of
from moxlite.process.privileges import UnknownUser, service_user
from moxlite.safefile import openings

APPS: Final = ("account", "admin", "webmail", "webapi")

Findings = tuple[list[Finding], list[Finding]]


def test_config(path: Path, *, machine: bool) -> tuple[list[Problem], list[Problem]]:
    """Test both files, which are read once.

    Args:
      path: of the static file.
      machine: also report what `test_machine` finds.

    Returns:
      Errors and warnings, each with file, line and key.
    """
    try:
        static, domains = read_sources(path, lambda: as_author(path))
    except ConfigError as error:
        return [*error.problems, *_openings(path)], []
    snapshot, errors, warnings = check_files(static, domains)
    errors += _openings(path)
    if snapshot is None:
        return errors, warnings
    with as_author(path):
        of_domains = _domains(snapshot.domains)
    for source, found in ((static, _static(snapshot.static)), (domains, of_domains)):
        errors += source.problems(found[0])
        warnings += source.problems(found[1])
    warnings += domains.problems([*_shared_hosts(snapshot), *_clear_passwords(snapshot)])
    if machine:
        more = test_machine(snapshot, static, domains)
        errors, warnings = errors + more[0], warnings + more[1]
    return errors, warnings


def _openings(path: Path) -> list[Problem]:
    """By what others than root could change the static file: then the server does not start as root (ADMIN-37). Asked
    of root alone.
    """
    if os.name != "posix" or os.geteuid() != 0:
        return []
    try:
        user = parse(read_source(path)).get("user", SERVICE_USER)
        if not isinstance(user, str) or service_user(user) is None:
            return []
        found = openings(path)
    except (ConfigError, UnknownUser, OSError):
        return []  # told elsewhere
    text = "others than root could change this file, so the server does not start as root"
    return [Problem(str(path), 1, "", f"{text}: {one.words}", one.cure) for one in found]


def _static(static: Static) -> Findings:
    errors: list[Finding] = []
    warnings: list[Finding] = []
    errors += [
        Finding(("package_log_levels", name), "is not a package", f"the packages are {', '.join(PACKAGES)}")
        for name in static.package_log_levels
        if name not in PACKAGES
    ]
    for name, listener in static.listeners.items():
        if listener.tls is None:
            continue
        for index, pair in enumerate(listener.tls.key_certs):
            path: KeyPath = ("listeners", name, "tls", "key_certs", index)
            warnings += _exposed((*path, "key_file"), pair.key_file)
            try:
                leaf = KeyPair.read(pair.cert_file, pair.key_file).leaf
                if leaf.not_valid_after_utc < dt.datetime.now(dt.UTC):
                    text = f"the certificate in {pair.cert_file} has ended at {leaf.not_valid_after_utc:%Y-%m-%d}"
                    warnings.append(Finding(path, text))
            except PermissionError as error:
                warnings.append(Finding(path, f"not checked: {error.filename} is not readable for this user"))
            except OSError as error:
                errors.append(Finding(path, f"cannot read {error.filename}: {error.strerror}"))
            except CertificateError as error:
                errors.append(Finding(path, str(error)))
        for index, key in enumerate(listener.tls.host_private_key_files):
            path = ("listeners", name, "tls", "host_private_key_files", index)
            warnings += _exposed(path, key)
            of_key = _host_key(path, key)
            errors += of_key[0]
            warnings += of_key[1]
    return errors, warnings


def _domains(domains: Domains) -> Findings:
    errors: list[Finding] = []
    warnings: list[Finding] = []
    for path, selector in selectors_of(domains):
        warnings += _exposed(path, selector.key_file)
        of_key = _dkim_key(path, selector)
        errors += of_key[0]
        warnings += of_key[1]
    return errors, warnings


def _shared_hosts(snapshot: Snapshot) -> list[Finding]:
    """Other content at a host of our apps: it can act there with the cookies of the visitor (WEB-45)."""
    names = {
        snapshot.hostname(name)
        for name, listener in snapshot.static.listeners.items()
        if any(getattr(listener, f"{app}_{scheme}").enabled for app in APPS for scheme in ("http", "https"))
    }
    if not names:
        return []
    settings = snapshot.domains.domains.values()
    hosts = {name.ascii for name in names} | {"localhost"}
    hosts |= {one.client_settings_domain.ascii for one in settings if one.client_settings_domain is not None}
    return [
        Finding(
            ("web_handlers", index, "domain"),
            "is also the host of the apps: scripts in these files could act for users who are logged in"
            if handler.forward is None
            else "is also the host of the apps: scripts of that server could act for users who are logged in",
            "give it a host of its own",
        )
        for index, handler in enumerate(snapshot.domains.web_handlers)
        if (handler.static is not None or handler.forward is not None) and handler.domain.ascii in hosts
    ]


def _clear_passwords(snapshot: Snapshot) -> list[Finding]:
    """Rules whose passwords pass the network in the clear (WEB-162)."""
    return [
        Finding(
            ("web_handlers", index, "basic_auth"),
            "asks for passwords over plain http, too",
            "remove dont_redirect_plain_http",
        )
        for index, handler in enumerate(snapshot.domains.web_handlers)
        if handler.basic_auth is not None and handler.dont_redirect_plain_http
    ]


def _dkim_key(path: KeyPath, selector: Selector) -> Findings:
    warnings: list[Finding] = []
    try:
        key = load_private_key(selector.key_file.read_bytes(), thorough=True)
    except PermissionError:
        return [], [Finding(path, f"not checked: {selector.key_file} is not readable for this user")]
    except OSError as error:
        return [Finding(path, f"cannot read {selector.key_file}: {error.strerror}")], []
    except PrivateKeyError as error:
        return [Finding(path, f"{selector.key_file} {error}")], []
    if isinstance(key, Ed25519PrivateKey):
        if selector.hash == "sha1":
            return [Finding((*path[:-1], "hash"), ONLY_SHA256)], []
    elif key.key_size < GOOD_RSA:
        warnings.append(Finding(path, f"has only {key.key_size} bits", f"make one of {GOOD_RSA}"))
    return [], warnings


def _host_key(path: KeyPath, file: Path) -> Findings:
    try:
        load_host_key(file.read_bytes())
    except PermissionError:
        return [], [Finding(path, f"not checked: {file} is not readable for this user")]
    except OSError as error:
        cure = "`moxlite config ensure-acme-host-keys` makes it anew" if isinstance(error, FileNotFoundError) else ""
        return [Finding(path, f"cannot read {file}: {error.strerror}", cure)], []
    except CertificateError as error:
        return [Finding(path, f"{file}: {error}")], []
    return [], []


def _exposed(path: KeyPath, file: Path) -> Iterator[Finding]:
    """A private key that everybody on the machine can read."""
    if os.name != "posix":
        return
    try:
        mode = file.stat().st_mode
    except OSError:  # unreadable or missing: told elsewhere
        return
    if mode & stat.S_IROTH:
        yield Finding(path, f"everybody on this machine can read {file}", f"chmod 600 {file}")
