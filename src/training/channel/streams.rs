//! The bytes of a channel: its files in order, or a FIFO for each pass.

use crate::training::channel::InputMode;
use crate::training::stop_flag::StopFlag;
use byoc_formats::error::{Cause, Error, Result};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

const BUFFER: usize = 1 << 20;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// How often to look for a FIFO that does not exist yet.
const RETRY: Duration = Duration::from_millis(20);

/// The files or FIFOs of a channel.
#[derive(Clone, Debug)]
pub(in crate::training) struct Streams {
    path: PathBuf,
    mode: InputMode,
}

/// One file or FIFO.
pub(in crate::training) struct Stream {
    /// For messages.
    pub(in crate::training) path: PathBuf,
    pub(in crate::training) bytes: Box<dyn Read>,
}

impl Streams {
    pub(in crate::training) fn new(path: PathBuf, mode: InputMode) -> Streams {
        Streams { path, mode }
    }

    /// The paths of a pass, counted from 0: the file, all files of the folder sorted by name, or the FIFO of this pass.
    pub(in crate::training) fn paths(&self, pass: usize) -> Result<Vec<PathBuf>> {
        match self.mode {
            InputMode::Pipe => {
                let mut name = self.path.as_os_str().to_owned();
                name.push(format!("_{pass}"));
                Ok(vec![PathBuf::from(name)])
            }
            InputMode::File if self.path.is_file() => Ok(vec![self.path.clone()]),
            InputMode::File => {
                let (mut files, mut empty) = (Vec::new(), Vec::new());
                collect(&self.path, &mut files, &mut empty)?;
                files.sort();
                if files.is_empty() {
                    let found = match empty.first() {
                        Some(path) => format!("nothing but files of 0 bytes, such as {}", path.display()),
                        None => "no files (hidden ones are not read)".to_owned(),
                    };
                    return Err(Error::new(
                        Cause::BadPayload,
                        format!("{} has {found}: expected data of the channel", self.path.display()),
                    ));
                }
                Ok(files)
            }
        }
    }

    /// Opens one of the paths. Waits for a FIFO that SageMaker has not made yet, and logs that, until the job must
    /// stop.
    pub(in crate::training) fn open(&self, path: &Path, stop: &StopFlag) -> Result<Stream> {
        let _waiting = (self.mode == InputMode::Pipe).then(|| Waiting::begin(path.to_owned()));
        while self.mode == InputMode::Pipe && !path.exists() && !stop.is_set() {
            std::thread::sleep(RETRY);
        }
        let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
        let mut bytes = BufReader::with_capacity(BUFFER, file);
        let start = bytes.fill_buf().map_err(|error| Error::io("read", path, error))?;
        // Neither a number nor a RecordIO frame begins with these bytes.
        let bytes: Box<dyn Read> =
            if start.starts_with(&GZIP_MAGIC) { Box::new(MultiGzDecoder::new(bytes)) } else { Box::new(bytes) };
        Ok(Stream { path: path.to_owned(), bytes })
    }
}

/// Logs that a pipe is waited for: first after a second, then at longer and longer intervals, until it is dropped.
struct Waiting {
    _over: Option<Sender<()>>,
}

/// Time until the first log line, and the longest time between two of them.
const FIRST_WORD: Duration = Duration::from_secs(1);
const MAX_SILENCE: Duration = Duration::from_secs(60);

impl Waiting {
    fn begin(path: PathBuf) -> Waiting {
        let (sender, over) = channel();
        let speak = move || {
            let (mut silence, mut seconds) = (FIRST_WORD, 0);
            while over.recv_timeout(silence) == Err(RecvTimeoutError::Timeout) {
                seconds += silence.as_secs();
                let what = if path.exists() { "nothing has been written to it" } else { "it is not there" };
                log::info!("waiting for the pipe {} for {seconds} s: {what}", path.display());
                silence = (silence * 3).min(MAX_SILENCE);
            }
        };
        // If no thread can be started, nothing is logged.
        let started = std::thread::Builder::new().name("waiting".into()).spawn(speak);
        Waiting { _over: started.ok().map(|_| sender) }
    }
}

/// The files of a folder and its subfolders, without hidden and empty ones (such as `_SUCCESS`).
fn collect(folder: &Path, files: &mut Vec<PathBuf>, empty: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |error: std::io::Error| Error::io("list", folder, error);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            continue;
        }
        // Links are followed: a mounted folder may consist of links.
        let metadata = std::fs::metadata(&path).map_err(|error| Error::io("access", &path, error))?;
        if metadata.is_dir() {
            collect(&path, files, empty)?;
        } else if metadata.len() > 0 {
            files.push(path);
        } else {
            empty.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn files_are_read_in_order_through_folders_without_hidden_and_empty_ones() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("b.csv", "2"), ("a/2.csv", "1"), ("a/10.csv", "1"), (".hidden", "x"), ("_SUCCESS", "")] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let streams = Streams::new(folder.path().to_owned(), InputMode::File);
        let names: Vec<_> = streams.paths(3).unwrap();
        assert_eq!(names, ["a/10.csv", "a/2.csv", "b.csv"].map(|name| folder.path().join(name)));
        let empty = tempfile::tempdir().unwrap();
        let error = Streams::new(empty.path().to_owned(), InputMode::File).paths(0).unwrap_err();
        assert!(error.message().contains("has no files"), "{error}");
        std::fs::write(empty.path().join("part-00000"), "").unwrap();
        let error = Streams::new(empty.path().to_owned(), InputMode::File).paths(0).unwrap_err();
        assert!(error.message().contains("nothing but files of 0 bytes, such as "), "{error}");
    }

    #[test]
    fn a_fifo_is_named_after_its_pass() {
        let streams = Streams::new(PathBuf::from("/data/train"), InputMode::Pipe);
        assert_eq!(streams.paths(2).unwrap(), [PathBuf::from("/data/train_2")]);
    }

    #[test]
    fn a_compressed_file_is_unpacked_on_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.csv.gz");
        let mut writer = flate2::write::GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::fast());
        writer.write_all(b"1,2\n").unwrap();
        writer.finish().unwrap();
        let streams = Streams::new(folder.path().to_owned(), InputMode::File);
        let mut text = String::new();
        streams.open(&path, &StopFlag::default()).unwrap().bytes.read_to_string(&mut text).unwrap();
        assert_eq!(text, "1,2\n");
    }
}
