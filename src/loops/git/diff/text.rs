//! A diff as text for a prompt: the list of files first, then hunks, cut on line borders to a given size.
//! [`to_text`] keeps the head and the tail, and says what it left out.

use std::collections::VecDeque;

use super::{Diff, FileDiff, LineKind, Status};

/// Of the room for hunks, the part given to the beginning.
const HEAD_SHARE: (usize, usize) = (2, 3);
/// Files named in the list; the rest are counted.
const LISTED: usize = 200;

/// Writes a diff as text of at most `max_bytes` bytes: a line for each file, then a unified diff. What does not fit is
/// taken out of the middle, whole lines at a time, and a line in its place says how much is missing. Paths are escaped;
/// contents are as the agent wrote them.
pub fn to_text(diff: &Diff, max_bytes: usize) -> String {
    let listed = list(diff, max_bytes / 2);
    let room = max_bytes.saturating_sub(listed.len());
    let mut cut = Cut::new(room);
    for file in &diff.files {
        write_file(file, &mut cut);
    }
    listed + &cut.finish()
}

fn list(diff: &Diff, max_bytes: usize) -> String {
    let count = diff.files.len();
    let noun = if count == 1 { "file" } else { "files" };
    let mut text = format!("{count} {noun} changed, +{} -{}\n", diff.insertions, diff.deletions);
    if text.len() > max_bytes {
        return String::new();
    }
    for (number, file) in diff.files.iter().enumerate() {
        let line = format!("{} {}{}\n", letter(file.status), names(file), note(file));
        let rest = format!("... and {} more\n", count - number);
        if number >= LISTED || text.len() + line.len() + rest.len() > max_bytes {
            if text.len() + rest.len() <= max_bytes {
                text.push_str(&rest);
            }
            break;
        }
        text.push_str(&line);
    }
    text
}

fn letter(status: Status) -> char {
    match status {
        Status::Added => 'A',
        Status::Modified => 'M',
        Status::Deleted => 'D',
        Status::Renamed => 'R',
        Status::TypeChanged => 'T',
        Status::Gitlink => 'S',
    }
}

fn names(file: &FileDiff) -> String {
    match &file.old_path {
        Some(old) => format!("{old} => {}", file.path),
        None => file.path.clone(),
    }
}

fn note(file: &FileDiff) -> String {
    let counts = format!(" +{} -{}", file.insertions, file.deletions);
    match () {
        () if file.status == Status::Gitlink => " (link to a commit)".to_owned(),
        () if file.binary => " (binary)".to_owned(),
        () if file.too_large && file.insertions + file.deletions == 0 => " (too large to show)".to_owned(),
        () if file.too_large => format!("{counts} (too large to show)"),
        () => counts,
    }
}

fn write_file(file: &FileDiff, cut: &mut Cut) {
    let old = file.old_path.as_deref().unwrap_or(&file.path);
    cut.line(&format!("diff --git a/{old} b/{}", file.path));
    match (file.status, file.modes) {
        (Status::Added, (_, mode)) => cut.line(&format!("new file mode {mode:o}")),
        (Status::Deleted, (mode, _)) => cut.line(&format!("deleted file mode {mode:o}")),
        (_, (before, after)) if before != after => {
            cut.line(&format!("old mode {before:o}"));
            cut.line(&format!("new mode {after:o}"));
        }
        _ => {}
    }
    if let Some(old) = &file.old_path {
        cut.line(&format!("rename from {old}"));
        cut.line(&format!("rename to {}", file.path));
    }
    if file.status == Status::Gitlink {
        let is_commit = |id: &str| id.bytes().any(|digit| digit != b'0');
        for (sign, id) in [('-', &file.ids.0), ('+', &file.ids.1)] {
            if is_commit(id) {
                cut.line(&format!("{sign}Subproject commit {id}"));
            }
        }
        return;
    }
    if file.binary || file.too_large {
        cut.line(if file.binary { "(binary content not shown)" } else { "(too large to show)" });
        return;
    }
    if file.hunks.is_empty() {
        return;
    }
    let side = |there: bool, name: &str| if there { name.to_owned() } else { "/dev/null".to_owned() };
    cut.line(&format!("--- {}", side(file.status != Status::Added, &format!("a/{old}"))));
    cut.line(&format!("+++ {}", side(file.status != Status::Deleted, &format!("b/{}", file.path))));
    for hunk in &file.hunks {
        cut.line(&hunk.header);
        for line in &hunk.lines {
            let sign = match line.kind {
                LineKind::Context => ' ',
                LineKind::Added => '+',
                LineKind::Removed => '-',
            };
            cut.line(&format!("{sign}{}", file.line(line)));
            if line.no_newline {
                cut.line("\\ No newline at end of file");
            }
        }
    }
}

/// Takes lines one after another and keeps those at the head and the tail that fit.
struct Cut {
    head: String,
    tail: VecDeque<String>,
    tail_bytes: usize,
    head_room: usize,
    room: usize,
    head_full: bool,
    cut_lines: usize,
    cut_bytes: usize,
}

impl Cut {
    /// Length of the longest notice about what was cut.
    const NOTICE: usize = 80;

    fn new(room: usize) -> Self {
        let (part, whole) = HEAD_SHARE;
        Self {
            head: String::new(),
            tail: VecDeque::new(),
            tail_bytes: 0,
            head_room: room.saturating_sub(Self::NOTICE) / whole * part,
            room,
            head_full: false,
            cut_lines: 0,
            cut_bytes: 0,
        }
    }

    fn line(&mut self, line: &str) {
        let bytes = line.len() + 1;
        if !self.head_full && self.head.len() + bytes <= self.head_room {
            self.head.push_str(line);
            self.head.push('\n');
            return;
        }
        self.head_full = true;
        self.tail.push_back(line.to_owned());
        self.tail_bytes += bytes;
        // Until something has to go, the tail may use the room that a notice would need.
        while self.head.len() + self.tail_bytes + self.notice_room() > self.room {
            let Some(dropped) = self.tail.pop_front() else { break };
            self.tail_bytes -= dropped.len() + 1;
            self.cut_bytes += dropped.len() + 1;
            self.cut_lines += 1;
        }
    }

    fn notice_room(&self) -> usize {
        if self.cut_lines == 0 { 0 } else { Self::NOTICE }
    }

    fn finish(self) -> String {
        let mut text = self.head;
        if self.cut_lines > 0 {
            let notice = format!("[... {} lines, {} bytes left out here ...]\n", self.cut_lines, self.cut_bytes);
            if text.len() + notice.len() + self.tail_bytes <= self.room {
                text.push_str(&notice);
            }
        }
        for line in self.tail {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }
}
