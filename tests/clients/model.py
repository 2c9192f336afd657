"""A model in the place of the real one: an HTTP server on loopback that speaks the Messages API and answers by a script."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# From what the client has said so far (its request as JSON) to the text that is answered, or to a tool and its arguments.
Script = Callable[[Mapping[str, Any]], str | tuple[str, Mapping[str, object]]]


@contextmanager
def scripted_model(script: Script) -> Iterator[str]:
    """The address of a model that answers by the script."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = script(asked)
            data = "".join(
                f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in _events(asked, answer)
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

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


def _events(
    asked: Mapping[str, Any], answer: str | tuple[str, Mapping[str, object]]
) -> Iterator[dict[str, Any]]:
    """One answer as the stream of events that the Messages API sends."""
    if isinstance(answer, str):
        block: dict[str, Any] = {"type": "text", "text": ""}
        delta, ending = {"type": "text_delta", "text": answer}, "end_turn"
    else:
        name, arguments = answer
        block = {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}
        delta, ending = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}, "tool_use"
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    yield {"type": "message_start", "message": message}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": ending, "stop_sequence": None},
        "usage": {"output_tokens": 1},
    }
    yield {"type": "message_stop"}
