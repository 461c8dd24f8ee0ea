//! Archives, honest and hostile, with headers made by hand where the `tar` crate would not write them.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tar::{EntryType, Header};

use super::targz::*;
use crate::error::{Cause, chain};

/// One entry: header, data, padding.
fn entry(name: &[u8], kind: EntryType, data: &[u8]) -> Vec<u8> {
    entry_with(name, kind, data, |_| {})
}

fn entry_with(name: &[u8], kind: EntryType, data: &[u8], change: impl FnOnce(&mut Header)) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_size(data.len() as u64);
    header.set_mode(0o644);
    header.set_entry_type(kind);
    change(&mut header);
    header.set_cksum();
    let padding = vec![0; data.len().next_multiple_of(512) - data.len()];
    [header.as_bytes(), data, &padding].concat()
}

fn file(name: &str, data: &[u8]) -> Vec<u8> {
    entry(name.as_bytes(), EntryType::Regular, data)
}

fn folder(name: &str) -> Vec<u8> {
    entry(name.as_bytes(), EntryType::Directory, b"")
}

/// A tar archive of entries, with the two empty blocks at its end.
fn tar(entries: &[Vec<u8>]) -> Vec<u8> {
    [entries.concat(), vec![0; 1024]].concat()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(plain).unwrap();
    packed.finish().unwrap()
}

/// An empty folder to unpack in, and the destination within it.
fn destination() -> (tempfile::TempDir, PathBuf) {
    let around = tempfile::tempdir().unwrap();
    let destination = around.path().join("models").join("one");
    (around, destination)
}

/// All files below a folder, as (name, data).
fn files(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => folders.push(path),
                false => found.push((
                    path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(),
                    std::fs::read(&path).unwrap(),
                )),
            }
        }
    }
    found.sort();
    found
}

/// Unpacks an archive that must be refused, and looks that nothing is left behind.
#[track_caller]
fn assert_refused(archive: &[u8], limits: Limits, expected: &str) {
    let (around, destination) = destination();
    let error = unpack(archive, &destination, &limits).expect_err("the archive was unpacked");
    assert!(chain(&error).to_string().contains(expected), "{}", chain(&error));
    assert_eq!(error.cause(), Cause::BadArtifact, "{error}");
    assert_eq!(files(around.path()), [], "{error}");
    assert_eq!(std::fs::read_dir(destination.parent().unwrap()).unwrap().count(), 0, "{error}");
}

#[test]
fn an_archive_is_unpacked_to_a_folder_of_the_same_files() {
    let plain = tar(&[
        folder("./"),
        file("./model.joblib", b"model"),
        folder("code/"),
        file("code/inference.py", b"pass\n"),
        file("deep/er/empty", b""),
    ]);
    for archive in [gzip(&plain), plain] {
        let (_around, destination) = destination();
        let unpacked = unpack(&archive[..], &destination, &Limits::default()).unwrap();
        assert_eq!(unpacked, Unpacked { files: 3, bytes: 10 });
        let expected = [("code/inference.py", &b"pass\n"[..]), ("deep/er/empty", b""), ("model.joblib", b"model")];
        assert_eq!(files(&destination), expected.map(|(name, data)| (name.to_owned(), data.to_vec())));
        assert_eq!(std::fs::read_dir(destination.parent().unwrap()).unwrap().count(), 1);
    }
}

#[test]
fn what_the_tar_crate_writes_is_read_with_long_names_and_its_executables() {
    let long = format!("{}/{}.txt", "folder".repeat(30), "name".repeat(30));
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut header = Header::new_gnu();
    header.set_size(4);
    header.set_mode(0o4777);
    builder.append_data(&mut header, &long, &b"long"[..]).unwrap();
    let archive = builder.into_inner().unwrap().finish().unwrap();
    let (_around, destination) = destination();
    unpack(&archive[..], &destination, &Limits::default()).unwrap();
    assert_eq!(files(&destination), [(long.clone(), b"long".to_vec())]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&destination.join(&long)), 0o755);
        assert_eq!(mode(destination.join(&long).parent().unwrap()), 0o755);
        assert_eq!(mode(&destination), 0o755);
    }
}

