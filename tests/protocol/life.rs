//! How the process ends, and what does not end it.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rotation_provider::terraform::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::Instant;

use crate::fixture::{capable, executable, note, null, running, start, type_name};
use crate::grpc::clients::plugin::Empty;
use crate::grpc::clients::tfplugin6 as wire;
use crate::grpc::{Clients, Plugin};

fn kill(signal: &str, pid: u32) {
    let status = Command::new("kill").args([signal, &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

fn waiting() -> wire::apply_resource_change::Request {
    misbehaving("wait in apply")
}

fn misbehaving(how: &str) -> wire::apply_resource_change::Request {
    let planned = note([("text", Value::string("x")), ("misbehave", Value::string(how))]);
    wire::apply_resource_change::Request {
        type_name: type_name(),
        prior_state: null(),
        config: planned.clone(),
        planned_state: planned,
        ..Default::default()
    }
}

async fn until(mut condition: impl FnMut() -> bool) {
    for _ in 0..400 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("what was waited for did not happen");
}

#[tokio::test]
async fn shutdown_is_answered_and_done_within_two_seconds() {
    let (plugin, mut clients) = running(start()).await;
    let mut other = clients.provider.clone();
    // A call in flight, as after a crash of the host's logic, must not delay the end.
    let call = tokio::spawn(async move { other.apply_resource_change(waiting()).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    clients.controller.shutdown(Empty {}).await.unwrap();
    let (status, _, _) = plugin.end().await;
    assert_eq!(status, Some(0));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    call.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn an_idle_provider_ends_at_once() {
    let (plugin, mut clients) = running(start()).await;
    let begun = Instant::now();
    clients.controller.shutdown(Empty {}).await.unwrap();
    drop(clients);
    plugin.end().await;
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn no_signal_of_a_terminal_ends_it_or_the_call_in_flight() {
    let (mut plugin, mut clients) = running(start()).await;
    let mut other = clients.provider.clone();
    let call = tokio::spawn(async move { other.apply_resource_change(waiting()).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    // Ctrl-C, Ctrl-\, and a terminal or connection that closes.
    for signal in ["-INT", "-QUIT", "-HUP", "-INT"] {
        kill(signal, plugin.pid());
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(plugin.is_running(), "{signal} ended it");
    }
    assert!(!call.is_finished());
    let stop = wire::stop_provider::Request {};
    clients.provider.stop_provider(stop).await.unwrap();
    let applied = call.await.unwrap().unwrap().into_inner();
    assert!(applied.new_state.is_some());
}

#[tokio::test]
async fn a_signal_before_the_first_line_is_taken_as_any_other() {
    let plugin = start().env("FIXTURE_SIGNAL_AT_START", "SIGTERM").begin().await;
    let scratch = plugin.scratch().to_owned();
    until(|| std::fs::read_dir(&scratch).unwrap().count() == 0).await;
    assert_eq!(plugin.end().await.0, Some(0));
    for signal in ["SIGINT", "SIGHUP"] {
        let (_plugin, mut clients) = running(start().env("FIXTURE_SIGNAL_AT_START", signal)).await;
        clients
            .provider
            .get_metadata(wire::get_metadata::Request {})
            .await
            .unwrap();
    }
}

/// More calls at once than there are threads for them, each of which computes until it is stopped.
async fn computing() -> (Plugin, Clients) {
    let (plugin, clients) = running(start().env("TF_LOG_PROVIDER", "DEBUG")).await;
    let calls = std::thread::available_parallelism().unwrap().get() + 1;
    for _ in 0..calls {
        let mut provider = clients.provider.clone();
        tokio::spawn(async move { provider.apply_resource_change(misbehaving("compute in apply")).await });
    }
    until(|| plugin.log().matches("call begins").count() == calls).await;
    (plugin, clients)
}

/// Well below the two seconds after which a host kills; other tests want the same processors.
const PROMPT: Duration = Duration::from_millis(1_500);

#[tokio::test]
async fn stop_and_the_end_do_not_wait_for_calls_that_compute() {
    let (_plugin, mut clients) = computing().await;
    let begun = Instant::now();
    let request = wire::get_metadata::Request {};
    clients.provider.get_metadata(request).await.unwrap();
    let stop = wire::stop_provider::Request {};
    clients.provider.stop_provider(stop).await.unwrap();
    assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());

    let (plugin, mut clients) = computing().await;
    let directory = plugin.socket().parent().unwrap().to_owned();
    let begun = Instant::now();
    clients.controller.shutdown(Empty {}).await.unwrap();
    assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
    assert_eq!(plugin.end().await.0, Some(0));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(!directory.exists());

    // The signal stops the calls, and nobody has to wait for the grace to pass.
    let (plugin, clients) = computing().await;
    drop(clients);
    let begun = Instant::now();
    kill("-TERM", plugin.pid());
    let (status, _, log) = plugin.end().await;
    assert_eq!(status, Some(0));
    assert!(log.contains("asked to terminate"), "{log}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_connection_on_which_nothing_happens_does_not_keep_a_process_that_was_terminated() {
    let plugin = start().begin().await;
    let mut clients = plugin.plain().await.unwrap();
    let mut silent = UnixStream::connect(plugin.socket()).await.unwrap();
    let mut half = UnixStream::connect(plugin.socket()).await.unwrap();
    half.write_all(b"PRI * HTTP/2.0\r\n\r\n").await.unwrap();
    let stop = wire::stop_provider::Request {};
    clients.provider.stop_provider(stop).await.unwrap();
    let begun = Instant::now();
    kill("-TERM", plugin.pid());
    assert_eq!(plugin.end().await.0, Some(0));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    // They were open until then.
    silent.read_to_end(&mut Vec::new()).await.unwrap();
    drop(half);
}

#[tokio::test]
async fn stop_reaches_the_call_in_flight_and_the_server_goes_on() {
    let (_plugin, mut clients) = running(start()).await;
    let mut other = clients.provider.clone();
    let call = tokio::spawn(async move { other.apply_resource_change(waiting()).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!call.is_finished());
    let answer = clients
        .provider
        .stop_provider(wire::stop_provider::Request {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.error, "");
    let applied = call.await.unwrap().unwrap().into_inner();
    assert_eq!(applied.diagnostics[0].summary, "Stopped");
    assert!(applied.new_state.is_some());
    clients
        .provider
        .get_metadata(wire::get_metadata::Request {})
        .await
        .unwrap();
}

#[tokio::test]
async fn a_call_whose_client_hangs_up_is_finished() {
    let (plugin, clients) = running(start().env("TF_LOG_PROVIDER", "DEBUG")).await;
    let mut provider = clients.provider.clone();
    let call = tokio::spawn(async move { provider.apply_resource_change(waiting()).await });
    until(|| plugin.log().contains("call begins")).await;
    call.abort();
    drop(clients);
    kill("-TERM", plugin.pid());
    let (status, _, log) = plugin.end().await;
    assert_eq!(status, Some(0));
    assert!(log.contains("call ended"), "{log}");
}

#[tokio::test]
async fn when_its_parent_dies_it_ends_and_cleans_up() {
    for signal in ["-KILL", "-HUP"] {
        let scratch = tempfile::tempdir().unwrap();
        let line = scratch.path().join("line");
        let script = format!(
            "{} >{} & echo $!; exec sleep 600",
            executable().display(),
            line.display()
        );
        let mut parent = tokio::process::Command::new("sh")
            .args(["-c", &script])
            .env(crate::grpc::COOKIE.0, crate::grpc::COOKIE.1)
            .env("TMPDIR", scratch.path())
            .kill_on_drop(true)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut stdout = tokio::io::BufReader::new(parent.stdout.take().unwrap());
        tokio::io::AsyncBufReadExt::read_line(&mut stdout, &mut first)
            .await
            .unwrap();
        let provider: u32 = first.trim().parse().unwrap();
        until(|| std::fs::read_to_string(&line).is_ok_and(|line| line.contains("|grpc|"))).await;
        let process = Path::new("/proc").join(first.trim());
        assert!(process.exists());
        // A terminal that closes tells the whole group.
        if signal == "-HUP" {
            kill(signal, provider);
        }
        kill(signal, parent.id().unwrap());
        parent.wait().await.unwrap();
        until(|| !process.exists() || is_zombie(&process)).await;
        let left = std::fs::read_dir(scratch.path()).unwrap().count();
        assert_eq!(left, 1, "{signal}: only the file with the line is left");
    }
}

fn is_zombie(process: &Path) -> bool {
    std::fs::read_to_string(process.join("stat")).is_ok_and(|stat| stat.contains(") Z "))
}

#[tokio::test]
async fn terminated_it_ends_and_cleans_up() {
    let (plugin, clients) = running(start()).await;
    let directory = plugin.socket().parent().unwrap().to_owned();
    assert!(directory.exists());
    drop(clients);
    kill("-TERM", plugin.pid());
    assert_eq!(plugin.end().await.0, Some(0));
    assert!(!directory.exists());
}

/// Who owns a process's environment in `/proc`: root as soon as the process is closed to others (proc(5)).
fn owner_of_environment(pid: u32) -> u32 {
    std::fs::metadata(format!("/proc/{pid}/environ")).unwrap().uid()
}

#[tokio::test]
async fn other_processes_of_the_user_cannot_look_into_it_except_in_debug_mode() {
    // Root owns all that it starts, so that there the provider runs as somebody else, with an executable that everybody reaches.
    let everybody = tempfile::tempdir().unwrap();
    std::fs::set_permissions(everybody.path(), Permissions::from_mode(0o755)).unwrap();
    let copy = everybody.path().join("terraform-provider-fixture");
    std::fs::copy(executable(), &copy).unwrap();
    let start = || crate::grpc::Start::of(&copy).by_somebody();
    let closed = start().begin().await;
    assert_eq!(owner_of_environment(closed.pid()), 0);
    let open = start().env(crate::grpc::COOKIE.0, "").arg("-debug").begin().await;
    assert_ne!(owner_of_environment(open.pid()), 0, "the test can tell the two apart");
}

#[tokio::test]
async fn core_dumps_are_off() {
    let (plugin, _clients) = running(start()).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", plugin.pid())).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    let words: Vec<&str> = core.split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{core}");
}

#[tokio::test]
async fn in_debug_mode_every_signal_of_a_terminal_ends_it() {
    for signal in ["-QUIT", "-HUP"] {
        let start = start().env(crate::grpc::COOKIE.0, "");
        let plugin = start.arg("-debug=true").begin().await;
        let scratch = plugin.scratch().to_owned();
        kill(signal, plugin.pid());
        until(|| std::fs::read_dir(&scratch).unwrap().count() == 0).await;
        assert_eq!(plugin.end().await.0, Some(0), "{signal}");
    }
}

#[tokio::test]
async fn in_debug_mode_it_prints_how_to_attach_and_ctrl_c_ends_it() {
    let mut plugin = start().env(crate::grpc::COOKIE.0, "").arg("-debug").begin().await;
    assert!(plugin.line.starts_with("# "), "{}", plugin.line);
    let variable = plugin.next_line().await;
    let json = variable
        .strip_prefix("TF_REATTACH_PROVIDERS='")
        .and_then(|rest| rest.strip_suffix('\''))
        .unwrap();
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    let entry = &json["registry.terraform.io/example/fixture"];
    assert_eq!(
        (&entry["Protocol"], &entry["ProtocolVersion"]),
        (&"grpc".into(), &6.into())
    );
    assert_eq!(entry["Pid"], plugin.pid());
    assert_eq!(
        (&entry["Test"], &entry["Addr"]["Network"]),
        (&true.into(), &"unix".into())
    );
    plugin.line = format!("1|6|unix|{}|grpc|", entry["Addr"]["String"].as_str().unwrap());
    let mut clients = plugin.plain().await.unwrap();
    let request = wire::validate_resource_config::Request {
        type_name: type_name(),
        config: note([("text", Value::string("x"))]),
        client_capabilities: capable(),
    };
    clients.provider.validate_resource_config(request).await.unwrap();
    drop(clients);
    kill("-INT", plugin.pid());
    let socket = plugin.socket();
    assert_eq!(plugin.end().await.0, Some(0));
    assert!(!socket.exists());
}
