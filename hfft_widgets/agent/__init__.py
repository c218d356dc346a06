"""Doors for agents: an MCP server over the verbs (extra `mcp`), and the skill that tells agents how to use them."""
