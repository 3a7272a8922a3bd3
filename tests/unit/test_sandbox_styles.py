"""Style attributes and sheets of hostile mail: no declaration, function or address but those that are allowed."""

import re
from html import escape, unescape
from typing import Final, get_args

import pytest
import tinycss2

from moxlite.sandbox.jobs import Scheme
from moxlite.sandbox.sanitize import sanitize
from moxlite.sandbox.sheets import STYLES
from moxlite.sandbox.values import FUNCTIONS, GRADIENTS, WITHIN_GRADIENTS
from tests.htmlcorpus import without_inks

ATTACKS: Final = [
    # names of properties that aren't allowed, behind what hides where a declaration begins
    "color:red;position:fixed;top:0",
    "color:red;/**/position:fixed",
    "color:red;posi/**/tion:fixed",
    "color:red/*;*/;position:fixed",
    "color:red/*;height:*/;position:fixed",
    "color:red;pos\\69tion:fixed",
    "color:red;\\70osition:fixed",
    "color:red;\\000070 osition:fixed",
    "color:red;\tPOSITION\n:\nfixed",
    "color:red;\0position:fixed",
    "color:red;posi\0tion:fixed",
    "color:red\fposition:fixed;position\f:fixed",
    "width:{}position:fixed;top:0",
    "width:{;}position:fixed",
    "width:{x:y}z-index:9;position:fixed",
    "width:[}]{}position:fixed",
    "width:1px}position:fixed",
    "width:1px}p{position:fixed",
    "}*{position:fixed",
    "@media all{position:fixed}",
    "&{position:fixed}",
    "p{position:fixed}color:red",
    "font-family:'a;color:';position:fixed",
    "font-family:'a\n;position:fixed",
    "font-family:'a\\\n';position:fixed",
    'font-family:"a\\";position:fixed;color:"',
    "color:(;position:fixed;color:)",
    "color:[;position:fixed",
    "color:<!--;position:fixed;-->",
    # what runs code in browsers of old
    "width:expression(alert(1))",
    "width:expre/**/ssion(alert(1))",
    "width:\\65xpression(alert(1))",
    "width:ｅxpression(alert(1))",
    "-moz-binding:url(https://x.example/a.xml#a)",
    "-moz-bin\\64ing:url(https://x.example/a)",
    "behavior:url(https://x.example/a.htc)",
    "background:url(javascript:alert(1))",
    "background-image:url('java\\73 cript:alert(1)')",
    "filter:progid:DXImageTransform.Microsoft.AlphaImageLoader(src='https://x.example/a')",
    # addresses
    "background:url(https://x.example/a)",
    "background:URL( 'https://x.example/a' )",
    "background:u\\72l(https://x.example/a)",
    "background:\\75\\72\\6c(https://x.example/a)",
    "background:url(https://x.example/a",
    "background:url('https://x.example/a",
    "background-image:url(//x.example/a)",
    "background-image:image-set('https://x.example/a' 1x)",
    "background-image:-webkit-image-set(url(https://x.example/a) 1x)",
    "background-image:image('https://x.example/a')",
    "background-image:src('https://x.example/a')",
    "background-image:cross-fade(url(https://x.example/a),red)",
    "background-image:element(#a)",
    "background-image:paint(a)",
    "background-image:linear-gradient(url(https://x.example/a),red)",
    "background-image:linear-gradient(red,blue),url(https://x.example/a)",
    "background-image:url('https://x.example/a' format('png'))",
    "background:calc(url(https://x.example/a))",
    "width:calc(1px + url(https://x.example/a))",
    "width:min(1px,attr(data-a url))",
    "color:rgb(env(x),1,2)",
    "list-style:url(https://x.example/a)",
    "list-style-image:url(https://x.example/a)",
    "border-image:url(https://x.example/a)",
    "border-image-source:url(https://x.example/a)",
    "mask:url(https://x.example/a)",
    "-webkit-mask-image:url(https://x.example/a)",
    "clip-path:url(https://x.example/a)",
    "shape-outside:url(https://x.example/a)",
    "offset-path:url(https://x.example/a)",
    "cursor:url(https://x.example/a),auto",
    "content:url(https://x.example/a)",
    "src:url(https://x.example/a)",
    "font:12px/1 url(https://x.example/a)",
    # custom properties
    "--a:url(https://x.example/a);background:var(--a)",
    "--a:;position:fixed",
    "--a:fixed;position:var(--a)",
    "--a:{;position:fixed};color:red",
    "background:var(--b,url(https://x.example/a))",
    "--a:var(--b);--b:var(--a);color:var(--a)",
    "all:initial;animation:a 1s;transition:all 1s;transform:scale(9)",
    # the end of the attribute, and of a sheet
    'color:red"><img src=https://x.example/a>',
    "color:red</style><img src=https://x.example/a>",
    "font-family:'</style><img src=https://x.example/a>'",
    'font-family:"\\3c/style>"',
    "color:red<!--</style>",
    "background:url('a\\27);position:fixed;x:url(https://x.example/a')",
    'background:url("a\\");position:fixed;x:(")',
]
SHEETS: Final = [
    "@import 'https://x.example/a';",
    "@import url(https://x.example/a) screen;p{color:red}",
    "@\\69mport 'https://x.example/a';",
    "@IMPORT/**/'https://x.example/a';",
    "p{}@import 'https://x.example/a';",
    "@charset 'utf-7';@namespace url(https://x.example/a);",
    "@font-face{font-family:a;src:url(https://x.example/a)}",
    "@property --a{syntax:'<url>';inherits:true;initial-value:url(https://x.example/a)}",
    "@keyframes a{from{background:url(https://x.example/a)}}",
    "@supports (color:red){p{position:fixed}}",
    "@layer a{p{position:fixed}}",
    "@container (width>1px){p{position:fixed}}",
    "@scope (p){:scope{position:fixed}}",
    "@media all{@import 'https://x.example/a';p{position:fixed}}",
    "@media all{p{color:red}}}p{position:fixed}",
    "@page{background:url(https://x.example/a)}",
    "p{color:red;&:hover{position:fixed}}",
    "p{color:red;.a{background:url(https://x.example/a)}}",
    "p[title='}*{position:fixed}']{color:red}",
    "p[title=\"\\\"]{}*{position:fixed}\"]{color:red}",
    "input[value^='a']{background:url(https://x.example/a)}",
    ":root{--a:url(https://x.example/a)}p{background:var(--a)}",
    "html,body,.body{position:fixed}",
    "p{color:red}/*",
    "p{color:'",
    "p{background:url(",
    "\0p{position:fixed}",
    "*{position:fixed}\0",
]  # fmt: skip
ALLOWED: Final = {*FUNCTIONS, *GRADIENTS, *WITHIN_GRADIENTS, "nth-child", "nth-of-type"}


