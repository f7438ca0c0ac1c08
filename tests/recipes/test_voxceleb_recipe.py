"""The commands of recipes/voxceleb, as they stand there, on a miniature of the corpus."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from tests.commands import ROOT, run
from tests.corpus.recordings import record, write_lines

RATE = 8000
CPU = ("trainer.accelerator=cpu", "trainer.precision=32-true")
SMALL = ("budget.epochs=1", "data.crop_seconds=0.5", "features.mels=20", *CPU)
NARROW = {"resnet34": ("encoder.channels=[4,4,4,4]",), "ecapa": ("encoder.width=16", "encoder.dim=24")}
KNOWN, HELD_OUT = ("id10001", "id10002", "id10003"), ("id10270", "id10271")


@pytest.fixture(scope="module")
def celebrities(tmp_path_factory) -> Path:
    """Three speakers, and two who are held out in verification; three videos of two stretches each."""
    source, draw = tmp_path_factory.mktemp("vox") / "VoxCeleb1", np.random.default_rng(1)
    split, seconds = [], np.arange(RATE) / RATE
    for number, speaker in enumerate([*KNOWN, *HELD_OUT]):
        for video in ("aaa", "bbb", "ccc"):
            for stretch in ("00001", "00002"):
                sound = 0.3 * np.sin(2 * np.pi * 200 * (number + 1) * seconds) + draw.normal(0, 0.01, RATE)
                record(source / "wav" / speaker / video / f"{stretch}.wav", sound, RATE)
                split.append(
                    f"{'1' if video == 'aaa' else '2' if video == 'bbb' else '3'} {speaker}/{video}/{stretch}.wav"
                )
    write_lines(source / "iden_split.txt", *split)
    people = [f"{speaker}\tSomebody\tm\tIreland\tdev" for speaker in (*KNOWN, *HELD_OUT)]
    write_lines(source / "vox1_meta.csv", "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet", *people)
    first, second = HELD_OUT
    pairs = [f"1 {one}/aaa/00001.wav {one}/{video}/00002.wav" for one in HELD_OUT for video in ("bbb", "ccc")]
    pairs += [f"0 {first}/{video}/00001.wav {second}/{video}/00002.wav" for video in ("aaa", "bbb", "ccc")]
    write_lines(source / "veri_test.txt", *pairs)
    return source


def commands_of(recipe: Path) -> list[list[str]]:
    """The words of its commands."""
    return [shlex.split(line) for line in re.findall(r"^    ((?:python|asr) .*)$", recipe.read_text("utf-8"), re.M)]


def test_the_commands_of_the_recipe_run(celebrities, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    identify, train, verify = commands_of(ROOT / "recipes" / "voxceleb" / "README.md")
    for words in (identify, train):
        place = [word.replace("PATH/VoxCeleb1", str(celebrities)) for word in words[2:]]
        encoder = next(word.removeprefix("encoder=") for word in words if word.startswith("encoder="))
        crop = [word for word in place if not word.startswith("data.crop_seconds=")]
        run_dir = () if any(word.startswith("run_dir=") for word in words) else ("run_dir=runs/voxceleb/identify",)
        done = run("train", *crop, *SMALL, *NARROW[encoder], *run_dir)
        assert done.status == 0, done.err
    known = json.loads(Path("runs/voxceleb/identify/metrics.json").read_text("utf-8"))
    assert known["test"]["utterances"] == 2 * len((*KNOWN, *HELD_OUT)) and known["test"]["classes"] == 5
    done = run("asr", *(word.replace("PATH/VoxCeleb1", str(celebrities)) for word in verify[1:]))
    assert done.status == 0, done.err
    assert len(Path("runs/voxceleb/scores.txt").read_text("utf-8").splitlines()) == 7
    scores = json.loads(Path("runs/voxceleb/scores.json").read_text("utf-8"))
    assert 0 <= scores["eer"] <= 1 and (scores["targets"], scores["nontargets"]) == (4, 3)
