"""Every error raised on purpose.

    HfftError
    ├── DataError              the dataset cannot be used as asked
    │   ├── DatasetNotFoundError
    │   └── EmptyDatasetError
    ├── ModelError             the model cannot be found, read or used as asked
    ├── PlanError              these settings cannot become a plan
    │   └── ModelTooLargeError     planned only with an explicit wish; it shows what that would take
    ├── RunError               a run cannot be started, found or steered
    │   ├── LaunchError
    │   │   ├── UnheldCodeError    code that the model writes would run unheld: it takes an explicit wish
    │   │   └── ExistingRepositoryError  a file would go to a repository that exists: it takes an explicit wish
    │   └── RunNotFoundError
    ├── ExportError            this model cannot become a GGUF file
    ├── HubError               the Hugging Face Hub said no, or nothing
    │   ├── hub.outcomes.HubRefusedError   it said no, or was never reached: nothing has changed there
    │   └── hub.outcomes.HubUnsureError    no answer that can be trusted: it may have happened
    ├── LessonError            a lesson, question or exercise is not there, or not as it should be
    └── MissingExtraError      an optional part is not installed

Each message says what happened, why, and what to do next.
"""

from __future__ import annotations

from typing import Any


class HfftError(Exception):
    """The root: what happened, why, and what to do next.

    >>> print(HfftError("The file is empty.", remedy="Save it again with at least one row."))
    The file is empty. Save it again with at least one row.

    Args:
        what: What happened, one sentence, with the value got.
        why: The reason, where it is known and not in `what`.
        remedy: What to do next, with the values allowed.
        page: The address where a person can mend it, e.g. accept terms.
        signs_in: Whether another sign-in may mend it.
    """

    def __init__(self, what: str, *, why: str = "", remedy: str = "", page: str = "", signs_in: bool = False) -> None:
        self.what = what
        self.why = why
        self.remedy = remedy
        self.page = page
        self.signs_in = signs_in
        super().__init__(" ".join(part for part in (what, why, remedy) if part))


class DataError(HfftError):
    """The dataset cannot be used as asked."""


class DatasetNotFoundError(DataError):
    """No dataset is at that name or path."""


class EmptyDatasetError(DataError):
    """The dataset has no row."""


class ModelError(HfftError):
    """The model cannot be found, read or used as asked."""


class PlanError(HfftError):
    """These settings cannot become a plan."""


class ModelTooLargeError(PlanError):
    """The model is beyond the sizes that are planned without an explicit wish.

    Args:
        what: What happened.
        why: What it would take.
        remedy: What to do instead.
        refusal: The `core.plan.choose_hardware.Refusal` behind it; it shows itself as a card.
    """

    def __init__(self, what: str, *, why: str, remedy: str, refusal: Any) -> None:
        self.refusal = refusal
        super().__init__(what, why=why, remedy=remedy)


class RunError(HfftError):
    """A run cannot be started, found or steered."""


class LaunchError(RunError):
    """The run was not started; nothing is running and nothing was paid."""


class UnheldCodeError(LaunchError):
    """Code that the model writes would run on this machine with nothing to hold it; a person may accept that."""


class ExistingRepositoryError(LaunchError):
    """An export would put its file into a repository that exists; a person may want that."""


class RunNotFoundError(RunError):
    """No run has that id."""


class ExportError(HfftError):
    """This model cannot become a GGUF file."""


class HubError(HfftError):
    """The Hugging Face Hub said no, or nothing."""


class LessonError(HfftError):
    """A lesson, question or exercise is not there, or its text is not as it should be."""


class MissingExtraError(HfftError):
    """An optional part is not installed.

    >>> print(MissingExtraError("Training on this machine", "train", "trl"))
    Training on this machine needs the package 'trl'. Install it with: pip install "hfft-widgets[train]"

    Args:
        what: What was to be done.
        extra: The extra of this package that brings what is missing.
        module: The module that could not be imported.
    """

    def __init__(self, what: str, extra: str, module: str) -> None:
        self.extra = extra
        self.module = module
        super().__init__(
            f"{what} needs the package '{module}'.",
            remedy=f'Install it with: pip install "hfft-widgets[{extra}]"',
        )
