"""The page of commands: every one with its arguments, options, defaults and examples, as help says it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import click

from iai_daemon.cli.group import SECTIONS, iai
from iai_daemon.cli.manual import EXAMPLE, OPTIONS, PROGRAM, STATUSES, examples, own_options, split
from iai_daemon.cli.reference.markdown import block, code, either, items, link, prose, table
from iai_daemon.cli.reference.markdown import page as whole

_INTRODUCTION = (
    "Every command of `iai-daemon`, and `iai-wrapper`. The same stands in `--help` of each, and in `man iai-daemon`. What stands "
    "in brackets may be left out."
)
_WRAPPER = "iai-wrapper"
# It says what it can do within this.
_SECONDS = 30


@dataclass(frozen=True, slots=True)
class _Found:
    """One command, and as what it is called."""

    command: click.Command
    context: click.Context

    @property
    def name(self) -> str:
        return self.context.command_path


def page() -> str:
    """The whole page."""
    return whole("Commands", _blocks())


def _blocks() -> Iterator[str]:
    every = list(_below(iai, click.Context(iai, info_name=PROGRAM)))
    yield prose(_INTRODUCTION)
    for title, commands in SECTIONS.items():
        heads = [f"{PROGRAM} {name}" for name in commands]
        inner = [each.name for each in every if any(each.name.startswith(f"{head} ") for head in heads)]
        yield f"**{title}**: " + ", ".join(
            link(name, code(name.removeprefix(f"{PROGRAM} ")))
            for head in heads
            for name in [head, *inner]
            if name == head or name.startswith(f"{head} ")
        )
    yield "## Everywhere"
    yield items((code(term), prose(said)) for term, said in OPTIONS)
    without = [each.name for each in every if not _is_group(each) and not _has_json(each)]
    yield f"Without `--json`: {either(without)}."
    yield "## Exit status"
    yield table(["status", "meaning"], [(status, prose(said)) for status, said in STATUSES])
    for each in every[1:]:
        yield from _command(each)
    yield from _wrapper()


def _below(command: click.Command, context: click.Context) -> Iterator[_Found]:
    yield _Found(command, context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None and not inner.hidden:
                yield from _below(inner, click.Context(inner, info_name=name, parent=context))


def _is_group(found: _Found) -> bool:
    return isinstance(found.command, click.Group)


def _has_json(found: _Found) -> bool:
    return any("--json" in each.opts for each in found.command.params)


def _command(found: _Found) -> Iterator[str]:
    depth = len(found.name.split())
    yield f"{'#' * depth} {found.name}"
    yield from _said(found.command.help or "")
    if not _is_group(found):
        yield block([_usage(found)])
        told = [*_arguments(found), *_options(found)]
        if told:
            yield items(told)
    yield block(examples(found.command.help or ""))


def _usage(found: _Found) -> str:
    pieces = [each for each in found.command.collect_usage_pieces(found.context) if each != "[OPTIONS]"]
    return " ".join([found.name, *(["[OPTIONS]"] if own_options(found.command) else []), *pieces])


def _said(text: str) -> Iterator[str]:
    for paragraph in split(text):
        lines = paragraph.splitlines()
        if lines[0].strip() != "\b":
            yield prose(paragraph)
        elif not lines[1].startswith(EXAMPLE):
            yield block(lines[1:])


def _arguments(found: _Found) -> Iterator[tuple[str, str]]:
    for each in found.command.params:
        if isinstance(each, click.Argument):
            often = "any number of them, each " if each.nargs < 0 else ""
            left_out = "" if each.required else "; may be left out"
            yield code(each.metavar or each.name.upper()), f"{often}{_kind(each.type)}{left_out}"


def _kind(kind: click.ParamType[Any]) -> str:
    if isinstance(kind, click.Choice):
        return f"one of {either(kind.choices)}"
    if isinstance(kind, click.IntRange):
        return f"a whole number, at least {kind.min}"
    if isinstance(kind, click.Path | click.File):
        return "a file; `-` is standard input"
    return "a text"


def _options(found: _Found) -> Iterator[tuple[str, str]]:
    for each in own_options(found.command):
        if record := each.get_help_record(found.context):
            yield code(record[0]), prose(record[1])


def _wrapper() -> Iterator[str]:
    """What the wrapper says of itself: it is a program of its own, and nothing of ours imports it."""
    found = find_spec("iai_wrapper")
    if found is None or found.origin is None:
        raise LookupError("there is no wrapper here to be asked")
    asked = [sys.executable, found.origin, "--help"]
    shown = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=_SECONDS)
    yield f"## {_WRAPPER}"
    yield block(shown.stdout.rstrip().splitlines())
