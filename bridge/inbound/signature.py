"""Is it really the sender? GHL's Ed25519 signature, and our own secrets in the URL or a header.

Knows keys and bytes, nothing of payloads. Rule for editors: fail closed (a missing header is a wrong
one), verify the bytes as they came, never a re-encoded payload, and compare secrets in constant time.
https://marketplace.gohighlevel.com/docs/webhook/WebhookIntegrationGuide
"""

import base64
import hmac
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature as WrongSignature
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from bridge.errors import InvalidSignature

# As published in the guide above, for X-GHL-Signature. One key signs the webhooks of every app, so a
# good signature alone doesn't say that a delivery is meant for us: see GhlApp.receive.
GHL_PUBLIC_KEY = """\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=
-----END PUBLIC KEY-----
"""

_SIGNATURE_BYTES = 64  # of every Ed25519 signature, RFC 8032


def load_public_key(text: str) -> Ed25519PublicKey:
    """The key in a PEM text. Raises ValueError with words for the operator."""
    # A PEM in an environment variable often has its line breaks spelt as \n.
    pem = text.replace("\\n", "\n").strip()
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(
            'not a public key in PEM form (it begins with "-----BEGIN PUBLIC KEY-----")'
        ) from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(  # noqa: TRY004 - a wrong value of the right type: text
            "not an Ed25519 key; GHL's RSA key was for X-WH-Signature, which ended on September 1, 2026"
        )
    return key


def verify(body: bytes, header: str | None, keys: Iterable[Ed25519PublicKey]) -> None:
    """Raise InvalidSignature unless one of `keys` signed exactly these bytes.

    Several keys, because GHL announces rotations by e-mail and both are in use for a while.
    """
    given = (header or "").strip()
    if given.upper() in {"", "N/A"}:  # GHL's own sample treats "N/A" as no signature
        raise InvalidSignature("no signature")
    try:
        signature = base64.b64decode(given, validate=True)
    except ValueError:
        raise InvalidSignature("the signature is not base64") from None
    if len(signature) != _SIGNATURE_BYTES:
        raise InvalidSignature(f"the signature is not {_SIGNATURE_BYTES} bytes long")
    for key in keys:
        try:
            key.verify(signature, body)
        except WrongSignature:
            continue
        return
    raise InvalidSignature("the signature is not of these bytes, or not by a key we know")


def check_token(given: str | None, expected: str) -> None:
    """Raise InvalidSignature unless the secret is the expected one. An empty secret lets nobody in."""
    if not given or not expected:
        raise InvalidSignature("no token")
    # Surrogates can come from a percent-encoded URL; they must not become a 500.
    if not hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass")
    ):
        raise InvalidSignature("wrong token")
