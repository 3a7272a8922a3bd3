"""SASL exchanges, both sides, with the vectors of RFC 2195, RFC 5802 §5 and RFC 7677 §3."""

import hashlib
import hmac

import pytest
from hypothesis import given, strategies as st

from moxlite.proto import sasl
from moxlite.proto.sasl.crammd5 import CramMD5Client, CramMD5Server, hmac_md5_resumed, md5_block
from moxlite.proto.sasl.scram import ScramClient, ScramServer, derive_scram

HOST = "mail.example"
USER = "ux@mox.example"
PASSWORD = "pencil é"
BINDINGS = {"tls-exporter": b"E" * 32, "tls-server-end-point": b"P" * 32}
KNOWN = sasl.Secrets(derive_scram(PASSWORD, "sha1"), derive_scram(PASSWORD, "sha256"), sasl.cram_md5_states(PASSWORD))
UNKNOWN = sasl.decoy_secrets(b"install", USER)


def run(client: sasl.ClientMechanism, server: sasl.ServerMechanism, secrets: sasl.Secrets = KNOWN) -> sasl.Step:
    """Let both talk until the server comes to an end."""
    step = server.step(client.initial())
    while True:
        if isinstance(step, sasl.NeedCredentials):
            assert step.username == USER
            step = server.credentials(secrets)
        elif isinstance(step, sasl.Challenge):
            step = server.step(client.step(step.data))
        else:
            client.finish()
            return step


def client(name: str, password: str = PASSWORD, bindings: sasl.ChannelBindings = BINDINGS) -> sasl.ClientMechanism:
    mechanism = sasl.choose_mechanism(
        sasl.SERVER_ORDER, USER, password, bindings=bindings, tls=True, certificate=True, only=[name]
    )
    assert mechanism is not None
    assert mechanism.name == name
    return mechanism


def server(name: str, bindings: sasl.ChannelBindings = BINDINGS) -> sasl.ServerMechanism:
    mechanism = sasl.server_mechanism(name, hostname=HOST, bindings=bindings)
    assert mechanism is not None
    assert mechanism.name == name
    return mechanism


PROVING = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "CRAM-MD5"]


@pytest.mark.parametrize("name", PROVING)
def test_the_right_password_is_proven(name: str) -> None:
    """SMTP-48, 53, 54, 55; IMAP-43, 45"""
    assert run(client(name), server(name)) == sasl.Done(USER)


def shapes(one: sasl.ClientMechanism, other: sasl.ServerMechanism, secrets: sasl.Secrets) -> tuple[list[int], str]:
    """The lengths of the server's challenges until it refuses, and the text of its refusal."""
    lengths = []
    data = one.initial()
    try:
        while True:
            step = other.step(data)
            if isinstance(step, sasl.NeedCredentials):
                step = other.credentials(secrets)
            assert isinstance(step, sasl.Challenge)
            lengths.append(0 if step.data.startswith(b"<") else len(step.data))
            data = b"" if step.data == b"e=invalid-proof" else one.step(step.data)
    except sasl.AuthenticationFailed as error:
        return lengths, f"{error.result} {error}"


@pytest.mark.parametrize("name", PROVING)
def test_a_wrong_password_fails_and_an_unknown_user_fails_alike(name: str) -> None:
    """SMTP-56, 57; IMAP-46"""
    wrong = shapes(client(name, "other"), server(name), KNOWN)
    unknown = shapes(client(name), server(name), UNKNOWN)
    assert wrong == unknown
    assert wrong[1].startswith("badcreds ")


@pytest.mark.parametrize("name", PROVING)
def test_a_known_user_without_that_secret_is_no_failure_of_the_client(name: str) -> None:
    """SMTP-57; IMAP-44; STORE-101"""
    with pytest.raises(sasl.SecretsMissing):
        run(client(name), server(name), sasl.Secrets())


@pytest.mark.parametrize("name", ["PLAIN", "LOGIN"])
def test_passwords_in_the_clear_are_handed_to_the_caller(name: str) -> None:
    """SMTP-51; IMAP-43"""
    assert run(client(name), server(name)) == sasl.CheckPassword(USER, PASSWORD)


