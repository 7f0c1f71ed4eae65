//! Plain text: what an agent prints is what it says.

use super::heard::Tell;
use super::{Refused, Tongue};
use crate::loops::core::activity::Activity;

/// Reads plain text.
#[derive(Debug, Default)]
pub(super) struct Text;

impl Tongue for Text {
    fn line(&mut self, line: &str, last: bool, tell: &mut Tell<'_>) -> Result<(), Refused> {
        let text = if last { line.to_owned() } else { format!("{line}\n") };
        tell.tell(Activity::Text { text, whole: false });
        Ok(())
    }
}
