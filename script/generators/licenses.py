"""The page of licences that every app serves (WEB-32): of moxlite, its icons, and the packages that it needs."""

import re
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
LINE = "-" * 78

LUCIDE = """\
Icons of the account and admin apps: Lucide, https://lucide.dev

ISC License

Copyright (c) Lucide Icons and Contributors

Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted,
provided that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
THIS SOFTWARE.

Some of these icons are from Feather, MIT License, Copyright (c) 2013-present Cole Bemis.
"""

SQUIRE = """\
The editor of mail with formatting in the webmail: Squire, https://github.com/neilj/Squire

The MIT License (MIT)

Copyright © 2011–2023 by Neil Jenkins

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to
deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or
sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in
all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING
FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS
IN THE SOFTWARE.
"""


def outputs() -> dict[str, bytes]:
    """The page; packages as ``requirements/runtime.lock`` names them."""
    names = re.findall(
        r"^([a-z0-9_.-]+)==", (TOP / "requirements" / "runtime.lock").read_text(), re.MULTILINE | re.IGNORECASE
    )
    lines = [f"{name}: {license_of(name)}" for name in sorted(set(names), key=str.lower)]
    parts = [
        "moxlite",
        (TOP / "LICENSE").read_text().strip(),
        LUCIDE.strip(),
        SQUIRE.strip(),
        "Packages that moxlite runs with; each comes with its own licence text:\n\n" + "\n".join(lines),
    ]
    return {"moxlite/web/static/licenses.txt": (f"\n\n{LINE}\n\n".join(parts) + "\n").encode()}


def license_of(name: str) -> str:
    """The licence of an installed package in one line."""
    try:
        found = metadata(name)
    except PackageNotFoundError:
        return "see its documentation"
    if expression := _field(found, "License-Expression"):
        return expression
    classified = [one.rpartition(" :: ")[2] for one in found.get_all("Classifier") or [] if one.startswith("License")]
    stated = _field(found, "License").strip().partition("\n")[0]
    return ", ".join(classified) or stated or "see its documentation"


def _field(found: PackageMetadata, name: str) -> str:
    return str(found[name] or "") if name in found else ""
