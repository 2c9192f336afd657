"""Notes of Basic Memory: their observations, their relations, and the rest of what they say."""

from __future__ import annotations

from tests.memory.import_sources import Heard, hear

NOTE = """\
---
title: Coffee Brewing
type: guide
tags: [coffee, kitchen]
permalink: kitchen/coffee-brewing
modified: 2025-03-01T10:00:00+01:00
---

# Coffee Brewing

What I learnt in spring.

## Observations
- [method] Pour over tastes clearer #taste
- [technique] Water of 94 °C extracts best #heat #taste (own trials)
- Weigh the beans #tools
- [ ] buy filters
- [00:01:02] the kettle whistles

## Relations
- relates_to [[Coffee Bean Origins]]
- "goes well with" [[Chocolate]] (dark)
- [[Tea Brewing]]
- see [[Tea Brewing]] and [[Water]] for more
"""


def read(text: str, name: str | None = "coffee-brewing.md") -> Heard:
    return hear("basic-memory", text, name)


def test_observations_and_relations_become_memories_of_their_note() -> None:
    heard = read(NOTE)
    assert [(each.line, each.kind, each.content) for each in heard.passages] == [
        (11, "guide", "Coffee Brewing: What I learnt in spring."),
        (14, "method", "Coffee Brewing: Pour over tastes clearer"),
        (15, "technique", "Coffee Brewing: Water of 94 °C extracts best (own trials)"),
        (16, "guide", "Coffee Brewing: Weigh the beans"),
        (17, "guide", "Coffee Brewing: [ ] buy filters"),
        (18, "guide", "Coffee Brewing: [00:01:02] the kettle whistles"),
        (21, "relation", "Coffee Brewing relates_to Coffee Bean Origins"),
        (22, "relation", "Coffee Brewing goes well with Chocolate (dark)"),
        (23, "relation", "Coffee Brewing links_to Tea Brewing"),
        (24, "guide", "Coffee Brewing: see [[Tea Brewing]] and [[Water]] for more"),
    ]
    assert (heard.bad, heard.skipped) == ([], [])


def test_they_have_the_note_s_name_its_tags_and_its_time() -> None:
    first, method, technique, *_ = read(NOTE).passages
    assert {each.subject for each in read(NOTE).passages} == {"Coffee Brewing"}
    assert (first.tags, method.tags) == (("coffee", "kitchen"), ("coffee", "kitchen", "taste"))
    assert technique.tags == ("coffee", "kitchen", "heat", "taste")
    assert first.created_at == "2025-03-01T10:00:00+01:00"


def test_a_note_without_a_head_is_called_as_its_file_or_as_its_heading() -> None:
    assert read("- [fact] It rains").contents == ["coffee-brewing: It rains"]
    assert read("# Weather\n- [fact] It rains", None).contents == ["Weather: It rains"]


def test_tags_in_the_middle_of_a_sentence_stay_there() -> None:
    (passage,) = read("---\ntitle: Team\ntags: a, #b\n---\n- [fact] Ask in #ops on Mondays").passages
    assert (passage.content, passage.tags) == ("Team: Ask in #ops on Mondays", ("a", "b", "ops"))


def test_code_in_a_note_stays_with_what_it_belongs_to_and_is_no_observation() -> None:
    text = "- [how] Start it:\n  ```\n  - [x] no [[Link]]\n  ```\n"
    assert read(text).contents == ["coffee-brewing: Start it:\n```\n- [x] no [[Link]]\n```"]