#[cfg(unix)]
#[test]
fn unpacked_files_have_the_modes_of_ordinary_files() {
    use std::os::unix::fs::PermissionsExt;
    for (packed, expected) in [(0o600, 0o644), (0o777, 0o755), (0o6666, 0o644), (0, 0o644), (0o7111, 0o755)] {
        let archive = tar(&[entry_with(b"f", EntryType::Regular, b"", |header| header.set_mode(packed))]);
        let (_around, destination) = destination();
        unpack(&archive[..], &destination, &Limits::default()).unwrap();
        let mode = std::fs::metadata(destination.join("f")).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, expected, "{packed:o}");
    }
}

#[test]
fn a_pax_header_may_carry_a_long_or_foreign_name() {
    let name = format!("{}/modèle.joblib", "a".repeat(200));
    let record = format!(" path={name}\n");
    let length = record.len() + (record.len() + 3).to_string().len();
    let record = format!("{length}{record}");
    let comment =
        entry(b"pax_global_header", EntryType::XGlobalHeader, b"52 comment=0123456789012345678901234567890123456789\n");
    let archive =
        tar(&[comment, entry(b"PaxHeaders/x", EntryType::XHeader, record.as_bytes()), file("short", b"data")]);
    let (_around, destination) = destination();
    unpack(&archive[..], &destination, &Limits::default()).unwrap();
    assert_eq!(files(&destination), [(name, b"data".to_vec())]);
}

#[test]
fn the_later_of_two_files_with_the_same_name_is_kept() {
    let (_around, destination) = destination();
    unpack(&tar(&[file("a", b"first, and longer"), file("a", b"second")])[..], &destination, &Limits::default())
        .unwrap();
    assert_eq!(files(&destination), [("a".to_owned(), b"second".to_vec())]);
}

#[test]
fn an_entry_for_the_root_is_the_destination_folder() {
    let regular = |name: &str| entry(name.as_bytes(), EntryType::Regular, b"");
    for root in ["/", "./", ".", "//", "/.", "/./", ".//."] {
        let archive =
            tar(&[folder(root), folder("code/"), file("code/inference.py", b"x"), file("model.joblib", b"y")]);
        let (_around, destination) = destination();
        unpack(&*gzip(&archive), &destination, &Limits::default()).unwrap_or_else(|error| panic!("{root}: {error}"));
        let expected = [("code/inference.py", "x"), ("model.joblib", "y")];
        assert_eq!(files(&destination), expected.map(|(name, data)| (name.into(), data.into())), "{root}");
    }
    // The first tars wrote a folder as a file whose name ends in a slash.
    let (_around, destination) = destination();
    unpack(&*tar(&[regular("/"), file("a", b"x")]), &destination, &Limits::default()).unwrap();
    for (root, expected) in [
        ("/..", "an absolute name"),
        ("./..", ".. is refused"),
        ("/etc/", "an absolute name"),
        ("/./etc", "an absolute name"),
    ] {
        assert_refused(&tar(&[folder(root)]), Limits::default(), expected);
    }
    for root in ["/", "/."] {
        let link = entry_with(root.as_bytes(), EntryType::Symlink, b"", |header| header.set_link_name("/etc").unwrap());
        assert_refused(&tar(&[link]), Limits::default(), "");
    }
    assert_refused(&tar(&[regular("/.")]), Limits::default(), "an absolute name");
}

