"""The speakers of the embedded corpus: espeak-ng's voices, each with its own rate, pitch, level and noise."""

import random
from dataclasses import dataclass

import numpy as np

from asr.audio.recording import resample
from asr.synthetic.espeak import SAMPLE_RATE as ESPEAK_RATE

SAMPLE_RATE = 16000
MAX_LEVEL = 0.95  # of full scale

# espeak-ng's voice variants that people understand; whispering, croaking, robotic and echoing ones are left out.
# fmt: off
VARIANTS = (
    "Alex", "Alicia", "Andrea", "Andy", "Annie", "Denis", "Diogo", "Gene", "Gene2", "Henrique", "Hugo", "Lee",
    "Mario", "Michael", "Mike", "Nguyen", "Reed", "adam", "anika", "antonio", "aunty", "belinda", "benjamin",
    "boris", "david", "edward", "edward2", "f1", "f2", "f3", "f4", "f5", "grandma", "gustave", "ian", "iven2",
    "iven3", "iven4", "john", "linda", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "marcelo", "max", "michel",
    "miguel", "mike2", "norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby",
    "steph", "steph2", "travis", "victor",
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice and its habits: `rate` in words a minute, `pitch` and `pitch_range` in 0-100, level and SNR in dB."""

    name: str
    voice: str
    rate: int
    pitch: int
    pitch_range: int
    level_db: float
    snr_db: float


def new_speaker(voice: str, chance: random.Random) -> Speaker:
    """A speaker with the voice of espeak-ng, such as en+f2, and habits drawn by `chance`."""
    rate, pitch, pitch_range = chance.randint(140, 185), chance.randint(35, 65), chance.randint(30, 70)
    name = f"{voice}-{rate}-{pitch}".replace(" ", "_")
    return Speaker(name, voice, rate, pitch, pitch_range, chance.uniform(-28, -20), chance.uniform(25, 40))


def recorded(samples: np.ndarray, speaker: Speaker, noise: np.random.Generator) -> np.ndarray:
    """Speech (S,) int16 at ESPEAK_RATE as if recorded: (S',) float32 at SAMPLE_RATE, at a level, with noise."""
    speech = resample(samples.astype(np.float32) / 32768, ESPEAK_RATE, SAMPLE_RATE)
    level = 10 ** (speaker.level_db / 20)
    speech = speech * (level / max(float(np.sqrt(np.mean(speech**2))), 1e-6))
    heard = speech + noise.standard_normal(len(speech), dtype=np.float32) * level * 10 ** (-speaker.snr_db / 20)
    return heard * min(1.0, MAX_LEVEL / float(np.abs(heard).max()))
