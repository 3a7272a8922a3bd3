"""Structs of the web server's rules in domains.toml (docs/spec/web.md §3). `webrules` compiles them for serving."""

from collections.abc import Mapping
from typing import Annotated, Literal

from moxlite.config.values import BackendURL, BaseURL, Domain, Network, PathRegexp, Section, URLPath, doc


class WebStatic(Section, frozen=True):
    """Files in a directory, served by a web handler."""

    root: Annotated[str, doc("Directory, relative to the server's working directory.")]
    strip_prefix: Annotated[str, doc("Prefix to remove from the path first.")] = ""
    list_files: Annotated[bool, doc("Show a file list for directories without index.html.")] = False
    continue_not_found: Annotated[bool, doc("If the file doesn't exist, continue with the next handler.")] = False
    follow_symlinks: Annotated[bool, doc("Follow symbolic links that lead outside the directory.")] = False
    precompressed: Annotated[
        bool, doc("Send a file's `FILE.br`, `FILE.zst`, or `FILE.gz` if it's at least as new.")
    ] = False
    response_headers: Annotated[Mapping[str, str], doc("Header fields to add to responses.")] = {}


class WebRedirect(Section, frozen=True):
    """Redirect to another URL."""

    base_url: Annotated[
        BaseURL | None,
        doc("Target without the path: `https://host`, or `//host` to keep the scheme. If not set, the requested host."),
    ] = None
    orig_path_regexp: Annotated[PathRegexp | None, doc("Path pattern.")] = None
    replace_path: Annotated[str, doc("Replacement for the part that matches the pattern. `$1` is the first group.")] = (
        ""
    )
    status_code: Annotated[int, doc("300 to 399, except 304.")] = 308


class WebForward(Section, frozen=True):
    """Forward requests to another web server."""

    url: Annotated[
        BackendURL,
        doc(
            "Backend: `http://127.0.0.1:8000`, or `unix:/path/to/socket`. To add a prefix to all paths, append "
            "`:` and a path."
        ),
    ]
    strip_path: Annotated[bool, doc("Remove the part that `path_regexp` matches from the path.")] = False
    response_headers: Annotated[Mapping[str, str], doc("Header fields to add to responses.")] = {}


class WebInternal(Section, frozen=True):
    """Serve one of moxlite's apps at another path."""

    base_path: Annotated[URLPath, doc("Path for the app.")]
    service: Annotated[Literal["admin", "account", "webmail", "webapi", "dav"], doc("App to serve.")]


class WebBasicAuth(Section, frozen=True):
    """Names and passwords for a web server rule (HTTP Basic authentication)."""

    users: Annotated[
        Mapping[str, str], doc("Password hashes by name. To create one, run `moxlite config hash-password`.")
    ]
    realm: Annotated[str, doc("Text that browsers show when they ask for the password.")] = "restricted"


class WebCache(Section, frozen=True):
    """`Cache-Control` header for successful responses."""

    path_regexp: Annotated[PathRegexp, doc("Path pattern. The first match is used.")]
    cache_control: Annotated[str, doc("Value. For example, `max-age=31536000, immutable`.")]


class WebHandler(Section, frozen=True):
    """A web server rule. Rules are tried in order. Set one of `static`, `redirect`, `forward`, or `internal`."""

    domain: Annotated[Domain, doc("Host.")]
    path_regexp: Annotated[PathRegexp, doc("Path pattern. Must start with `^`.")]
    log_name: Annotated[str, doc("Name in logs and metrics. If not set, the rule's number.")] = ""
    dont_redirect_plain_http: Annotated[bool, doc("Also serve over HTTP instead of redirecting to HTTPS.")] = False
    compress: Annotated[bool, doc("Compress responses.")] = False
    allow_ips: Annotated[
        tuple[Network, ...], doc("Networks that can connect. Others get status 403. Leave empty to allow all.")
    ] = ()
    basic_auth: Annotated[WebBasicAuth | None, doc("Require a name and password.")] = None
    cache: Annotated[
        tuple[WebCache, ...], doc("`Cache-Control` headers by path. These replace headers from `static` or `forward`.")
    ] = ()
    static: Annotated[WebStatic | None, doc("Serve files.")] = None
    redirect: Annotated[WebRedirect | None, doc("Redirect.")] = None
    forward: Annotated[WebForward | None, doc("Forward to another web server.")] = None
    internal: Annotated[WebInternal | None, doc("Serve one of moxlite's apps.")] = None
