"""The generators behind `script/gen`: each module has `outputs() -> dict[str, bytes]`, path from the top → content."""
