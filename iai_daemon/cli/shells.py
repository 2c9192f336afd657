"""The scripts that bash, zsh and fish complete `iai-daemon` with, and how each of them is answered. Loaded by completion.py, and
where a shell asks.

They are click's machinery with scripts of our own: click's lose what stands before a colon in bash (`--pass command:tidy`), take
what a value quotes for the shell's own, and write what goes wrong into the line that somebody is typing. Each script hands over
the command line up to the cursor; it is taken apart here, in the same way for all of them.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import Any, ClassVar

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

# Stands for the cursor: an unfinished word ends with it, an empty one is nothing else.
_CURSOR = "\x1f"
_UNSAFE = re.compile(r"[^\w@%+,./:=-]")

_BASH = """\
# Completes iai-daemon in bash (4.4 and newer). For this shell: eval "$(iai-daemon completion bash)"
# For every shell to come: iai-daemon completion bash --install
%(complete_func)s() {
    local IFS=$'\\n' response type value
    COMPREPLY=()
    response=$(env COMP_WORDS="${COMP_LINE:0:COMP_POINT}" COMP_BREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "${1/#\\~\\//$HOME/}" 2>/dev/null) || return 0
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames 2>/dev/null ;;
            file) compopt -o default 2>/dev/null ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done <<< "$response"
    return 0
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_ZSH = """\
#compdef %(prog_name)s
# Completes iai-daemon in zsh. For this shell, after compinit: eval "$(iai-daemon completion zsh)"
# For every shell to come: iai-daemon completion zsh --install
%(complete_func)s() {
    local -a plain described response
    local type key description
    response=("${(@f)$(env COMP_WORDS="${(j: :)words[1,CURRENT-1]} $QIPREFIX$PREFIX" \\
        %(complete_var)s=zsh_complete ${~${(Q)words[1]}} 2>/dev/null)}")
    [[ $PREFIX == --*=* ]] && compset -P '*='
    for type key description in "${response[@]}"; do
        case $type in
            dir) _path_files -/ ;;
            file) _path_files -f ;;
            plain)
                if [[ $description == _ ]]; then plain+=("$key"); else described+=("$key:$description"); fi ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described
    (( $#plain )) && compadd -V unsorted -a plain
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

_FISH = """\
# Completes iai-daemon in fish. For this shell: iai-daemon completion fish | source
# For every shell to come: iai-daemon completion fish --install
function %(complete_func)s
    set -l response (env COMP_WORDS=(commandline -cp | string collect) \\
        %(complete_var)s=fish_complete %(prog_name)s 2>/dev/null)
    for completion in $response
        set -l parts (string split -m 1 -- "," $completion)
        switch $parts[1]
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
            case plain
                printf '%%s\\n' $parts[2]
        end
    end
end
complete --keep-order --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


class _OfLine(ShellComplete):
    """Reads the command line up to the cursor from COMP_WORDS."""

    def get_completion_args(self) -> tuple[list[str], str]:
        *words, last = split_arg_string(os.environ.get("COMP_WORDS", "") + _CURSOR)
        return words[1:], last.removesuffix(_CURSOR)


class Bash(_OfLine, BashComplete):
    """Bash puts what is chosen into the line as it is, and in the place of what stands after the last character that breaks words."""

    source_template: ClassVar[str] = _BASH

    def complete(self) -> str:
        self._quoted = _ends_in_quotes(os.environ.get("COMP_WORDS", ""))
        _, typed = self.get_completion_args()
        breaks = set() if self._quoted else set(os.environ.get("COMP_BREAKS", ":=")) - {" ", "\t", "\n"}
        # Of what is offered for --name=value only the value is.
        value = typed.partition("=")[2] if _is_option_with_value(typed) else typed
        self._there = max((place + 1 for place, each in enumerate(value) if each in breaks), default=0)
        return super().complete()

    def format_completion(self, item: CompletionItem[Any]) -> str:
        rest = str(item.value)[self._there :]
        if item.type != "plain" or not _UNSAFE.search(rest):
            return f"{item.type},{rest}"
        # Within quotes other rules hold, and what is inserted may end them.
        return "" if self._quoted else f"{item.type},{_UNSAFE.sub(lambda found: chr(92) + found[0], rest)}"


class Zsh(_OfLine, ZshComplete):
    """Zsh quotes what is chosen where that is needed."""

    source_template: ClassVar[str] = _ZSH


class Fish(_OfLine, FishComplete):
    """Fish quotes, too; it knows no part of a word, so that the option of --name=value has to stand before each value."""

    source_template: ClassVar[str] = _FISH

    def complete(self) -> str:
        _, typed = self.get_completion_args()
        self._before = typed.partition("=")[0] + "=" if _is_option_with_value(typed) else ""
        return super().complete()

    def format_completion(self, item: CompletionItem[Any]) -> str:
        before = "" if item.value.startswith("-") else self._before
        return super().format_completion(CompletionItem(before + item.value, type=item.type, help=item.help))


def _is_option_with_value(word: str) -> bool:
    return word.startswith("--") and "=" in word


def _ends_in_quotes(line: str) -> bool:
    """Whether the cursor stands between quotes, or right after a backslash."""
    reader = shlex.shlex(line, posix=True)
    reader.whitespace_split = True
    reader.commenters = ""
    try:
        list(reader)
    except ValueError:
        return True
    return False


SHELLS = {each.name: each for each in (Bash, Zsh, Fish)}
for _each in SHELLS.values():
    add_completion_class(_each)
