"""Money is allowed for one plan, in dollars."""

import dataclasses

import pytest

from hfft_widgets.errors import LaunchError
from tests.jobs.far import far_submission


def test_the_price_must_be_allowed(hub, far):
    with pytest.raises(LaunchError, match=r"costs money: at most under \$0.01|costs money: at most \$0.01") as caught:
        far.submit(far_submission(paid={"max_usd": None}))
    assert "max_usd=0.01" in str(caught.value)
    far.submit(far_submission(paid={"max_usd": 0.01}))
    with pytest.raises(LaunchError, match=r"may cost more than the \$2.00 allowed: at most \$5.00"):
        far.submit(far_submission(flavor="h200", paid={"max_usd": 2}, timeout_seconds=3541.0))
    for nonsense in (float("nan"), -1, "2", True):
        with pytest.raises(LaunchError, match="max_usd is"):
            far.submit(far_submission(paid={"max_usd": nonsense}))
    with pytest.raises(LaunchError, match="no flavor 'tpu'"):
        far.submit(far_submission(flavor="tpu"))
    assert len(hub.jobs) == 1


def test_a_changed_plan_asks_again(hub, far):
    asked = far_submission(fingerprint="one")
    limit, checks = far.preflight(asked)
    assert all(check.passed is not False for check in checks), checks
    confirmed = dataclasses.replace(asked.target, max_usd=limit.usd, confirmed=limit.fingerprint)
    with pytest.raises(LaunchError, match="changed since its price was confirmed"):
        far.submit(dataclasses.replace(asked, fingerprint="two", target=confirmed))
    assert far.submit(dataclasses.replace(asked, target=confirmed))
    assert [check.passed for check in far.preflight(asked)[1] if check.name == "Not running yet"] == [False]
