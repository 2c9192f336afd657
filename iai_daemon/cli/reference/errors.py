"""The page of errors: exit statuses, and every sentence with which something is refused."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from iai_daemon import errors
from iai_daemon.cli.manual import STATUSES
from iai_daemon.cli.reference.markdown import page as whole
from iai_daemon.cli.reference.markdown import prose, table

_INTRODUCTION = (
    "What goes wrong is said in one sentence on standard error, with what mends it, and in the exit status. Programs go by the exit status, "
    "and by the fields of `--json`; the sentences may change. What stands in braces is filled in."
)


def page() -> str:
    """The whole page."""
    return whole("Errors and exit statuses", _blocks())


def _blocks() -> Iterator[str]:
    yield prose(_INTRODUCTION)
    yield "## Exit statuses"
    yield table(["status", "meaning"], [(status, prose(said)) for status, said in STATUSES])
    yield "## Messages"
    rows = [(each.__name__, str(each.exit_status), prose(each.__doc__ or "")) for each in every()]
    yield table(["error", "status", "sentence"], rows)


def every() -> list[type[errors.IaiError]]:
    """Every error that says something of its own, in the order in which they are written."""
    found = [
        each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, errors.IaiError)
    ]
    saying = [
        each for each in found if each is not errors.IaiError and each.__doc__ not in (None, "{problem}")
    ]
    return sorted(saying, key=lambda each: inspect.getsourcelines(each)[1])
