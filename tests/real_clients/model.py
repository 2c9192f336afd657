"""A model in the place of the real one: an HTTP server on loopback that answers each client by a script, in its own words."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.real_clients.apis import Answer, Asked, answer_of, results_in

# From what the client has said so far (its request as JSON) to what is answered.
Script = Callable[[Asked], Answer]

LAST_WORDS = "Seen to it."


def in_turn(*answers: Answer) -> Script:
    """These answers, each once the one before it has had its result; then the last words. A client also asks for titles
    and the like, with no tools at hand: that takes no turn."""

    def script(asked: Asked) -> Answer:
        done = results_in(asked)
        return answers[done] if asked.get("tools") and done < len(answers) else LAST_WORDS

    return script


@contextmanager
def scripted_model(script: Script) -> Iterator[str]:
    """The address of a model that answers by the script."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            path = self.path.partition("?")[0]
            self._send("text/event-stream", answer_of(path, asked, script(asked)))

        def do_GET(self) -> None:
            self._send("application/json", b"{}")

        def do_HEAD(self) -> None:
            self._send("application/json", b"")

        def _send(self, kind: str, data: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None: ...  # noqa: A002

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
