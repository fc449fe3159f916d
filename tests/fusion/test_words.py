"""What is masked, and what only looks like a phone."""

import pytest

from bridge.fusion.words import one_line
from bridge.masking import mask_text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("+14155550101", "+1415•••0101"),
        ("4155550101 4155550102", "415•••0101 415•••0102"),
        ("+14155550101,+14155550102", "+1415•••0101,+1415•••0102"),
        ("phone +1 (415) 555-0101.", "phone +1415•••0101."),
        ("(415) 555-0101 exists", "415•••0101 exists"),
        ("'+4712345678'", "'+471•••5678'"),
        ("ann.lee@example.com and b@x.org", "a***@example.com and b***@x.org"),
        ("6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55", None),
        ("550e8400-e29b-41d4-a716-446655440000", None),
        ("12345678-1234-4123-8123-446655440000", None),
        ("2026-06-17T12:00:00.000Z", None),
        ("2026-06-17 12:00:00", None),
        ("at most 100 characters, 20 tags", None),
        ("12345678901234567890", None),
    ],
)
def test_mask(text, masked):
    assert mask_text(text) == (masked or text)


def test_one_line():
    assert one_line(" a\n\tb\x00c  d ") == "a b c d"
    assert one_line("x" * 10, limit=5) == "xxxx…"
