//! Texts of others as people get to see them: without values, and without characters that would do something to a terminal.

use super::redact;

/// The text with the values in hand redacted, invisible characters left out and control characters replaced. Line ends and tabs stay.
pub fn shown(text: &str) -> String {
    let clean = redact(text);
    let visible = clean.chars().filter(|character| !is_invisible(*character));
    visible
        .map(|character| match character {
            '\n' | '\t' => character,
            '\r' | '\u{2028}' | '\u{2029}' => ' ',
            character if character.is_control() => '\u{fffd}',
            character => character,
        })
        .collect()
}

/// Characters of no width, and those that change the direction of a text: what is read is not what stands there.
pub(super) fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_reaches_a_terminal_but_what_can_be_read() {
        let text = "x\u{1b}[2J\u{1b}]0;title\u{7} \u{202e}evil\u{200b}\u{9b}31m\r\nnext\tline é 😀";
        assert_eq!(shown(text), "x�[2J�]0;title� evil�31m \nnext\tline é 😀");
    }
}
