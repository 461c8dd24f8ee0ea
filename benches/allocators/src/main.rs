//! byoc with the allocator that a feature names.

#[cfg(any(feature = "mimalloc-v2", feature = "mimalloc-v3"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    // For mimalloc, what byoc does with glibc's allocator: return freed memory to the system.
    #[cfg(any(feature = "mimalloc-v2", feature = "mimalloc-v3"))]
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(std::time::Duration::from_millis(250));
            // SAFETY: it takes no pointers and does not touch blocks in use.
            unsafe { libmimalloc_sys::mi_collect(true) }
        }
    });
    byoc::cli::main(std::env::args_os())
}
