"""Hiding secrets in what is printed: the person's own, exactly and at any cut, and what has the shape of one."""

import base64
import os
import re
import sys
from pathlib import Path

HIDDEN = "[hidden]"
_LEAST = 10  # characters of a secret that are hidden wherever they stand; fewer tell nothing
_STEP = 4
_NAMES = re.compile(r"(?i)TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIAL")
_CHUNK = 2**20
_OVERLAP = 2**12

# (texts of which one must be there, which is quick to see; the shape, whose first group, if any, is what is hidden)
_SHAPES = [
    (marks.split(), re.compile(shape, re.MULTILINE))
    for marks, shape in (
        ("hf_ api_", r"\b(?:hf|api)_(?=[\w.-]*[0-9A-Z])[\w.-]{6,}[\w-]"),
        ("eyJ", r"\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?"),  # a whole JWT
        ("ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"\b(?:gh[pousr]|github_pat)_[\w-]{10,}"),
        ("glpat- npm_ xox dckr_pat_", r"\b(?:glpat|npm|xox[abprs]|dckr_pat)[_-][\w-]{10,}"),
        ("sk- AKIA ASIA AIza pypi-", r"\b(?:sk-[\w-]{16,}|(?:AKIA|ASIA)[A-Z0-9]{16}\b|AIza[\w-]{30,}|pypi-[\w-]{16,})"),
        ("earer EARER asic ASIC", r"(?i:\b(?:bearer|basic)[ :=]+[\"']?)(?=\S*[0-9A-Z=.])([\w+/=.~-]{8,})"),
        ("://", r"://([^\s/@\"']{3,})(?=@[\w.-]+)"),  # who and password in an address
        (
            "? &",
            (
                r"(?i:[?&](?:x-amz-(?:signature|credential|security-token)|signature|sig|policy|key-pair-id|access_token"
                r"|token|api_?key|code)=)([^&\s\"'<>]{6,})"
            ),
        ),
        (  # as an environment is printed
            "TOKEN SECRET PASSW API ACCESS_KEY PRIVATE_KEY",
            (
                r"(?:\b[A-Z][A-Z0-9_]*(?:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|PRIVATE_KEY)[A-Z0-9_]*"
                r"[\"']?\s*[:=]\s*[\"']?)([^\s\"',;&}]{6,})"
            ),
        ),
        ("PRIVATE", r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?"),
    )
]
# forty hexadecimal digits are a key where a word says so or nothing else stands in the line; else most often a commit
_DIGITS = re.compile(r"(?<![/@\w-])[0-9a-f]{40}(?!\w)")
_AS_ZERO = str.maketrans("0123456789abcdef", "0" * 16)  # to see quickly that there are none
_KEY_BEFORE = re.compile(r"(?i:key|token|secret|password|wandb|login)[^\n]{0,40}$|(?:^|\n)[ \t]*$")


def known_secrets(environment=None, more=()):
    """The person's own secrets: variables named as such, the saved login of the Hub, and those given.

    Args:
        environment: Names and values; those of this process if not given.
        more: Further ones.

    Returns:
        A tuple of texts.
    """
    environment = os.environ if environment is None else environment
    found = [value for name, value in environment.items() if _NAMES.search(name)]
    found += [*more, *_saved_logins(environment)]
    return tuple(dict.fromkeys(value.strip() for value in found if _is_secret(value.strip())))


def _is_secret(value):
    return len(value) >= _LEAST and not value.isdigit() and not value.startswith(("/", "~")) and " " not in value


def _saved_logins(environment):
    home = Path(environment.get("HF_HOME") or Path(environment.get("XDG_CACHE_HOME") or "~/.cache", "huggingface"))
    for path in (
        environment.get("HF_TOKEN_PATH") or home / "token",
        environment.get("HF_STORED_TOKENS_PATH") or home / "stored_tokens",
    ):
        try:
            yield from re.findall(r"[^\s=]{8,}$", Path(path).expanduser().read_text("utf-8"), re.MULTILINE)
        except (OSError, ValueError, RuntimeError):
            continue


def _forms(value):
    """Other ways to write it: base64 at each offset, hexadecimal, reversed."""
    raw = value.encode()
    yield value[::-1]
    yield raw.hex()
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        yield text[4 if offset else 0 : -1]  # their ends hold bits of what stands beside it


class Mask:
    """Hides secrets in text.

    >>> Mask(["correct-horse-battery"]).hide("pushed with correct-horse-battery, and hf_abcdefgh1234")
    'pushed with [hidden], and [hidden]'

    Args:
        secrets: Texts that are hidden wherever they stand, in whole or in part, and in other encodings.
    """

    def __init__(self, secrets=()):
        self.secrets = tuple(secrets)
        self._forms = tuple(dict.fromkeys(form for secret in self.secrets for form in _forms(secret)))
        self._pieces = {s[at : at + _STEP] for s in self.secrets for at in range(0, len(s) - _STEP + 1, _STEP)}

    def hide(self, text):
        """The text with what is secret in it replaced."""
        for start, end in reversed(self.spans(text)):
            text = text[:start] + HIDDEN + text[end:]
        return text

    def hide_bytes(self, data):
        """The same of bytes."""
        return self.hide(data.decode("latin-1")).encode("latin-1")

    def overwrite(self, data):
        """Bytes with stars instead of secrets: of the same length, for a file in which others read."""
        text = data.decode("latin-1")
        kept = bytearray(data)
        for start, end in self.spans(text):
            kept[start:end] = b"*" * (end - start)
        return bytes(kept)

    def spans(self, text):
        """Where secrets stand, as (start, end), in order and apart from each other."""
        found = sorted([*_shaped(text), *self._own(text)])
        apart = found[:1]
        for start, end in found[1:]:
            if start <= apart[-1][1]:
                apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
            else:
                apart.append((start, end))
        return apart

    def _own(self, text):
        """The own secrets: encoded ones whole, plain ones in pieces, however they were cut."""
        for form in self._forms:
            if form in text:
                yield from (found.span() for found in re.finditer(re.escape(form), text))
        for piece in self._pieces:
            at = text.find(piece)
            while at >= 0:
                start, end = max((_longest(text, at, s) for s in self.secrets), key=lambda span: span[1] - span[0])
                if end - start >= _LEAST:
                    yield start, end
                at = text.find(piece, max(end, at + 1))


def _shaped(text):
    for marks, shape in _SHAPES:
        if any(mark in text for mark in marks):
            for found in shape.finditer(text):
                yield found.span(1 if shape.groups else 0)
    for found in _DIGITS.finditer(text) if "0" * 40 in text.translate(_AS_ZERO) else ():
        if _KEY_BEFORE.search(text, max(0, found.start() - 60), found.start()):
            yield found.span()


def _longest(text, at, secret):
    """The longest piece of the text around a place that is a piece of the secret."""
    best = (at, at)
    piece = text[at : at + _STEP]
    inside = secret.find(piece)
    while inside >= 0:
        before = after = 0
        while before < min(at, inside) and text[at - before - 1] == secret[inside - before - 1]:
            before += 1
        while at + after < len(text) and inside + after < len(secret) and text[at + after] == secret[inside + after]:
            after += 1
        if before + after > best[1] - best[0]:
            best = (at - before, at + after)
        inside = secret.find(piece, inside + 1)
    return best


def sweep_file(path, mask):
    """Overwrite secrets in a file, in place; nothing else of it moves. Raises OSError."""
    with Path(path).open("r+b") as file:
        at = 0
        while data := _read_at(file, at):
            clean = mask.overwrite(data)
            if clean != data:
                file.seek(at)
                file.write(clean)
            if len(data) < _CHUNK:
                return
            at += len(data) - _OVERLAP


def _read_at(file, at):
    file.seek(at)
    return file.read(_CHUNK)


def mask_output():
    """From here on this process prints no secret: neither by print, nor by a logger, nor in a traceback."""
    mask = Mask(known_secrets())
    for stream in (sys.stdout, sys.stderr):
        vars(stream)["write"] = _masked_write(stream.write, mask)  # the stream itself: loggers hold it already


def _masked_write(write, mask):
    """Write whole lines masked; the beginning of an own secret is held back until what follows it is written."""
    held = ""

    def masked(text):
        nonlocal held
        whole = held + text
        keep = max((n for s in mask.secrets for n in range(_STEP, len(s)) if whole.endswith(s[:n])), default=0)
        held = whole[len(whole) - keep :] if keep and "\n" not in whole[-keep:] else ""
        write(mask.hide(whole[: len(whole) - len(held)]))
        return len(text)

    return masked
