//! The listener: HTTP in, the world in the middle, faults on the way.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Write as _;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::body::{Answer, Dropped};
use crate::call::{Call, Reply};
use crate::fault::{self, Kind};
use crate::vendors::Vendor;
use crate::world::{self, World};
use crate::{aws, clock, control, fly, github, neon, platform};

type Shared = Arc<Mutex<World>>;

/// Serves until the process is asked to end.
pub(crate) async fn run(port: u16, exit_with_stdin: bool) -> ExitCode {
    let listener = match TcpListener::bind(("127.0.0.1", port)).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("sandbox: port {port} of 127.0.0.1 cannot be used: {error}");
            return ExitCode::FAILURE;
        }
    };
    let Ok(address) = listener.local_addr() else {
        return ExitCode::FAILURE;
    };
    let world: Shared = Arc::new(Mutex::new(World::new()));
    // Before it says that it is ready: whoever has read that may end it at once.
    let terminated = terminated();
    if announce(&format!("http://{address}")).is_err() {
        return ExitCode::FAILURE;
    }
    let stdin = async {
        if exit_with_stdin {
            let mut rest = Vec::new();
            drop(tokio::io::stdin().read_to_end(&mut rest).await);
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = live(listener, world) => {}
        () = stdin => {}
        () = terminated => {}
    }
    ExitCode::SUCCESS
}

/// Listens for signals from now on, and ends with the first.
fn terminated() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async {
        let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

fn announce(origin: &str) -> std::io::Result<()> {
    let exports = [
        // Whatever goes before another variable is set too: a user's own must not be sent here.
        ("FLY_ACCESS_TOKEN", fly::TOKEN.to_owned()),
        ("FLY_API_TOKEN", fly::TOKEN.to_owned()),
        ("FLY_FLAPS_BASE_URL", origin.to_owned()),
        ("FLY_API_BASE_URL", origin.to_owned()),
        ("GITHUB_TOKEN", github::TOKEN.to_owned()),
        ("GITHUB_BASE_URL", origin.to_owned()),
        ("GITHUB_OWNER", github::OWNER.to_owned()),
        ("NEON_API_KEY", neon::KEY.to_owned()),
        ("NEON_BASE_URL", format!("{origin}/api/v2")),
        ("RAILWAY_API_TOKEN", crate::railway::TOKEN.to_owned()),
        ("RAILWAY_BASE_URL", format!("{origin}/railway/graphql")),
        ("RENDER_API_KEY", crate::render::KEY.to_owned()),
        ("RENDER_BASE_URL", format!("{origin}/render/v1")),
        ("RESEND_API_KEY", crate::resend::KEY.to_owned()),
        ("RESEND_BASE_URL", origin.to_owned()),
        ("VERCEL_API_TOKEN", crate::vercel::TOKEN.to_owned()),
        ("VERCEL_TEAM_ID", crate::vercel::TEAM.to_owned()),
        ("VERCEL_BASE_URL", format!("{origin}/vercel")),
        ("AWS_ENDPOINT_URL", origin.to_owned()),
        ("AWS_ENDPOINT_URL_SSM", origin.to_owned()),
        ("AWS_ACCESS_KEY_ID", aws::ACCESS_KEY_ID.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", aws::SECRET_ACCESS_KEY.to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("PLATFORM_URL", origin.to_owned()),
        ("PLATFORM_TOKEN", platform::TOKEN.to_owned()),
        ("SANDBOX_URL", origin.to_owned()),
    ];
    let mut out = std::io::stdout().lock();
    for (name, value) in exports {
        writeln!(out, "export {name}='{value}'")?;
    }
    writeln!(out, "ready")?;
    out.flush()
}

/// Serves a world until it is told to end.
async fn live(listener: TcpListener, world: Shared) {
    let end = Arc::clone(&lock(&world).end);
    tokio::select! {
        () = accept(listener, world) => {}
        () = end.notified() => {}
    }
}

/// A copy of a world at a port of its own.
fn fork(world: &Shared) -> Reply {
    let bound = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((TcpListener::from_std(listener)?, address))
    });
    match bound {
        Ok((listener, address)) => {
            let copy = lock(world).fork();
            // Boxed: a world that is served may be copied again.
            let lives: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(live(listener, Arc::new(Mutex::new(copy))));
            tokio::spawn(lives);
            Reply::ok(serde_json::json!({ "SANDBOX_URL": format!("http://{address}") }))
        }
        Err(error) => Reply::json(500, serde_json::json!({ "error": error.to_string() })),
    }
}

async fn accept(listener: TcpListener, world: Shared) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let service = service_fn(|request| handle(Arc::clone(&world), request));
            let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // A dropped connection ends in an error here, and that is its purpose.
            drop(served.await);
        });
    }
}

