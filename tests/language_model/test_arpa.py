"""ARPA files as others write them, as KenLM reads them, and damaged."""

import gzip
import math
import random

import numpy as np
import pytest

from asr.errors import UserError
from asr.language_model.arpa import read_arpa
from asr.language_model.ngram import estimate
from tests.language_model.test_ngram import SENTENCES, dictionaries

# As SRILM prunes: no <unk>, backoffs only where they are used, "c a b" without "c a" and "a b".
SRILM = """
\\data\\
ngram 1=5
ngram 2=2
ngram 3=2

\\1-grams:
-99\t<s>\t-0.3
-0.5\t</s>
-0.6\ta\t-0.2
-0.7\tb\t-0.25
-0.8\tc\t-0.1

\\2-grams:
-0.4\t<s> a\t-0.15
-0.35\tb </s>

\\3-grams:
-0.2\t<s> a b
-0.1\tc a b

\\end\\
"""


def kenlm_log_probs(path, sentences) -> list[float]:
    """log10 P of every word and end, by the KenLM that flashlight-text brings."""
    kenlm = pytest.importorskip("flashlight.lib.text.decoder.kenlm")
    from flashlight.lib.text.dictionary import Dictionary

    words = sorted({word for sentence in sentences for word in sentence})
    model = kenlm.KenLM(str(path), Dictionary(words))
    found = []
    for sentence in sentences:
        state = model.start(False)
        for word in sentence:
            state, score = model.score(state, words.index(word))
            found.append(score)
        found.append(model.finish(state)[1])
    return found


def strange_sentences(sentences, number=40):
    chance = random.Random(1)
    words = [*sorted({word for sentence in sentences for word in sentence}), "zebra"]
    return sentences + [chance.choices(words, k=chance.randint(1, 8)) for _ in range(number)]


@pytest.mark.parametrize("order", [2, 3, 5])
def test_kenlm_and_we_read_our_file_alike(tmp_path, order):
    model, path = estimate(SENTENCES, order), tmp_path / "lm.arpa"
    model.write_arpa(path)
    sentences = strange_sentences(SENTENCES)
    wanted = kenlm_log_probs(path, sentences)
    for read in (model, read_arpa(path)):
        np.testing.assert_allclose(read.log_probs(sentences)[0], wanted, atol=1e-5)
        assert read.perplexity(sentences) == pytest.approx(10 ** -np.mean(wanted), abs=1e-4)


def test_a_file_read_and_written_is_the_same_file(tmp_path):
    first, second = tmp_path / "first.arpa", tmp_path / "second.arpa"
    estimate(SENTENCES, 3).write_arpa(first)
    read_arpa(first).write_arpa(second)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("packed", [False, True])
def test_a_pruned_file_of_srilm(tmp_path, packed):
    path = tmp_path / "lm.arpa"
    content = SRILM.replace("\n", "\r\n").encode()
    path.write_bytes(gzip.compress(content) if packed else b"\xef\xbb\xbf" + content)
    model = read_arpa(path)
    assert model.words == ["<unk>", "<s>", "</s>", "a", "b", "c"]
    assert [len(order) for order in model.orders] == [6, 4, 2]
    found, known = model.log_probs([["c", "a", "b"], ["x"], ["a", "b"]])
    # <s> c: backs off; c a: put in, -0.1 - 0.6; c a b; a b </s>: the context a b was put in, b </s> is there
    wanted = [-0.3 - 0.8, -0.1 - 0.6, -0.1, -0.35, -0.3 - 100, -0.5, -0.4, -0.2, -0.35]
    np.testing.assert_allclose(found, wanted, atol=1e-9)
    assert known.tolist() == [True] * 4 + [False] + [True] * 4


def test_kenlm_reads_pruned_files_alike(tmp_path):
    """Whatever is taken out of a model, so long as each n-gram's first words remain, which KenLM insists on."""
    chance, path = random.Random(2), tmp_path / "lm.arpa"
    estimate(SENTENCES, 4).write_arpa(path)
    lines = path.read_text().splitlines()
    grams = [line.split("\t") for line in lines if "\t" in line]
    prefixes = {cells[1].rpartition(" ")[0] for cells in grams}
    kept = [c for c in grams if " " not in c[1] or c[1] in prefixes or chance.random() < 0.4]
    path.write_text(arpa_of(kept))
    sentences = strange_sentences(SENTENCES)
    assert len(kept) < len(grams) - 10
    np.testing.assert_allclose(read_arpa(path).log_probs(sentences)[0], kenlm_log_probs(path, sentences), atol=1e-5)


def arpa_of(grams) -> str:
    of_length: dict[int, list[list[str]]] = {}
    for cells in grams:
        of_length.setdefault(len(cells[1].split()), []).append(cells)
    header = "".join(f"ngram {length}={len(rows)}\n" for length, rows in of_length.items())
    sections = (f"\n\\{length}-grams:\n" + "\n".join(map("\t".join, rows)) for length, rows in of_length.items())
    return "\\data\\\n" + header + "\n".join(sections) + "\n\n\\end\\\n"


