"""A DNS server of one table, on a free loopback port, in a thread: for the verbs that ask DNS by themselves."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence

import dns.message
import dns.rcode
import dns.rrset

__all__ = ["dns_of"]


@contextlib.contextmanager
def dns_of(zone: Mapping[tuple[str, str], Sequence[str]]) -> Iterator[str]:
    """Serve records by absolute name and type, all of them authentic; names with ``fail`` in them fail. The server as
    ``--resolver`` takes it.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.2)
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                try:
                    data, client = sock.recvfrom(4096)
                except TimeoutError:
                    continue
                query = dns.message.from_wire(data)
                response = dns.message.make_response(query, recursion_available=True)
                [question] = query.question
                name, kind = str(question.name).lower(), dns.rdatatype.to_text(question.rdtype)
                if "fail" in name:
                    response.set_rcode(dns.rcode.SERVFAIL)
                elif records := zone.get((name, kind)):
                    response.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *records))
                elif not any(one.endswith(name) for one, _ in zone):
                    response.set_rcode(dns.rcode.NXDOMAIN)
                response.flags |= dns.flags.AD
                sock.sendto(response.to_wire(), client)

        thread = threading.Thread(target=serve)
        thread.start()
        host, port = sock.getsockname()
        try:
            yield f"{host}:{port}"
        finally:
            ended.set()
            thread.join()
