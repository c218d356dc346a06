"""The plan's card says what text and dict say, keeps its pictures in their frame, and escapes whatever it is given."""

from __future__ import annotations

import ast
import dataclasses
import re
from xml.etree import ElementTree as ET

import plotly.graph_objects as go
import pytest

from hfft_widgets.cards.hardware import picture
from hfft_widgets.cards.script import difference, highlighted
from hfft_widgets.core.script import RECIPE_END
from hfft_widgets.core.units import usd_text
from hfft_widgets.errors import PlanError
from tests.core.plan.reports import plan

HOSTILE = "</script><img src=x onerror=alert(1)>\x00"


def plain(html: str) -> str:
    return re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)


@pytest.mark.parametrize("name", ["Qwen3-0.6B", "Qwen3-1.7B", "Qwen3-4B", "Qwen2.5-7B"])
def test_the_card_says_ceiling_prices_and_reasons(name):
    made = plan(name)
    words = plain(made._repr_html_())
    e = made.estimate
    for said in (
        f"{usd_text(e.ceiling_usd)} at most",
        e.prices_source,
        e.prices_date,
        made.flavor,
        *map(str, made.reasons),
    ):
        assert said in words.replace("&#x27;", "'"), said
        assert said in str(made)
    assert all(reason.alternative in words for reason in made.reasons)


def test_the_picture_holds_every_machine_inside_its_frame():
    made = plan()
    fitting = [option.to_dict() for option in made.options if option.estimate.fits]
    root = ET.fromstring(picture(fitting))
    dots = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in root.iter("circle")]
    assert len(dots) == len(fitting) + 1  # the chosen one has a ring
    assert all(0 < x < 800 and 0 < y < 270 for x, y in dots)
    names = {label.text for label in root.iter("text") if "name" in label.get("class")}
    assert any(name.startswith(made.flavor) for name in names)
    front = {option["name"] for option in fitting if option["note"] == ""} - {"local"}
    assert front <= set(re.findall(r"[\w-]+", root.get("aria-label")))


def test_the_figure_is_plotlys_and_holds_every_machine_of_the_picture():
    made = plan()
    drawn = made.figure()
    assert isinstance(drawn, go.Figure)
    fitting = {option.flavor.name for option in made.options if option.estimate.fits} - {"local"}
    assert fitting <= {name for trace in drawn.data for name in trace.text}
    chosen = next(trace for trace in drawn.data if trace.name == "chosen")
    assert (chosen.text, chosen.x) == ((made.flavor,), (made.estimate.seconds.mid,))
    assert drawn.layout.yaxis.type == "log"
    assert all(y > 0 for trace in drawn.data for y in trace.y)  # a logarithmic axis has no zero


def test_a_peak_that_is_a_small_part_of_the_memory_fills_the_bar():
    made = plan("Qwen3-0.6B", flavor="h200", peft="lora", batch_size=1)
    assert made.estimate.memory_bytes.high < 0.15 * made.estimate.capacity_bytes
    html = made.to_html()
    assert "the bar shows that part" in html
    assert 'class="memory bare"' in html
    widths = [float(width) for width in re.findall(r'class="c\d" style="width:([\d.]+)%', html)]
    assert sum(widths) > 50


def test_machines_right_and_up_of_another_are_marked_as_beaten():
    made = plan()
    by_name = {option.flavor.name: option for option in made.options}
    assert by_name["t4-medium"].note == "beaten by another"  # the same card as t4-small, dearer
    assert "t4-medium (T4): " in picture([by_name["t4-medium"].to_dict()])


def test_a_plan_too_large_for_its_card_shows_where_the_card_ends():
    made = plan("Qwen3-1.7B", flavor="t4-small", peft="none")
    html = made._repr_html_()
    assert "the card ends at" in html
    assert "Memory too small" in html
    assert "the card ends at" not in plan()._repr_html_()


def test_what_is_not_known_is_said():
    made = plan()
    made = dataclasses.replace(made, facts=dataclasses.replace(made.facts, unknown=("the architecture",)))
    for rendered in (str(made), made.to_markdown(), made._repr_html_()):
        assert "the architecture" in rendered
    assert made.to_dict()["facts"]["unknown"] == ["the architecture"]


def test_hostile_names_reach_every_view_as_text():
    made = plan()
    data = dataclasses.replace(made.data, name=HOSTILE)
    facts = dataclasses.replace(made.facts, reference=HOSTILE, unknown=(HOSTILE,))
    evil = dataclasses.replace(made, data=data, facts=facts, model=HOSTILE, goal=HOSTILE)
    edited = evil.with_script(evil.script + f"\n# {HOSTILE[:-1]}\n")
    for html in (evil._repr_html_(), edited._repr_html_()):
        assert "<img" not in html
        assert "</script>" not in html
        assert "\x00" not in html


