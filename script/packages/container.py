"""An image for containers (ADMIN-42): Debian 12 with our package, for each platform that has one."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from packages.deb import build_deb
from packages.sources import TOP, Failed, run

__all__ = ["PROGRAMS", "build_image"]

PROGRAMS: Final = ("docker", "podman")
"""What builds images; the first that is there does."""

FILES: Final = TOP / "packaging/container"


def build_image(tag: str, architectures: Sequence[str], version: str, *, wheels: Path | None = None) -> None:
    """Build the image `tag` with the package of each architecture. Another machine's needs its emulation (binfmt_misc).

    Raises Failed.
    """
    program = next((name for name in PROGRAMS if shutil.which(name)), None)
    if program is None:
        raise Failed(f"none of {', '.join(PROGRAMS)} is installed")
    with tempfile.TemporaryDirectory(prefix="moxlite-image-") as name:
        context = Path(name)
        shutil.copy(FILES / "Containerfile", context)
        for architecture in architectures:
            package = build_deb(context / architecture, architecture, version, wheels=wheels, compression="gzip")
            package.rename(context / architecture / "moxlite.deb")
        platforms = ",".join(f"linux/{architecture}" for architecture in architectures)
        how = ("buildx", "build") if program == "docker" else ("build",)
        run(program, *how, "--platform", platforms, "--tag", tag, "--file", context / "Containerfile", context)
