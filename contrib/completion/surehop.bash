# SPDX-License-Identifier: Apache-2.0
# Completion of surehop and surehopd for bash.

# Commands, and what may follow each: commands below it, options (with "=" those that want a value, and which values where
# they are known), and files as arguments. make completion compares it with --help.
_surehop_table='
surehop: -c=@file --config=@file --socket=@file --json --offline --version -h --help
surehop: explain facts allow quarantine promise trace status reload doctor ledger report survey config
surehop explain: --from= --mailer= --host= --user= --client= --listener= --header= --size= --requiretls
surehop facts: show refresh forget list
surehop allow: add remove show list export import
surehop allow add: --lowest=none,encrypted,verified,authenticated,dane --reason= --owner= --until= --begin= --from=
surehop allow add: --ticket= --override-published
surehop allow remove: --reason=
surehop allow list: --live --ended --all --ending= --owner= --recipient= --domain= --ticket=
surehop allow export: --format=csv,json @file
surehop allow import: --format=csv,json --dry-run --replace @file
surehop quarantine: list recheck release discard --postfix-config=@folder
surehop quarantine recheck: --dry-run
surehop quarantine release: --reason= --owner= --ticket= --lowest=none,encrypted,verified,authenticated,dane
surehop quarantine release: --exception-until=
surehop quarantine discard: --reason=
surehop promise: list release
surehop promise release: --reason=
surehop doctor: --mta=postfix,sendmail --print --postfix-config=@folder --sendmail-cf=@file
surehop ledger: verify head export
surehop ledger verify: --head= --file=@file
surehop ledger export: --since= --until=
surehop report: --since= --until= --csv --addresses --top=
surehop survey: --from= --lock=postfix,postfix310,sendmail,none --minimum=encrypted,verified,authenticated,dane
surehop survey: --top= --rate= --csv @file
surehop config: check show defaults
surehopd: -c=@file --config=@file --check --defaults --version -h --help
'

_surehop() {
    local word=${COMP_WORDS[COMP_CWORD]} before path=${COMP_WORDS[0]##*/} at one known known_here values
    # bash takes "--format=csv" for three words.
    [ "$word" != = ] || word=''
    at=$COMP_CWORD
    [ "${COMP_WORDS[at]}" = = ] || at=$((at - 1))
    [ "$at" -lt 1 ] || [ "${COMP_WORDS[at]}" != = ] || at=$((at - 1))

    # How far the commands go, and what may follow there and above.
    _surehop_known "$path"
    for ((one = 1; one <= at; one++)); do
        before=${COMP_WORDS[one]}
        case $known in
        *" $before="*) # an option whose value is the next word, unless that is the one to be completed
            [ "$one" = "$at" ] && continue
            [ "${COMP_WORDS[one + 1]}" != = ] || one=$((one + 1))
            one=$((one + 1)) before='' ;;
        *" $before "*) case $before in -*) ;; *) path="$path $before"; _surehop_known "$path" ;; esac ;;
        esac
    done

    COMPREPLY=()
    case $known in *" $before="*)
        values=${known#*" $before="}
        values=${values%% *}
        case $values in
        @file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        @folder) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
        *) mapfile -t COMPREPLY < <(compgen -W "${values//,/ }" -- "$word") ;;
        esac
        return ;;
    esac
    values=''
    for one in $known_here; do
        case $one in
        @file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        -*) ;;
        *) values+="$one " ;;
        esac
    done
    case $word in -*)
        for one in $known; do
            case $one in -*) values+="${one%%=*} " ;; esac
        done ;;
    esac
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$values" -- "$word")
}

# known: what may follow the command and those above it; known_here: it alone.
_surehop_known() {
    local command row
    known=' ' known_here=' '
    while IFS= read -r row; do
        command=${row%%:*}
        case "$1 " in "$command "*) known+="${row#*: } " ;; esac
        [ "$1" != "$command" ] || known_here+="${row#*: } "
    done <<<"$_surehop_table"
}

complete -F _surehop surehop surehopd
