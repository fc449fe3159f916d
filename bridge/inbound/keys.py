"""What a key that people made up means: do they speak of do-not-call, of consent, of a deletion?

Knows words in keys, not the values under them. Rule for editors: an exact phrase may block and lift; a key
that only looks like one blocks and never lifts; what is about another channel, or about the wording of an
opt-out (its link, its hours), is neither.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Generic, Literal, TypeVar

Speaks = Literal["", "exact", "looks", "consent", "settings", "deleted", "remark"]

Result = TypeVar("Result")

_KEPT = 8192
_LONGEST = 200  # of a key that is looked at as a phrase; the longest label of a form has fewer letters
_CAMEL = re.compile("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_APOSTROPHE = re.compile("['’`´]")
_GAP = re.compile(r"[\W_]+")
# Most keys have nothing of it: one search, and no phrase is made of them.
_STEM = re.compile(
    "d.?n.?[dc]|opt|call|contact|disturb|unsub|stop|remov|delet|block|blacklist|suppress|consent"
    "|phone|ring|dial|solicit|permission|telefon|take.?me.?off|anruf|kontakt|llam|appel|chiam|ligar",
    re.IGNORECASE,
)

_PHRASES = (
    "dnd, dnc, do not call, do not contact, do not disturb, do not phone, do not ring, do not dial,"
    "dont call, dont contact, dont disturb, dont phone, dont ring, dont dial, never call, never contact,"
    "no call, no calls, no phone calls, no more calls, no contact, opt out, opts out, opted out, optedout,"
    "opt out of calls, opted out of calls, unsubscribe, unsubscribed, unsub, stop, stop call, stop calls,"
    "stop calling, stop all, remove me, take me off, blocked calls, call blocked, calls blocked, block calls,"
    "nicht anrufen, nicht kontaktieren, keine anrufe, no llamar, no contactar, ne pas appeler,"
    "ne pas contacter, non chiamare, nao ligar, não ligar"
)
_EXACT = frozenset(phrase.strip().replace(" ", "") for phrase in _PHRASES.split(","))
_DELETED = frozenset(
    {"deleted", "isdeleted", "wasdeleted", "deletedat", "deletedon", "datedeleted", "deletiondate"}
    | {"contactdeleted", "contactisdeleted", "contactwasdeleted", "deletedcontact", "contactdeletedat"}
)
# Words around a phrase that don't change it: "contact.dnd", "DND status", "is opted out", "call_opt_out".
_BEFORE = frozenset(
    {"contact", "contacts", "customer", "lead", "person", "client", "is", "has", "was", "global", "ghl"}
    | {"please", "all", "call", "calls", "phone", "voice", "custom", "data", "the", "i", "user", "crm"}
)
_BEHIND = frozenset(
    {"status", "flag", "value", "all", "call", "calls", "phone", "voice", "active", "enabled", "on", "me"}
    | {"list", "please", "yes", "no", "request", "requested", "contact", "now", "field", "checkbox", "box"}
)
_SETTINGS = frozenset({"settings", "setting", "preferences", "channels", "channel"})
_LIKE = re.compile(
    r"\b(dnd|dnc|(do ?not|dont|never|not) ?(to )?(be )?(call|contact|disturb|phone|ring|dial|telephone)\w*"
    r"|do not solicit|no longer (want|wish|like)\b.*\b(call|contact|phone)\w*"
    r"|(consent|permission) ((is|was|has been) )?(withdrawn|revoked)"
    r"|(withdraw|withdrew|withdrawn|revoke|revoked) ((my|the|call|tcpa) )*(consent|permission)"
    r"|not (want|wish|like)\b.*\b(call|contact|phone)\w*|no (more |further )*(phone )?(calls?|contact)"
    r"|opt(s|ed|ing)? ?((me|us|him|her|them) )?outs?|optedout|unsub\w*"
    r"|stop (all |the |my |your |any )*(phone )?call\w*"
    r"|stop contact\w*|remove (me|from)\b.*|removed from\b.*|take (me|us) off|blacklist\w*"
    r"|(block|blocked) (from )?(phone )?call\w*"
    r"|(call|calls|phone) block(ed)?|blocked|suppress\w*)\b"
)
# "not opted out", "remove DND", "DND lifted": what would make yes a no.
_LIFTS = re.compile(
    r"\b(not|un|non|no|without|remove|removed|clear|cleared|lift|lifted|disable|disabled|end|ended) "
    r"(the |from )?(dnd|dnc|opted ?out|opt ?out|unsubscribed)\b"
    r"|\b(dnd|dnc|opt ?out|block) (was |is )?(removed|off|disabled|lifted|cleared|inactive|ended|expired)\b"
)
_CONSENTS = re.compile(
    r"(call|calls|calling|phone|voice|contact|tcpa)"
    r" (consent\w*|allowed|ok|okay|permitted|permission|opt(ed)? ?in)"
    r"|(consent\w*|permission|ok|okay|allowed|agree[sd]?|opt(ed)? ?in) (to |for |by |of |be )*"
    r"(call\w*|phone\w*|contact\w*|voice)( us| me)?|(can|may) (be )?(call|called|contact|contacted)( me)?"
    r"|callable|contactable|opt(s|ed)? ?in|optin"
)
_OTHER = re.compile(
    r"\b(sms|texts?|texting|emails?|e mails?|mails?|mailing|newsletters?|whatsapp|gmb|fb|facebook|messenger"
    r"|instagram|ig|rcs|chat|push|cookies?|tracking|analytics|fax|inbound|postal|letters?|ads"
    r"|data (sale|sharing|selling|processing|collection)|sale|marketplace)\b"
)
_CALLS = re.compile(r"\b(call|calls|calling|called|phone|voice|telephone|everything)\b")
# About the opt-out and not the person's: its link, its wording, the hours of it.
_ABOUT = re.compile(
    r"\b(links?|urls?|uri|href|footer|template|keywords?|notice|disclaimer|policy|token|hash|rate|counts?"
    r"|messages?|instructions?|hours|before|after|between|during|window|schedule|starts?|ends?)\b"
)
# How to opt out, as the text beside a box tells it: "Reply STOP to opt out", "I can opt out at any time".
# Who ticks the box says nothing of it; the rest of the text counts.
_HOW = re.compile(
    r"\b(to (opt ?out|unsubscribe|stop)( \w+){0,6}? )?\b(reply|text|txt|send|type)(ing)?( with)?( the word)?"
    r" (stop|unsub\w*|opt ?out|end|quit|cancel)\b( all)?( to .*)?"
    r"|\b((i|you|we|and|that|can|may|also|understand) )*"
    r"(opt(ing)? ?out|unsubscrib(e|ing)|(can|may) stop)( \w+){0,6}? any ?time\b( \w+){0,2}? ?"
    r"(by (reply|text|send)ing .*)?"
)


class Known(dict[str, Result], Generic[Result]):
    """What was found out of keys, kept: an account's few hundred come again and again, with each event.

    A dict itself, because looking into it from a loop costs a quarter of a cached function's call.
    """

    def __init__(self, find: Callable[[str], Result], of_long: Result) -> None:
        super().__init__()
        self._find, self._of_long = find, of_long

    def __missing__(self, key: str) -> Result:
        if len(key) > _LONGEST:  # what a stranger sends as a key may have a megabyte: that isn't kept
            return self._of_long
        if len(self) >= _KEPT:
            self.clear()
        found = self[key] = self._find(key)
        return found


def speaks(key: str) -> Speaks:
    """What a key is about: do-not-call in so many words, something like it, consent, …; '' anything else."""
    return SPEAKS[key]


def squeeze(key: str) -> str:
    """The key without all that people write differently: "Do-Not_Call?" is "donotcall"."""
    return _SQUEEZED[key]


def words(key: str) -> str:
    """The key as words in lower case: "phoneNumber" and "Phone-Number" are "phone number"."""
    return _words(_CAMEL.sub(" ", key))


def _speaks(key: str) -> Speaks:
    if not key.isascii():
        key = unicodedata.normalize("NFKC", key)
    squeezed = _squeezed(key)
    if not _STEM.search(key) and not _STEM.search(squeezed):
        return ""
    if squeezed in _EXACT:
        return "exact"
    if squeezed in _DELETED:
        return "deleted"
    # Capitals within a word are a gap ("optOut") or somebody's taste ("DoNotCALL"): both are tried.
    found = {_phrase(words(key)), _phrase(_words(key))}
    order: tuple[Speaks, ...] = ("exact", "settings", "looks", "consent")
    return next((each for each in order if each in found), "")


def _phrase(phrase: str) -> Speaks:
    phrase = _GAP.sub(" ", _HOW.sub(" ", phrase)).strip()
    if _OTHER.search(phrase) and not _CALLS.search(phrase):
        return ""
    if _ABOUT.search(phrase):
        return ""
    if _LIFTS.search(phrase):
        return "consent" if phrase.startswith(("not ", "is not ")) else ""
    if _bare(phrase) in _EXACT:
        return "exact"
    if _bare(phrase, _BEHIND | _SETTINGS) in _EXACT:
        return "settings"
    if _LIKE.search(phrase):
        return "looks"
    return "consent" if any(map(_CONSENTS.fullmatch, (phrase, _unled(phrase)))) else ""


def _bare(phrase: str, behind: frozenset[str] = _BEHIND) -> str:
    """The phrase as in _EXACT, without the words around it that change nothing."""
    left = _unled(phrase).split()
    while len(left) > 1 and left[-1] in behind and "".join(left) not in _EXACT:
        left.pop()
    return "".join(left)


def _unled(phrase: str) -> str:
    left = phrase.split()
    while len(left) > 1 and left[0] in _BEFORE and "".join(left) not in _EXACT:
        left.pop(0)
    return " ".join(left)


def _words(key: str) -> str:
    return _GAP.sub(" ", _APOSTROPHE.sub("", key.casefold())).strip()


def _squeezed(key: str) -> str:
    return "".join(filter(str.isalnum, key.casefold()))


def in_so_many_words(key: str) -> Speaks:
    """The same without phrases that are only like one: for objects that no form and no CRM sends."""
    return "exact" if squeeze(key) in _EXACT else ""


SPEAKS: Known[Speaks] = Known(_speaks, "")
_SQUEEZED: Known[str] = Known(_squeezed, "")
