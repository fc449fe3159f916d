"""Spelling: the text in which people, forms and sheets put a number → the pieces of it that may be one.

Knows what is written around digits and between them; knows no numbering plan. Rule for editors: letters are
never digits here but in `vanity`, and what is left out of a piece is named in it, so that a guess shows.
"""

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

_LONGEST: Final = 300  # characters that are looked at
_PIECES: Final = 24  # a text of numbers only has the time of so many
_HYPHENS: Final = "‐‑‒–—―−⁻﹘﹣－ー─"
_PLUSES: Final = "➕﹢⁺₊"
_ENCODED: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_SHEET: Final = re.compile(r"(?<![0-9.,])(\+?[0-9]{7,})[.,]0+(?![.,]?[0-9])")  # 2025550142.0
_FLOAT: Final = re.compile(r"\s*['\"]*(\+?)([0-9])(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,2})['\"]*\s*")

# The letter where the digit is meant, "2O2-555-O149": beside digits and no letter, not alone between blanks.
_LETTER_O: Final = re.compile(r"(?<=[0-9])[oO]+(?=[0-9]|[).-]*[0-9]|\) ?[0-9])|(?<![^\W_])[oO]+(?=[0-9])")
_WORD: Final = re.compile(r"[^\W\d_]+")
_EXTENSION: Final = re.compile(
    r"[\s,;.(/-]*(?:(?<![^\W\d_])(?:extension|extn?|xtn|x|poste|ramal|anexo|interno|int|durchwahl|dw|доб|nebenstelle)"
    r"(?![^\W\d_])|#)[\s.:=#-]*[0-9]{1,7}(?![0-9])\)?",
    re.IGNORECASE,
)
_HELD_OFF: Final = 7  # digits before an extension: fewer are no number that could have one
# A time or a count beside the number: "after 5pm", "2nd floor". What other letters hang on may belong to it.
_COUNTED: Final = re.compile(
    r"(?<![^\s(,;/])(?:[0-9]{1,2}(?:[.:][0-9]{2})?(?:[ap]m|st|nd|rd|th)|24 ?/ ?7)\b", re.IGNORECASE
)
_WITH_LETTERS: Final = re.compile(r"(?<![^\s(,;/])[0-9]{1,2}(?:[.:][0-9]{2})?[a-z]{1,3}\b\.?", re.IGNORECASE)
# Between the digits of one number or between two: only the plans can decide. So is a plus behind digits.
_DOUBTFUL: Final = re.compile(r"[,;/|\\:~_*=&·•∙・!?#<>\n\r\t\v\f]+|(?<=[0-9])(?=[^0-9+]*\+)")
_BREAK: Final = re.compile(r"\s+|(?<=[0-9])\s*(?=\()")
_LABELS: Final = frozenset({
    "tel", "telephone", "telefon", "telefono", "telefone", "teléfono", "téléphone", "fon", "fone", "phone",
    "ph", "cell", "cellphone", "celular", "cellulare", "mobile", "mobil", "mob", "móvil", "handy", "gsm",
    "whatsapp", "wa", "me", "sms", "text", "call", "callto", "fax", "home", "work", "office", "main",
    "number", "num", "no", "nr", "n", "t", "m", "c", "h", "w", "p", "o", "contact",
})  # fmt: skip

# A number that is named to say that it isn't the person's telephone: before it, and behind it.
_FAX: Final = frozenset({"fax", "telefax", "faxnummer", "facsimile"})
_FORMER: Final = frozenset({"old", "former"})
_TELEPHONE: Final = frozenset(
    {"tel", "telephone", "telefon", "phone", "ph", "p", "t", "fon", "mobile", "cell"}
)
_DISOWNING: Final = re.compile(
    r"\b(?:(?:wrong|bad) (?:number|no|nr)|disconnected|(?:not in|out of) (?:service|order|use)|invalid)\b"
    r"|[0-9]\W*\(\s*(?:fax|old)\W*\)\W*$",
    re.IGNORECASE,
)

