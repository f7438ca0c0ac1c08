"""`asr classify`: several models and rules over one recording, as text and as JSON."""

import json

import numpy as np
import pytest

import asr
from asr.errors import UserError
from tests.commands import run
from tests.corpus.recordings import record
from tests.serve.small_models import mood_model, speaker_model, text_model


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    home = tmp_path_factory.mktemp("models")
    return [mood_model(home / "moods"), speaker_model(home / "voices" / "model")]


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds")
    for name, seed in (("a.wav", 1), ("b.wav", 2)):
        record(folder / name, np.random.default_rng(seed).normal(0, 0.1, 8000), 8000)
    return folder


def both(models):
    return [part for model in models for part in ("--model", model)]


def test_below_the_least_probability_a_classifier_is_uncertain(models, sounds):
    classifier = asr.load(models[0])
    (sure,) = classifier.classify([sounds / "a.wav"])
    assert sure.label == max(sure.probabilities, key=sure.probabilities.get) and sure.label != "uncertain"
    assert classifier.classify([sounds / "a.wav"], least_probability=sure.confidence) == [sure]
    (unsure,) = classifier.classify([sounds / "a.wav"], least_probability=min(1.0, sure.confidence + 0.001))
    assert unsure.label == "uncertain"
    assert (unsure.confidence, unsure.probabilities) == (sure.confidence, sure.probabilities)
    with pytest.raises(UserError, match="least_probability=40: give a probability from 0 to 1"):
        classifier.classify([sounds / "a.wav"], least_probability=40)


def test_a_line_for_every_recording(models, sounds):
    done = run("asr", "classify", *both(models), sounds)
    assert done.status == 0, done.err
    emotions, speakers = (asr.load(model).classify(sorted(sounds.glob("*.wav"))) for model in models)
    assert done.out.splitlines() == [
        f"{sounds / name}\temotion {emotion.label} {percent(emotion)}\tspeaker {speaker.label} {percent(speaker)}"
        for name, emotion, speaker in zip(("a.wav", "b.wav"), emotions, speakers, strict=True)
    ]


def percent(found) -> str:
    return f"{100 * found.confidence:.0f} %"


def test_rules_are_applied_to_labels_of_models_and_given_ones(models, sounds, tmp_path):
    """Nothing is certain at a probability of 1, so that the answers of models are known."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "- {if: {emotion: uncertain, video: frown}, then: no}\n"
        "- {if: {emotion: uncertain, speaker: uncertain, video: smile}, then: irony}\n".replace(
            "then: no", "then: grief"
        )
    )
    chosen = (*both(models), "--least-probability", 1, "--rules", rules, "--format", "json")
    done = run("asr", "classify", *chosen, "--given", "video=smile", sounds / "a.wav")
    assert done.status == 0, done.err
    found = json.loads(done.out)
    assert (found["conclusion"], found["rule"], found["given"]) == ("irony", 2, {"video": "smile"})
    assert {name: each["label"] for name, each in found["labels"].items()} == dict.fromkeys(
        ["emotion", "speaker"], "uncertain"
    )
    assert len(found["labels"]["speaker"]["probabilities"]) == 9
    assert "rule 1 never holds: video is never frown" in done.err
    none = run("asr", "classify", *chosen, sounds / "a.wav")
    assert (json.loads(none.out)["conclusion"], json.loads(none.out)["rule"]) == (None, None)
    assert "rule 2 never holds: nothing tells video" in none.err
    text = run("asr", "classify", *chosen[:-2], "--given", "video=smile", sounds / "a.wav")
    assert "\temotion uncertain (" in text.out and text.out.endswith("\tirony\n")


def test_a_recording_that_cannot_be_used_is_named(models, sounds, tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    done = run("asr", "classify", "--model", models[0], tmp_path / "bad.wav", sounds / "a.wav")
    assert "bad.wav" in done.error and done.out.startswith(str(sounds / "a.wav"))


def test_what_cannot_be_is_named(models, sounds, tmp_path):
    sound = sounds / "a.wav"
    words = text_model(tmp_path / "words")
    assert "a Recognizer tells no labels" in run("asr", "classify", "--model", words, sound).error
    assert "tells emotion, as another model does" in run("asr", "classify", *both([models[0]] * 2), sound).error
    chosen = ("--model", models[0], sound)
    assert "a model tells emotion" in run("asr", "classify", *chosen, "--given", "emotion=sad").error
    assert "--least-probability=2: give" in run("asr", "classify", *chosen, "--least-probability", 2).error
    assert "none.yaml: cannot be read" in run("asr", "classify", *chosen, "--rules", tmp_path / "none.yaml").error