def test_external_hands_over_the_identity_wanted() -> None:
    """SMTP-58; IMAP-49"""
    assert run(client("EXTERNAL"), server("EXTERNAL")) == sasl.CheckCertificate("")
    assert server("EXTERNAL").step(b"a@b.example") == sasl.CheckCertificate("a@b.example")
    with pytest.raises(sasl.Malformed):
        server("EXTERNAL").step(b"a\0b")


def test_client_first_mechanisms_ask_for_a_missing_initial_response() -> None:
    """SMTP-50"""
    for name in ("PLAIN", "EXTERNAL", "SCRAM-SHA-256"):
        assert server(name).step(None) == sasl.Challenge(b"")


def test_plain_needs_three_fields_in_utf8_with_content() -> None:
    """SMTP-51"""
    for bad in (b"", b"\0", b"a\0b", b"\0a\0b\0", b"\0\0b", b"\0a\0", b"\0\xff\0b"):
        with pytest.raises(sasl.Malformed):
            server("PLAIN").step(bad)


def test_acting_as_another_user_is_refused() -> None:
    """SMTP-51; IMAP-43"""
    assert server("PLAIN").step(b"a\0a\0p") == sasl.CheckPassword("a", "p", "a")
    with pytest.raises(sasl.AuthorizationFailed):
        server("PLAIN").step(b"b\0a\0p")
    with pytest.raises(sasl.AuthorizationFailed):
        server("SCRAM-SHA-1").step(b"n,a=b,n=a,r=0123456789")


def test_user_names_are_brought_to_nfc() -> None:
    """SMTP-51, 54: and the marks of direction that are copied with a name of another script don't count."""
    marked = "\u200fé@x\u200e".encode()
    assert server("PLAIN").step(b"\0" + marked + b"\0p") == sasl.CheckPassword("é@x", "p")
    decomposed = "e\u0301@x".encode()
    assert server("PLAIN").step(b"\0" + decomposed + b"\0p") == sasl.CheckPassword("é@x", "p")
    wanted = server("SCRAM-SHA-1").step(b"n,,n=" + decomposed + b",r=0123456789")
    assert isinstance(wanted, sasl.NeedCredentials)
    assert wanted.username == "é@x"


def test_login_prompts_as_clients_expect_and_takes_the_name_at_once() -> None:
    """SMTP-51"""
    login = server("LOGIN")
    assert login.step(None) == sasl.Challenge(b"Username:")
    assert login.step(b"a") == sasl.Challenge(b"Password:")
    assert login.step(b"p") == sasl.CheckPassword("a", "p")
    login = server("LOGIN")
    assert login.step(b"a") == sasl.Challenge(b"Password:")
    for bad in (b"\xff", b""):
        with pytest.raises(sasl.Malformed):
            login.step(bad)


def test_a_password_never_shows_in_a_representation() -> None:
    """SMTP-47"""
    assert "geheim" not in repr(sasl.CheckPassword("a", "geheim"))


def test_cram_md5_vector_of_the_rfc() -> None:
    """SMTP-53, 178"""
    mechanism = CramMD5Server(HOST, challenge=b"<1896.697170952@postoffice.reston.mci.net>")
    assert mechanism.step(None) == sasl.Challenge(b"<1896.697170952@postoffice.reston.mci.net>")
    assert mechanism.step(b"tim b913a602c7eda7a495b4e6e7334d3890") == sasl.NeedCredentials("tim")
    secrets = sasl.Secrets(cram_md5=sasl.cram_md5_states("tanstaaftanstaaf"))
    assert mechanism.credentials(secrets) == sasl.Done("tim")


@given(st.text(max_size=100), st.binary(max_size=200))
def test_resumed_hmac_md5_equals_that_of_the_library(password: str, message: bytes) -> None:
    """SMTP-53; STORE-100"""
    key = password.encode("utf-8", "replace")
    states = sasl.cram_md5_states(key.decode())
    assert len(states) == 32
    assert hmac_md5_resumed(states, message) == hmac.digest(key, message, "md5")


