"""The backend over HTTP: what it is sent, and that whatever it does is one sentence, in time, and goes nowhere else."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iai_daemon import __version__
from iai_daemon.agenda.slot import Listed
from iai_daemon.agenda.slots.courier.answers import Answer, Kind
from iai_daemon.agenda.slots.courier.http import HttpBackend
from iai_daemon.clock import Stopwatch
from tests.agenda.backend import Backend, Handler, calendar_backend
from tests.agenda.courier.asking import KEY, STAMP, a_beat, a_tell, trouble

Play = Callable[[Handler], None]
Http = Callable[..., HttpBackend]


def test_a_heartbeat_says_who_is_here_and_brings_back_the_slots(http: Http, backend: Backend) -> None:
    backend.list_slot(17, "writer", "write")
    backend.restart_pending = True
    answer = http(backend.url, identifier="workshop").beat(a_beat("writer", "reader"))
    assert answer == Answer([Listed("17", "writer", "Slot 17", "write")], True, [])
    (asked,) = backend.asked
    assert (asked.method, asked.path) == ("POST", "/api/heartbeat")
    assert asked.body == {
        "identifier": "workshop",
        "plugin": {"name": "iai-daemon", "version": __version__},
        "captured_at": STAMP,
        "agents": [{"id": each, "model": "large", "status": "idle"} for each in ("writer", "reader")],
    }
    assert asked.head["Content-Type"] == "application/json"
    assert asked.head["User-Agent"] == f"iai-daemon/{__version__}"
    assert "Authorization" not in asked.head


def test_without_a_name_of_its_own_a_machine_is_called_what_its_host_is(http: Http, backend: Backend) -> None:
    http(backend.url).beat(a_beat())
    assert backend.asked[0].body["identifier"] == socket.gethostname()


def test_an_update_goes_to_its_slot_with_its_key(http: Http, backend: Backend) -> None:
    assert http(backend.url).tell(a_tell("a/b?ü", "aborted", reason="why", key="k-9")) is None
    (asked,) = backend.asked
    assert asked.path == "/api/slots/a%2Fb%3F%C3%BC/status"
    assert asked.slot == "a/b?ü"
    assert asked.body == {"status": "aborted", "summary": None, "reason": "why"}
    assert asked.head["Idempotency-Key"] == "k-9"


def test_a_slot_with_half_a_character_in_its_name_is_no_reason_to_stop(http: Http, backend: Backend) -> None:
    http(backend.url).tell(a_tell("a\ud800"))
    assert backend.asked[0].slot == "a?"


def test_the_key_goes_in_the_head_or_in_what_is_sent(http: Http, backend: Backend) -> None:
    http(backend.url, KEY).beat(a_beat())
    http(backend.url, KEY, api_key_in="payload").beat(a_beat())
    http(backend.url, KEY, api_key_in="payload").tell(a_tell())
    assert [each.head.get("Authorization") for each in backend.asked] == [f"Bearer {KEY}", None, None]
    assert [each.body.get("api_key") for each in backend.asked] == [None, KEY, KEY]


def test_an_address_may_end_in_a_slash_or_have_a_query(http: Http, backend: Backend) -> None:
    http(backend.url + "/").beat(a_beat())
    http(backend.url + "?tenant=1").tell(a_tell())
    assert [each.path for each in backend.asked] == ["/api/heartbeat", "/api/slots/7/status?tenant=1"]


def test_no_content_is_no_slots(http: Http, backend: Backend) -> None:
    backend.on_beat = lambda handler: handler.write(b"", 204)
    assert http(backend.url).beat(a_beat()) == Answer([])


@pytest.mark.parametrize(
    ("play", "kind", "said"),
    [
        (lambda each: each.say({}, 500), Kind.AWAY, "it answers 500"),
        (lambda each: each.say({"error": "slow down"}, 429), Kind.AWAY, "it answers 429 (slow down)"),
        (lambda each: each.say({"error": "key?"}, 401), Kind.AUTH, "it answers 401 (key?)"),
        (lambda each: each.say({}, 403), Kind.AUTH, "it answers 403"),
        (lambda each: each.say({}, 404), Kind.REFUSED, "it answers 404"),
        (lambda each: each.write(b"<html>"), Kind.BAD, "its answer is no JSON"),
        (lambda each: each.say([]), Kind.BAD, "its answer is no JSON object"),
        (lambda each: each.write(b"{}" * 600_000), Kind.BAD, "its answer is longer than 1 MB"),
        (lambda each: each.write(b" " * 10_000_000), Kind.BAD, "its answer is longer than 1 MB"),
        (lambda each: each.write(b'{"slots": [', length=500), Kind.AWAY, "it does not answer ("),
        (lambda each: each.wfile.write(b"SSH-2.0-x\r\n"), Kind.AWAY, "it does not answer ("),
        (lambda _: None, Kind.AWAY, "it does not answer ("),
    ],
)
def test_whatever_goes_wrong_is_one_sentence_that_names_the_backend(
    http: Http, backend: Backend, play: Play, kind: Kind, said: str
) -> None:
    backend.on_beat = backend.on_update = play
    found = trouble(lambda: http(backend.url).beat(a_beat()))
    assert found.kind is kind
    assert str(found).startswith(f"the backend http://127.0.0.1:{backend.server_port}: {said}")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nothing_is_sent_on_to_where_a_redirect_leads(http: Http, backend: Backend, status: int) -> None:
    with calendar_backend() as other:
        place = f"{other.url}/heartbeat"
        backend.on_beat = backend.on_update = lambda handler: handler.write(b"", status, Location=place)
        found = trouble(lambda: http(backend.url, KEY).beat(a_beat()))
        trouble(lambda: http(backend.url, KEY).tell(a_tell()))
        assert other.asked == []
    assert found.kind is Kind.BAD
    assert f"leads on to another address ({status})" in str(found)


@pytest.mark.parametrize(
    "play",
    [
        lambda each: each.hang(),
        lambda each: each.drip(b""),
        lambda each: each.drip(b"HTTP/1.1 200 OK\r\nX-More: "),
        lambda each: each.drip(b"HTTP/1.1 200 OK\r\n\r\n"),
    ],
)
def test_a_server_that_takes_its_time_is_given_up(http: Http, backend: Backend, play: Play) -> None:
    backend.on_beat = play
    watch = Stopwatch()
    found = trouble(lambda: http(backend.url, whole=0.4).beat(a_beat()))
    assert watch.seconds() < 5
    assert (found.kind, str(found).partition(": ")[2]) == (Kind.AWAY, "it has not answered within 0.4 s")
    backend.on_beat = None
    assert http(backend.url).beat(a_beat()).slots == []


def test_nobody_there_and_no_such_name_is_away(http: Http, backend: Backend) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        found = trouble(lambda: http(f"http://127.0.0.1:{taken.getsockname()[1]}").beat(a_beat()))
    assert (found.kind, "Connection refused" in str(found)) == (Kind.AWAY, True)
    found = trouble(lambda: http("http://nowhere.invalid/api").beat(a_beat()))
    assert found.kind is Kind.AWAY
    assert str(found).startswith("the backend http://nowhere.invalid: it does not answer (")


def test_one_web_asks_again_after_all_of_this(http: Http, backend: Backend) -> None:
    """Each exchange stands alone: what went wrong in one is not left to the next."""
    asking = http(backend.url, whole=5.0)
    for play in (lambda each: each.write(b"{", length=9), lambda each: each.say({}, 500), None):
        backend.on_beat = play
        (asking.beat if play is None else lambda order: trouble(lambda: asking.beat(order)))(a_beat())
    assert len(backend.beats) == 3


@pytest.mark.parametrize(
    ("status", "answer", "sent", "theirs"),
    [
        (200, {}, "completed", None),
        (204, None, "completed", None),
        (200, "<html>", "completed", None),
        (200, {"status": "completed"}, "completed", None),
        (200, {"status": "aborted"}, "completed", "aborted"),
        (200, {"status": "completed"}, "in_progress", "completed"),
        (200, {"status": "paused"}, "in_progress", None),
        (200, {"status": ["aborted"]}, "completed", None),
        (409, {"status": "aborted"}, "completed", "aborted"),
        (409, {"status": "completed"}, "completed", None),
    ],
)
def test_the_backends_own_end_of_a_slot_is_brought_back(
    http: Http, backend: Backend, status: int, answer: Any, sent: str, theirs: str | None
) -> None:
    backend.on_update = lambda handler: (
        handler.write(b"", status) if answer is None else handler.say(answer, status)
    )
    assert http(backend.url).tell(a_tell(status=sent)) == theirs


@pytest.mark.parametrize("answer", [{}, {"status": "paused"}, {"status": {}}, []])
def test_a_conflict_without_an_end_is_a_refusal(http: Http, backend: Backend, answer: Any) -> None:
    backend.on_update = lambda handler: handler.say(answer, 409)
    assert trouble(lambda: http(backend.url).tell(a_tell())).kind is Kind.REFUSED


@pytest.mark.parametrize(("status", "kind"), [(404, Kind.REFUSED), (401, Kind.AUTH), (503, Kind.AWAY)])
def test_an_update_that_is_not_taken_says_whether_to_try_again(
    http: Http, backend: Backend, status: int, kind: Kind
) -> None:
    backend.on_update = lambda handler: handler.say({"status": "aborted"}, status)
    assert trouble(lambda: http(backend.url).tell(a_tell())).kind is kind


def test_a_proxy_of_the_environment_sees_nothing_that_is_not_encrypted(
    http: Http, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    with calendar_backend() as proxy:
        for name in ("http_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        http(backend.url, KEY).beat(a_beat())
        trouble(lambda: http("http://nowhere.invalid/api", KEY).beat(a_beat()))
        assert proxy.asked == []


def test_encrypted_a_proxy_of_the_environment_is_gone_through(
    http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked for a tunnel, and told whom to."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(10)
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        found = trouble(lambda: http("https://nowhere.invalid/api", KEY, whole=0.5).beat(a_beat()))
        with proxy.accept()[0] as asked:
            head = asked.recv(4096)
    assert found.kind is Kind.AWAY
    assert head.startswith(b"CONNECT nowhere.invalid:443 HTTP/1.1\r\n")
    assert KEY.encode() not in head


@pytest.mark.parametrize("proxy", ["foo://127.0.0.1:9", "http://127.0.0.1:port"])
def test_a_proxy_that_is_none_is_said(http: Http, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    found = trouble(lambda: http("https://nowhere.invalid/api").beat(a_beat()))
    assert "proxy of the environment" in str(found)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One that signs itself, for 127.0.0.1; its key."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("needs openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "cert.pem", folder / "key.pem"
    wanted = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test"
    placed = ["-out", str(made), "-keyout", str(key)]
    subprocess.run(
        [openssl, "req", *wanted.split(), "-addext", "subjectAltName=IP:127.0.0.1", *placed],
        check=True,
        capture_output=True,
    )
    return made, key


def _trust(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def test_a_server_that_nobody_vouches_for_is_sent_nothing(http: Http, certificate: tuple[Path, Path]) -> None:
    with calendar_backend(_trust(certificate)) as backend:
        found = trouble(lambda: http(backend.url, KEY).beat(a_beat()))
        assert backend.asked == []
    assert found.kind is Kind.AWAY
    assert "its certificate cannot be trusted: self" in str(found)


def test_a_certificate_of_the_users_own_can_be_vouched_for(
    http: Http, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with calendar_backend(_trust(certificate)) as backend:
        backend.list_slot("7", "writer")
        assert [each.id for each in http(backend.url, KEY).beat(a_beat()).slots] == ["7"]


def test_a_certificate_for_another_name_is_none(
    http: Http, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with calendar_backend(_trust(certificate)) as backend:
        url = backend.url.replace("127.0.0.1", "localhost")
        found = trouble(lambda: http(url, KEY).beat(a_beat()))
        assert backend.asked == []
    assert "certificate" in str(found)
