"""What runs in processes of their own to judge code that a model wrote: they get it as text."""

import re
from pathlib import Path

_SOURCES = [Path(__file__).with_name(name).read_text("utf-8") for name in ("calls.py", "walls.py")]

HELD = re.sub(r"^from hfft_widgets\..*\n", "", "\n\n".join(_SOURCES), flags=re.MULTILINE)
"""Its source: calls, then walls; `inside` starts it."""
