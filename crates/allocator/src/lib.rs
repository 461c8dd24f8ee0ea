//! The allocator of the C library, told to give back to the system what was freed.
//!
//! A package of its own because of calls that Rust cannot check: all others forbid `unsafe`. Without the first a container
//! that has unloaded 100,000 models keeps most of their memory (docs/figures.md, which has the other allocators too).

/// Gives the pages on which nothing is left back to the system. Milliseconds for a hundred megabytes, during which threads
/// that ask for memory may wait for each other's part of it: nothing to do for every request.
///
/// What a thread keeps for itself of what it freed (glibc: up to seven blocks of each small size) holds the pages that it
/// lies on until the thread ends.
///
/// Does nothing where the C library is not glibc.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "no safe way to this call: without it nothing of a hundred megabytes may come back")]
pub fn give_back() {
    // SAFETY: it takes no pointers, leaves every block that is in use alone, and may be called from any thread at any time
    // (man7.org/linux/man-pages/man3/malloc_trim.3.html: MT-Safe). 0 is how much to leave at the top of the heap.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Does nothing: the C library is not glibc.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}

/// How much of what was freed an arena keeps at its end, for the next request; there is about an arena a thread.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: libc::c_int = 4 << 20;

/// A larger block is the system's own, and goes back to it when freed: columns and answers of large bodies would otherwise stay
/// beside the account, wherever something small lies above them.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: libc::c_int = 2 << 20;

/// Has the allocator keep some of what was freed. By itself it gives back what lies above twice its largest block so far,
/// which for answers in blocks of rows is less than one of them takes: each page is then cleared and mapped again for every
/// request, a sixth of its time for 10,000 rows. For a program's start.
///
/// Does nothing where the C library is not glibc.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "no safe way to this call: without it a request of 10,000 rows takes a sixth longer")]
pub fn keep_some() {
    // SAFETY: it takes no pointers and changes no block that is in use
    // (man7.org/linux/man-pages/man3/mallopt.3.html: M_TRIM_THRESHOLD and M_MMAP_THRESHOLD).
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
    }
}

/// Does nothing: the C library is not glibc.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_some() {}

/// Has all threads share one arena. By itself the allocator reserves 64 MiB of addresses for each thread's: where RLIMIT_AS
/// bounds them, a container of 512 MiB has spent 350 before its first request, and ends where it is given less than it asks
/// for. For a program's start, and for such a limit only: an arena is a lock.
///
/// Does nothing where the C library is not glibc.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "no safe way to this call: without it a bound of addresses ends the process")]
pub fn share_one_arena() {
    // SAFETY: it takes no pointers and changes no block that is in use
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
    fn what_was_freed_below_something_that_is_still_used_goes_back() {
        let before = resident();
        let blocks: Vec<Vec<u8>> = (0..32 << 10).map(|_| vec![1; 2000]).collect();
        // The last one allocated: what is freed below it is not at the end of the heap, where free() itself would give it back.
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
