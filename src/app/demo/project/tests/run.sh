#!/bin/sh
# Runs tests/NAME.sh for each NAME given, or all of them; exit 0 when every check holds.
cd "$(dirname "$0")/.." || exit 2
tally=$PWD/bin/tally
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
checks=0
failed=0

# is WHAT EXPECTED FOUND
is() {
    checks=$((checks + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $checks - $1"
    else
        failed=$((failed + 1))
        echo "not ok $checks - $1"
        echo "    expected: $2"
        echo "    found:    $3"
    fi
}

if [ $# -eq 0 ]; then
    for file in tests/*.sh; do
        name=${file#tests/}
        [ "$name" = run.sh ] || set -- "$@" "${name%.sh}"
    done
fi
for name in "$@"; do
    echo "# $name"
    if [ -f "tests/$name.sh" ]; then
        . "tests/$name.sh"
    else
        checks=$((checks + 1))
        failed=$((failed + 1))
        echo "not ok $checks - tests/$name.sh does not exist"
    fi
done
echo "1..$checks"
[ "$failed" -eq 0 ] || { echo "$failed of $checks checks failed"; exit 1; }
