//! Unpacks a `model.tar.gz` safely: completely or not at all.
//!
//! Archives are untrusted, so nothing in one can reach outside its destination: only regular files and folders
//! are made, under relative names without `..`; links and devices are refused rather than skipped, because a model that
//! needs one is not what was packed. What it may take of the disk is bounded before it is written, and everything goes
//! into a fresh folder beside the destination that is renamed at the end.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};

use flate2::bufread::GzDecoder;
use tar::{Archive, Entry, EntryType};

use super::file_kind::refuse_lfs_pointer;
use crate::error::{Cause, Error, Result};

/// The limits of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The maximum number of files and folders, including parent folders without an entry (`a/b/c` counts as three).
    pub entries: usize,
    /// The maximum total size of all files in bytes.
    pub bytes: u64,
    /// The maximum ratio of unpacked to packed size. It does not apply below [`ANY_RATIO`] unpacked bytes. (Deflate
    /// reaches 1,032; fitted models are mostly below 20.)
    pub ratio: u64,
}

impl Default for Limits {
    /// Ten thousand entries, 20 GiB, and a ratio of 200.
    fn default() -> Limits {
        Limits { entries: 10_000, bytes: 20 << 30, ratio: 200 }
    }
}

/// How many bytes an archive of any size may unpack to.
pub const ANY_RATIO: u64 = 64 << 20;

/// The files of an unpacked archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// The number of regular files.
    pub files: usize,
    /// Their total number of bytes.
    pub bytes: u64,
}

/// The maximum number of bytes of headers and long names between two files. `tar` keeps all of them in memory.
const MAX_HEADERS_LENGTH: u64 = 1 << 20;

/// The minimum average size of a gzip member, in unpacked bytes, if there are more members than allowed entries.
/// (`bgzip` writes a member for each 64 KiB.)
const SMALLEST_MEMBER: u64 = 4 << 10;

/// The maximum length in bytes and the maximum depth of a name in the archive.
const MAX_NAME_LENGTH: usize = 1024;
const MAX_NAME_DEPTH: usize = 64;

/// Unpacks a tar archive, compressed by gzip or not, into a folder that does not exist yet.
///
/// Bytes after the end of a gzip stream are ignored, as `gzip` does; the rest of the stream itself is read to verify
/// its checksum. Files get the mode 0644 (0755 if they are executable in the archive) and folders 0755; owners and
/// times are those of this process. If a file is packed twice, the later one counts.
///
/// # Errors
/// [`BadArtifact`](crate::error::Cause::BadArtifact), naming the entry, for archives that are cut off or damaged,
/// beyond the limits, or hold other entries than files and folders; [`Io`](crate::error::Cause::Io) for the file
/// system. Nothing is left behind in either case.
pub fn unpack(archive: impl Read, destination: &Path, limits: &Limits) -> Result<Unpacked> {
    unpack_where(archive, destination, limits, &|_| Ok(()))
}

/// Like [`unpack`], but asks `agree` about the size of each file before any of it is written.
///
/// # Errors
/// As for [`unpack`], and the errors of `agree`.
pub fn unpack_where(
    archive: impl Read,
    destination: &Path,
    limits: &Limits,
    agree: &dyn Fn(u64) -> Result<()>,
) -> Result<Unpacked> {
    if fs::symlink_metadata(destination).is_ok() {
        let exists = io::Error::from(io::ErrorKind::AlreadyExists);
        return Err(Error::io("unpack an archive to", destination, exists));
    }
    let staging = Staging::beside(destination)?;
    let meter = Meter::new(*limits, agree);
    let unpacked = unpack_into(archive, &staging.path, &meter)?;
    staging.publish(destination)?;
    Ok(unpacked)
}

