is "the release is signed with the release key" "$(cat keys/release.id)" "$(cut -d' ' -f1 dist/tally.sig 2>/dev/null)"
