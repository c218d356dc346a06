"""The quantizations there are, and how large they make a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hfft_widgets.errors import ExportError


@dataclass(frozen=True)
class Quantization:
    """One way to keep weights with fewer bits.

    Attributes:
        name: As llama.cpp, Ollama and the Hub call it.
        layer_bits: Bits per weight of the decoder layers, on average.
        output_bits: Bits per weight of the output matrix (and of the embedding, where the two are one).
        embedding_bits: Bits per weight of a separate embedding.
        good_for: What it is good for, in a few words.
        quantizer: Whether llama.cpp's quantizer makes it; the converter writes the others.
    """

    name: str
    layer_bits: float
    output_bits: float
    embedding_bits: float
    good_for: str
    quantizer: bool = True


# layer_bits of the mixed types: solved from the bits per weight of Llama 3.1 8B (8.030e9 parameters, of which output
# and embedding have 5.253e8 each) in llama.cpp's tools/quantize/README.md. Block sizes give the others: Q6_K 210 bytes
# per 256 weights, Q8_0 34 bytes per 32.
QUANTIZATIONS = {
    q.name: q
    for q in (
        Quantization("Q2_K", 2.943, 6.5625, 2.625, "the smallest: answers get much worse"),
        Quantization("Q3_K_M", 3.845, 6.5625, 3.4375, "only if nothing larger fits: answers get noticeably worse"),
        Quantization("IQ4_XS", 4.317, 6.5625, 4.25, "the smallest of the 4-bit ones, slower on a processor"),
        Quantization("Q4_0", 4.5, 6.5625, 4.5, "simple 4-bit blocks: fast on phones and Arm, weaker than Q4_K_M"),
        Quantization("Q4_K_S", 4.537, 6.5625, 4.5, "a little smaller and weaker than Q4_K_M"),
        Quantization("Q4_K_M", 4.799, 6.5625, 4.5, "the usual choice for a laptop: small, fast, little loss"),
        Quantization("Q5_K_S", 5.501, 6.5625, 5.5, "a little smaller and weaker than Q5_K_M"),
        Quantization("Q5_K_M", 5.654, 6.5625, 5.5, "somewhat closer to the trained model"),
        Quantization("Q6_K", 6.5625, 6.5625, 6.5625, "hardly different from the trained model"),
        Quantization("Q8_0", 8.5, 8.5, 8.5, "practically the trained model, half of 16-bit size"),
        Quantization("F16", 16, 16, 16, "no loss for float16 weights; to quantize again later", quantizer=False),
        Quantization("BF16", 16, 16, 16, "no loss for bfloat16 weights; to quantize again later", quantizer=False),
        Quantization("LoRA", 32, 32, 32, "the adapter alone, to be used with its base as GGUF", quantizer=False),
    )
}
USUAL = "Q4_K_M"
ADAPTER = "LoRA"  # no quantization, but what is made is chosen in the same place
WEIGHED = frozenset({"Q2_K", "Q3_K_M", "IQ4_XS"})  # few enough bits to choose what to keep by an importance matrix
SIXTEEN_BITS = frozenset({"F16", "BF16"})
BY_CONVERTER = frozenset({"Q8_0", "F16", "BF16", ADAPTER})  # what llama.cpp's converter can write without the quantizer
TOKEN_BYTES = 39  # what one vocabulary entry takes in the file: text, score, type, share of the merges


def find_quantization(name: str) -> Quantization:
    """The quantization of that name, in any case of letters.

    Raises:
        ExportError: There is none.
    """
    found = next((q for known, q in QUANTIZATIONS.items() if known.upper() == str(name).upper()), None)
    if found is None:
        raise ExportError(f"Unknown quantization {name!r}.", remedy=f"Choose one of {', '.join(QUANTIZATIONS)}.")
    return found


def find_quantizations(asked: str | Iterable[str]) -> tuple[str, ...]:
    """Names of the quantizations asked for: a name, several, or several with commas between.

    Each stands once, in the order asked, 16 bits last: the others are made of that file.

    >>> find_quantizations("f16, q4_k_m, Q8_0")
    ('Q4_K_M', 'Q8_0', 'F16')

    Raises:
        ExportError: There is no such quantization, none was asked for, or both 16-bit ones were.
    """
    words = asked.split(",") if isinstance(asked, str) else list(asked)
    names = tuple(dict.fromkeys(find_quantization(str(word).strip()).name for word in words))
    if not names:
        raise ExportError("No quantization was chosen.", remedy=f"Choose one of {', '.join(QUANTIZATIONS)}.")
    if SIXTEEN_BITS.issubset(names):
        raise ExportError(
            "F16 and BF16 are two conversions of the same weights; one export makes one of them.",
            remedy="Leave one out, or export twice.",
        )
    return tuple(sorted(names, key=SIXTEEN_BITS.__contains__))


def file_bytes(q: Quantization, *, parameters: int, vocabulary_size: int, hidden_size: int, tied: bool) -> int:
    """Size of the GGUF file in bytes: weights by kind, and the vocabulary's texts.

    >>> q = QUANTIZATIONS["Q4_K_M"]  # Qwen3-0.6B; the real file has 397 MB
    >>> round(file_bytes(q, parameters=596_049_920, vocabulary_size=151_936, hidden_size=1024, tied=True) / 1e6)
    398
    """
    matrix = min(vocabulary_size * hidden_size, parameters // (1 if tied else 2))
    layers = parameters - matrix * (1 if tied else 2)
    bits = layers * q.layer_bits + matrix * q.output_bits + (0 if tied else matrix * q.embedding_bits)
    return round(bits / 8) + TOKEN_BYTES * vocabulary_size
