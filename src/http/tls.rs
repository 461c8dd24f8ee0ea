//! TLS for clients: the cryptography provider and the trusted certificate authorities.

use byoc_formats::error::Source;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Installs ring as the cryptography provider of the process. Later calls have no effect.
pub(crate) fn install_crypto_provider() {
    // It fails only if a provider is already installed, and ring is the only one in the program.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The configuration of a client that trusts Mozilla's roots and the certificates of `bundle`, the text of a PEM file.
///
/// # Errors
/// If the bundle has no certificate, or an invalid one.
pub(crate) fn client_config(bundle: Option<&[u8]>) -> Result<ClientConfig, Source> {
    install_crypto_provider();
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(bundle) = bundle {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(bundle) {
            roots.add(certificate?)?;
        }
        if roots.len() == before {
            return Err("expected certificates in PEM (-----BEGIN CERTIFICATE-----), found none".into());
        }
    }
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::{ServerConfig, ServerConnection, StreamOwned};

    use super::*;

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
    }

    /// Starts a server that answers each of two connections once, and returns its URL.
    fn server() -> String {
        install_crypto_provider();
        let certificate = CertificateDer::from_pem_file(fixture("server.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(fixture("server.key")).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = Arc::new(config);
        std::thread::spawn(move || {
            for stream in listener.incoming().take(2) {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = StreamOwned::new(connection, stream.unwrap());
                // A client that does not trust the certificate sends an alert and closes the connection.
                if stream.read(&mut [0; 4096]).is_ok() {
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                }
            }
        });
        format!("https://localhost:{port}/")
    }

    async fn get(url: &str, bundle: Option<&[u8]>) -> reqwest::Result<String> {
        let client =
            reqwest::Client::builder().tls_backend_preconfigured(client_config(bundle).unwrap()).no_proxy().build();
        client.unwrap().get(url).send().await?.text().await
    }

    #[actix_web::test]
    async fn a_server_is_trusted_only_with_the_bundle_of_its_authority() {
        let url = server();
        let refused = get(&url, None).await.unwrap_err();
        assert!(format!("{refused:?}").contains("UnknownIssuer"), "{refused:?}");
        let bundle = std::fs::read(fixture("authority.pem")).unwrap();
        assert_eq!(get(&url, Some(&bundle)).await.unwrap(), "ok");
    }

    #[test]
    fn a_bundle_without_valid_certificates_is_rejected() {
        for (bundle, expected) in [
            ("", "found none"),
            ("certificates\n", "found none"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "invalid peer certificate"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n", "section"),
        ] {
            let message = client_config(Some(bundle.as_bytes())).unwrap_err().to_string();
            assert!(message.contains(expected), "{bundle:?}: {message}");
        }
    }
}
