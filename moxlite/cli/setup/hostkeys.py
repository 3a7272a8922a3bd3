"""``moxlite config ensure-acme-host-keys`` (ADMIN-19, AUTH-67)."""

import datetime as dt

import click

from moxlite.cli.common import Failure, config_path, load_config, root_advice


@click.command("ensure-acme-host-keys")
def ensure_acme_host_keys() -> None:
    """Make the host's private keys for certificates by ACME, where they are missing, and name them in moxlite.toml.

    With these keys certificates are renewed without a change of key, so that TLSA records for DANE stay true. A key
    that the configuration names and that is no longer there is made anew. The key of a certificate that is in use is
    kept. Nothing is changed but the folder hostkeys beside moxlite.toml, and the line host_private_key_files of each
    listener. Printed are the new lines, and the TLSA records; then restart the server.
    """
    import json

    from moxlite.admin.dns.wanted import tlsa_records
    from moxlite.admin.dns.zonefile import zone_line
    from moxlite.admin.hostkeys import ensure_host_keys, name_host_keys
    from moxlite.config.toml.decode import dotted
    from moxlite.net.tls.certificates import CertificateError

    static, config = load_config().static, config_path()
    if not any(one.tls is not None and one.tls.acme is not None for one in static.listeners.values()):
        raise Failure("no listener has certificates by ACME (tls.acme)")
    try:
        found = ensure_host_keys(config.parent, static, dt.datetime.now(dt.UTC))
        if found:
            name_host_keys(config, found)
    except OSError as error:
        raise Failure(f"{error.filename or config}: {error.strerror or error}{root_advice(error)}") from None
    except CertificateError as error:
        raise Failure(f"host_private_key_files: {error}") from None
    if not found:
        print("# all keys are there, nothing is changed")
        return
    for name, paths in found.items():
        print(f"[{dotted(('listeners', name, 'tls'))}]")
        print(f"host_private_key_files = {json.dumps(paths)}")
    print("# These records belong into DNS, in place of other TLSA records, if its zone is signed by DNSSEC:")
    for record in tlsa_records(load_config()):
        print(zone_line(record))
