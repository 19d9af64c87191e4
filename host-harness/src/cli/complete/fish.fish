# Completions of plugpipe-harness for fish.

function __plugpipe_harness_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l program (string replace --regex '^~' $HOME -- $words[1])
    set --erase words[1]
    set -l found ($program __complete fish -- $words "$current" 2>/dev/null)
    set -l wanted (string split ' ' -- $found[1])
    set --erase found[1]
    switch "$wanted[1]"
        case files folders
            set -l before (string sub --length $wanted[2] -- "$current")
            set -l path (string sub --start (math $wanted[2] + 1) -- "$current")
            if test $wanted[1] = folders
                set found (__fish_complete_directories "$path" '')
            else
                set found (__fish_complete_path "$path")
            end
            for one in $found
                printf '%s%s\n' "$before" "$one"
            end
        case words
            for one in $found
                printf '%s\n' "$one"
            end
    end
end

complete --command plugpipe-harness --no-files --keep-order --arguments '(__plugpipe_harness_complete)'
