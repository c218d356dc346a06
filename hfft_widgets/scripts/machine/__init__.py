"""What the machine has: processors and their threads, GPUs, room on the disk."""
