"""Known voices through the commands: embedded, enrolled, identified, verified, with a threshold that was learnt."""

import json

import kaldiio
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import asr.voices.embedding
from asr.commands.embed import embed
from asr.commands.enrol import enrol
from asr.commands.identify import identify
from asr.commands.verify import verify
from tests.voices.embedded import VoiceModel, listener, say, speak, voice

app = typer.Typer()
for verb in (embed, enrol, identify, verify):
    app.command()(verb)


@pytest.fixture(autouse=True)
def known_model(monkeypatch):
    """`--model NAME` opens the model of these tests; `--model other` another one."""

    def opened(folder):
        return listener() if str(folder) == "model" else VoiceModel(listener().model, "0" * 64)

    monkeypatch.setattr(asr.voices.embedding, "open_voice_model", opened)


def run(*arguments):
    done = CliRunner().invoke(app, [*map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def enrolled(folder, speakers, takes=3, name="voices"):
    for speaker in range(speakers):
        done = run(
            "enrol", f"v{speaker}", *speak(folder, speaker, takes), "--model", "model", "--voices", folder / name
        )
        assert done.exit_code == 0, done.stderr
    return folder / name


def test_the_same_name_in_two_folders_stays_two_recordings(tmp_path):
    files = [*speak(tmp_path, 0, 2), *speak(tmp_path, 1, 2)]
    assert run("embed", *files, "--model", "model", "--out", tmp_path / "x.npy").exit_code == 0
    vectors, ids = np.load(tmp_path / "x.npy"), (tmp_path / "x.ids").read_text().splitlines()
    assert ids == [str(path) for path in files] and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert vectors[0] @ vectors[1] > 0.7 > abs(vectors[0] @ vectors[2])


def test_kaldi_reads_what_is_written(tmp_path):
    files = speak(tmp_path, 0, 3)
    ark, scp = tmp_path / "x.ark", tmp_path / "x.scp"
    assert run("embed", *files, "--model", "model", "--out", f"ark,scp:{ark},{scp}").exit_code == 0
    assert run("embed", *files, "--model", "model", "--out", tmp_path / "x.npy").exit_code == 0
    expected = dict(zip(map(str, files), np.load(tmp_path / "x.npy"), strict=True))
    for read in (dict(kaldiio.load_scp(str(scp))), dict(kaldiio.load_ark(str(ark)))):
        assert read.keys() == expected.keys()
        assert all(np.array_equal(read[name], expected[name]) for name in read)


def test_enrolling_again_adds_and_the_average_stands_for_the_voice(tmp_path):
    voices = enrolled(tmp_path, 2, takes=2)
    more = say(tmp_path / "more.wav", voice(0))
    assert run("enrol", "v0", more, "--model", "model", "--voices", voices).exit_code == 0
    said = json.loads((voices / "voices.json").read_text())
    assert [each["voice"] for each in said["recordings"]] == ["v0", "v0", "v1", "v1", "v0"]
    assert len(list(voices.glob("embeddings-*.npy"))) == 1
    vectors = np.load(voices / said["embeddings"], allow_pickle=False)
    mean = vectors[[0, 1, 4]].sum(axis=0)
    found = run("identify", more, "--model", "model", "--voices", voices, "--json")
    (best, _) = json.loads(found.stdout)["closest"]
    assert best["voice"] == "v0"
    assert best["cosine"] == pytest.approx(float(vectors[4] @ mean / np.linalg.norm(mean)), abs=1e-4)


def test_without_calibration_no_verdict_is_given(tmp_path):
    voices = enrolled(tmp_path, 2)
    found = run("identify", tmp_path / "s0" / "0.wav", "--model", "model", "--voices", voices)
    assert "\tno verdict\tv0 0." in found.stdout and "no calibrated threshold" in found.stderr
    pair = run("verify", tmp_path / "s0" / "0.wav", tmp_path / "s0" / "1.wav", "--model", "model")
    assert pair.stdout.endswith("\tno verdict\n") and "no --voices were given" in pair.stderr


def test_strangers_are_unknown_at_the_wanted_rate(tmp_path):
    voices = enrolled(tmp_path, 12, takes=5)
    refused = run("verify", "--calibrate-enrolled", "--model", "model", "--voices", voices)
    assert refused.exit_code == 2
    assert "60 different-speaker scores of the enrolled recordings cannot show" in refused.stderr
    done = run("verify", "--calibrate-enrolled", "--model", "model", "--voices", voices, "--false-alarm", 0.05)
    assert done.exit_code == 0 and "for 5.00% false alarms" in done.stdout
    strangers = [path for speaker in range(100, 150) for path in speak(tmp_path / "strangers", speaker, 1)]
    lines = run("identify", *strangers, "--model", "model", "--voices", voices, "--json").stdout.splitlines()
    named = np.mean([json.loads(line)["voice"] != "unknown" for line in lines])
    assert named <= 0.15  # 5 %, and what chance adds in fifty
    known = run("identify", tmp_path / "s3", "--model", "model", "--voices", voices, "--json").stdout.splitlines()
    assert [json.loads(line)["voice"] for line in known] == ["v3"] * 5
    new = run("enrol", "v12", *speak(tmp_path, 12, 2), "--model", "model", "--voices", voices)
    assert "calibrate again" in new.stderr
    again = run("identify", tmp_path / "s3", "--model", "model", "--voices", voices)
    assert "no verdict" in again.stdout


def trial_list(folder, speakers=8, takes=4):
    """Every pair, in VoxCeleb's form."""
    names = [path.relative_to(folder).as_posix() for s in range(speakers) for path in speak(folder, s, takes)]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    lines = [f"{int(a.split('/')[0] == b.split('/')[0])} {a} {b}\n" for a, b in pairs]
    (folder / "trials.txt").write_text("".join(lines))
    return folder / "trials.txt", pairs


def test_a_list_is_scored_and_calibrates_pairs(tmp_path):
    trials, pairs = trial_list(tmp_path)
    out = tmp_path / "out" / "scores.txt"
    done = run("verify", "--trials", trials, "--audio", tmp_path, "--model", "model", "--out", out)
    assert done.exit_code == 0, done.stderr
    assert "EER" in done.stdout and "minDCF" in done.stdout
    assert "intervals over 8 speakers" in done.stderr and "first folders" in done.stderr
    values, lines = json.loads(out.with_suffix(".json").read_text()), out.read_text().splitlines()
    assert (values["targets"], values["nontargets"], values["scores"]) == (48, 448, "cosine")
    assert values["eer_ci95"][0] <= values["eer"] <= values["eer_ci95"][1] and len(lines) == len(pairs)
    first, second, score, label = lines[0].split()
    assert (first, second, label) == (*pairs[0], "target") and float(score) > 0.7
    voices = enrolled(tmp_path, 2)
    common = ("--model", "model", "--voices", voices)
    done = run("verify", "--calibrate", trials, "--audio", tmp_path, *common)
    assert done.exit_code == 0, done.stderr
    a, b = tmp_path / "s0" / "0.wav", tmp_path / "s1" / "0.wav"
    assert "\tdifferent speakers\n" in run("verify", a, b, *common).stdout
    assert "\tsame speaker\n" in run("verify", "v0", a, *common).stdout
    assert "named in up to 2%" in run("identify", a, *common).stderr
    normed = run("verify", a, b, *common, "--cohort", tmp_path / "s5")
    assert "no threshold for pairs by such scores" in normed.stderr  # of a cosine: another scale


def test_a_voice_with_enough_scores_has_its_own_threshold(tmp_path):
    voices = enrolled(tmp_path, 2)
    files = [path for s in range(20, 70) for path in speak(tmp_path, s, 1)]
    lines = [f"v0 {path.relative_to(tmp_path)} nontarget\n" for path in files]
    lines += [f"v1 {path.relative_to(tmp_path)} nontarget\n" for path in files[:5]]
    (tmp_path / "list").write_text("".join(lines))
    calibrate = ("verify", "--calibrate", tmp_path / "list", "--audio", tmp_path, "--false-alarm", 0.1)
    assert run(*calibrate, "--model", "model", "--voices", voices).exit_code == 0
    learnt = json.loads((voices / "voices.json").read_text())["calibrations"]["pairs"]
    assert list(learnt["by_voice"]) == ["v0"] and learnt["nontargets"] == 55


def test_the_voices_of_another_model_are_refused(tmp_path):
    voices = enrolled(tmp_path, 1)
    refused = run("identify", tmp_path / "s0", "--model", "other", "--voices", voices)
    assert refused.exit_code == 2 and "made by another model" in refused.stderr
    file = tmp_path / "s0" / "0.wav"
    refused = run("enrol", "v9", say(tmp_path / "n.wav", voice(9)), "--model", "other", "--voices", voices)
    assert refused.exit_code == 2 and "made by another model" in refused.stderr
    refused = run("enrol", "v9", file, "--model", "model", "--voices", voices)
    assert refused.exit_code == 2 and "is enrolled already, as" in refused.stderr


def test_what_is_wrong_is_said_in_one_line(tmp_path):
    voices, file = enrolled(tmp_path, 1), tmp_path / "s0" / "0.wav"
    own = tmp_path / "own"
    own.mkdir()
    (own / "letter.txt").write_text("dear")
    (tmp_path / "missing").write_text("1 a.wav s0/0.wav\n")
    (tmp_path / "wrong").write_text("1 a.wav b.wav\n1 a.wav\n")
    model = ("--model", "model")
    for arguments, message in (
        (("enrol", "unknown", file, *model, "--voices", voices), "is no name of a voice"),
        (("enrol", "x", file, *model, "--voices", own), "no folder of voices"),
        (("embed", file, file, *model, "--out", "x.npy"), "is given twice"),
        (("embed", file, *model, "--out", "x.csv"), "names no form"),
        (("verify", file, *model), "1 recordings are given"),
        (("verify", *model), "give one of"),
        (("verify", "--trials", tmp_path / "missing", "--audio", tmp_path, *model), "a.wav: no such recordings"),
        (("verify", "--trials", tmp_path / "wrong", *model), "wrong, line 2: '1 a.wav' is no trial"),
        (("verify", "--calibrate-enrolled", *model), "give --voices"),
    ):
        found = run(*arguments)
        assert found.exit_code == 2 and message in found.stderr, (arguments, found.stderr)
    (voices / "voices.json").write_text("{")
    assert "damaged" in run("identify", file, *model, "--voices", voices).stderr
