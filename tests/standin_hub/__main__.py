"""`python -m tests.standin_hub`: the stand-in Hub by hand, with a small demo in it, until Ctrl-C."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from tests.standin_hub import StandInHub, demo


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.standin_hub", description=__doc__)
    parser.add_argument(
        "--root",
        type=Path,
        help="a folder for its files, which is not read at the next start (default: one that is deleted)",
    )
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--empty", action="store_true", help="without the demo, which takes some seconds to make")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hfft-hub-", ignore_cleanup_errors=True) as folder:
        run(asked.root or Path(folder), asked.port, empty=asked.empty)


def run(root: Path, port: int, *, empty: bool) -> None:
    with StandInHub(root, port) as hub:
        names = [] if empty else demo.fill(hub)
        print(f"A stand-in for the Hugging Face Hub is at {hub.endpoint}\n")
        for name in names:
            print(f"  {name}")
        print("\nIn the shell that starts Jupyter:\n")
        for name, value in hub.settings().items():
            print(f"export {name}={value}")
        print("\nCtrl-C ends it.", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
