//! What processes take, as /proc has it.

use std::{collections::BTreeMap, fs, path::Path};

/// The kernel counts time of processes in hundredths of a second, whatever its own clock does.
const TICKS: f64 = 100.0;

/// CPU seconds so far, of a process with all its threads, those that ended too.
pub fn cpu_seconds(pid: u32) -> f64 {
    cpu_of(Path::new(&format!("/proc/{pid}/stat"))).map_or(0.0, |(_, seconds)| seconds)
}

/// The same by name of the thread; numbers at the end of names are left out, and what ended is summed up.
pub fn cpu_by_thread(pid: u32) -> BTreeMap<String, f64> {
    let mut by_name: BTreeMap<String, f64> = BTreeMap::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        if let Some((name, seconds)) = cpu_of(&thread.path().join("stat")) {
            let family = name.trim_end_matches(|c: char| c.is_ascii_digit());
            let family = if family.len() < name.len() { format!("{family}N") } else { name };
            *by_name.entry(family).or_default() += seconds;
        }
    }
    let ended = cpu_seconds(pid) - by_name.values().sum::<f64>();
    if ended > 0.05 {
        by_name.insert("(threads that ended)".to_owned(), ended);
    }
    by_name
}

/// Name, and user and system time together.
fn cpu_of(stat: &Path) -> Option<(String, f64)> {
    let text = fs::read_to_string(stat).ok()?;
    // a name may hold blanks and brackets
    let (head, rest) = text.rsplit_once(") ")?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some((name, (ticks(11)? + ticks(12)?) as f64 / TICKS))
}

/// Bytes of resident memory.
pub fn resident(pid: u32) -> u64 {
    status(pid, "VmRSS") * 1024
}

/// Most bytes of resident memory that there ever were.
pub fn peak(pid: u32) -> u64 {
    status(pid, "VmHWM") * 1024
}

pub fn threads(pid: u32) -> u64 {
    status(pid, "Threads")
}

fn status(pid: u32, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.and_then(|value| value.split_ascii_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// Open file handles.
pub fn handles(pid: u32) -> u64 {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, |all| all.count() as u64)
}

/// Ends a process at once, as the kernel does when memory is short.
pub fn kill(pid: u32) {
    let killed = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
    assert!(killed.expect("kill runs").success(), "the process can be killed");
}

/// Whether it runs: one that ended and was not waited for does not.
pub fn runs(pid: u32) -> bool {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    text.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// The process of this name that descends from this one.
pub fn descendant(name: &str) -> Option<u32> {
    let mut parents: BTreeMap<u32, (String, u32)> = BTreeMap::new();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else { continue };
        let text = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let Some((head, rest)) = text.rsplit_once(") ") else { continue };
        let parent = rest.split_ascii_whitespace().nth(1).and_then(|p| p.parse().ok());
        if let (Some((_, name)), Some(parent)) = (head.split_once('('), parent) {
            parents.insert(pid, (name.to_owned(), parent));
        }
    }
    let parent = |pid: &u32| parents.get(pid).map(|(_, parent)| *parent);
    let ours = |pid: u32| std::iter::successors(Some(pid), parent).any(|p| p == std::process::id());
    parents.iter().find(|(pid, (called, _))| called == name && ours(**pid)).map(|(pid, _)| *pid)
}

/// Bytes that the files below a folder take on disk: what is only reserved counts, holes do not.
pub fn disk(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => disk(&entry.path()),
        Ok(found) => found.blocks() * 512,
        // compaction removes files at any moment
        Err(_) => 0,
    });
    sizes.sum()
}
