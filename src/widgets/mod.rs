//! Pixels: widgets drawn from plain props, themes and layout. No widget knows a loop, a task or a clock.
//! Start at [`theme::Theme`] and [`layout::Screen`].

pub mod attention;
pub mod chooser;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod composite;
pub mod detail_header;
pub mod dialog;
pub mod diff_view;
mod flow;
pub mod footer;
pub mod format;
pub mod gate_table;
pub mod help;
pub mod layout;
pub mod loop_list;
pub mod mark;
mod matrix;
pub mod notice;
pub mod palette;
pub mod pane;
mod pen;
pub mod phase_strip;
pub mod prompt_box;
pub mod scrollbar;
pub mod search_line;
pub mod sheet;
pub mod tabs;
pub mod test_table;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod testing;
pub mod text;
pub mod theme;
pub mod timeline;
pub mod title_bar;
pub mod transcript;
pub mod verdict_view;
