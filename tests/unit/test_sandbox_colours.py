"""Words of HTML mail are legible on every background, in a light and a dark window."""

import itertools
import re
import time
from typing import get_args

import pytest

from moxlite.sandbox.jobs import Scheme
from moxlite.sandbox.sanitize import sanitize
from moxlite.sandbox.values import DARK_PAPER, Shade, contrast, lightened, shade_of
from tests.htmlcorpus import without_inks
from tests.newsletters import DARK, LIGHT, ROOT

PLACES = {
    "an attribute": '<style>{root}</style><p style="background: {background}; color: {colour}">x</p>',
    "an heir": '<style>{root}</style><div style="background: {background}"><p style="color: {colour}">x</p></div>',
    "a sheet": "<style>{root} .a {{ color: {colour}; background: {background} }}</style><p class=a>x</p>",
    "two rules": "<style>{root} td {{ background: {background} }} p {{ color: {colour} }}</style><td><p>x</p></td>",
    "a rule for phones": (
        "<style>{root} @media (max-width: 600px) {{ p {{ color: {colour}; background: {background} }} }}</style><p>x"
    ),
    "the body": '<style>{root}</style><body style="background: {background}; color: {colour}"><p>x</p></body>',
}


def declarations(html: str) -> dict[str, str]:
    """All declarations of sanitized HTML together; the last one of a name is kept."""
    html = without_inks(html.replace("&quot;", "").replace("&amp;", "&"))
    return dict(re.findall(r"(?:(?<=[{;\"])|(?<=; ))([a-z-]+):\s?([^;{}\"]+?)(?=[;}\"])", html))


@pytest.mark.parametrize("place", PLACES)
def test_no_words_are_light_on_nothing(place: str) -> None:
    """WEBMAIL-168: every background leaves a colour below them, without pictures as well."""
    for background, colour in itertools.product(DARK, LIGHT):
        html = PLACES[place].format(root=ROOT, background=background, colour=colour)
        shown = declarations(sanitize(html, {}, external=False).html)
        stops = re.findall(r"#\w+|rgb\([\d, ]+\)", shown.get("background-image", ""))
        papers = [shade_of(DARK.get(text) or text) for text in (shown["background-color"], *stops)]
        ink = shade_of(shown["color"]) or shade_of("#f0f4f8")
        assert ink is not None
        for paper in papers:
            assert paper is not None, (html, shown)
            assert contrast(ink, paper) >= 4, (html, shown)


COLOURS = ["#0000ff", "#1155cc", "#336699", "#cc0000", "#777777", "#0563c1", "#000080", "#222222", "#800080", "#008000"]
COLOURED = {
    "an attribute": '<a href="https://a.example/"><font color="{}">x</font></a>',
    "a style": '<a href="https://a.example/" style="color: {}">x</a>',
    "a style with others": '<a style="margin: 0; color: {} !important">x</a>',
    "a sheet": "<style>a:link, span.MsoHyperlink {{ color: {} }}</style><a href='https://a.example/'>x</a>",
    "the body": '<body text="{}"><p>x',
    "a custom property": "<style>:root {{ --a: {} }} a {{ color: var(--a) }}</style><a>x</a>",
}


@pytest.mark.parametrize("place", COLOURED)
@pytest.mark.parametrize("colour", COLOURS)
def test_words_are_legible_in_the_dark(place: str, colour: str) -> None:
    """WEBMAIL-167: they have the window's colour, or their own hue with a contrast of 4.5."""
    html = sanitize(COLOURED[place].format(colour), {}, external=False, scheme="dark").html
    paper, before = shade_of(DARK_PAPER), shade_of(colour)
    assert paper is not None
    assert before is not None
    for text in re.findall(r"color[:=]\s?\"?(#[0-9a-fA-F]{3,8})", html):
        shade = shade_of(text)
        assert shade is not None
        assert contrast(shade, paper) >= 4.5
        assert hue(shade) == pytest.approx(hue(before), abs=3)
    # a blue link is still blue
    assert place == "the body" or colour not in ("#0000ff", "#1155cc") or "#" in html


