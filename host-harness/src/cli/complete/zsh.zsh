#compdef plugpipe-harness
# Completions of plugpipe-harness for zsh.

_plugpipe_harness() {
    local program=${(Q)words[1]} line word
    local -a found complete open
    found=("${(@f)$("${program/#\~/$HOME}" __complete zsh -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    case ${found[1]} in
        files*)
            compset -p ${found[1]##* }
            _files
            ;;
        folders*)
            compset -p ${found[1]##* }
            _files -/
            ;;
        words)
            for line in "${(@)found[2,-1]}"; do
                word=${line%%$'\t'*}
                line=${word//:/\\:}${${line#"$word"}/#$'\t'/:}
                # A field waits for its value.
                if [[ $word == *[=.] ]]; then
                    open+=("$line")
                else
                    complete+=("$line")
                fi
            done
            _describe -V -t fields field open -S '' -- complete
            ;;
        *)
            return 1
            ;;
    esac
}

if [[ ${funcstack[1]} == _plugpipe_harness ]]; then
    _plugpipe_harness "$@"
elif (( $+functions[compdef] )); then
    compdef _plugpipe_harness plugpipe-harness
fi
