"""The bound of namespaces in XML of strangers, for all that read some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyexpat

MAX_NAMESPACE: Final = 256
"""Characters of the name of a namespace. Expat writes it before each name below it: 5 MiB of it, and a thousand short
names, would be 5 GiB.
"""


def bound_namespaces(parser: pyexpat.XMLParserType, refusal: Exception) -> None:
    """Have a parser raise `refusal` for a namespace with a long name, before a name with it is made."""

    def check(_prefix: str | None, uri: str | None) -> None:
        if len(uri or "") > MAX_NAMESPACE:
            raise refusal

    parser.StartNamespaceDeclHandler = check