#[test]
fn names_outside_the_folder_are_refused() {
    for (name, expected) in [
        (&b"../evil"[..], "a name with .. is refused"),
        (b"a/../../evil", "a name with .. is refused"),
        (b"..", "a name with .. is refused"),
        (b"/etc/passwd", "an absolute name is refused"),
        (b"//server/share", "an absolute name is refused"),
        (b"C:/windows", "an absolute name is refused"),
        (b"c:evil", "an absolute name is refused"),
        (b"C:\\windows", "backslash"),
        (b"..\\evil", "backslash"),
        (b"\xff\xfe", "not UTF-8"),
        (b".", "a file without a name"),
        (b"", "a file without a name"),
    ] {
        let archive = tar(&[file("model.joblib", b"fine"), entry(name, EntryType::Regular, b"evil")]);
        assert_refused(&gzip(&archive), Limits::default(), expected);
        let shown = String::from_utf8_lossy(name).escape_debug().to_string();
        assert_refused(&archive, Limits::default(), &format!("entry \"{shown}\" of the archive"));
    }
}

#[test]
fn links_and_devices_are_refused() {
    for (kind, expected) in [
        (EntryType::Symlink, "links are refused"),
        (EntryType::Link, "links are refused"),
        (EntryType::Char, "of type '3'"),
        (EntryType::Block, "of type '4'"),
        (EntryType::Fifo, "of type '6'"),
        (EntryType::Continuous, "of type '7'"),
        (EntryType::GNUSparse, "of type 'S'"),
        (EntryType::new(b'Z'), "of type 'Z'"),
    ] {
        let link = entry_with(b"model.joblib", kind, b"", |header| {
            header.as_old_mut().linkname[..11].copy_from_slice(b"/etc/passwd");
            header.as_gnu_mut().unwrap().set_real_size(0);
        });
        assert_refused(&tar(&[link]), Limits::default(), expected);
    }
    let through_a_link = [
        entry_with(b"out", EntryType::Symlink, b"", |header| {
            header.as_old_mut().linkname[..4].copy_from_slice(b"/tmp")
        }),
        file("out/evil", b"evil"),
    ];
    assert_refused(&tar(&through_a_link), Limits::default(), "entry \"out\" of the archive: links are refused");
}

#[test]
fn files_and_folders_do_not_replace_each_other() {
    let standing = "a file stands where the archive has a folder";
    assert_refused(&tar(&[folder("a/"), file("a", b"x")]), Limits::default(), standing);
    assert_refused(&tar(&[file("a/b", b"x"), file("a", b"x")]), Limits::default(), standing);
    let standing = "a folder stands where the archive has a file";
    assert_refused(&tar(&[file("a", b"x"), folder("a/")]), Limits::default(), standing);
    assert_refused(&tar(&[file("a", b"x"), file("a/b", b"x")]), Limits::default(), standing);
}

#[test]
fn an_archive_within_its_limits_is_unpacked_and_one_beyond_is_refused() {
    let archive = tar(&[file("a", &[1; 600]), file("b", &[2; 400])]);
    let limits = Limits { entries: 2, bytes: 1000, ratio: 1 };
    let (_around, destination) = destination();
    assert_eq!(unpack(&archive[..], &destination, &limits).unwrap(), Unpacked { files: 2, bytes: 1000 });
    assert_refused(&archive, Limits { entries: 1, ..limits }, "more than 1 files and folders");
    assert_refused(&archive, Limits { bytes: 999, ..limits }, "more than 999 bytes in total");
    let announced = entry_with(b"a", EntryType::Regular, b"", |header| header.set_size(1 << 40));
    assert_refused(&tar(&[announced]), Limits::default(), "bytes in total");
}

