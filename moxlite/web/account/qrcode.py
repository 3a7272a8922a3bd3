"""QR codes as rows of modules, which pages draw (WEB-126, WEB-151)."""

import trio

from moxlite import lazyimport

__all__ = ["qr_rows"]


async def qr_rows(text: str) -> list[str]:
    """The QR code of a text without its quiet zone: a string of 0 (light) and 1 (dark) for each row."""
    await lazyimport.load("segno")  # 1 MB, which only a server with such pages needs
    return await trio.to_thread.run_sync(_rows, text)


def _rows(text: str) -> list[str]:
    import segno

    code = segno.make(text, error="m", micro=False)
    return ["".join("1" if module else "0" for module in row) for row in code.matrix]
