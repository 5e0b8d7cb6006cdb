//! The sources of this crate, for tests about the text itself.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the crate, by its path from the crate's root.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// All Rust files under `folder` of the crate, sub-folders included, in order.
pub(crate) fn sources(folder: &str) -> Vec<Source> {
    // Where cargo runs the test, not where it was compiled: worktrees may share a target folder.
    let root = std::env::var_os("CARGO_MANIFEST_DIR");
    let root = root.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let mut found = Vec::new();
    collect(&root.join(folder), &mut found);
    found.sort();
    let source = |file: PathBuf| Source {
        text: fs::read_to_string(&file).expect("a readable source"),
        path: file
            .strip_prefix(&root)
            .expect("under the root")
            .to_string_lossy()
            .replace('\\', "/"),
    };
    found.into_iter().map(source).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the crate") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}
