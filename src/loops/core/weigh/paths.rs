//! Which files hold tests, by their paths.
//!
//! By the customs of the languages at large; a project that has others is read by what stands in its files.

/// Whether a path is that of a file of tests, or of something that tests stand on.
pub(super) fn is_test(path: &str) -> bool {
    let (dirs, name) = path.rsplit_once('/').unwrap_or(("", path));
    let in_tests = dirs.split('/').any(|dir| matches!(dir, "test" | "tests" | "__tests__" | "spec" | "specs"));
    let stem = name.split('.').next().unwrap_or(name);
    let named = name.contains('.') && matches!(stem, "test" | "tests" | "spec");
    // `latest.py` is none, `CartTest.java` is one.
    let ends = ["_test", "_tests", "_spec", "-test", "-spec", "Test", "Tests", "Spec", "TestCase"];
    in_tests
        || named
        || stem.starts_with("test_")
        || ends.iter().any(|end| stem.ends_with(end))
        || name.contains(".test.")
        || name.contains(".spec.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_known_by_their_paths() {
        for path in [
            "src/foo/tests.rs",
            "shop/tests.py",
            "shop/test.py",
            "tests/data/a.json",
            "a/test_cart.py",
            "a/cart_test.go",
            "web/cart.test.tsx",
            "web/__tests__/cart.js",
            "spec/cart_spec.rb",
            "src/CartTest.java",
            "CartTests.cs",
            "cart-test.js",
        ] {
            assert!(is_test(path), "{path}");
        }
        for path in ["src/test_helpers/a.rs", "latest.py", "src/contest.rs", "README.md", "tests", "attestation/a.go"] {
            assert!(!is_test(path), "{path}");
        }
    }
}
