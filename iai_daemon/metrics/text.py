"""Families as text: OpenMetrics 1.0, and Prometheus' older format, which node_exporter's textfile collector reads. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from iai_daemon.metrics.families import Family, Sample, Type

# What a sample's name ends with, by the type of its family.
_SUFFIXES = {Type.GAUGE: "", Type.COUNTER: "_total", Type.INFO: "_info"}


def openmetrics(families: Iterable[Family]) -> str:
    """Version 1.0.0, with the end marked."""
    return "".join(f"{line}\n" for each in families for line in _open(each)) + "# EOF\n"


def prometheus(families: Iterable[Family]) -> str:
    """Version 0.0.4: it knows no infos, and calls a counter by the name of its samples."""
    return "".join(f"{line}\n" for each in families for line in _old(each))


def _open(family: Family) -> Iterator[str]:
    yield f"# TYPE {family.name} {family.type.value}"
    if family.unit:
        yield f"# UNIT {family.name} {family.unit}"
    yield f"# HELP {family.name} {_escaped(family.help)}"
    yield from _samples(family)


def _old(family: Family) -> Iterator[str]:
    name = family.name + _SUFFIXES[family.type]
    # In help texts it leaves quotes as they are.
    help_ = family.help.replace("\\", "\\\\").replace("\n", "\\n")
    yield f"# HELP {name} {help_}"
    yield f"# TYPE {name} {'gauge' if family.type is Type.INFO else family.type.value}"
    yield from _samples(family)


def _samples(family: Family) -> Iterator[str]:
    name = family.name + _SUFFIXES[family.type]
    return (f"{name}{_labels(each)} {_value(each.value)}" for each in family.samples)


def _labels(sample: Sample) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _value(value: float) -> str:
    """Whole numbers without a point, others exactly."""
    return str(int(value)) if value.is_integer() else repr(value)