fn unpack_into(archive: impl Read, root: &Path, meter: &Meter<'_>) -> Result<Unpacked> {
    let mut packed = BufReader::with_capacity(64 << 10, Packed { inner: archive, meter });
    let first = packed.fill_buf().map_err(damaged)?;
    if first.is_empty() {
        return Err(Error::bad_artifact("the archive is empty; expected a tar archive, compressed by gzip or not"));
    }
    refuse_lfs_pointer(first)?;
    let plain: Box<dyn Read + '_> = if is_gzip(first) {
        Box::new(Members { current: Some(GzDecoder::new(packed)), meter })
    } else {
        Box::new(packed)
    };

    let mut archive = Archive::new(Plain { inner: plain, meter });
    let mut unpacked = Unpacked::default();
    meter.allow(MAX_HEADERS_LENGTH);
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        meter.count_entry()?;
        let name: String = String::from_utf8_lossy(&entry.path_bytes()).chars().take(200).collect();
        unpack_entry(&mut entry, root, meter, &mut unpacked)
            .map_err(|error| error.context(format!("entry \"{}\" of the archive", name.escape_debug())))?;
        meter.allow(MAX_HEADERS_LENGTH);
    }
    meter.allow(u64::MAX);
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(damaged)?;
    Ok(unpacked)
}

fn unpack_entry<R: Read>(
    entry: &mut Entry<'_, R>,
    root: &Path,
    meter: &Meter<'_>,
    unpacked: &mut Unpacked,
) -> Result<()> {
    let kind = match entry.header().entry_type() {
        // Pre-POSIX tar marks a folder by a slash at the end of its name.
        EntryType::Regular if entry.path_bytes().ends_with(b"/") => EntryType::Directory,
        kind => kind,
    };
    if kind == EntryType::XGlobalHeader {
        // A comment that `git archive` writes first. `tar` has not skipped any entry that names a file.
        return Ok(());
    }
    if kind == EntryType::Directory && is_root(&entry.path_bytes()) {
        return Ok(());
    }
    let relative = relative_path(&entry.path_bytes())?;
    let target = root.join(&relative);
    match kind {
        EntryType::Directory => match relative.parent() {
            Some(parent) => {
                make_folders(root, parent, meter)?;
                make_folder(&target)
            }
            None => Ok(()),
        },
        EntryType::Regular => {
            let (Some(parent), Some(_)) = (relative.parent(), relative.file_name()) else {
                return Err(Error::bad_artifact("a file without a name"));
            };
            make_folders(root, parent, meter)?;
            if target.is_dir() {
                return Err(Error::bad_artifact("a file stands where the archive has a folder"));
            }
            let size = entry.size();
            let total = unpacked.bytes.saturating_add(size);
            if total > meter.limits.bytes {
                return Err(Error::bad_artifact(format!(
                    "the files of the archive have more than {} bytes in total",
                    meter.limits.bytes
                )));
            }
            (meter.agree)(size)?;
            // The data, and the padding to a block of 512 bytes.
            meter.allow(size.saturating_add(511));
            let executable = entry.header().mode().unwrap_or(0) & 0o100 != 0;
            write_file(entry, &target, size, executable)?;
            *unpacked = Unpacked { files: unpacked.files + 1, bytes: total };
            Ok(())
        }
        EntryType::Symlink | EntryType::Link => Err(Error::bad_artifact("links are refused; pack the file itself")),
        _ => Err(Error::bad_artifact(format!(
            "only regular files and folders are unpacked, this is of type {:?}",
            char::from(kind.as_byte())
        ))),
    }
}

/// Whether a folder's name means the destination itself: `./` and similar, and `/`, which is the first entry of
/// archives that the SageMaker Python SDK repacks (`tar.add(folder, arcname=os.path.sep)` in
/// `sagemaker.utils.repack_model` of version 2, and its equivalent in version 3).
fn is_root(name: &[u8]) -> bool {
    !name.is_empty()
        && name.len() <= MAX_NAME_LENGTH
        && name.split(|byte| *byte == b'/').all(|part| matches!(part, b"" | b"."))
}

