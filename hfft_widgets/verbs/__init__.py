"""The verbs that every door calls: plain values in; plain values and a short text out, each sufficient alone.

    validate -> preview -> prove -> plan -> script -> launch -> run, wait, control, diagnose -> export -> launch

The command line, the MCP server and Jupyter AI's tools are doors to these, and nothing more: `table.VERBS` says which
verb has which. What a dataset, a log or a model card says is data: it is cut, marked, and never changes what runs.
"""

from hfft_widgets.verbs.launches import control, diagnose, launch, run, runs, wait
from hfft_widgets.verbs.machine import doctor, ledger
from hfft_widgets.verbs.plans import export, plan, script
from hfft_widgets.verbs.reply import Reply
from hfft_widgets.verbs.reports import preview, prove, rules, upload, validate

__all__ = [
    "Reply",
    "control",
    "diagnose",
    "doctor",
    "export",
    "launch",
    "ledger",
    "plan",
    "preview",
    "prove",
    "rules",
    "run",
    "runs",
    "script",
    "upload",
    "validate",
    "wait",
]
