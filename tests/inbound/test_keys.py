"""Which keys speak of do-not-call, in whatever way people write them, and which only look like it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.inbound.keys import _EXACT, _PHRASES, speaks, squeeze, words


@pytest.mark.parametrize(
    "key",
    [
        *("dnd", "DND", "dnd ", "D.N.D.", "DnD", "dNd", "d n d", "ＤＮＤ", "dnd?", "contact.dnd", "is_dnd"),
        *(
            "Do Not Call",
            "do_not_call",
            "doNotCall",
            "DoNotCALL",
            "DO-NOT-CALL!",
            "Do Not Call?",
            "Don’t call",
        ),
        *("don't contact", "Do Not Contact", "doNotDisturb", "dnc", "DNC Status", "Please don't call me"),
        *(
            "opt_out",
            "optOut",
            "Opt Out",
            "opted_out",
            "optedOut",
            "Opted-out",
            "Opt Out (calls)",
            "hasOptedOut",
        ),
        *(
            "opted-out-of-calls",
            "call_opt_out",
            "customData.optOut",
            "unsubscribed",
            "Unsubscribe",
            "isUnsubscribed",
        ),
        *("stop", "STOP", "Stop Calling", "remove_me", "no calls", "No more calls", "DND Status", "dnd_all"),
        *("dndCall", "DND - Calls", "phone dnd", "voiceDnd", "global_dnd", "Call blocked", "nicht anrufen"),
    ],
)
def test_in_so_many_words(key):
    assert speaks(key) == "exact"


@pytest.mark.parametrize(
    "key",
    [
        *("dnd_reason", "opted_out_at", "unsubscribed_at", "do_not_call_until", "wants_to_opt_out"),
        *("I do not want to be called", "marketing_opt_out", "remove from list", "removed_from_call_list"),
        *(
            "suppressed",
            "blacklisted",
            "blocked",
            "dialer_opt_out",
            "opt_out_sms_and_calls",
            "Do Not Call (DNC)",
        ),
    ],
)
def test_something_like_it(key):
    assert speaks(key) == "looks"


@pytest.mark.parametrize(
    "key", ["dndSettings", "dnd_settings", "DND Settings", "DndChannels", "DND preferences"]
)
def test_channels(key):
    assert speaks(key) == "settings"


@pytest.mark.parametrize(
    "key",
    [
        "opt_in",
        "optedIn",
        "call consent",
        "can_call",
        "consent_to_call",
        "ok to call",
        "callable",
        "TCPA consent",
        "phone_opt_in",
        "not_opted_out",
    ],
)
def test_consent(key):
    assert speaks(key) == "consent"


@pytest.mark.parametrize("key", ["deleted", "isDeleted", "Contact deleted", "deleted_at", "Deleted At"])
def test_a_deletion(key):
    assert speaks(key) == "deleted"


@pytest.mark.parametrize(
    "key",
    [
        # another channel
        *("sms_opt_out", "email_unsubscribed", "dnd_email", "dndSms", "Do not text", "newsletter opt-out"),
        *("inboundDndSettings", "whatsapp_dnd", "cookie opt out"),
        # about the opt-out
        *(
            "opt_out_link",
            "unsubscribe_url",
            "opt_out_message",
            "dnd_start",
            "Do not call before",
            "dnd hours",
        ),
        # the contrary, which never blocks
        *("remove_dnd", "dnd_removed", "DND disabled", "no dnd"),
        # the user's own questions, and other things
        *(
            "May we call you?",
            "Can we text you?",
            "Best time to call",
            "call_status",
            "call",
            "contact",
            "phone",
        ),
        *("options", "option", "adopted", "optical", "kindness", "Bus stop", "stop_date", "Stopped", "tags"),
        *("", " ", "?", "first_name", "email", "marketing_opt_in", "deleted_by_rule_id"),
    ],
)
def test_none_of_it(key):
    assert speaks(key) == ""


SPELT = st.sampled_from([phrase.strip() for phrase in _PHRASES.split(",")])


@settings(deadline=None)
@given(SPELT, st.data())
def test_any_spelling_of_an_opt_out(phrase, data):
    gap = data.draw(st.sampled_from([" ", "_", "-", "", "  ", ".", " - ", "/"]))
    case = data.draw(st.sampled_from([str.upper, str.lower, str.title, str.capitalize, str.swapcase]))
    around = data.draw(st.sampled_from(["", " ", "?", ":", "_", "*"]))
    key = around + case(phrase.replace(" ", gap)) + around
    assert speaks(key) == "exact"


@settings(deadline=None)
@given(SPELT, st.lists(st.booleans(), min_size=40, max_size=40))
def test_any_case(phrase, capital):
    key = "".join(sign.upper() if up else sign for sign, up in zip(phrase, capital, strict=False))
    assert speaks(key) == "exact"


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_key(key):
    assert speaks(key) in ("", "exact", "looks", "consent", "settings", "deleted")
    assert squeeze(squeeze(key)) == squeeze(key) or not key.isascii()
    assert words(key) == words(key).strip()
    assert "" not in _EXACT


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("By submitting you agree to be contacted. Reply STOP to opt out.", ""),
        ("I agree to be called. Text STOP to unsubscribe", "consent"),
        ("I consent to calls. I can opt out any time.", "consent"),
        ("I understand I can unsubscribe at any time", ""),
        ("I agree to receive calls and texts. To opt out, reply STOP.", ""),
        ("I agree to be called; I can opt-out at anytime by replying STOP", "consent"),
        ("You may unsubscribe from these calls at any time", ""),
        ("sms_and_call_terms_reply_stop_to_opt_out", ""),
        # Beside the text that tells how to, the person's own word counts.
        ("Do not call me. Text STOP to unsubscribe", "exact"),
        ("I want to opt out of calls", "looks"),
        ("To opt out of calls check here", "looks"),
        ("Please stop calling me at any time of the day", "looks"),
        ("Stop", "exact"),
    ],
)
def test_how_to_opt_out_is_no_opt_out(key, expected):
    assert speaks(key) == expected


@pytest.mark.parametrize(
    "key",
    [
        *("Do not solicit", "Opt me out", "I no longer want calls", "Consent withdrawn"),
        *("consent_revoked_at", "Revoked my consent", "permission was revoked", "revoke_consent"),
    ],
)
def test_other_words_for_it(key):
    assert speaks(key) == "looks"
