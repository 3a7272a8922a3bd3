"""QR codes (ISO/IEC 18004) for pages, by the package segno, imported at the first use.

The page draws the path in an SVG of its own: its policy allows no markup from elsewhere.
"""

import msgspec

from moxlite.lazyimport import load


class QRCode(msgspec.Struct, frozen=True):
    """A QR code: `size` is its width in modules, with the quiet zone of 4; `path` draws the dark modules as strokes of
    width 1 (SVG path data), in lines at half modules.
    """

    size: int
    path: str


async def qr_code(text: str) -> QRCode:
    """Make the QR code of `text`, 2,300 octets at most, with 15 % error correction. Raises ValueError."""
    await load("segno")
    import segno

    code = segno.make(text, error="m", micro=False, boost_error=False)
    border = code.default_border_size
    strokes: list[str] = []
    for y, row in enumerate(code.matrix):
        x = 0
        while x < len(row):
            end = x
            while end < len(row) and row[end]:
                end += 1
            if end > x:
                strokes.append(f"M{x + border} {y + border}.5h{end - x}")
            x = end + 1
    return QRCode(len(code.matrix) + 2 * border, "".join(strokes))
