//! Where replay files are written.

use std::env;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::testing::explore::found::Finding;
use crate::testing::replay::file::{Record, program};

/// How many files of one name there may be in a folder.
const SAME_NAME_MAX: u32 = 1_000;

/// Where a file is to be.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// In the system's folder for such, under a name of its own.
    Temporary,
    /// In this folder, under a name of its own.
    Folder(PathBuf),
    /// There.
    File(PathBuf),
}

impl Place {
    /// Writes the file, and returns where it is.
    pub(super) fn save(&self, finding: &Finding, polls_max: u64) -> io::Result<PathBuf> {
        let record = Record {
            at: finding.at,
            found: &finding.strategy,
            seed: finding.seed,
            fails: finding.failure.to_string(),
            polls_max,
            decisions: &finding.attempt.decisions,
            story: &finding.attempt.story,
        };
        let text = record.to_text();
        let folder = match self {
            Self::File(path) => {
                fs::write(path, text)?;
                return Ok(path.clone());
            }
            Self::Folder(path) => {
                fs::create_dir_all(path)?;
                path.clone()
            }
            Self::Temporary => env::temp_dir(),
        };
        let test = Path::new(finding.at.file()).file_stem().unwrap_or_default();
        let (test, line) = (test.to_string_lossy(), finding.at.line());
        let name = format!("bibelot-{}-{test}-{line}", program());
        save_as_new(&folder, &name, &text)
    }
}

/// Writes a file that was not there, or takes the one that says the same. Others may write to the folder,
/// so a file that is there is never written to.
fn save_as_new(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    for nth in 1..=SAME_NAME_MAX {
        let path = match nth {
            1 => folder.join(format!("{name}.replay")),
            _ => folder.join(format!("{name}-{nth}.replay")),
        };
        match File::create_new(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                return Ok(path);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if fs::read_to_string(&path).is_ok_and(|there| there == text) {
                    return Ok(path);
                }
            }
            Err(error) => return Err(error),
        }
    }
    let text = format!("there are {SAME_NAME_MAX} files {name:?} in {folder:?}; remove them");
    Err(io::Error::other(text))
}
