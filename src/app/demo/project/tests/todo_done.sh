export TALLY_TODO="$scratch/done"
"$tally" todo add "buy bread" >/dev/null 2>&1
"$tally" todo add "call home" >/dev/null 2>&1
"$tally" todo done 1 >/dev/null 2>&1
is "a finished item leaves the list" "1 call home" "$("$tally" todo list 2>&1)"
is "an item that is not there" "tally: no item 9" "$("$tally" todo done 9 2>&1)"
