//! Locations of objects, folders and prefixes: a path, a `file://` URL, or an S3 URL, which may be `s3://` or
//! `https://`. SageMaker's API accepts both forms (the shapes S3Uri, S3ModelUri and Url of botocore:
//! `(https|s3)://([^/]+)/?(.*)`).

use std::fmt;
use std::path::{Path, PathBuf};

/// The location of an object, or of a folder or prefix of objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// On this machine.
    Local(PathBuf),
    /// In S3.
    S3 {
        /// The bucket.
        bucket: String,
        /// The key, or the prefix of keys.
        key: String,
    },
}

impl Location {
    /// Parses a path or a URL. A relative path is relative to `folder`.
    ///
    /// # Errors
    /// A message that does not quote the input.
    pub fn parse(as_written: &str, folder: &Path) -> Result<Location, String> {
        if as_written.is_empty() || as_written.contains('\0') {
            return Err("expected a path, a file:// URL or an s3:// URL".to_owned());
        }
        match as_written.split_once("://") {
            None => Ok(Location::Local(folder.join(as_written))),
            Some(("file", path)) => Ok(Location::Local(folder.join(path))),
            Some(("s3", rest)) => match rest.split_once('/').unwrap_or((rest, "")) {
                ("", _) => Err("expected s3://BUCKET/KEY".to_owned()),
                (bucket, key) => Ok(Location::S3 { bucket: bucket.to_owned(), key: key.to_owned() }),
            },
            Some(("https", rest)) => parse_https(rest),
            Some((scheme, _)) => {
                Err(format!("{scheme}:// is not supported; give a path, a file:// URL or an s3:// URL"))
            }
        }
    }

    /// The same, with an error that quotes the input unless it is empty.
    ///
    /// # Errors
    /// Those of [`Location::parse`].
    pub fn parse_quoting(as_written: &str, folder: &Path) -> Result<Location, String> {
        let quoted = |problem| if as_written.is_empty() { problem } else { format!("{as_written:?}: {problem}") };
        Location::parse(as_written, folder).map_err(quoted)
    }

    /// The location of `name` below this one. Joins them with exactly one slash.
    pub fn below(&self, name: &str) -> Location {
        match self {
            Location::Local(folder) => Location::Local(folder.join(name)),
            Location::S3 { bucket, key } => {
                let prefix = key.trim_end_matches('/');
                let key = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
                Location::S3 { bucket: bucket.clone(), key }
            }
        }
    }
}

/// Parses an `https://` URL of S3. `rest` is the part after `https://`.
fn parse_https(rest: &str) -> Result<Location, String> {
    const EXPECTED: &str = "expected s3://BUCKET/KEY, https://BUCKET.s3.REGION.amazonaws.com/KEY or \
                            https://s3.REGION.amazonaws.com/BUCKET/KEY";
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if rest.contains(['?', '#']) {
        return Err(format!(
            "a URL with a query or a fragment, such as a presigned one, does not name an object; {EXPECTED}"
        ));
    }
    let host = host.strip_suffix(":443").unwrap_or(host).to_ascii_lowercase();
    let not_s3 = || format!("{host} is not a host of Amazon S3; for another S3 server use s3:// as well; {EXPECTED}");
    let (bucket, key) = match bucket_in_host(&host).ok_or_else(not_s3)? {
        "" => path.split_once('/').unwrap_or((path, "")),
        bucket => (bucket, path),
    };
    let decoded = |text: &str| {
        percent_decoded(text).ok_or_else(|| format!("its percent-encoding is invalid, or not UTF-8; {EXPECTED}"))
    };
    let (bucket, key) = (decoded(bucket)?, decoded(key)?);
    if bucket.is_empty() {
        return Err(format!("it names no bucket; {EXPECTED}"));
    }
    if key.contains('\0') {
        return Err(format!("its key has a NUL character; {EXPECTED}"));
    }
    Ok(Location::S3 { bucket, key })
}

