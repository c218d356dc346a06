"""Every rule's examples, and what holds of all rules."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from hfft_widgets.core.data.emulators.outline import outline, pair_of, parsed
from hfft_widgets.core.data.findings import EFFECTS
from hfft_widgets.core.data.fixes import FILTERS, OTHERS
from hfft_widgets.core.data.rules import RULES
from hfft_widgets.core.data.rules.base import Rule, Scope
from hfft_widgets.core.data.templates import ChatTemplate
from tests.core.data.test_method_report import FORGETS


def seen(rule: Rule, cell: Any) -> Any:
    """What the rule's facet is given of an example."""
    if rule.scope in {Scope.VALUE, Scope.MESSAGES}:
        return outline(cell)
    if rule.scope is Scope.PAIR:
        return pair_of(*cell)
    if rule.scope is Scope.ROW:
        return partial(_looked, cell)
    return cell


def _looked(row: dict[str, Any], name: str) -> Any:
    return outline(parsed(row[name]))


def has(rule: Rule, cell: Any) -> bool:
    # a template that is known to forget thinking, and owns the tokens of the examples
    template = ChatTemplate(FORGETS, {"eos_token": "<|im_end|>", "bos_token": "<s>", "pad_token": "<|im_start|>"})
    return bool(rule.applies(rule.facet(seen(rule, cell)), *([template] if rule.asks_template else [])))


WITH_EXAMPLES = [(rule, one, other) for rule in RULES for one, other in rule.examples]


@pytest.mark.parametrize(("rule", "one", "other"), WITH_EXAMPLES, ids=[rule.id for rule, _, _ in WITH_EXAMPLES])
def test_the_first_example_has_it_and_the_second_has_not(rule: Rule, one: Any, other: Any) -> None:
    assert (has(rule, one), has(rule, other)) == (True, False)


def test_every_rule_has_examples_but_the_one_that_only_a_template_decides() -> None:
    assert {rule.id for rule in RULES if not rule.examples} == {"template_leaves_out"}


def test_rules_name_effects_and_fixes_that_exist() -> None:
    assert {rule.effect for rule in RULES} <= set(EFFECTS)
    assert {rule.fix for rule in RULES} - {None} <= {*FILTERS, *OTHERS}


def test_a_text_that_a_rule_does_not_look_at_has_a_plain_texts_facet() -> None:
    """What `needles` and `longest` promise, on the examples of all rules."""
    rules = [rule for rule in RULES if rule.scope is Scope.TEXT]
    texts = [cell for rule in rules for pair in rule.examples for cell in pair]
    texts += [text + " and a few words more, so that it is no short one" for text in texts]
    for rule in rules:
        for text in texts:
            data = text.encode()
            if len(data) > rule.longest and not any(needle in data for needle in rule.needles):
                assert rule.facet(text) == rule.facet("A plain and long text."), (rule.id, text)
