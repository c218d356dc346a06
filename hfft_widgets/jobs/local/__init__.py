"""Scripts on this machine."""
