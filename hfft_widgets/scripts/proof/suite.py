"""A small fixed set of what a training must not break: language, arithmetic, form, stopping. No network, no data.

The numbers are losses, one per item, before and after; only their difference is judged. A model that could not do
something before cannot have lost it.
"""

# (asked, right, wrong): without wrong ones, how likely the right text is; with them, how likely among all
SUITE = {
    "language": (
        ("", "The children went to the park, and when it began to rain they ran back home.", ()),
        ("", "Water boils when it is hot enough, and it turns to ice when it is cold.", ()),
        ("", "She opened the letter, read it twice, and put it back into the drawer.", ()),
        ("", "If you want to learn a language, you should speak it every day.", ()),
        ("", "The first train leaves at seven in the morning and arrives before noon.", ()),
        ("", "He said that he would call us as soon as he had found the keys.", ()),
        ("", "The function returns the number of items in the list, or zero if it is empty.", ()),
        ("", "La casa es grande y tiene un jard\u00edn con muchas flores.", ()),
        ("", "Der Hund schl\u00e4ft unter dem Tisch, und die Katze sitzt am Fenster.", ()),
        ("", "Le matin, je bois du caf\u00e9 et je lis le journal.", ()),
    ),
    "arithmetic": (
        ("1 + 1 =", " 2", (" 3", " 5", " 9")),
        ("2 + 3 =", " 5", (" 4", " 7", " 8")),
        ("4 + 4 =", " 8", (" 6", " 7", " 9")),
        ("7 - 2 =", " 5", (" 3", " 4", " 9")),
        ("9 - 8 =", " 1", (" 2", " 4", " 7")),
        ("2 * 3 =", " 6", (" 5", " 8", " 9")),
        ("3 * 3 =", " 9", (" 3", " 6", " 7")),
        ("8 / 2 =", " 4", (" 2", " 3", " 6")),
        ("10 + 10 =", " 20", (" 10", " 30", " 11")),
        ("12 - 5 =", " 7", (" 6", " 8", " 17")),
    ),
    "form": (
        ('{"name": "Ana", "age": 31', "}", ()),
        ('["red", "green", "blue"', "]", ()),
        ("def add(a, b):\n    return", " a + b", ()),
        ("for i in range(10):\n    print(", "i)", ()),
        ("Three colours:\n- red\n- green\n", "- blue", ()),
        ("| a | b |\n|---|---|\n| 1 |", " 2 |", ()),
        ("import os\nimport", " sys", ()),
        ("<ul><li>one</li><li>two</li>", "</ul>", ()),
    ),
}
TO_STOP = ("Say yes.", "What is your name?", "Is water wet? Answer with one word.", "Name a colour.")
STOP_TOKENS = 48  # an answer to these ends before, where a model knows how to end one
