"""One answer of a model in the words of each interface that a client speaks: a text, or the call of a tool."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# A text, or a tool and its arguments.
Answer = str | tuple[str, Mapping[str, object]]
Asked = Mapping[str, Any]


def results_in(asked: Asked) -> int:
    """How many results of tools a client has told the model of so far, in any of the interfaces."""
    return sum(
        part.get("type") in ("tool_result", "function_call_output")
        or part.get("role") == "tool"
        or "functionResponse" in part
        for part in _objects(asked)
    )


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
    if isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _objects(part)


def answer_of(path: str, asked: Asked, answer: Answer) -> bytes:
    """The answer as the stream of events that a client expects at that path."""
    # Clients keep calls apart by their ids, over the whole conversation.
    ident = f"call_{results_in(asked)}"
    if path.endswith("/responses"):
        return _stream(_responses(ident, answer))
    if path.endswith("/chat/completions"):
        return _stream(_completions(ident, asked, answer)) + b"data: [DONE]\n\n"
    if ":streamGenerateContent" in path:
        return _stream(_content(answer))
    return _stream(_messages(ident, asked, answer))


def _stream(events: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(
        (f"event: {each['type']}\n" if "type" in each else "") + f"data: {json.dumps(each)}\n\n"
        for each in events
    ).encode()


def _messages(ident: str, asked: Asked, answer: Answer) -> Iterator[dict[str, Any]]:
    """Anthropic's Messages."""
    if isinstance(answer, str):
        block: dict[str, Any] = {"type": "text", "text": ""}
        delta, ending = {"type": "text_delta", "text": answer}, "end_turn"
    else:
        name, arguments = answer
        block = {"type": "tool_use", "id": ident, "name": name, "input": {}}
        delta, ending = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}, "tool_use"
    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": asked.get("model"),
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


def _responses(ident: str, answer: Answer) -> Iterator[dict[str, Any]]:
    """OpenAI's Responses. A tool of a server is named by its namespace, a slash and its name."""
    if isinstance(answer, str):
        content = [{"type": "output_text", "text": answer}]
        item: dict[str, Any] = {"type": "message", "role": "assistant", "id": "msg_1", "content": content}
    else:
        namespace, _, name = answer[0].rpartition("/")
        item = {
            "type": "function_call",
            "id": f"fc_{ident}",
            "call_id": ident,
            "name": name,
            "namespace": namespace,
            "arguments": json.dumps(answer[1]),
        }
    yield {"type": "response.created", "response": {"id": "resp_1"}}
    yield {"type": "response.output_item.done", "item": item}
    yield {"type": "response.completed", "response": {"id": "resp_1", "usage": None}}


def _completions(ident: str, asked: Asked, answer: Answer) -> Iterator[dict[str, Any]]:
    """OpenAI's Chat Completions, which many local models speak."""
    if isinstance(answer, str):
        delta: dict[str, Any] = {"role": "assistant", "content": answer}
        ending = "stop"
    else:
        function = {"name": answer[0], "arguments": json.dumps(answer[1])}
        call = {"index": 0, "id": ident, "type": "function", "function": function}
        delta, ending = {"role": "assistant", "tool_calls": [call]}, "tool_calls"
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": asked.get("model")}
    yield {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": ending}]}


def _content(answer: Answer) -> Iterator[dict[str, Any]]:
    """Google's Generate Content."""
    part = (
        {"text": answer}
        if isinstance(answer, str)
        else {"functionCall": {"name": answer[0], "args": answer[1]}}
    )
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
    yield {"candidates": [candidate], "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1}}
