use super::*;
use std::io::Write;
use zip::write::SimpleFileOptions;

fn bytes_of(artifact: &mut ModelAlgo, member: Member) -> Result<Vec<u8>> {
    artifact.read(member, 0, &Allowance::unbounded(), |bytes| Ok(bytes.to_vec()))
}

fn zipped(directory: &Path, method: CompressionMethod, members: &[(&str, &[u8])]) {
    let mut writer = zip::ZipWriter::new(File::create(directory.join(ARCHIVE)).unwrap());
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn stored_deflated_and_loose_files_give_the_same_bytes() {
    let params = [b"weights".repeat(1000), b"!".to_vec()].concat();
    let members: &[(&str, &[u8])] = &[("mx-mod-0000.params", &params), ("manifest.json", b"{}")];
    for how in 0..3 {
        let directory = tempfile::tempdir().unwrap();
        match how {
            0 => zipped(directory.path(), CompressionMethod::Stored, members),
            1 => zipped(directory.path(), CompressionMethod::Deflated, members),
            _ => members.iter().for_each(|(name, bytes)| std::fs::write(directory.path().join(name), bytes).unwrap()),
        }
        assert!(ModelAlgo::is_in(directory.path()));
        let mut artifact = ModelAlgo::open(directory.path()).unwrap();
        assert_eq!(bytes_of(&mut artifact, Member::Params).unwrap(), params);
        assert_eq!(bytes_of(&mut artifact, Member::Manifest).unwrap(), b"{}");
        assert!(artifact.has(Member::Manifest) && !artifact.has(Member::Symbol));
        let error = bytes_of(&mut artifact, Member::Symbol).unwrap_err();
        assert_eq!(error.cause(), Cause::BadArtifact);
        assert!(error.message().starts_with("mx-mod-symbol.json"), "{error}");
        assert!(error.message().ends_with("has no such file"), "{error}");
    }
}

#[test]
fn a_folder_without_the_artifact_and_a_file_that_is_not_a_zip_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    assert!(!ModelAlgo::is_in(directory.path()));
    let error = ModelAlgo::open(directory.path()).unwrap_err();
    assert!(error.message().contains("expected model_algo-1, or additional-params.json"), "{error}");
    std::fs::write(directory.path().join(ARCHIVE), b"not a zip at all").unwrap();
    let error = ModelAlgo::open(directory.path()).unwrap_err();
    assert_eq!(error.cause(), Cause::BadArtifact);
    assert!(
        error.message().starts_with("model_algo-1: expected a zip archive, found a file that is cut off or is not"),
        "{error}"
    );
}

#[test]
fn an_archive_of_another_algorithm_is_named_and_not_called_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let refusal = |bytes: &[u8]| {
        std::fs::write(directory.path().join(ARCHIVE), bytes).unwrap();
        let error = ModelAlgo::open(directory.path()).unwrap_err();
        (error.cause(), error.to_string())
    };
    let (cause, message) = refusal(&[MXNET, &[0; 88]].concat());
    assert_eq!(cause, Cause::Unsupported);
    assert!(message.starts_with("model_algo-1: parameters of MXNet, as SageMaker's K-Means, PCA"), "{message}");
    assert!(message.contains("only the linear learner is read"), "{message}");
    let (cause, message) = refusal(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    assert_eq!(cause, Cause::NotPulled);
    assert!(message.contains("git lfs pull"), "{message}");
    zipped(directory.path(), CompressionMethod::Stored, &[("params", b"x"), ("symbol.json", b"{}")]);
    let error = ModelAlgo::open(directory.path()).unwrap().check_is_linear_learner().unwrap_err();
    assert_eq!(error.cause(), Cause::Unsupported);
    assert!(error.message().ends_with("found params, symbol.json"), "{error}");
}

#[test]
fn a_damaged_file_is_refused_by_its_checksum() {
    let directory = tempfile::tempdir().unwrap();
    zipped(directory.path(), CompressionMethod::Stored, &[("mx-mod-0000.params", b"weights")]);
    let path = directory.path().join(ARCHIVE);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(7).position(|window| window == b"weights").unwrap();
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = bytes_of(&mut ModelAlgo::open(directory.path()).unwrap(), Member::Params).unwrap_err();
    assert_eq!(error.cause(), Cause::BadArtifact);
    assert!(error.message().starts_with("mx-mod-0000.params in model_algo-1: cannot be read"), "{error}");
}

#[test]
fn an_archive_with_far_more_files_than_an_artifact_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..1025).map(|number| number.to_string()).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    zipped(directory.path(), CompressionMethod::Stored, &members);
    let error = ModelAlgo::open(directory.path()).unwrap_err();
    assert!(error.message().contains("expected at most 1024 files, found 1025"), "{error}");
    zipped(directory.path(), CompressionMethod::Stored, &members[1..]);
    assert!(ModelAlgo::open(directory.path()).is_ok());
}

#[test]
fn a_file_of_one_repeated_number_that_unpacks_to_far_more_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let zeros = vec![0; (ALWAYS_ALLOWED + 1) as usize];
    zipped(directory.path(), CompressionMethod::Deflated, &[("mx-mod-0000.params", &zeros)]);
    let error = ModelAlgo::open(directory.path()).unwrap().places(&["x"]).unwrap_err();
    assert!(error.message().contains("expected a stored or deflated file within"), "{error}");
}

/// The sizes are at fixed positions in a zip's central directory (APPNOTE.TXT 4.3.12).
#[test]
fn an_impossible_size_is_refused_before_memory_is_taken() {
    for (method, member, size, expected) in [
        (CompressionMethod::Deflated, Member::Params, 0x7fff_ffff_u32, "expected a stored or deflated file within"),
        (CompressionMethod::Stored, Member::Params, 0x7fff_ffff, "expected a stored or deflated file within"),
        (CompressionMethod::Deflated, Member::Manifest, 2 << 20, "expected at most 1048576 bytes, found 2097152"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        zipped(directory.path(), method, &[(member.name(), b"{}")]);
        let path = directory.path().join(ARCHIVE);
        let mut bytes = std::fs::read(&path).unwrap();
        let entry = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        bytes[entry + 24..entry + 28].copy_from_slice(&size.to_le_bytes());
        if method == CompressionMethod::Stored {
            bytes[entry + 20..entry + 24].copy_from_slice(&size.to_le_bytes());
        }
        std::fs::write(&path, bytes).unwrap();
        let error = bytes_of(&mut ModelAlgo::open(directory.path()).unwrap(), member).unwrap_err();
        assert!(error.message().contains(expected), "{error}");
    }
}