/// The bucket in the name of an S3 host, empty if the bucket is in the path. `None` for other hosts
/// (docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html, .../dual-stack-endpoints.html and
/// docs.aws.amazon.com/general/latest/gr/s3.html).
fn bucket_in_host(host: &str) -> Option<&str> {
    /// AWS's partitions: all, China, the European Sovereign Cloud, and the two isolated ones.
    const DOMAINS: [&str; 5] =
        [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".c2s.ic.gov", ".sc2s.sgov.gov"];
    let mut name = DOMAINS.into_iter().find_map(|domain| host.strip_suffix(domain))?;
    let mut take_last = || {
        let (before, last) = name.rsplit_once('.').unwrap_or(("", name));
        name = before;
        last
    };
    let mut label = take_last();
    // The name of a bucket may have dots and labels that look like S3's own. The rightmost ones are S3's.
    let mut has_region = false;
    if is_region(label) {
        has_region = true;
        label = take_last();
    }
    if label == "dualstack" {
        label = take_last();
    }
    let is_s3 = match label {
        "s3" | "s3-fips" | "s3-accelerate" => true,
        // The old form `s3-REGION`, and `s3-external-1` for us-east-1.
        other => {
            !has_region
                && other.strip_prefix("s3-").is_some_and(|place| {
                    place == "external-1"
                        || !place.starts_with("website-") && is_region(place.strip_prefix("fips-").unwrap_or(place))
                })
        }
    };
    is_s3.then_some(name)
}

/// Whether a text looks like a region such as `us-gov-west-1`: words followed by a number.
fn is_region(text: &str) -> bool {
    let mut words = text.split('-').rev();
    let number = words.next().unwrap_or_default();
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let mut count = 0;
    let all_words = words.all(|word| {
        count += 1;
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())
    });
    is_number && all_words && count >= 2
}

