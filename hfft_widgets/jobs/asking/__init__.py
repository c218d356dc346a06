"""Asking models and trainers, each time in a process of its own, which ends with the last answer."""