#[test]
fn folders_that_are_only_implied_by_names_count_as_entries() {
    let limits = |entries| Limits { entries, ..Limits::default() };
    // Three folders and a file; two of the folders and a file more; a folder that is there already, and nothing more.
    let archive = tar(&[file("a/b/c/d", b""), file("a/x/y/d", b""), folder("a/b/"), file("a/b/d", b"")]);
    let (_around, destination) = destination();
    assert_eq!(unpack(&archive[..], &destination, &limits(9)).unwrap().files, 3);
    assert_refused(&archive, limits(8), "more than 8 files and folders");
    for named in [folder("a/b/c/"), file("a/b/c", b"")] {
        let (_around, destination) = self::destination();
        unpack(&tar(std::slice::from_ref(&named))[..], &destination, &limits(3)).unwrap();
        assert_refused(&tar(&[named]), limits(2), "more than 2 files and folders");
    }
}

#[test]
fn a_small_archive_of_deep_names_creates_no_more_folders_than_the_limit() {
    let deep = |number: usize| format!("{number}{}", "/f".repeat(40));
    let entries: Vec<Vec<u8>> = (0..1000).map(|number| folder(&deep(number))).collect();
    let limits = Limits { entries: 300, ..Limits::default() };
    assert_refused(&gzip(&tar(&entries)), limits, "more than 300 files and folders");
    // Each entry is 41 folders.
    assert_refused(&tar(&entries), limits, "entry \"7/f");
}

#[test]
fn entries_without_a_file_and_replaced_files_count_as_entries() {
    let comment = entry(b"pax_global_header", EntryType::XGlobalHeader, b"11 comment=\n");
    for entry in [file("a", b""), folder("a/"), folder("./"), comment] {
        assert_refused(&tar(&vec![entry; 30]), Limits { entries: 29, ..Limits::default() }, "more than 29 files");
    }
}

#[test]
fn empty_gzip_members_are_counted_and_full_ones_are_not() {
    let plain = tar(&[file("a", &[7; 200_000])]);
    let limits = Limits { entries: 20, ..Limits::default() };
    let (_around, destination) = destination();
    let blocks: Vec<u8> = plain.chunks(5000).flat_map(gzip).collect();
    assert!(plain.len() / 5000 > 20);
    assert_eq!(unpack(&blocks[..], &destination, &limits).unwrap().files, 1);
    let empty = gzip(b"").repeat(20 + plain.len() / 4096 + 1);
    assert_refused(&[gzip(&plain), empty].concat(), limits, "gzip members that hold next to nothing");
    let crumbs: Vec<u8> = plain.chunks(1000).flat_map(gzip).collect();
    assert_refused(&crumbs, limits, "gzip members that hold next to nothing");
}

/// A gzip stream of a head and then as many zeros as are read of it.
fn bomb(head: &[u8], zeros: u64) -> impl Read {
    flate2::read::GzEncoder::new(head.chain(std::io::repeat(0).take(zeros)), flate2::Compression::fast())
}

#[test]
fn a_bomb_is_refused_by_its_ratio_at_any_position() {
    let size = 80 << 20;
    let limits = Limits { ratio: 50, ..Limits::default() };
    let in_a_file = entry_with(b"zeros", EntryType::Regular, b"", |header| header.set_size(size));
    let behind_the_end = tar(&[file("a", b"x")]);
    for (head, expected) in
        [(in_a_file, "more than 50 times its size"), (behind_the_end, "more than 50 times its size")]
    {
        let (around, destination) = destination();
        let error = unpack(bomb(&head, size), &destination, &limits).expect_err("unpacked");
        let error = chain(&error).to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(files(around.path()), []);
    }
    // A long name is kept in memory by the tar crate, so it ends long before the ratio.
    for kind in [EntryType::GNULongName, EntryType::XHeader] {
        let in_a_name = entry_with(b"name", kind, b"", |header| header.set_size(size));
        let (_around, destination) = destination();
        let error = unpack(bomb(&in_a_name, size), &destination, &limits).expect_err("unpacked");
        let error = chain(&error).to_string();
        assert!(error.contains("headers and names of more than"), "{error}");
    }
}

