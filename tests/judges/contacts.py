"""Contacts as forms and CRMs send them, from a seeded generator: many scripts, odd addresses, long texts."""

from random import Random
from typing import Any

from bridge.model import Contact, Reading

FIRST = [
    "Ann",
    "José",
    "Łukasz",
    "Zoë",
    "李",
    "四郎",
    "محمد",
    "Олег",
    "Ελένη",
    "שרה",
    "श्री",
    "மணி",
    "มนต์",
    "민준",
    "Nguyễn",
]
LAST = [
    "Lee",
    "O'Neil",
    "O’Brien-Smith",
    "García Márquez",
    "Ångström",
    "王小明",
    "الهاشمي",
    "Петров",
    "Παπαδόπουλος",
    "",
]
NOTHING = [
    "null",
    "undefined",
    "None",
    "N/A",
    "-",
    ".",
    "\u3164",
    "\u200b",
    "\u2800",
    "{{contact.name}}",
    "[object Object]",
]
PICTURES = [
    "\U0001f600",
    "\U0001f44d\U0001f3fd",
    "\U0001f1fa\U0001f1f8",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "e\u0301",
]
PIECES = [
    *FIRST,
    *LAST,
    *PICTURES,
    "&amp;",
    "\x00",
    "\u202e",
    "\ud800",
    "\n",
    "🏠 Roofing",
    "x" * 60,
    "\u0301" * 30,
]
LOCAL = "abcXYZ019._%+-'!#$&*/=?^`{|}~\"(),:;<> é李"
DOMAINS = [
    "example.com",
    "EXAMPLE.ORG",
    "bücher.example",
    "пример.рф",
    "xn--e1afmkfd.xn--p1ai",
    "example",
    "example.c",
]
DOMAINS += [
    "-example.com",
    "example-.com",
    "exa_mple.com",
    "1.2.3.4",
    "[127.0.0.1]",
    "example..com",
    "mail.example.co.uk",
]
MAILS = [
    "{}",
    "Ann <{}>",
    "mailto:{}",
    "{}.",
    "{}, bo@example.com",
    "'{}'",
    " {} ",
    "<{}>",
    "{} (work)",
    "E-Mail: {}",
]
TAGS = [
    "vip",
    "New Lead!",
    "été",
    "a" * 80,
    "你好",
    "\U0001f525",
    "",
    "facebook lead 2026",
    "a,b",
    "-",
    "_x_",
    5,
    None,
    {"name": "hot"},
]
PHONES = [
    "+12025550142",
    "(202) 555-0142",
    "+44 7700 900123",
    "+52 1 55 5555 0101",
    "+61 491 570 156",
    "+33 1 99 00 12 34",
]
PHONES += [
    "+49 30 23125 001",
    "+91 98000 00101",
    "+81 3-5555-0101",
    "+55 11 98555-0101",
    "+380 44 555 0101",
    "+65 6555 0101",
]
CUSTOM = [
    "$95.50",
    95.5,
    0,
    True,
    None,
    "x" * 1500,
    "\U0001f600" * 600,
    ["a", "b"],
    {"a": 1},
    2**60,
    float("inf"),
    "two\nlines",
]


def readings(count: int, seed: int = 9) -> list[Reading]:
    """So many events, the same for the same seed."""
    random = Random(seed)
    return [_reading(random, number) for number in range(count)]


def _reading(random: Random, number: int) -> Reading:
    tags = [random.choice(TAGS) for _ in range(random.choice([0, 1, 3, 30]))]
    contact = Contact(
        id=f"c{number}",
        name=_name(random),
        first_name=random.choice([*FIRST, *NOTHING, ""]),
        last_name=random.choice([*LAST, *NOTHING]),
        email=_email(random),
        phone=random.choice(PHONES),
        company=" ".join(random.choices(PIECES, k=random.choice([0, 1, 4, 30]))),
        tags=tuple(tags),
        custom={"Monthly bill": random.choice(CUSTOM), "Note": random.choice(CUSTOM)},
    )
    return Reading(contact=contact, payload={"name": _name(random), "tags": tags, "any": _any(random)})


def _name(random: Random) -> str:
    kind = random.random()
    if kind < 0.4:
        return f"{random.choice(FIRST)} {random.choice(LAST)}"
    if kind < 0.6:
        return " ".join(random.choices(NOTHING, k=random.choice([1, 2])))
    if kind < 0.9:
        return random.choice([" ", ""]).join(random.choices(PIECES, k=random.choice([0, 1, 2, 8, 40])))
    return "".join(
        chr(random.choice([random.randrange(0x20, 0x2FF), random.randrange(0xD800)]))
        for _ in range(random.randrange(60))
    )


def _email(random: Random) -> str:
    local = "".join(
        random.choices(LOCAL[: random.choice([12, 20, len(LOCAL)])], k=random.choice([1, 4, 9, 70]))
    )
    return random.choice(MAILS).format(f"{local}@{random.choice(DOMAINS)}")


def _any(random: Random) -> Any:
    return random.choice([*PIECES, *CUSTOM, [], {}, "", "  "])
