"""The names public datasets give to the columns trainers read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from hfft_widgets.core.data.columns import Schema, Shape

# Names are compared without case and separators; the earlier ones are the surer ones.
PROMPT = (
    "prompt", "instruction", "instructions", "question", "query", "problem", "user", "userprompt", "usermessage",
    "request", "input", "inputs", "human", "task", "goal", "history", "questionstem",
    "pregunta", "pergunta", "frage", "domanda", "вопрос", "质问", "问题", "提问", "質問", "問題", "질문",
    "soru", "vraag", "pytanie",
    "otázka", "câuhỏi", "pertanyaan", "سؤال", "प्रश्न", "consigne", "instrucción", "instrução", "istruzione", "anweisung",
    "инструкция", "指令", "指示",
)  # fmt: skip
# What a task may be about, where nothing is plainly a prompt: a summary's document, a translation's source.
SUBJECT = (
    "dialogue", "dialog", "document", "article", "passage", "context", "text", "sentence", "premise", "body", "post",
    "content", "code", "title", "description", "source", "src",
)  # fmt: skip
COMPLETION = (
    "completion", "response", "output", "outputs", "answer", "reply", "assistant", "assistantresponse", "solution",
    "target", "targets", "label", "generation", "gpt", "summary", "answers", "canonicalsolution", "highlights",
    "finalanswer", "groundtruth", "goldanswer", "modelanswer", "final",
    "respuesta", "resposta", "antwort", "risposta", "réponse", "ответ", "回答", "答案", "答え",
    "답변", "대답", "cevap", "antwoord",
    "odpowiedź", "odpověď", "trảlời", "jawaban", "جواب", "उत्तर", "salida", "saída", "ausgabe", "sortie", "输出", "出力",
)  # fmt: skip
MESSAGES = (
    "messages", "conversations", "conversation", "chat", "dialogue", "dialog", "turns", "history", "chatmessages",
)  # fmt: skip
TEXT = ("text", "content", "document", "passage", "body", "article", "rawtext", "code")
SYSTEM = ("system", "systemprompt", "systemmessage")
# What an instruction is about: it belongs to the prompt, after it.
MATERIAL = ("input", "inputs", "context")

# Whether an answer was wanted, and how good it was found.
LABEL = (
    "label", "labels", "islabel", "thumbs", "thumb", "thumbsup", "vote", "upvoted", "liked", "like", "desirable",
    "isdesirable", "good", "isgood", "accepted", "isaccepted", "correct", "iscorrect", "feedback", "judgement",
    "judgment", "verdict", "preferred", "positive", "helpful", "rating", "score", "stars", "quality", "helpfulness",
    "overall", "overallscore", "reward", "grade", "issafe", "safe", "decision", "approved", "isapproved",
)  # fmt: skip
YES = (
    "true", "yes", "good", "up", "thumbsup", "thumbs_up", "positive", "like", "liked", "desirable", "chosen",
    "accepted", "accept", "approved", "correct", "helpful", "preferred", "pass", "upvote", "1", "+1", "y", "win",
    "👍", "✅", "sí", "bueno", "correcto", "ja", "gut", "richtig", "oui", "bon", "sim", "bom", "да", "хорошо",
    "是", "好", "正确", "はい", "良い",
)  # fmt: skip
NO = (
    "false", "no", "bad", "down", "thumbsdown", "thumbs_down", "negative", "dislike", "disliked", "undesirable",
    "rejected", "reject", "incorrect", "unhelpful", "wrong", "fail", "downvote", "0", "-1", "n", "lose",
    "👎", "❌", "malo", "incorrecto", "nein", "schlecht", "falsch", "non", "mauvais", "não", "mau", "нет", "плохо",
    "否", "不好", "坏", "差", "错误", "いいえ", "悪い",
)  # fmt: skip
# Which of two answers is the better one, and the values that mean the first.
CHOICE = (
    "labels", "label", "winner", "preference", "preferred", "choice", "better", "preferredresponse",
    "selected", "best", "bestresponse", "vote", "humanpreference", "annotation",
    *(f"{which}{what}"
      for which in ("best", "better", "chosen", "selected", "preferred", "accepted", "winner", "winning", "correct")
      for what in ("index", "idx", "id", "answerid", "responseid", "answer", "response")),
)  # fmt: skip
SCORES = (
    "score",
    "rating",
    "reward",
    "votes",
    "upvotes",
    "quality",
    "stars",
    "overall",
    "helpfulness",
    "correctness",
    "likes",
    "elo",
    "grade",
    "winner",
    "wins",
    "votecount",
)
PICTURES = ("images", "image", "img", "imgs", "picture", "pictures", "photo", "photos", "screenshot")

# What the model's own answer can be held against.
CHECKED = (
    "answer", "solution", "groundtruth", "finalanswer", "target", "label", "expectedanswer", "goldanswer", "expected",
    "correctanswer", "testcases", "tests", "test", "answerkey", "result", "referenceanswer",
)  # fmt: skip
# Earlier exchanges that a conversation goes on from.
HISTORY = ("history", "chathistory", "conversationhistory", "previousturns")
# Marks that one of several answers was taken.
TAKEN = ("best", "chosen", "selected", "accepted", "preferred", "correct")
# Which of two scores is the better one: of these the lowest, of SCORES the highest, and of what is bad nobody knows.
PLACES = ("rank", "ranking", "position", "place", "order")
HARMS = (
    "tox", "harm", "loss", "error", "perplex", "ppl", "risk", "danger", "distance", "hallucinat", "bias", "unsafe",
    "cost", "penalty", "wer", "latency",
)  # fmt: skip

# For preferences a part of the name decides: good_response, response_chosen, winner.
CHOSEN_WORDS = frozenset(
    {"chosen", "accepted", "preferred", "good", "better", "best", "winner", "winning", "positive", "win"}
)
# Pairs of which the first one names the better answer, and the second one the worse; alone they may say anything.
OPPOSITES = (
    ("high", "low"), ("higher", "lower"), ("strong", "weak"), ("stronger", "weaker"), ("win", "lose"), ("w", "l"),
    ("helpful", "unhelpful"), ("safe", "unsafe"), ("harmless", "harmful"), ("correct", "incorrect"),
    ("correct", "wrong"), ("right", "wrong"), ("pos", "neg"), ("upvoted", "downvoted"), ("aligned", "misaligned"),
    ("liked", "disliked"), ("accept", "reject"), ("plus", "minus"), ("desirable", "undesirable"),
    ("top", "bottom"), ("j", "k"),
)  # fmt: skip
ANSWER_WORDS = frozenset({"completion", "response", "answer", "output", "reply", "solution", "summary"})
REJECTED_WORDS = frozenset(
    {
        "rejected",
        "dispreferred",
        "bad",
        "worse",
        "worst",
        "loser",
        "losing",
        "negative",
        "reject",
        "refused",
        "lose",
        "nonpreferred",
        "non",
        "not",
        "unpreferred",
    }
)


def spelled(
    schema: Schema, names: Collection[str], shapes: Collection[Shape], *, numbers: bool = False
) -> Iterator[str]:
    """The columns with one of these names and shapes, the surest name first; numbers as text only if asked for."""
    known: dict[str, list[str]] = {}
    for name, column in schema.columns.items():
        if column.shape in shapes and (numbers or column.path[-1:] != (("written",),)):
            for own in column.names:
                known.setdefault(flat(own), []).append(name)
    for name in names:
        yield from known.get(name, ())


def worded(schema: Schema, words: Collection[str], shapes: Collection[Shape]) -> Iterator[str]:
    """The columns of these shapes with one of these words in their name, the shortest name first."""
    for name in sorted(schema.columns, key=len):
        column = schema.columns[name]
        own = {word for known in column.names for word in words_of(known)}
        if column.shape in shapes and {*words} & own:
            yield name


def words_of(name: str) -> list[str]:
    """The words of a name.

    >>> words_of("modelResponse_2"), words_of("GOOD answer")
    (['model', 'response', '2'], ['good', 'answer'])
    """
    return [word for word in re.split(r"[\W_]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()) if word]


def flat(name: str) -> str:
    """A name without case and separators."""
    return re.sub(r"[\W_]", "", name.lower())