_VANITY: Final = re.compile(
    r"[^\w+(]*(?:\+?1[\s.-]*)?\(?(?P<area>[2-9][0-9]{2})\)?[\s.-]*(?P<rest>(?=[0-9.-]*[\s.-]*[A-Z])[A-Z0-9.\s-]+?)\W*",
    re.IGNORECASE,
)
_TOLL_FREE: Final = re.compile(r"8(?:00|22|33|44|55|66|77|88)")
_KEYS: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")
_HIDDEN_DIGITS: Final = re.compile(r"x{2}", re.IGNORECASE)  # 202-555-01XX
_NAME_BEHIND_SEVEN: Final = re.compile(r"[0-9]{4}[.\s-]*[A-Z]{3}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text that may be a number."""

    digits: str
    plus: bool
    text: str
    left_out: tuple[str, ...] = ()  # the digits of the other parts
    doubtful: bool = False  # behind words that are no label, or cut from what is too long: no guesses
    disowned: bool = False  # "fax 202-555-0142"


def has_letter_zero(text: str) -> bool:
    """Whether a letter O stands where the digit is meant."""
    return _LETTER_O.search(text[:_LONGEST]) is not None


def clean(text: str) -> str:
    """The text in plain signs: nothing encoded, nothing unseen, ASCII's digits, hyphen and plus."""
    text = text[:_LONGEST]
    if "&" in text:
        text = html.unescape(html.unescape(text))
    if "%" in text and _ENCODED.search(text):
        text = unquote(text)
    if not text.isascii():
        text = "".join(map(_plain, unicodedata.normalize("NFKC", text)[:_LONGEST]))
    if (found := _FLOAT.fullmatch(text)) and _is_exact(found):
        return found[1] + found[2] + found[3][: int(found[4])]
    text = _LETTER_O.sub(lambda found: "0" * len(found[0]), text)
    return _SHEET.sub(r"\1", text)


def is_disowned(spelt: str) -> bool:
    """Whether the text says that it isn't the person's number, or not any more."""
    return _DISOWNING.search(spelt) is not None


def is_cut_off(spelt: str) -> bool:
    """Whether it is a sheet's short form of a number (2.02555E+09), which has lost its last digits."""
    return _FLOAT.fullmatch(spelt) is not None


def pieces(spelt: str) -> Iterator[Piece]:
    """What may be a number, the likeliest first."""
    whole = _without_extension(spelt)
    count = 0
    for body in dict.fromkeys((_COUNTED.sub(" ", whole), whole, _WITH_LETTERS.sub(" ", whole))):
        for piece in (*_parts(body), *_heads(body)):
            yield piece
            count += 1
            if count == _PIECES:
                return


def vanity(spelt: str) -> tuple[str, bool]:
    """The ten digits of a number with letters in the +1 plan, and whether all letters counted; ('', True)."""
    found = _VANITY.fullmatch(spelt)
    if not found or _HIDDEN_DIGITS.search(found["rest"]):
        return "", True
    rest = found["rest"].upper()
    digits = re.sub(r"[^0-9]", "", rest.translate(_KEYS))
    apart = re.search(r"[\s()][A-Z]", spelt.upper()[spelt.index(found["area"]) :])
    if _TOLL_FREE.fullmatch(found["area"]):
        letters = sum(sign.isalpha() for sign in rest)
        longer = not apart and len(digits) > 7 and letters >= len(digits) - 3
        if letters > 3 and (len(digits) == 7 or longer):
            return found["area"] + digits[:7], len(digits) == 7
    elif len(digits) == 7 and not apart and not _NAME_BEHIND_SEVEN.fullmatch(rest):
        return found["area"] + digits, True
    return "", True


def figures(text: str) -> str:
    """Its ASCII digits."""
    return re.sub(r"[^0-9]", "", text)


def _plain(sign: str) -> str:
    if sign in _HYPHENS:
        return "-"
    if sign in _PLUSES:
        return "+"
    match unicodedata.category(sign):
        case "Nd":
            return str(unicodedata.decimal(sign))
        case "Cf" | "Mn" | "Me" | "Cs":  # marks that change nothing, and halves of signs
            return ""
        case "Zs" | "Zl" | "Zp":
            return " "
    return sign


def _is_exact(found: re.Match[str]) -> bool:
    """Whether a floating point number gives every digit: 4.47700900123E+11 does, 4.477E+11 lost some."""
    decimals, exponent = found[3] or "", int(found[4])
    return 7 <= exponent <= len(decimals) and not decimals[exponent:].strip("0")


def _without_extension(text: str) -> str:
    for found in _EXTENSION.finditer(text):
        if len(figures(text[: found.start()])) >= _HELD_OFF:
            return text[: found.start()] + " " + _without_extension(text[found.end() :])
    return text


def _parts(body: str) -> Iterator[Piece]:
    """The numbers between letters, whole and split at doubtful signs."""
    runs: list[tuple[list[str], bool, bool]] = []
    end = 0
    word, since = "", set[str]()  # since the last number
    for found in [*_WORD.finditer(body), None]:
        run = body[end : found.start() if found else len(body)]
        split = [part for part in _DOUBTFUL.split(run) if figures(part)]
        if split:
            doubtful = bool(word) and word not in _LABELS and run[:1].isspace()
            runs.append((split, doubtful, _disowned(since)))
            since = set()
        if found:
            end, word = found.end(), found[0].casefold()
            since.add(word)
    everything = tuple("" if disowned else figures(part) for split, _, disowned in runs for part in split)
    at = 0
    for split, doubtful, disowned in runs:
        around = everything[:at], everything[at + len(split) :]
        at += len(split)
        for index, part in enumerate(split):
            own = tuple(map(figures, (*split[:index], *split[index + 1 :])))
            yield _piece(part, (*around[0], *own, *around[1]), doubtful=doubtful, disowned=disowned)
            if index == 0 and len(split) > 1 and not any("+" in each for each in split[1:]):
                yield _piece(" ".join(split), (*around[0], *around[1]), doubtful=doubtful, disowned=disowned)


def _disowned(words: set[str]) -> bool:
    """Whether the words before a number say that it is none to call; "tel/fax" is both."""
    return not _FORMER.isdisjoint(words) or (not _FAX.isdisjoint(words) and _TELEPHONE.isdisjoint(words))


def _heads(body: str) -> Iterator[Piece]:
    """Where two numbers have nothing but a blank between them: what may be the first."""
    for run in _WORD.split(body):
        if len(figures(run)) < 2 * _HELD_OFF:
            continue
        for found in list(_BREAK.finditer(run.rstrip()))[:12]:
            head, tail = run[: found.start()], figures(run[found.end() :])
            if len(figures(head)) >= _HELD_OFF and len(tail) >= _HELD_OFF:
                yield _piece(head, (tail,), doubtful=True)


def _piece(text: str, left_out: tuple[str, ...], *, doubtful: bool, disowned: bool = False) -> Piece:
    before, plus, behind = text.rpartition("+")
    with_plus = bool(plus) and not figures(before)
    digits = figures(behind if with_plus else text)
    return Piece(digits, with_plus, text, tuple(filter(None, left_out)), doubtful, disowned)