# ---- scripts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    ['x = f"{y!r} <b>"  # <i>\n', "def broken(:\n  'open", "if True:\n\tpass\n  bad indent", "", "a\r\nb = '\u00e9'\n"],
)
def test_colours_lose_no_character(source):
    import html

    shown = html.unescape(re.sub(r"<[^>]+>", "", highlighted(source)))
    assert shown == source


def test_a_difference_is_what_went_and_what_came():
    assert difference("a\nb\n", "a\nb\n") is None
    shown = difference("a\nb\nc\n", "a\n<c>\nc\n")
    assert 'class="gone">- b' in shown
    assert 'class="came">+ &lt;c&gt;' in shown


# ---- edits, limits, fingerprints ---------------------------------------------------------------


def test_an_edit_is_kept_until_a_setting_would_not_reach_it():
    made = plan()
    edited = made.with_script(made.script.replace("set_seed(SEED)", "set_seed(1)"))
    assert edited.script != made.script
    assert edited.to_dict()["edited"] is True
    assert edited.replace(max_usd=5.0).edited == edited.edited
    with pytest.raises(PlanError, match="edited by hand"):
        edited.replace(learning_rate=1e-3)
    assert edited.with_script(None).fingerprint == made.fingerprint
    assert made.with_script(made.script).edited is None


def test_reasons_follow_what_a_person_changes():
    made = plan()
    assert any("effective batch of 16" in str(reason) for reason in made.reasons)
    mine = made.replace(batch_size=2)
    assert not any("effective batch of 16" in str(reason) for reason in mine.reasons)
    assert "batch_size 2: you chose it." in map(str, mine.reasons)


@pytest.mark.parametrize("changes", [{"max_length": 4096}, {"activation_checkpointing": False}, {"peft": "lora"}])
def test_what_was_said_of_the_memory_goes_with_what_changes_it(changes):
    made = plan()
    said = ("pieces that fit and are done soonest", "small enough for it")
    assert all(words in str(made) for words in said)
    assert not any(words in str(made.replace(**changes)) for words in said)
    kept = made.replace(seed=3)
    assert all(words in str(kept) for words in said)


def test_what_was_said_of_the_price_goes_with_what_changes_it():
    made = plan("Qwen3-1.7B")
    assert "it costs least in all" in str(made)
    longer = made.replace(num_train_epochs=50)
    assert "it costs least in all" not in str(longer)
    assert "All weights would fit" in made._repr_html_()
    assert "All weights would fit" not in longer._repr_html_()
    # what is still true stays
    assert "LoRA instead of all weights" in str(longer)


@pytest.mark.parametrize(
    ("flavor", "peft", "said", "never"),
    [
        ("t4-small", "none", "products in float16; a T4 has no bfloat16", "products in bfloat16"),
        ("l4x1", "none", "weights in float32, products in bfloat16.", "float16;"),
        ("a10g-small", "lora", "frozen weights in bfloat16 (1.2 GB less than in float32", "products"),
        ("local", "none", "float32, as a processor computes best", "bfloat16"),
    ],
)
def test_the_numbers_it_computes_with_are_said_and_follow_the_machine(flavor, peft, said, never):
    made = plan().replace(flavor=flavor, peft=peft)
    for rendered in (str(made), made.to_markdown(), plain(made._repr_html_())):
        assert said in rendered
    facts = str(made).partition("Numbers:")[2].partition("\n")[0]
    assert never not in facts


def test_adapters_and_their_rate_go_together_unless_chosen():
    made = plan()
    assert made.replace(peft="lora").settings.learning_rate == pytest.approx(10 * made.settings.learning_rate)
    assert made.replace(learning_rate=3e-4).replace(peft="lora").settings.learning_rate == 3e-4


@pytest.mark.parametrize("usd", [0.25, 0.5, 2.0])
def test_within_a_limit_no_more_and_no_less(usd):
    made = plan(count=600).replace(num_train_epochs=900)
    kept = made.within(usd=usd)
    assert kept.estimate.ceiling_usd <= usd
    assert kept.with_values(max_steps=kept.settings.max_steps + 1).estimate.ceiling_usd > usd
    steps = ast.literal_eval(re.search(r"max_steps=(\d+)", kept.script.partition(RECIPE_END)[0])[1])
    assert steps == kept.estimate.steps


def test_a_limit_that_is_no_limit_changes_nothing():
    made = plan()
    assert made.within(usd=1000) is made
    with pytest.raises(PlanError, match="Not even one step"):
        made.within(usd=0.01)


def test_a_host_gets_plain_text():
    """Marimo sends outputs as JSON, and makes nothing of a subclass of str."""
    assert type(plan()._repr_html_()) is str
