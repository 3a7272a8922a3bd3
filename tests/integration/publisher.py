"""A publisher's web server and zone, and an owner who looks for new versions, in a net of their own: run by
test_script_channel as root, in new namespaces for network and mounts.

The folder has the published files in ``site/moxlite``, and ``installed``, to which pip installed the publisher's wheel.
"""

import functools
import os
import socket
import ssl
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.certs import Authority
from tests.ownnet import set_up_net
from tests.packagerig import DOMAIN, SITE, UpdateRecord, private_apt
from tests.running import ServedServer

ADDRESS = "198.51.100.7"


def main() -> None:
    """Publish, then ask as the owner: with the program from pip, and with apt. The last line of the output is done."""
    folder = Path(sys.argv[1])
    version = (folder / "site/moxlite/latest").read_text().strip()
    set_up_net(folder, ADDRESS)
    authority = Authority("Publisher's CA")
    (folder / "ca.pem").write_bytes(authority.pem)
    publish(folder, authority, version)
    server = ServedServer(folder / f"owner-{version}")
    environment = os.environ | {"PYTHONPATH": str(folder / "installed"), "SSL_CERT_FILE": str(folder / "ca.pem")}
    config = str(server.config_folder / "moxlite.toml")
    for words in (("checkupdate",), ("self", "update")):
        command = [sys.executable, "-m", "moxlite", "--config", config, *words]
        ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        print(f"{' '.join(words)}: {ended.returncode}\n{ended.stdout}{ended.stderr}")
    source = f"deb [signed-by={folder}/site/moxlite/apt/moxlite.asc arch=amd64] {SITE}/apt stable main\n"
    apt = private_apt(folder / f"apt-{version}", source)
    updated = apt("-o", f"Acquire::https::CAInfo={folder}/ca.pem", "update")
    print(updated.stdout, updated.stderr)
    print(apt("policy", "moxlite", program="apt-cache").stdout)
    print("done")


def publish(folder: Path, authority: Authority, version: str) -> None:
    """Serve the site by HTTPS, and its names."""
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("127.0.0.1", 53))
    threading.Thread(target=UpdateRecord(version, ADDRESS).serve, args=[names], daemon=True).start()
    pair = authority.issue(f"downloads.{DOMAIN}")
    chain = folder / "chain.pem"
    chain.write_bytes(pair.key_pem() + pair.certificate_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder / "site"))
    web = ThreadingHTTPServer((ADDRESS, 443), handler)
    web.socket = context.wrap_socket(web.socket, server_side=True)
    threading.Thread(target=web.serve_forever, daemon=True).start()


if __name__ == "__main__":
    main()
