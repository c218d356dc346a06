"""A Modelfile: the chat template in Ollama's language, only where it writes conversations as the model's own does."""

from __future__ import annotations

import jinja2
import pytest

from hfft_widgets.scripts.gguf.modelfile import for_ollama, go_template, modelfile, parts_of, put_together

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
DEFAULT_SYSTEM = "{% if messages[0].role != 'system' %}<|im_start|>system\nBe kind.<|im_end|>\n{% endif %}" + CHATML
# the system text is a part of the first user's turn; opening and markers end with the same character
MERGED = (
    "<s>{% set lead = messages[0].content ~ '\n\n' if messages[0].role == 'system' else '' %}"
    "{% for m in messages if m.role != 'system' %}<{{ m.role }}>{{ lead if loop.first }}{{ m.content }}</turn>"
    "{% endfor %}<assistant>"
)
ONLY_LAST = "{% for m in messages %}{% if loop.last %}[{{ m.role }}]{{ m.content }}{% endif %}{% endfor %}:"
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ 1 / 0 }}{% endif %}" + CHATML


def renderer(template: str):
    compiled = jinja2.Environment().from_string(template)

    def render(turns, system):
        messages = [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(turns)]
        if system is not None:
            messages.insert(0, {"role": "system", "content": system})
        return compiled.render(messages=messages, add_generation_prompt=True)

    return render


def test_chatml():
    assert go_template(renderer(CHATML)) == (
        "{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ else }}{{ end }}"
        '{{ range .Messages }}{{ if eq .Role "user" }}<|im_start|>user\n{{ .Content }}<|im_end|>\n'
        '{{ else if eq .Role "assistant" }}<|im_start|>assistant\n{{ .Content }}<|im_end|>\n{{ end }}{{ end }}'
        "<|im_start|>assistant\n"
    )


@pytest.mark.parametrize("template", [CHATML, DEFAULT_SYSTEM, MERGED, NO_SYSTEM])
def test_put_together_it_is_what_the_template_writes(template):
    render = renderer(template)
    parts = parts_of(render)
    for system in (None,) if template == NO_SYSTEM else (None, "Be brief."):
        for turns in (["Hi"], ["Hi", "Yes?", "Why?"], ["a", "b", "c", "d", "e"]):
            assert put_together(parts, turns, system) == render(turns, system)
    assert ("{{ .System }}" in go_template(render)) == (template != NO_SYSTEM)


def test_what_llama_cpp_puts_first_is_left_out():
    assert "<s>" not in go_template(renderer(MERGED), begin="<s>")


@pytest.mark.parametrize("template", [ONLY_LAST, "always the same", "{{ 1 / 0 }}", "{{ messages[0].content | upper }}"])
def test_a_template_of_no_regular_form_is_not_guessed(template):
    assert go_template(renderer(template)) is None


def test_braces_and_quotes_are_texts():
    go = go_template(renderer(CHATML.replace("<|im_end|>", "{{ '{{x}}' }}")))
    assert '{{ "{{x}}\\n" }}' in go
    go = go_template(renderer(CHATML.replace("<|im_end|>", '"""')))
    assert '"""' not in go


def test_the_file_says_where_to_stop_and_how_to_choose_words():
    sampling = {"temperature": 0.6, "top_k": 20, "repetition_penalty": 1.05, "eos_token_id": 2}
    found = for_ollama(renderer(CHATML), ["<|im_end|>", "", "<|im_end|>"], sampling)
    text = modelfile("x-Q4_K_M.gguf", found)
    assert text.startswith('FROM ./x-Q4_K_M.gguf\nTEMPLATE """')
    assert text.endswith(
        'PARAMETER stop "<|im_end|>"\nPARAMETER temperature 0.6\nPARAMETER top_k 20\nPARAMETER repeat_penalty 1.05\n'
    )
    greedy = for_ollama(None, ["</s>"], {"do_sample": False, "temperature": 0.6})
    assert modelfile("x.gguf", greedy) == 'FROM ./x.gguf\nPARAMETER stop "</s>"\n'
