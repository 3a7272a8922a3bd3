"""``moxlite config ensure-acme-host-keys`` (ADMIN-19, AUTH-67)."""

import datetime as dt

import click

from moxlite.cli.common import Failure, config_path, load_config

__all__ = ["ensure_acme_host_keys"]


@click.command("ensure-acme-host-keys")
def ensure_acme_host_keys() -> None:
    """Make the host's private keys for certificates by ACME, where they are missing, and print the lines to add.

    With these keys certificates are renewed without a change of key, so that TLSA records for DANE stay true. The key
    of a certificate that is in use is kept. Nothing is changed but the folder hostkeys beside moxlite.toml: add the
    printed lines to that file, restart, and print the DNS records again.
    """
    import json

    from moxlite.admin.hostkeys import ensure_host_keys
    from moxlite.config.decode import dotted
    from moxlite.net.certificates import CertificateError

    static = load_config().static
    if not any(one.tls is not None and one.tls.acme is not None for one in static.listeners.values()):
        raise Failure("no listener has certificates by ACME (tls.acme)")
    try:
        found = ensure_host_keys(config_path().parent, static, dt.datetime.now(dt.UTC))
    except OSError as error:
        raise Failure(f"{error.filename}: {error.strerror or error}") from None
    except CertificateError as error:
        raise Failure(f"host_private_key_files: {error}") from None
    if not found:
        print("# all keys are there, nothing to add")
    for name, paths in found.items():
        print(f"[{dotted(('listeners', name, 'tls'))}]")
        print(f"host_private_key_files = {json.dumps(paths)}")
