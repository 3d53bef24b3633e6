//! The fuzzer's properties in every test run: on all seeds, and on a fixed number of mutations of them, the same each time.
//!
//! `make fuzz` looks for inputs that nobody thought of; what it finds becomes a seed, and is tried here from then on.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

use std::path::{Path, PathBuf};

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "in its own package it is a library")]
mod properties;

use properties::{Property, TARGETS};

/// Mutated inputs for each target.
const ROUNDS: usize = 3_000;

/// Seeds of one target with their names, in alphabetical order.
fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

/// Runs a property; a failure names the input as it can be saved.
fn hold(property: Property, name: &str, input: &[u8]) {
    let result = std::panic::catch_unwind(|| property(input));
    if result.is_err() {
        panic!("{name} breaks on {}", input.escape_ascii());
    }
}

#[test]
fn every_seed_keeps_every_promise() {
    for (target, property) in TARGETS {
        let seeds = seeds(target);
        assert!(!seeds.is_empty(), "{target} has no seeds");
        for (path, input) in seeds {
            hold(property, &path.display().to_string(), &input);
        }
    }
}

/// A seed that no property looks at proves nothing.
#[test]
fn the_seeds_of_resources_are_resources() {
    for (target, at_least) in [("configuration", 15), ("plan", 12), ("ledger", 6)] {
        let read = seeds(target);
        let understood = read.iter().filter(|(_, input)| properties::is_resource(input)).count();
        assert!(understood >= at_least, "{target}: {understood} of {}", read.len());
    }
}

#[test]
fn every_folder_of_seeds_belongs_to_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            TARGETS.iter().any(|(target, _)| *target == name),
            "no target is called {name}"
        );
    }
}

#[test]
fn mutations_of_the_seeds_keep_every_promise() {
    std::thread::scope(|scope| {
        for (target, property) in TARGETS {
            scope.spawn(move || {
                let seeds: Vec<Vec<u8>> = seeds(target).into_iter().map(|(_, input)| input).collect();
                let mut chance = Chance::of(target);
                for _ in 0..ROUNDS {
                    hold(property, target, &mutated(&seeds, &mut chance));
                }
            });
        }
    });
}

/// A seed with a few bytes changed, dropped, doubled, or taken from another seed.
fn mutated(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut input = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(6) {
        let at = chance.below(input.len() + 1);
        let other = &seeds[chance.below(seeds.len())];
        let from = chance.below(other.len() + 1);
        let piece = &other[from..other.len().min(from + chance.below(32))];
        match chance.below(6) {
            0 => input.truncate(at),
            1 => drop(input.splice(at..at, piece.iter().copied())),
            2 => drop(input.splice(at..input.len().min(at + chance.below(16)), [])),
            3 => drop(input.splice(at..at, [chance.byte()])),
            4 => drop(input.splice(at..input.len().min(at + piece.len()), piece.iter().copied())),
            _ => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = chance.byte();
                }
            }
        }
    }
    input
}

/// Numbers that look random and are the same in every run (SplitMix64, Steele et al. 2014).
struct Chance(u64);

impl Chance {
    fn of(name: &str) -> Self {
        Self(
            name.bytes()
                .fold(0, |state, byte| state.wrapping_mul(31).wrapping_add(byte.into())),
        )
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}
