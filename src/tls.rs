//! Who does the cryptography of TLS in this process.

/// Chooses ring, for everybody. A second call changes nothing.
pub(crate) fn choose_provider() {
    // It fails only where a provider has been chosen, and there is no other.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
