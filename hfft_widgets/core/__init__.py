"""Pure thinking: no network, thread, clock, display or subprocess. What it needs comes as an argument."""
