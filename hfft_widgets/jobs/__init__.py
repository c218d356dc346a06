"""Where a script runs, how it is followed, and the index of runs."""
