"""What the doctor measures, on signals whose faults are known, and what it says of transcripts."""

import numpy as np
import pytest

from asr.audio.noise import loudness, periodic_snr, wada_snr
from asr.corpus.utterance import REASONS
from asr.doctor import feasibility, splits, transcripts
from asr.doctor.duplicates import exact_copies, near_copies
from asr.doctor.examine import KIND_OF_REASON
from asr.doctor.findings import REMEDIES
from asr.doctor.measures import clipped_peaks, fingerprint, measure
from asr.doctor.recordings import copies, faults_of_recordings, other_channels, speaking_rates
from asr.doctor.suspects import Suspect, suspicious

RATE = 16000


def speech_like(seed: int, seconds: float = 3.0) -> np.ndarray:
    """(S,) a noise whose loudness and spectrum change from syllable to syllable, with pauses."""
    random = np.random.default_rng(seed)
    size = round(seconds * RATE)
    spectrum = np.fft.rfft(random.standard_normal(size))
    spectrum *= (1 + np.arange(len(spectrum)) / 300) ** -0.5
    samples = np.fft.irfft(spectrum, size)
    loudness = random.gamma(0.4, 1.0, size // 1600 + 2)
    samples *= np.interp(np.arange(size), 1600 * np.arange(len(loudness)), loudness)
    return (0.3 * samples / np.abs(samples).max()).astype(np.float32)


def test_a_clipped_waveform_lies_flat_and_others_do_not():
    clean = speech_like(0)
    assert clipped_peaks(clean) <= 1
    assert clipped_peaks(np.clip(4 * clean, -0.3, 0.3)) > 20
    assert clipped_peaks(np.sin(np.arange(RATE) / 2).astype(np.float32)) <= 1


def test_offset_and_level_are_what_was_put_in():
    measured = measure(speech_like(1) + np.float32(0.05), RATE)
    assert measured.offset == pytest.approx(0.05, abs=0.005)
    louder = measure(2 * speech_like(1), RATE)
    assert louder.level_db - measured.level_db == pytest.approx(6.02, abs=0.1)


@pytest.mark.parametrize("ratio_db", [0, 10, 20])
def test_signal_to_noise_ratio_of_speech_amplitudes_in_noise(ratio_db):
    random = np.random.default_rng(0)
    clean = random.gamma(0.4, 1.0, 100_000) * random.choice([-1.0, 1.0], 100_000)
    noise = random.standard_normal(100_000) * np.sqrt(np.mean(clean**2)) * 10 ** (-ratio_db / 20)
    assert wada_snr((0.01 * (clean + noise)).astype(np.float32)) == pytest.approx(ratio_db, abs=1.5)


@pytest.mark.parametrize("ratio_db", [0, 5, 10])
@pytest.mark.parametrize("rate", [8000, 48000])
def test_signal_to_noise_ratio_of_a_vowel_without_pauses(ratio_db, rate):
    random = np.random.default_rng(0)
    time = np.arange(round(0.3 * rate)) / rate
    vowel = sum(np.sin(2 * np.pi * 130 * k * time + k * k) / k for k in range(1, 20))
    noise = np.interp(time, np.arange(2400) / 8000, random.standard_normal(2400))
    noise *= np.sqrt(np.mean(vowel**2) / np.mean(noise**2)) * 10 ** (-ratio_db / 20)
    assert periodic_snr(0.01 * (vowel + noise), rate) == pytest.approx(ratio_db, abs=3)


def test_pauses_are_no_speech():
    padded = np.concatenate([speech_like(3, seconds=3.0), np.zeros(10 * RATE, np.float32)])
    assert 1.5 < loudness(padded, RATE)[1] <= 3.0


def test_what_nobody_hears_is_not_missed():
    rate = 48000
    samples = np.random.default_rng(0).standard_normal(2 * rate)
    for edge_hz, found in ((20_000, []), (12_000, ["band_limited"])):
        spectrum = np.fft.rfft(samples)
        spectrum[edge_hz * 2 :] *= 1e-4
        measures = {"a": measure((0.1 * np.fft.irfft(spectrum)).astype(np.float32), rate)}
        assert measures["a"].bandwidth_hz == pytest.approx(edge_hz, abs=300)
        assert [
            each.kind for each in faults_of_recordings(measures, {"a": rate}) if each.kind == "band_limited"
        ] == found


def test_other_numbers_of_channels():
    found = list(other_channels({"a": 1, "b": 1, "c": 2}))
    assert [(each.kind, each.utterance, each.value) for each in found] == [("channels", "c", "2 channels, most have 1")]
    assert not list(other_channels({"a": 2, "b": 2}))


def test_a_spectrum_that_ends_at_a_wall():
    samples = speech_like(2)
    spectrum = np.fft.rfft(samples)
    spectrum[len(spectrum) // 2 :] *= 1e-4
    limited = np.fft.irfft(spectrum, len(samples)).astype(np.float32)
    assert measure(samples, RATE).bandwidth_hz == RATE / 2
    assert measure(limited, RATE).bandwidth_hz == pytest.approx(RATE / 4, abs=300)


def test_copies_are_found_and_other_recordings_are_none():
    measures = {f"other{seed}": measure(speech_like(seed), RATE) for seed in range(8)}
    original = speech_like(100)
    noise = np.random.default_rng(0).standard_normal(len(original)).astype(np.float32)
    measures["original"] = measure(original, RATE)
    measures["same"] = measure(original.copy(), RATE)
    measures["softer and cut"] = measure(0.5 * original[1000:] + 1e-4 * noise[1000:], RATE)
    assert exact_copies(measures) == {"same": "original"}
    near = near_copies({name: m for name, m in measures.items() if name != "same"})
    assert set(near) == {"softer and cut"}
    assert near["softer and cut"][0] == "original"


def test_copies_made_before_the_split_are_named_with_both_splits():
    """An identical one, one with soft white noise and one shifted by a tenth, all of a recording of train."""
    original, noise = speech_like(100), np.random.default_rng(0).standard_normal(3 * RATE)
    shift, ratio_db = len(original) // 10, 30
    level = np.sqrt(np.mean(original**2)) * 10 ** (-ratio_db / 20)
    made = {
        "original": original,
        "identical": original.copy(),
        "beside": np.roll(original, 100),
        "shifted": np.concatenate([np.zeros(shift, np.float32), original[:-shift]]),
        "noise": (original + level * noise).astype(np.float32),
    }
    split_of = {"original": "train", "identical": "test", "noise": "test", "shifted": "dev", "beside": "train"}
    found = {each.utterance: each.value for each in copies({n: measure(s, RATE) for n, s in made.items()}, split_of)}
    assert found.pop("identical") == "the same samples as original; this one is in test, the other in train"
    assert "this one is in" not in found.pop("beside")
    assert {name: value.partition("; ")[2] for name, value in found.items()} == {
        "noise": "this one is in test, the other in train",
        "shifted": "this one is in dev, the other in train",
    }


def test_a_recording_too_short_for_a_fingerprint_has_none():
    assert len(fingerprint(np.ones(800, np.float32), RATE)) == 0


def test_speaking_rates_that_stand_out():
    random = np.random.default_rng(0)
    seconds = {f"u{i}": float(3 * random.uniform(0.8, 1.25)) for i in range(50)}
    texts = dict.fromkeys(seconds, "x" * 36)
    assert not list(speaking_rates(seconds, texts))
    found = list(speaking_rates(seconds | {"cut": 0.3, "long": 60.0}, texts | {"cut": "x" * 36, "long": "x" * 36}))
    assert {each.utterance for each in found} == {"cut", "long"}
    pausing = {name: min(duration, 3.0) for name, duration in seconds.items()} | {"pauses": 3.2, "long": 60.0}
    found = list(speaking_rates(seconds | {"pauses": 60.0, "long": 60.0}, dict.fromkeys(pausing, "x" * 36), pausing))
    assert {each.utterance for each in found} == {"long"}


def test_scripts_characters_and_repetitions():
    texts = {f"u{i}": f"good morning number {['one', 'two', 'three'][i % 3]} {'abcdefgh'[i % 8]}" for i in range(24)}
    odd = {"homoglyph": "gооd night", "digits": "room 42", "sign": "a & b", "again": "good day", "twice": "good day"}
    both = {**texts, **odd}
    assert [f.utterance for f in transcripts.scripts(both)] == ["homoglyph"]
    assert [f.utterance for f in transcripts.characters(both)] == ["digits", "sign"]
    few = {name: text for name, text in both.items() if name in odd} | {f"v{i}": f"line {'x' * i}" for i in range(20)}
    assert [f.utterance for f in transcripts.repetitions(few)] == ["twice"]
    table = transcripts.character_table(both)
    assert ("&", "Ampersand", 1, "sign") in table


def test_japanese_is_one_script():
    texts = {"a": "東京タワーへ行きました", "b": "ひらがなとカタカナと漢字"}
    assert not list(transcripts.scripts(texts))


def test_voices_and_sentences_on_both_sides():
    placed = [
        splits.UtteranceInSplit("a", "train", "anna", "one two"),
        splits.UtteranceInSplit("b", "train", "ben", "three four"),
        splits.UtteranceInSplit("c", "test", "anna", "five"),
        splits.UtteranceInSplit("d", "test", "carl", "three four"),
        *(splits.UtteranceInSplit(text, "train", "dora", text) for text in ("six", "seven", "eight")),
    ]
    kinds = {each.kind: each.value for each in splits.shared_with_train(placed)}
    assert kinds["speaker_leak"] == "test and train share 1 speakers (anna), 1 utterances"
    assert kinds["sentence_leak"] == "1 of 2 sentences of test are in train, d for example: three four"
    assert [each.value.split(":")[0] for each in splits.small_splits(placed)] == ["test has 3 words"]


def test_a_split_large_enough_is_not_small():
    assert not list(splits.small_splits([splits.UtteranceInSplit("a", "test", None, "word " * 1000)]))


def test_one_voice_and_few_sentences_are_told_as_such():
    placed = [
        splits.UtteranceInSplit(f"u{i}", "test" if i % 5 == 0 else "train", "anna", f"line {i % 3}") for i in range(30)
    ]
    speaker, sentence = splits.shared_with_train(placed)
    assert speaker.value == "anna is the only speaker: the score of test says nothing about other voices"
    assert sentence.value.endswith("the corpus repeats its sentences, and the score says nothing about others")
    (told,) = transcripts.repetitions({each.id: each.text for each in placed})
    assert (told.utterance, told.value[:36]) == ("", "30 of 30 utterances say 3 sentences ")


def test_feasibility_is_exact():
    texts = {"short": "aabb", "long": "aabb", "exact": "aabb"}  # four tokens and two repeats: six frames
    seconds = {"short": 0.049, "exact": 0.05, "long": 1.0}
    found = feasibility.settings(seconds, texts, list(texts), 0.01)
    assert found[0].tokenizer == "tokenizer=characters"
    assert found[0].infeasible == {1: ["short"], 2: ["short", "exact"], 4: ["short", "exact"], 8: ["short", "exact"]}


def test_what_stands_out_from_the_usual_is_suspicious():
    usual = [Suspect(f"u{i}", "", 0.5 + 0.01 * (i % 7)) for i in range(30)]
    odd = [Suspect("wrong", "", 4.0), Suspect("impossible", "", float("inf"))]
    assert suspicious(odd + usual) == odd


def test_every_reason_of_a_rejection_is_a_kind_of_finding():
    assert set(KIND_OF_REASON) == REASONS
    assert set(KIND_OF_REASON.values()) <= set(REMEDIES)
