"""Seeded schedules of faults: on a simulated clock, with real processes, and with real weights."""
