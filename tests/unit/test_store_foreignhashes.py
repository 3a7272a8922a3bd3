"""Password hashes of other servers: their forms, limits, and verification (STORE-100a)."""

import hashlib
import shutil
import subprocess
import sys

import argon2
import bcrypt
import pytest
from hypothesis import given, strategies as st

from moxlite.store.auth.foreignhashes import UnknownHash, read_hash, verify_hash, weak_scheme

PASSWORD = "correct hörse"

# Made with other code than ours: glibc's crypt(3) by Perl, OpenLDAP's slappasswd, doveadm pw, Stalwart's own tests.
GIVEN = {
    "{SHA512-CRYPT}$6$rounds=6000$saltsaltsaltsalt$": "perl",
    "$6$abc$": "perl",
    "{SHA256-CRYPT}$5$rounds=1000$saltsalt$": "perl",
    "{MD5-CRYPT}$1$saltsalt$": "perl",
    "{CRYPT}$2y$05$abcdefghijklmnopqrstuu": "perl",
}


def of_crypt(salt: str) -> str:
    """A hash by the C library's crypt."""
    made = subprocess.run(
        ["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", PASSWORD, salt], capture_output=True, check=True
    )
    return made.stdout.decode()


@pytest.mark.skipif(shutil.which("perl") is None, reason="no perl")
@pytest.mark.parametrize("given_salt", sorted(GIVEN))
def test_hashes_of_the_c_library_are_verified(given_salt: str) -> None:
    """STORE-100a"""
    scheme, salt = (
        (given_salt[: given_salt.index("}") + 1], given_salt[given_salt.index("}") + 1 :])
        if "}" in given_salt
        else ("", given_salt)
    )
    form = read_hash(scheme + of_crypt(salt))
    assert form.startswith("$")
    assert verify_hash(form, PASSWORD)
    assert not verify_hash(form, PASSWORD + "!")


@pytest.mark.skipif(shutil.which("doveadm") is None, reason="no Dovecot")
@pytest.mark.parametrize(
    "scheme",
    [
        "SHA512-CRYPT",
        "SHA256-CRYPT",
        "MD5-CRYPT",
        "BLF-CRYPT",
        "ARGON2I",
        "ARGON2ID",
        "SSHA",
        "SSHA256",
        "SSHA512",
        "PBKDF2",
    ],
)
def test_hashes_of_dovecot_are_verified(scheme: str) -> None:
    """STORE-100a"""
    made = subprocess.run(
        ["doveadm", "-o", "stats_writer_socket_path=", "pw", "-s", scheme, "-p", PASSWORD],
        capture_output=True,
        text=True,
    )
    if made.returncode:
        pytest.skip(f"this Dovecot has no {scheme}")
    form = read_hash(made.stdout.strip())
    assert verify_hash(form, PASSWORD)
    assert not verify_hash(form, PASSWORD.upper())


def test_hashes_of_other_libraries_are_verified() -> None:
    """STORE-100a"""
    forms = [
        bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4, b"2a")).decode(),
        argon2.PasswordHasher(type=argon2.Type.I, memory_cost=1024, time_cost=2).hash(PASSWORD),
        argon2.PasswordHasher(memory_cost=1024, time_cost=3, parallelism=2).hash(PASSWORD),
    ]
    from passlib.hash import ldap_salted_sha1, ldap_salted_sha512, pbkdf2_sha1, pbkdf2_sha256, pbkdf2_sha512

    others = (pbkdf2_sha1, pbkdf2_sha256, pbkdf2_sha512)
    forms += [kind.using(rounds=1000).hash(PASSWORD) for kind in others]
    forms += [kind.hash(PASSWORD) for kind in (ldap_salted_sha1, ldap_salted_sha512)]
    for form in forms:
        assert verify_hash(read_hash(form), PASSWORD), form
        assert not verify_hash(read_hash(form), ""), form


def test_a_phc_string_of_pbkdf2_is_verified() -> None:
    """STORE-100a: the form of RustCrypto, which Stalwart stores; the digest is computed here."""
    import base64

    salt = b"0123456789abcdef"
    digest = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, 600, 32)
    words = [base64.b64encode(one).decode().rstrip("=") for one in (salt, digest)]
    form = read_hash(f"$pbkdf2-sha256$i=600,l=32${words[0]}${words[1]}")
    assert verify_hash(form, PASSWORD)
    assert not verify_hash(form, "correct horse")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("$6$rounds=1000001$abc$" + "a" * 86, "SHA-crypt rounds too high: 1,000,001"),
        ("$2b$15$" + "a" * 53, "bcrypt cost too high: 15"),
        ("$argon2id$v=19$m=131073,t=3,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", "argon2 memory in KiB too high: 131,073"),
        ("$argon2i$v=19$m=1024,t=11,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", "argon2 time too high: 11"),
        ("$argon2i$v=19$m=1024,t=1,p=17$c2FsdHNhbHQ$aGFzaGhhc2g", "argon2 lanes too high: 17"),
        ("{PBKDF2}$1$salt$2000001$" + "0" * 40, "PBKDF2 rounds too high: 2,000,001"),
        ("$pbkdf2-sha512$2000001$c2FsdA$" + "a" * 86, "PBKDF2 rounds too high: 2,000,001"),
        ("$pbkdf2-sha512$i=2000001,l=64$c2FsdA$" + "a" * 86, "PBKDF2 rounds too high: 2,000,001"),
        ("{NTLM}" + "0" * 32, "scheme NTLM"),
        ("{PLAIN}secret", "scheme PLAIN"),
        ("secret", "unknown hash format"),
        ("", "unknown hash format"),
        ("{SSHA}AAAA", "unknown hash format"),
        ("{SSHA}???", "unknown hash format"),
        ("$2x$10$" + "a" * 53, "unknown hash format"),
        ("$6$abc$" + "a" * 85, "unknown hash format"),
        ("$1$abc$" + "a" * 2000, "unknown hash format"),
        ("$1$abc$ü", "unknown hash format"),
    ],
)
def test_costs_above_the_limits_and_unknown_forms_are_refused(text: str, reason: str) -> None:
    """STORE-100a"""
    with pytest.raises(UnknownHash, match=reason):
        read_hash(text)
    assert not verify_hash(text, PASSWORD)


@given(st.text(max_size=200), st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str, password: str) -> None:
    """STORE-100a"""
    try:
        form = read_hash(text)
    except UnknownHash:
        assert not verify_hash(text, password)
    else:
        assert read_hash(form) == form


def test_weak_schemes_are_named() -> None:
    """STORE-100a"""
    assert weak_scheme("$1$saltsalt$" + "a" * 22) == "MD5-CRYPT"
    assert weak_scheme("{SSHA}x") == weak_scheme("{SSHA512}x") == "SSHA"
    assert weak_scheme("$6$abc$" + "a" * 86) == ""


def test_log_ins_without_such_a_hash_load_no_library() -> None:
    """STORE-100a, ADMIN-82"""
    code = (
        "import sys\nfrom moxlite.store.auth import credentials as c\n"
        "stored = c.derive_credential('correct horse')\n"
        "assert c._verify(stored.password, 'correct horse') and not c._verify(stored.password, 'x')\n"
        "assert not {'passlib', 'bcrypt', 'moxlite.store.auth.foreignhashes'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
