//! What goes wrong at one call.

/// What is done to a process while the call is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blow {
    /// `kill -9` of the provider.
    KillProvider,
    /// Ctrl-C: SIGINT to terraform and the provider.
    Interrupt,
    /// `kill -9` of terraform.
    KillTerraform,
}

/// One kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    /// As it is called in the names of cases.
    pub(crate) name: &'static str,
    /// As the sandbox calls it.
    pub(crate) kind: &'static str,
    pub(crate) blow: Option<Blow>,
    /// For a call that only reads, another kind is the very same.
    pub(crate) only_for_writes: bool,
}

const fn plain(name: &'static str) -> Fault {
    Fault {
        name,
        kind: name,
        blow: None,
        only_for_writes: false,
    }
}

const fn with_effect(name: &'static str) -> Fault {
    Fault {
        only_for_writes: true,
        ..plain(name)
    }
}

const fn before(name: &'static str, blow: Blow) -> Fault {
    Fault {
        name,
        kind: "hold_before",
        blow: Some(blow),
        only_for_writes: false,
    }
}

const fn after(name: &'static str, blow: Blow) -> Fault {
    Fault {
        kind: "hold_after",
        only_for_writes: true,
        ..before(name, blow)
    }
}

/// Every kind.
pub(crate) const ALL: [Fault; 15] = [
    plain("refuse"),
    with_effect("drop_after"),
    plain("error_before"),
    with_effect("error_after"),
    plain("rate_limit"),
    plain("hang"),
    plain("garbage"),
    plain("truncate"),
    plain("unauthorized"),
    before("kill_provider_before", Blow::KillProvider),
    after("kill_provider_after", Blow::KillProvider),
    before("interrupt_before", Blow::Interrupt),
    after("interrupt_after", Blow::Interrupt),
    before("kill_terraform_before", Blow::KillTerraform),
    after("kill_terraform_after", Blow::KillTerraform),
];

impl Fault {
    /// It costs the provider's whole patience, and no computing.
    pub(crate) fn waits(self) -> bool {
        self.kind == "hang"
    }

    /// What the run did is not in the state.
    pub(crate) fn loses_the_state(self) -> bool {
        matches!(self.blow, Some(Blow::KillProvider | Blow::KillTerraform))
    }

    /// It strikes from one call on, whatever is called.
    pub(crate) fn lasts(self) -> bool {
        self.kind == "unauthorized"
    }
}
