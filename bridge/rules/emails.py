"""What is an e-mail address to both email-validator and Fusion's validator, which by its words is Zod.

Knows the two patterns and how people write addresses; knows nothing of rules. Rule for editors: what only
one of the two takes is left out with a warning: Fusion would refuse the whole lead for it.
"""

import re
from typing import Any, Final

from email_validator import EmailNotValidError, validate_email

from bridge.rules.spelling import line

EMAIL_MAX: Final = 254
_READ: Final = 1000  # characters of a value that are looked at

# Zod's, the same in 3.23 to 4: z.string().email() (regexes.js in its npm package). No "&", "!" or "/" before
# the @, which mail knows, and no domain that ends in punycode (.xn--p1ai), which the world has.
ZOD: Final = re.compile(
    r"(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}"
)

_NO_EMAIL: Final = frozenset({"null", "undefined", "none", "nil", "n/a", "na", "nan", "-", "--", "no email"})
_IN_ANGLES: Final = re.compile(r"<\s*([^<>]*@[^<>]*?)\s*>")
_REMARK: Final = re.compile(r"\([^()@]*\)|\[[^\[\]@]*\]")
_LABEL: Final = re.compile(r"(?i:e-?mail|mail|mailto|email address)\s*[:=]\s*")
_BETWEEN: Final = re.compile(r"[\s,;|/\\]+")
_JOINING: Final = frozenset({"or", "and", "&", "und", "oder", "et", "ou", "y", "o", "e"})
_STARTS: Final = ",;:<>()[]{}\"'`“”‘’«»*"
_ENDS: Final = _STARTS + "."
_WIDE: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {ord("。"): "."}


def fit_email(value: Any) -> tuple[str, str]:
    """A valid address in ASCII (domains in other letters as punycode); '' when there is none to send."""
    text = line(value)[:_READ].translate(_WIDE)
    if not text or text.casefold() in _NO_EMAIL:
        return "", ""
    address, failure = _address(text)
    if address:
        return address, ""
    found = _listed(text)
    for each in found:
        address, why = _address(each)
        if address:
            return address, f"{len(found)} addresses, only the first usable one kept" * (len(found) > 1)
        failure = why if len(found) == 1 else failure
    return "", f"{failure}, left out"


def _listed(text: str) -> list[str]:
    """The addresses in a text that is a list of them, or one with what mail programs write around it."""
    if angled := _IN_ANGLES.findall(text):
        return [_bare(each) for each in angled]
    text = re.sub(r"\s*@\s*", "@", _REMARK.sub(" ", text))
    pieces = [_bare(piece) for piece in _BETWEEN.split(_LABEL.sub(" ", text))]
    pieces = [piece for piece in pieces if piece and piece.casefold() not in _JOINING]
    # With a word beside it, it can't be known whether that is a part of the address ("ann lee@example.com").
    return list(dict.fromkeys(pieces)) if all("@" in piece for piece in pieces) else []


def _bare(text: str) -> str:
    """The address without label and question (`mailto:…?subject=…`), quotes, and signs at its ends."""
    bare = _LABEL.sub("", re.sub(r"\s*@\s*", "@", text)).partition("?")[0]
    return bare.rstrip(_ENDS + " ").lstrip(_STARTS + " ")


def _address(text: str) -> tuple[str, str]:
    """The address as it is sent, and why it is none."""
    # 'ann@example.com comes from a sheet: valid, and not meant.
    if not text or text[0] in _STARTS or text[-1] in _ENDS:
        return "", "not a valid address"
    try:
        # No DNS: a name server that is down mustn't cost a lead its address.
        valid = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except (EmailNotValidError, ValueError):
        return "", "not a valid address"
    address = valid.ascii_email or ""
    if len(address) > EMAIL_MAX:
        return "", f"longer than {EMAIL_MAX} characters"
    if not ZOD.fullmatch(address):
        return "", "an address that Fusion's validator doesn't take"
    return address, ""
