"""A chat template for a base model that has none: without one, it cannot read conversations."""

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
PLAIN = (
    "{{ bos_token or '' }}{% for message in messages %}{{ message['role'] | capitalize + ':' }}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ ' ' + message['content'] + eos_token }}{% endgeneration %}"
    "{% else %}{{ ' ' + message['content'] }}{% endif %}{{ '\n\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)


def give_chat_template(tokenizer):
    """Give a tokenizer a chat template of tokens it already has, and the token that ends a turn; a template stays.

    With ChatML's own tokens (base models of Qwen have them, trained or not) a turn ends in `<|im_end|>`, which becomes
    the end-of-text token: otherwise the trained model would never stop. Without them the turns are plain text. No
    token is added, so that adapters stay small and load on the base model as it is.
    """
    if tokenizer.chat_template:
        return
    known = tokenizer.get_vocab()
    if "<|im_start|>" in known and "<|im_end|>" in known:
        tokenizer.chat_template = CHATML
        tokenizer.eos_token = "<|im_end|>"  # noqa: S105 - no secret
    else:
        tokenizer.chat_template = PLAIN
