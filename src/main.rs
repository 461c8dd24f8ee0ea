//! argv to command line to exit code, and nothing else.

fn main() -> std::process::ExitCode {
    byoc::cli::main(std::env::args_os())
}
