//! The binary: passes its arguments to the command line.

fn main() -> std::process::ExitCode {
    byoc::cli::main(std::env::args_os())
}
