"""Completion: the script of each shell, and what nmes answers when the shell asks it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from processes import ran

from opennmes.cli import main
from opennmes.cli.completion import Shell

BIN = Path(sys.executable).parent
# How each of typer's scripts asks, from what it says itself.
ASKS = {
    "bash": lambda words: {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))},
    "zsh": lambda words: {"_TYPER_COMPLETE_ARGS": words},
    "fish": lambda words: {"_TYPER_COMPLETE_ARGS": words, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
}


def asked(shell: str, words: str) -> str:
    done = ran(_NMES_COMPLETE=f"complete_{shell}", **ASKS[shell](words))
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", [shell.value for shell in Shell])
def test_each_shell_has_a_script_that_asks_nmes(shell, capsys):
    assert main(["completion", shell]) == 0
    said = capsys.readouterr().out
    assert "_NMES_COMPLETE" in said and f"complete_{shell}" in said and "nmes" in said


@pytest.mark.parametrize("shell", ASKS)
def test_verbs_and_options_are_completed(shell):
    assert "devices" in asked(shell, "nmes devi") and "doctor" not in asked(shell, "nmes devi")
    verbs = asked(shell, "nmes ")
    for verb in ("check", "run", "flash", "boards", "doctor", "completion"):
        assert verb in verbs
    assert "--modules" in asked(shell, "nmes flash --mo")
    assert "zsh" in asked(shell, "nmes completion z")


def test_bash_itself_completes_a_verb():
    program = (
        'eval "$(nmes completion bash)"; complete -p nmes >/dev/null; COMP_WORDS=(nmes dev); COMP_CWORD=1; '
        '_nmes_completion nmes dev nmes; echo "${COMPREPLY[@]}"'
    )
    bash = shutil.which("bash")
    assert bash
    done = subprocess.run(
        [bash, "--norc", "-c", program],
        capture_output=True,
        text=True,
        env={"PATH": f"{BIN}:/usr/bin:/bin"},
        timeout=60,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "devices"), done.stderr


def test_a_shell_that_has_no_script_is_not_understood(capsys):
    assert main(["completion", "tcsh"]) == 2
    assert "tcsh" in capsys.readouterr().err
