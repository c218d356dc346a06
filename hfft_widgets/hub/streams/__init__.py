"""Logs and live figures of jobs, as the Hub streams them."""
