"""What a model makes of its held-out rows, each method by its own measure, before the training and after it."""

import json
import math
from contextlib import contextmanager
from hashlib import blake2b

import torch

from hfft_widgets.scripts.events import tell
from hfft_widgets.scripts.proof.held_out import keep_chain
from hfft_widgets.scripts.proof.suite import STOP_TOKENS, SUITE, TO_STOP
from hfft_widgets.scripts.sample_questions import asks_for_thoughts, render

MOST_ROWS = 128
MOST_PROMPTS = 16  # an answer takes longer to write than to read
MOST_TOKENS = 1024  # of such an answer
TEXTS_AT_ONCE = 8  # of the suite
MOST_COMPARED = 200_000  # rows of the training, one by one
KEPT_PROOF = "_proof_before.json"  # the underscore keeps it on this disk


def proof_before(trainer, output_dir, *, resumed):
    """What the untrained model makes of the held-out rows; a resumed run reads what its first start wrote."""
    if not trainer.is_world_process_zero():
        return None
    kept = output_dir / KEPT_PROOF
    if kept.exists():
        return json.loads(kept.read_text("utf-8"))
    if resumed:
        return None
    found = measured(trainer, "Measuring the untrained model on held-out rows")
    output_dir.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(found), "utf-8")
    return found


def proof_after(trainer, before, held_out, output_dir):
    """Tell what both models make of the same rows; what a verdict is made of, and no verdict yet."""
    if not trainer.is_world_process_zero():
        return
    if held_out:
        keep_chain(output_dir, held_out)
    if not before:
        tell("proof", why="It went on from a checkpoint of another machine: what was before is not known.")
        return
    after = measured(trainer, "Measuring the trained model on held-out rows")
    if "why" in before or "why" in after:
        tell("proof", why=before.get("why") or after["why"])
        return
    suite = {kind: {"before": before["suite"][kind], "after": after["suite"][kind]}
             for kind in before["suite"] if kind in after["suite"]}  # fmt: skip
    # a row that the model is trained on proves nothing, and neither does one that an earlier training had
    tell("proof", measure=after["measure"], before=before["rows"], after=after["rows"], labels=after["labels"],
         copies=copies_of(trainer, len(after["rows"])), trained_on=(held_out or {}).get("trained_on", 0), suite=suite,
         place_step=trainer.state.global_step)  # fmt: skip


def measured(trainer, message):
    """{"measure", "rows", "labels", "suite"}: a number per held-out row, and losses on what must not break."""
    tell("progress", message=message, step=trainer.state.global_step, total_steps=trainer.state.max_steps)
    try:
        with judging(trainer) as model:
            found = measure_rows(trainer, model)
            broken = measure_suite(trainer, model) if found["measure"] != "score" else {}
            return {**found, "suite": broken}
    except Exception as error:  # noqa: BLE001 - a measure that fails must not take a trained model away
        return {"why": f"It could not be measured: {type(error).__name__}: {error}"[:500]}


@contextmanager
def judging(trainer):
    """The trainer's model as it computes when it is used; its state, and the training's chance, stay as they were."""
    model = trainer.accelerator.unwrap_model(trainer.model)
    chance, was_training = torch.get_rng_state(), model.training
    on_gpu = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else None
    model.eval()
    try:
        with torch.no_grad(), trainer.compute_loss_context_manager():
            yield model
    finally:
        model.train(was_training)
        torch.set_rng_state(chance)
        if on_gpu is not None:
            torch.cuda.set_rng_state_all(on_gpu)


def measure_rows(trainer, model):
    """The measure of the method that the prepared rows are for."""
    rows = trainer.eval_dataset
    if hasattr(trainer, "reward_funcs"):
        return {"measure": "reward", "rows": rewards_of(trainer, model, rows), "labels": []}
    rows = rows.select(range(min(MOST_ROWS, len(rows))))
    columns = set(rows.column_names)
    if "label" in columns:
        marks = [bool(label) for label in rows["label"]]
        return {"measure": "label", "rows": [answer_logps(trainer, model, row)[0] for row in rows], "labels": marks}
    if "rejected" in columns or "rejected_ids" in columns:
        pairs = [pair_margin(trainer, model, row) for row in rows]
        return {"measure": "score" if model_scores(model) else "pair", "rows": pairs, "labels": []}
    return {"measure": "loss", "rows": [answer_loss(trainer, model, row) for row in rows], "labels": []}


