//! Pixels: widgets drawn from plain props, themes and layout. No widget knows a loop, a task or a clock.
//! Start at [`theme::Theme`].

pub mod detail_header;
pub mod footer;
pub mod format;
pub mod loop_list;
pub mod mark;
pub mod pane;
mod pen;
pub mod phase_strip;
pub mod scrollbar;
pub mod tabs;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod testing;
pub mod text;
pub mod theme;
pub mod title_bar;
