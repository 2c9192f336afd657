"""The engines that find what is alike, against the slow and simple way; and how a pass reads with them."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

import numpy as np
import pytest

from iai_daemon.consolidation.likeness import directions, shingles
from iai_daemon.consolidation.likeness.directions import Directions
from iai_daemon.consolidation.likeness.pairs import Pairs
from iai_daemon.memory.embedders.hashing import HashEmbedder
from iai_daemon.memory.vectors import Vectors
from tests.consolidation.test_passes import go_on


def unit(vectors: Vectors) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def scattered(count: int, size: int = 256) -> Vectors:
    """Unit vectors without any order, a tenth of them beside another one."""
    luck = np.random.default_rng(count)
    vectors = luck.standard_normal((count, size))
    copies = luck.choice(count, (2, count // 10), replace=False)
    vectors[copies[0]] = vectors[copies[1]] + 0.5 * luck.standard_normal((count // 10, size))
    return unit(vectors)


def crowded(count: int, size: int = 256) -> Vectors:
    """Unit vectors that are all alike."""
    luck = np.random.default_rng(count)
    return unit(luck.standard_normal(size) + 0.45 * luck.standard_normal((count, size)))


def of_texts(count: int) -> Vectors:
    luck = random.Random(count)  # noqa: S311 -- the same texts each time
    words = ["".join(luck.choices(string.ascii_lowercase, k=luck.randint(2, 8))) for _ in range(300)]
    texts = [" ".join(luck.choices(words, k=luck.randint(3, 9))) for _ in range(count)]
    return HashEmbedder().embed([*texts[: count // 2], *(f"{text} indeed" for text in texts[: count // 2])])


def near(
    vectors: Vectors,
    threshold: float,
    *,
    first: int = 0,
    most: int | None = None,
    cut: int | None = None,
    asked: int | None = None,
) -> list[tuple[int, int]]:
    """All pairs, from place `first` on, searched for in ranges of `cut` places."""
    count = len(vectors)
    every = Directions(vectors, threshold, count if asked is None else asked, go_on)
    places = np.arange(count)
    found = [
        every.near(places, start, min(start + (cut or count), count), go_on, most=most)
        for start in range(first, count, cut or count)
    ]
    return [pair for pairs in found for pair in as_list(pairs)]


def as_list(pairs: Pairs) -> list[tuple[int, int]]:
    return list(zip(pairs.later.tolist(), pairs.earlier.tolist(), strict=True))


def simply(
    vectors: Vectors, threshold: float, *, first: int = 0, most: int | None = None
) -> list[tuple[int, int]]:
    """The same by one product and Python."""
    product = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    found = []
    for later in range(first, len(vectors)):
        row = [other for other in range(later) if product[later, other] >= threshold]
        found += [
            (later, other) for other in sorted(row, key=lambda each: (-product[later, each], each))[:most]
        ]
    return found


MANNERS = {"scattered": scattered, "crowded": crowded, "of texts": of_texts}


@pytest.mark.parametrize("make", MANNERS.values(), ids=MANNERS.keys())
def test_every_pair_above_a_threshold_is_found_and_no_other(make: Callable[[int], Vectors]) -> None:
    vectors = make(700)
    assert sorted(near(vectors, 0.8)) == sorted(simply(vectors, 0.8))


@pytest.mark.parametrize("make", MANNERS.values(), ids=MANNERS.keys())
def test_of_many_the_best_are_kept_best_first(make: Callable[[int], Vectors]) -> None:
    vectors = make(700)
    assert near(vectors, 0.7, most=3) == simply(vectors, 0.7, most=3)


def test_what_is_new_is_compared_with_what_was_there_and_with_itself_alone() -> None:
    vectors = scattered(800)
    assert near(vectors, 0.8, first=700) == simply(vectors, 0.8, first=700)


@pytest.mark.parametrize("make", MANNERS.values(), ids=MANNERS.keys())
def test_the_result_does_not_depend_on_how_the_search_is_cut_or_prepared(
    make: Callable[[int], Vectors],
) -> None:
    vectors = make(700)
    whole = near(vectors, 0.75, most=5)
    assert near(vectors, 0.75, most=5, cut=250) == whole
    assert near(vectors, 0.75, most=5, asked=1) == whole


def test_texts_are_searched_in_fewer_numbers_than_they_have_and_a_crowd_is_not() -> None:
    short = directions._shortened(of_texts(2000), 0.8, go_on)
    assert short is not None
    assert short.shape[1] < 256
    assert directions._shortened(crowded(2000), 0.8, go_on) is None


def test_a_shortened_vector_never_promises_less_than_the_whole_one_has() -> None:
    vectors = of_texts(1000)
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    short = directions._bounding(vectors, axes[:, -20:])
    assert (short @ short.T >= vectors @ vectors.T - 1e-4).all()


def test_a_record_without_a_vector_is_like_nothing() -> None:
    vectors = scattered(20)
    vectors[[3, 9]] = 0
    assert not {3, 9} & {place for pair in near(vectors, 0.01) for place in pair}


def test_a_search_yields_after_every_block() -> None:
    vectors, asked = scattered(3000), []
    Directions(vectors, 0.8, 1, go_on).near(np.arange(3000), 0, 3000, lambda: asked.append(None))
    operations = 3000 * 3000 / 2 / len(asked)
    assert operations < 512 * 1024


def test_a_search_stops_where_it_yields() -> None:
    class Back(Exception):
        pass

    def somebody_is_back() -> None:
        raise Back

    with pytest.raises(Back):
        Directions(scattered(100), 0.8, 1, go_on).near(np.arange(100), 0, 100, somebody_is_back)


# --- the same words


def words(luck: random.Random, count: int) -> list[str]:
    return ["".join(luck.choices(string.ascii_lowercase, k=6)) for _ in range(count)]


def alike(
    texts: list[list[str]], groups: list[int] | None = None, *, first: int = 0, most: int = 4
) -> list[tuple[int, int]]:
    numbers = np.array(groups if groups is not None else [0] * len(texts), np.int32)
    return as_list(shingles.alike(shingles.sketches(texts), numbers, first, 0.5, go_on, most=most))


def test_texts_of_the_same_words_find_one_another_in_whatever_order_the_words_are() -> None:
    luck = random.Random(1)  # noqa: S311
    texts = [words(luck, luck.randint(1, 30)) for _ in range(500)]
    again = [luck.sample(text, len(text)) for text in texts]
    assert alike(texts + again) == [(500 + at, at) for at in range(500)]


def test_texts_that_share_most_of_their_words_find_one_another_nearly_always() -> None:
    luck = random.Random(2)  # noqa: S311
    texts = [words(luck, 10) for _ in range(1000)]
    again = [[*text[:9], *words(luck, 1)] for text in texts]
    found = alike(texts + again)
    right = {(1000 + at, at) for at in range(1000)}
    assert len(right & set(found)) > 980
    assert len(found) < 1010


def test_texts_that_share_a_few_words_do_not() -> None:
    luck = random.Random(3)  # noqa: S311
    common = words(luck, 2)
    assert alike([[*words(luck, 10), *common] for _ in range(300)]) == []


def test_texts_of_different_groups_are_never_alike() -> None:
    assert alike([["a", "b"]] * 4, [0, 1, 0, 1]) == [(2, 0), (3, 1)]


def test_texts_without_words_are_like_nothing() -> None:
    assert alike([[], ["a"], [], ["a"]]) == [(3, 1)]
    assert alike([[], []]) == []


def test_only_what_is_new_is_asked_for() -> None:
    assert alike([["a"]] * 3, first=2, most=9) == [(2, 0), (2, 1)]


def test_a_crowd_of_the_same_words_is_compared_with_a_few_only() -> None:
    found = alike([["the", "same", "words"]] * 1000)
    assert found[:4] == [(1, 0), (2, 0), (2, 1), (3, 0)]
    assert len(found) <= 4 * 1000


def test_sketches_are_the_same_in_any_process() -> None:
    made = shingles.sketches([["migrations", "worker"]])
    assert made[0, :4].tolist() == [12877, 12300, 61459, 48851]
