//! A line of JSON whose end is missing, made whole: what it holds up to its last complete member.
//!
//! An agent that exits before its pipe is empty loses the end of its last line, which is the one that says how it went.

/// The longest part of `line` that is complete, closed; `None` if there is no member at all. Takes time as the line is long,
/// however deep it goes.
pub(super) fn mend(line: &str) -> Option<String> {
    // What opened and is not closed, of the shape `}` or `]` that closes it, and the part of that which is as it was at `end`.
    let (mut open, mut kept): (Vec<u8>, usize) = (Vec::new(), 0);
    // What closes the rest, the outermost last.
    let mut closers: Vec<u8> = Vec::new();
    let mut end = None;
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in line.bytes().enumerate() {
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'{' => open.push(b'}'),
            b'[' => open.push(b']'),
            b'}' | b']' => {
                // One that was open at `end` has to be closed there: it is remembered as it goes.
                let closed = open.pop();
                if open.len() < kept {
                    kept = open.len();
                    closers.extend(closed);
                }
            }
            b',' => {
                (end, kept) = (Some(at), open.len());
                closers.clear();
            }
            _ => {}
        }
    }
    let mut mended = line.get(..end?)?.to_owned();
    let still_open = open.get(..kept)?.iter().rev();
    mended.extend(closers.iter().chain(still_open).map(|byte| char::from(*byte)));
    Some(mended)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_complete_is_kept() {
        let line = r#"{"type":"result","is_error":false,"list":[{"a":"x,\"y"},{"b":[1,2]}],"result":"half, of i"#;
        assert_eq!(mend(line).unwrap(), r#"{"type":"result","is_error":false,"list":[{"a":"x,\"y"},{"b":[1,2]}]}"#);
        assert_eq!(mend(r#"{"type":"res"#), None);
        assert_eq!(mend(""), None);
    }

    #[test]
    fn a_deep_and_long_line_takes_no_longer_than_a_flat_one() {
        // A copy of what is open at each comma would be 8 MB, four million times.
        let deep = 8 << 20;
        let line = format!("{}{}", "[".repeat(deep), "1,".repeat(deep / 2));
        let mended = mend(&line).unwrap();
        assert_eq!(mended.len(), line.len() - 1 + deep);
        assert_eq!(mended.get(line.len() - 4..line.len() + 1).unwrap(), "1,1]]");
        let shut = format!("{line}1{}", "]".repeat(deep - 1));
        assert_eq!(mend(&shut).unwrap(), mended);
    }

    #[test]
    fn any_cut_of_an_object_is_mended_to_an_object() {
        let line = r#"{"a":{"b":[1,{"c":"\\\"}{"},null],"d":-1.5e3},"e":"\u00fc, [","f":[],"g":{}}"#;
        for cut in 0..line.len() {
            if let Some(mended) = line.get(..cut).and_then(mend) {
                let value: serde_json::Value = serde_json::from_str(&mended).unwrap();
                assert!(value.is_object(), "{mended}");
            }
        }
    }
}
