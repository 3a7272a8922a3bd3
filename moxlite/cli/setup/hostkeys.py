"""``moxlite config ensure-acme-host-keys``: keys that the host's certificates keep (ADMIN-19, AUTH-67)."""

import datetime as dt

import click

from moxlite.cli.common import Failure, config_path, load_config, root_advice


@click.command("ensure-acme-host-keys")
def ensure_acme_host_keys() -> None:
    """Create missing private keys for ACME. They are for the host's certificates, and are added to moxlite.toml.

    Renewed certificates will then use the same keys, so TLSA records for DANE stay valid. If a
    configured key no longer exists, this creates it again. Keys for current certificates don't change. This only
    changes host_private_key_files for each listener, and the folder hostkeys next to moxlite.toml. To use the keys,
    add the TLSA records from the output to DNS and restart the server.
    """
    import json

    from moxlite.admin.dns.wanted import tlsa_records
    from moxlite.admin.dns.zonefile import zone_line
    from moxlite.admin.hostkeys import ensure_host_keys, name_host_keys
    from moxlite.config.toml.decode import dotted
    from moxlite.net.tls.certificates import CertificateError

    static, config = load_config().static, config_path()
    if not any(listener.tls is not None and listener.tls.acme is not None for listener in static.listeners.values()):
        raise Failure('no listener gets certificates by ACME; in moxlite.toml, set tls.acme = "letsencrypt" for one')
    try:
        found = ensure_host_keys(config.parent, static, dt.datetime.now(dt.UTC))
        if found:
            name_host_keys(config, found)
    except OSError as error:
        raise Failure(f"{error.filename or config}: {error.strerror or error}{root_advice(error)}") from None
    except CertificateError as error:
        raise Failure(f"host_private_key_files: {error}") from None
    if not found:
        print("# all keys already exist")
        return
    for name, paths in found.items():
        print(f"[{dotted(('listeners', name, 'tls'))}]")
        print(f"host_private_key_files = {json.dumps(paths)}")
    print("# Add these records to DNS instead of other TLSA records, if the zone is signed with DNSSEC:")
    for record in tlsa_records(load_config()):
        print(zone_line(record))
