import pytest

from hfft_widgets.jobs.run import Run
from tests.jobs.far import backend, far_submission


@pytest.fixture
def far(hub):
    made = backend()
    yield made
    made.close()


@pytest.fixture
def go(far):
    return lambda body="tell('end')", **more: Run(far, far.submit(far_submission(body, **more)))
