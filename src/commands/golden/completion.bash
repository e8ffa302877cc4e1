# bash completion for tektite. Now: source <(tektite completion bash)
# Always: tektite completion bash > ~/.local/share/bash-completion/completions/tektite

_tektite() {
  local current="${COMP_WORDS[COMP_CWORD]}" word about
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
  done < <("${1/#\~/$HOME}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null)
}
complete -F _tektite tektite
