"""What all commands share: where the project is, errors, words, colours."""
from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1]
ROOT = SCRIPTS.parent           # where common/ is, whatever --root says

class Problem(Exception):
    """Something the user must know, told in one line."""


def new_parser(text: str, **more) -> argparse.ArgumentParser:
    """With the option that all tools share."""
    return argparse.ArgumentParser(
        description=text, parents=[_root_option()],
        formatter_class=argparse.RawDescriptionHelpFormatter, **more)


def new_command(commands, function, name: str, text: str
                ) -> argparse.ArgumentParser:
    """One of the subcommands of a parser; function is called for it."""
    parser = commands.add_parser(name, help=text, description=text,
                                 parents=[_root_option()])
    parser.set_defaults(command=function)
    return parser


def _root_option() -> argparse.ArgumentParser:
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--root", metavar="DIR", type=Path, default=argparse.SUPPRESS,
        help="the project's folder (default: $STAGES_ROOT, or the one that"
             " these scripts are in)")
    return parent


def root_of(options: argparse.Namespace) -> Path:
    root = getattr(options, "root", None) or os.environ.get("STAGES_ROOT")
    return Path(root or ROOT).resolve()


def run(main) -> None:
    """Calls main and ends the process with what it returns."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.exit(status_of(main, sys.argv[1:]))


def status_of(main, arguments: list[str]) -> int:
    """Calls main; tells a Problem in one line, and is quiet after | head."""
    try:
        status = main(arguments)
        sys.stdout.flush()
        return status
    except Problem as problem:
        print(f"{Path(sys.argv[0]).name}: {problem}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141              # as a shell names the end by SIGPIPE
    except KeyboardInterrupt:
        return 130


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


# --- colours ---------------------------------------------------------------

def use_colour(when: str = "auto") -> bool:
    if when == "auto":
        return (sys.stdout.isatty() and not os.environ.get("NO_COLOR")
                and os.environ.get("TERM") != "dumb")
    return when == "always"


@dataclass
class Paint:
    enabled: bool

    def __call__(self, style: str, text: str) -> str:
        code = {"bold": 1, "faint": 2, "red": 31, "green": 32,
                "blue": 34}[style]
        return f"\x1b[{code}m{text}\x1b[m" if self.enabled else text
