"""What a client of MCP says first to a server, where a test or a benchmark speaks without the SDK."""

from __future__ import annotations

from typing import Any

# In the requests of `initialize`.
HELLO: dict[str, Any] = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "a test", "version": "1"},
}


def introduction(number: int = 0, *, name: str = "a test") -> dict[str, Any]:
    """The whole request, from a client of this name."""
    params = HELLO | {"clientInfo": {"name": name, "version": "1"}}
    return {"jsonrpc": "2.0", "id": number, "method": "initialize", "params": params}
