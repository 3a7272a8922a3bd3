"""``script/package``: see there."""

import argparse
import sys
from pathlib import Path

from packages.apt import KEY, SUITE, build_repository
from packages.binary import build_file, build_program
from packages.container import build_image
from packages.deb import MACHINES, build_deb
from packages.publish import build_release, sign_release
from packages.sources import TOP, Failed, build_wheel, version


def main() -> int:
    """Build what is asked for; prints the paths."""
    parser = argparse.ArgumentParser(prog="script/package", description="Build packages into dist/.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    wheel = verbs.add_parser("wheel", help="a wheel, for pip")
    deb = verbs.add_parser("deb", help="a package for Debian 12 on its own Python")
    deb.add_argument("--arch", choices=sorted(MACHINES), default="amd64")
    deb.add_argument("--version", default=version(), help="instead of %(default)s")
    deb.add_argument("--wheels", type=Path, metavar="DIR", help="take dependencies from there, not from the network")
    deb.add_argument("--compression", choices=("xz", "zstd", "gzip", "none"), default="xz", help="fast ones for tests")
    binary = verbs.add_parser("binary", help="the program with its own Python, as a folder and as one file")
    binary.add_argument("--version", default=version(), help="instead of %(default)s")
    binary.add_argument("--wheels", type=Path, metavar="DIR", help="as of deb")
    binary.add_argument("--program", type=Path, metavar="DIR", help="make the file of a folder that was built before")
    apt = verbs.add_parser("apt", help="a signed apt repository with these packages, besides those that it has")
    apt.add_argument("--key", required=True, help="of gpg's keyring (GNUPGHOME), by fingerprint or address")
    apt.add_argument("packages", type=Path, nargs="+", metavar="DEB")
    image = verbs.add_parser("container", help="an image for docker or podman, out of these packages")
    image.add_argument("--tag", default="moxlite", help="instead of %(default)s")
    image.add_argument("--arch", choices=sorted(MACHINES), action="append", help="may be repeated; all that there are")
    image.add_argument("--wheels", type=Path, metavar="DIR", help="as of deb")
    release = verbs.add_parser("release", help="all of these, with hashes, an SBOM and the list of changes")
    release.add_argument("--version", default=version(), help="instead of %(default)s")
    release.add_argument("--wheels", type=Path, metavar="DIR", help="as of deb")
    release.add_argument("--compression", choices=("xz", "zstd", "gzip", "none"), default="xz", help="as of deb")
    sign = verbs.add_parser("sign", help="sign a release on the machine that has the keys: apt/, changes, hashes")
    sign.add_argument("--key", required=True, help="as of apt")
    sign.add_argument("--signing-key", type=Path, required=True, metavar="PEM", help="Ed25519, of the list of changes")
    sign.add_argument("folder", type=Path, metavar="DIR", help="as release made it")
    for one in (wheel, deb, binary, apt, release):
        one.add_argument("--to", type=Path, default=TOP / "dist", metavar="DIR", help="instead of %(default)s")
    args = parser.parse_args()
    try:
        match args.verb:
            case "wheel":
                args.to.mkdir(parents=True, exist_ok=True)
                print(build_wheel(args.to))
            case "deb":
                print(build_deb(args.to, args.arch, args.version, wheels=args.wheels, compression=args.compression))
            case "binary":
                program = args.program or build_program(args.to, wheels=args.wheels)
                print(f"{program}\n{build_file(args.to, args.version, program)}")
            case "release":
                folder = args.to / args.version
                build_release(folder, args.version, wheels=args.wheels, compression=args.compression)
                print(folder)
            case "sign":
                sign_release(args.folder, args.key, args.signing_key)
                print(args.folder)
            case "container":
                build_image(args.tag, args.arch or sorted(MACHINES), version(), wheels=args.wheels)
                print(args.tag)
            case _:
                folder = args.to / "apt"
                build_repository(folder, args.packages, args.key)
                print(f"{folder}\ndeb [signed-by=/etc/apt/keyrings/{KEY}] https://YOUR-SERVER/ {SUITE} main")
    except Failed as failed:
        print(f"package: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
