"""The styles and scripts of the page, as they are sent."""

from dataclasses import dataclass
from importlib.resources import files

from asr.report.page import asset

PACKAGE = "asr.serve"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript"}


@dataclass(frozen=True)
class SentFile:
    """A file by its name in addresses."""

    name: str
    content: str

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[self.name[self.name.rindex(".") :]]


def own(name: str) -> SentFile:
    return SentFile(name, (files(PACKAGE) / "templates" / name).read_text("utf-8"))


FILES = (
    SentFile("report.css", asset("report.css")),  # colours and forms are those of the reports
    own("serve.css"),
    own("serve.js"),
    own("recorder.js"),
    own("microphone.js"),
)
