"""The plan that the cards are tried with."""

from tests.core.plan.conftest import data, machines, plan  # noqa: F401 - fixtures
