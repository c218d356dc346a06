"""Families of chat templates, for as long as no model is chosen: which of them would refuse which conversations.

Each is written here in a few lines that refuse and leave out what the family's own template does. A test compares
them with the templates that TRL 1.16 ships.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from hfft_widgets.core.data.templates import ChatTemplate

AS_OF = "as of 2026-11-22, TRL 1.16"

_ROLES = "['system', 'user', 'assistant', 'tool']"
_ASK = "{% if add_generation_prompt %}assistant: {% endif %}"
SOURCES: Mapping[str, str] = {
    "Qwen 3": (
        "{% if messages[0].role == 'system' %}{{ '' + messages[0].content }}{% endif %}{% for m in messages %}"
        f"{{% if m.role in {_ROLES} %}}{{{{ m.role }}}}: "
        "{% if m.content is string and not (m.role == 'system' and loop.first) %}{{ m.content }}{% endif %}\n"
        "{% endif %}{% endfor %}" + _ASK
    ),
    "Qwen 2.5": (
        "{% if messages[0].role == 'system' %}{{ '' + messages[0].content }}{% endif %}{% for m in messages %}"
        "{% if m.role == 'assistant' and m.tool_calls %}{{ m.content }}\n{% elif m.role == 'tool' %}{{ m.content }}\n"
        "{% elif m.role in ['user', 'system', 'assistant'] %}{{ m.role + ': ' + m.content }}\n{% endif %}{% endfor %}"
    )
    + _ASK,
    "Gemma": (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
        "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
        "{{ ('model' if m['role'] == 'assistant' else m['role']) + ': ' + m['content'] | trim }}\n{% endfor %}" + _ASK
    ),
    "Llama 3": "{% for m in messages %}{{ m['role'] + ': ' + m['content'] | trim }}\n{% endfor %}" + _ASK,
}


@lru_cache(maxsize=1)
def families() -> Mapping[str, ChatTemplate]:
    """The families' templates, ready to be asked."""
    return {name: ChatTemplate(source) for name, source in SOURCES.items()}
