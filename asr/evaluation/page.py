"""The HTML of a report: one file that loads nothing, readable by day and night, and on narrow screens.

Every function takes plain text and returns HTML; whatever came from a transcript passes through `escape` here.
"""

import base64
import io
import re
import warnings
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
import soundfile
from matplotlib import rc_context
from matplotlib.figure import Figure

from asr.evaluation.confusions import AlignedWord
from asr.evaluation.plots import INK

LARGEST_FLAC_BYTES = 250_000  # beyond this a clip is embedded as MP3, lest a few long ones make the page unwieldy

# Nothing may be fetched or run, even if hostile text should ever get past the escaping.
POLICY = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"

STYLE = """
:root { color-scheme: light dark; --ink: #1f2a37; --soft: #5b6776; --paper: #fff; --tint: #f3f5f8; --line: #dde2e9;
  --bar: #3b7dd8; --substituted: #a85a00; --deleted: #b3261e; --inserted: #1d5fbf; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --soft: #9aa7b6; --paper: #14181e; --tint: #1e242d;
  --line: #323b47; --substituted: #f0a955; --deleted: #ff8f87; --inserted: #82b4ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 1.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2.75rem 0 .75rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .4rem; } p { margin: .5rem 0; } .soft { color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 1.25rem 0; }
.card { background: var(--tint); border-radius: .5rem; padding: .75rem 1rem; }
.card b { display: block; font-size: 1.75rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr)); gap: 0 1.5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { text-align: start; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: break-word; }
th { font-weight: 600; color: var(--soft); white-space: nowrap; } td.number, th.number { text-align: end; }
td.number { white-space: nowrap; } tbody th { width: 9.5rem; }
td:last-child { overflow-wrap: anywhere; } .facts td { overflow-wrap: anywhere; padding-right: 0; }
.bar { background: var(--bar); height: .7rem; border-radius: 2px; margin-top: .4rem; min-width: 1px; }
.utterance { border-bottom: 1px solid var(--line); padding: .6rem 0; }
.utterance p { margin: .1rem 0; } .utterance .soft { font-size: .85rem; }
.words { display: flex; gap: .75rem; } .words > span:first-child { flex: 0 0 2.6rem; color: var(--soft);
  font-size: .75rem; padding-top: .22rem; } .words > span:last-child { flex: 1; }
.substituted { color: var(--substituted); text-decoration: underline dotted; }
.deleted { color: var(--deleted); text-decoration: line-through; }
.inserted { color: var(--inserted); text-decoration: underline; }
figure { margin: .5rem 0; } svg { display: block; max-width: 100%; height: auto; } .wide svg { max-width: none; }
audio { width: 100%; max-width: 30rem; height: 2.2rem; margin: .3rem 0; }
pre { background: var(--tint); border-radius: .5rem; padding: 1rem; overflow-x: auto; font-size: .82rem; }
summary { cursor: pointer; color: var(--soft); } .note { background: var(--tint); border-inline-start: 3px solid
  var(--substituted); padding: .5rem 1rem; }
"""


def page(title: str, body: Iterable[str]) -> str:
    """A whole document; body: HTML."""
    content = "\n".join(body)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title><style>{STYLE}</style></head>
<body>
{content}
</body></html>
"""


def section(title: str, *content: str) -> str:
    """A headed part of the page; nothing where all content (HTML) is empty."""
    inside = "\n".join(part for part in content if part)
    return f"<section><h2>{escape(title)}</h2>\n{inside}</section>" if inside else ""


def note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def paragraph(text: str) -> str:
    """A remark; nothing where the text is empty."""
    return f'<p class="soft">{escape(text)}</p>' if text else ""


def listing(summary: str, text: str) -> str:
    """Text as it is in a file, folded away."""
    return f"<details><summary>{escape(summary)}</summary><pre>{escape(text)}</pre></details>"


def cards(entries: Iterable[tuple[str, str, str]]) -> str:
    """Large figures; entries: title, figure, remark."""
    inside = "".join(
        f'<div class="card">{escape(title)}<b>{escape(figure)}</b><span class="soft">{escape(remark)}</span></div>'
        for title, figure, remark in entries
    )
    return f'<div class="cards">{inside}</div>' if inside else ""


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], bar: Sequence[float] | None = None) -> str:
    """Cells of text (at the start) and formatted numbers (at the end); nothing where there is no row.

    Columns whose title begins with # hold numbers. bar: a fraction in [0, 1] for each row, drawn as a last column.
    """
    rows = list(rows)
    if not rows:
        return ""
    classes = [' class="number"' if column.startswith("#") else "" for column in columns]
    head = "".join(f"<th{c}>{escape(column.lstrip('#'))}</th>" for c, column in zip(classes, columns, strict=True))
    lines = []
    for i, row in enumerate(rows):
        cells = "".join(f'<td{c} dir="auto">{escape(str(cell))}</td>' for c, cell in zip(classes, row, strict=True))
        if bar is not None:
            cells += f'<td style="width:40%"><div class="bar" style="width:{100 * bar[i]:.1f}%"></div></td>'
        lines.append(f"<tr>{cells}</tr>")
    end = "<th></th>" if bar is not None else ""
    return (
        f'<div class="scroll"><table><thead><tr>{head}{end}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
    )


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Names and what they are."""
    inside = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f'<table class="facts"><tbody>{inside}</tbody></table>' if inside else ""


def compared(alignment: Iterable[AlignedWord]) -> str:
    """Reference above hypothesis, every error marked by colour and by line."""
    spoken, heard = [], []
    for reference, hypothesis in alignment:
        if reference is None:
            heard.append(f'<span class="inserted">{escape(str(hypothesis))}</span>')
        elif hypothesis is None:
            spoken.append(f'<span class="deleted">{escape(reference)}</span>')
        elif reference == hypothesis:
            spoken.append(escape(reference))
            heard.append(escape(hypothesis))
        else:
            spoken.append(f'<span class="substituted">{escape(reference)}</span>')
            heard.append(f'<span class="substituted">{escape(hypothesis)}</span>')
    return "".join(
        f'<div class="words"><span>{name}</span><span dir="auto">{" ".join(words) or "—"}</span></div>'
        for name, words in (("REF", spoken), ("HYP", heard))
    )


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
