"""Packages of a release (ADMIN-43).

- `sources`: the version, and the files of the project
- `binary`: the frozen program: a folder, a tarball, and one file
- `deb`, `container`: that folder as a Debian package, and as an image
- `manual`: what the Debian package has for man(1) and shells
- `apt`: a repository of such packages with a signed Release file
- `publish`: a release in one folder

`packaging/` holds the files that go in as they are.
"""
