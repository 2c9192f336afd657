"""What a newer sentence says against an older one, for the tests beside this file."""

from __future__ import annotations

from iai_daemon.wording.corrections import Evidence, correction
from iai_daemon.wording.features import features


def ended(older: str, newer: str) -> Evidence | None:
    return correction(features(newer), features(older))
