import unicodedata

import pytest

from asr.errors import UserError
from asr.tasks.transcribe.text.normalise import TextNormalizer

SENTENCES = [
    "Don’t stop — the ROCK'n'roll!",
    "Die Straße, größer als „früher“?",
    "צה״ל ו־ג׳ירפה, שלום!",
    "नमस्ते दुनिया। ज़रूर",
    "你好，世界！",
    "e\u0301te\u0301 zero\u200bwidth\ufeff tab\there\x00",
    "İstanbul ŉ ΐ ΟΔΟΣ",
    "a'\u0308b ''quoted'' -- x--y -z- 'tis dogs'",
    "",
    " \u00a0\u3000 ",
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don’t  stop — the ROCK'n'roll!", "don't stop the rock'n'roll"),
        ("Die Straße, größer", "die straße größer"),
        ("well-known 'tis dogs'", "well known tis dogs"),
        ("e\u0301te\u0301", "été"),
        ("zero\u200bwidth\ufeff tab\there\x00 soft\u00adhyphen", "zerowidth tab here softhyphen"),
        ("नमस्ते दुनिया।", "नमस्ते दुनिया"),
        ("你好，世界！", "你好 世界"),
        ("צה״ל ו־ג׳ירפה", "צהל ו ג'ירפה"),
        ("5 € + 3 %", "5 3"),
        ("...", ""),
    ],
)
def test_defaults(text, expected):
    assert TextNormalizer()(text) == expected


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        ({"case": "upper"}, "Straße", "STRASSE"),
        ({"case": "keep"}, "Straße, Du", "Straße Du"),
        ({"apostrophes": "remove"}, "don’t 'tis", "dont tis"),
        ({"hyphens": "keep"}, "well‑known - x", "well-known x"),
        ({"hyphens": "remove"}, "e-mail", "email"),
        ({"punctuation": "keep", "hyphens": "keep"}, "Well-known, ‘yes’ - no!", "well-known, 'yes' - no!"),
        ({"unicode_form": "NFKC"}, "Ｆｕｌｌ ﬁt", "full fit"),
    ],
)
def test_options(options, text, expected):
    assert TextNormalizer(**options)(text) == expected


@pytest.mark.parametrize("text", SENTENCES)
@pytest.mark.parametrize("case", ["lower", "upper", "keep"])
@pytest.mark.parametrize("punctuation", ["remove", "keep"])
@pytest.mark.parametrize("hyphens", ["space", "keep", "remove"])
def test_idempotent_and_composed(text, case, punctuation, hyphens):
    normalise = TextNormalizer(case=case, punctuation=punctuation, hyphens=hyphens)
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == " ".join(once.split())


@pytest.mark.parametrize("key", ["unicode_form", "case", "punctuation", "apostrophes", "hyphens"])
def test_invalid_option_names_key_and_choices(key):
    with pytest.raises(UserError, match=f"{key}='loud'.*choose one of .*(keep|NFC)"):
        TextNormalizer(**{key: "loud"})


def test_it_says_what_it_does():
    assert str(TextNormalizer()) == (
        "NFC, lower case, punctuation removed, apostrophes inside words kept, hyphens inside words turned into spaces"
    )
    assert str(TextNormalizer(case="keep", hyphens="remove")).startswith("NFC, case as written, punctuation removed")
