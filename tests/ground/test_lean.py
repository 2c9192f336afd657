"""What a process imports for good: without what it does not need, and without anybody looking through it for cycles."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterator

import pytest

from iai_daemon.lean import uncollected, without


@pytest.fixture
def thawed() -> Iterator[None]:
    """What a test freezes would stay so for all that come after it."""
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_a_module_that_is_left_out_seems_not_to_be_installed_and_comes_back() -> None:
    sys.modules.pop("colorsys", None)
    with without("colorsys"), pytest.raises(ImportError):
        importlib.import_module("colorsys")
    assert importlib.import_module("colorsys") is sys.modules["colorsys"]


def test_a_module_that_was_loaded_before_stays() -> None:
    with without("json"):
        assert importlib.import_module("json") is sys.modules["json"]
    assert sys.modules["json"] is not None


@pytest.mark.usefixtures("thawed")
def test_nobody_looks_for_cycles_inside_and_what_was_made_there_is_never_looked_through() -> None:
    with uncollected():
        assert not gc.isenabled()
        made: list[object] = []
        made.append(made)
    assert gc.isenabled()
    assert all(each is not made for each in gc.get_objects())


@pytest.mark.usefixtures("thawed")
def test_cycles_are_looked_for_again_where_the_import_fails() -> None:
    with pytest.raises(ImportError), uncollected():
        raise ImportError
    assert gc.isenabled()
