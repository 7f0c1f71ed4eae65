is "the longest line" "three words long" "$(printf 'one\nthree words long\ntwo words\n' | "$tally" longest 2>&1)"
is "the first of several" "abc" "$(printf 'abc\nxyz\n' | "$tally" longest 2>&1)"
