"""From a dataset's cells to those a trainer reads, and which rows stay."""

from hfft_widgets.scripts.rows.filters import *  # noqa: F403
from hfft_widgets.scripts.rows.steps import *  # noqa: F403
