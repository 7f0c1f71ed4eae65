# Sums of whole numbers, from left to right.

calc() {
    echo "tally: calc cannot do anything yet" >&2
    return 1
}
