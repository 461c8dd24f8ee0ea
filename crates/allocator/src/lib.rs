//! Settings of the C library's allocator: when it returns freed memory to the system.
//!
//! This is a package of its own because it needs `unsafe`, which all others forbid. Without `give_back` a container
//! that has unloaded 100,000 models keeps most of their memory (docs/figures.md, which has the other allocators too).

/// Returns unused pages to the system. This takes milliseconds for a hundred megabytes, during which other threads may
/// have to wait for memory: too slow for every request.
///
/// Freed blocks in a thread's cache (glibc: up to seven of each small size) keep their pages until the thread ends.
///
/// Does nothing where the C library is not glibc.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "there is no safe interface, and without it a hundred megabytes may never be returned")]
pub fn give_back() {
    // SAFETY: it takes no pointers, does not touch blocks in use, and may be called from any thread at any time
    // (man7.org/linux/man-pages/man3/malloc_trim.3.html: MT-Safe). 0 is the number of bytes to keep at the top of the
    // heap.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Does nothing: the C library is not glibc.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}

/// Freed bytes that an arena keeps at its end for the next request. There is about one arena for each thread.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: libc::c_int = 4 << 20;

/// Blocks of at least this size are mapped individually and returned to the system when freed. Otherwise the columns
/// and answers of large bodies would stay in memory, uncounted, wherever a small block lies above them.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: libc::c_int = 2 << 20;

/// Makes the allocator keep some freed memory. By default it returns what is above twice its largest block so far,
/// which is less than one request takes whose answer is made in blocks of rows. Each page is then mapped and cleared
/// again for every request: a sixth of the time of 10,000 rows. Call it when the program starts.
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
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
    }
}

/// Does nothing: the C library is not glibc.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_freed_memory() {}

/// Makes all threads share one arena. By default the allocator reserves 64 MiB of virtual memory for each thread's
/// arena: under an RLIMIT_AS of 512 MiB a container has used 350 before its first request. Call it when the program
/// starts, and only under such a limit, because threads wait for each other at a shared arena.
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
        give_back();
        let after = resident();
        assert!(after < before + (full - before) / 10, "{before} {full} {after}");
        assert_eq!(last.len(), 2000);
    }
}
