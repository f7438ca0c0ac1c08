"""What several tests share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tones import make_corpus


@pytest.fixture(scope="session")
def tones(tmp_path_factory) -> Path:
    """A folder of sixty short recordings in a language of three tones, by six speakers."""
    return make_corpus(tmp_path_factory.mktemp("corpus") / "tones")
