"""What the questions of a night ask for where nothing more is said."""

from __future__ import annotations

from inspect import signature

import pytest

from iai_daemon.memory.nights.store import EMBEDDING, MAINTAINED_FOR, NightStore, Said, Sharing, Wanted
from tests.memory.test_rank import memory


def test_a_question_for_what_shares_words_is_content_with_few() -> None:
    assert Sharing(memory(1), 10) == Sharing(memory(1), 10, much=False)


def test_work_that_a_user_has_taken_back_is_none_unless_it_is_asked_for() -> None:
    plain = Wanted({"expire": None})
    assert plain == Wanted({"expire": None}, taken_back=False, model=None, inputs={})
    assert plain.inputs is not Wanted({}).inputs


def test_what_has_no_vector_has_no_dimension() -> None:
    assert Said(1, 2, "global", None, None, None, "x", None).dimension is None


def test_a_store_that_was_looked_after_is_left_alone_for_a_day() -> None:
    assert MAINTAINED_FOR == 24 * 60 * 60 * 1000
    assert EMBEDDING == "model"


@pytest.mark.parametrize(
    ("method", "parameter", "default"),
    [
        (NightStore.sharing, "much", False),
        (NightStore.counts, "model", None),
        (NightStore.apply, "self_check", None),
        (NightStore.held, "limit", None),
    ],
)
def test_every_store_answers_the_plain_question_alike(
    method: object, parameter: str, default: object
) -> None:
    assert signature(method).parameters[parameter].default is default  # type: ignore[arg-type]
