"""Conditions of requests on tags and states: If-Match, If-None-Match (RFC 9110 §13.1) and If (RFC 4918 §10.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.proto.dav.xml import DAV
from moxlite.web.dav.places import NotThere, Place, Refusal, Tree

if TYPE_CHECKING:
    from moxlite.web.http.messages import Headers

TOKEN: Final = re.compile(
    r"\s*(?:(?P<open>\()|(?P<close>\))|(?P<no>Not\b)|<(?P<uri>[^<>]*)>|\[(?P<tag>[^\[\]]*)\])", re.IGNORECASE
)
MAX_IF: Final = 8192
"""Characters of the field If: programs send a tag or two, and each token is matched by itself."""


class State(msgspec.Struct, frozen=True):
    """A condition of a list: an entity tag or a state token, which holds or with `negate` does not."""

    value: str
    negate: bool


class Conditions(msgspec.Struct, frozen=True):
    """Conditions under which a request is done. `lists`: of If, for this place: one must hold; None without If."""

    match: tuple[str, ...] | None
    none_match: tuple[str, ...] | None
    lists: tuple[tuple[State, ...], ...] | None

    @property
    def empty(self) -> bool:
        """Whether there is no condition."""
        return self.match is None and self.none_match is None and self.lists is None

    def check(self, etag: str | None, token: str) -> None:
        """Raise Refusal 412 unless the conditions hold for a resource with this tag, None for none."""
        holds = True
        if self.match is not None:
            holds = etag is not None and ("*" in self.match or etag in self.match)
        if self.none_match is not None and holds:
            holds = etag is None or not ("*" in self.none_match or etag in self.none_match)
        if self.lists is not None and holds:
            there = {etag, token}
            holds = any(all((one.value in there) is not one.negate for one in states) for states in self.lists)
        if not holds:
            raise Refusal(412, "", "the entry has changed or doesn't match the request's conditions")


def conditions_of(headers: Headers, tree: Tree, place: Place) -> Conditions:
    """The conditions of a request. Raises Refusal 400."""
    fields = ",".join(headers.all("if"))
    return Conditions(
        _tags(headers, "if-match"), _tags(headers, "if-none-match"), _lists(fields, tree, place) if fields else None
    )


def _tags(headers: Headers, name: str) -> tuple[str, ...] | None:
    found = headers.elements(name)
    return tuple(found) if found else None


def _lists(field: str, tree: Tree, here: Place) -> tuple[tuple[State, ...], ...]:
    if len(field) > MAX_IF:
        raise Refusal(400, "", "the If header is too long")
    found: list[tuple[State, ...]] = []
    inside: list[State] | None = None
    negate, ours, place = False, True, 0
    field = field.rstrip()
    while place < len(field):
        token = TOKEN.match(field, place)
        if token is None:
            raise Refusal(400, "", "the If header is invalid")
        place = token.end()
        if token["open"] and inside is None:
            inside, negate = [], False
        elif token["close"] and inside:
            # what another place must be is not known here: such a list does not hold
            found.append(tuple(inside) if ours else (State("", negate=False),))
            inside = None
        elif token["no"] and inside is not None:
            negate = True
        elif token["uri"] is not None and inside is None:
            ours = _is_here(token["uri"], tree, here)
        elif inside is not None and (token["uri"] is not None or token["tag"] is not None):
            inside.append(State(token["uri"] if token["tag"] is None else token["tag"], negate))
            negate = False
        else:
            raise Refusal(400, "", "the If header is invalid")
    if inside is not None or not found:
        raise Refusal(400, "", "the If header is invalid")
    return tuple(found)


def _is_here(uri: str, tree: Tree, place: Place) -> bool:
    try:
        return tree.target(uri) == place
    except NotThere:
        return False


def depth_of(headers: Headers, default: str, allowed: tuple[str, ...]) -> str:
    """The depth of a request: 0, 1, or infinity. Raises Refusal."""
    depth = (headers.get("depth") or default).strip().lower()
    if depth not in ("0", "1", "infinity"):
        raise Refusal(400, "", "Depth must be 0, 1, or infinity")
    if depth not in allowed:
        raise Refusal(403, DAV + "propfind-finite-depth", "use Depth 0 or 1; infinity isn't supported here")
    return depth
