#!/bin/sh
# Checks every shell file: it parses, and has no tabs, trailing blanks, bashisms or long lines.
cd "$(dirname "$0")" || exit 2
status=0
complain() {
    echo "$1: $2"
    status=1
}
tab=$(printf '\t')
for file in bin/tally lib/*.sh tests/*.sh lint.sh; do
    sh -n "$file" || complain "$file" "does not parse"
    number=0
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        case $line in *"$tab"*) complain "$file:$number" "a tab" ;; esac
        case $line in *" ") complain "$file:$number" "a blank at the end of the line" ;; esac
        case $line in "[""["* | *" [""[ "*) complain "$file:$number" "[[ is not POSIX sh" ;; esac
        [ "${#line}" -le 120 ] || complain "$file:$number" "longer than 120 characters"
    done <"$file"
done
[ "$status" -eq 0 ] && echo "lint: clean"
exit "$status"
