"""Elements of SVG as text. Positions along are percentages, so that a drawing fits any width and its words keep their size."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def element(name: str, *inside: str, **attributes: object) -> str:
    """One element; what is `inside` is SVG already. `class_` is `class`, and a `_` within a name stands for `-`."""
    told = "".join(
        f' {_name(each)}="{escape(_value(value))}"' for each, value in attributes.items() if value is not None
    )
    content = "".join(inside)
    return f"<{name}{told}>{content}</{name}>" if content else f"<{name}{told}/>"


def words(text: str) -> str:
    """A text, as it may stand within an element."""
    return escape(text)


def picture(
    name: str, title: str, description: str, height: float, parts: Iterable[str], kind: str = ""
) -> str:
    """A whole drawing of this height in pixels, by this name alone on its page; `title` and `description` are what a screen reader
    says of it, `kind` what it is styled as."""
    return element(
        "svg",
        element("title", words(title), id=f"{name}-title"),
        element("desc", words(description), id=f"{name}-desc"),
        *parts,
        class_=f"drawing {kind or name}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        width="100%",
        height=_value(height),
        xmlns="http://www.w3.org/2000/svg",
    )


def along(part: float, whole: float) -> str:
    """How far along, in percent, never beyond the ends."""
    share = part / whole if whole > 0 else 0.0
    return f"{_value(max(0.0, min(1.0, share)) * 100)}%"


def _name(given: str) -> str:
    return {"view_box": "viewBox", "preserve_aspect_ratio": "preserveAspectRatio"}.get(
        given, given.rstrip("_").replace("_", "-")
    )


def _value(value: object) -> str:
    """Numbers with three places at most."""
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
