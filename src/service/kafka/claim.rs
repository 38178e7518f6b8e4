use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Who may write to a partition's store, where replicas share a data directory: a file beside the store that names the
/// last one whom the group gave the partition. A replica that was thought dead finds another name there before it
/// commits, and writes nothing.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    text: String,
}

impl Claim {
    /// Takes the claim to a store from whoever had it, unless that one reads something else: what it reads is the error
    /// then. `what` is what the store is of, `name` this process's and assignment's alone.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn take(store: &Path, what: &str, name: &str) -> io::Result<Result<Claim, String>> {
        let path = store.with_extension("claim");
        let found = fs::read_to_string(&path).unwrap_or_default();
        if let Some(other) = found.lines().next().filter(|other| *other != what) {
            return Ok(Err(other.to_owned()));
        }
        // process numbers are alike in containers that share a folder
        let making = store.with_extension(format!("claim.{name}"));
        let text = format!("{what}\n{name}\n");
        fs::write(&making, &text)?;
        fs::rename(&making, &path)?;
        Ok(Ok(Claim { path, text }))
    }

    /// Whether nobody has taken it since; false also when that cannot be read.
    pub fn holds(&self) -> bool {
        fs::read(&self.path).is_ok_and(|found| found == self.text.as_bytes())
    }
}