def _check_nodes(nodes: list[tinycss2.ast.Node]) -> None:
    for node in nodes:
        assert node.type not in ("error", "url", "{} block", "at-keyword"), node.serialize()
        if node.type == "function":
            assert node.lower_name in ALLOWED, node.serialize()
            _check_nodes(node.arguments)
        elif node.type == "() block":
            _check_nodes(node.content)


def _check_declarations(text: str) -> None:
    for node in tinycss2.parse_blocks_contents(text, skip_comments=True, skip_whitespace=True):
        # what browsers drop, too, has no effect: a declaration without a value that they know
        assert node.type == "declaration" or (node.type == "error" and node.kind == "invalid"), text
        if node.type == "declaration":
            assert node.lower_name in STYLES, text
            _check_nodes([one for one in node.value if one.type != "error"])


def _check_rules(nodes: list[tinycss2.ast.Node]) -> None:
    for node in nodes:
        if node.type == "at-rule":
            assert node.lower_at_keyword == "media"
            _check_rules(tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True))
        else:
            assert node.type == "qualified-rule"
            assert all(one.strip().startswith(".body") for one in tinycss2.serialize(node.prelude).split(","))
            _check_declarations(tinycss2.serialize(node.content))


def _check(html: str, scheme: Scheme) -> None:
    cleaned = without_inks(sanitize(html, {}, external=False, scheme=scheme).html)
    assert "x.example" not in re.sub(r"<img>", "", cleaned)
    assert cleaned.count("</style") == cleaned.count("<style>")
    for style in re.findall(r'style="([^"]*)"', cleaned):
        _check_declarations(unescape(style))
    for sheet in re.findall(r"<style>(.*?)</style>", cleaned, re.DOTALL):
        _check_rules(tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True))


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_style_has_more_than_what_is_allowed(attack: str) -> None:
    """WEBMAIL-53, WEBMAIL-168: in an attribute, that of the body, a sheet and a sheet with a condition."""
    for scheme in get_args(Scheme):
        _check(f'<p style="{escape(attack)}">a</p>', scheme)
        _check(f'<body style="{escape(attack)}">a</body>', scheme)
        _check(f"<style>p{{{attack}}}</style><p>a</p>", scheme)
        _check(f"<style>@media screen{{p{{{attack}}}}}</style><p>a</p>", scheme)


@pytest.mark.parametrize("attack", SHEETS)
def test_no_sheet_has_more_than_what_is_allowed(attack: str) -> None:
    """WEBMAIL-53, WEBMAIL-108, WEBMAIL-168."""
    for scheme in get_args(Scheme):
        _check(f"<style>{attack}</style><p>a</p>", scheme)
        _check(f"<style>{attack}</style><style>p{{color:red}}</style><p>a</p>", scheme)
