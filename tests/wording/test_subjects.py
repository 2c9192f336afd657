"""Whether two texts speak of one thing in one context."""

from __future__ import annotations

import pytest

from iai_daemon.wording.features import features
from iai_daemon.wording.subjects import any_subject, competing, lacking, one_theme, other_context


@pytest.mark.parametrize(
    ("newer", "older", "other"),
    [
        ("In production the TTL is 7 s.", "In staging the TTL is 5 s.", True),
        ("In production the TTL is 7 s.", "The TTL is 5 s.", False),
        ("Staging and production glow.", "Staging glows.", False),
        ("Orders from 2021 are on paper.", "Orders before 2021 are in SAP.", True),
        ("Orders before 2021 are on paper.", "Orders from 2021 are in SAP.", True),
        ("Orders until May 3 are red.", "Orders from May 3 are blue.", True),
        ("Orders from May 3 are red.", "Orders until May 3 are blue.", True),
        ("Wash before lunch.", "Wash after lunch.", True),
        ("Wash after lunch.", "Wash before lunch.", True),
        ("Wash after lunch.", "Wash before dinner.", False),
        ("auth: tape holds.", "mail: tape holds.", True),
        ("auth: mail holds.", "mail: tape holds.", False),
        ("auth: tape holds.", "auth: glue holds.", False),
        ("auth: tape holds.", "Tape holds.", False),
        ("auth: tape holds.", "mail: auth holds.", False),
        ("Branch 7.2 glows.", "Branch 7.1 glows.", True),
        ("Branch 7.2 glows.", "Branch 7.2 falls.", False),
        ("Branch 7.2 glows.", "The branch glows.", False),
        ("v1 of the report glows.", "v2 of the report glows.", True),
        ("Orders above 50 are red.", "Orders above 60 are red.", False),
        ("At least 5 guests pay.", "At least 6 guests pay.", False),
        ("iOS icons glow.", "Android icons glow.", True),
        ("Tape holds.", "Glue holds.", False),
        ("Levels 1 and 2 glow.", "Levels 2 and 3 glow.", False),
    ],
)
def test_what_holds_elsewhere_or_at_another_time_is_in_another_context(
    newer: str, older: str, other: bool
) -> None:
    assert other_context(features(newer), features(older)) is other


