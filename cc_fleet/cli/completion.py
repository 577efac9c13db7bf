"""Print a script that completes commands, options and values in a shell.

  bash  cc-fleet completion bash > ~/.local/share/bash-completion/completions/cc-fleet
        or, without the package bash-completion, in ~/.bashrc: eval "$(cc-fleet completion bash)"
  zsh   cc-fleet completion zsh > "${fpath[1]}/_cc-fleet"
        or, after compinit, in ~/.zshrc: eval "$(cc-fleet completion zsh)"
  fish  cc-fleet completion fish > ~/.config/fish/completions/cc-fleet.fish
"""

from __future__ import annotations

import argparse
import os
import sys

from cc_fleet.data import FOLDER

SHELLS = ("bash", "zsh", "fish")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS)


def run(args: argparse.Namespace) -> int:
    with open(os.path.join(FOLDER, "completions", f"cc-fleet.{args.shell}"), encoding="utf-8") as script:
        sys.stdout.write(script.read())
    return 0
