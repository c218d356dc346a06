"""Settings from the command line: `python script.py --learning_rate 1e-4 --max_steps 20` stands above the script."""

import argparse
import ast
import dataclasses
import difflib


def from_command_line(kind, **values):
    """A config of this class, with what the command line says in place of what the script says.

    Args:
        kind: A dataclass such as `trl.SFTConfig`; the trainer's own is the last one that is made.
        **values: What the script says.
    """
    known = {one.name: one for one in dataclasses.fields(kind) if one.init}
    parser = argparse.ArgumentParser(
        allow_abbrev=False, usage=f"%(prog)s [--name value ...] for any of {kind.__name__}"
    )
    for name in known:
        words = f"the script says {values[name]}" if name in values else argparse.SUPPRESS
        parser.add_argument(f"--{name}", nargs="?", const="true", help=words)
    found, unknown = parser.parse_known_args()
    given = {name: text for name, text in vars(found).items() if text is not None}
    GIVEN.update(given)
    KNOWN.update(known)
    if hasattr(kind, "per_device_train_batch_size"):  # the trainer's: nothing else will take what is left
        wrong = [text for text in unknown if text.startswith("--") and text[2:].partition("=")[0] not in GIVEN]
        wrong += [text for text in unknown if not text.startswith("--") and text not in GIVEN.values()]
        if wrong:
            parser.error(_not_known(wrong[0], KNOWN))
    return kind(
        **{**values, **{name: _value(parser, known[name], text, values.get(name)) for name, text in given.items()}}
    )


GIVEN: dict = {}  # what was taken so far
KNOWN: dict = {}  # and what could have been


OTHERWISE = {
    "lr": "learning_rate", "batch_size": "per_device_train_batch_size", "accumulation": "gradient_accumulation_steps",
    "epochs": "num_train_epochs", "warmup": "warmup_steps", "warmup_ratio": "warmup_steps", "steps": "max_steps",
    "max_seq_length": "max_length", "lora_r": "r",
}  # fmt: skip


def _not_known(text, names):
    name = text.removeprefix("--").partition("=")[0].replace("-", "_")
    usual = [OTHERWISE[name]] if OTHERWISE.get(name) in names else []
    close = usual or difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"there is no setting {name!r}" + (f"; did you mean --{close[0]}?" if close else "")


def _value(parser, field, text, now):
    """The value of a text; what is not of the setting's kind ends the script with a word about it."""
    try:
        value = ast.literal_eval({"true": "True", "false": "False", "none": "None"}.get(text.lower(), text))
    except (ValueError, SyntaxError):
        value = text
    usual = field.default if now is None else now
    if isinstance(usual, bool) and not isinstance(value, bool):
        parser.error(f"--{field.name} is {text!r}: it is either true or false")
    if isinstance(usual, (int, float)) and not isinstance(usual, bool):
        whole = field.type is int or field.type == "int"
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            parser.error(f"--{field.name} is {text!r}: it must be {'a whole number' if whole else 'a number'}")
    return value
