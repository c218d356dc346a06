"""What could disappoint is said before it runs."""

from __future__ import annotations

import dataclasses

from hfft_widgets.core.plan.hardware import FLAVORS
from tests.core.plan.reports import MACHINES, PLANS, plan


def test_what_lies_here_cannot_be_reached_from_a_job_and_the_plan_says_so():
    made = plan()
    here = dataclasses.replace(made, facts=dataclasses.replace(made.facts, local=True))
    assert "put them on the Hub" in " ".join(here.warnings)
    assert "put them on the Hub" not in " ".join([*made.warnings, *here.replace(flavor="local").warnings])


def test_gated_terms_are_said_wherever_the_plan_is_shown():
    gated = dataclasses.replace(PLANS["SFT"].facts, gated=True)
    made = dataclasses.replace(PLANS["SFT"], facts=gated)
    for rendered in (str(made), made.to_markdown(), made._repr_html_()):
        assert "accepted its terms" in rendered
        assert gated.page in rendered
    assert f'href="{gated.page}"' in made._repr_html_()
    assert made.to_dict()["facts"]["gated"] is True
    assert "accepted its terms" not in str(PLANS["SFT"])


def test_a_card_that_is_not_known_is_said_wherever_it_is_chosen():
    new = dataclasses.replace(FLAVORS[5], name="rubin", gpu="Rubin R9", measured=False)
    made = plan(machines=(*MACHINES, new))
    assert "Rubin" not in " ".join(made.warnings)
    assert "How fast a Rubin R9 is, is not known here" in " ".join(made.replace(flavor="rubin").warnings)
    assert "not known here" not in " ".join(w for m in FLAVORS for w in made.replace(flavor=m.name).warnings)
