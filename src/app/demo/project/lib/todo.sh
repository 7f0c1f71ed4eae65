# A list of things to do, one a line, in the file that TALLY_TODO names.

todo() {
    echo "tally: todo cannot do anything yet" >&2
    return 1
}
