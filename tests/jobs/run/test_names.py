"""What people call their runs: known to every process, given back, and gone with the run."""

from __future__ import annotations

import pytest

from hfft_widgets import folders
from hfft_widgets.errors import RunError
from hfft_widgets.jobs.run import Run, names


def test_a_name_is_everywhere_and_goes_with_the_run(start, local):
    run = start("tell('end')").wait(30)
    own = run.title
    assert run.rename("  my\n first ") is run
    assert run.title == run.to_dict()["title"] == "my first"
    assert Run(local, run.id[6:]).title == "my first"
    assert run.submission.title == own
    run.rename("")
    assert run.title == own
    run.rename("again").delete()
    assert names.of(run.id) == ""


def test_what_cannot_be_a_name_is_said(home):
    with pytest.raises(RunError, match="81 characters"):
        names.give("local:x", "n" * 81)
    names.give("local:z", "kept")
    folders.data(names.FILE).write_text('{"local:x": 5, "local:y": "good"}')
    assert names.of("local:x") == ""
    assert names.of("local:y") == "good"
    folders.data(names.FILE).write_text("no JSON at all")
    assert names.of("local:y") == ""
