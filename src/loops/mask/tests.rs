use super::*;
use proptest::prelude::*;

fn mask() -> Mask {
    let variables = [
        ("MY_API_KEY", "correct-horse-battery"),
        ("DB_PASSWORD", "hunter22"),
        ("TOKEN_FILE", "/usr/share/token"),
        ("MAX_TOKENS", "100000000"),
        ("GH_TOKEN", "short"),
        ("EDITOR", "emacs-client"),
    ];
    Mask::new(variables)
}

#[test]
fn values_of_variables_named_like_secrets_go_wherever_they_stand() {
    let mask = mask();
    assert_eq!(mask.text("pw=hunter22; key: correct-horse-battery!"), "pw=[masked]; key: [masked]!");
    let plain = "in /usr/share/token with emacs-client, 100000000 and short";
    assert!(matches!(mask.text(plain), Cow::Borrowed(_)), "paths, numbers and short values stay");
}

#[test]
fn a_value_of_many_lines_is_found_line_by_line() {
    let mask = Mask::new([("SIGNING_KEY", "first-half-of-it\n  second-half-of-it \nend\n")]);
    assert_eq!(mask.text("a first-half-of-it\nb second-half-of-it end"), "a [masked]\nb [masked] end");
}

#[test]
fn passwords_in_addresses_go() {
    let mask = mask();
    let text = "postgres://app:s3cret@db:5432/x http://localhost:80/a@b https://git@host/ ssh://u:p@q@h, \"a://b:c@d\"";
    let free = "postgres://app:[masked]@db:5432/x http://localhost:80/a@b https://git@host/ ssh://u:[masked]@h, \"a://b:[masked]@d\"";
    assert_eq!(mask.text(text), free);
    assert!(matches!(mask.text("see https://example.org:443/path?q=a:b@c"), Cow::Borrowed(_)));
}

/// A private key's lines: full ones and a short last one.
fn pem() -> Vec<String> {
    let mut lines = vec!["-----BEGIN RSA PRIVATE KEY-----".to_owned()];
    lines.extend((0..5).map(|nth| format!("{nth}aB+").repeat(16)));
    lines.extend(["c2hvcnQ=".to_owned(), "-----END RSA PRIVATE KEY-----".to_owned()]);
    lines
}

/// What is left of the key's body in a text.
fn left(text: &str) -> Vec<String> {
    let body = pem().into_iter().filter(|line| !line.starts_with("-----"));
    body.filter(|line| text.contains(line.as_str())).collect()
}

#[test]
fn private_keys_go_whatever_they_stand_in() {
    let mask = mask();
    let lines = pem();
    let forms = [
        lines.join("\n"),
        lines.join("\r\n"),
        serde_json::json!({ "key": lines.join("\n"), "more": 1 }).to_string(),
        lines.iter().map(|line| format!("+{line}")).collect::<Vec<_>>().join("\n"),
        lines.iter().enumerate().map(|(nth, line)| format!("{nth:>4} | {line}")).collect::<Vec<_>>().join("\n"),
        lines
            .iter()
            .map(|line| format!("\u{1b}[2m  │ \u{1b}[36m{line}\u{1b}[m\u{1b}[0m"))
            .collect::<Vec<_>>()
            .join("\n"),
        lines.join("\n").replacen("-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AB\n\n", 1),
    ];
    for form in forms {
        let text = format!("cat key\n{form}\nall done\nit is");
        let free = mask.text(&text);
        assert_eq!(left(&free), Vec::<String>::new(), "{free}");
        assert!(free.starts_with("cat key\n") && free.ends_with("\nall done\nit is"), "{free}");
        assert!(free.contains("BEGIN RSA PRIVATE KEY-----"), "{free}");
        // However many lines come at once.
        let mut by_line = mask.lines();
        let mut free = String::new();
        for line in text.split('\n') {
            free.push_str(&String::from_utf8_lossy(&by_line.line(line.as_bytes())));
            free.push('\n');
        }
        assert_eq!(left(&free), Vec::<String>::new(), "{free}");
        assert!(free.starts_with("cat key\n") && free.ends_with("\nall done\nit is\n"), "{free}");
    }
}

#[test]
fn a_key_that_is_cut_off_hides_nothing_else() {
    let mask = mask();
    let head = pem().into_iter().take(3).collect::<Vec<_>>().join("\n");
    let text = format!("{head}\n… 9 more lines of it\nDone, and now something else\n");
    let free = mask.text(&text);
    assert_eq!(left(&free), Vec::<String>::new());
    assert!(free.ends_with("\n… 9 more lines of it\nDone, and now something else\n"), "{free}");
    let cut = format!("{{\"text\":\"{}\"}}", head.replace('\n', "\\n"));
    let free = mask.text(&cut);
    assert!(left(&free).is_empty() && free.ends_with("\"}"), "{free}");
    let other = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    assert!(matches!(mask.text(other), Cow::Borrowed(_)), "no secret");
}