#[test]
fn an_archive_cut_off_or_damaged_anywhere_is_refused_and_leaves_nothing() {
    let noise: Vec<u8> = (0..1500u32).map(|index| (index.wrapping_mul(2654435761) >> 13) as u8).collect();
    let archive = gzip(&tar(&[file("model.joblib", &noise), file("b", b"bb")]));
    for length in (0..archive.len()).step_by(7).chain(archive.len() - 9..archive.len()) {
        assert_refused(&archive[..length], Limits::default(), "archive");
    }
    let mut wrong_checksum = archive.clone();
    let place = wrong_checksum.len() - 6;
    wrong_checksum[place] ^= 1;
    assert_refused(&wrong_checksum, Limits::default(), "corrupt");
    let plain = tar(&[file("model.joblib", &noise)]);
    assert_refused(&plain[..1000], Limits::default(), "cut off");
}

#[test]
fn what_is_not_an_archive_is_refused() {
    assert_refused(b"", Limits::default(), "the archive is empty");
    assert_refused(&b"<html>not found</html>".repeat(60), Limits::default(), "expected a tar archive");
    assert_refused(&gzip(&b"a model, but not in a tar ".repeat(60)), Limits::default(), "expected a tar archive");
}

#[test]
fn bytes_after_the_archive_are_ignored_and_gzip_members_are_joined() {
    let plain = tar(&[file("a", &[7; 700]), file("b", b"bb")]);
    let (front, back) = plain.split_at(900);
    let with_garbage = [gzip(&plain), b"garbage".to_vec()].concat();
    let in_members = [gzip(front), gzip(back), vec![0; 100]].concat();
    for archive in [with_garbage, in_members] {
        let (_around, destination) = destination();
        assert_eq!(unpack(&archive[..], &destination, &Limits::default()).unwrap().files, 2);
    }
}

#[test]
fn an_existing_destination_stays_unchanged() {
    let (_around, destination) = destination();
    std::fs::create_dir_all(&destination).unwrap();
    std::fs::write(destination.join("mine"), b"mine").unwrap();
    let error = unpack(&tar(&[file("a", b"x")])[..], &destination, &Limits::default()).unwrap_err();
    assert_eq!(error.cause(), Cause::Io);
    assert_eq!(files(&destination), [("mine".to_owned(), b"mine".to_vec())]);
}

/// A reader of some bytes that then fails as a disk or a network does.
struct Failing<'b>(&'b [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
            read => Ok(read),
        }
    }
}

#[test]
fn an_archive_that_cannot_be_read_is_not_reported_as_damaged() {
    let archive = tar(&[file("a", &[1; 5000])]);
    for archive in [gzip(&archive), archive] {
        for length in [0, 10, archive.len() / 2] {
            let (around, destination) = destination();
            let error = unpack(Failing(&archive[..length]), &destination, &Limits::default()).unwrap_err();
            assert_eq!(error.cause(), Cause::Io, "{length}: {error}");
            assert_eq!(files(around.path()), []);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a header is turned into: nothing appears outside the destination.
    #[test]
    fn damaged_headers_never_write_outside_the_destination(
        flips in proptest::collection::vec((0..512usize, any::<u8>()), 1..8), fix_checksum in any::<bool>(),
    ) {
        let mut first = entry_with(b"folder/model.joblib", EntryType::Regular, b"data", |_| {});
        for (place, value) in flips {
            first[place] = value;
        }
        if fix_checksum {
            let mut header = Header::from_byte_slice(&first[..512]).clone();
            header.set_cksum();
            first[..512].copy_from_slice(header.as_bytes());
        }
        let (around, destination) = destination();
        let outcome = unpack(&tar(&[first, file("last", b"x")])[..], &destination, &Limits::default());
        let inside = std::fs::read_dir(around.path()).unwrap().count();
        prop_assert_eq!(inside, 1);
        let beside = std::fs::read_dir(destination.parent().unwrap()).unwrap().count();
        prop_assert_eq!(beside, usize::from(outcome.is_ok()));
    }
}
