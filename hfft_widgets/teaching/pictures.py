"""Small pictures of words of the glossary: each with a caption that says the same in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from hfft_widgets.core.html import Markup, el

WIDTH, HEIGHT = 360, 104
Shapes = Iterable[Markup]


def picture(name: str) -> Markup:
    """A picture with its caption, for a page that has the stylesheet.

    Raises:
        KeyError: There is none of that name.
    """
    caption, shapes = PICTURES[name]
    drawn = el(
        "svg", *shapes(), class_="word-picture", role="img", aria_label=caption, view_box=f"0 0 {WIDTH} {HEIGHT}",
    )  # fmt: skip
    return el("figure", drawn, el("figcaption", caption, class_="sub", aria_hidden="true"))


# ---- what they are drawn with ---------------------------------------------------------------------


def _box(x: float, y: float, width: float, height: float, words: str = "", kind: str = "soft") -> Markup:
    said = el("text", words, x=x + width / 2, y=y + height / 2 + 4, text_anchor="middle") if words else None
    return el("g", el("rect", x=x, y=y, width=width, height=height, rx=3, class_=kind), said)


def _words(x: float, y: float, words: str, anchor: str = "start") -> Markup:
    return el("text", words, x=x, y=y, text_anchor=anchor)


def _curve(values: Sequence[float], kind: str, x: float = 8, width: float = 344) -> Markup:
    """Values from 0 (below) to 1 (above), over the whole width."""
    step = width / (len(values) - 1)
    points = " ".join(f"{x + at * step:.1f},{92 - 80 * value:.1f}" for at, value in enumerate(values))
    return el("polyline", points=points, class_=f"curve {kind}")


def _arrow(x: float, y: float, width: float) -> Markup:
    return el("path", d=f"M{x} {y}h{width}m-6 -4l6 4l-6 4", class_="curve base")


# ---- the pictures ---------------------------------------------------------------------------------


def _tokens() -> Shapes:
    at = 8
    for words, width in (("train", 56), ("ing", 40), (" makes", 64), (" mod", 48), ("els", 40)):
        yield _box(at, 34, width - 4, 32, words, "c0" if at % 16 else "soft")
        at += width


def _template() -> Shapes:
    yield _box(8, 8, 128, 24, "user: Why?")
    yield _box(8, 38, 128, 24, "assistant: So.")
    yield _arrow(144, 35, 24)
    yield _box(176, 8, 176, 24, "<|im_start|>user Why?", "c0")
    yield _box(176, 38, 176, 24, "<|im_start|>assistant So.", "c0")
    yield _words(352, 84, "one text, with marks for who speaks", "end")


def _mask() -> Shapes:
    yield _box(8, 30, 84, 32, "user Why?")
    yield _box(96, 30, 92, 32, "assistant")
    yield _box(192, 30, 160, 32, "So that it works.", "c0")
    yield _words(98, 84, "only read", "middle")
    yield _words(272, 84, "learned", "middle")


def _lora() -> Shapes:
    yield _box(8, 8, 88, 88, "frozen")
    yield _words(112, 56, "+")
    yield _box(136, 8, 14, 88, "", "c0")
    yield _words(158, 56, "x")
    yield _box(180, 45, 88, 14, "", "c0")
    yield _words(180, 84, "trained: two strips,")
    yield _words(180, 100, "as wide as the rank")


def _batch() -> Shapes:
    for at in range(4):
        yield _box(8 + at * 62, 34, 26, 26, "row", "c0")
        yield _box(36 + at * 62, 34, 26, 26, "row", "c0")
    yield _arrow(262, 47, 24)
    yield _box(292, 34, 60, 26, "1 step")
    yield _words(8, 84, "2 rows at a time, 4 times: effective batch 8")


def _rate() -> Shapes:
    yield _curve([0.9, 0.89, 0.88, 0.87, 0.86, 0.85, 0.84], "c3")
    yield _curve([0.9, 0.55, 0.34, 0.22, 0.15, 0.12, 0.1], "c2")
    yield _curve([0.9, 0.6, 0.98, 0.7, 1.0, 0.95, 1.0], "c4")
    yield _words(352, 22, "too big", "end")
    yield _words(352, 42, "too small", "end")
    yield _words(352, 80, "good", "end")


def _overfitting() -> Shapes:
    yield _curve([0.9, 0.5, 0.3, 0.18, 0.1, 0.05, 0.02], "c0")
    yield _curve([0.9, 0.55, 0.4, 0.42, 0.5, 0.6, 0.68], "c1")
    yield _words(352, 24, "held-out rows", "end")
    yield _words(352, 78, "training rows", "end")
    yield el("line", x1=122, x2=122, y1=8, y2=96, class_="curve base")
    yield _words(126, 18, "stop here")


def _held_out() -> Shapes:
    yield _box(8, 30, 272, 34, "rows to learn from", "c0")
    yield _box(288, 30, 64, 34, "held-out")
    yield _words(352, 84, "never trained on, only asked", "end")


def _baseline() -> Shapes:
    for at, (words, height, kind) in enumerate((("guess", 6, "soft"), ("baseline", 30, "soft"), ("model", 62, "c0"))):
        yield _box(40 + at * 104, 76 - height, 64, height, "", kind)
        yield _words(72 + at * 104, 96, words, "middle")


def _dpo() -> Shapes:
    yield _curve([0.6, 0.55, 0.5, 0.46, 0.43, 0.4], "c2")
    yield _curve([0.55, 0.42, 0.3, 0.2, 0.12, 0.05], "c4")
    yield _words(352, 48, "chosen", "end")
    yield _words(352, 80, "rejected", "end")
    yield _words(8, 16, "how likely each answer is")


def _grpo() -> Shapes:
    for at, (words, score, kind) in enumerate(
        (("12", "0", "soft"), ("17", "1", "c2"), ("17.", "1", "c2"), ("?", "0", "soft"))
    ):
        yield _box(92 + at * 66, 20, 58, 28, words, kind)
        yield _words(121 + at * 66, 68, f"reward {score}", "middle")
    yield _box(8, 20, 68, 28, "9 + 8 = ?")
    yield _words(8, 94, "what is above the group's mean becomes more likely")


def _kl() -> Shapes:
    yield _box(8, 36, 84, 32, "start")
    yield _arrow(100, 52, 150)
    yield _box(268, 36, 84, 32, "now", "c0")
    yield _words(175, 40, "how far?", "middle")


def _hacking() -> Shapes:
    yield _curve([0.3, 0.45, 0.6, 0.72, 0.82, 0.9], "c2")
    yield _curve([0.4, 0.42, 0.36, 0.25, 0.14, 0.08], "c4")
    yield _words(300, 14, "reward", "end")
    yield _words(300, 98, "right answers", "end")


def _quantization() -> Shapes:
    for at, (words, width) in enumerate((("16 bits a weight", 320), ("8 bits", 160), ("4 bits", 80))):
        yield _box(8, 8 + at * 32, width, 24, words, "c0")


def _ceiling() -> Shapes:
    yield _box(8, 40, 150, 30, "likely", "c0")
    yield _box(158, 40, 130, 30, "at most")
    yield el("line", x1=288, x2=288, y1=20, y2=84, class_="curve bad")
    yield _words(296, 34, "ceiling")


PICTURES: dict[str, tuple[str, Callable[[], Shapes]]] = {
    "tokens": ("A short text cut into five tokens; some are whole words, some are parts of words.", _tokens),
    "template": ("Two turns of a chat become one text, with marks for who speaks.", _template),
    "mask": ("One row: the question is only read, the answer is learned.", _mask),
    "lora": ("A large frozen square and two thin strips that are trained. The rank is how wide they are.", _lora),
    "batch": ("Two rows at a time, four times, then one step: the effective batch is eight.", _batch),
    "rate": ("Three loss curves: a rate too small stays high, a good one falls, one too big jumps.", _rate),
    "overfitting": (
        "The loss on training rows falls to zero; on held-out rows it falls, then rises. Stop at its lowest point.",
        _overfitting,
    ),
    "held_out": ("A long bar of rows to learn from, and a short one that is held out and only asked.", _held_out),
    "baseline": ("Three bars: a blind guess, the baseline, and a model that is above the baseline.", _baseline),
    "dpo": ("Both answers get less likely, the rejected one faster: so the margin grows.", _dpo),
    "grpo": ("One question, four answers with rewards 0, 1, 1, 0: those with 1 become more likely.", _grpo),
    "kl": ("The model at the start and the model now, and the distance between them.", _kl),
    "hacking": ("The reward rises while the share of right answers falls.", _hacking),
    "quantization": ("Three bars: a file with 16 bits a weight, one half as long, one a quarter.", _quantization),
    "ceiling": ("What a run will likely cost, and above it the most that it can cost: the ceiling.", _ceiling),
}
"""Name -> its caption, and what draws it."""
