/**
 * What each shell loads. The scripts know no command: they hand the line to `tektite __complete`, which answers with
 * one candidate a line ("word<TAB>about") or with ":files", and they evaluate nothing of the answer.
 */
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

export function completionScript(shell: Shell, program: string): string {
  return { bash, zsh, fish }[shell].replaceAll('PROGRAM', program);
}

const bash = String.raw`# bash completion for PROGRAM. Now: source <(PROGRAM completion bash)
# Always: PROGRAM completion bash > ~/.local/share/bash-completion/completions/PROGRAM

_PROGRAM() {
  local current="\${COMP_WORDS[COMP_CWORD]}" word about
  COMPREPLY=()
  # bash takes "=" for a word; what follows it is what gets replaced.
  [[ $current == '=' ]] && current=''
  while IFS=$'\t' read -r word about; do
    if [[ $word == ':files' ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current")
    else
      COMPREPLY+=("$word")
    fi
  done < <("\${1/#\~/$HOME}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null)
}
complete -F _PROGRAM PROGRAM
`.replaceAll('\\$', '$');

const zsh = String.raw`#compdef PROGRAM
# zsh completion for PROGRAM. Now: source <(PROGRAM completion zsh), after "autoload -U compinit; compinit"
# Always: PROGRAM completion zsh > "\${fpath[1]}/_PROGRAM"

_PROGRAM() {
  local word about
  local -a found
  local -i files=0
  while IFS=$'\t' read -r word about; do
    if [[ $word == ':files' ]]; then
      files=1
    else
      found+=("\${word//:/\\:}\${about:+:$about}")
    fi
  done < <("\${(Q)words[1]/#\~/$HOME}" __complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null </dev/null)
  if (( files )); then
    [[ $PREFIX == --*=* ]] && compset -P '*='
    _files
  else
    _describe PROGRAM found
  fi
}

# Autoloaded from fpath this file is the function's body; sourced it only defines it.
if [[ $funcstack[1] == _PROGRAM ]]; then
  _PROGRAM "$@"
else
  compdef _PROGRAM PROGRAM
fi
`.replaceAll('\\$', '$');

const fish = String.raw`# fish completion for PROGRAM. Now: PROGRAM completion fish | source
# Always: PROGRAM completion fish > ~/.config/fish/completions/PROGRAM.fish

function __PROGRAM_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    for line in ($program __complete -- $words "$current" 2>/dev/null </dev/null)
        if test "$line" = ':files'
            __fish_complete_path "$current"
        else
            printf '%s\n' "$line"
        end
    end
end
complete -c PROGRAM -f -a '(__PROGRAM_complete)'
`;
