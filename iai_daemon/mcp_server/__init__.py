"""The built-in memory server, `iai-daemon mcp`."""
