import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bridge.errors import InvalidSignature
from bridge.inbound.signature import GHL_PUBLIC_KEY, check_token, load_public_key, verify

PRIVATE = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
FOREIGN = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
KEY, FOREIGN_KEY = PRIVATE.public_key(), FOREIGN.public_key()
BODY = '{"type":"ContactCreate","firstName":"Zoë 🏡","n":1.0}'.encode()


def signed(body, key=PRIVATE):
    return base64.b64encode(key.sign(body)).decode()


def pem(key):
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_the_built_in_key_is_the_published_one():
    raw = load_public_key(GHL_PUBLIC_KEY).public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert raw.hex() == "8b61d1d6cacbe28d7c3bc0516bb815258ec6edbba96cddc7f40c09ac708388e8"


@pytest.mark.parametrize("keys", [(KEY,), (FOREIGN_KEY, KEY), (KEY, FOREIGN_KEY)])
@pytest.mark.parametrize("header", [signed(BODY), f" {signed(BODY)} "])
def test_good(keys, header):
    verify(BODY, header, keys)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        " ",
        "N/A",
        "n/a",
        "not base64!",
        "é",
        signed(BODY)[:-4],
        base64.b64encode(b"\0" * 64).decode(),
        base64.b64encode(b"\0" * 65).decode(),
        signed(BODY, FOREIGN),
        signed(BODY + b" "),
        signed(b""),
    ],
)
def test_wrong_header(header):
    with pytest.raises(InvalidSignature):
        verify(BODY, header, (KEY,))


@pytest.mark.parametrize("at", [0, 20, len(BODY) - 1])
def test_one_altered_byte(at):
    altered = BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :]
    with pytest.raises(InvalidSignature):
        verify(altered, signed(BODY), (KEY,))


def test_no_keys():
    with pytest.raises(InvalidSignature):
        verify(BODY, signed(BODY), ())


@pytest.mark.parametrize("text", [pem(KEY), f"\n  {pem(KEY)}\n", pem(KEY).replace("\n", "\\n")])
def test_load(text):
    assert load_public_key(text) == KEY


RSA = pem(rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "PEM"),
        ("schlüssel", "PEM"),
        (base64.b64encode(b"\x01" * 32).decode(), "PEM"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "PEM"),
        (RSA, "RSA key was for X-WH-Signature"),
    ],
)
def test_load_refuses(text, words):
    with pytest.raises(ValueError, match=words):
        load_public_key(text)


def test_token():
    check_token("s3cret-ü", "s3cret-ü")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, "x"),
        ("", "x"),
        ("", ""),
        (None, ""),
        ("x", ""),
        ("X", "x"),
        ("x ", "x"),
        ("ü", "u"),
        ("\udcff", "x"),
    ],
)
def test_wrong_token(given, expected):
    with pytest.raises(InvalidSignature):
        check_token(given, expected)
