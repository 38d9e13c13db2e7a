// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What TLS needs to know: whom to trust, and who this node is.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use thiserror::Error;

use super::super::settings::Tls;

/// Settings that TLS cannot work with.
#[derive(Debug, Error)]
pub(crate) enum TlsError {
    /// A file that is not there, or not what it should be.
    #[error("cannot use {path} as {what}: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What it was to be.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Certificate and key do not go together, or the like.
    #[error("certificate and key cannot be used: {0}")]
    Identity(rustls::Error),
    /// A name that no certificate can have.
    #[error("`{0}` cannot be the name in a certificate")]
    ServerName(String),
    /// The library lacks what it needs.
    #[error("TLS cannot be used: {0}")]
    Library(rustls::Error),
}

/// Settings, read and checked.
pub(crate) struct TlsSettings {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
}

impl TlsSettings {
    pub(super) fn read(tls: &Tls, address: SocketAddr) -> Result<Self, TlsError> {
        let server_name = match &tls.server_name {
            Some(name) => ServerName::try_from(name.clone())
                .map_err(|_| TlsError::ServerName(name.clone()))?,
            None => ServerName::IpAddress(address.ip().into()),
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&tls.authorities, "certificates of authorities")? {
            let added = roots.add(certificate);
            added.map_err(|error| {
                unusable(&tls.authorities, "certificates of authorities", &error)
            })?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Library)?
            .with_root_certificates(roots);
        let config = match &tls.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = certificates(certificate, "this node's certificate")?;
                let key = PrivateKeyDer::from_pem_file(key)
                    .map_err(|error| pem_error(key, "this node's key", &error))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(TlsError::Identity)?
            }
        };
        Ok(Self {
            config: Arc::new(config),
            server_name,
        })
    }

    /// A connection's side of the client.
    pub(super) fn client(&self) -> io::Result<ClientConnection> {
        ClientConnection::new(Arc::clone(&self.config), self.server_name.clone())
            .map_err(io::Error::other)
    }
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    match read() {
        Ok(certificates) if certificates.is_empty() => {
            Err(unusable(path, what, &"there is no certificate in it"))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(pem_error(path, what, &error)),
    }
}

fn pem_error(path: &Path, what: &'static str, error: &pem::Error) -> TlsError {
    match error {
        pem::Error::Io(error) => unusable(path, what, error),
        pem::Error::NoItemsFound => unusable(path, what, &"there is none in it, as PEM"),
        error => unusable(path, what, error),
    }
}

fn unusable(path: &Path, what: &'static str, why: &impl ToString) -> TlsError {
    TlsError::File {
        path: path.to_owned(),
        what,
        why: why.to_string(),
    }
}