/// The name of an entry as a path below the folder that the archive is unpacked to. Names of other systems are refused
/// on all of them, so that an archive means the same everywhere.
fn relative_path(name: &[u8]) -> Result<PathBuf> {
    if name.len() > MAX_NAME_LENGTH {
        return Err(Error::bad_artifact(format!(
            "a name of {} bytes; at most {MAX_NAME_LENGTH} are allowed",
            name.len()
        )));
    }
    if name.contains(&b'\\') || name.contains(&0) {
        return Err(Error::bad_artifact("a name with a backslash or a NUL is refused"));
    }
    if let [letter, b':', ..] = name
        && letter.is_ascii_alphabetic()
    {
        return Err(Error::bad_artifact("an absolute name is refused"));
    }
    let name = std::str::from_utf8(name).map_err(|_| Error::bad_artifact("a name that is not UTF-8 is refused"))?;
    let mut relative = PathBuf::new();
    for component in Path::new(name).components() {
        match component {
            Component::Normal(part) => relative.push(part),
            Component::CurDir => {}
            Component::ParentDir => return Err(Error::bad_artifact("a name with .. is refused")),
            Component::RootDir | Component::Prefix(_) => {
                return Err(Error::bad_artifact("an absolute name is refused"));
            }
        }
    }
    if relative.components().count() > MAX_NAME_DEPTH {
        return Err(Error::bad_artifact(format!("a name of more than {MAX_NAME_DEPTH} folders is refused")));
    }
    Ok(relative)
}

/// Creates the missing folders of a path below `root`. Each one counts as an entry of the archive, so
/// that names cannot create more of them than the limit allows. An existing folder costs one check, at any depth.
fn make_folders(root: &Path, relative: &Path, meter: &Meter<'_>) -> Result<()> {
    let missing: Vec<&Path> = relative
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !root.join(folder).is_dir())
        .collect();
    for folder in missing.into_iter().rev() {
        meter.count_entry()?;
        make_folder(&root.join(folder))?;
    }
    Ok(())
}

fn make_folder(folder: &Path) -> Result<()> {
    match fs::create_dir(folder) {
        Ok(()) => set_mode(folder, 0o755),
        Err(_) if folder.is_dir() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(Error::bad_artifact("a folder stands where the archive has a file"))
        }
        Err(error) => Err(Error::io("create the folder", folder, error)),
    }
}

fn write_file(data: &mut impl Read, target: &Path, size: u64, executable: bool) -> Result<()> {
    let mut file = File::create(target).map_err(|error| Error::io("create", target, error))?;
    let mut buffer = vec![0; 64 << 10];
    let mut left = size;
    while left > 0 {
        let read = match data.read(&mut buffer) {
            Ok(0) => {
                return Err(Error::bad_artifact(format!("the archive is cut off: {left} of {size} bytes are missing")));
            }
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(damaged(error)),
        };
        let piece = buffer.get(..read).unwrap_or_default();
        file.write_all(piece).map_err(|error| Error::io("write", target, error))?;
        left = left.saturating_sub(read as u64);
    }
    set_mode(target, if executable { 0o755 } else { 0o644 })
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(|error| Error::io("set the mode of", path, error))
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) -> Result<()> {
    Ok(())
}

fn is_gzip(first: &[u8]) -> bool {
    first.starts_with(&[0x1F, 0x8B])
}

/// Turns a read error into an error for a damaged archive, or for one that could not be read at all.
fn damaged(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::bad_artifact("the archive is cut off").caused_by(error),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
            Error::bad_artifact("the archive cannot be unpacked (expected a tar archive, compressed by gzip or not)")
                .caused_by(error)
        }
        _ => Error::new(Cause::Io, "could not read the archive").caused_by(error),
    }
}

/// The folder that is being filled; removed with its contents unless it is published.
struct Staging {
    path: PathBuf,
}

impl Staging {
    /// Creates a folder beside the destination, so that a rename stays within the file system.
    fn beside(destination: &Path) -> Result<Staging> {
        let (Some(parent), Some(name)) = (destination.parent(), destination.file_name()) else {
            let invalid = io::Error::from(io::ErrorKind::InvalidInput);
            return Err(Error::io("unpack an archive to", destination, invalid));
        };
        fs::create_dir_all(parent).map_err(|error| Error::io("create the folder", parent, error))?;
        let path = parent.join(format!(".{}.{}", name.to_string_lossy(), uuid::Uuid::new_v4().simple()));
        fs::create_dir(&path).map_err(|error| Error::io("create the folder", &path, error))?;
        let staging = Staging { path };
        set_mode(&staging.path, 0o755)?;
        Ok(staging)
    }

