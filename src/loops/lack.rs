//! What to do about an error that says that the machine is short of something: [`remedy`].
//!
//! The error's own words say what is missing, and not who can give it.

use rustix::io::Errno;
use std::io;

/// What helps against this error of the system, as the end of a sentence; `None` where it is not for want of anything.
pub fn remedy(error: &io::Error) -> Option<&'static str> {
    // Wrapped, it has no number any more, and a kind still.
    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return Some("free some space");
    }
    match Errno::from_io_error(error)? {
        Errno::MFILE => Some("raise the limit (`ulimit -n`), or run fewer loops at once"),
        Errno::NFILE => Some("end what has many files open"),
        Errno::AGAIN => Some("end other processes, or raise the limit (`ulimit -u`)"),
        Errno::NOMEM => Some("end what takes the memory"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_from_what_is_wrong() {
        let of = |errno: Errno| remedy(&errno.into());
        assert!(of(Errno::MFILE).is_some_and(|text| text.contains("ulimit -n")));
        assert!(of(Errno::AGAIN).is_some_and(|text| text.contains("ulimit -u")));
        let wrapped = io::Error::new(io::ErrorKind::StorageFull, "at some path");
        assert_eq!((of(Errno::NOSPC), remedy(&wrapped)), (Some("free some space"), Some("free some space")));
        assert_eq!((of(Errno::NOENT), of(Errno::IO)), (None, None));
        assert_eq!(remedy(&io::Error::other("no errno")), None);
    }
}
