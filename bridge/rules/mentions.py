"""Where a person is mentioned: their numbers in any spelling, their e-mail addresses, and JSON without them.

Pure. Knows numbers as people write them, not events. Rule for editors: a number beside further digits is
another number, and an address inside a longer one is another address: nobody else's data may go.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import Any, Final

import phonenumbers

# What people put between digits, and the invisible marks that come along from phone books.
_BETWEEN: Final = "[\\s()./·\\u00ad\\u200b-\\u200f\\u2010-\\u2015\\u202a-\\u202e\\u2060-\\u2069-]{0,8}"
_BETWEEN_BYTES: Final = rb"[ \t()./-]{0,8}"
_NO_DIGITS: Final = bytes(set(range(256)) - set(b"0123456789"))
# Digits that aren't ASCII's, or hidden in an escape: such text is looked at after it was decoded.
_HIDDEN: Final = (b"\\u", "\uff10".encode()[:2])
_NOTHING: Final = "(?!)"
_SHORTEST_NAME: Final = 5


class Mentions:
    """The numbers (E.164), addresses and names of one person."""

    def __init__(
        self, phones: Collection[str], emails: Collection[str] = (), names: Collection[str] = ()
    ) -> None:
        self.phones = tuple(dict.fromkeys(phones))
        self.emails = tuple(dict.fromkeys(email.strip().lower() for email in emails if "@" in email))
        self.names = tuple(dict.fromkeys(n.strip() for n in names if len(n.strip()) >= _SHORTEST_NAME))
        numbers = [_split(phone) for phone in self.phones]
        self._digits = [national.encode() for _, national in numbers]
        self._addresses = [each.encode() for email in self.emails for each in _spellings(email)]
        self._pattern = re.compile(
            "|".join([*map(_number, numbers), *map(_address, self._addresses)]) or _NOTHING
        )
        self._names = re.compile(
            "|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in self.names) or _NOTHING, re.IGNORECASE
        )

    def may_be_in(self, raw: bytes) -> bool:
        """Whether it is worth a closer look: cheap, and never False for what `in_value` finds."""
        return any(sign in raw for sign in _HIDDEN) or self.seems_in(raw)

    def seems_in(self, raw: bytes) -> bool:
        """The same of bytes that nobody decodes."""
        digits = raw.translate(None, _NO_DIGITS)
        if any(each in digits for each in self._digits):
            return True
        lower = raw.lower() if self._addresses else b""
        return any(each in lower for each in self._addresses)

    def in_text(self, text: str) -> bool:
        """Whether it mentions a number or an address."""
        plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
        return self._pattern.search(plain.lower()) is not None

    def in_words(self, text: str) -> bool:
        """The same of a sentence for people, in which a name counts, too."""
        return self.in_text(text) or self._names.search(text) is not None

    def in_value(self, value: Any) -> bool:
        """Whether anything in this JSON value does."""
        match value:
            case dict():
                return any(self.in_text(key) or self.in_value(each) for key, each in value.items())
            case list():
                return any(map(self.in_value, value))
            case bool() | None:
                return False
            case _:
                return self.in_text(str(value))

    def without(self, value: Any) -> Any:
        """The JSON value, with "" in the place of each text or number that does; the rest stays."""
        match value:
            case dict():
                return {key: self.without(each) for key, each in value.items() if not self.in_text(key)}
            case list():
                return [self.without(each) for each in value]
            case bool() | None:
                return value
            case _:
                return "" if self.in_text(str(value)) else value


class Traces:
    """The same person in the raw bytes of a file, in which nothing separates one value from the next."""

    def __init__(self, mentions: Mentions, *, longer: Collection[str] = ()) -> None:
        """`longer` are other people's numbers that begin with one of theirs: no digit may follow then."""
        parts = []
        for phone in mentions.phones:
            country, national = _split(phone)
            spelt = _BETWEEN_BYTES.join(bytes([digit]) for digit in national.encode())
            ends = rb"(?![0-9])"
            # Behind a whole number may stand the id of its event, the bytes of which may look like digits.
            whole = b"" if not any(other.startswith(phone) for other in longer) else ends
            parts.append(rb"\+" + country.encode() + national.encode() + whole)
            parts.append(rb"(?<![0-9])(?:(?:00)?" + country.encode() + _BETWEEN_BYTES + rb")?(?:[018]"
                         + _BETWEEN_BYTES + rb")?" + spelt + ends)  # fmt: skip
            # As `store.event_words` keeps it: behind its kind, the last digit first.
            parts.append(rb"digits[0-9]{0,10}" + national[::-1].encode())
        parts += [_address(each).encode() for each in mentions._addresses]  # noqa: SLF001 - of this module
        self._backwards = [_split(phone)[1][::-1].encode() for phone in mentions.phones]
        self._mentions = mentions
        self._pattern = re.compile(b"|".join(parts), re.IGNORECASE)

    def count(self, raw: bytes) -> int:
        """How often the person is in it."""
        if not (self._mentions.seems_in(raw) or any(each in raw for each in self._backwards)):
            return 0
        return sum(1 for _ in self._pattern.finditer(raw))


def _split(phone: str) -> tuple[str, str]:
    """Country code and national digits: +12025550101 is 1 and 2025550101."""
    try:
        number = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException:
        return "", phone.lstrip("+")
    return str(number.country_code), phonenumbers.national_significant_number(number)


def _number(parts: tuple[str, str]) -> str:
    """With or without country code, "00" or "011" before it, and the zero (or 1, or 8) of calls at home."""
    country, national = parts
    code = f"(?:(?:00|011)?{_BETWEEN}{_spread(country)}{_BETWEEN})?" if country else ""
    return f"(?<![0-9]){code}(?:[018]{_BETWEEN})?{_spread(national)}(?![0-9])"


def _spread(digits: str) -> str:
    return _BETWEEN.join(digits)


def _spellings(email: str) -> Iterable[str]:
    return (email, email.replace("@", "%40"))


def _address(email: bytes) -> str:
    return rf"(?<![\w.+-]){re.escape(email.decode())}(?![\w-]|\.\w)"
