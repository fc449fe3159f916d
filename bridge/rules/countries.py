"""What a contact's country says → the two letters of the region by whose plan its phone is read.

Knows English names, names in the country's own and the larger languages, ISO's two, three and numeric codes
(CLDR, by Babel), and what people write besides. Rule for editors: what isn't understood stays so; it is for
the caller to keep such a contact's number away from the default region.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, SUPPORTED_REGIONS

_LONGEST: Final = 100
LANGUAGES: Final = (
    "en", "es", "pt", "fr", "de", "it", "nl", "pl", "sv", "da", "no", "fi", "tr", "ru", "uk", "ja", "zh",
)  # fmt: skip
_NOT_SAID: Final = frozenset(
    {"", "na", "n a", "none", "null", "nil", "undefined", "unknown", "not provided", "not specified",
     "select", "select country", "select a country", "select your country", "choose", "choose country",
     "please select", "country"}
)  # fmt: skip
# What CLDR has under another name, or not at all.
_MORE: Final = {
    "america": "US", "united states of america": "US", "the states": "US", "usofa": "US",
    "great britain": "GB", "britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
    "northern ireland": "GB", "united kingdom of great britain and northern ireland": "GB",
    "republic of ireland": "IE", "eire": "IE", "holland": "NL", "the netherlands": "NL", "korea": "KR",
    "republic of korea": "KR", "korea republic of": "KR", "korea south": "KR", "korea north": "KP",
    "russian federation": "RU", "czech republic": "CZ", "slovak republic": "SK", "turkey": "TR",
    "turkiye": "TR", "ivory coast": "CI", "cote divoire": "CI", "uae": "AE", "emirates": "AE",
    "burma": "MM", "myanmar": "MM", "swaziland": "SZ", "macedonia": "MK", "fyrom": "MK", "east timor": "TL",
    "cabo verde": "CV", "vatican": "VA", "holy see": "VA", "palestine": "PS", "state of palestine": "PS",
    "viet nam": "VN", "syrian arab republic": "SY", "lao peoples democratic republic": "LA",
    "brunei darussalam": "BN", "hong kong": "HK", "hongkong": "HK", "macau": "MO", "macao": "MO",
    "peoples republic of china": "CN", "mainland china": "CN", "prc": "CN", "republic of china": "TW",
    "taiwan roc": "TW", "drc": "CD", "dr congo": "CD", "democratic republic of the congo": "CD",
    "congo kinshasa": "CD", "congo": "CG", "republic of the congo": "CG", "congo brazzaville": "CG",
    "congo the democratic republic of the": "CD", "congo democratic republic of the": "CD",
    "congo republic of the": "CG", "korea democratic peoples republic of": "KP",
    "democratic peoples republic of korea": "KP", "russia federation": "RU", "republic of moldova": "MD",
    "islamic republic of iran": "IR", "plurinational state of bolivia": "BO",
    "bolivarian republic of venezuela": "VE", "united republic of tanzania": "TZ",
    "federated states of micronesia": "FM", "tanganyika": "TZ", "the gambia": "GM", "the bahamas": "BS",
    "the philippines": "PH", "bosnia": "BA", "herzegovina": "BA", "antigua": "AG", "barbuda": "AG",
    "trinidad": "TT", "tobago": "TT", "saint kitts": "KN", "nevis": "KN", "saint vincent": "VC",
    "saint vincent and the grenadines": "VC", "united mexican states": "MX", "french republic": "FR",
    "italian republic": "IT", "swiss confederation": "CH", "kyrgyz republic": "KG",
    "argentine republic": "AR", "portuguese republic": "PT", "hellenic republic": "GR", "grenadines": "VC",
    "sao tome": "ST", "usvi": "VI", "us virgin islands": "VI", "virgin islands us": "VI",
    "united states virgin islands": "VI", "virgin islands british": "VG", "bvi": "VG",
    "virgin islands of the united states": "VI", "falkland islands malvinas": "FK", "malvinas": "FK",
    "reunion island": "RE", "saint martin french part": "MF", "sint maarten dutch part": "SX",
    "bonaire": "BQ", "bonaire sint eustatius and saba": "BQ", "saba": "BQ", "curacao": "CW",
    "netherlands antilles": "CW", "saint helena": "SH", "ascension": "AC", "deutschland": "DE", "ksa": "SA",
    "rsa": "ZA", "republic of south africa": "ZA", "canary islands": "ES", "hawaii": "US", "alaska": "US",
    "aotearoa": "NZ", "bharat": "IN", "nippon": "JP", "hellas": "GR", "eswatini": "SZ",
}  # fmt: skip
_NAMED_ALIKE: Final = {"IC": "ES", "EA": "ES", "DG": "IO", "UK": "GB"}
_FORMAL: Final = re.compile(
    r"^(?:[a-z]+ ){0,4}?(?:republic|kingdom|states?|commonwealth|principality|sultanate|duchy|federation"
    r"|union) of (?:the )?"
)
_PARTS: Final = re.compile(r"\s*[(),/|:;]\s*|\s+[-–—]\s+")
_LOCALE: Final = re.compile(r"[a-z]{2,3}[-_]([A-Z]{2})")  # en-US
_SUBDIVISION: Final = re.compile(r"([A-Z]{2})-[A-Z0-9]{1,3}")  # US-CA is California
_FLAG_A: Final = 0x1F1E6


@lru_cache(maxsize=1024)
def region_of(said: str) -> str | None:
    """The region's two letters; '' where no country is said; None where it is said and not understood."""
    text = unicodedata.normalize("NFKC", said[:_LONGEST]).strip()
    if text in SUPPORTED_REGIONS:
        return text
    if _fold(text) in _NOT_SAID and not _flag(text):
        return ""
    found = _lookup(text) or _calling(text) or _flag(text)
    if not found and (coded := _LOCALE.fullmatch(text) or _SUBDIVISION.fullmatch(text)):
        found = _lookup(coded[1])
    if not found:  # "Paris, France", "US - United States": what is larger comes last
        found = next(filter(None, map(_lookup, filter(None, reversed(_PARTS.split(text))))), "")
    return found or None


