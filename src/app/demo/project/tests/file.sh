printf 'one two\nthree\n' >"$scratch/text"
is "a file's words, and its name as the operator wants it" 3 "$("$tally" count "$scratch/text" 2>&1 | cut -d' ' -f1)"
is "a file that is not there" 1 "$("$tally" count "$scratch/nothing" >/dev/null 2>&1; echo $?)"
