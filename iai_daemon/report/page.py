"""The report as one page of HTML that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from iai_daemon.report import own_files

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_TEMPLATES = "templates"


@dataclass(frozen=True, slots=True)
class Live:
    """What a served page has beside a file: `csrf`, which it sends back with every wish."""

    csrf: str


def render(report: Mapping[str, Any], live: Live | None = None) -> str:
    """The whole page; `live` None: a file, which asks for nothing."""
    return _make("page.html.j2", report, live)


def render_content(report: Mapping[str, Any], live: Live | None = None) -> str:
    """What stands within <main>, which a live page renews."""
    return _make("content.html.j2", report, live)


def _make(name: str, report: Mapping[str, Any], live: Live | None) -> str:
    from iai_daemon.report import pictures, words  # noqa: PLC0415 -- only who wants a page pays for markupsafe

    said = words.Words(report["zone"])
    template = _environment().get_template(name)
    text = template.render(report=report, live=live, say=said, draw=pictures.Pictures(report, said))
    # Half a character, which JSON may hold, is none that a file can.
    return text.encode(errors="replace").decode()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    import jinja2  # noqa: PLC0415 -- only who wants a page pays for it

    from iai_daemon.report import words  # noqa: PLC0415 -- as above

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("iai_daemon.report", _TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "shown": words.shown,
        "plain": words.plain,
        "marked": words.marked,
        "duration": words.duration,
        "by_day": words.by_day,
        "hours": words.hours,
    }
    environment.globals |= {"count": words.count, "static": _static, "policy": own_files.policy}
    return environment


def _static(name: str) -> Markup:
    """What one of our own files says: trusted, so it is not escaped."""
    from markupsafe import Markup  # noqa: PLC0415 -- as jinja2 above

    return Markup(own_files.read(name))  # noqa: S704 -- our own file
