"""Metrics of automatic certificates (WEB-118, WEB-122)."""

from moxlite.metrics import Counter, Gauge

cert_request_errors = Counter("moxlite_autotls_cert_request_errors", "Orders of certificates that failed.")
certput = Counter("moxlite_autotls_certput", "Certificates that were ordered and stored.")
not_after = Gauge(
    "moxlite_tls_cert_not_after_seconds", "When the certificate in use ends, seconds UTC.", ["host", "listener"]
)
not_before = Gauge(
    "moxlite_tls_cert_not_before_seconds", "When the certificate in use began, seconds UTC.", ["host", "listener"]
)
