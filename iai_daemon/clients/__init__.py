"""The MCP clients that people use: where their configuration lies, and what it says of servers. Nothing is changed."""
