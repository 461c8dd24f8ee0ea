//! The image's binary. It is the same program as `src/main.rs`, in a package of its own for the sake of the profile `image`
//! alone: at link time rustc optimizes the whole program by the settings of the package that the binary is in, and by those
//! of a package that is built for size nothing would be vectorized.

fn main() -> std::process::ExitCode {
    byoc::cli::main(std::env::args_os())
}
