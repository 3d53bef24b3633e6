//! The body of a refined unknown: a msgpack map from small numbers to promises (go-cty `cty/msgpack/unknown.go`).
//!
//! Only "is not null" and the prefix of a string are kept; bounds of numbers and lengths are read over.

use rmp::encode as write;

use super::token::{Token, Tokens};
use crate::terraform::value::Refinement;

/// Key of the nullness promise; `false` means that the value will not be null.
const NULLNESS: u64 = 1;
/// Key of a string's prefix.
const PREFIX: u64 = 2;

/// Longest prefix that go-cty writes, in bytes.
const LONGEST_PREFIX: usize = 256;

/// How deep a value that is read over may nest; real ones are at most two deep.
const DEEPEST: u8 = 8;

/// Reads the body of an ext value of type 12. What [`encode`] would not write is read over.
pub(super) fn decode(body: &[u8], of_string: bool) -> Result<Refinement, &'static str> {
    let mut tokens = Tokens::of(body);
    let mut refinement = Refinement::default();
    let Token::Map(length) = tokens.next()? else {
        return Err("a refinement must be a map");
    };
    for _ in 0..length {
        let key = tokens.next()?;
        match key {
            Token::Unsigned(NULLNESS) => match tokens.next()? {
                Token::Bool(null) => refinement.not_null = !null,
                _ => return Err("a refinement's nullness must be a boolean"),
            },
            Token::Unsigned(PREFIX) => match tokens.next()? {
                Token::Str(prefix) if of_string && prefix.len() <= LONGEST_PREFIX => {
                    refinement.prefix = Some(prefix.to_owned());
                }
                Token::Str(_) => {}
                _ => return Err("a refinement's prefix must be a string"),
            },
            Token::Unsigned(_) | Token::Signed(_) => skip(&mut tokens, DEEPEST)?,
            _ => return Err("a refinement's keys must be whole numbers"),
        }
    }
    if tokens.at_end() {
        Ok(refinement)
    } else {
        Err("a refinement is followed by further bytes")
    }
}

fn skip(tokens: &mut Tokens<'_>, deepest: u8) -> Result<(), &'static str> {
    let deeper = deepest.checked_sub(1).ok_or("a refinement nests too deeply")?;
    let children = match tokens.next()? {
        Token::Array(length) => u64::from(length),
        Token::Map(length) => u64::from(length) * 2,
        _ => 0,
    };
    for _ in 0..children {
        skip(tokens, deeper)?;
    }
    Ok(())
}

/// Writes the body; `None` when nothing is promised, so that a plain unknown is enough.
pub(super) fn encode(refinement: &Refinement, of_string: bool) -> std::io::Result<Option<Vec<u8>>> {
    let prefix = refinement
        .prefix
        .as_deref()
        .filter(|prefix| of_string && prefix.len() <= LONGEST_PREFIX);
    let promises = u32::from(refinement.not_null) + u32::from(prefix.is_some());
    if promises == 0 {
        return Ok(None);
    }
    let mut body = Vec::new();
    write::write_map_len(&mut body, promises)?;
    if refinement.not_null {
        write::write_uint(&mut body, NULLNESS)?;
        write::write_bool(&mut body, false)?;
    }
    if let Some(prefix) = prefix {
        write::write_uint(&mut body, PREFIX)?;
        write::write_str(&mut body, prefix)?;
    }
    Ok(Some(body))
}
