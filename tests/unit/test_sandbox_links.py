"""Links whose text names another host than their own."""

import time

import pytest

from moxlite.sandbox.sanitize import TooComplex, named_hosts, sanitize, target_host

MARKED = [
    ("https://evil.example/x", "https://www.bank.example/login"),
    ("https://evil.example/", "www.bank.example"),
    ("https://evil.example/", "Log in at bank.example."),
    ("https://evil.example/", "ba<b>nk.</b>example"),
    ("https://evil.example/", "BANK.EXAMPLE"),
    ("https://evil.example/", "info@bank.example"),
    ("https://evil.example/", "b&#8203;ank.exa&shy;mple"),
    ("https://evil.example/", "bank\u3002example"),
    ("https://evil.example/", "http://10.0.0.1/"),
    ("https:\\\\evil.example/", "bank.example"),
    ("HTTPS:evil.example/", "bank.example"),
    ("https://bank.example@evil.example/", "https://bank.example@evil.example/"),
    ("https://b\u0430nk.example/", "bank.example"),
    ("https://bank.example.evil.example/", "bank.example"),
]
PLAIN = [
    ("https://bank.example/", "https://www.bank.example/login"),
    ("https://click.bank.example/x", "www.bank.example"),
    ("https://b%61nk.example/", "bank.example"),
    ("http://xn--bcher-kva.example", "bücher.example"),
    ("https://evil.example/", "Pay now"),
    ("https://evil.example/", "report.pdf, Node.js, end.Next, v1.2.3, e.g. 10.30"),
    ("mailto:info@other.example", "info@bank.example"),
    ("https://a.example/?u=bank.example", "https://a.example/?u=bank.example"),
]


@pytest.mark.parametrize(("target", "text"), MARKED)
def test_a_link_that_names_another_host_is_marked(target: str, text: str) -> None:
    """WEBMAIL-79: the real host is beside it, and styles of the message do not reach it."""
    cleaned = sanitize(f'<a href="{target}">{text}</a>', {}, external=False).html
    assert f"→ {target_host(target)}</b>" in cleaned
    assert "all:initial!important" in cleaned


@pytest.mark.parametrize(("target", "text"), PLAIN)
def test_an_honest_link_is_not_marked(target: str, text: str) -> None:
    """WEBMAIL-79."""
    assert "→" not in sanitize(f'<a href="{target}">{text}</a>', {}, external=False).html


def test_a_title_does_not_end_a_link() -> None:
    """WEBMAIL-79."""
    html = '<a title="a> </a>" href="https://evil.example/">bank.example</a> and <a href="https://evil.example/">x</a>'
    assert sanitize(html, {}, external=False).html.count("→") == 1


def test_a_picture_keeps_its_links() -> None:
    """WEBMAIL-53, WEBMAIL-79: the areas of a flyer are links as any other; one that names another host is marked."""
    flyer = (
        '<img src="https://img.example/f.png" usemap="#f"><map name="f"><area shape="rect" coords="0,0,200,300" '
        'href="https://shop.example/1" alt="Offer"><area href="https://evil.example/" alt="bank.example">'
        '<area href="javascript:alert(1)" onclick="x" alt="x"><area nohref ping="https://evil.example/p"></map>'
    )
    cleaned = sanitize(flyer, {}, external=True).html
    assert 'usemap="#f"' in cleaned
    assert '<area shape="rect" coords="0,0,200,300" href="https://shop.example/1" alt="Offer" ' in cleaned
    assert cleaned.count('target="_blank"') == cleaned.count('rel="noopener noreferrer"') == 4
    assert "javascript" not in cleaned
    assert "ping" not in cleaned
    assert cleaned.count("→ evil.example</b>") == 1
    assert "usemap" not in sanitize('<img usemap="https://evil.example/#f">', {}, external=True).html


