"""What a sentence says of change: how, what is over, what has come, and whether the one replaced the other."""

from __future__ import annotations

import pytest

from iai_daemon.wording.features import features
from iai_daemon.wording.signs import (
    ALSO,
    CHANGED,
    CORRECTED,
    ENDED,
    INSTEAD,
    MARKED,
    NO_LONGER,
    NOW,
    PAST,
    STRONG,
    TENTATIVE,
    is_of_change,
)
from iai_daemon.wording.tokens import tokens

# marks, what is over, what has come, whether something replaced it
Said = tuple[int, list[str], str, bool]


def said(text: str) -> Said:
    claim = features(text).claim
    over = [" ".join(sorted(phrase)) for phrase in claim.ended]
    return claim.marks, over, " ".join(sorted(claim.arrived)), claim.replaced


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("We dropped flake8.", (ENDED, ["flake8"], "", False)),
        ("flake8 was dropped.", (ENDED, ["flake8"], "", False)),
        ("flake8 has been removed by Ada.", (ENDED, ["flake8"], "", False)),
        ("flake8 is dropped.", (0, [], "", False)),
        ("flake8 is now removed.", (NOW | ENDED, ["flake8"], "", False)),
        ("The flake8 job got deleted yesterday.", (NOW | ENDED, ["flake8 job"], "", False)),
        ("Linting, flake8 is archived.", (ENDED, ["flake8"], "", False)),
        ("Linting, flake8 archived.", (ENDED, ["flake8"], "", False)),
        ("- flake8 is archived.", (ENDED, ["flake8"], "", False)),
        ("flake8 is archived.", (0, [], "", False)),
        ("flake8 is archived daily.", (0, [], "", False)),
        ("flake8 is archived, as it was.", (0, [], "", False)),
        ("flake8 uninstalled.", (ENDED, ["flake8"], "", False)),
        ("Ada removed flake8.", (ENDED, ["flake8"], "", False)),
        ("Ada closed the ticket.", (0, [], "", False)),
        ("Ada shut the door.", (0, [], "", False)),
        ("We closed the shop.", (ENDED, ["shop"], "", False)),
        ("Closed the shop because of rain.", (ENDED, ["shop"], "", False)),
        ("We drop flake8.", (0, [], "", False)),
        ("Drop flake8.", (0, [], "", False)),
        ("Renate retired.", (ENDED, ["renat"], "", False)),
        ("Renate retired in May.", (ENDED, ["renat"], "", False)),
        ("Renate resigned from the board.", (0, [], "", False)),
        ("Renate quit.", (ENDED, ["renat"], "", False)),
        ("Renate stepped down.", (ENDED, ["renat"], "", False)),
        ("Renate stepped into the car.", (0, [], "", False)),
        ("Renate has stepped back.", (NOW | ENDED, ["renat"], "", False)),
        ("We stopped using flake8.", (ENDED, ["flake8"], "", False)),
        ("flake8 is stopped.", (ENDED, [], "", False)),
        ("The user stop eating rye.", (ENDED, ["eat rye"], "", False)),
        ("The workers stop at night.", (0, [], "", False)),
        ("Stop eating rye.", (ENDED, ["eat rye"], "", False)),
        ("flake8 wurde abgeschaltet.", (ENDED, ["flake8"], "", False)),
        ("The kiln was shut down in June.", (ENDED, ["kiln"], "", False)),
        ("They have left the kiln.", (ENDED, ["kiln"], "", False)),
        ("flake8 is being removed.", (0, [], "", False)),
        ("flake8 gets removed after the merge.", (0, [], "", False)),
        ("Linting, flake8 was closed.", (ENDED, ["flake8"], "", False)),
    ],
)
def test_what_was_dropped_is_over(text: str, change: Said) -> None:
    assert said(text) == change


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("Renate left.", (ENDED, ["renat"], "", False)),
        ("Renate left the company.", (ENDED, ["renat"], "", False)),
        ("Renate left the kiln in Rome.", (ENDED, ["kiln"], "", False)),
        ("Staging has left Jetty.", (ENDED, ["jetty"], "", False)),
        ("The door is left open.", (0, [], "", False)),
        ("Renate is on leave.", (ENDED, ["renat"], "", False)),
        ("Left Jetty for good.", (ENDED, ["jetty"], "", False)),
        ("Ada on Malta left Jetty.", (ENDED, ["jetty"], "", False)),
        ("Renate was left alone.", (0, [], "", False)),
        ("The chef Renate is on parental leave.", (ENDED, ["chef"], "", False)),
        ("Leave the door.", (0, [], "", False)),
    ],
)
def test_who_or_what_left_is_told_by_what_stands_behind(text: str, change: Said) -> None:
    assert said(text) == change


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("flake8 is gone.", (ENDED, ["flake8"], "", False)),
        ("flake8 has gone.", (ENDED, ["flake8"], "", False)),
        ("flake8 gone.", (0, [], "", False)),
        ("flake8 is out.", (ENDED, ["flake8"], "", False)),
        ("flake8 is out of date.", (0, [], "", False)),
        ("flake8 is out of the question.", (ENDED, ["flake8"], "", False)),
        ("flake8 out of any question.", (ENDED, ["flake8"], "", False)),
        ("flake8 is deprecated.", (ENDED, ["flake8"], "", False)),
        ("flake8 is deprecated by most.", (ENDED, ["flake8"], "", False)),
        ("flake8 deprecated.", (ENDED, ["flake8"], "", False)),
        ("The kiln returns 404.", (ENDED, ["kiln return"], "", False)),
        ("The user finds flake8 noisy.", (ENDED, ["flake8"], "", False)),
        ("The user found the drums boring.", (ENDED, ["drum"], "", False)),
        ("Drums are boring.", (0, [], "", False)),
        ("Drums, quite boring.", (0, [], "", False)),
        ("Drums are annoying.", (ENDED, ["drum"], "", False)),
        ("Annoying drums.", (0, [], "", False)),
        ("The drums are too loud for the user.", (ENDED, ["drum"], "", False)),
        ("The drums were too loud.", (0, [], "", False)),
        ("Jetty was too slow.", (0, ["jetty"], "", False)),
        ("Jetty is too slow.", (0, [], "", False)),
        ("Jetty on Debian was too slow.", (0, [], "", False)),
        ("Too loud for the user.", (0, [], "", False)),
        ("The user complained about drums.", (ENDED, ["drum"], "", False)),
        ("The user hates drums.", (ENDED, ["drum"], "", False)),
        ("Drums annoy the user.", (ENDED, ["drum"], "", False)),
        ("Drums annoy everybody.", (0, [], "", False)),
        ("The user annoys drums.", (0, [], "", False)),
        ("We got rid of flake8.", (ENDED, ["flake8"], "", False)),
        ("Rid the house of flies.", (0, [], "", False)),
        ("We got rid of flake8 in May.", (ENDED, ["flake8"], "", False)),
    ],
)
def test_what_is_gone_or_unwanted_is_over(text: str, change: Said) -> None:
    assert said(text) == change


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("We replaced flake8 with ruff.", (CHANGED | ENDED, ["flake8"], "ruff", True)),
        ("flake8 was replaced by ruff.", (CHANGED | ENDED, ["flake8"], "ruff", True)),
        ("flake8 was replaced.", (CHANGED | ENDED, ["flake8"], "", True)),
        ("We replaced flake8.", (CHANGED | ENDED, ["flake8"], "", True)),
        ("ruff replaces flake8.", (CHANGED | ENDED, ["flake8"], "ruff", True)),
        ("Replace flake8 with ruff.", (0, [], "", False)),
        ("Replacing flake8 with ruff.", (0, [], "", False)),
        ("Swapped in ruff for speed.", (CHANGED, [], "ruff", False)),
        ("Swapped flake8 for ruff because of speed.", (CHANGED | ENDED, ["flake8"], "ruff", True)),
        ("flake8 is superseded by ruff since May.", (NOW | ENDED, ["flake8"], "", False)),
        ("Exchanged flake8 with ruff in May.", (CHANGED | ENDED, ["flake8"], "ruff", True)),
    ],
)
def test_what_took_the_place_of_what_is_read(text: str, change: Said) -> None:
    assert said(text) == change


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("We moved the docs from Gitea to Netlify.", (CHANGED, ["gitea"], "netlify", True)),
        ("The docs moved to Netlify.", (CHANGED, [], "netlify", False)),
        ("The docs moved from Gitea.", (CHANGED, ["gitea"], "", True)),
        ("The docs moved out of Gitea to Netlify.", (CHANGED, ["gitea"], "netlify", True)),
        ("The docs moved out to Netlify.", (CHANGED, [], "netlify", False)),
        (
            "The docs have moved off Gitea onto Netlify because of costs.",
            (CHANGED, ["gitea"], "netlify", True),
        ),
        ("The docs moved to Netlify since May.", (NOW | CHANGED, [], "netlify", False)),
        ("Docs move to Netlify.", (0, [], "", False)),
        ("The docs are moved to Netlify every night.", (0, [], "", False)),
        ("The docs are now moved to Netlify.", (NOW | CHANGED, [], "netlify", False)),
        ("The docs get moved to Netlify.", (0, [], "", False)),
        ("How to get moved to Netlify.", (0, [], "", False)),
        ("The moved docs are large.", (0, [], "", False)),
        ("Every moved doc is kept.", (0, [], "", False)),
        ("The rewrite to Rust is done.", (CHANGED, [], "rust", False)),
        ("The rewrite to Rust is planned for May.", (TENTATIVE, [], "", False)),
        ("The rewrite in Rust is done.", (0, [], "", False)),
        ("The move of docs to Netlify is finished.", (CHANGED, [], "finish netlify", False)),
        ("Moving of docs to Netlify is done.", (CHANGED, [], "netlify", False)),
        ("Moving docs to Netlify.", (0, [], "", False)),
        ("The commit that landed moves docs to Netlify.", (0, [], "", False)),
        ("The commit that moves docs to Netlify.", (0, [], "", False)),
        ("The merged commit that moves docs to Netlify.", (CHANGED, [], "netlify", False)),
        ("Set the limit to 5.", (0, [], "", False)),
        ("We set the limit to 5.", (CHANGED, [], "5", False)),
        ("Put the keys in SAP.", (0, [], "", False)),
        ("We put the keys into SAP.", (CHANGED, [], "sap", False)),
        ("Split the docs.", (0, [], "", False)),
        ("The limit was raised from 5 to 7.", (CHANGED, ["5"], "7", True)),
        ("The limit rose to 7.", (CHANGED, [], "7", False)),
        ("The lead was handed to Ada.", (CHANGED, ["lead"], "ada", False)),
        ("Renate handed the keys to Ada.", (CHANGED, ["renat"], "ada", False)),
        ("jetty renamed to tomcat.", (CHANGED, ["jetty"], "tomc", False)),
        ("Die Bilder sind von Gitea nach Netlify umgezogen.", (CHANGED, [], "", False)),
        ("The cutover to Netlify is finally through.", (NOW | CHANGED, [], "final netlify", False)),
        ("The upgrade to 7 went live.", (CHANGED, [], "7", False)),
        ("Jetty went to Tomcat.", (CHANGED, [], "tomc", False)),
        ("The porting to Rust landed.", (CHANGED, [], "land rust", False)),
    ],
)
def test_what_moved_says_from_where_and_to_where(text: str, change: Said) -> None:
    assert said(text) == change


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("flake8 gave way to ruff.", (ENDED, ["flake8"], "", False)),
        ("We gave up flake8.", (ENDED, ["flake8"], "", False)),
        ("flake8 was given up.", (ENDED, ["flake8"], "", False)),
        ("flake8 was given up in May.", (ENDED, ["flake8"], "", False)),
        ("We gave ruff to Ada.", (0, [], "", False)),
        ("We gave ruff a try.", (0, [], "", False)),
        ("Jetty was taken down.", (ENDED, ["jetty"], "", False)),
        ("We took down Jetty.", (ENDED, ["jetty"], "", False)),
        ("ruff took over from flake8.", (CHANGED, ["flake8"], "", True)),
        ("We took ruff to Ada.", (CHANGED, [], "ada", False)),
        ("flake8 can go.", (ENDED, ["flake8"], "", False)),
        ("flake8 may go.", (ENDED, ["flake8"], "", False)),
        ("flake8 can go home.", (0, [], "", False)),
        ("flake8 must go.", (0, [], "", False)),
        ("We decided on ruff.", (CHANGED, [], "ruff", False)),
        ("We decided against flake8 because of speed.", (ENDED, ["flake8"], "", False)),
        ("We settled on ruff in May.", (CHANGED, [], "ruff", False)),
        ("We opted for ruff.", (CHANGED, [], "ruff", False)),
        ("We decided to wait.", (0, [], "", False)),
        ("We agreed on ruff for speed.", (CHANGED, [], "ruff", False)),
        ("ESLint → Biome", (CHANGED, ["eslint"], "biom", True)),
        ("eslint → biome", (0, [], "", False)),
        ("5 → 7", (CHANGED, ["5"], "7", True)),
        ("5 → Biome", (0, [], "", False)),
        ("Opacity 5 → 7", (CHANGED, ["5"], "7", True)),
        ("→ Biome", (0, [], "", False)),
        ("docs → Biome", (0, [], "", False)),
        ("Docs → Biome wins", (CHANGED, ["doc"], "biom", True)),
    ],
)
def test_giving_up_and_taking_over_are_read(text: str, change: Said) -> None:
    assert said(text) == change


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("Use ruff instead of flake8.", (INSTEAD, ["flake8"], "", True)),
        ("Use ruff instead.", (INSTEAD, [], "", False)),
        ("Use ruff rather than flake8.", (INSTEAD, ["flake8", "flake8"], "", True)),
        ("The user would rather wait.", (INSTEAD, [], "", False)),
        ("The user is rather tired.", (0, [], "", False)),
        ("The user prefers ruff over flake8.", (INSTEAD, ["flake8"], "", True)),
        ("The lid is over flake8.", (0, [], "", False)),
        ("The user likes ruff more than flake8.", (INSTEAD, ["flake8"], "", True)),
        ("Ada is older than Ben.", (0, [], "", False)),
        ("Use ruff in place of flake8.", (INSTEAD, ["flake8"], "", True)),
        ("Use ruff in lieu of flake8 because of speed.", (INSTEAD, ["flake8"], "", True)),
        ("The place is Rome.", (0, [], "", False)),
        ("In favour of ruff we voted.", (INSTEAD, [], "ruff vote", False)),
        ("We voted in favor of ruff for speed.", (INSTEAD, [], "ruff", False)),
        ("She did me a favor.", (0, [], "", False)),
        ("Statt flake8 nutzen wir ruff.", (INSTEAD, ["flake8"], "", True)),
        ("Wir nutzen ruff anstelle flake8.", (INSTEAD, ["flake8"], "", True)),
        ("Wir nutzen ruff anstatt flake8.", (INSTEAD, ["flake8"], "", True)),
        ("The user chose ruff over flake8 for speed.", (INSTEAD, ["flake8"], "", True)),
        ("It is ruff, not flake8.", (INSTEAD, ["flake8"], "", True)),
        ("It is ruff, so no flake8.", (INSTEAD, ["flake8"], "", True)),
        ("It is ruff, and not flake8 in Rome.", (INSTEAD, ["flake8 rome"], "", True)),
        ("It is ruff, not flake8 because of speed.", (INSTEAD, ["flake8"], "", True)),
        ("It is ruff; not flake8.", (0, [], "", False)),
        ("It is ruff, not use flake8.", (0, [], "", False)),
        ("It is ruff, not.", (0, [], "", False)),
        ("It is not flake8.", (0, [], "", False)),
        ("Not flake8.", (0, [], "", False)),
        ("(not flake8)", (INSTEAD, ["flake8"], "", True)),
        ("It is ruff, no flake8.", (INSTEAD, ["flake8"], "", True)),
    ],
)
def test_what_is_done_instead_is_read(text: str, change: Said) -> None:
    assert said(text) == change


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("flake8 is no longer used.", (NO_LONGER, ["flake8"], "", False)),
        ("We don't use flake8 any more.", (NO_LONGER, ["flake8"], "", False)),
        ("We don’t use flake8 any longer.", (NO_LONGER, ["flake8"], "", False)),
        ("We do not use flake8 anymore.", (NO_LONGER, ["flake8"], "", False)),
        ("We use flake8 anymore.", (0, [], "", False)),
        ("We use flake8 any more.", (0, [], "", False)),
        ("Nobody uses flake8 any more.", (NO_LONGER, ["flake8"], "", False)),
        ("We never use flake8 any longer.", (NO_LONGER, ["flake8"], "", False)),
        ("No more flake8.", (NO_LONGER, ["flake8"], "", False)),
        ("No more than 5.", (0, [], "", False)),
        ("The rope is longer.", (0, [], "", False)),
        ("There is more rope.", (0, [], "", False)),
        ("The rope is any longer.", (0, [], "", False)),
        ("Wir nutzen flake8 nicht mehr.", (NO_LONGER, ["flake8"], "", False)),
        ("Wir nutzen kein flake8 mehr.", (NO_LONGER, ["flake8"], "", False)),
        ("Wir nutzen flake8 nie mehr.", (NO_LONGER, ["flake8"], "", False)),
        ("Wir nutzen mehr flake8.", (0, [], "", False)),
        ("The migration is no longer run.", (NO_LONGER, ["migr"], "", False)),
        ("flake8 used to be ruff.", (ENDED, ["flake8 ruff"], "", False)),
        ("flake8 is used to lint.", (0, [], "", False)),
        ("flake8 used tape.", (0, [], "", False)),
        ("We used to lint.", (ENDED, ["lint"], "", False)),
    ],
)
def test_what_is_so_no_longer_is_read(text: str, change: Said) -> None:
    assert said(text) == change


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("It now runs.", (NOW, [], "", False)),
        ("It runs today.", (NOW, [], "", False)),
        ("It runs again.", (NOW, [], "", False)),
        ("Since May it runs.", (NOW, [], "", False)),
        ("As of May it runs.", (NOW, [], "", False)),
        ("As a boat it floats.", (0, [], "", False)),
        ("From now on it runs.", (NOW, [], "", False)),
        ("From Rome it runs.", (0, [], "", False)),
        ("From this very day onwards it runs.", (NOW, [], "", False)),
        ("From this very long week it runs onwards.", (0, [], "", False)),
        ("From May onward it runs.", (NOW, [], "", False)),
        ("These days it runs.", (NOW, [], "", False)),
        ("This week it runs.", (NOW, [], "", False)),
        ("This boat floats.", (0, [], "", False)),
        ("Last month it ran.", (NOW, [], "", False)),
        ("Last boat.", (0, [], "", False)),
        ("Going forward it runs.", (NOW, [], "", False)),
        ("Going home.", (0, [], "", False)),
        ("Starting Monday it runs.", (NOW, [], "", False)),
        ("The team has a new lead.", (NOW, [], "", False)),
        ("The team has an old, new lead.", (0, [], "", False)),
        ("The team got a new lead.", (NOW, [], "", False)),
        ("The team wants a new lead.", (0, [], "", False)),
        ("The team has new chairs.", (0, [], "", False)),
        ("New lead: Ada.", (NOW, [], "", False)),
        ("New lead.", (0, [], "", False)),
        ("The new lead: Ada.", (0, [], "", False)),
        ("A new lead has come.", (0, [], "", False)),
        ("Correction: it is 5.", (CORRECTED, [], "", False)),
        ("Actually it is 5.", (CORRECTED, [], "", False)),
        ("It turns out fine.", (CORRECTED, [], "", False)),
        ("It turned out fine.", (CORRECTED, [], "", False)),
        ("It turned to 5.", (CHANGED, [], "5", False)),
        ("Update: it is 5.", (CORRECTED, [], "", False)),
        ("Update it: it is 5.", (0, [], "", False)),
        ("The update: it is 5.", (CORRECTED, [], "", False)),
        ("The update is 5.", (0, [], "", False)),
        ("Update.", (0, [], "", False)),
        ("Oops, it is 5.", (CORRECTED, [], "", False)),
    ],
)
def test_that_it_is_so_now_is_read(text: str, change: Said) -> None:
    assert said(text) == change


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("We moved to Netlify in favour of Gitea.", (CHANGED | INSTEAD, [], "gitea netlify", False)),
        ("Now we replaced flake8 with ruff.", (NOW | CHANGED | ENDED, ["flake8"], "ruff", True)),
        (
            "We moved to Netlify and replaced Gitea with Codeberg.",
            (CHANGED | ENDED, ["gitea"], "codeberg gitea netlify replac", True),
        ),
        ("We moved to Netlify and swapped in ruff.", (CHANGED, [], "netlify ruff swap", False)),
        ("We moved to Rust and settled on ruff.", (CHANGED, [], "ruff rust settl", False)),
        ("Now we settled on ruff.", (NOW | CHANGED, [], "ruff", False)),
        ("Now Jetty → Tomcat wins.", (NOW | CHANGED, ["jetty"], "tomc", True)),
        ("Now use ruff instead.", (NOW | INSTEAD, [], "", False)),
        ("Now moved to Netlify.", (NOW | CHANGED, [], "netlify", False)),
        ("We moved to Rust and moved to Netlify.", (CHANGED, [], "move netlify rust", False)),
        ("We dropped flake8 and have a new lead.", (NOW | ENDED, ["flake8"], "", False)),
        ("We dropped flake8 actually.", (ENDED | CORRECTED, ["flake8"], "", False)),
        ("We dropped flake8 these days.", (NOW | ENDED, ["day flake8"], "", False)),
        (
            "We dropped flake8 and moved from Gitea and gave up Jetty.",
            (CHANGED | ENDED, ["flake8", "gitea jetty", "jetty"], "", True),
        ),
        (
            "Dropped flake8; moved the docs to Netlify; no longer use Jetty.",
            (CHANGED | ENDED | NO_LONGER, ["flake8", "jetty"], "netlify", False),
        ),
        (
            "We use ruff instead of flake8 and moved to Netlify from Gitea.",
            (CHANGED | INSTEAD, ["flake8 move", "gitea"], "netlify", True),
        ),
        ("We also dropped flake8.", (ENDED | ALSO, ["flake8"], "", False)),
        ("Previously we also dropped flake8.", (ENDED | ALSO | PAST, ["flake8"], "", False)),
        ("Handed the keys to Ada and the car to Ben.", (CHANGED, [], "ada ben car", False)),
    ],
)
def test_several_signs_of_one_sentence_are_read_together(text: str, change: Said) -> None:
    assert said(text) == change


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("We also use ruff.", (ALSO, [], "", False)),
        ("Besides, we use ruff.", (ALSO, [], "", False)),
        ("Previously we used ruff.", (PAST, [], "", False)),
        ("Früher lief es.", (PAST, [], "", False)),
        ("Maybe we move to ruff.", (TENTATIVE, [], "", False)),
        ("Maybe we now moved to ruff.", (NOW | CHANGED, [], "ruff", False)),
        ("We plan to move from Gitea to Netlify.", (TENTATIVE, [], "", False)),
        ("We moved the plan to Netlify.", (TENTATIVE, [], "", False)),
        ("We want to move to Netlify.", (TENTATIVE, [], "", False)),
        ("We moved to Netlify; Ada wants to move to Gitea.", (CHANGED, [], "netlify", False)),
        ("We want ruff again.", (NOW, [], "", False)),
        ("Should we move to ruff.", (TENTATIVE, [], "", False)),
        ("Try out ruff.", (TENTATIVE, [], "", False)),
        ("Next week we moved to Netlify.", (TENTATIVE, [], "", False)),
        ("Next door we moved to Netlify.", (CHANGED, [], "netlify", False)),
        ("Was flake8 dropped?", (TENTATIVE, [], "", False)),
        ("flake8 was dropped, right?", (ENDED | TENTATIVE, ["flake8"], "", False)),
        ("We consider dropped tapes.", (TENTATIVE, [], "", False)),
        (
            "Previously dropped, also moved to ruff.",
            (CHANGED | ENDED | ALSO | PAST, ["previous"], "ruff", False),
        ),
    ],
)
def test_additions_history_plans_and_questions_are_told_apart(text: str, change: Said) -> None:
    assert said(text) == change


@pytest.mark.parametrize(
    ("word", "of_change"),
    [
        ("migrated", True),
        ("migrations", False),
        ("double", False),
        ("doubled", True),
        ("replaces", True),
        ("dropped", True),
        ("deprecation", False),
        ("closed", False),
        ("monday", True),
        ("port", False),
        ("kiln", False),
    ],
)
def test_a_word_tells_of_the_change_or_of_what_changed(word: str, of_change: bool) -> None:
    assert is_of_change(tokens(word, 1)[0]) is of_change


def test_each_mark_stands_for_itself_and_those_of_change_are_known() -> None:
    marks = [NOW, CHANGED, ENDED, INSTEAD, CORRECTED, NO_LONGER, ALSO, PAST, TENTATIVE]
    assert marks == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert MARKED == 63
    assert STRONG == 46
