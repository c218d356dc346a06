"""Tokens per dollar of ways to train the same shape on the same rows: ours, and what others set.

    python -m tests.bench.gpu [SHAPE ...] [--minutes 25]     a grid on the card that is here
    python -m tests.bench.gpu --toy                          the same on a processor: it only shows that it works

Weights and token ids are random, shapes are those of real models: nothing comes from a network. Each cell is a process
of its own, so what runs out of memory is a line of the table and nothing more.
"""
