"""Every component in every state, as cells of a notebook: what the look is measured on."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.jobs.conftest import PRELUDE as TELLING

PRELUDE = f"PRELUDE = {TELLING!r}"
SAVED = Path(__file__).parents[1] / "saved" / "0.1.0" / "home"
CONTROLS = """
from hfft_widgets.core.html import el, join
from hfft_widgets.cards.parts import bar, card, chip, figures, fold, icon, items, table
from hfft_widgets.widgets.form import actions, fields
from hfft_widgets.widgets.panel import Panel

class Controls(Panel):
    title = "Controls"
    def __init__(self):
        super().__init__()
        self.values |= dict(name="a name", empty="", wrong="-2", kind="b", size="1", on=True, many=7, code="a = 1")
        self.errors["wrong"] = "Epochs is -2. Give a number above 0."
    def body(self):
        f = self.form
        return join([
            fields(f.text("name", "Name", wide=True, help_="what it is called"),
                   f.text("empty", "Empty", hint="for example"), f.text("wrong", "Wrong", number=True),
                   f.choice("kind", "Kind", [("First", "a"), ("Second", "b")]),
                   f.segments("size", "Size", [("One", "1"), ("Two and more", "2"), ("Three", "3")]),
                   f.switch("on", "On"), f.switch("off", "Off", help_="as it was"), f.slider("many", "Many", 1, 9, 7)),
            f.area("code", "Code", rows=3),
            actions(f.button("Plain", "x"), f.button("Off", "x", off=True), f.button("Quiet", "x", quiet=True)),
            fold("Closed", el("p", "inside")), fold("Open", el("p", "inside"), open_=True),
            card("A card", "what it is about", chip("ok", "Ready"),
                 figures(("2,511", "rows"), ("127 k", "tokens"), ("47", "median")),
                 items((kind, f"A finding of {kind}", "what to do about it", "7 rows")
                       for kind in ("ok", "warn", "bad", "info", "run", "wait")),
                 join(chip(kind, "A word") for kind in ("ok", "warn", "bad", "info", "run", "wait")),
                 table(("Name", "Value"), [("one", 1), ("two", 2)], selected=1),
                 bar([(f"Part {n}", n, f"{n} GB") for n in range(1, 7)], 25, label="Parts"),
                 el("div", el("pre", "a line of output"), el("code", "a.b"), class_="sub"), label="A card"),
        ])
    def figures(self):
        return [el("span", "about ", el("b", "4 min")), el("span", el("b", "free")), chip("ok", "Fits with 2 GB free")]
    def next_action(self):
        return self.form.button("Go on", "x", primary=True)

quiet, busy, failed = Controls(), Controls(), Controls()
busy.busy = True
busy.set_status("run", "Reading the rows …")
busy.progress(7, 10)
failed.set_status("bad", "The file is empty. Choose another.")
"""
CELLS = {
    "controls": f"import hfft_widgets as hfft\n{CONTROLS}\nquiet",
    "busy": "busy",
    "failed": "failed",
    "first": "hfft.FineTuner()",
    "data": """
tuner = hfft.FineTuner()
tuner.data.validate()
tuner.data.show_method("SFT")
tuner.data.show_row(0)
tuner""",
    "plan": """
planned = hfft.FineTuner()
planned.data.validate()
planned.planner.plan()
planned.open_step(1)
planned""",
    "mapping": """
rows = [{"question": f"\\u05de\\u05d4 \\u05d6\\u05d4 {n}?", "good": f"It is {n}.", "bad": "I do not know.", "site": "x"}
        for n in range(40)] + [{"question": "x", "good": "", "bad": "", "site": "<b>"}] * 3
mapped = hfft.DatasetValidator(rows, model="sample:model")
mapped.validate()
mapped""",
    "refused": """
refused = hfft.DatasetValidator("no-such-file.jsonl", model="sample:model")
try:
    refused.validate()
except hfft.errors.HfftError:
    pass
refused""",
    "price": """
from hfft_widgets.cards.run import price_html

priced = hfft.FineTuner()
priced.data.validate()
priced.planner.plan()
priced.open_step(2)
checks = [(True, f"Check {n}", "It is as it should be.", "") for n in range(9)]
checks += [(None, "Credits", "Nobody can see them.", ""), (False, "Place", "It is not yours.", "Choose another.")]
priced.monitor.price = price_html("at most $0.40, stopped after 1 h", checks)
priced""",
    "ended": f"""
import time

{PRELUDE}
ends = {{"live": "time.sleep(90)", "failed": "raise ModuleNotFoundError('peft', name='peft')"}}
first = 'tell("log", step=1, total_steps=9, metrics={{"loss": 2.5, "grad_norm": 1.0}})\\n'
base = planned.planner.result
shown = {{name: hfft.launch(base.with_script(PRELUDE + first + end)) for name, end in ends.items()}}
export = hfft.plan_export("sample:model")
full = 'tell("error", type="Error", message="The disk is full.", remedy="")\\nsys.exit(1)'
export.__dict__["script"] = PRELUDE + full
shown["export"] = hfft.launch(export)
while not all(shown[name].complete for name in ("failed", "export")) or not shown["live"].history:
    time.sleep(0.1)
    [run.refresh() for run in shown.values()]
hfft.TrainingMonitor(shown["failed"])""",
    "live": "hfft.TrainingMonitor(shown['live'])",
    "no file": """
refused_export = hfft.GGUFExporter("sample:model")
refused_export.watch(shown["export"])
while refused_export.failed is None:
    time.sleep(0.1)
refused_export""",
    "run": "hfft.TrainingMonitor(next(run for run in hfft.runs() if (run.kind, run.id[:5]) == ('training', 'local')))",
    "none": "hfft.TrainingMonitor()",
    "export": """
exported = hfft.GGUFExporter()
exported.watch(next(run for run in hfft.runs() if (run.kind, run.id[:5]) == ("export", "local")).id)
exported""",
    "to export": "hfft.GGUFExporter()",
}


def home(folder: Path) -> Path:
    """A home with a training and an export that ended, as another version left it."""
    shutil.copytree(SAVED, folder, dirs_exist_ok=True)
    for path in (folder / "data" / "v1" / "runs").glob("*/*"):
        path.write_bytes(path.read_bytes().replace(b"/@HOME@", str(folder).encode()))
        if path.name == "script.txt":
            path.rename(path.with_name("script.py"))
    return folder