def hue(shade: Shade) -> float:
    """The hue in degrees; 0 for a grey."""
    red, green, blue, _ = shade
    high, low = max(shade[:3]), min(shade[:3])
    if high - low < 0.01:
        return 0.0
    if high == red:
        return ((green - blue) / (high - low) * 60) % 360
    return 120 + (blue - red) / (high - low) * 60 if high == green else 240 + (red - green) / (high - low) * 60


def test_lines_are_seen_in_the_dark() -> None:
    """WEBMAIL-167: a black border has a contrast of 3, a light one stays as it is."""
    html = '<p style="border: 1px solid #000; border-top-color: #fff; text-decoration: underline navy">x'
    dark = sanitize(html, {}, external=False, scheme="dark").html
    paper, line = shade_of(DARK_PAPER), shade_of(re.findall(r"solid (#\w+)", dark)[0])
    assert paper is not None
    assert line is not None
    assert contrast(line, paper) >= 3
    assert "border-top-color:#fff" in dark
    assert "navy" not in dark


def test_a_legible_colour_is_not_changed() -> None:
    """WEBMAIL-167."""
    assert lightened("#ff8080", 4.5) is None
    assert lightened("currentcolor", 4.5) is None
    assert "#ff8080" in sanitize('<p style="color:#ff8080">x', {}, external=False, scheme="dark").html


ADDRESSES = [
    f"{function}({address}{more})"
    for function, address, more in itertools.product(
        ("url", "src", "image", "image-set", "-webkit-image-set", "cross-fade", "element", "paint", "linear-gradient"),
        ("https://evil.example/a", '"https://evil.example/a"', 'url("https://evil.example/a")', "var(--evil)"),
        ("", " 1x", ", red"),
    )
]
HOLDERS = [
    "background",
    "background-image",
    "list-style",
    "list-style-image",
    "border-image",
    "cursor",
    "color",
    "filter",
]
HOLDERS += [
    "grid-template-columns",
    "background-clip",
    "--x",
    "mask",
    "content",
    "border-top",
    "text-decoration",
    "clip-path",
]


@pytest.mark.parametrize("holder", HOLDERS)
def test_no_style_makes_a_request(holder: str) -> None:
    """WEBMAIL-168, WEBMAIL-108: of all that may have a function, only a picture that is let through has an address."""
    root = ':root { --evil: url("https://evil.example/a"); --text: "https://evil.example/a" }'
    for value in (*ADDRESSES, "var(--evil)", "image-set(var(--text) 1x)", "red, image-set(var(--text) 1x)"):
        for html in (
            f"<style>{root} p {{ {holder}: {value} }}</style><p>",
            f"<style>{root}</style><p style='{holder}: {value}'>",
        ):
            for scheme in get_args(Scheme):
                assert "evil.example" not in sanitize(html + "x", {}, external=False, scheme=scheme).html, html


def test_custom_properties_cost_little() -> None:
    """WEBMAIL-109: they can't double each other, nest, or name themselves."""
    doubling = "".join(f"--a{at}: calc(var(--a{at - 1}) + var(--a{at - 1}));" for at in range(1, 60))
    many = "".join(f"--b{at}: {at}px;" for at in range(5000))
    nested = "--c:" + "calc(" * 2000 + "1px" + ")" * 2000 + ";"
    began = time.process_time()
    for sheet in (f"--a0: 1px;{doubling}", many, nested, "--d: var(--d);", "--e: var(--f); --f: var(--e);"):
        for use in ("var(--a59)", "var(--b9)", "var(--c)", "var(--d)", "var(--e, var(--f, var(--e)))"):
            html = (
                f"<style>:root {{ {sheet} }}</style>" + f'<p style="--g: 1px; width: {use}; background: {use}">x' * 200
            )
            assert len(sanitize(html, {}, external=False).html) < 100_000
    assert time.process_time() - began < 15
