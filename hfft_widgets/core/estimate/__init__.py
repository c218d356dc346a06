"""Memory, time and price of a training."""
