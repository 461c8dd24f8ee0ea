//! The memory that this process may use: the smallest of its cgroup limits, RLIMIT_AS and the machine's memory.

use std::path::Path;

/// The memory limit of this process in bytes. `None` if the system reports none.
pub fn memory() -> Option<u64> {
    [cgroup_limit(Path::new("/sys/fs/cgroup"), Path::new("/proc/self/cgroup")), free_address_space(), machine_memory()]
        .into_iter()
        .flatten()
        .min()
}

/// The smallest memory limit of the process's cgroups and their parents (docs.kernel.org/admin-guide/cgroup-v2.html and
/// cgroup-v1/memory.html): `memory.max` in version 2, `memory.limit_in_bytes` in version 1, where "no limit" is a
/// number larger than any machine's memory. Inside a container the parents are usually hidden, and the container's own
/// cgroup is the root.
fn cgroup_limit(mounted_at: &Path, groups: &Path) -> Option<u64> {
    let groups = std::fs::read_to_string(groups).unwrap_or_default();
    let limit = |folder: &Path| {
        let files = ["memory.max", "memory.limit_in_bytes"].into_iter();
        files.filter_map(|file| std::fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok()).min()
    };
    let roots = ["", "memory", "unified"].map(|name| mounted_at.join(name));
    let of_roots = roots.iter().filter_map(|root| limit(root));
    // `0::/path` of version 2, `4:memory:/path` of version 1.
    let own = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        (controllers.is_empty() || controllers.split(',').any(|name| name == "memory")).then_some(path)
    });
    let folders = own.flat_map(|path| Path::new(path.trim_start_matches('/')).ancestors());
    let of_own = folders.flat_map(|folder| roots.iter().filter_map(move |root| limit(&root.join(folder))));
    of_roots.chain(of_own).min()
}

/// Whether RLIMIT_AS limits the virtual memory of this process.
pub fn has_address_space_limit() -> bool {
    rustix::process::getrlimit(rustix::process::Resource::As).current.is_some()
}

/// The virtual memory under RLIMIT_AS that is not mapped yet.
#[cfg(target_os = "linux")]
fn free_address_space() -> Option<u64> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::As).current?;
    let mapped = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = mapped.split(' ').next()?.parse().ok()?;
    Some(limit.saturating_sub(pages.saturating_mul(rustix::param::page_size() as u64)))
}

#[cfg(not(target_os = "linux"))]
fn free_address_space() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::As).current
}

#[cfg(target_os = "linux")]
fn machine_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(not(target_os = "linux"))]
fn machine_memory() -> Option<u64> {
    let output = std::process::Command::new("sysctl").args(["-n", "hw.memsize"]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// The limit with these files below the mount and this content of `/proc/self/cgroup`.
    fn limit(files: &[(&str, &str)], groups: &str) -> Option<u64> {
        let folder = tempfile::tempdir().unwrap();
        let mounted_at = folder.path().join("cgroup");
        for (file, text) in files {
            let path = mounted_at.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let own = folder.path().join("self");
        fs::write(&own, groups).unwrap();
        cgroup_limit(&mounted_at, &own)
    }

    #[test]
    fn the_smallest_limit_of_nested_cgroups_applies() {
        let files = [("a/memory.max", "500\n"), ("a/b/memory.max", "max\n"), ("a/b/c/memory.max", "700\n")];
        assert_eq!(limit(&files, "0::/a/b/c\n"), Some(500));
        assert_eq!(limit(&files, "0::/a/b\n"), Some(500));
        assert_eq!(limit(&files, "0::/\n"), None);
    }

    #[test]
    fn version_1_is_read_with_and_without_version_2_and_inside_a_container() {
        let none = "9223372036854771712\n";
        let files = [("memory/x/memory.limit_in_bytes", "300\n"), ("memory/memory.limit_in_bytes", none)];
        assert_eq!(limit(&files, "5:cpu:/x\n4:memory:/x\n0::/\n"), Some(300));
        // In a container the mount's root is its own cgroup, but /proc has the path on the host.
        let inside = [("memory/memory.limit_in_bytes", "200\n")];
        assert_eq!(limit(&inside, "4:memory:/docker/0123\n"), Some(200));
        assert_eq!(limit(&[("memory.max", "100\n")], "0::/\n"), Some(100));
        assert_eq!(limit(&[], ""), None);
    }

    #[test]
    fn this_machine_has_memory() {
        assert!(memory().unwrap() > 16 << 20);
    }
}
