"""Packages and the script: missing, in versions that do not fit, called in ways they do not know."""

from __future__ import annotations

from hfft_widgets.core.run.diagnosis.failure import Failure

_VERSIONS = (
    'Install versions that were made for each other: pip install "hfft-widgets[train]" in a fresh environment, or '
    "the versions that the script names at its top."
)

FAILURES = (
    Failure(
        "package_missing",
        "A package is not installed, or too old.",
        'Install what this needs with: pip install "hfft-widgets[train]" (exports: "hfft-widgets[gguf]"), or the '
        "package by its own name.",
        "CPython importlib; transformers/utils/import_utils.py",
        raised=(
            r"(ModuleNotFoundError|PackageNotFoundError)\b",
            r"ImportError: No module named",
            (
                r"(?s)ImportError: .{0,300}(requires? the .{0,40} librar|is not installed"
                r"|not found in your environment|[Pp]lease (run )?.?.?(pip )?install|requires \w+: .?pip install"
                r"|but it was not found|to be installed|seems to be not installed)"
            ),
            (
                r"(?s)(RuntimeError|ValueError): .{0,200}(requires? the .{0,40} library|is not installed\b"
                r"|[Pp]lease install)"
            ),
        ),
        value=(
            r"No module named '?(\w+)|[Rr]equires? the `?([\w-]+)`? librar|metadata was found for `?([\w-]+)"
            r"|package (\w+) seems|Using `([\w-]+)` "
        ),
        naming="The package '{value}' is not installed.",
        naming_remedy='Install what this needs with: pip install "hfft-widgets[{extra}]", or this one by its own name '
        "(often pip install {value}).",
    ),
    Failure(
        "model_unknown",
        "The installed transformers does not know this kind of model: it is newer than the library, or not a language "
        "model.",
        "Install a newer transformers, or choose another model; a model that brings its own code needs "
        "trust_remote_code, which this package does not set.",
        "transformers/models/auto/configuration_auto.py, auto_factory.py",
        raised=(
            (
                r"(?s)ValueError: The checkpoint you are trying to load has model type .{0,80}"
                r"Transformers does not recognize"
            ),
            r"ValueError: (Unrecognized model|Unrecognized configuration class)",
            r"(?s)ValueError: .{0,200}(contains custom code|requires you to execute the (configuration|modeling) file)",
            r"ValueError: Model architectures .{0,80}not supported",
        ),
    ),
    Failure(
        "model_unknown",
        "The installed transformers does not know this kind of model: it is newer than the library.",
        "Install a newer transformers, or choose another model.",
        "transformers/models/auto/configuration_auto.py",
        raised=(r"KeyError\b",),
        within=r"configuration_auto|auto_factory|modeling_auto|tokenization_auto",
    ),
    Failure(
        "versions",
        "Packages of versions that do not fit each other are installed together.",
        _VERSIONS,
        "CPython importlib; uv",
        raised=(
            r"ImportError: cannot import name",
            r"ImportError: [^\n]*(undefined symbol|cannot open shared object file|DLL load failed|version `?GLIBC)",
            (
                r"(?s)ImportError: .{0,200}(is required for a normal functioning|but found \w+=="
                r"|version (mismatch|conflict))"
            ),
            r"AttributeError: (partially initialized )?module '' has no attribute",
            r"RuntimeError: Failed to import \S+ because of the following error",
            r"(?s)\w+: .{0,200}A module that was compiled using NumPy 1\.x cannot be run",
            r"ValueError: numpy\.dtype size changed",
            r"(VersionConflict|ContextualVersionConflict|InvalidRequirement)\b",
            r"RuntimeError: operator torchvision::nms does not exist",
        ),
        line=(
            r"No solution found when resolving|^ERROR: ResolutionImpossible"
            r"|^ERROR: Cannot install .* because these package"
        ),
    ),
    Failure(
        "argument_unknown",
        "The script uses an argument that the installed version of a library does not know, or no longer knows.",
        f"Look up its new name in the library's notes, or: {_VERSIONS}",
        "CPython; trl's and transformers' configs",
        raised=(
            r"TypeError: \S*\(\) got an unexpected keyword argument",
            r"TypeError: [\w.]+ got an unexpected keyword argument",
            r"ValueError: Some (keys|specified arguments) are not used by",
        ),
        value=r"unexpected keyword argument '([^']+)'",
        naming="The script uses '{value}', which the installed version of a library does not know, or no longer knows.",
    ),
    Failure(
        "script_fault",
        "The script itself has a mistake: Python cannot read it, or it uses a name that does not exist.",
        "Correct the line that the log shows, or make the script anew from the plan.",
        "CPython",
        raised=(r"(SyntaxError|IndentationError|TabError|NameError|UnboundLocalError): ",),
        unless=r"site-packages",
        line=r"^(SyntaxError|IndentationError|TabError): ",
    ),
    Failure(
        "argument_line",
        "The script was started with arguments that it does not know.",
        "Look at the command line; the script's --help lists what it takes.",
        "CPython argparse",
        line=r"^[\w.-]+(\.py)?: error: (unrecognized arguments|the following arguments are required|argument )",
    ),
    Failure(
        "install_failed",
        "The packages that the script needs could not be installed.",
        "The last lines of the log name the package: correct its name or version, or install it beforehand.",
        "uv; pip",
        line=(
            r"^\s*(\W |x )?Failed to (build|download and build|resolve|prepare|install)"
            r"|^error: Failed to (install|prepare|build|unzip|extract)"
            r"|^ERROR: (Could not find a version|No matching distribution|Failed building wheel)"
        ),
    ),
    Failure(
        "command_missing",
        "A program that the command names is not installed, or may not be run.",
        "Choose an image or an environment that has it (a job needs `uv` and Python).",
        "POSIX shell: exit codes 126 and 127",
        line=(
            r"^(/bin/)?(ba|da)?sh: (line \d+|\d+): [^:]+: (command )?not found"
            r"|exec: \"[^\"]+\": executable file not found"
        ),
        codes=(126, 127),
    ),
)
