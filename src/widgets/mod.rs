//! Pixels: widgets drawn from plain props, themes and layout. No widget knows a loop, a task or a clock.
//! Start at [`theme::Theme`].

pub mod theme;
