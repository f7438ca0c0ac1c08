"""How often each word stands in the training transcripts, which a run keeps: words it never read are harder to hear."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from asr.errors import UserError, one_line
from asr.runs.manifests import transcripts
from asr.writing import write_whole

FILE = "training_words.json"


def write_word_counts(run: Path, texts: Iterable[str], utterances: int) -> None:
    """Count the words of normalised transcripts into a run folder, the most frequent first.

    Not written where `texts` are fewer than the training's utterances: what a sample lacks is not unseen.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text.split())
        utterances -= 1
    if utterances == 0:
        write_whole(run / FILE, json.dumps(dict(counts.most_common()), ensure_ascii=False, indent=0) + "\n")


def read_word_counts(run: Path) -> Counter[str] | None:
    """What a run was trained on; None where it says nothing of that.

    Raises UserError where the file is damaged.
    """
    path, split = run / FILE, run / "data" / "train.jsonl.gz"
    if not path.is_file():  # a run from before this file was written has the split itself
        return Counter(word for text in transcripts(split) for word in text.split()) if split.is_file() else None
    try:
        return Counter({str(word): int(count) for word, count in json.loads(path.read_text("utf-8")).items()})
    except (ValueError, TypeError, AttributeError, OSError, RecursionError) as error:
        remedy = "delete it, or copy it again from where the run was trained"
        raise UserError(f"{path}: not the word counts of a run ({one_line(error)}); {remedy}") from error
