//! Stands between a client and a PostgreSQL server, and decides over every statement of the simple protocol.
//! <https://www.postgresql.org/docs/current/protocol-message-formats.html>

use std::io::{Read, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// What becomes of a statement.
pub(crate) enum Fate {
    Pass,
    /// The connection is cut; the server never hears of it.
    CutBefore,
    /// The server acts on it; the connection is cut before the answer.
    CutAfter,
    /// It is answered with this SQLSTATE and message; the server never hears of it.
    Error(String, String),
}

/// Who decides; it may take its time.
pub(crate) type Judge = Arc<dyn Fn(&str) -> Fate + Send + Sync>;

/// Serves on a free port of loopback until the process ends; gives the port.
pub(crate) fn before(server: u16, judge: Judge) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, judge) = (client.unwrap(), Arc::clone(&judge));
            std::thread::spawn(move || session(client, server, &judge));
        }
    });
    port
}

/// One session, until either side ends it.
fn session(mut client: TcpStream, server: u16, judge: &Judge) -> Option<()> {
    let startup = loop {
        let message = body(&mut client)?;
        // `SSLRequest`: no.
        if message == 80_877_103_u32.to_be_bytes() {
            client.write_all(b"N").ok()?;
        } else {
            break message;
        }
    };
    let mut server = TcpStream::connect(("127.0.0.1", server)).ok()?;
    send(&mut server, None, &startup)?;
    let is_mute = Arc::new(AtomicBool::new(false));
    let (told, ready) = channel();
    let (from, to, mute) = (server.try_clone().ok()?, client.try_clone().ok()?, Arc::clone(&is_mute));
    std::thread::spawn(move || {
        answers(from, &to, &mute, &told);
        drop(to.shutdown(Shutdown::Both));
    });
    let ended = statements(&mut client, &mut server, judge, &is_mute, &ready);
    drop(server.shutdown(Shutdown::Both));
    drop(client.shutdown(Shutdown::Both));
    ended
}

/// Passes on what the server says, and tells when it is ready for a statement.
fn answers(mut from: TcpStream, mut to: &TcpStream, is_mute: &AtomicBool, told: &Sender<()>) -> Option<()> {
    loop {
        let mut kind = [0];
        from.read_exact(&mut kind).ok()?;
        let message = body(&mut from)?;
        if !is_mute.load(Ordering::SeqCst) {
            send(&mut to, Some(kind[0]), &message)?;
        }
        if kind == *b"Z" {
            told.send(()).ok()?;
        }
    }
}

fn statements(
    client: &mut TcpStream,
    server: &mut TcpStream,
    judge: &Judge,
    is_mute: &AtomicBool,
    ready: &Receiver<()>,
) -> Option<()> {
    loop {
        let mut kind = [0];
        client.read_exact(&mut kind).ok()?;
        let message = body(client)?;
        if kind != *b"Q" {
            send(server, Some(kind[0]), &message)?;
            continue;
        }
        // Whatever came before has been answered.
        while ready.try_recv().is_ok() {}
        let text = String::from_utf8_lossy(message.strip_suffix(b"\0")?).into_owned();
        match judge(&text) {
            Fate::Pass => send(server, Some(b'Q'), &message)?,
            Fate::CutBefore => return None,
            Fate::CutAfter => {
                is_mute.store(true, Ordering::SeqCst);
                send(server, Some(b'Q'), &message)?;
                ready.recv().ok()?;
                return None;
            }
            Fate::Error(code, words) => {
                let fields = format!("SERROR\0VERROR\0C{code}\0M{words}\0\0");
                send(client, Some(b'E'), fields.as_bytes())?;
                send(client, Some(b'Z'), b"I")?;
            }
        }
    }
}

/// A message without its kind: its length counts itself.
fn body(from: &mut impl Read) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length).ok()?;
    let mut message = vec![0; usize::try_from(u32::from_be_bytes(length)).ok()?.checked_sub(4)?];
    from.read_exact(&mut message).ok()?;
    Some(message)
}

fn send(to: &mut impl std::io::Write, kind: Option<u8>, message: &[u8]) -> Option<()> {
    let mut bytes: Vec<u8> = kind.into_iter().collect();
    bytes.extend(u32::try_from(message.len() + 4).ok()?.to_be_bytes());
    bytes.extend(message);
    to.write_all(&bytes).ok()
}
