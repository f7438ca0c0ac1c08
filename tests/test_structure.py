"""Every file fits in one reading, and no room of the package is half of the house."""

from collections import Counter
from pathlib import Path

import pytest

from tests.commands import ROOT

LINES_OF_A_FILE, LINES_OF_A_SCRIPT = 300, 40
SHARE_OF_A_ROOM = 0.2  # of the lines of asr/
HELD = ("asr", "bench", "recipes", "tests", "examples")


def lines_of(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_no_file_is_longer_than_one_reading():
    files = [*ROOT.glob("*.py"), *(path for folder in HELD for path in (ROOT / folder).rglob("*.py"))]
    long = {str(path.relative_to(ROOT)): lines_of(path) for path in files if lines_of(path) > LINES_OF_A_FILE}
    assert not long


def test_no_room_holds_more_than_its_share():
    rooms = {path.name: sum(map(lines_of, path.rglob("*.py"))) for path in (ROOT / "asr").iterdir() if path.is_dir()}
    whole = sum(map(lines_of, (ROOT / "asr").rglob("*.py")))
    large = {name: f"{lines / whole:.0%}" for name, lines in rooms.items() if lines > SHARE_OF_A_ROOM * whole}
    assert not large


@pytest.mark.parametrize("script", ["train.py", "tune.py", "evaluate.py"])
def test_the_scripts_only_hand_over(script):
    assert lines_of(ROOT / script) <= LINES_OF_A_SCRIPT


def test_no_two_test_files_have_one_name():
    """pytest imports them by their names alone, and leaves out the second."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert names and [name for name, count in names.items() if count > 1] == []