@pytest.mark.parametrize(
    ("newer", "older", "compete"),
    [
        ("The payment API is slow.", "The admin API is slow.", True),
        ("The payment API moved to Rome.", "The admin API is in Oslo.", True),
        ("The payment API and the admin API are slow.", "The admin API is slow.", False),
        ("The web app uses Redis.", "The admin app uses Kafka.", True),
        ("Redis API holds.", "Kafka API holds.", False),
        ("Team Delta has a lead.", "Team Gamma has a lead.", True),
        ("Team Delta has a lead.", "Team Delta has tape.", False),
        ("Team Delta has a lead, not Gamma.", "Team Gamma has a lead.", False),
        ("The lead moved to team Delta.", "Team Gamma has a lead.", False),
        ("Zone `b` glows.", "Zone `a` glows.", True),
        ("Kiln `b` glows.", "Kiln `a` glows.", True),
        ("The forecast for Spain is red.", "The forecast for Norway is blue.", True),
        ("The forecast for Spain is red.", "The forecast for Spain is blue.", False),
        ("The forecast for kilns is red.", "The forecast is blue.", False),
        ("The forecast of kilns is red.", "The forecast of vans is blue.", True),
        ("The forecast in kilns is red.", "The forecast in vans is blue.", True),
        ("The forecast for user kilns is red.", "The forecast for user vans is blue.", True),
        ("The forecast for users is red.", "The forecast for users and vans is blue.", False),
        ("It glows for kilns.", "It is red for vans.", True),
        ("It glows of kilns.", "It is red of vans.", True),
        ("It glows by kilns.", "It is red by vans.", False),
        ("It glows for kilns and users.", "It is red for vans and users.", True),
        ("It glows for kilns and tape.", "It is red for vans and tape.", True),
        ("It moved for kilns.", "It is red for moving.", False),
        ("The vans now use the payment API.", "The admin API is red.", True),
        ("The payment API now has tape.", "Tape is in the admin API.", True),
        ("Tape now uses the payment API.", "Tape is in the admin API.", False),
        ("Tape uses the payment API.", "Tape is in the admin API.", True),
        ("Tape uses the payment API and the admin API.", "Tape is in the admin API.", False),
        ("Tape uses the Redis API.", "Tape is in the Kafka API.", False),
        ("Tape moved to the payment API.", "Tape is in the admin API.", False),
        ("The payment API is now red.", "The admin API is red.", True),
        ("The payment API is now admin.", "The admin API is red.", False),
        ("Team `a` is red.", "Team `b` is red.", True),
        ("Team `a` has team `b`.", "Team `b` is red.", False),
        ("Team tape is red.", "Team glue is red.", False),
        ("Ovens have team `a`.", "Ovens have team `b`.", False),
        ("Team `a` is now team `b`.", "Team `b` is red.", False),
        ("Team, `a` is red.", "Team, `b` is red.", False),
        ("Kilns glow.", "Vans glow.", True),
        ("Kilns glow.", "Kilns fall.", False),
        ("Kilns of Rome glow.", "Vans of Oslo glow.", True),
        ("Kilns glow.", "Vans hit kilns.", False),
        ("Vans hit kilns.", "Kilns glow.", False),
        ("It glows.", "Vans glow.", False),
        ("Vans glow.", "It glows.", False),
        ("Redis glows.", "Kafka glows.", False),
        ("Red kilns glow.", "Blue kilns glow.", False),
        ("Big kilns glow.", "Hot kilns glow.", True),
        ("Kilns, tapes glow.", "Vans, tapes glow.", False),
        ("We moved the kilns to Rome.", "The vans are in Rome.", True),
        ("The kilns moved to vans.", "The vans are in Rome.", False),
        ("Level 5 zone glows.", "Level 6 zone glows.", True),
        ("Port > 5 glows.", "Port > 6 glows.", False),
        ("The old API glows.", "The new API glows.", False),
        ("We now use the payment API.", "The admin API glows.", False),
        ("We now use tape of the payment API.", "Tape of the admin API glows.", True),
        ("Use zone `b`.", "Zone `c` glows.", True),
        ("Use tape in zone `b`.", "Tape in zone `c` glows.", False),
    ],
)
def test_two_texts_compete_where_each_speaks_of_what_the_other_does_not_know(
    newer: str, older: str, compete: bool
) -> None:
    assert competing(features(newer), features(older)) is compete


@pytest.mark.parametrize(
    ("newer", "older", "same"),
    [
        ("We moved the kiln tape with glue to Rome.", "The kiln is with glue in Oslo.", True),
        ("We moved the kiln service to Rome.", "The service is in Oslo.", True),
        ("We moved the service to Rome.", "The kiln service is in Oslo.", True),
        ("We moved the kiln tape with users to Rome.", "The kiln is with users in Oslo.", False),
        ("We moved the kiln of vans to Rome.", "The vans are red.", False),
        ("We moved vans to Oslo.", "The kilns of Oslo are red.", False),
        ("We moved the kilns to Rome.", "Kilns are in Oslo.", True),
        ("Kilns are in Rome.", "Kilns are in Oslo.", False),
        ("We moved the kilns to Rome.", "Vans are in Oslo.", False),
        ("We moved the kiln tape to Rome.", "The kiln tape glue is in Oslo.", True),
        ("We moved the kiln to Rome.", "The kiln tape is in Oslo.", True),
        ("We moved the kiln tape to Rome.", "The kiln is in Oslo.", False),
        ("We moved the kiln tape to Rome.", "The kiln glue is in Oslo.", False),
        ("We moved the kiln model to Rome.", "The kiln is in Oslo.", True),
        ("We moved the kiln service to Rome.", "The kiln is in Oslo.", False),
        ("We moved the kiln to Rome.", "The kiln service is in Oslo.", True),
        ("We moved the service to Rome.", "The app is in Oslo.", False),
        ("We moved the service to Rome.", "The service is in Oslo.", True),
        ("We moved the service to Rome.", "The service app is in Oslo.", True),
        ("It moved to Rome.", "Kilns are in Oslo.", False),
        ("We moved the kilns to Rome.", "It is in Oslo.", False),
        ("We moved kilns to Rome, vans glow.", "Vans are in Oslo.", False),
        ("We moved the tape of kilns to Rome.", "Kilns of tape are in Oslo.", True),
        ("We moved the tape of kilns to Rome, Oslo falls.", "Glue of kilns is in Rome by Oslo.", False),
        ("We moved the tape to Rome.", "Tape of kilns is in Oslo.", True),
        ("We moved tape of kilns to Rome.", "Tape is in Oslo.", True),
        ("We moved kilns of tape to Rome.", "Tape is in Oslo.", False),
        ("We moved tape to Rome.", "Kilns of tape are in Oslo.", True),
    ],
)
def test_what_is_changed_is_what_the_older_one_speaks_of(newer: str, older: str, same: bool) -> None:
    a, b = features(newer), features(older)
    assert one_theme(a, b, a.topic & b.topic) is same


