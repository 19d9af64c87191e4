# Completions of plugpipe-harness for bash.

_plugpipe_harness() {
    # Readline splits words at = and :, so join what has no blank between it.
    local line=${COMP_LINE:0:COMP_POINT} words=() i word gap
    for ((i = 0; i <= COMP_CWORD; i++)); do
        gap=${line%%[![:blank:]]*}
        line=${line#"$gap"}
        word=${COMP_WORDS[i]}
        if ((i == COMP_CWORD)); then
            word=$line
        fi
        line=${line#"$word"}
        if [[ -z $gap && $i -gt 0 ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
    done
    local current=${words[${#words[@]} - 1]}

    # Of the word, readline replaces only what stands after the last of its break characters.
    local breaks= kept=
    [[ $COMP_WORDBREAKS == *=* ]] && breaks+="="
    [[ $COMP_WORDBREAKS == *:* ]] && breaks+=":"
    [[ -n $breaks ]] && kept=${current%"${current##*[$breaks]}"}

    local wanted answer
    COMPREPLY=()
    {
        IFS= read -r wanted
        while IFS= read -r answer; do
            COMPREPLY+=("${answer#"$kept"}")
        done
    } < <("${1/#\~/$HOME}" __complete bash -- "${words[@]:1}" 2>/dev/null)

    local after=${wanted##* } kind=
    case $wanted in
        files*) kind=-f ;;
        folders*) kind=-d ;;
        words)
            # A field waits for its value.
            [[ ${COMPREPLY[0]-} == *[=.] ]] && compopt -o nospace 2>/dev/null
            ;;
    esac
    if [[ -n $kind ]]; then
        compopt -o filenames 2>/dev/null
        while IFS= read -r answer; do
            answer=${current:0:after}$answer
            COMPREPLY+=("${answer#"$kept"}")
        done < <(compgen $kind -- "${current:after}")
    fi
}

complete -o nosort -F _plugpipe_harness plugpipe-harness 2>/dev/null ||
    complete -F _plugpipe_harness plugpipe-harness