def test_md5_blocks_give_md5() -> None:
    """SMTP-53"""
    initial = bytes.fromhex("0123456789abcdeffedcba9876543210")
    block = b"abc\x80" + bytes(52) + (24).to_bytes(8, "little")
    assert md5_block(initial, block) == hashlib.md5(b"abc").digest()


def test_cram_md5_refuses_what_is_not_name_and_digest() -> None:
    """SMTP-53"""
    with pytest.raises(sasl.Malformed):
        server("CRAM-MD5").step(b"tim 00")
    for bad in (b"", b"tim", b"tim 00", b" " + b"0" * 32):
        mechanism = server("CRAM-MD5")
        mechanism.step(None)
        with pytest.raises(sasl.Malformed):
            mechanism.step(bad)


def test_scram_sha_1_vector_of_the_rfc() -> None:
    """SMTP-54, 178"""
    scram = ScramServer("SCRAM-SHA-1", nonce="3rfcNHYJY1ZVvWVs7j")
    secrets = derive_scram("pencil", "sha1", salt=bytes.fromhex("4125c247e43ab1e93c6dff76"), iterations=4096)
    one = ScramClient("SCRAM-SHA-1", "user", "pencil", nonce="fyko+d2lbbFgONRv9qkxdawL")
    assert one.initial() == b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"
    assert scram.step(one.initial()) == sasl.NeedCredentials("user")
    first = scram.credentials(sasl.Secrets(scram_sha_1=secrets))
    assert first == sasl.Challenge(b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096")
    final = one.step(first.data)
    assert final == b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
    assert scram.step(final) == sasl.Challenge(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")
    assert one.step(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=") == b""
    assert scram.step(b"") == sasl.Done("user")


SEVERAL = [f"password {number}" for number in range(4)]


def several(*, salt: bytes = b"0123456789abcdef") -> list[sasl.Secrets]:
    """The secrets of `SEVERAL`."""
    return [
        sasl.Secrets(
            derive_scram(one, "sha1", salt=salt, iterations=4096),
            derive_scram(one, "sha256", salt=salt, iterations=4096),
            sasl.cram_md5_states(one),
        )
        for one in SEVERAL
    ]


@pytest.mark.parametrize("name", ["CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"])
@pytest.mark.parametrize("place", [*range(len(SEVERAL)), None])
def test_any_of_several_passwords_will_do(name: str, place: int | None) -> None:
    """STORE-191, IMAP-158: the proof is tried on each, and the place of the right one is told."""
    password = "another" if place is None else SEVERAL[place]
    # Those without a secret for the mechanism keep their place.
    secrets = [sasl.Secrets(), *several()]
    mechanism = server(name)
    if name == "CRAM-MD5":
        challenge = mechanism.step(None)
        assert isinstance(challenge, sasl.Challenge)
        mechanism.step(CramMD5Client("tim", password).step(challenge.data))
        if place is None:
            with pytest.raises(sasl.AuthenticationFailed):
                mechanism.credentials(*secrets)
        else:
            assert mechanism.credentials(*secrets) == sasl.Done("tim", place + 1)
        return
    client = ScramClient(name, "tim", password)
    mechanism.step(client.initial())
    first = mechanism.credentials(*secrets)
    assert isinstance(first, sasl.Challenge)
    final = mechanism.step(client.step(first.data))
    assert isinstance(final, sasl.Challenge)
    if place is None:
        assert final.data == b"e=invalid-proof"
        with pytest.raises(sasl.AuthenticationFailed):
            mechanism.step(b"")
    else:
        assert client.step(final.data) == b""
        assert mechanism.step(b"") == sasl.Done("tim", place + 1)


def test_scram_counts_only_passwords_with_the_salt_that_it_names() -> None:
    """STORE-191"""
    mechanism = server("SCRAM-SHA-256")
    client = ScramClient("SCRAM-SHA-256", "tim", SEVERAL[1])
    mechanism.step(client.initial())
    first = mechanism.credentials(several()[0], several(salt=b"another salt 123")[1])
    assert isinstance(first, sasl.Challenge)
    assert b"s=MDEyMzQ1Njc4OWFiY2RlZg==" in first.data
    assert mechanism.step(client.step(first.data)) == sasl.Challenge(b"e=invalid-proof")
    nothing = server("SCRAM-SHA-256")
    nothing.step(client.initial())
    with pytest.raises(sasl.SecretsMissing):
        nothing.credentials(sasl.Secrets(), sasl.Secrets())


def test_scram_sha_256_vector_of_the_rfc() -> None:
    """SMTP-54, 178"""
    one = ScramClient("SCRAM-SHA-256", "user", "pencil", nonce="rOprNGfwEbeRWgbNEkqO")
    final = one.step(b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
    assert final == (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    assert one.step(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=") == b""
    one.finish()


def test_derived_secrets_have_the_stored_form() -> None:
    """STORE-100; SMTP-54"""
    secrets = derive_scram(PASSWORD, "sha256")
    assert (len(secrets.salt), secrets.iterations) == (16, 10_000)
    assert (len(secrets.stored_key), len(secrets.server_key)) == (32, 32)


def test_decoys_are_stable_and_formed_like_real_secrets() -> None:
    """SMTP-57; IMAP-46"""
    assert sasl.decoy_secrets(b"install", USER) == UNKNOWN
    assert sasl.decoy_secrets(b"install", "other@mox.example") != UNKNOWN
    for known, decoy in ((KNOWN.scram_sha_1, UNKNOWN.scram_sha_1), (KNOWN.scram_sha_256, UNKNOWN.scram_sha_256)):
        assert known is not None
        assert decoy is not None
        assert len(known.salt) == len(decoy.salt)
        assert len(known.stored_key) == len(decoy.stored_key)
        assert known.iterations == decoy.iterations


def test_a_bare_mechanism_with_a_binding_is_served_and_checked() -> None:
    """SMTP-54"""
    bare = server("SCRAM-SHA-256")
    step = bare.step(b"p=tls-exporter,,n=" + USER.encode() + b",r=0123456789")
    assert step == sasl.NeedCredentials(USER)


def test_a_client_that_saw_no_plus_is_warned_of_an_attack() -> None:
    """SMTP-54; IMAP-45"""
    with pytest.raises(sasl.ChannelBindingFailed) as caught:
        server("SCRAM-SHA-256").step(b"y,,n=a,r=0123456789")
    assert caught.value.result == "badchanbind"
    assert server("SCRAM-SHA-256", {}).step(b"y,,n=a,r=0123456789") == sasl.NeedCredentials("a")


def test_another_tls_connection_is_noticed() -> None:
    """SMTP-55"""
    elsewhere = {"tls-exporter": b"X" * 32}
    with pytest.raises(sasl.ChannelBindingFailed):
        run(client("SCRAM-SHA-256-PLUS", bindings=elsewhere), server("SCRAM-SHA-256-PLUS"))
    with pytest.raises(sasl.ChannelBindingFailed):
        server("SCRAM-SHA-256-PLUS").step(b"p=tls-unique,,n=a,r=0123456789")
    with pytest.raises(sasl.Malformed):
        server("SCRAM-SHA-256-PLUS").step(b"n,,n=a,r=0123456789")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"n,,m=x,n=a,r=0123456789",
        b"n,,n=a,r=0123456",
        b"n,,n=a=,r=0123456789",
        b"n,,n=,r=0123456789",
        b"n,,r=0123456789,n=a",
        b"x,,n=a,r=0123456789",
        b"n,,n=a,r=01234 56789",
        b"n,,n=\xff,r=0123456789",
    ],
)
def test_a_malformed_first_message_is_refused(message: bytes) -> None:
    """SMTP-54"""
    with pytest.raises(sasl.Malformed) as caught:
        server("SCRAM-SHA-256").step(message)
    assert caught.value.result == "badprotocol"


def test_a_malformed_final_message_is_refused() -> None:
    """SMTP-54"""
    for bad in (b"", b"c=biws", b"c=biws,r=0123456789x,p=AAAA", b"c=b!,r=0,p=AAAA", b"p=AAAA,c=biws,r=0"):
        mechanism = server("SCRAM-SHA-256", {})
        mechanism.step(b"n,,n=a,r=0123456789")
        mechanism.credentials(KNOWN)
        with pytest.raises(sasl.Malformed):
            mechanism.step(bad)


def test_names_with_comma_and_equals_are_escaped() -> None:
    """SMTP-54"""
    one = ScramClient("SCRAM-SHA-1", "a,b=c", "p")
    assert one.initial().startswith(b"n,,n=a=2Cb=3Dc,r=")
    assert server("SCRAM-SHA-1").step(one.initial()) == sasl.NeedCredentials("a,b=c")


def test_a_client_takes_the_best_mechanism_offered() -> None:
    """SMTP-123"""

    def best(offered: str, **more: object) -> str | None:
        options = {"tls": True, "bindings": BINDINGS, **more}
        mechanism = sasl.choose_mechanism(offered.split(), USER, PASSWORD, **options)  # type: ignore[arg-type]  # by name
        return mechanism.name if mechanism else None

    everything = " ".join(reversed(sasl.SERVER_ORDER)).lower()
    assert best(everything, certificate=True) == "EXTERNAL"
    assert best(everything) == "SCRAM-SHA-256-PLUS"
    assert best(everything, bindings={}) == "SCRAM-SHA-256"
    assert best("PLAIN SCRAM-SHA-1 SCRAM-SHA-1-PLUS") == "SCRAM-SHA-1-PLUS"
    assert best("LOGIN CRAM-MD5 PLAIN") == "CRAM-MD5"
    assert best("LOGIN PLAIN") == "PLAIN"
    assert best("LOGIN PLAIN", tls=False) is None
    assert best("LOGIN PLAIN", tls=False, allow_clear=True) == "PLAIN"
    assert best(everything, only=["login"]) == "LOGIN"
    assert best("GSSAPI") is None


def test_a_client_tells_that_it_could_bind_only_if_no_plus_is_offered() -> None:
    """SMTP-123"""
    for offered, flag in ((["SCRAM-SHA-256"], b"y,,"), (["SCRAM-SHA-256", "SCRAM-SHA-1-PLUS"], b"n,,")):
        mechanism = sasl.choose_mechanism(offered, USER, PASSWORD, bindings=BINDINGS, tls=True, only=["SCRAM-SHA-256"])
        assert mechanism is not None
        assert (mechanism.initial() or b"").startswith(flag)


@pytest.mark.parametrize("iterations", [b"1", b"4095", b"1000001", b"0", b"-5"])
def test_a_client_refuses_iteration_counts_out_of_bounds(iterations: bytes) -> None:
    """SMTP-123"""
    one = ScramClient("SCRAM-SHA-1", "user", "pencil", nonce="abcdefgh")
    with pytest.raises(sasl.Malformed):
        one.step(b"r=abcdefghij,s=QSXCR+Q6sek8bf92,i=" + iterations)


def test_a_client_wants_proof_of_the_server() -> None:
    """SMTP-123"""
    one = ScramClient("SCRAM-SHA-1", "user", "pencil", nonce="abcdefgh")
    with pytest.raises(sasl.AuthenticationFailed):
        one.finish()
    one.step(b"r=abcdefghij,s=QSXCR+Q6sek8bf92,i=4096")
    with pytest.raises(sasl.AuthenticationFailed):
        one.step(b"v=AAAA")
    with pytest.raises(sasl.Malformed):
        ScramClient("SCRAM-SHA-1", "user", "pencil").step(b"r=other,s=QSXCR+Q6sek8bf92,i=4096")
    other = ScramClient("SCRAM-SHA-1", "user", "pencil", nonce="abcdefgh")
    other.step(b"r=abcdefghij,s=QSXCR+Q6sek8bf92,i=4096")
    with pytest.raises(sasl.Malformed):
        other.step("v=rmF9pqü".encode())


def test_plus_and_external_are_announced_only_where_they_work() -> None:
    """SMTP-48"""
    assert sasl.announced({}) == ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"]
    assert sasl.announced(BINDINGS, certificate=True) == list(sasl.SERVER_ORDER)
    assert sasl.server_mechanism("SCRAM-SHA-512", hostname=HOST) is None
    assert sasl.server_mechanism("scram-sha-1", hostname=HOST) is not None


def test_passwords_follow_opaque_string() -> None:
    """SMTP-51; STORE-100"""
    assert sasl.prepare_password("e\u0301\u00a0x") == "é x"
    for bad in ("", "a\x00", "\t", "x" * 2000):
        with pytest.raises(ValueError):
            sasl.prepare_password(bad)


@given(st.sampled_from(sasl.SERVER_ORDER), st.lists(st.binary(max_size=60), max_size=4))
def test_no_client_message_breaks_a_mechanism(name: str, messages: list[bytes]) -> None:
    """SMTP-178"""
    mechanism = server(name)
    try:
        for message in messages:
            step = mechanism.step(message)
            if isinstance(step, sasl.NeedCredentials):
                step = mechanism.credentials(KNOWN)
            if not isinstance(step, sasl.Challenge):
                break
    except sasl.SASLError:
        return


def test_the_identity_to_act_as_is_given_as_the_name_is() -> None:
    """SMTP-54, IMAP-43: decoded; one that only looks alike is another user."""
    first = b"n,a=a=2Cb=3Dc,n=a=2Cb=3Dc,r=0123456789"
    assert server("SCRAM-SHA-1").step(first) == sasl.NeedCredentials("a,b=c", "a,b=c")
    with pytest.raises(sasl.AuthorizationFailed):
        server("SCRAM-SHA-1").step(b"n,a=a=2Cb,n=a=3Db,r=0123456789")
    with pytest.raises(sasl.Malformed):
        server("SCRAM-SHA-1").step(b"n,a=a=2,n=a,r=0123456789")


def test_a_nonce_of_eight_characters_will_do() -> None:
    """SMTP-54."""
    assert server("SCRAM-SHA-1").step(b"n,,n=a,r=01234567") == sasl.NeedCredentials("a")


def _proving_client() -> tuple[ScramClient, bytes]:
    """A client that has sent its proof, and the right answer."""
    one, other = ScramClient("SCRAM-SHA-256", USER, PASSWORD), server("SCRAM-SHA-256", {})
    other.step(one.initial())
    first = other.credentials(KNOWN)
    assert isinstance(first, sasl.Challenge)
    final = other.step(one.step(first.data))
    assert isinstance(final, sasl.Challenge)
    return one, final.data


def test_a_client_reads_the_last_message_to_the_letter() -> None:
    """SMTP-123, RFC 5802 §7: extensions behind the signature, and nothing within."""
    one, final = _proving_client()
    assert one.step(final + b",x=y") == b""
    one.finish()
    for bad in (final[:4] + b"!" + final[4:], final.replace(b"v=", b"V="), b"v=", final + b"x=y", final[2:]):
        one, _ = _proving_client()
        with pytest.raises(sasl.SASLError) as caught:
            one.step(bad)
        assert not isinstance(caught.value, sasl.Refused)
    one, _ = _proving_client()
    with pytest.raises(sasl.Refused, match="other-error"):
        one.step(b"e=other-error")


@pytest.mark.parametrize("length", [1, 55, 56, 63, 64, 65, 300])
def test_cram_md5_takes_passwords_of_any_length(length: int) -> None:
    """SMTP-53, RFC 2104 §2: a key beyond a block is hashed first."""
    password = "p" * length
    assert hmac_md5_resumed(sasl.cram_md5_states(password), b"x" * length) == hmac.digest(
        password.encode(), b"x" * length, "md5"
    )


def test_cram_md5_takes_names_with_spaces() -> None:
    """SMTP-53, IMAP-43: the digest is behind the last one."""
    one, other = CramMD5Client('" "@example.org', PASSWORD), CramMD5Server(HOST)
    challenge = other.step(None)
    assert isinstance(challenge, sasl.Challenge)
    assert other.step(one.step(challenge.data)) == sasl.NeedCredentials('" "@example.org')
    assert other.credentials(KNOWN) == sasl.Done('" "@example.org')


def test_passwords_have_a_longest_length() -> None:
    """IMAP-43: of characters, prepared or not."""
    for character in "pä":
        assert sasl.prepare_password(character * 1024) == character * 1024
        with pytest.raises(ValueError, match="too long"):
            sasl.prepare_password(character * 1025)
