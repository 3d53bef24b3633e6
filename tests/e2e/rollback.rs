//! `docs/guides/escrow.md`: its configuration is applied as it stands, and what it shows is what the CLI prints.

use crate::day_two::{block_of, printed_of};
use crate::story::Story;

const GUIDE: &str = "escrow.md";

#[test]
fn a_key_that_a_release_cannot_read_is_rolled_back() {
    let mut story = Story::new();
    let begun = block_of(GUIDE, "escrow");
    story.write_all(&begun);
    story.apply();
    let with = |more: &str| begun.replace("  overlap =", &format!("  {more}\n  overlap ="));
    story.write_all(&with("rotation_reason = \"quarterly\""));
    printed_of(GUIDE, "rotated", &story.plan());
    story.apply();
    story.write_all(&with("rotation_reason = \"quarterly\"\n  restore = 1"));
    printed_of(GUIDE, "restore", &story.plan());
    story.apply();
    story.clock("25h");
    story.apply();
    story.write_all(&with("rotation_reason = \"quarterly\"\n  restore = 2"));
    let outcome = story.run(&["plan"]);
    assert_eq!(outcome.status, 1, "{}", outcome.output);
    printed_of(GUIDE, "ended", &outcome.output);
}