def test_pruning_anything_changes_only_what_backs_off(tmp_path):
    """Against a reader of dictionaries that knows nothing of n-grams put in."""
    path = tmp_path / "lm.arpa"
    for seed in range(10):
        chance = random.Random(seed)
        estimate(SENTENCES, 4).write_arpa(path)
        grams = [line.split("\t") for line in path.read_text().splitlines() if "\t" in line]
        grams = [cells for cells in grams if " " not in cells[1] or chance.random() < 0.5]
        path.write_text(arpa_of(grams))
        probability, backoff = dictionaries(path)

        def score(gram, probability=probability, backoff=backoff):
            if gram in probability:
                return probability[gram]
            return backoff.get(gram[:-1], 0.0) + score(gram[1:])

        sentences = strange_sentences(SENTENCES, 10)
        wanted = []
        for sentence in sentences:
            padded = ("<s>", *(word if (word,) in probability else "<unk>" for word in sentence), "</s>")
            wanted += [score(padded[max(0, i - 3) : i + 1]) for i in range(1, len(padded))]
        model = read_arpa(path)
        np.testing.assert_allclose(model.log_probs(sentences)[0], wanted, atol=1e-5)
        for shorter, order in zip(model.orders, model.orders[1:], strict=False):
            assert (np.diff(order.keys) > 0).all() and (order.suffix < len(shorter)).all() and (order.suffix >= 0).all()


def test_other_spellings(tmp_path):
    path = tmp_path / "lm.arpa"
    text = (
        SRILM.replace("1=5", "1 = 6").replace("\\1-grams:\n", "\\1-grams:\n-2 <UNK>\n\n").replace("-0.8\tc", "-inf c")
    )
    path.write_text("made by a program\n" + text.replace("c a b", "<UNK> a b") + "more\n")
    model = read_arpa(path)
    assert model.words[0] == "<unk>" and "<UNK>" not in model.words
    assert model.orders[0].log_prob[0] == -2 and model.orders[0].log_prob[5] == -100
    np.testing.assert_allclose(model.log_probs([["x", "a", "b"]])[0][2], -0.1)


DAMAGES = [
    ("ngram 2=2", "ngram 3=2", "line 4: ngram 2=… belongs here"),
    ("ngram 2=2", "ngram 2=-2", "line 4: ngram 2=… belongs here"),
    ("ngram 2=2", "ngram 2=3", r"line 18: 2 2-grams end here, where \\data\\ promises 3"),
    ("ngram 3=2\n", "", "line 17: .*is not the section that belongs here"),
    ("ngram 3=2\n", "ngram 3=2\nngram 4=1\n", "cut off"),
    ("\\2-grams:", "\\3-grams:", "line 14: .*is not the section that belongs here"),
    ("\\2-grams:", "\\two-grams:", "line 14: .*is no section of an ARPA file"),
    ("\\end\\", "", "cut off"),
    ("-0.6\ta\t-0.2", "-0.6", "line 10: a probability, 1 words"),
    ("-0.6\ta", "-o.6\ta", "line 10: '-o.6' is no number"),
    ("-0.6\ta", "nan\ta", "line 10: the log10 of a probability is 0 at most"),
    ("-0.6\ta", "0.6\ta", "line 10: the log10 of a probability is 0 at most"),
    ("-0.6\ta\t-0.2", "-0.6\ta\tinf", "line 10: .*a backoff is finite"),
    ("-0.5\t</s>", "-0.5\t<s>", "line 9: this 1-gram stood in an earlier line"),
    ("<s> a b", "c a b", "line 20: this 3-gram stood in an earlier line"),
    ("c a b", "c a d", "line 20: the word 'd' is not among the 1-grams"),
    ("c a b", "c a b a b", "line 20: a probability, 3 words"),
]


@pytest.mark.parametrize(("old", "new", "message"), DAMAGES)
def test_a_damaged_file_is_named_with_its_line(tmp_path, old, new, message):
    path = tmp_path / "lm.arpa"
    assert old in SRILM
    path.write_text(SRILM.replace(old, new, 1))
    with pytest.raises(UserError, match=f"{path}.*{message}"):
        read_arpa(path)


def test_what_is_no_arpa_at_all(tmp_path):
    path = tmp_path / "lm.arpa"
    contents = [b"", b"\n", b"hello\n" * 5000, b"\0" * 9_000_000, b"\\end\\\n", b"\\data\\\n\\end\\\n"]
    contents += [gzip.compress(SRILM.encode())[:-9], SRILM.replace("b", "\udce9").encode(errors="surrogateescape")]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(UserError, match=str(path)):
            read_arpa(path)
    with pytest.raises(UserError, match="cannot be read"):
        read_arpa(tmp_path)


def test_any_damage_is_a_message_or_a_model(tmp_path):
    chance, path = random.Random(3), tmp_path / "lm.arpa"
    for _ in range(400):
        content = bytearray(SRILM.encode())
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(content))
            piece = chance.choice([b"", b"\n", b" ", b"\\", b"-", b"9" * 30, b"\xff", b"1e400", b"<s>", b"\0"])
            content[place : place + chance.randint(0, 9)] = piece
        path.write_bytes(content)
        try:
            model = read_arpa(path)
        except UserError:
            continue
        found, _ = model.log_probs([["a", "b", "c"], ["c", "a", "b"]])
        assert all(map(math.isfinite, found.tolist()))
