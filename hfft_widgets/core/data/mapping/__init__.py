"""Column mappings: found, offered, applied."""
