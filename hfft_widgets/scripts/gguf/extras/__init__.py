"""What an export makes beside a whole model: the adapter as a file of its own, an importance matrix."""
