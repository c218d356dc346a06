"""The data and what reads it: columns, values, files, templates, tokenizers, rewards, environment."""

from __future__ import annotations

from hfft_widgets.core.run.diagnosis.failure import Failure

FAILURES = (
    Failure(
        "variable_missing",
        "The script reads an environment variable that is not set.",
        "Set the variable before the start; in a job give it as a secret or as an environment variable.",
        "CPython os.py",
        raised=(r"KeyError\b",),
        within=r"(^|[/\\])os\.py:|<frozen os>",
        value=r"KeyError: ['\"]([^'\"]+)['\"]",
        naming="The script reads the environment variable {value}, which is not set.",
    ),
    Failure(
        "reward_value",
        "A reward function failed or gave something that is no number: the data, or the function, is the reason.",
        "Let it give one number per answer, whatever the answer is; look at the row that the message quotes.",
        "trl/trainer/grpo_trainer.py; own scripts",
        raised=(
            r"\w+: [Rr]eward function",
            r"\w+: (All|The) reward functions?\b",
            r"(TypeError|ValueError|RuntimeError): [^'\"\n]{0,60}reward[^'\"\n]{0,80}(number|float|list|length)",
        ),
    ),
    Failure(
        "reward_value",
        "A reward function failed: the data, or the function, is the reason.",
        "Let it give one number per answer, whatever the answer is; look at the row that the message quotes.",
        "trl/trainer/grpo_trainer.py",
        raised=(r"\w+Error\b",),
        within=r"reward\w*\.py:|:\w*reward\w*$",
    ),
    Failure(
        "not_a_number",
        "A value in the data is text where the script expects a number.",
        "Look for the row with the value that the message quotes, and correct it or leave it out.",
        "CPython",
        raised=(
            r"ValueError: (could not convert string to float|invalid literal for int\(\))",
            r"(ArrowInvalid|ValueError): (Failed to parse string|Unable to parse string)",
            r"TypeError: (must be real number, not|float\(\) argument must be|int\(\) argument must be)",
        ),
        value=r"(?:float: |base \d+: )('[^'\n]{1,60}')",
        naming="A value in the data is text where the script expects a number: {value}.",
    ),
    Failure(
        "value_shape",
        "A column of the data holds lists or texts of another shape than the trainer expects.",
        "Validate the dataset again: its report names the rows; map the column, or leave those rows out.",
        "transformers/tokenization_utils_base.py",
        raised=(
            r"(?s)ValueError: Unable to create tensor",
            r"(?s)ValueError: .{0,80}excessive nesting",
            r"ValueError: (expected sequence of length|too many dimensions)",
            r"ValueError: text input must be of type",
            r"TypeError: TextEncodeInput must be",
            r"TypeError: (can only concatenate str|unsupported operand type\(s\) for \+: '' and '')",
        ),
    ),
    Failure(
        "data_file",
        "A file of the dataset cannot be read as what it should be: a line or row of it is broken.",
        "Correct the row that the message names, or leave the file out; `hfft.validate` reads every row of it.",
        "datasets/packaged_modules; datasets/exceptions.py; pyarrow; pandas",
        raised=(
            (
                r"(DatasetGenerationError|DatasetGenerationCastError|CastError|ParserError|JSONDecodeError"
                r"|UnicodeDecodeError)\b"
            ),
            r"(ArrowInvalid|ArrowTypeError|ArrowNotImplementedError|ArrowCapacityError)\b",
            r"(DataFilesNotFoundError|EmptyDatasetError)\b|FileNotFoundError: Couldn't find any data file",
            r"(UnidentifiedImageError|ExpectedMoreSplitsError|NonMatchingSplitsSizesError)\b",
            (
                r"ValueError: (Couldn't cast|Unknown split|Bad split|Trailing data|Expected object or value"
                r"|Not able to read)"
            ),
            r"ValueError: (num_samples should be a positive integer|The (train )?dataset is empty)",
            r"TypeError: Couldn't cast",
        ),
        value=r"(?:line|row|Row|Line|lines) (\d+)",
        naming="A file of the dataset cannot be read as what it should be: line or row {value} is broken.",
    ),
    Failure(
        "chat_template",
        "The tokenizer's chat template is missing or does not accept the data.",
        "Choose an instruction-tuned model, or a base model with a template; check that roles alternate as it asks.",
        "transformers/utils/chat_template_utils.py; jinja2",
        raised=(
            r"(TemplateError|UndefinedError|TemplateSyntaxError|TemplateRuntimeError|TemplateAssertionError): ",
            (
                r"(ValueError|RuntimeError): (Cannot use (chat template|apply_chat_template)|This (tokenizer"
                r"|processor) does not have a chat template)"
            ),
            r"ValueError: [^'\"\n]{0,60}chat.?template",
        ),
    ),
    Failure(
        "tokenizer",
        "The tokenizer does not fit the model, or lacks a token.",
        "Use the tokenizer that belongs to the model; padding needs a pad token, an end needs an end-of-turn token.",
        "transformers/tokenization_utils_base.py; trl/trainer",
        raised=(
            r"ValueError: Asking to pad but the tokenizer does not have a padding token",
            r"ValueError: (The specified )?`?(pad_token|eos_token)`?",
            (
                r"ValueError: (Cannot handle batch sizes > 1 if no padding token|You (must|need to) (set"
                r"|specify)[^\n]*pad_token)"
            ),
            r"ValueError: (Tokenizer class|Couldn't instantiate the backend tokenizer|Unable to load vocabulary)",
            r"OSError: (Unable to load vocabulary|Can't load tokenizer)",
        ),
    ),
    Failure(
        "column_missing",
        "The columns of the dataset do not fit what the script reads.",
        "Validate the dataset again and map its columns.",
        "datasets; trl/data_utils.py",
        raised=(
            r"KeyError\b",
            r"ValueError: (The )?[Cc]olumn[^\n]*(not in|not found|does ?n.t exist|missing|don't exist)",
            r"(?s)ValueError: .{0,60}(No columns in the dataset match|[Cc]olumn names? )",
            r"(ColumnNotFoundError|SchemaInferenceError)\b",
            r"ValueError: Unexpected input keys",
        ),
        unless=(
            r"site-packages/(torch|accelerate|safetensors|peft|deepspeed|bitsandbytes|vllm|numpy|tokenizers"
            r"|huggingface_hub|wandb)/|[/\\]os\.py:"
            r"|/(logging|importlib|multiprocessing|threading|concurrent)/"
        ),
        value=r"KeyError: [\"']([^\"'\n]+)|[Cc]olumn:? [\"'`]?([\w./-]+)",
        naming=(
            "The script looked for '{value}', which is not there. Most often a column of the dataset is "
            "missing or has another name."
        ),
    ),
    Failure(
        "file_missing",
        "A file or folder that the script reads is not there.",
        "Check the path; in a job only what is on the Hub or in the script can be read.",
        "CPython",
        raised=(
            r"(FileNotFoundError|NotADirectoryError): (\[Errno (2|20)\]|\[WinError (2|3)\]|Unable to find|Directory )",
        ),
        value=r"(?:\] [^:]*: |find |Directory )['\"]?([^'\"\n]+?)['\"]?(?: not found|$|\n)",
        naming="A file or folder that the script reads is not there: {value}.",
    ),
    Failure(
        "settings_refused",
        "The trainer refuses these settings or this data together; its message says which.",
        "Change what its message names.",
        "trl/trainer/*_config.py, *_trainer.py; transformers/training_args.py",
        raised=(r"(ValueError|TypeError|NotImplementedError): ",),
        within=(
            r"(trl/trainer/\w+|transformers/(training_args|trainer))\.py:(__init__|__post_init__"
            r"|_prepare_dataset|_validate\w*)$"
        ),
    ),
)
