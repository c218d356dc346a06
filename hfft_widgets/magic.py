"""`%load_ext hfft_widgets`, then `%hfft` and a sentence: a page that is filled in with it. Nothing is started.

`%hfft methods` and `%hfft hardware` show what agents read too: the methods, and machines with their prices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.display import Markdown

if TYPE_CHECKING:
    from hfft_widgets.widgets.studio import FineTuner

_PAGES = {"methods": "training_methods.md", "hardware": "hardware_guide.md"}


@magics_class
class HfftMagics(Magics):
    """What a notebook can say in one line."""

    @no_var_expand  # "$5" is a price, no variable
    @line_magic
    def hfft(self, line: str) -> FineTuner | Markdown:
        """Show a FineTuner filled in with a sentence: `%hfft Fine-tune Qwen3-0.6B on my-org/faq`."""
        from hfft_widgets.agent.skill.references import pages
        from hfft_widgets.widgets.studio import FineTuner

        said = line.strip()
        if said in _PAGES:
            return Markdown(pages()[_PAGES[said]])
        tuner = FineTuner()
        if said:
            tuner.ask.fill_in(said)
        return tuner


def load(ipython: Any) -> None:
    """Register the magics."""
    ipython.register_magics(HfftMagics)
