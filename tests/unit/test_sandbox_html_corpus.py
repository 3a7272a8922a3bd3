"""Hostile HTML, each vector through the sanitizer: what is left holds nothing that runs, loads or reaches out."""

from html.parser import HTMLParser

import pytest
import tinycss2

from moxlite.sandbox.sanitize import ATTRIBUTES, DATA_IMAGE, TAGS, sanitize
from moxlite.sandbox.sheets import STYLES
from tests.htmlcorpus import all_vectors, without_inks

LINKS = ("http:", "https:", "mailto:", "tel:", "#")
SCHEMES = {"a": LINKS, "area": LINKS, "img": ("http:", "https:")}


class Inspector(HTMLParser):
    """Reads what the sanitizer wrote and complains of all that is not on the list."""

    def __init__(self) -> None:
        super().__init__()
        self.sheet = ""
        self.in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_style = tag == "style"
        assert tag in TAGS | {"style"}, tag
        allowed = (
            ATTRIBUTES["*"]
            | ATTRIBUTES.get(tag, set())
            | ({"href", "target", "rel"} if tag in ("a", "area") else set())
        )
        for name, value in attrs:
            assert name in allowed, (tag, name)
            if name in ("href", "src") and value is not None:
                web = value.lower().startswith(SCHEMES[tag])
                assert web or (tag == "img" and DATA_IMAGE.match(value)), (tag, name, value)
            if name == "style" and value is not None:
                self.declarations(tinycss2.parse_blocks_contents(value))

    def handle_data(self, data: str) -> None:
        if self.in_style:
            self.rules(tinycss2.parse_stylesheet(data, skip_whitespace=True))

    def handle_endtag(self, tag: str) -> None:
        self.in_style = False

    def rules(self, nodes: list[object]) -> None:
        for node in nodes:
            if node.type == "at-rule":  # type: ignore[attr-defined]  # nodes of tinycss2 have no types
                assert node.lower_at_keyword == "media"  # type: ignore[attr-defined]
                self.rules(tinycss2.parse_rule_list(node.content, skip_whitespace=True))  # type: ignore[attr-defined]
                continue
            assert node.type == "qualified-rule", node  # type: ignore[attr-defined]
            assert tinycss2.serialize(node.prelude).startswith(".body")  # type: ignore[attr-defined]
            self.declarations(tinycss2.parse_blocks_contents(node.content))  # type: ignore[attr-defined]

    def declarations(self, nodes: list[object]) -> None:
        for node in nodes:
            if node.type == "declaration" and not self.is_mark(node):  # type: ignore[attr-defined]
                assert node.lower_name in STYLES, node.name  # type: ignore[attr-defined]

    def is_mark(self, node: object) -> bool:
        """The mark beside a link has styles of ours."""
        return node.important and node.lower_name in ("all", "background", *STYLES)  # type: ignore[attr-defined]


@pytest.mark.parametrize("external", [False, True])
def test_no_vector_leaves_more_than_what_is_on_the_lists(external: bool) -> None:
    """WEBMAIL-53, WEBMAIL-108, WEBMAIL-156: scripts, loading, mutation and styles."""
    vectors = all_vectors()
    assert len(vectors) >= 1500
    for vector in vectors:
        cleaned = sanitize(vector, {}, external=external).html
        try:
            Inspector().feed(without_inks(cleaned))
        except AssertionError as error:
            raise AssertionError(f"{vector!r} became {cleaned!r}") from error
        if not external:
            assert not any(
                f"{sign}evil.example" in cleaned.lower().replace("&amp;", "&") for sign in ('src="https://', 'src="//')
            )


def test_what_was_made_harmless_settles() -> None:
    """WEBMAIL-108: read once more it may become another tree (links in tables), then no other any more."""
    for vector in all_vectors():
        twice = sanitize(inside(sanitize(vector, {}, external=True).html), {}, external=True).html
        if "→" not in twice:  # a mark would be marked
            assert sanitize(inside(twice), {}, external=True).html == twice, vector


def inside(html: str) -> str:
    """What is in the element around the message."""
    return html[html.index('<div class="body"') :].partition(">")[2].removesuffix("</div>")