def model_scores(model):
    """Whether it gives a score and no words."""
    return getattr(model.config, "num_labels", 2) == 1


def one_batch(trainer, row):
    """A row as the trainer's own collator makes it, on the model's device."""
    return trainer._prepare_inputs(trainer.data_collator([row]))


def answer_loss(trainer, model, row):
    """The mean loss of what is learned of a row, in nats per token."""
    batch = one_batch(trainer, row)
    labels = batch.pop("labels")
    logits = model(**{**batch, "use_cache": False}).logits[:, :-1].float()
    labels = labels[:, 1:].reshape(-1)
    return float(torch.nn.functional.cross_entropy(logits.reshape(len(labels), -1), labels, ignore_index=-100))


def answer_logps(trainer, model, row):
    """The log probability of each answer of a row, in nats: one, or that of the chosen and the rejected one."""
    batch = one_batch(trainer, row)
    given = {name: value for name, value in batch.items() if not name.startswith(("KL_", "ref_"))}
    mask, ids = given.pop("completion_mask")[:, 1:], given["input_ids"]
    given.pop("label", None)
    logits = model(**{**given, "use_cache": False}).logits[:, :-1].float()
    taken = torch.gather(logits.log_softmax(-1), 2, ids[:, 1:].unsqueeze(2)).squeeze(2)
    return (taken * mask).sum(-1).tolist()


def pair_margin(trainer, model, row):
    """How much better the chosen answer is than the rejected one, to the model: in nats, or by its own score."""
    if model_scores(model):
        batch = one_batch(trainer, row)
        given = {name: batch[name] for name in ("input_ids", "attention_mask") if name in batch}
        better, worse = model(**given).logits[:, 0].float().tolist()
    else:
        better, worse = answer_logps(trainer, model, row)
    return better - worse


def rewards_of(trainer, model, rows):
    """The reward of the likeliest answer to each of the first held-out prompts."""
    rows = list(rows.select(range(min(MOST_PROMPTS, len(rows)))))
    tokenizer = trainer.processing_class
    texts = [render(tokenizer, row["prompt"], asks_for_thoughts(trainer)) for row in rows]
    ids = answers_written(model, tokenizer, texts, min(trainer.args.max_completion_length or 128, MOST_TOKENS))
    said = tokenizer.batch_decode(ids, skip_special_tokens=True)
    talks = isinstance(rows[0]["prompt"], list)
    answers = [[{"role": "assistant", "content": text}] for text in said] if talks else said
    columns = {name: [row[name] for row in rows] for name in rows[0] if name not in {"prompt", "completion"}}
    totals = [0.0] * len(rows)
    weights = [float(weight) for weight in trainer.reward_weights]
    for judge, weight in zip(trainer.reward_funcs, weights, strict=True):
        given = judge(prompts=[row["prompt"] for row in rows], completions=answers, completion_ids=ids, **columns)
        totals = [total + weight * float(0.0 if one is None else one) for total, one in zip(totals, given, strict=True)]
    return totals


def answers_written(model, tokenizer, texts, longest):
    """The tokens of the likeliest answers, each with its end where it comes to one."""
    side, tokenizer.padding_side = tokenizer.padding_side, "left"  # generation goes on at the right end
    batch = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
    tokenizer.padding_side = side
    given = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask")}
    out = model.generate(**given, max_new_tokens=longest, do_sample=False, use_cache=True)
    ends = ends_of(model, tokenizer)
    return [up_to_end(ids, ends) for ids in out[:, given["input_ids"].shape[1] :].tolist()]


def ends_of(model, tokenizer):
    """The tokens that end an answer."""
    ends = model.generation_config.eos_token_id
    return {tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])}


