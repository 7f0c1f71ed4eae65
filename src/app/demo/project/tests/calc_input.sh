is "a word is no number" "tally: not a number: two" "$("$tally" calc 2 + two 2>&1)"
is "a command is no number" "tally: not a number: \$(id)" "$("$tally" calc '$(id)' 2>&1)"
is "an operator that is none" "tally: not an operator: %" "$("$tally" calc 7 % 2 2>&1)"
