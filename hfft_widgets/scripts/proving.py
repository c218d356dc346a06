"""Proving a verdict: the installed TRL trains two steps on a few rows, with tiny random weights and a real tokenizer.

It runs as a program of its own: `python proving.py questions.json answers.jsonl`. Each answer is a line, written when
it is known, so that whoever waits sees how far it is.
"""

import json
import sys
import tempfile
from pathlib import Path

ROW = "row_of_the_proof"  # a column of our own: trainers carry it along


def main(questions, answers):
    """Answer every question; each names a method, rows, and the settings of what is learned."""
    asked = json.loads(Path(questions).read_text("utf-8"))
    quietly()
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = tiny_model(asked["tokenizer"], folder)
        for question in asked["questions"]:
            with Path(answers).open("a", encoding="utf-8") as file:
                file.write(json.dumps(answer(question, folder, tokenizer)) + "\n")


def quietly():
    """No bars: nobody reads them."""
    import datasets
    import torch
    import transformers

    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)  # more cost more than such a model's arithmetic


def tiny_model(tokenizer_folder, folder):
    """Write a model of two narrow layers with this tokenizer's vocabulary; returns the tokenizer."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from hfft_widgets.scripts.templating import give_chat_template

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    give_chat_template(tokenizer)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
        max_position_embeddings=16384, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return tokenizer


def answer(question, folder, tokenizer):
    """What the trainer raises, "" for nothing, and the rows of which it learns other words than was said."""
    try:
        trainer = made(question, folder, tokenizer)
        differing = differences(question, trainer, tokenizer)
        trainer.train()
    except Exception as error:  # noqa: BLE001 - whatever a trainer raises is the answer
        return {"raised": f"{type(error).__name__}: {error}"[:600], "differing": []}
    return {"raised": "", "differing": differing}


def made(question, folder, tokenizer):
    """The method's trainer on these rows: two steps see all of them."""
    import trl
    from datasets import Dataset

    method, rows, online = question["method"], question["rows"], question["online"]
    columns = dict.fromkeys(name for row in rows for name in row)
    dataset = Dataset.from_list([{name: row.get(name) for name in columns} for row in rows], on_mixed_types="use_json")
    if not online:
        dataset = dataset.add_column(ROW, list(range(len(rows))))
    half = max(2, -(-len(rows) // 2))
    own = {"num_generations": 2, "max_completion_length": 2} if online else dict(question["arguments"])
    config = getattr(trl, f"{method}Config")(
        output_dir=str(Path(folder) / "trained"), per_device_train_batch_size=half * 2 if online else half, max_steps=2,
        report_to="none", save_strategy="no", disable_tqdm=True, use_cpu=True, bf16=False, logging_strategy="no",
        gradient_checkpointing=False, model_init_kwargs={"dtype": "float32"}, **own,
    )  # fmt: skip
    rewards = {"reward_funcs": reward} if online else {}
    return getattr(trl, f"{method}Trainer")(
        folder, args=config, train_dataset=dataset, processing_class=tokenizer, **rewards
    )


def reward(completions, **_):
    """Any will do: nothing is judged by it."""
    return [float(len(str(completion))) for completion in completions]


def differences(question, trainer, tokenizer):
    """The rows of which other words carry the loss than was said, or none where that is not to be seen."""
    rows = trainer.train_dataset
    if ROW not in rows.column_names or "labels" not in rows.column_names:
        return []
    learned = {row[ROW]: [token for token in row["labels"] if token != -100] for row in rows}
    said = enumerate(question["words"])
    return [number for number, words in said if not same(words, learned.get(number, []), tokenizer)]


def same(words, learned, tokenizer):
    """Whether the words are learned, and those that are only read are not; a limit may have cut the end."""
    text = tokenizer.decode(learned)
    place = 0
    for part in words["learned"]:
        plain = tokenizer.decode(tokenizer(part, add_special_tokens=False).input_ids).strip()
        found = text.find(plain, place)
        if found < 0:
            return plain.startswith(text[place:].strip()) or (bool(text[place:]) and text[place:].strip() in plain)
        place = found + len(plain)
    return not any(part in text for part in words["read"])


if __name__ == "__main__":
    main(*sys.argv[1:])
