"""Shells around the core, one per room; `studio` alone joins them. Nothing here thinks."""
