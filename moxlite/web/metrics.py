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
    "Time from the request header to the response status.",
    ["handler", "proto", "method", "code"],
    buckets=BUCKETS,
)
response_seconds = Histogram(
    "moxlite_httpserver_response_duration_seconds",
    "Time from the request header to the end of the response.",
    ["handler", "proto", "method", "code"],
    buckets=BUCKETS,
)
ratelimited = Counter("moxlite_httpserver_ratelimited", "Requests rejected because of too many from the same network.")
http2_connections = Counter("moxlite_httpserver_http2_connections", "HTTP/2 connections.")
http2_refused = Counter(
    "moxlite_httpserver_http2_refused",
    "HTTP/2 connections closed because the client violated a rule or limit, by frame type.",
    ["reason"],
)
admin_streams = Gauge("moxlite_admin_streams", "Open live views in the admin app.")
streams = Gauge("moxlite_webmail_streams", "Open webmail event streams.", ["kind"])
api_seconds = Histogram("moxlite_webmail_api_seconds", "Duration of webmail API calls.", ["call"], buckets=BUCKETS)

account_api_seconds = Histogram(
    "moxlite_account_api_seconds", "Duration of account app API calls.", ["call"], buckets=BUCKETS
)
admin_api_seconds = Histogram(
    "moxlite_admin_api_seconds", "Duration of admin app API calls.", ["call"], buckets=BUCKETS
)
account_imports = Counter("moxlite_account_imports", "Imports started in browsers.")
account_exports = Counter(
    "moxlite_account_exports",
    "Exports to browsers, by whether they were sent completely. Rejected exports count as broken.",
    ["result"],
)

autoconf_requests = Counter(
    "moxlite_autoconf_request", "Settings requests from mail clients, by local domain.", ["domain"]
)
autodiscover_requests = Counter(
    "moxlite_autodiscover_request", "Settings requests from Outlook, by local domain.", ["domain"]
)

notices = Counter(
    "moxlite_webmail_notices",
    "Push notifications, by result (gone: the device is no longer subscribed).",
    ["result"],
)
for _result in ("ok", "failed", "gone"):
    notices.labels(result=_result)

submissions = Counter("moxlite_webmail_submission", "Messages sent from webmail, by result.", ["result"])

webapi_submissions = Counter("moxlite_webapi_submission", "Messages sent by API clients, by result.", ["result"])
jmap_calls = Counter("moxlite_jmap_calls", "JMAP method calls, by method and result.", ["method", "result"])
jmap_seconds = Histogram("moxlite_jmap_duration_seconds", "Duration of JMAP method calls.", ["method"], buckets=BUCKETS)
webapi_errors = Counter("moxlite_webapi_errors", "Rejected web API calls, by code.", ["error"])
webapi_results = Counter("moxlite_webapi_results", "Web API calls, by method and result.", ["method", "result"])
webapi_seconds = Histogram("moxlite_webapi_duration_seconds", "Duration of web API calls.", ["method"], buckets=BUCKETS)

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
for _kind in ("sse", "websocket", "poll"):
    streams.labels(kind=_kind)


def method_label(method: str) -> str:
    """The label of a method: itself, or "(other)" if it is not a known one."""
    return method if method in METHODS else "(other)"
