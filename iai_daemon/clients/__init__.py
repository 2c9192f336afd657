"""The MCP clients that people use: where their configuration lies, what it says of servers, and how it is changed."""
