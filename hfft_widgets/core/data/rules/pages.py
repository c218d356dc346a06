"""The rule book's words: of every rule why it matters and what to do, and the trainer's line that it stands on.

`rules.book` holds the whole pages, with rows and effects that a real validation gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_SFT, _DPO, _KTO, _GRPO, _REWARD = (f"trainer/{name}_trainer.py" for name in ("sft", "dpo", "kto", "grpo", "reward"))
_DATA = "data_utils.py"
_TEMPLATE = "chat_templates/qwen3.jinja"
_GLUED = 'example["prompt"] + example["completion"],'
_RENDERED = "return_assistant_tokens_mask=assistant_only_loss,"
_FIRST = "first_example = next(iter(dataset))"


class RulePage(NamedTuple):
    """What the rule book says of a rule.

    Attributes:
        why: What becomes of such rows, and what to do about it.
        file: A file of the package `trl`.
        code: A line in it.
    """

    why: str
    file: str
    code: str


PAGES: Mapping[str, RulePage] = {
    "no_value": RulePage(
        "The cell is null. The trainer adds prompt and answer, or renders the conversation, and Python cannot do "
        "that with None: the training ends at the first such row, often after minutes of preparation. Empty cells "
        "of tables become null. Leave such rows out, or fill them at their source.",
        _SFT,
        _GLUED,
    ),
    "not_a_conversation": RulePage(
        "Other rows hold lists of turns with a role each; this one holds something else. The trainer asks its first "
        "row what a row is, and then reads all rows so.",
        _DATA,
        'if isinstance(maybe_message, dict) and "role" in maybe_message:',
    ),
    "no_turns": RulePage(
        "The list of turns is empty. The trainer looks at the first turn to see whether it is a conversation, and "
        "there is none.",
        _DATA,
        "maybe_message = maybe_messages[0]",
    ),
    "no_content": RulePage(
        "A turn has no words and calls no tool. Most chat templates write an empty turn, some stop with an error. "
        "The model learns to answer with nothing.",
        _TEMPLATE,
        "{%- if message.content is string %}",
    ),
    "content_not_text": RulePage(
        "The content is a list or a record (parts, blocks), and not text. Text templates print nothing of it, so "
        "that the model learns an empty turn, or stop with an error. Bring the turns into the usual form.",
        _TEMPLATE,
        "{%- if message.content is string %}",
    ),
    "blank_content": RulePage(
        "A turn holds only blanks. As an answer it teaches the model to say nothing; as a question it is answered "
        "out of thin air.",
        _SFT,
        _RENDERED,
    ),
    "unknown_role": RulePage(
        "Chat templates know the roles system, user, assistant and tool. Turns of other roles (human, bot, "
        "developer) are left out without a word, or refused. Call the roles by their usual names.",
        _TEMPLATE,
        '{%- elif message.role == "assistant" %}',
    ),
    "broken_tool_calls": RulePage(
        "Chat templates go through tool calls as a list of records. A text or a number there ends the training.",
        _TEMPLATE,
        "{%- for tool_call in message.tool_calls %}",
    ),
    "null_arguments": RulePage(
        "A table gives every call the arguments of all tools, those it does not take as null. The template writes "
        'them out, and the model learns calls such as {"city": null}. Bring the turns into the usual form: that '
        "takes the null arguments away.",
        _TEMPLATE,
        "{%- if tool_call.arguments is string %}",
    ),
    "no_answer": RulePage(
        "The conversation ends with somebody else's turn. The last answer is what is learned; here the model learns "
        "to write the user's part, or nothing.",
        _SFT,
        _RENDERED,
    ),
    "ends_with_answer": RulePage(
        "A prompt should end with a question. TRL continues the last answer where the prompt ends with one, instead "
        "of beginning a new turn.",
        _DATA,
        "continue_final_message = True",
    ),
    "not_text": RulePage(
        "Other rows hold text here; this cell is a number, a list or a record. Text and number cannot be glued "
        "together: the training ends.",
        _SFT,
        _GLUED,
    ),
    "no_text": RulePage(
        "An empty prompt asks nothing, and without any token there is nothing to begin an answer from. Methods that "
        "generate answers stop at it.",
        _GRPO,
        "def _tokenize_prompts(self, prompts: list):",
    ),
    "blank_text": RulePage(
        "There are only blanks to learn. The model learns to end its answer at once.",
        _SFT,
        'elif "completion" in example and not example["completion"].endswith(eos_token):',
    ),
    "blank_prompt": RulePage(
        "The prompt asks nothing: the answer is learned without a question, as something to say at any time.",
        _SFT,
        _GLUED,
    ),
    "near_empty": RulePage(
        'Answers such as "n/a", "..." or "-" stand where nobody filled something in. Where they are frequent, the '
        "model gives them too.",
        _SFT,
        _GLUED,
    ),
    "no_label": RulePage(
        "KTO needs true or false for every answer. The trainer makes one tensor of all labels: null or words end "
        "the training, other numbers count as true.",
        _KTO,
        'output["label"] = torch.tensor([example["label"] for example in examples])',
    ),
    "no_number": RulePage(
        "Where a column `margin` is there, Reward reads a number in every row.",
        _REWARD,
        'margins = torch.tensor([example["margin"] for example in examples], dtype=torch.float)',
    ),
    "no_picture": RulePage(
        "The picture is missing or its bytes are none: it cannot be opened, and the training ends when this row's "
        "turn comes, which may be after an hour.",
        _DATA,
        "images = images or []",
    ),
    "broken_tools": RulePage(
        "`tools` is a list of records, or JSON text of one. The trainer reads the text as JSON and gives the list "
        "to the chat template.",
        _SFT,
        "tools = json.loads(tools) if isinstance(tools, str) else tools",
    ),
    "same_answers": RulePage(
        "Both answers are the same, so there is nothing to prefer. Without a prompt of its own, TRL takes what both "
        "begin with for the prompt, and no answer is left.",
        _DATA,
        'if example["chosen"][idx] != example["rejected"][idx]:',
    ),
    "no_shared_start": RulePage(
        "There is no column `prompt`, so TRL takes what both answers begin with for the prompt. Here they do not "
        "begin alike.",
        _DATA,
        'if example["chosen"][idx - 1] == " ":  # remove space before the prompt',
    ),
    "nothing_behind_the_prompt": RulePage(
        "There is no column `prompt`, so TRL takes what both answers begin with for the prompt. One answer is all "
        "prompt then, and empty behind it.",
        _DATA,
        '"prompt": example["chosen"][:idx],',
    ),
    "repeated_prompt": RulePage(
        "The answer begins with its prompt, and the trainer puts the prompt before it once more: the model learns "
        "to repeat the question. Take the prompt off the answers, or leave out the column.",
        _SFT,
        _GLUED,
    ),
    "control_tokens": RulePage(
        "The text writes out a token that ends or begins a turn. The tokenizer makes the real token of it, so that "
        "the turn ends in the middle of a text: the model learns to stop or to change speaker there.",
        _SFT,
        _RENDERED,
    ),
    "templated": RulePage(
        "The text went through the model's chat template before. That is fine for `text`: the trainer adds only its "
        "end-of-text token. Nothing has to be done.",
        _SFT,
        "example[dataset_text_field] = example[dataset_text_field] + eos_token",
    ),
    "other_template": RulePage(
        "The text went through another model's chat template. To this tokenizer the marks are plain words, and the "
        "model is asked later with marks that it has not seen. Use the conversations from before, as turns.",
        _SFT,
        "example[dataset_text_field] = example[dataset_text_field] + eos_token",
    ),
    "template_leaves_out": RulePage(
        "The model's chat template does not print a turn of this role. What was said there is not learned and not "
        "read.",
        _SFT,
        _RENDERED,
    ),
    "thinking_removed": RulePage(
        "The template cuts <think>...</think> out of all answers but the last, as it does when the model is used. "
        "Only the last answer's thinking is learned. Split the conversation if each shall be.",
        _TEMPLATE,
        "{%- set content = content.split('</think>')[-1].lstrip('\\n') %}",
    ),
    "too_long": RulePage(
        "Reward leaves out every pair with an answer longer than max_length. Raise max_length, or shorten the rows.",
        _REWARD,
        'len(example["chosen_ids"]) <= args.max_length',
    ),
    "answer_lost": RulePage(
        "The prompt alone fills max_length and the row is cut behind it, so nothing of the answer is left. Raise "
        "max_length.",
        _SFT,
        'return {"input_ids": example["input_ids"][sl], "labels": example["labels"][sl]}',
    ),
    "same_when_cut": RulePage(
        "Both answers differ only behind max_length, where they are cut off. Raise max_length.",
        _DPO,
        "sl = slice(None, self.max_length)",
    ),
    "truncated": RulePage(
        "The row is cut at max_length, and the end of its answer is not learned: the model does not see how such an "
        "answer ends. Raise max_length, or shorten the rows.",
        _SFT,
        "sl = slice(None, args.max_length)",
    ),
    "duplicate": RulePage(
        "The same row is there before. It counts double, and where one goes to the held-out part, the score there "
        "is too good.",
        _SFT,
        _FIRST,
    ),
    "first_row": RulePage(
        "TRL looks at the first row to decide how to read all rows. This first row has another form than the "
        "others: those are refused then. Leave it out, or put another one first.",
        _SFT,
        _FIRST,
    ),
    "contradicted": RulePage(
        "The row's own scores say that the rejected answer is the better one. Trained so, the model learns to "
        "prefer what was found worse. Look at some, and leave out or turn around what is wrong.",
        _DPO,
        'example["prompt"] + example["chosen"],',
    ),
    "leakage": RulePage(
        "A held-out row shares at least 0.8 of its runs of five words with a row to train on. The model is asked "
        "what it has seen, and its score says what was learned by heart. The fix leaves such rows out of the "
        "held-out part; they are trained on all the same.",
        _SFT,
        _FIRST,
    ),
    "plain_text": RulePage(
        "The model will be asked through its chat template, and here prompt and answer are glued together without "
        "it. Make turns of them, unless a plain continuation is what you want.",
        _SFT,
        "if not is_conversational(first_example):",
    ),
    "trainer_refuses": RulePage(
        "The trainer ends with this error at such a row. Leave the row out, or bring it into the form of the others.",
        _SFT,
        "def tokenize_fn(example, processing_class, dataset_text_field, assistant_only_loss, chat_template):",
    ),
    "template_refuses": RulePage(
        "The model's chat template raises an error for this order of roles, e.g. a system turn, or two turns of one "
        "speaker. The training ends at the first such row.",
        _SFT,
        _RENDERED,
    ),
    "families_refuse": RulePage(
        "No model is chosen yet. Chat templates of these well-known families would refuse the conversation; others "
        "take it. Choose a model to know.",
        _SFT,
        _RENDERED,
    ),
    "nothing_learned": RulePage(
        "Of this row no token carries a loss, and the trainer leaves it out.",
        _SFT,
        'lambda example: any(label != -100 for label in example["labels"]), **map_kwargs',
    ),
    "mapping_fails": RulePage(
        "The column mapping takes a text, a turn or a key that this row does not have. The script would end there. "
        "Leave such rows out, or choose another mapping.",
        _SFT,
        _GLUED,
    ),
    "no_better_answer": RulePage(
        "Neither answer is the better one: a tie, equal scores, or a choice outside the two. Such a row teaches no "
        "preference, and the mapping leaves it out.",
        _DPO,
        'example["prompt"] + example["chosen"],',
    ),
}
