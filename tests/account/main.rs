//! temp
mod bodies;
/// near
fn near(said: u64, seen: u64) -> bool {
    said.abs_diff(seen) <= seen / 10 + (64 << 10)
}
