//! A small go-plugin host: starts a provider's executable, reads its handshake line and talks tfplugin 6 to it.
//!
//! Its TLS side is as go-plugin's: a self-signed P-521 authority as client certificate, trust in exactly the certificate
//! of the handshake line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, SignatureAlgorithm};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};

use clients::plugin::grpc_controller_client::GrpcControllerClient;
use clients::tfplugin6::provider_client::ProviderClient;

/// Client code from the same descriptions as the product's server code; only tests have it.
pub(crate) mod clients {
    pub(crate) mod tfplugin6 {
        #![allow(clippy::all, clippy::allow_attributes, clippy::allow_attributes_without_reason)]
        #![allow(dead_code, missing_docs, unreachable_pub, unused_qualifications)]
        tonic::include_proto!("clients/tfplugin6");
    }
    pub(crate) mod plugin {
        #![allow(clippy::all, clippy::allow_attributes, clippy::allow_attributes_without_reason)]
        #![allow(dead_code, missing_docs, unreachable_pub, unused_qualifications)]
        tonic::include_proto!("clients/plugin");
    }
}

/// The cookie by which Terraform shows that it is the caller.
pub(crate) const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// Longest wait for anything that a healthy provider does at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client's certificate and key.
pub(crate) struct ClientIdentity {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) pem: String,
    pub(crate) key: Vec<u8>,
}

impl ClientIdentity {
    /// As go-plugin makes it: a self-signed authority with a P-521 key.
    pub(crate) fn like_terraform() -> Self {
        Self::with_key(&rcgen::PKCS_ECDSA_P521_SHA512)
    }

    pub(crate) fn with_key(algorithm: &'static SignatureAlgorithm) -> Self {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key).unwrap();
        Self {
            pem: certificate.pem(),
            certificate: certificate.der().clone(),
            key: key.serialize_der(),
        }
    }
}

/// How to start a provider.
pub(crate) struct Start {
    command: Command,
    scratch: TempDir,
}

impl Start {
    /// The executable in an environment that has nothing but a cookie and a scratch `TMPDIR`.
    pub(crate) fn of(executable: &Path) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let mut command = Command::new(executable);
        command
            .env_clear()
            .env(COOKIE.0, COOKIE.1)
            .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
            .env("TMPDIR", scratch.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Self { command, scratch }
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    pub(crate) fn arg(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn scratch(&self) -> PathBuf {
        self.scratch.path().to_owned()
    }

    /// Starts it and waits for its first line on standard output.
    pub(crate) async fn begin(mut self) -> Plugin {
        let mut child = self.command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&log);
        let reader = tokio::spawn(async move {
            let mut chunk = [0; 4096];
            while let Ok(length @ 1..) = stderr.read(&mut chunk).await {
                sink.lock().unwrap().extend_from_slice(&chunk[..length]);
            }
        });
        let mut line = String::new();
        let read = stdout.read_line(&mut line);
        tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
        Plugin {
            line: line.trim_end().to_owned(),
            child,
            stdout,
            log,
            reader,
            scratch: self.scratch,
        }
    }
}

/// A running provider.
pub(crate) struct Plugin {
    /// The first line of its standard output.
    pub(crate) line: String,
    child: Child,
    stdout: BufReader<ChildStdout>,
    log: Arc<Mutex<Vec<u8>>>,
    reader: tokio::task::JoinHandle<()>,
    scratch: TempDir,
}

impl Plugin {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// The directory that it was given as `TMPDIR`.
    pub(crate) fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// The socket that the handshake line names.
    pub(crate) fn socket(&self) -> PathBuf {
        self.field(3).into()
    }

    /// The certificate that the handshake line shows.
    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        STANDARD_NO_PAD.decode(self.field(5)).unwrap().into()
    }

    pub(crate) fn field(&self, at: usize) -> &str {
        self.line.split('|').nth(at).unwrap()
    }

    /// A further line of its standard output.
    pub(crate) async fn next_line(&mut self) -> String {
        let mut line = String::new();
        let read = self.stdout.read_line(&mut line);
        tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
        line.trim_end().to_owned()
    }

    /// What it has written to standard error so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end; gives its exit status, the rest of its standard output, and all of its standard error.
    pub(crate) async fn end(mut self) -> (Option<i32>, String, String) {
        let status = tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .unwrap()
            .unwrap();
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).await.unwrap();
        self.reader.await.unwrap();
        let log = String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned();
        (status.code(), rest, log)
    }

    pub(crate) async fn plain(&self) -> Result<Clients, tonic::transport::Error> {
        self.connect(None).await
    }

    pub(crate) async fn encrypted(&self, config: ClientConfig) -> Result<Clients, tonic::transport::Error> {
        self.connect(Some(TlsConnector::from(Arc::new(config)))).await
    }

    async fn connect(&self, tls: Option<TlsConnector>) -> Result<Clients, tonic::transport::Error> {
        let socket = self.socket();
        let connector = tower::service_fn(move |_: tonic::codegen::http::Uri| {
            let (socket, tls) = (socket.clone(), tls.clone());
            async move {
                let stream = UnixStream::connect(socket).await?;
                let name = ServerName::try_from("localhost").unwrap();
                let io: Box<dyn Duplex> = match tls {
                    Some(tls) => Box::new(tls.connect(name, stream).await?),
                    None => Box::new(stream),
                };
                Ok::<_, std::io::Error>(TokioIo::new(io))
            }
        });
        let endpoint = Endpoint::from_static("http://localhost").timeout(PATIENCE);
        Ok(Clients::over(endpoint.connect_with_connector(connector).await?))
    }
}

trait Duplex: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}

impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin> Duplex for T {}

/// One client a service, over one connection.
pub(crate) struct Clients {
    pub(crate) provider: ProviderClient<Channel>,
    pub(crate) controller: GrpcControllerClient<Channel>,
}

impl Clients {
    fn over(channel: Channel) -> Self {
        let largest = 256 * 1024 * 1024;
        Self {
            provider: ProviderClient::new(channel.clone())
                .max_decoding_message_size(largest)
                .max_encoding_message_size(largest),
            controller: GrpcControllerClient::new(channel),
        }
    }
}

/// TLS that trusts `server` alone and shows `identity`, over the versions given.
pub(crate) fn tls(
    server: CertificateDer<'static>,
    identity: Option<&ClientIdentity>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(server).unwrap();
    let backend = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&backend))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let key = PrivatePkcs8KeyDer::from(identity.key.clone());
            let key = backend.key_provider.load_private_key(key.into()).unwrap();
            // Not checked to belong together: a thief's do not.
            let shown = CertifiedKey::new(vec![identity.certificate.clone()], key);
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(shown)))
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}
