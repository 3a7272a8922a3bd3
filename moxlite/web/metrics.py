"""Metrics of the web component (WEB-16, WEBMAIL-29)."""

from typing import Final

from moxlite.metrics import Counter, Gauge, Histogram

BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
# RFC 9110 §9 and PATCH; clients may send any other word, and a label must stay bounded
METHODS: Final = frozenset(
    ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
    + ("PROPFIND", "PROPPATCH", "MKCOL", "MKCALENDAR", "COPY", "MOVE", "REPORT")
)

request_seconds = Histogram(
    "moxlite_httpserver_request_duration_seconds",
    "Time from a request's head to the status of its response.",
    ["handler", "proto", "method", "code"],
    buckets=BUCKETS,
)
response_seconds = Histogram(
    "moxlite_httpserver_response_duration_seconds",
    "Time from a request's head to the end of its response.",
    ["handler", "proto", "method", "code"],
    buckets=BUCKETS,
)
ratelimited = Counter("moxlite_httpserver_ratelimited", "Requests refused because their network sent too many.")
http2_connections = Counter("moxlite_httpserver_http2_connections", "Connections that speak HTTP/2.")
http2_refused = Counter(
    "moxlite_httpserver_http2_refused",
    "Connections of HTTP/2 that were ended because the client broke a rule or a limit, by the kind of frames.",
    ["reason"],
)
admin_streams = Gauge("moxlite_admin_streams", "Open live views of the admin app.")
streams = Gauge("moxlite_webmail_streams", "Open event streams of the webmail.", ["kind"])
api_seconds = Histogram("moxlite_webmail_api_seconds", "Time of the webmail's API calls.", ["call"], buckets=BUCKETS)

account_api_seconds = Histogram(
    "moxlite_account_api_seconds", "Time of the account app's API calls.", ["call"], buckets=BUCKETS
)
admin_api_seconds = Histogram(
    "moxlite_admin_api_seconds", "Time of the admin app's API calls.", ["call"], buckets=BUCKETS
)
account_imports = Counter("moxlite_account_imports", "Imports begun by browsers.")
account_exports = Counter(
    "moxlite_account_exports",
    "Exports to browsers, by whether the whole was sent; refused ones are broken, too.",
    ["result"],
)

autoconf_requests = Counter(
    "moxlite_autoconf_request", "Settings that mail programs asked for, by domain of ours.", ["domain"]
)
autodiscover_requests = Counter(
    "moxlite_autodiscover_request", "Settings that Outlook asked for, by domain of ours.", ["domain"]
)

notices = Counter(
    "moxlite_webmail_notices",
    "Notices of new mail to devices, by whether the push service took them; gone: the device is no longer subscribed.",
    ["result"],
)
for _result in ("ok", "failed", "gone"):
    notices.labels(result=_result)

submissions = Counter("moxlite_webmail_submission", "Messages that browsers sent, by what became of them.", ["result"])

webapi_submissions = Counter("moxlite_webapi_submission", "Messages that programs sent, by result.", ["result"])
jmap_calls = Counter("moxlite_jmap_calls", "Calls of JMAP methods, by method and result.", ["method", "result"])
jmap_seconds = Histogram("moxlite_jmap_duration_seconds", "Time of calls of JMAP methods.", ["method"], buckets=BUCKETS)
webapi_errors = Counter("moxlite_webapi_errors", "Refused calls of the web API, by code.", ["error"])
webapi_results = Counter(
    "moxlite_webapi_results", "Calls of the web API, by method and whether they succeeded.", ["method", "result"]
)
webapi_seconds = Histogram(
    "moxlite_webapi_duration_seconds", "Time of calls of the web API.", ["method"], buckets=BUCKETS
)

for _result in (
    "ok",
    "badmessage",
    "badfrom",
    "badheader",
    "missingsmtputf8",
    "messagelimiterror",
    "recipientlimiterror",
    "signerror",
    "stopped",
    "storesenterror",
    "undone",
):
    submissions.labels(result=_result)
for _counter in (autoconf_requests, autodiscover_requests):
    _counter.labels(domain="(unknown)")
for _result in ("complete", "broken"):
    account_exports.labels(result=_result)
for _kind in ("sse", "websocket"):
    streams.labels(kind=_kind)


def method_label(method: str) -> str:
    """The label of a method: itself, or "(other)" if it is not a known one."""
    return method if method in METHODS else "(other)"
