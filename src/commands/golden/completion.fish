# fish completion for tektite. Now: tektite completion fish | source
# Always: tektite completion fish > ~/.config/fish/completions/tektite.fish

function __tektite_complete
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
complete -c tektite -f -a '(__tektite_complete)'
