"""`asr verify`: whether two recordings are one speaker's; lists of trials scored, drawn, and thresholds learnt."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asr.configuration.entry import exit_status
from asr.errors import UserError
from asr.screen import console, print_notes, progress_bar

if TYPE_CHECKING:  # they import torch
    from asr.voices.cohort import Scoring
    from asr.voices.embedding import VoiceModel
    from asr.voices.folder import Voices
    from asr.voices.trials import Trial


def verify(
    pair: Annotated[list[str] | None, typer.Argument(help="Two recordings, or a known voice and a recording.")] = None,
    model: Annotated[Path | None, typer.Option(help="A model that was trained on speakers: RUN_DIR/model.")] = None,
    trials: Annotated[
        Path | None, typer.Option(help="A list to score: '1 a.wav b.wav', or 'a b target|nontarget'.")
    ] = None,
    audio: Annotated[Path, typer.Option(help="The folder that the recordings of a list are relative to.")] = Path(),
    out: Annotated[Path | None, typer.Option(help="Where scores go, or a drawn list; JSON goes beside scores.")] = None,
    speakers: Annotated[
        Path | None, typer.Option(help="Lines 'recording speaker', for the intervals; default: beside the list.")
    ] = None,
    cohort: Annotated[
        Path | None, typer.Option(help="Recordings of other speakers to normalise with: a folder, or a list of paths.")
    ] = None,
    normalise: Annotated[str, typer.Option(help="By the cohort: as-norm, or mean (taken off).")] = "as-norm",
    cohort_top: Annotated[int, typer.Option(help="How many of the cohort's closest AS-norm uses.", min=2)] = 300,
    voices: Annotated[Path | None, typer.Option(help="A folder of known voices; it keeps the threshold.")] = None,
    calibrate: Annotated[Path | None, typer.Option(help="Learn the threshold of --voices from this list.")] = None,
    calibrate_enrolled: Annotated[
        bool, typer.Option("--calibrate-enrolled", help="Learn it from the enrolled recordings themselves.")
    ] = False,
    false_alarm: Annotated[float, typer.Option(help="The wanted rate of wrong acceptances.")] = 0.01,
    make_trials: Annotated[
        Path | None, typer.Option(help="Draw a list from RUN_DIR/data/test.jsonl.gz, and write it to --out.")
    ] = None,
    most: Annotated[int, typer.Option(help="Same-speaker trials drawn of each speaker.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="Of drawn lists and of the bootstrap.", min=0)] = 0,
) -> None:
    """Score a pair, or a list of trials (EER, minDCF); learn a threshold; draw a list of trials."""
    with exit_status():
        work = {
            "two recordings": bool(pair),
            "--trials": trials is not None,
            "--calibrate": calibrate is not None,
            "--calibrate-enrolled": calibrate_enrolled,
            "--make-trials": make_trials is not None,
        }
        if sum(work.values()) != 1:
            given = [name for name, wanted in work.items() if wanted]
            raise UserError(f"give one of {', '.join(work)}; {' and '.join(given) or 'none'} was given")
        if not 0 < false_alarm < 1:
            raise UserError(f"--false-alarm {false_alarm:g}: give a rate between 0 and 1, such as 0.01")
        if make_trials is not None:
            draw_trials(make_trials, None if audio == Path() else audio, out, most, seed)
            return
        verifier = open_verifier(model, voices, cohort, normalise, cohort_top)
        if pair:
            verify_pair(verifier, pair)
        elif trials is not None:
            score_list(verifier, trials, audio, out, speakers, seed)
        elif calibrate is not None:
            calibrate_from_list(verifier, calibrate, audio, false_alarm)
        else:
            calibrate_from_enrolled(verifier, false_alarm)


@dataclass(frozen=True)
class Verifier:
    """What trials are scored with; `voices` and their folder where one was given."""

    model: "VoiceModel"
    scoring: "Scoring"
    folder: Path | None
    voices: "Voices | None"

    def score(self, trials: "Sequence[Trial]", audio: Path):
        """(K,) scores."""
        from asr.voices.verify import embed_sides, score

        names = [name for trial in trials for name in (trial.enrolled, trial.test)]
        with progress_bar(console(), "embedding") as on_progress:
            sides = embed_sides(self.model, names, audio, self.voices, on_progress=on_progress)
        return score(trials, sides, self.scoring)


def open_verifier(
    model: Path | None, folder: Path | None, cohort: Path | None, normalisation: str, top: int
) -> Verifier:
    """Raises UserError where no model is given, or where the voices are another model's."""
    from asr.voices.embedding import open_voice_model
    from asr.voices.folder import open_voices
    from asr.voices.verify import scoring_of

    if model is None:
        raise UserError("--model is missing: give the folder of a model that was trained on speakers")
    opened = open_voice_model(model)
    voices = open_voices(folder, opened.fingerprint) if folder is not None else None
    with progress_bar(console(), "embedding the cohort") as on_progress:
        scoring = scoring_of(opened, cohort, normalisation, top, on_progress)
    return Verifier(opened, scoring, folder, voices)


