"""A backend that speaks HTTP as docs/reference/calendar-backend.openapi.yaml says."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from iai_daemon import __version__
from iai_daemon.agenda.slot import SlotState
from iai_daemon.agenda.slots.courier import answers
from iai_daemon.agenda.slots.courier.answers import Answer, Trouble
from iai_daemon.agenda.slots.courier.orders import Beat, Tell
from iai_daemon.agenda.slots.courier.web import Reply, Web
from iai_daemon.config import Calendar

_MOST_MEGABYTES = 1
_NO_CONTENT = 204
_CONFLICT = 409
_OVER = (SlotState.COMPLETED, SlotState.ABORTED)


class HttpBackend:
    """Asks `url`/heartbeat, and tells `url`/slots/ID/status. Everything raises Trouble."""

    def __init__(self, calendar: Calendar, web: Web, key: Callable[[], str | None]) -> None:
        self._calendar = calendar
        self._web = web
        self._key = key
        self._url = urlsplit(calendar.url)

    def beat(self, order: Beat) -> Answer:
        """Which slots it lists for the agents that are here."""
        asked = {
            "identifier": self._calendar.identifier or socket.gethostname(),
            "plugin": {"name": "iai-daemon", "version": __version__},
            "captured_at": order.captured_at,
            "agents": [{"id": each.id, "model": each.model, "status": each.status} for each in order.agents],
        }
        reply = self._post("/heartbeat", asked, {})
        try:
            trouble = answers.trouble_of(reply.status, reply.body)
            if trouble:
                raise trouble
            return Answer([]) if reply.status == _NO_CONTENT else answers.of_beat(reply.body)
        except Trouble as cause:
            raise self._of(cause) from cause

    def tell(self, order: Tell) -> str | None:
        """The status that the slot has there, where it is over in another way."""
        told = {"status": order.status, "summary": order.summary, "reason": order.reason}
        path = f"/slots/{quote(order.slot, safe='', errors='replace')}/status"
        reply = self._post(path, told, {"Idempotency-Key": order.key})
        trouble = answers.trouble_of(reply.status, reply.body)
        named = answers.named_status(reply.body)
        theirs = named if named in _OVER and named != order.status else None
        if trouble is None or (reply.status == _CONFLICT and (theirs or named == order.status)):
            return theirs
        raise self._of(trouble)

    def _post(self, path: str, told: Mapping[str, Any], head: Mapping[str, str]) -> Reply:
        key, place = self._key(), self._calendar.api_key_in
        if key is not None and place == "payload":
            told = {**told, "api_key": key}
        elif key is not None:
            head = {**head, "Authorization": f"Bearer {key}"}
        url = self._url._replace(path=self._url.path.rstrip("/") + path).geturl()
        body = json.dumps(told, ensure_ascii=True).encode()
        try:
            return self._web.ask(
                "POST", url, {"Content-Type": "application/json", **head}, body, _MOST_MEGABYTES
            )
        except Trouble as cause:
            raise self._of(cause) from cause

    def _of(self, trouble: Trouble) -> Trouble:
        """The same, and whose it is. A path or query may be a secret in itself."""
        return Trouble(
            kind=trouble.kind, problem=f"the backend {self._url.scheme}://{self._url.netloc}: {trouble}"
        )