@pytest.mark.parametrize(
    ("newer", "older", "strictly", "loosely"),
    [
        ("We moved the kiln tape with glue to Rome.", "The kiln is with glue in Oslo.", False, True),
        ("We moved the kiln service to Rome.", "The service is in Oslo.", True, True),
        ("We moved the service to Rome.", "The kiln service is in Oslo.", True, True),
        ("We moved the kiln tape with users to Rome.", "The kiln is with users in Oslo.", False, True),
        ("We moved the kiln of vans to Rome.", "The vans are red.", False, True),
        ("We moved vans to Oslo.", "The kilns of Oslo are red.", False, False),
        ("We moved the kilns to Rome.", "Kilns are in Oslo.", True, True),
        ("Kilns are in Rome.", "Kilns are in Oslo.", True, True),
        ("We moved the kilns to Rome.", "Vans are in Oslo.", False, False),
        ("We moved the kiln tape to Rome.", "The kiln tape glue is in Oslo.", True, True),
        ("We moved the kiln to Rome.", "The kiln tape is in Oslo.", True, True),
        ("We moved the kiln tape to Rome.", "The kiln is in Oslo.", False, True),
        ("We moved the kiln tape to Rome.", "The kiln glue is in Oslo.", False, False),
        ("We moved the kiln model to Rome.", "The kiln is in Oslo.", True, True),
        ("We moved the kiln service to Rome.", "The kiln is in Oslo.", False, True),
        ("We moved the kiln to Rome.", "The kiln service is in Oslo.", True, True),
        ("We moved the service to Rome.", "The app is in Oslo.", False, False),
        ("We moved the service to Rome.", "The service is in Oslo.", True, True),
        ("We moved the service to Rome.", "The service app is in Oslo.", True, True),
        ("It moved to Rome.", "Kilns are in Oslo.", True, True),
        ("We moved the kilns to Rome.", "It is in Oslo.", False, False),
        ("We moved kilns to Rome, vans glow.", "Vans are in Oslo.", False, True),
        ("We moved the tape of kilns to Rome.", "Kilns of tape are in Oslo.", True, True),
        (
            "We moved the tape of kilns to Rome, Oslo falls.",
            "Glue of kilns is in Rome by Oslo.",
            False,
            False,
        ),
        ("We moved the tape to Rome.", "Tape of kilns is in Oslo.", True, True),
        ("We moved tape of kilns to Rome.", "Tape is in Oslo.", True, True),
        ("We moved kilns of tape to Rome.", "Tape is in Oslo.", False, True),
        ("We moved tape to Rome.", "Kilns of tape are in Oslo.", True, True),
    ],
)
def test_some_subject_of_the_one_is_one_of_the_other(
    newer: str, older: str, strictly: bool, loosely: bool
) -> None:
    a, b = features(newer), features(older)
    assert any_subject(a, b, much=False) is strictly
    assert any_subject(a, b, much=True) is loosely


@pytest.mark.parametrize(
    ("keys", "text", "lacks"),
    [
        ("kiln", "kiln tape", ""),
        ("painter", "paints", ""),
        ("kiln tape", "glue", "kiln tape"),
        ("upgrad new kiln", "tape", "kiln"),
        ("keep", "keep", ""),
        ("keep", "tape", "keep"),
        ("use tape", "tape use", ""),
    ],
)
def test_a_text_lacks_what_it_has_no_word_for(keys: str, text: str, lacks: str) -> None:
    assert " ".join(lacking(keys.split(), features(text))) == lacks
