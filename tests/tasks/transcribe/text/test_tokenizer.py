import pickle
import random
import re
from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from asr.errors import UserError
from asr.tasks.transcribe.text.characters import CharacterTokenizer
from asr.tasks.transcribe.text.load import load_tokenizer
from asr.tasks.transcribe.text.sentencepiece import SentencePieceTokenizer
from asr.tasks.transcribe.text.tokenizer import UnknownCharacter

CONF = Path(__file__).parents[4] / "conf" / "tokenizer"
WORDS = {
    "english": "the cat sat on a mat don't be late it's over there other weather father",
    "german": "straße größer über alles hören möglich schön führen das der weiß maß",
    "hebrew": "שלום עולם בוקר טוב תודה רבה ילד הולך לבית ספר גדול",
    "devanagari": "नमस्ते दुनिया क्या हाल है मैं ठीक हूँ स्कूल जाता हूँ ज़रूर",
    "vietnamese": "tiếng việt không được người những một trong của",
    "deseret": "𐐔𐐯𐑅 𐐨𐐻 𐐶𐐲𐑆",  # outside the basic plane
}
CHINESE = ["你好世界今天天气很好", "我们今天去学校", "天气好我们去世界公园", "今天你好吗"]


def transcripts(script: str) -> list[str]:
    if script == "chinese":
        return CHINESE * 4
    draw = random.Random(script)
    return [" ".join(draw.choices(WORDS[script].split(), k=draw.randint(1, 8))) for _ in range(60)]


def build(name: str, texts: list[str]):
    """The tokenizer of a configuration, small enough for a few sentences."""
    config = OmegaConf.load(CONF / f"{name}.yaml")
    if "vocabulary_size" in config:
        smallest = len({c for text in texts for c in text} | {" "}) + 2
        config.vocabulary_size = smallest + 2
    return instantiate(config)(texts)


@pytest.fixture(params=sorted(path.stem for path in CONF.glob("*.yaml")))
def name(request):
    return request.param


@pytest.mark.parametrize("script", [*WORDS, "chinese"])
def test_round_trip(name, script, tmp_path):
    texts = transcripts(script)
    tokenizer = build(name, texts)
    tokenizer.save(tmp_path)
    loaded = load_tokenizer(tmp_path)
    draw = random.Random(script)
    characters = sorted(tokenizer.characters - {" "})
    unseen = [" ".join("".join(draw.choices(characters, k=3)) for _ in range(4)) for _ in range(10)]
    for text in texts + (unseen if " " in tokenizer.characters else []):
        ids = tokenizer.encode(text)
        assert all(0 < i < tokenizer.size for i in ids)
        assert tokenizer.decode(ids) == text
        assert loaded.encode(text) == ids
        assert loaded.decode(ids) == text
    assert loaded.size == tokenizer.size
    assert loaded.characters == tokenizer.characters >= set("".join(texts))


def test_deterministic_and_picklable(name, tmp_path):
    texts = transcripts("english")
    first, second = build(name, texts), build(name, texts)
    pieces = [first.piece(i) for i in range(first.size)]
    assert pieces == [second.piece(i) for i in range(second.size)]
    assert pickle.loads(pickle.dumps(first)).encode(texts[0]) == first.encode(texts[0])
    assert pieces[0] == "∅" and len(set(pieces)) == len(pieces)


def test_order_of_characters_is_of_no_account():
    texts = transcripts("german")
    assert CharacterTokenizer.train(texts).encode(texts[0]) == CharacterTokenizer.train(texts[::-1]).encode(texts[0])


def test_decode_of_what_no_transcript_holds(name):
    tokenizer = build(name, transcripts("english"))
    space = next(i for i in range(tokenizer.size) if tokenizer.piece(i) == "▁")
    letter = next(i for i in range(tokenizer.size) if tokenizer.piece(i) == "c")
    assert tokenizer.decode([space, letter, space, space, letter, space]) == "c c"
    assert tokenizer.decode([]) == "" == tokenizer.decode([0])
    assert tokenizer.encode("") == []


def test_unknown_character(name):
    tokenizer = build(name, transcripts("english"))
    with pytest.raises(UnknownCharacter, match=re.escape("'ß' (U+00DF LATIN SMALL LETTER SHARP S)")) as caught:
        tokenizer.encode("the straße ü")
    assert caught.value.characters == ("ß", "ü")
    assert pickle.loads(pickle.dumps(caught.value)).characters == ("ß", "ü")
    assert isinstance(caught.value, UserError)


@pytest.mark.parametrize("texts", [[], [""], [" ", ""]])
def test_nothing_to_train_on(name, texts):
    with pytest.raises(UserError, match="no transcript holds any text"):
        instantiate(OmegaConf.load(CONF / f"{name}.yaml"))(texts)


@pytest.mark.parametrize("model_type", ["bpe", "unigram"])
def test_vocabulary_size_the_transcripts_do_not_allow(model_type):
    texts = transcripts("english")
    for wrong, remedy in ((4, r"to (\d+) or more"), (5000, r"between \d+ and (\d+)")):
        with pytest.raises(UserError, match=r"tokenizer\.vocabulary_size") as caught:
            SentencePieceTokenizer.train(texts, model_type, wrong)
        allowed = int(re.search(remedy, str(caught.value))[1])
        assert SentencePieceTokenizer.train(texts, model_type, allowed).size == allowed


def test_model_type_is_checked():
    with pytest.raises(UserError, match="bpe, unigram"):
        SentencePieceTokenizer.train(["a b"], "word", 10)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("tokenizer.json", b"\xff\xfe"),
        ("tokenizer.json", b"[]"),
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", b'{"characters": []}'),
        ("tokenizer.json", b'{"characters": "abc"}'),
        ("tokenizer.json", b'{"characters": ["a", "a"]}'),
        ("tokenizer.json", b'{"characters": ["ab", 3]}'),
        ("tokenizer.json", b"[" * 100_000),
        ("tokenizer.model", b""),
        ("tokenizer.model", b"cos\nsystem\n(S'true'\ntR."),
    ],
)
def test_malformed_file_is_named(tmp_path, file, content):
    (tmp_path / file).write_bytes(content)
    with pytest.raises(UserError, match=re.escape(file)):
        load_tokenizer(tmp_path)


def test_none_or_two_tokenizers(tmp_path):
    with pytest.raises(UserError, match=re.escape(str(tmp_path))):
        load_tokenizer(tmp_path)
    for kind in ("characters", "bpe"):
        build(kind, transcripts("english")).save(tmp_path)
    with pytest.raises(UserError, match=r"tokenizer\.json and tokenizer\.model"):
        load_tokenizer(tmp_path)