/// Decodes a URL path as S3 does: `%20` and `+` are spaces, as in the URLs of the S3 console.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' => {
                let (digits, after) = rest.split_at_checked(2)?;
                let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = after;
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for Location {
    /// Writes the location as a URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Local(path) => write!(f, "file://{}", path.display()),
            Location::S3 { bucket, key } => write!(f, "s3://{bucket}/{key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_path_or_a_url_of_a_file_or_of_s3() {
        let s3 = |bucket: &str, key: &str| Location::S3 { bucket: bucket.into(), key: key.into() };
        for (name, expected, url) in [
            ("a/b", Location::Local("/folder/a/b".into()), "file:///folder/a/b"),
            ("/a", Location::Local("/a".into()), "file:///a"),
            ("file:///a/b", Location::Local("/a/b".into()), "file:///a/b"),
            ("s3://bucket/k/e/y", s3("bucket", "k/e/y"), "s3://bucket/k/e/y"),
            ("s3://bucket", s3("bucket", ""), "s3://bucket/"),
        ] {
            let location = Location::parse(name, Path::new("/folder")).unwrap();
            assert_eq!(location, expected);
            assert_eq!(location.to_string(), url);
        }
        for (name, message) in [
            ("", "expected a path"),
            ("a\0b", "expected a path"),
            ("s3:///key", "expected s3://BUCKET/KEY"),
            ("gs://bucket/key", "gs:// is not supported"),
        ] {
            let error = Location::parse(name, Path::new("/folder")).unwrap_err();
            assert!(error.starts_with(message), "{name:?}: {error}");
        }
    }

    #[test]
    fn an_https_url_of_s3_means_the_same_as_its_s3_url() {
        for (url, expected) in [
            // Virtual-hosted: regional, global, with a dash, dual-stack, FIPS, accelerated, China.
            ("bucket.s3.eu-west-1.amazonaws.com/k/e/y.csv", "s3://bucket/k/e/y.csv"),
            ("bucket.s3.amazonaws.com/k/", "s3://bucket/k/"),
            ("bucket.s3-us-west-2.amazonaws.com/k", "s3://bucket/k"),
            ("bucket.s3-external-1.amazonaws.com/k", "s3://bucket/k"),
            ("bucket.s3.dualstack.us-gov-west-1.amazonaws.com/k", "s3://bucket/k"),
            ("bucket.s3-fips.us-east-1.amazonaws.com/k", "s3://bucket/k"),
            ("bucket.s3-fips.dualstack.us-east-1.amazonaws.com/k", "s3://bucket/k"),
            ("bucket.s3-fips-us-gov-west-1.amazonaws.com/k", "s3://bucket/k"),
            ("bucket.s3-accelerate.amazonaws.com/k", "s3://bucket/k"),
            ("bucket.s3-accelerate.dualstack.amazonaws.com/k", "s3://bucket/k"),
            ("bucket.s3.cn-north-1.amazonaws.com.cn/k", "s3://bucket/k"),
            ("my.logs.s3.us-east-1.amazonaws.com/k", "s3://my.logs/k"),
            ("s3.in.the.name.s3.amazonaws.com/k", "s3://s3.in.the.name/k"),
            ("x.s3.us-east-1.s3.us-east-1.amazonaws.com/k", "s3://x.s3.us-east-1/k"),
            ("BUCKET.S3.EU-west-1.amazonaws.com:443/Key", "s3://bucket/Key"),
            ("bucket.s3.amazonaws.com", "s3://bucket/"),
            // By path.
            ("s3.eu-west-1.amazonaws.com/bucket/k/e/y.csv", "s3://bucket/k/e/y.csv"),
            ("s3.amazonaws.com/bucket/k", "s3://bucket/k"),
            ("s3-us-west-2.amazonaws.com/bucket/k", "s3://bucket/k"),
            ("s3.dualstack.us-east-1.amazonaws.com/bucket/k", "s3://bucket/k"),
            ("s3-fips.us-east-1.amazonaws.com/bucket/k", "s3://bucket/k"),
            ("s3.cn-north-1.amazonaws.com.cn/my.bucket/", "s3://my.bucket/"),
            ("s3.amazonaws.com/bucket", "s3://bucket/"),
            // As S3 reads a path.
            ("bucket.s3.amazonaws.com/a%20b+c/%C3%A9%2B%25.csv", "s3://bucket/a b c/é+%.csv"),
        ] {
            let location = Location::parse(&format!("https://{url}"), Path::new("/folder"));
            assert_eq!(location.map(|location| location.to_string()).as_deref(), Ok(expected), "{url}");
        }
        for (url, message) in [
            ("host/key", "host is not a host of Amazon S3"),
            ("", "not a host of Amazon S3"),
            ("amazonaws.com/bucket/k", "not a host of Amazon S3"),
            ("bucket.s3.example.com/k", "not a host of Amazon S3"),
            ("sagemaker.us-east-1.amazonaws.com/k", "not a host of Amazon S3"),
            ("point-123456789012.s3-accesspoint.us-east-1.amazonaws.com/k", "not a host of Amazon S3"),
            ("bucket.s3-website-us-east-1.amazonaws.com/k", "not a host of Amazon S3"),
            ("bucket.s3.amazonaws.com:9000/k", "not a host of Amazon S3"),
            ("s3.amazonaws.com/", "it names no bucket"),
            ("s3.amazonaws.com", "it names no bucket"),
            ("bucket.s3.amazonaws.com/k?X-Amz-Signature=1", "a URL with a query"),
            ("bucket.s3.amazonaws.com/k%2", "percent-encoding is invalid"),
            ("bucket.s3.amazonaws.com/k%+1", "percent-encoding is invalid"),
            ("bucket.s3.amazonaws.com/%ff", "percent-encoding is invalid"),
            ("bucket.s3.amazonaws.com/%00", "NUL"),
        ] {
            let problem = Location::parse(&format!("https://{url}"), Path::new("/folder")).unwrap_err();
            assert!(problem.contains(message), "{url}: {problem}");
            assert!(problem.contains("expected s3://BUCKET/KEY"), "{url}: {problem}");
        }
    }

    #[test]
    fn below_adds_exactly_one_slash() {
        for (place, expected) in [
            ("s3://bucket", "s3://bucket/a/b"),
            ("s3://bucket/", "s3://bucket/a/b"),
            ("s3://bucket/prefix", "s3://bucket/prefix/a/b"),
            ("s3://bucket/prefix/", "s3://bucket/prefix/a/b"),
            ("/folder/", "file:///folder/a/b"),
        ] {
            assert_eq!(Location::parse(place, Path::new("/")).unwrap().below("a/b").to_string(), expected);
        }
    }
}