#[test]
fn values_of_json_are_masked_and_names_are_spared() {
    let mut value = serde_json::json!({"id": "hunter22", "hunter22": ["hunter22", {"n": 1, "t": "a hunter22"}]});
    assert!(mask().value(&mut value, &["id"]));
    let free = serde_json::json!({"id": "hunter22", "hunter22": ["[masked]", {"n": 1, "t": "a [masked]"}]});
    assert_eq!(value, free);
    assert!(!mask().value(&mut value, &["id"]), "nothing is left");
}

#[test]
fn tokens_of_a_known_shape_keep_their_beginning() {
    let mask = mask();
    let long = "aB3".repeat(14);
    for (beginning, _) in SHAPES {
        let text = format!("a {beginning}{long}{long} b");
        assert_eq!(mask.text(&text), format!("a {beginning}[masked] b"));
    }
    assert_eq!(mask.text("ghp_tooshort sk-learn task-force AKIA eyJ"), "ghp_tooshort sk-learn task-force AKIA eyJ");
    let glued = format!("x_ghp_{long}");
    assert_eq!(mask.text(&glued), glued.as_str(), "part of a longer word");
}

#[test]
fn a_token_is_found_behind_a_colour_or_an_escaped_character() {
    let (mask, long) = (mask(), "aB3".repeat(14));
    let befores =
        ["\u{1b}[33m", "x\u{1b}[1;33m", "\\u001b[33m", "\\e[33m", "\"\\n", "\\t", "\\u000a", "\\x0a", "q=%20"];
    for before in befores {
        assert_eq!(mask.text(&format!("{before}ghp_{long} b")), format!("{before}ghp_[masked] b"));
    }
}

#[test]
fn a_secret_is_found_with_colours_in_it_and_they_stay() {
    let mask = mask();
    let text = "a corr\u{1b}[1mect-horse\u{1b}[0m-battery\u{1b}[31m b";
    assert_eq!(mask.text(text), "a [masked]\u{1b}[1m\u{1b}[0m\u{1b}[31m b");
    assert!(matches!(mask.text("gh\u{1b}[4mp_"), Cow::Borrowed(_)), "no secret, nothing changes");
}

#[test]
fn what_overlaps_goes_whole() {
    let mask = Mask::new([("A_TOKEN", "abcd-efgh"), ("B_TOKEN", "efgh-ijkl"), ("C_TOKEN", "zz9!secret")]);
    assert_eq!(mask.text("abcd-efgh-ijkl"), "[masked]");
    let long = "aB3".repeat(14);
    assert_eq!(mask.text(&format!("ghp_{long}zz9!secret")), "ghp_[masked]");
    assert_eq!(mask.text(&format!("https://ghp_{long}:x-oauth-basic@host")), "https://ghp_[masked]:[masked]@host");
    assert_eq!(mask.text("a://abcd-efgh:pw@host"), "a://[masked]:[masked]@host");
}

#[test]
fn configured_variables_are_withheld_by_name() {
    let mut value = serde_json::json!({"env": {"LIT_API_KEY": "abc", "REF_API_KEY": "${HERE}", "PLAIN": "abc"}});
    let mut taken = Vec::new();
    let mut word = |secret: &str| {
        taken.push(secret.to_owned());
        "[masked:1]".to_owned()
    };
    assert!(mask().replace_in(&mut value, &[], &mut word));
    let free = serde_json::json!({"env": {"LIT_API_KEY": "[masked:1]", "REF_API_KEY": "${HERE}", "PLAIN": "abc"}});
    assert_eq!((value, taken), (free, vec!["abc".to_owned()]));
}

proptest! {
    #[test]
    fn nothing_of_a_secret_is_left_and_all_else_stays(
        before in "[ -~é\n]{0,40}[ \n]", after in "[ \n][ -~é\n]{0,40}", times in 1usize..4,
    ) {
        let mask = Mask::new([("A_SECRET", "p4ssw0rd-é")]);
        let (free, end) = (mask.text(&before).into_owned(), mask.text(&after).into_owned());
        let text = format!("{before}{}{after}", "p4ssw0rd-é ".repeat(times));
        prop_assert_eq!(mask.text(&text).into_owned(), format!("{free}{}{end}", "[masked] ".repeat(times)));
    }

    #[test]
    fn any_bytes_are_masked_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        mask().bytes(&bytes);
    }
}
