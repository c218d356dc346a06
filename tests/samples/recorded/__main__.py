"""`python -m tests.samples.recorded NAME ...`: make these recordings anew; without a name, all of them.

`HFFT_HOME` says where the runs are kept; a run of the same plan that is there already is taken.
"""

from __future__ import annotations

import sys

from tests.samples.recorded import elsewhere
from tests.samples.recorded.keep import keep
from tests.samples.recorded.recipes import RECIPES

for name in sys.argv[1:] or [*RECIPES, "memory", "job"]:
    if name == "job":
        elsewhere.job()  # which keeps it itself, where its Hub is
        continue
    recipe = RECIPES.get(name, elsewhere.memory)
    run = recipe()
    print(name, run.id, run.stage, keep(name, run, recipe.__doc__ or ""), flush=True)
