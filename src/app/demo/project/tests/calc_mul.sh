is "a product" 42 "$("$tally" calc 6 x 7 2>&1)"
is "a quotient, rounded to zero" 3 "$("$tally" calc 7 / 2 2>&1)"
is "division by nothing is refused" "tally: cannot divide by 0" "$("$tally" calc 7 / 0 2>&1)"
