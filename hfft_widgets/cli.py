"""`hfft`: the verbs at a shell's prompt.

A command ends with 0; with 1 where it found that this cannot go on as asked (the recommended method is blocked, say,
so that it checks data in CI); with 2 where it could not do what was asked.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from hfft_widgets.errors import HfftError
from hfft_widgets.jobs import money
from hfft_widgets.jobs.money import Allowance
from hfft_widgets.verbs import launches, machine, reports
from hfft_widgets.verbs.reply import Reply
from hfft_widgets.verbs.sarif import sarif
from hfft_widgets.verbs.table import VERBS, Parameter, Verb

_BLOCKED, _NOT_DONE = 1, 2
_WATCHED_SECONDS = 20.0  # of one look


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    given = vars(_parser().parse_args(arguments))
    as_json, do = given.pop("json"), given.pop("do")
    del given["command"]
    try:
        found: Reply = do(given)
    except HfftError as error:
        _say(json.dumps(error_values(error)) if as_json else launches.error_text(error), sys.stderr)
        return _NOT_DONE
    except KeyboardInterrupt:
        _say("Interrupted; runs go on.", sys.stderr)
        return 130
    _say(json.dumps(found.values, indent=1) if as_json else found.text, sys.stdout)
    return _BLOCKED if found.blocked else 0


def error_values(error: HfftError) -> dict[str, Any]:
    """JSON values of an error."""
    return {"error": type(error).__name__, "what": error.what, "why": error.why, "remedy": error.remedy}


def _say(text: str, where: Any) -> None:
    print(text, file=where, flush=True)


# ---- commands --------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    from hfft_widgets import __version__

    parser = argparse.ArgumentParser("hfft", description="Fine-tune an open language model: check, plan, run, export.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for verb in VERBS:
        for name in verb.commands:
            added = _add_command(commands, name, verb)
            if name == "validate":
                added.add_argument("data", nargs="+", help="several files are checked one after the other")
                added.add_argument("--format", choices=("text", "json", "sarif"), default="text",
                                   help="sarif: findings with file and line, for code hosts and editors")  # fmt: skip
            if name == "launch":
                added.add_argument("--into-existing", action="store_true",
                                   help="an export's file may go into a repository that exists")  # fmt: skip
    skill = _command(commands, "skill", "The contract for agents: show it, or place it where they look for skills.")
    skill.add_argument("action", choices=("show", "add"))
    skill.add_argument("folder", nargs="?", help="with add: the project's folder; this one if not given")
    skill.set_defaults(do=_skill)
    return parser


def _command(commands: Any, name: str, says: str) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = commands.add_parser(name, help=says, description=says)
    added.add_argument("--json", action="store_true", help="print JSON values")
    return added


def _add_command(commands: Any, name: str, verb: Verb) -> argparse.ArgumentParser:
    added = _command(commands, name, verb.says)
    for parameter in verb.parameters:
        if (name, parameter.name) == ("validate", "data"):
            continue  # the command line takes several
        if parameter.name != "action":
            _add_argument(added, parameter, last=(name, parameter.name) in _LAST)
        else:
            added.set_defaults(action=name)
    added.set_defaults(do=_OWN.get(name) or (lambda given: _called(verb, given)))
    return added


# what can be left out and needs no flag: (command, parameter)
_LAST = {("rules", "rule"), ("prove", "model")}


def _add_argument(added: argparse.ArgumentParser, parameter: Parameter, *, last: bool) -> None:
    kind, flag = parameter.kind, "--" + parameter.name.replace("_", "-")
    if parameter.name == "settings":
        added.add_argument("--set", dest="settings", action="append", metavar="NAME=VALUE", type=_setting,
                           help="a setting, e.g. num_train_epochs=1; can be given several times")  # fmt: skip
    elif parameter.required or last:
        added.add_argument(parameter.name, nargs=None if parameter.required else "?", help=parameter.says)
    elif kind is bool:
        added.add_argument(flag, action="store_true", help=parameter.says)
    else:
        choices = parameter.choices
        added.add_argument(flag, type=str if choices else kind, choices=choices or None, default=parameter.default,
                           help=parameter.says.replace("%", "%%"))  # fmt: skip


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


# ---- what a door fills in ----------------------------------------------------------------------


def _called(verb: Verb, given: Mapping[str, Any]) -> Reply:
    values = dict(given)
    if values.get("settings"):
        values["settings"] = dict(values["settings"])
    if verb.takes("progress"):
        values["progress"] = progress_bar(verb.name)
    return verb.call(**values)


def progress_bar(words: str) -> Callable[[int, int], None]:
    """Shows (done, in all) on a terminal; does nothing where nobody looks."""
    from tqdm import tqdm

    bar = tqdm(desc=words, unit=" rows", file=sys.stderr, disable=not sys.stderr.isatty(), leave=False)

    def show(done: int, total: int) -> None:
        bar.total = total or None
        bar.update(max(0, done - bar.n))

    return show


def _validate(given: Mapping[str, Any]) -> Reply:
    """One dataset or several; of several, one that cannot be read keeps nobody from looking at the others."""
    from hfft_widgets import __version__

    several, form, verb = given["data"], given["format"], VERBS[0]
    asked = {name: value for name, value in given.items() if name not in {"data", "format"}}
    found, judged = list[Reply](), list[Any]()
    for data in several:
        try:
            one = _called(verb, {**asked, "data": data})
        except HfftError as error:
            if len(several) == 1:
                raise
            one = Reply(error_values(error), f"{data}: {launches.error_text(error)}", blocked=True)
        else:
            judged.append((data, reports.kept_report(one.values["report"]), one.values["judged"]))
        found.append(one)
    values = found[0].values if len(found) == 1 else {"kind": "reports", "reports": [one.values for one in found]}
    if form == "sarif":
        values = sarif(judged, __version__)
    text = json.dumps(values, indent=1) if form != "text" else "\n\n".join(one.text for one in found)
    return Reply(values, text, blocked=any(one.blocked for one in found))


def _launch(given: Mapping[str, Any]) -> Reply:
    """Ask the person at the terminal for what they have not allowed; where nobody can be asked it is refused."""
    allowance = money.from_environment(agent=True)
    fingerprint, ceiling, attempt = given["fingerprint"], given["ceiling_usd"], given["attempt"]
    asked = launches.question(fingerprint, ceiling, attempt, allowance, into_existing=given["into_existing"])
    if asked is not None and sys.stdin.isatty() and sys.stderr.isatty():
        usd, words = asked
        if not _yes(words):
            return launches.not_started(fingerprint, usd)
        allowance = allowance.agreed(fingerprint, attempt, usd)
    return launches.launch(**given, allowance=allowance)


def _doctor(given: Mapping[str, Any]) -> Reply:
    """A limit that was typed at a terminal is the person's; elsewhere the person's environment must allow it."""
    typed = given["online"] and sys.stdin.isatty() and sys.stderr.isatty()
    allowance = Allowance(given["max_usd"]) if typed else money.from_environment(agent=True)
    found = machine.doctor(**given, allowance=allowance)
    return replace(found, blocked=any(check["ok"] is False for check in found.values["checks"]) and given["online"])


def _yes(words: str) -> bool:
    _say(f"{words} [y/N]", sys.stderr)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _watch(given: Mapping[str, Any]) -> Reply:
    """Look until the run has ended."""
    found = launches.wait(**given)
    show = progress_bar("step")
    while not found.values["complete"]:
        show(found.values["step"] or 0, found.values["total_steps"] or 0)
        found = launches.wait(given["run_id"], found.values["cursor"], _WATCHED_SECONDS)
    return replace(found, blocked=found.values["stage"] != "COMPLETED")


def _skill(given: Mapping[str, Any]) -> Reply:
    skill = import_module("hfft_widgets.agent.skill")
    if given["action"] == "show":
        return Reply({"kind": "skill", "text": skill.text()}, skill.text())
    placed = skill.add(Path(given["folder"] or "."))
    return Reply({"kind": "skill", "path": str(placed)}, f"Placed at {placed}.")


_OWN: dict[str, Callable[[Mapping[str, Any]], Reply]] = {
    "validate": _validate, "launch": _launch, "watch": _watch, "doctor": _doctor,
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
