"""SMTP sessions over a socket pair in this process, for the queue's deliveries to our own accounts (QUEUE-36)."""

from functools import partial
from ipaddress import IPv4Address
from typing import Final

import trio

from moxlite.config.static import Static
from moxlite.net.admission import ConnectionInfo, Shutdown, guard
from moxlite.net.listeners import Handler
from moxlite.net.log import bind_cid, new_cid
from moxlite.process.startup import Endpoint
from moxlite.supervision import FailurePolicy, Supervisor

LOOPBACK: Final = IPv4Address("127.0.0.1")


class LocalPipe:
    """Starts SMTP sessions as tasks of `tree`.

    Attributes:
      endpoint: the port whose settings the sessions use: that of the first listener with SMTP.
      handler: speaks SMTP; set before the first `connect`.
    """

    def __init__(self, static: Static, shutdown: Shutdown, tree: Supervisor) -> None:
        self._shutdown = shutdown
        self._tree = tree
        listeners = static.listeners
        name = next((name for name, listener in listeners.items() if listener.smtp.enabled), next(iter(listeners)))
        self.endpoint: Final = Endpoint(name, "smtp", listeners[name].ips[0], listeners[name].smtp.port)
        self.handler: Handler | None = None

    def connect(self, key: bytes, submitter: str) -> trio.abc.Stream:
        """Start a session and return the client's end; no account stores a message with the same key twice (STORE-189).
        `submitter`: as in `ConnectionInfo`.

        Raises OSError: no descriptors are left.
        """
        # Of sockets, not of memory: their buffers are bounded by the kernel, and the session works with the same stream
        # as for any client.
        client, server = trio.socket.socketpair()
        self._tree.start(
            "smtpd.pipe", partial(self._serve, trio.SocketStream(server), key, submitter), FailurePolicy.ONCE
        )
        return trio.SocketStream(client)

    async def _serve(self, stream: trio.SocketStream, key: bytes, submitter: str) -> None:
        assert self.handler is not None
        cid = new_cid()
        info = ConnectionInfo(
            cid=cid,
            remote=LOOPBACK,
            remote_port=0,
            local=LOOPBACK,
            local_port=self.endpoint.port,
            listener=self.endpoint.listener,
            shutdown=self._shutdown,
            trusted_local=True,
            transaction_key=key,
            submitter=submitter,
        )
        with bind_cid(cid), guard("smtpd"):
            async with stream:
                await self.handler(stream, info)
