"""The HTML of a report: one file that loads nothing, readable by day and night, and on narrow screens.

Every function takes plain text and returns HTML; whatever came from a transcript passes through `escape` here.
"""

import base64
import io
import json
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from html import escape
from pathlib import Path

import numpy as np
import soundfile
from matplotlib import rc_context
from matplotlib.figure import Figure

from asr.report.plots import INK
from asr.tasks.transcribe.scoring.confusions import AlignedWord

WHISKERS = 2.5  # times the largest rate, as far as a scale goes for intervals
LARGEST_FLAC_BYTES = 250_000  # beyond this a clip is embedded as MP3, lest a few long ones make the page unwieldy

HERE = Path(__file__).parent
STYLE, SCRIPT = ((HERE / name).read_text("utf-8") for name in ("report.css", "report.js"))


def page(title: str, body: Iterable[str], scripts: Sequence[str] = (SCRIPT,), style: str = STYLE) -> str:
    """A whole document; body: HTML."""
    content = "\n".join(body)
    run = "".join(f"<script>{script}</script>" for script in scripts)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy(scripts)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title><style>{style}</style></head>
<body>
{content}
{run}</body></html>
"""


def policy(scripts: Iterable[str]) -> str:
    """Nothing may be fetched, and no script but these run, even if hostile text should ever get past the escaping."""
    hashes = (base64.b64encode(sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; media-src data:;"
        f" style-src 'unsafe-inline'; script-src {allowed}"
    )


def section(title: str, *content: str) -> str:
    """A headed part of the page; nothing where all content (HTML) is empty."""
    inside = "\n".join(part for part in content if part)
    name = re.sub(r"\W+", "-", title).strip("-").lower()
    return f'<section id="{escape(name)}"><h2>{escape(title)}</h2>\n{inside}</section>' if inside else ""


def contents(body: Iterable[str]) -> str:
    """Links to the sections of a page."""
    found = re.findall(r'<section id="([^"]+)"><h2>(.*?)</h2>', "".join(body))
    links = "".join(f'<a href="#{name}">{title}</a>' for name, title in found)
    return f'<nav aria-label="Contents">{links}</nav>' if links else ""


def data(values: object) -> str:
    """Values for the page's script, as JSON that cannot end its element."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json">{text}</script>'


def note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def paragraph(text: str) -> str:
    """A remark; nothing where the text is empty."""
    return f'<p class="soft">{escape(text)}</p>' if text else ""


def listing(summary: str, text: str) -> str:
    """Text as it is in a file, folded away."""
    return folded(summary, f"<pre>{escape(text)}</pre>")


def folded(summary: str, inside: str) -> str:
    """HTML that is seen once it is asked for; nothing where there is none."""
    return f"<details><summary>{escape(summary)}</summary>{inside}</details>" if inside else ""


def cards(entries: Iterable[tuple[str, str, str]]) -> str:
    """Large figures; entries: title, figure, remark."""
    inside = "".join(
        f'<div class="card">{escape(title)}<b>{escape(figure)}</b><span class="soft">{escape(remark)}</span></div>'
        for title, figure, remark in entries
    )
    return f'<div class="cards">{inside}</div>' if inside else ""


Bar = tuple[float, tuple[float, float] | None]  # a rate, and its interval where it is known


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], bars: Sequence[Bar] | None = None) -> str:
    """Cells of text (at the start) and formatted numbers (at the end); nothing where there is no row.

    Columns whose title begins with # hold numbers. bars: drawn in a last column, to one scale.
    """
    rows = list(rows)
    if not rows:
        return ""
    classes = [' class="number"' if column.startswith("#") else "" for column in columns]
    head = "".join(
        f'<th scope="col"{c}>{escape(column.lstrip("#"))}</th>' for c, column in zip(classes, columns, strict=True)
    )
    end = ""
    longest = _longest(bars or [])
    if bars is not None:
        head += f'<th scope="col" class="wide-cell">0 – {100 * longest:.0f} %</th>'
    lines = []
    for i, row in enumerate(rows):
        cells = "".join(f'<td{c} dir="auto">{escape(str(cell))}</td>' for c, cell in zip(classes, row, strict=True))
        if bars is not None:
            end = f'<td class="wide-cell">{_bar(bars[i], longest)}</td>'
        lines.append(f"<tr>{cells}{end}</tr>")
    kind = ' class="rates"' if bars is not None else ""
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return f'<div class="scroll"><table{kind}>{body}</table></div>'