def verify_pair(verifier: Verifier, pair: Sequence[str]) -> None:
    """Print the score of two recordings, and what it says where the voices are calibrated."""
    from asr.voices.calibration import PAIRS, choose_calibration
    from asr.voices.trials import Trial

    if len(pair) != 2:
        raise UserError(f"{len(pair)} recordings are given; give two, or a list with --trials")
    (found,) = verifier.score([Trial(pair[0], pair[1], True)], Path())
    voices = verifier.voices
    known = choose_calibration(voices.calibrations, (PAIRS,), verifier.scoring.name) if voices else None
    if known is None:
        print(f"{found:.5f}\tno verdict")
        reason = f"{verifier.folder} has no threshold for pairs by such scores" if voices else "no --voices were given"
        print_notes(console(), [f"{reason}; learn one with asr verify --calibrate TRIALS --voices FOLDER"])
        return
    threshold = known.threshold_of(pair[0])
    print(f"{found:.5f}\t{'same speaker' if found > threshold else 'different speakers'}")
    print_notes(console(), [f"threshold of this pair {threshold:.5f}; {known}"])


def score_list(verifier: Verifier, path: Path, audio: Path, out: Path | None, speakers: Path | None, seed: int) -> None:
    """Score a list, print EER and minDCF, write the scores and JSON beside them."""
    import numpy as np
    from rich.console import Console

    from asr.evaluation.verification import score_trials
    from asr.voices.trials import read_speakers, read_trials, speakers_beside, speakers_by_folder, write_scores
    from asr.voices.verify import note_on_intervals, table_of
    from asr.writing import write_json, write_whole

    trials = read_trials(path)
    beside = speakers_beside(path)
    table = speakers or (beside if beside.is_file() else None)
    whose = read_speakers(table) if table is not None else speakers_by_folder(trials)
    scores = verifier.score(trials, audio)
    names = [(trial.enrolled, trial.test) for trial in trials]
    measured = score_trials(scores, np.array([trial.target for trial in trials]), names, whose, seed)
    values = measured.as_dict()
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, write_scores(trials, scores))
        made = {"trials": str(path), "scores": verifier.scoring.name, "model": verifier.model.fingerprint, "seed": seed}
        write_json(out.with_suffix(".json"), values | made)
    Console().print(table_of(values))
    by_folder = "speakers are the first folders of the paths" if table is None and whose is not None else None
    print_notes(console(), [note_on_intervals(values), by_folder])


def calibrate_from_list(verifier: Verifier, path: Path, audio: Path, false_alarm: float) -> None:
    """Learn the threshold of comparisons from a list, and keep it with the voices."""
    import numpy as np

    from asr.voices.calibration import calibrate_pairs
    from asr.voices.trials import read_trials

    if verifier.voices is None:
        raise UserError("--calibrate keeps the threshold in a folder of voices: give --voices")
    trials = read_trials(path)
    scores, targets = verifier.score(trials, audio), np.array([trial.target for trial in trials])
    names = set(verifier.voices.names)
    whose = [trial.enrolled if trial.enrolled in names else None for trial in trials]
    keep(verifier, calibrate_pairs(scores, targets, whose, false_alarm, verifier.scoring.name, str(path)))


def calibrate_from_enrolled(verifier: Verifier, false_alarm: float) -> None:
    """Learn above which score a stranger is not taken for a known voice, from the enrolled recordings."""
    from asr.voices.calibration import calibrate_strangers
    from asr.voices.cohort import Cosine

    voices = verifier.voices
    if voices is None:
        raise UserError("--calibrate-enrolled needs a folder of voices: give --voices")
    if verifier.scoring.name != Cosine.name:
        raise UserError("--calibrate-enrolled is for asr identify, which uses no cohort: leave out --cohort")
    keep(verifier, calibrate_strangers(voices.embeddings, voices.owners, voices.names, false_alarm, Cosine.name))


def keep(verifier: Verifier, calibration) -> None:
    """Write a calibration into the folder of voices; UserError where another program has changed them meanwhile."""
    from asr.voices.folder import one_writer, open_voices, save_voices

    assert verifier.folder is not None and verifier.voices is not None
    with one_writer(verifier.folder):
        now = open_voices(verifier.folder, verifier.model.fingerprint)
        if now.recordings != verifier.voices.recordings:
            raise UserError(f"{verifier.folder}: voices were enrolled meanwhile; type the same command again")
        save_voices(
            verifier.folder,
            replace(now, calibrations={**now.calibrations, calibration.compared: calibration}),
        )
    print(calibration)


def draw_trials(manifest: Path, root: Path | None, out: Path | None, most: int, seed: int) -> None:
    """Write a list of trials and, beside it, whose each recording is."""
    from asr.voices.held_out import speakers_of_manifest
    from asr.voices.trials import make_trials, speakers_beside
    from asr.writing import write_whole

    if out is None:
        raise UserError("--make-trials writes a list: give --out trials.txt")
    speakers, others = speakers_of_manifest(manifest, root)
    drawn = make_trials(speakers, seed, most)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(speakers_beside(out), "".join(f"{name} {speaker}\n" for name, speaker in sorted(speakers.items())))
    write_whole(out, "".join(f"{trial}\n" for trial in drawn))
    targets = sum(trial.target for trial in drawn)
    console().print(
        f"{targets} target and {len(drawn) - targets} nontarget trials of {len(speakers)} recordings by "
        f"{len(set(speakers.values()))} speakers in {out}",
        soft_wrap=True,
    )
    left = f"{others} lines are left out: a part of a file, or of no known speaker" if others else None
    print_notes(console(), [left])
