//! A program and everything that it starts: one process group, which is stopped as a whole.

use rustix::process::{Pid, Signal, kill_process_group};

/// The group of a program that runs. Killed when dropped, unless the program has ended by itself.
pub(super) struct Group(Option<Pid>);

impl Group {
    /// The group that this process leads.
    pub(super) fn led_by(process: Option<u32>) -> Self {
        let id = process.and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// Asks it to end.
    pub(super) fn ask(&self) {
        self.send(Signal::TERM);
    }

    /// Ends it. Must happen before its leader is waited for: until then the number is not given to another.
    pub(super) fn kill(&mut self) {
        self.send(Signal::KILL);
        self.0 = None;
    }

    /// Lets what is left of it go on: its leader has ended.
    pub(super) fn release(&mut self) {
        self.0 = None;
    }

    fn send(&self, signal: Signal) {
        if let Some(id) = self.0 {
            // It fails for a group that is gone, which is what was wanted.
            kill_process_group(id, signal).ok();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
