"""Bodies as they come, and what the bridge reads of them."""

import json

from bridge.inbound.body import fingerprint, parse
from bridge.inbound.request_body import read_body

LIMIT = 1024 * 1024
FORM = "application/x-www-form-urlencoded"
ANN = {"name": "Ann Lee", "phone": "+12025550101"}
TEXT = json.dumps(ANN).encode()


def stored(body, content_type="", coding=""):
    """What is read, and the bytes that are stored: the resolver reads the same of them."""
    payload, kept = read_body(body, content_type=content_type, content_encoding=coding, limit=LIMIT)
    assert fingerprint(parse(kept)) == fingerprint(payload)
    return payload, kept


def read(body, content_type="", coding=""):
    return stored(body, content_type, coding)[0]


def multipart(*parts):
    """A form of these heads and values, with the boundary `b`."""
    lines = [f"--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n" for head, value in parts]
    return "".join([*lines, "--b--\r\n"]).encode()
