"""The manifests of a run: which utterances it was trained and measured on."""

import json
from collections.abc import Iterator
from pathlib import Path

from asr.corpus.readers.lines import manifest_lines
from asr.errors import UserError


def transcripts(manifest: Path) -> Iterator[str]:
    """What the utterances of a run's split say."""
    if not manifest.is_file():
        raise UserError(f"{manifest}: no such file; give --run the folder of a finished training")
    return (json.loads(line)["supervisions"][0]["text"] for _, line in manifest_lines(manifest))
