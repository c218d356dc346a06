"""What else is shown of runs: answers of their models, several of them beside each other."""
