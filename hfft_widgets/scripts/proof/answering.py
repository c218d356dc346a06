"""Asking a model, and the one it was trained from, the same: run by path, as a process of its own, then forgotten.

    python answering.py ASKED ANSWERS

The first file holds one JSON object (models, prompts, longest, temperature), the second gets a line with another (name
-> answers).
"""

import json
import sys
from pathlib import Path


def main():
    """Answer what stands in the first file."""
    asked = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    try:
        told = {name: answers_of(source, asked) for name, source in asked["models"].items()}
    except Exception as error:  # noqa: BLE001 - whoever asked says it
        told = {"error": f"{type(error).__name__}: {error}"[:1000]}
    Path(sys.argv[2]).write_text(json.dumps(told) + "\n", "utf-8")


def answers_of(source, asked):
    """The answers of one model: its folder or name on the Hub, and the tokenizer that both are asked with."""
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(asked["tokenizer"])
    model = loaded(source)
    answers = []
    for prompt in asked["prompts"]:
        text = rendered(tokenizer, prompt)
        ids = tokenizer(text, return_tensors="pt", add_special_tokens=False).to(model.device)
        torch.manual_seed(asked["seed"])  # the same chance for both
        warm = (
            {"do_sample": True, "temperature": asked["temperature"]} if asked["temperature"] else {"do_sample": False}
        )
        with torch.no_grad():
            out = model.generate(
                **{name: ids[name] for name in ("input_ids", "attention_mask")}, max_new_tokens=asked["longest"], **warm
            )
        answers.append(tokenizer.decode(out[0, ids.input_ids.shape[1] :], skip_special_tokens=True))
    return answers


def loaded(source):
    """A model, or adapters on the model that they are of."""
    import torch
    from transformers import AutoModelForCausalLM

    place = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = "auto" if torch.cuda.is_available() else torch.float32
    if Path(source, "adapter_config.json").is_file():
        from peft import AutoPeftModelForCausalLM

        return AutoPeftModelForCausalLM.from_pretrained(source, dtype=dtype).to(place).eval()
    return AutoModelForCausalLM.from_pretrained(source, dtype=dtype).to(place).eval()


def rendered(tokenizer, prompt):
    """A question as the model was trained to read it: through its chat template, where it has one."""
    if isinstance(prompt, str) and not tokenizer.chat_template:
        return (tokenizer.bos_token or "") + prompt if getattr(tokenizer, "add_bos_token", False) else prompt
    turns = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    return tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)


if __name__ == "__main__":
    main()
