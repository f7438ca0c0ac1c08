from asr.tasks.transcribe.scoring.significance import compare
from asr.tasks.transcribe.scoring.tables import print_comparison, print_errors, print_scores
from asr.tasks.transcribe.scoring.wer import score


def test_words_are_printed_as_they_are(capsys):
    words = {
        "substitutions": [{"reference": "[b]", "hypothesis": "[/b]", "count": 3}],
        "deletions": [{"reference": "a", "count": 2}],
        "insertions": [{"hypothesis": "[red]", "count": 1}],
    }
    characters = {"substitutions": [], "deletions": [{"reference": " ", "count": 9}], "insertions": []}
    print_errors({"words": words, "characters": characters})
    printed = capsys.readouterr().out
    for expected in ("[b] → [/b] 3", "a 2", "[red] 1", "␣ → ∅ 9"):
        assert expected in printed


def test_no_error_no_table(capsys):
    nothing = {"substitutions": [], "deletions": [], "insertions": []}
    print_errors({"words": nothing, "characters": nothing})
    assert capsys.readouterr().out == ""


def test_what_an_interval_rests_on_is_said(capsys):
    texts = ["a b", "c d", "e f", "g h"] * 3
    few = score(texts, texts, ["s1", "s2", "s3"] * 4).as_dict()
    alone = score(texts, texts, ["s1"] * 12).as_dict()
    print_scores({"test": few, "dev": alone, "train": {"seconds": 1}})
    printed = capsys.readouterr().out
    assert "test: interval over 3 speakers, too few to trust" in printed
    assert "dev: interval over 12 utterances: it holds for these speakers alone" in printed


def test_verdicts(capsys):
    references = ["a b c d"] * 60
    worse = ["a b c d", "a x c y", "x b c d"] * 20
    for ours, theirs, verdict in (
        (references, worse, "better: more than chance explains"),
        (worse, references, "worse: more than chance explains"),
        (worse, worse[1:] + worse[:1], "not told apart"),
        (worse, worse, "no difference"),
    ):
        found = compare(references, ours, theirs, [f"s{i // 3}" for i in range(60)]).as_dict()
        if verdict == "not told apart":
            found |= {"difference": 0.01, "bootstrap_p": 0.4}
        print_comparison({"run": "[a]", "against": "b", **found})
        printed = capsys.readouterr().out
        assert verdict in printed
        assert "WER of [a]" in printed
