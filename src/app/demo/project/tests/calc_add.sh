is "a number alone" 7 "$("$tally" calc 7 2>&1)"
is "an addition" 5 "$("$tally" calc 2 + 3 2>&1)"
is "from left to right" 4 "$("$tally" calc 9 - 7 + 2 2>&1)"
