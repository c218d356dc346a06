"""The most memory that a training will take, in its first step: whether it fits is known before much is paid."""

from hfft_widgets.scripts.proof.held_out import bare_text, text_columns


def longest_first(rows, count, seed):
    """The rows with the most text, then all others in a random order.

    Args:
        rows: A dataset, from which its trainer takes one after the other.
        count: How many a step takes.
        seed: Of the order.
    """
    rows = rows.shuffle(seed=seed)
    sizes = [len(bare_text(row)) for row in text_columns(rows)]
    longest = sorted(range(len(sizes)), key=sizes.__getitem__, reverse=True)[:count]
    taken = set(longest)
    return rows.select([*longest, *(number for number in range(len(sizes)) if number not in taken)])
