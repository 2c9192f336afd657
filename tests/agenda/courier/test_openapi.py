"""docs/reference/calendar-backend.openapi.yaml is valid, and says what is really sent and taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from iai_daemon.agenda.slot import SlotState
from iai_daemon.agenda.slots.courier import answers
from iai_daemon.agenda.slots.courier.http import HttpBackend
from tests.agenda.backend import Backend
from tests.agenda.courier.asking import KEY, a_beat, a_tell
from tests.project.source import ROOT

DOCUMENT: dict[str, Any] = yaml.safe_load(
    (ROOT / "docs" / "reference" / "calendar-backend.openapi.yaml").read_text(encoding="utf-8")
)
SCHEMAS = DOCUMENT["components"]["schemas"]


def checked(name: str, value: object) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema).validate(value)


def test_it_is_valid() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_every_example_fits_its_schema() -> None:
    contents = [
        content
        for path in DOCUMENT["paths"].values()
        for part in (path["post"]["requestBody"], *path["post"]["responses"].values())
        for content in part.get("content", {}).values()
        if "example" in content
    ]
    assert len(contents) == 4
    for content in contents:
        checked(content["schema"]["$ref"].rpartition("/")[2], content["example"])


@pytest.mark.parametrize("place", ["header", "payload"])
def test_what_is_sent_is_what_it_says(backend: Backend, http: Callable[..., HttpBackend], place: str) -> None:
    asking = http(backend.url, KEY, api_key_in=place)
    asking.beat(a_beat("writer"))
    asking.tell(a_tell("a/b", summary="done"))
    beat, update = backend.asked
    assert ["/api" + path for path in DOCUMENT["paths"]] == [beat.path, "/api/slots/{id}/status"]
    checked("Heartbeat", beat.body)
    checked("Update", update.body)
    # Nothing that it does not know is sent.
    assert beat.body.keys() <= SCHEMAS["Heartbeat"]["properties"].keys()
    assert beat.body["agents"][0].keys() == SCHEMAS["Agent"]["properties"].keys()
    assert update.body.keys() <= SCHEMAS["Update"]["properties"].keys()
    named = {each["name"] for each in DOCUMENT["paths"]["/slots/{id}/status"]["post"]["parameters"]}
    assert named == {"id", "Idempotency-Key"}
    assert "Idempotency-Key" in update.head


def test_a_wrong_one_does_not_fit_it() -> None:
    with pytest.raises(jsonschema.ValidationError):
        checked(
            "Heartbeat", {"identifier": "x", "plugin": {"name": "other"}, "agents": [], "captured_at": ""}
        )


def test_the_statuses_are_those_that_there_are() -> None:
    assert SCHEMAS["Status"]["enum"] == [each.value for each in SlotState if each is not SlotState.QUEUED]


def test_the_example_is_taken_and_so_is_the_least_and_the_most_that_it_allows() -> None:
    content = DOCUMENT["paths"]["/heartbeat"]["post"]["responses"]["200"]["content"]["application/json"]
    least = {"id": 1, "agent_id": "writer"}
    most = {
        "id": "x" * SCHEMAS["Id"]["maxLength"],
        "agent_id": "writer",
        "title": None,
        "prompt_text": "x" * SCHEMAS["Slot"]["properties"]["prompt_text"]["maxLength"],
        "wake_options": {"override_message": None},
        "status": "x" * SCHEMAS["Slot"]["properties"]["status"]["maxLength"],
    }
    for given in (content["example"], {}, {"slots": None, "restart_pending": None}, {"slots": [least, most]}):
        checked("Slots", given)
        answer = answers.of_beat(json.dumps(given).encode())
        assert answer.dropped == []
        assert len(answer.slots) == len(given.get("slots") or [])
    assert SCHEMAS["Id"]["maxLength"] == answers.LONGEST_ID