def _lookup(text: str) -> str:
    name = _fold(text)
    letters = re.sub(r"[\s.]", "", text).upper()
    if len(letters) == 2 and letters.isascii():  # US, us, U.S.
        code = _NAMED_ALIKE.get(letters, letters)
        return code if code in SUPPORTED_REGIONS else ""
    names = _names()
    return (
        names.get(name)
        or names.get(name.removeprefix("the "))
        or names.get(_FORMAL.sub("", name))
        or (names.get(letters.lower()) if len(letters) == 3 else None)  # U.S.A.
        or ""
    )


def _calling(text: str) -> str:
    """The country of a calling code: "+44". Of those that share one, the largest."""
    found = re.fullmatch(r"\+\s?([1-9][0-9]{0,2})|0{1,2}([1-9][0-9]{0,2})|([1-9][0-9]?)", text)
    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(found[1] or found[2] or found[3])) if found else None
    return regions[0] if regions and regions[0] in SUPPORTED_REGIONS else ""


def _flag(text: str) -> str:
    """The country of a flag, which is two letters of an alphabet of its own."""
    letters = "".join(chr(65 + at) for sign in text if 0 <= (at := ord(sign) - _FLAG_A) < 26)
    return letters if len(letters) == 2 and letters in SUPPORTED_REGIONS else ""


def _fold(name: str) -> str:
    """A name without case, accents, points and "&"."""
    plain = "".join(
        sign for sign in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(sign)
    )
    plain = re.sub(r"[.'’`]", "", plain.replace("&", " and "))
    return re.sub(r"\bst\b", "saint", " ".join(re.sub(r"[\W_]+", " ", plain).split()))


@cache
def _names() -> Mapping[str, str]:
    # Only countries that are written out need it: Babel takes 25 ms.
    from babel import Locale  # noqa: PLC0415
    from babel.core import get_global  # noqa: PLC0415

    names = {"xkx": "XK"}
    for code, now in get_global("territory_aliases").items():  # USA, DEU, 840
        if len(code) == 3 and now[0] in SUPPORTED_REGIONS:
            names.setdefault(code.lower(), now[0])
    for language in LANGUAGES:  # an English name is never another country's in another language
        for code, name in Locale(language).territories.items():
            region = _NAMED_ALIKE.get(code, code)
            if len(code) == 2 and region in SUPPORTED_REGIONS:
                names.setdefault(_fold(name), region)
    return names | {_fold(name): code for name, code in _MORE.items()}