def up_to_end(ids, ends):
    """An answer's tokens up to its first end; what follows fills the batch."""
    last = next((at for at, token in enumerate(ids) if token in ends), len(ids))
    return ids[: last + 1]


# ---- What must not break ---------------------------------------------------------------------------


def measure_suite(trainer, model):
    """Kind -> the loss of each item."""
    tokenizer = getattr(trainer.processing_class, "tokenizer", trainer.processing_class)
    found = {kind: item_losses(model, tokenizer, items) for kind, items in SUITE.items()}
    return {**found, "stopping": does_not_stop(model, tokenizer)}


def item_losses(model, tokenizer, items):
    """The loss of the right text per token; where there are wrong ones, that of choosing it among them."""
    pairs = [(asked, text) for asked, right, wrong in items for text in (right, *wrong)]
    losses = iter(text_losses(model, tokenizer, pairs))
    found = []
    for _, _, wrong in items:
        (total, count), *others = (next(losses) for _ in (None, *wrong))
        totals = [total, *(other for other, _ in others)]
        chosen = total - min(totals) + math.log(sum(math.exp(min(totals) - one) for one in totals))
        found.append(chosen if wrong else total / count)
    return found


def text_losses(model, tokenizer, pairs):
    """For each (text before, text): the loss of the text, in nats, and its tokens."""
    start = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id or 0
    made = [tuple(tokenizer(text, add_special_tokens=False).input_ids for text in pair) for pair in pairs]
    return [
        found
        for at in range(0, len(made), TEXTS_AT_ONCE)
        for found in batch_losses(model, start, made[at : at + TEXTS_AT_ONCE])
    ]


def batch_losses(model, start, pairs):
    """The same of tokens, at once: what fills the shorter ones comes last, where nothing looks back at it."""
    lines = [[start, *before, *own] for before, own in pairs]
    longest = max(map(len, lines))
    ids = torch.tensor([line + [start] * (longest - len(line)) for line in lines], device=model.device)
    mask = torch.tensor([[1] * len(line) + [0] * (longest - len(line)) for line in lines], device=model.device)
    logps = model(input_ids=ids, attention_mask=mask, use_cache=False).logits.float().log_softmax(-1)
    taken = torch.gather(logps[:, :-1], 2, ids[:, 1:].unsqueeze(2)).squeeze(2)
    return [
        (-float(told[len(before) : len(before) + len(own)].sum()), len(own))
        for told, (before, own) in zip(taken, pairs, strict=True)
    ]


def does_not_stop(model, tokenizer):
    """For each short question 1.0 where its answer does not end by itself, else 0.0."""
    talks = getattr(tokenizer, "chat_template", None)
    texts = [render(tokenizer, [{"role": "user", "content": text}]) if talks else text for text in TO_STOP]
    answers, ends = answers_written(model, tokenizer, texts, STOP_TOKENS), ends_of(model, tokenizer)
    return [float(ends.isdisjoint(ids)) for ids in answers]


# ---- What proves nothing ---------------------------------------------------------------------------


def copies_of(trainer, count):
    """Which of the first held-out rows, as the trainer prepared them, are among those that it trains on."""
    train, held = trainer.train_dataset, trainer.eval_dataset
    if not hasattr(train, "column_names") or not hasattr(train, "__len__"):
        return []
    names = [name for name in held.column_names if name in train.column_names and not name.startswith(
        ("KL_", "ref_", "image", "pixel", "label_"))]  # fmt: skip
    if not names:
        return []
    wanted = [prepared_digest(row) for row in held.select_columns(names).select(range(min(count, len(held))))]
    left = set(wanted)
    some = train.select_columns(names).select(range(min(MOST_COMPARED, len(train))))
    seen = {digest for row in some if (digest := prepared_digest(row)) in left}
    return [number for number, digest in enumerate(wanted) if digest in seen]


def prepared_digest(row):
    """What tells one prepared row from others."""
    return blake2b(repr(sorted(row.items())).encode("utf-8", "replace"), digest_size=12).digest()
