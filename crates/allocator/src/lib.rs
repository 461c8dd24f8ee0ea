//! Settings of the C library's allocator: when it returns freed memory to the system.
//!
//! This is a separate package because it needs `unsafe`, which all other packages forbid. Without
//! [`return_freed_memory`], a container keeps most of the memory of 100,000 unloaded models (docs/figures.md, which
//! also compares other allocators).

/// Returns unused pages to the system. This takes milliseconds per hundred megabytes and may block allocations of other
/// threads, so do not call it for every request.
///
/// Freed blocks in a thread's cache (in glibc up to seven of each small size) keep their pages until the thread ends.
///
/// Does nothing where the C library is not glibc.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "there is no safe interface, and without it a hundred megabytes may never be returned")]
pub fn return_freed_memory() {
    // SAFETY: it takes no pointers, does not touch blocks in use, and may be called from any thread at any time
    // (man7.org/linux/man-pages/man3/malloc_trim.3.html: MT-Safe). 0 is the number of bytes to keep at the top of the
    // heap.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Does nothing: the C library is not glibc.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn return_freed_memory() {}

/// Free bytes that an arena keeps at its top for the next request. There is about one arena per thread.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const TRIM_THRESHOLD: libc::c_int = 4 << 20;

/// Blocks of at least this size are mapped individually and returned to the system when they are freed. Without this, a
/// small block above them would keep the columns and responses of large requests in memory that no account counts.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MMAP_THRESHOLD: libc::c_int = 2 << 20;

/// Makes the allocator keep some freed memory. By default it returns free memory above twice its largest block so far.
/// That is less than a request needs whose response is written in blocks of rows, so that the kernel would map and
/// clear each page again for every request: a sixth of the time of a request of 10,000 rows. Call it when the program
/// starts.
///
/// Does nothing where the C library is not glibc.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(
    unsafe_code,
    reason = "there is no safe interface, and without it a request of 10,000 rows takes a sixth longer"
)]
pub fn keep_freed_memory() {
    // SAFETY: it takes no pointers and does not touch blocks in use
    // (man7.org/linux/man-pages/man3/mallopt.3.html: M_TRIM_THRESHOLD and M_MMAP_THRESHOLD).
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, TRIM_THRESHOLD);
        libc::mallopt(libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD);
    }
}

/// Does nothing: the C library is not glibc.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_freed_memory() {}

/// Makes all threads share one arena. By default the allocator reserves 64 MiB of virtual memory per thread: with an
/// RLIMIT_AS of 512 MiB, a container uses 350 MiB before its first request. Call it when the program starts, and only
/// under such a limit: threads contend for a shared arena.
///
/// Does nothing where the C library is not glibc.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "there is no safe interface, and without it a limit of virtual memory ends the process")]
pub fn share_one_arena() {
    // SAFETY: it takes no pointers and does not touch blocks in use
    // (man7.org/linux/man-pages/man3/mallopt.3.html: M_ARENA_MAX).
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Does nothing: the C library is not glibc.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn share_one_arena() {}

#[cfg(test)]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn resident() -> u64 {
        let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
        let line = rollup.lines().find(|line| line.starts_with("Rss:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    #[test]
    fn memory_freed_below_a_block_in_use_is_returned() {
        let before = resident();
        let blocks: Vec<Vec<u8>> = (0..32 << 10).map(|_| vec![1; 2000]).collect();
        // Allocated last, so that the freed blocks are not at the end of the heap, where free() itself would return
        // them.
        let last = vec![1_u8; 2000];
        let full = resident();
        assert!(full > before + 50 * MIB, "{before} {full}");
        drop(blocks);
        return_freed_memory();
        let after = resident();
        assert!(after < before + (full - before) / 10, "{before} {full} {after}");
        assert_eq!(last.len(), 2000);
    }
}
