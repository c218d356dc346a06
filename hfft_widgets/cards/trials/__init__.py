"""Cards of what was tried before a training is paid for."""
