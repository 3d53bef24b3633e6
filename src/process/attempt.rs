//! One program from its start to its end.

use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin};

use super::group::Group;
use super::output::{Tail, in_words};
use super::{Command, Ending, Failure};
use crate::call::WritePermit;
use crate::secret::Secret;
use crate::stop::Stop;

/// How long a program that is asked to end has for it.
const TO_END: Duration = Duration::from_secs(5);

/// How long output is waited for after a program has ended: what it left in the background may hold it open for ever.
const TO_DRAIN: Duration = Duration::from_secs(1);

impl Command {
    /// Runs it until it ends, its time is over, or `stop` is set. Success is the exit code 0.
    ///
    /// # Errors
    /// [`Failure`] with how it ended and the end of what it printed.
    pub async fn run(self, stop: &Stop, _permit: &WritePermit) -> Result<(), Failure> {
        let (mut output, mut errors) = (Tail::default(), Tail::default());
        // The redaction knows a value as long as it is in memory.
        let _known = self.input.as_ref().map(Secret::share);
        let Err(ending) = self.run_into(&mut output, &mut errors, stop).await else {
            return Ok(());
        };
        Err(Failure {
            ending,
            output: in_words(&output, &errors),
        })
    }

    /// Runs one that changes nothing until it ends or its time is over, and gives back what it prints. It gets no input. What a failed one
    /// printed is withheld: it may hold a value that this run does not know, and so cannot redact.
    ///
    /// # Errors
    /// [`Failure`] with how it ended.
    pub async fn read(self) -> Result<Printed, Failure> {
        let (mut output, mut errors) = (Tail::default(), Tail::default());
        let never = Stop::default();
        let ended = Self { input: None, ..self }
            .run_into(&mut output, &mut errors, &never)
            .await;
        match ended {
            Ok(()) => Ok(Printed(output)),
            Err(ending) => Err(Failure {
                ending,
                output: String::new(),
            }),
        }
    }

    async fn run_into(self, output: &mut Tail, errors: &mut Tail, stop: &Stop) -> Result<(), Ending> {
        let mut child = match self.start() {
            Ok(child) => child,
            Err(error) => return Err(Ending::NotStarted(self.obstacle().await.unwrap_or(error.to_string()))),
        };
        let mut group = Group::led_by(child.id());
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // All at once: a program may print while it reads, and waits for whoever does not do both.
        let pipes = async {
            tokio::join!(feed(stdin, self.input), output.read(stdout), errors.read(stderr));
        };
        let mut pipes = pin!(pipes);
        let mut timeout = pin!(self.clock.sleep(self.timeout));
        let mut are_closed = false;
        let unfinished = loop {
            tokio::select! {
                biased;
                status = child.wait() => {
                    group.release();
                    if !are_closed {
                        tokio::select! { () = &mut pipes => {}, () = self.clock.sleep(TO_DRAIN) => {} }
                    }
                    return ended(status);
                }
                () = &mut pipes, if !are_closed => are_closed = true,
                () = stop.wait() => break Ending::Interrupted,
                () = &mut timeout => break Ending::TimedOut(self.timeout),
            }
        };
        group.ask();
        tokio::select! {
            () = &mut pipes, if !are_closed => {}
            () = self.clock.sleep(TO_END) => {}
        }
        group.kill();
        drop(child.wait().await);
        Err(unfinished)
    }

    fn start(&self) -> std::io::Result<Child> {
        let input = match self.input {
            Some(_) => Stdio::piped(),
            None => Stdio::null(),
        };
        tokio::process::Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(&self.environment)
            .current_dir(&self.directory)
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }
}

/// Writes all of the input and closes it. A program that does not want all of it says by its exit code how it went.
async fn feed(stdin: Option<ChildStdin>, input: Option<Secret>) {
    if let (Some(mut stdin), Some(input)) = (stdin, input) {
        drop(stdin.write_all(&input.bytes()).await);
    }
}

/// What a program printed that ended well.
pub struct Printed(Tail);

impl Printed {
    /// All of it, without blanks at its ends. It may be a value, or made of one: nothing else than a keyed digest of it is kept.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence about the program.
    pub fn text(&self) -> Result<Secret, &'static str> {
        self.0.whole()
    }
}

fn ended(status: std::io::Result<ExitStatus>) -> Result<(), Ending> {
    use std::os::unix::process::ExitStatusExt as _;
    let status = status.map_err(|error| Ending::Lost(error.to_string()))?;
    match (status.success(), status.code(), status.signal()) {
        (true, ..) => Ok(()),
        (false, Some(code), _) => Err(Ending::Exited(code)),
        (false, None, signal) => Err(Ending::Signalled(signal.unwrap_or_default())),
    }
}
