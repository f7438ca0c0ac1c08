"""Why a request is not answered: an HTTP status, what was found, and what to do about it."""

from collections.abc import Mapping

from asr.audio.recording import AudioProblem

UNREADABLE, TOO_LARGE, UNUSABLE = 415, 413, 422
FORMATS = "send WAV, MP3, FLAC, Ogg or WebM with Opus, for example after: ffmpeg -i RECORDING out.flac"


class Refusal(Exception):
    """Becomes {"error", "remedy"} under an HTTP status (RFC 9110); neither text names anything of the server.

    still_sending: whether it comes before the whole request was received.
    """

    def __init__(
        self,
        status: int,
        error: str,
        remedy: str,
        headers: Mapping[str, str] | None = None,
        still_sending: bool = False,
    ) -> None:
        super().__init__(f"{status}: {error}; {remedy}")
        self.status, self.error, self.remedy, self.still_sending = status, error, remedy, still_sending
        self.headers = dict(headers or {}) | ({"Connection": "close"} if still_sending else {})

    def as_dict(self) -> dict[str, str]:
        return {"error": self.error, "remedy": self.remedy}


def refusal_of(problem: AudioProblem) -> Refusal:
    """What a sender is told of a recording that cannot be used."""
    if problem.reason == "audio_unreadable":
        return Refusal(UNREADABLE, problem.detail, FORMATS)
    return Refusal(UNUSABLE, problem.detail, REMEDIES.get(problem.reason, problem.remedy))


REMEDIES = {  # instead of those that speak of a corpus
    "audio_truncated": "record or send the file again; it was cut off on its way",
    "audio_silent": "look whether the microphone is on, and record it again",
    "audio_empty": "record it again",
}