async fn handle(world: Shared, request: Request<Incoming>) -> Result<Response<Answer>, Dropped> {
    let call = read(request).await.unwrap_or_else(|never| match never {});
    if call.segments.first().map(String::as_str) == Some("_sandbox") {
        if (call.method.as_str(), call.path.as_str()) == ("POST", "/_sandbox/fork") {
            return Ok(response(&fork(&world)));
        }
        return Ok(response(&control::answer(&mut lock(&world), &call)));
    }
    let Some(vendor) = Vendor::of(&call) else {
        return Ok(response(&Reply::json(
            404,
            serde_json::json!({ "error": "no vendor of the sandbox has this path" }),
        )));
    };
    let operation = world::operation(vendor, &call);
    let line = format!("{} {} {operation}", call.method, call.path);
    let kind = fault::strike(&mut lock(&world).faults, &line);
    if kind == Some(Kind::HoldBefore) {
        held(&world, &line).await;
    }
    let latency = lock(&world).settings.latency_ms;
    if latency > 0 {
        tokio::time::sleep(Duration::from_millis(latency)).await;
    }
    let answer = match kind {
        Some(kind) if !kind.has_effect() => refusal(vendor, kind),
        _ => patiently(&world, vendor, &call, &line).await,
    };
    let echo = {
        let mut world = lock(&world);
        let effect = kind.is_none_or(Kind::has_effect) && answer.status < 400;
        let status = match kind {
            Some(Kind::ErrorAfter) => 500,
            Some(Kind::Refuse | Kind::DropAfter | Kind::Hang) => 0,
            _ => answer.status,
        };
        world.note(vendor, &call, &operation, status, effect);
        world.settings.echo
    };
    if kind == Some(Kind::HoldAfter) {
        held(&world, &line).await;
    }
    match kind {
        Some(Kind::Refuse | Kind::DropAfter) => Err(Dropped),
        Some(Kind::Hang) => {
            tokio::time::sleep(Duration::from_secs(120)).await;
            Err(Dropped)
        }
        Some(Kind::ErrorAfter) => {
            let error = vendor.error(500, "something went wrong after all");
            Ok(echoed(error, &text(&answer), &call, echo))
        }
        Some(Kind::Garbage) => Ok(garbage()),
        Some(Kind::Truncate) => Ok(truncated(&answer)),
        _ => Ok(echoed(answer, "", &call, echo)),
    }
}

/// Waits until the call is released.
async fn held(world: &Shared, line: &str) {
    let signal = lock(world).holds.add(line);
    signal.notified().await;
}

fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The vendor's answer; a call that waits for something is asked again until that has come or its time is over.
async fn patiently(world: &Shared, vendor: Vendor, call: &Call, line: &str) -> Reply {
    let begun = clock::epoch_millis();
    loop {
        let reply = lock(world).answer(vendor, call, line);
        match reply.waits {
            Some(limit) if clock::epoch_millis() < begun + limit => tokio::time::sleep(Duration::from_millis(25)).await,
            _ => return reply,
        }
    }
}

fn refusal(vendor: Vendor, kind: Kind) -> Reply {
    match kind {
        Kind::RateLimit => vendor.error(429, "slow down").with("retry-after", "1"),
        Kind::SecondaryLimit => vendor
            .error(
                403,
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
            )
            .with("retry-after", "1"),
        Kind::Unauthorized => vendor.error(401, "this credential is not accepted"),
        Kind::Forbidden => vendor.error(403, "this credential may not do that"),
        Kind::NotFound => vendor.error(404, "not found"),
        Kind::Invalid => vendor.error(422, "this value cannot be taken"),
        _ => vendor.error(500, "something went wrong"),
    }
}

/// What a careless vendor does: the error repeats the answer that it could not send and the request, credentials and all.
fn echoed(mut reply: Reply, unsent: &str, call: &Call, echo: bool) -> Response<Answer> {
    if echo && reply.status >= 400 {
        let said = format!(
            "{unsent} {} {}",
            call.header("authorization"),
            String::from_utf8_lossy(&call.raw)
        );
        for field in ["message", "error"] {
            if let Some(Value::String(text)) = reply.body.as_mut().and_then(|body| body.get_mut(field)) {
                text.push_str(": ");
                text.push_str(&said);
            }
        }
        let header: String = said
            .chars()
            .filter(|c| c.is_ascii_graphic() || *c == ' ')
            .take(2_000)
            .collect();
        reply = reply.with("x-request-echo", header);
    }
    response(&reply)
}

/// The body as it is sent: JSON, or a string as it is.
fn text(reply: &Reply) -> String {
    match &reply.body {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(body) => body.to_string(),
    }
}

fn response(reply: &Reply) -> Response<Answer> {
    let body = text(reply);
    let mut response = Response::builder().status(reply.status);
    if reply.body.is_some() && !reply.headers.iter().any(|(name, _)| *name == "content-type") {
        response = response.header("content-type", "application/json");
    }
    for (name, value) in &reply.headers {
        response = response.header(*name, value.as_str());
    }
    response.body(Answer::whole(body)).unwrap_or_default()
}

fn garbage() -> Response<Answer> {
    Response::builder()
        .status(200)
        .header("content-type", "application/json")
        .body(Answer::whole("<html>\u{0}\u{fffd} gateway".to_owned()))
        .unwrap_or_default()
}

/// A body that ends before the length that its head announces; then the connection closes.
fn truncated(reply: &Reply) -> Response<Answer> {
    let whole = text(reply);
    let half = whole.get(..whole.len() / 2).unwrap_or_default().to_owned();
    Response::builder()
        .status(reply.status)
        .header("content-type", "application/json")
        .header("content-length", whole.len().max(1))
        .body(Answer::half(half))
        .unwrap_or_default()
}

/// Largest request body that is taken, in bytes.
const LARGEST: usize = 16 * 1024 * 1024;

async fn read(request: Request<Incoming>) -> Result<Call, Infallible> {
    let (head, body) = request.into_parts();
    let raw = Limited::new(body, LARGEST)
        .collect()
        .await
        .map(|body| body.to_bytes().to_vec())
        .unwrap_or_default();
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let path = head.uri.path().to_owned();
    let query = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
    let headers = head.headers.iter().map(|(name, value)| {
        (
            name.as_str().to_owned(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    });
    Ok(Call {
        method: head.method.as_str().to_owned(),
        search: head.uri.query().unwrap_or_default().to_owned(),
        segments: path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(decode)
            .collect(),
        path,
        query: query
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect(),
        headers: headers.collect::<BTreeMap<_, _>>(),
        body: serde_json::from_slice(&raw).unwrap_or(Value::Null),
        raw,
    })
}
