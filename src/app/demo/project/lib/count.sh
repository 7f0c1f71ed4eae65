# Counting words on standard input.

count_words() {
    words=0
    while IFS= read -r line; do
        words=$((words + 1))
        rest=$line
        while [ "$rest" != "${rest#* }" ]; do
            rest=${rest#* }
            words=$((words + 1))
        done
    done
    echo "$words"
}