def _longest(bars: Sequence[Bar]) -> float:
    """The end of the scale; an interval of few words, which may reach far beyond every rate, does not set it."""
    ends = [interval[1] if interval else rate for rate, interval in bars]
    return min(max(ends, default=0.0), WHISKERS * max((rate for rate, _ in bars), default=0.0)) or 1.0


def _bar(bar: Bar, longest: float) -> str:
    """The rate as a bar, its interval as whiskers over it."""
    rate, interval = bar
    whiskers = ""
    if interval is not None:
        low, high = (100 * max(0.0, bound) / longest for bound in interval)
        whiskers = f'<i style="left:{low:.1f}%;width:{high - low:.1f}%"></i>'
    return f'<span class="rate" aria-hidden="true"><b style="width:{100 * rate / longest:.1f}%"></b>{whiskers}</span>'


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Names and what they are."""
    inside = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f'<table class="facts"><tbody>{inside}</tbody></table>' if inside else ""


def compared(alignment: Iterable[AlignedWord]) -> str:
    """Reference above hypothesis, every error marked by colour and by line; once where they are the same."""
    alignment = list(alignment)
    spoken = " ".join(_word(word) for word in alignment if word.reference is not None)
    heard = " ".join(_word(word, of_hypothesis=True) for word in alignment if word.hypothesis is not None)
    return line("BOTH", spoken) if spoken == heard else line("REF", spoken) + line("HYP", heard)


def heard(alignment: Iterable[AlignedWord]) -> str:
    """The hypothesis alone, what it missed in its place."""
    return " ".join(_word(word, of_hypothesis=word.hypothesis is not None) for word in alignment)


def line(name: str, inside: str) -> str:
    """A name and words (HTML) in their own direction."""
    return f'<div class="words"><span>{escape(name)}</span><span dir="auto">{inside or "—"}</span></div>'


def isolated(text: str) -> str:
    """Text whose direction does not reach what stands beside it."""
    return f"<bdi>{escape(text)}</bdi>"


def _word(word: AlignedWord, of_hypothesis: bool = False) -> str:
    shown = escape(str(word.hypothesis if of_hypothesis else word.reference))
    if word.reference == word.hypothesis:
        return shown
    tag = "del" if word.hypothesis is None else "ins" if word.reference is None else "mark"
    return f"<{tag}>{shown}</{tag}>"


def rows(inside: Sequence[str]) -> str:
    """Utterances that the page's script filters and sorts, by their data attributes."""
    more = '<button class="more" id="more" type="button" hidden>Show more</button>'
    return f'<div id="utterances">{"".join(inside)}</div>{more}'


def attributes(values: Mapping[str, object]) -> str:
    """Data attributes of an element; those that are None are left out."""
    return "".join(f' data-{name}="{escape(str(value))}"' for name, value in values.items() if value is not None)


def drawing(figure: Figure, wide: bool = False) -> str:
    """A figure as inline SVG whose ink is the page's own; wide: it scrolls instead of shrinking."""
    svg = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "report"}), warnings.catch_warnings():
        # The browser has glyphs for scripts that matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None})
    inline = svg.getvalue()
    inline = re.sub(r"<metadata>.*?</metadata>", "", inline[inline.index("<svg") :], flags=re.DOTALL)
    inline = inline.replace(INK, "currentColor").replace("'DejaVu Sans'", "system-ui, 'DejaVu Sans'")
    return f'<figure class="{"scroll wide" if wide else "scroll"}">{inline}</figure>'


def audio(samples: np.ndarray, sample_rate: int) -> str:
    """A player for samples (S,) in [-1, 1], with the sound inside the page."""
    clip = np.clip(np.asarray(samples, dtype=np.float32), -1.0, 1.0)
    encoded, kind = io.BytesIO(), "audio/flac"
    soundfile.write(encoded, clip, sample_rate, format="FLAC", subtype="PCM_16")
    if encoded.getbuffer().nbytes > LARGEST_FLAC_BYTES and "MP3" in soundfile.available_formats():
        encoded, kind = io.BytesIO(), "audio/mpeg"
        soundfile.write(encoded, clip, sample_rate, format="MP3")
    data = base64.b64encode(encoded.getvalue()).decode()
    return f'<audio controls preload="none" src="data:{kind};base64,{data}"></audio>'
