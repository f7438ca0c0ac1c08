"""The findings of the doctor: a line of findings.jsonl each, with a remedy."""

from dataclasses import dataclass

REMEDIES = {
    "unreadable": "convert it, or leave it out",
    "truncated": "fetch or record it again",
    "empty": "record it again, or leave it out",
    "silent": "record it again, or leave it out",
    "clipped": "record it again at a lower level, or fetch the unclipped original",
    "dc_offset": "pass it through a high-pass filter, for example: sox IN OUT highpass 20",
    "noisy": "listen to it; leave it out where a person cannot follow either",
    "sample_rate": "nothing where few differ, they are resampled; mind that upsampling brings no frequency back",
    "channels": "nothing for one voice, all channels are averaged; of different speakers, keep one: sox IN OUT remix 1",
    "band_limited": "set data.sample_rate to twice the highest frequency that all recordings have",
    "transcript_empty": "write down what is said, or leave the recording out",
    "transcript_duplicate": "check that each recording has the transcript of its own",
    "transcript_script": "check the encoding and the spelling; letters of two scripts may look alike",
    "transcript_characters": "spell it as it is spoken: numbers and signs in words",
    "speaking_rate": "listen: mostly the transcript of another recording, or a recording that was cut",
    "audio_duplicate": "keep one of them; copies in two splits make a score too good",
    "speaker_leak": "put all recordings of a speaker into one split; else the score is that of known voices",
    "sentence_leak": "put a sentence into one split; else a model may know it by heart",
    "split_small": "add recordings to the split, or mind the interval of its score",
    "ctc_infeasible": "check the transcript, or choose a lower encoder.subsampling.factor or tokenizer=bpe",
    "transcript_suspect": "listen, and compare what was heard with what is written",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is a key of REMEDIES, `utterance` an id (empty: the whole corpus), `value` what was found."""

    kind: str
    utterance: str
    value: str

    @property
    def remedy(self) -> str:
        return REMEDIES[self.kind]

    def as_dict(self) -> dict[str, str]:
        return {"kind": self.kind, "utterance": self.utterance, "value": self.value, "remedy": self.remedy}
