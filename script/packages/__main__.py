"""``script/package``: see there."""

import argparse
import os
import sys
from pathlib import Path

from packages.apt import KEY, SUITES, build_repository
from packages.binary import build_file, build_program
from packages.container import build_image
from packages.deb import build_deb
from packages.publish import build_release, sign_release
from packages.sources import TOP, Failed, build_wheel, version

LEVELS = ("xz", "zstd", "gzip", "none")


def main() -> int:
    """Build what is asked for; prints the paths."""
    parser = argparse.ArgumentParser(prog="script/package", description="Build packages into dist/.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    wheel = verbs.add_parser("wheel", help="a wheel, for pip")
    binary = verbs.add_parser("binary", help="the program with its own Python: a folder, a tarball of it, and one file")
    deb = verbs.add_parser("deb", help="one package for Debian, Ubuntu and Raspberry Pi OS, of that folder")
    image = verbs.add_parser("container", help="an image for docker or podman, of that folder")
    everything = verbs.add_parser("all", help="binary, deb and container")
    release = verbs.add_parser("release", help="all, wheel and sdist, with hashes, an SBOM and the list of changes")
    apt = verbs.add_parser(
        "apt", help="a signed apt repository with these packages, and those that it has of the last three versions"
    )
    sign = verbs.add_parser(
        "sign", help="sign a release on the machine that has the keys: changes, hashes, and apt/ beside it"
    )
    for one in (binary, deb, image, everything, release):
        one.add_argument("--version", default=version(), help="instead of %(default)s")
        one.add_argument("--wheels", type=Path, metavar="DIR", help="of locked packages, instead of the network")
        one.add_argument("--program", type=Path, metavar="DIR", help="the folder, built before, of either processor")
    for one in (deb, everything, release):
        one.add_argument("--compression", choices=LEVELS, default="xz", help="of the package; fast ones for tests")
    release.add_argument("--others", type=Path, metavar="DIR", help="packages of other processors, made by `all`")
    for one in (wheel, binary, deb, image, everything, release, apt):
        one.add_argument("--to", type=Path, default=TOP / "dist", metavar="DIR", help="instead of %(default)s")
    apt.add_argument("packages", type=Path, nargs="+", metavar="DEB")
    for one in (apt, sign):
        one.add_argument("--key", required=True, help="of gpg's keyring (GNUPGHOME), by fingerprint or address")
    sign.add_argument("--signing-key", type=Path, required=True, metavar="PEM", help="Ed25519, of the list of changes")
    sign.add_argument("folder", type=Path, metavar="DIR", help="as release made it")
    args = parser.parse_args()
    os.umask(0o022)  # modes are packed
    try:
        for path in build(args):
            print(path)
    except Failed as failed:
        print(f"package: {failed}", file=sys.stderr)
        return 1
    return 0


def build(args: argparse.Namespace) -> list[object]:
    """Lines to print: the paths of what was built. Raises Failed."""
    match args.verb:
        case "wheel":
            args.to.mkdir(parents=True, exist_ok=True)
            return [build_wheel(args.to)]
        case "sign":
            sign_release(args.folder, args.key, args.signing_key)
            return [args.folder]
        case "apt":
            folder = args.to / "apt"
            build_repository(folder, args.packages, args.key)
            return [folder, f"deb [signed-by=/etc/apt/keyrings/{KEY}] https://YOUR-SERVER/ {SUITES[0]} main"]
    folder = args.to / args.version if args.verb == "release" else args.to
    if args.verb == "release" and folder.exists() and any(folder.iterdir()):
        raise Failed(f"{folder} is not empty: name another folder with --to, or remove it")
    program = args.program or build_program(args.to, wheels=args.wheels)
    made: list[object] = []
    if args.verb in ("binary", "all", "release"):
        made += [program, *build_file(folder, args.version, program)]
    if args.verb in ("deb", "all", "release"):
        made.append(build_deb(folder, args.version, program, compression=args.compression))
    if args.verb in ("container", "all", "release"):
        made.append(build_image(folder, args.version, program))
    if args.verb == "release":
        build_release(folder, args.version, others=args.others)
        return [folder]
    return made


if __name__ == "__main__":
    sys.exit(main())
