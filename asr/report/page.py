"""A page: plain values laid out by the templates beside this file, in one HTML file that loads nothing from elsewhere.

Templates escape all text. What they write as it stands is of this project's own making: figures, scripts, styles, and
what other templates have rendered.
"""

import base64
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from asr.report.numbers import count, percent

PACKAGE = "asr.report"
SCRIPT_IDS = ("utterances", "filters", "told", "more")  # of the elements that report.js works on


@dataclass(frozen=True)
class Section:
    """A headed part of a page; one without content is left out, one without a title stands without a heading."""

    title: str
    content: Markup

    @property
    def anchor(self) -> str:
        name = re.sub(r"\W+", "-", self.title).strip("-").lower()
        return f"{name}-section" if name in SCRIPT_IDS else name


@cache
def templates(package: str = PACKAGE) -> Environment:
    """The templates of a package beside those that all pages share."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(each) for each in dict.fromkeys((package, PACKAGE))]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": count, "percent": percent, "script_data": script_data}
    return environment


def render(template: str, package: str = PACKAGE, **values: object) -> Markup:
    """A template filled in with plain values; empty where it has nothing to say."""
    return Markup(templates(package).get_template(template).render(values).strip())


def part(macro: str, *values: object) -> Markup:
    """One of the parts that all pages share, by the name of its macro in parts.html."""
    return Markup(getattr(templates().get_template("parts.html").module, macro)(*values).strip())


def script_data(values: object) -> Markup:
    """Values for a page's script, as JSON that cannot end its element."""
    return Markup(json.dumps(values, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"))


@cache
def asset(name: str) -> Markup:
    """A style or a script of the pages."""
    return Markup((files(PACKAGE) / "templates" / name).read_text("utf-8"))


def page(
    title: str,
    sections: Iterable[Section],
    heading: str = "",
    introduction: Markup | str = "",
    scripts: Sequence[str] | None = None,
    styles: Sequence[str] = ("report.css",),
) -> str:
    """A whole document: heading, introduction, contents, sections.

    scripts: their text, those of lists of utterances where none are given; styles: names of files.
    """
    scripts = [asset("report.js")] if scripts is None else [Markup(script) for script in scripts]
    return render(
        "page.html",
        title=title,
        heading=heading or title,
        introduction=introduction,
        sections=[section for section in sections if section.content],
        styles=[asset(name) for name in styles],
        scripts=scripts,
        policy=policy(scripts),
    )


def policy(scripts: Iterable[str]) -> Markup:
    """Nothing may be fetched, and no script but these run, even if hostile text should ever get past the escaping."""
    hashes = (base64.b64encode(sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return Markup(
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; media-src data:;"
        f" style-src 'unsafe-inline'; script-src {allowed}"
    )