    fn publish(self, destination: &Path) -> Result<()> {
        fs::rename(&self.path, destination)
            .map_err(|error| Error::io("rename the unpacked folder to", destination, error))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            log::warn!("could not remove {}: {error}", self.path.display());
        }
    }
}

/// Counts the packed and unpacked bytes that were read, and the entries.
struct Meter<'a> {
    limits: Limits,
    agree: &'a dyn Fn(u64) -> Result<()>,
    /// Headers of files, folders and comments, and folders without a header.
    entries: Cell<usize>,
    /// Members of a gzip file.
    members: Cell<u64>,
    packed: Cell<u64>,
    plain: Cell<u64>,
    /// How many more unpacked bytes the current step may read.
    allowance: Cell<u64>,
}

impl<'a> Meter<'a> {
    fn new(limits: Limits, agree: &'a dyn Fn(u64) -> Result<()>) -> Meter<'a> {
        let (entries, members) = (Cell::new(0), Cell::new(0));
        Meter { limits, agree, entries, members, packed: Cell::new(0), plain: Cell::new(0), allowance: Cell::new(0) }
    }

    fn count_entry(&self) -> Result<()> {
        self.entries.set(self.entries.get().saturating_add(1));
        if self.entries.get() > self.limits.entries {
            return Err(Error::bad_artifact(format!(
                "the archive holds more than {} files and folders",
                self.limits.entries
            )));
        }
        Ok(())
    }

    /// Starting a member costs far more than its 20 bytes, so many members must not be nearly empty.
    fn count_member(&self) -> io::Result<()> {
        self.members.set(self.members.get().saturating_add(1));
        let allowed = (self.limits.entries as u64).saturating_add(self.plain.get() / SMALLEST_MEMBER);
        if self.members.get() > allowed {
            let message = format!("{} gzip members that hold next to nothing", self.members.get());
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(())
    }

    fn allow(&self, bytes: u64) {
        self.allowance.set(bytes);
    }

    fn count_plain(&self, read: u64) -> io::Result<()> {
        let refuse = |message: String| Err(io::Error::new(io::ErrorKind::InvalidData, message));
        self.plain.set(self.plain.get().saturating_add(read));
        let Some(left) = self.allowance.get().checked_sub(read) else {
            return refuse(format!("headers and names of more than {MAX_HEADERS_LENGTH} bytes"));
        };
        self.allowance.set(left);
        let Limits { bytes, ratio, .. } = self.limits;
        let allowed = self.packed.get().saturating_mul(ratio).max(ANY_RATIO);
        if self.plain.get() > allowed {
            return refuse(format!("it unpacks to more than {ratio} times its size"));
        }
        // Headers and padding come on top of the files: at most two blocks and a name for each allowed entry.
        let headers =
            MAX_HEADERS_LENGTH.saturating_mul(2).saturating_add((self.limits.entries as u64).saturating_mul(4096));
        if self.plain.get() > bytes.saturating_add(headers) {
            return refuse(format!("it unpacks to more than {bytes} bytes"));
        }
        Ok(())
    }
}

/// Counts the packed bytes.
struct Packed<'m, R> {
    inner: R,
    meter: &'m Meter<'m>,
}

impl<R: Read> Read for Packed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.meter.packed.set(self.meter.packed.get().saturating_add(read as u64));
        Ok(read)
    }
}

/// Counts the unpacked bytes.
struct Plain<'m, R> {
    inner: R,
    meter: &'m Meter<'m>,
}

impl<R: Read> Read for Plain<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.meter.count_plain(read as u64)?;
        Ok(read)
    }
}

/// The members of a gzip file, one after the other, up to the first bytes that are not one. (`flate2`'s own reader
/// treats such bytes as damage.)
struct Members<'m, R> {
    current: Option<GzDecoder<R>>,
    meter: &'m Meter<'m>,
}

impl<R: BufRead> Read for Members<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.current {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let rest = self.current.take().map(GzDecoder::into_inner);
            if let Some(mut rest) = rest
                && is_gzip(rest.fill_buf()?)
            {
                self.meter.count_member()?;
                self.current = Some(GzDecoder::new(rest));
            }
        }
        Ok(0)
    }
}
