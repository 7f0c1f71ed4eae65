export TALLY_TODO="$scratch/add"
"$tally" todo add "buy bread" >/dev/null 2>&1
"$tally" todo add "call home" >/dev/null 2>&1
is "items are listed with their numbers" "1 buy bread
2 call home" "$("$tally" todo list 2>&1)"
