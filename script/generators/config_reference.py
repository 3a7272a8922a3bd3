"""docs/config.md from the structs of the configuration."""

from moxlite.config.reference import markdown


def outputs() -> dict[str, bytes]:
    """The reference of all keys."""
    return {"docs/config.md": markdown().encode()}
