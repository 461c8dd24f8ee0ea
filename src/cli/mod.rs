//! The command line.

/// Runs the command that the arguments name.
pub fn main(_arguments: impl IntoIterator<Item = std::ffi::OsString>) -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
