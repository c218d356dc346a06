"""The same held-out questions before and after: what the training changed, in answers one can read."""

import json

import torch

from hfft_widgets.scripts.events import tell


def held_out_questions(rows, count):
    """Up to `count` pairs (prompt, expected answer) from rows that are not trained on."""
    pairs = [_question(row) for row in rows.select(range(min(count, len(rows))))]
    return [pair for pair in pairs if pair is not None]


def _question(row):
    """A prompt and the answer to it, or None; a row that is no question must not end the training."""
    if "prompt" in row:
        prompt = row["prompt"]
        expected = next(filter(None, (_text(row.get(name)) for name in ("completion", "chosen", "answer"))), None)
    else:
        turns = row.get("messages") or row.get("chosen")  # pairs without a prompt begin with it
        if not isinstance(turns, list):
            return None
        prompt, last = turns[:-1], turns[-1]
        expected = _text([last]) if last["role"] == "assistant" else None
    return (prompt, expected) if prompt and expected else None


def _text(said):
    """The text of a conversation's last turn, of the first of several answers, or of an answer; None without one."""
    if isinstance(said, list) and said:
        said = said[-1].get("content") if isinstance(said[-1], dict) else said[0]
    if isinstance(said, list):  # a turn in parts: text, image, ...
        said = "".join(str(part.get("text") or "") for part in said if isinstance(part, dict)) or None
    return str(said) if isinstance(said, (str, int, float)) else None


def answers_before(trainer, questions, output_dir, *, resumed):
    """The untrained model's answers; a resumed run reads those its first start wrote."""
    if not questions or not trainer.is_world_process_zero():
        return []
    kept = output_dir / "_answers_before.json"  # the underscore keeps it on this disk: it is never pushed
    if kept.exists():
        return json.loads(kept.read_text("utf-8"))
    if resumed:
        return []
    tell("progress", message=f"Asking the untrained model {len(questions)} held-out questions")
    answers = ask(trainer, questions)
    output_dir.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(answers), "utf-8")
    return answers


def compare_answers(trainer, questions, before):
    """Tell expected, earlier and present answers side by side, and the share that is exactly right."""
    if not questions or not before:
        return
    place = {"step": trainer.state.global_step, "total_steps": trainer.state.max_steps, "epoch": trainer.state.epoch}
    tell("progress", message=f"Asking the trained model {len(questions)} held-out questions", **place)
    after = ask(trainer, questions)
    tokenizer, thinks = trainer.processing_class, asks_for_thoughts(trainer, questions)
    rows = [
        # `asked` is the very text: an export asks the finished file the same, and compares the answers
        {"prompt": (_text(prompt) or "")[:2000], "expected": expected[:1000], "before": b[:1000], "after": a[:1000],
         "asked": render(tokenizer, prompt, thinks)}
        for (prompt, expected), b, a in zip(questions, before, after, strict=True)
    ]  # fmt: skip
    # an exact match says something about short answers only
    brief = sorted(len(expected.split()) for _, expected in questions)[len(questions) // 2] <= 12
    score = {"before": exact(before, questions), "after": exact(after, questions)} if brief else None
    tell("answers", count=len(rows), rows=rows[:20], score=score, longest=longest_answer(tokenizer, questions))


def exact(answers, questions):
    """The share of answers equal to what was expected, blanks at the ends aside."""
    right = sum(answer.strip() == expected.strip() for answer, (_, expected) in zip(answers, questions, strict=True))
    return right / len(questions)


def ask(trainer, questions, batch_size=32):
    """Greedy answers of the trainer's model, in the order of the questions."""
    model, tokenizer = trainer.accelerator.unwrap_model(trainer.model), trainer.processing_class
    thinks = asks_for_thoughts(trainer, questions)
    texts = [render(tokenizer, prompt, thinks) for prompt, _ in questions]
    longest = longest_answer(tokenizer, questions)
    was_training, side = model.training, tokenizer.padding_side
    model.eval()
    tokenizer.padding_side = "left"  # generation goes on at the right end
    answers = []
    for start in range(0, len(texts), batch_size):
        batch = tokenizer(
            texts[start : start + batch_size], return_tensors="pt", padding=True, add_special_tokens=False
        )
        with torch.no_grad():
            out = model.generate(**batch.to(model.device), max_new_tokens=longest, do_sample=False, use_cache=True)
        answers += tokenizer.batch_decode(out[:, batch.input_ids.shape[1] :], skip_special_tokens=True)
    model.train(was_training)
    tokenizer.padding_side = side
    return answers


def longest_answer(tokenizer, questions):
    """How many tokens an answer may have: a few more than the longest expected one, within reason."""
    return min(max(len(tokenizer(expected).input_ids) for _, expected in questions) + 4, 128)


def render(tokenizer, prompt, thinks=False):
    """A prompt as the model is asked it: a conversation through the chat template, a string as it is.

    Args:
        tokenizer: The model's.
        prompt: A conversation or a string.
        thinks: Whether thoughts come first, of models that can switch them; Qwen3 thinks unless told not to.
    """
    if isinstance(prompt, str):
        return (tokenizer.bos_token or "") + prompt if getattr(tokenizer, "add_bos_token", False) else prompt
    return tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True, enable_thinking=thinks)


def asks_for_thoughts(trainer, questions=()):
    """Whether the model is to think first: as its training says, else as the answers that it learns do."""
    said = getattr(trainer.args, "chat_template_kwargs", None) or {}
    return bool(said.get("enable_thinking", any("<think>" in expected for _, expected in questions)))
