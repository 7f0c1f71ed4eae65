//! A line of JSON whose end is missing, made whole: what it holds up to its last complete member.
//!
//! An agent that exits before its pipe is empty loses the end of its last line, which is the one that says how it went.

/// The longest part of `line` that is complete, closed; `None` if there is no member at all.
pub(super) fn mend(line: &str) -> Option<String> {
    let (mut open, mut quoted, mut escaped) = (Vec::new(), false, false);
    // Up to where members are complete, and how deep that is.
    let mut whole: Option<(usize, Vec<char>)> = None;
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
            b'{' => open.push('}'),
            b'[' => open.push(']'),
            b'}' | b']' => {
                open.pop();
            }
            b',' => match &mut whole {
                Some((end, closers)) => {
                    *end = at;
                    closers.clone_from(&open);
                }
                None => whole = Some((at, open.clone())),
            },
            _ => {}
        }
    }
    let (end, closers) = whole?;
    let mut mended = line.get(..end)?.to_owned();
    mended.extend(closers.into_iter().rev());
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