def test_a_link_within_the_message_opens_no_page() -> None:
    """WEBMAIL-53: nor is any other link affected by it."""
    html = '<a href="#top">up</a><a title="href=\'#\'" href="https://a.example/#x">a</a><area href="#a">'
    cleaned = sanitize(html, {}, external=False).html
    assert '<a href="#top">up</a>' in cleaned
    assert 'href="https://a.example/#x" target="_blank" rel="noopener noreferrer">a</a>' in cleaned
    assert '<area href="#a">' in cleaned


def test_hosts_are_read_as_browsers_read_them() -> None:
    """WEBMAIL-79."""
    assert target_host("\x01 https:\t//u:p@EVIL.example:80\\x") == "evil.example"
    assert target_host("http://[::1]/") == "[::1]"
    assert target_host("mailto:a@evil.example") == ""
    assert named_hosts("(see http://a.example/x), b.example; c@d.example") == {"a.example", "b.example", "d.example"}


def test_links_cost_linear_time() -> None:
    """WEBMAIL-109."""
    began = time.process_time()
    for html in (
        '<a href="https://e.example">' + "x." * 500_000,
        '<a href="https://e.example">a.b</a>' * 15_000,
        "<area alt=a.b>" * 19_000,
    ):
        sanitize(html, {}, external=False)
    with pytest.raises(TooComplex):
        sanitize('<a href="x">a.b</a>' * 30_000, {}, external=False)
    assert time.process_time() - began < 8


@pytest.mark.parametrize(
    ("base", "href", "target"),
    [
        ("", "webcal://a.example/c.ics", "webcal://a.example/c.ics"),
        ("", "sms:+491", "sms:+491"),
        ("", "//a.example/x", "https://a.example/x"),
        ("", "www.a.example/x", "https://www.a.example/x"),
        ("", "/x", ""),
        ("<base href=https://a.example/b/c>", "d?e#f", "https://a.example/b/d?e#f"),
        ("<BASE target=_top href='https://a.example/b/'>", "/d", "https://a.example/d"),
        ("<base href='https://a.example/'>", "//b.example/d", "https://b.example/d"),
        ("<base href='https://a.example/'>", "mailto:b@b.example", "mailto:b@b.example"),
        ("<base href='https://a.example/'>", "ftp://b.example/", ""),
        ("<base href='https://a.example/'>", "java&#10;script:alert(1)", ""),
        ("<base href='https://a.example/'>", "\x01javascript:alert(1)", ""),
        ("<base href='javascript:alert(1)//'>", "x", ""),
        ("<base href='data:text/html,'>", "x", ""),
        ("<base href='https://[a/'>", "x", ""),
    ],
)
def test_a_link_keeps_its_target(base: str, href: str, target: str) -> None:
    """WEBMAIL-53: where the message has the rest of an address, or https is certain; other schemes go."""
    cleaned = sanitize(f'{base}<a href="{href}">Offer</a>', {}, external=True).html
    assert (f'href="{target}"' in cleaned) if target else ("href" not in cleaned)


def test_a_relative_link_is_marked_by_its_real_host() -> None:
    """WEBMAIL-79."""
    for html in ('<base href="https://evil.example/"><a href="x">', '<a href="//evil.example/">'):
        assert "→ evil.example</b>" in sanitize(f"{html}bank.example</a>", {}, external=False).html


def test_a_relative_picture_is_one_from_elsewhere() -> None:
    """WEBMAIL-53, WEBMAIL-55: it is counted by its host, and loaded on request alone."""
    html = (
        '<base href="https://a.example/b/"><img src="c.png"><img src="//d.example/e.png"><p style="background:url(f)">'
    )
    shown = sanitize(html, {}, external=False)
    assert shown.blocked == {"a.example": 2, "d.example": 1}
    assert "example" not in shown.html
    loaded = sanitize(html, {}, external=True).html
    assert 'src="https://a.example/b/c.png"' in loaded
    assert 'src="https://d.example/e.png"' in loaded
    assert "https://a.example/b/f" in loaded
