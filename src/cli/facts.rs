use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::KeptArgs;
use crate::{
    assess::{Holder, Naming, SourceError, StoreFacts, Views},
    config::Config,
    service::{Peers, patiently},
    store::Store,
};

/// Reads facts from data directories or from running services; the same facts give the same answer.
pub fn read<T>(
    kept: &KeptArgs,
    config: &Config,
    naming: &Naming,
    mut look: impl FnMut(&StoreFacts) -> Result<T>,
) -> Result<T> {
    if !kept.service.is_empty() {
        let peers = Peers::new(&kept.service, config.token()?).context("--service")?;
        let may_pass = |e: &anyhow::Error| e.downcast_ref().is_some_and(SourceError::may_pass);
        return patiently(|| look(&peers.facts(naming.clone())?), may_pass);
    }
    let facts = StoreFacts::over(kept_in(&kept.data)?, naming.clone());
    look(&facts.map_err(|e| match e {
        SourceError::Missing { missing, partitions, .. } => {
            let list: Vec<String> = missing.iter().map(ToString::to_string).collect();
            anyhow::anyhow!(
                "of {partitions} partitions {} holds no {}; give the directory of every replica, each with --data",
                place(kept),
                list.join(", ")
            )
        }
        e => e.into(),
    })?)
}

/// Where facts are looked for, for people.
pub fn place(kept: &KeptArgs) -> String {
    let dirs = kept.data.iter().map(|dir| dir.display().to_string());
    dirs.chain(kept.service.iter().cloned()).collect::<Vec<_>>().join(", ")
}

/// The stores of data directories, each directory a holder: those of partitions, else the one of an embedded journal.
fn kept_in(dirs: &[PathBuf]) -> Result<Vec<Box<dyn Holder>>> {
    let mut holders: Vec<Box<dyn Holder>> = Vec::new();
    let mut seen: Vec<PathBuf> = Vec::new();
    for dir in dirs {
        // a directory that is named twice is held by ourselves the second time
        let real = dir.canonicalize().unwrap_or_else(|_| dir.clone());
        if seen.contains(&real) {
            continue;
        }
        seen.push(real);
        let mut views = Views::default();
        if dir.join("partitions").is_dir() {
            partitions(&dir.join("partitions"), &mut views)?;
        } else if !dir.join("store").is_dir() {
            bail!("{} holds no vigie store; `vigie ingest --data {0}` or `vigie serve` makes one", dir.display());
        } else if dirs.len() > 1 {
            bail!(
                "{} holds the store of an embedded journal, which is whole in itself: it does not add up with others",
                dir.display()
            );
        } else {
            views.add(&Store::open(&dir.join("store"))?, 0, 1)?;
        }
        holders.push(Box::new(views));
    }
    Ok(holders)
}

/// Stores of partitions are in folders named by their numbers.
fn partitions(folder: &Path, views: &mut Views) -> Result<()> {
    let shown = || folder.display().to_string();
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(shown)? {
        let path = entry.with_context(shown)?.path();
        let number = path.file_name().and_then(|name| name.to_str()?.parse().ok());
        found.extend(number.filter(|_| path.is_dir()).map(|number| (number, path)));
    }
    if found.is_empty() {
        bail!("{} holds no partition; `vigie serve` makes them when a replica is given some", folder.display());
    }
    found.sort();
    for (number, path) in found {
        let store = Store::open(&path)?;
        let topology = match store.topology()? {
            Some(topology) if topology.partition == number => topology,
            Some(topology) => bail!(
                "{} holds partition {} of {topology}; give the folder its own number back",
                path.display(),
                topology.partition
            ),
            // made a moment before its service was stopped
            None if store.position()?.events() == 0 => continue,
            None => bail!("{} does not say which partition it is of; move it away", path.display()),
        };
        views.add(&store, number, topology.partitions)?;
    }
    Ok(())
}
