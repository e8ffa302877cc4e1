#compdef tektite
# zsh completion for tektite. Now: source <(tektite completion zsh), after "autoload -U compinit; compinit"
# Always: tektite completion zsh > "${fpath[1]}/_tektite"

_tektite() {
  local word about
  local -a found
  local -i files=0
  while IFS=$'\t' read -r word about; do
    if [[ $word == ':files' ]]; then
      files=1
    else
      found+=("${word//:/\\:}${about:+:$about}")
    fi
  done < <("${(Q)words[1]/#\~/$HOME}" __complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null </dev/null)
  if (( files )); then
    [[ $PREFIX == --*=* ]] && compset -P '*='
    _files
  else
    _describe tektite found
  fi
}

# Autoloaded from fpath this file is the function's body; sourced it only defines it.
if [[ $funcstack[1] == _tektite ]]; then
  _tektite "$@"
else
  compdef _tektite tektite
fi
