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
    name: String,
}

impl Claim {
    /// Takes the claim to a store from whoever had it. `name` is this process's and assignment's alone.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn take(store: &Path, name: &str) -> io::Result<Claim> {
        let path = store.with_extension("claim");
        let making = store.with_extension(format!("claim.{}", std::process::id()));
        fs::write(&making, name)?;
        fs::rename(&making, &path)?;
        Ok(Claim { path, name: name.to_owned() })
    }

    /// Whether nobody has taken it since; false also when that cannot be read.
    pub fn holds(&self) -> bool {
        fs::read(&self.path).is_ok_and(|found| found == self.name.as_bytes())
    }
}
