"""Tab completion for bash and zsh, made from the parser itself: what `--help` knows, the tab key knows."""

from __future__ import annotations

import argparse
import shlex
import sys


def script(parser: argparse.ArgumentParser) -> str:
    """Shell code to evaluate. It also makes `worker` a command where there is none of that name."""
    commands = _commands(parser)
    cases = "\n".join(
        f"    {name}) words={shlex.quote(' '.join(_words(command)))} ;;" for name, command in commands.items()
    )
    return f"""type worker >/dev/null 2>&1 || worker() {{ {shlex.quote(sys.executable)} -m worker "$@"; }}
[ -n "${{ZSH_VERSION-}}" ] && autoload -U +X bashcompinit && bashcompinit
_worker() {{
  local words
  if [ "$COMP_CWORD" -eq 1 ]; then words={shlex.quote(" ".join([*commands, "--help"]))}; else
  case "${{COMP_WORDS[1]}}" in
{cases}
    *) words="" ;;
  esac; fi
  COMPREPLY=( $(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}") )
}}
complete -F _worker worker"""


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _words(command: argparse.ArgumentParser) -> list[str]:
    """The options of a command, and what its arguments may be where they are few."""
    words: list[str] = []
    for action in command._actions:
        words += [option for option in action.option_strings if option.startswith("--")]
        words += [str(choice) for choice in action.choices or () if choice]
    return words
