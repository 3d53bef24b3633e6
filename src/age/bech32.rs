//! Bech32 (BIP 173), without its limit of 90 characters, as age has it.

/// The characters of five bits each.
const CHARACTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Characters of a checksum.
const CHECKSUM: usize = 6;

/// Prefix and bytes of a text in lower case; `None` where it is none, or its checksum is wrong.
pub(super) fn decode(text: &str) -> Option<(&str, Vec<u8>)> {
    let (prefix, data) = text.rsplit_once('1')?;
    if prefix.is_empty()
        || text
            .bytes()
            .any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii_graphic())
    {
        return None;
    }
    let value = |byte: u8| CHARACTERS.iter().position(|known| *known == byte);
    let values: Option<Vec<u8>> = data
        .bytes()
        .map(|byte| value(byte).and_then(|value| u8::try_from(value).ok()))
        .collect();
    let values = values?;
    let data = values.get(..values.len().checked_sub(CHECKSUM)?)?;
    if polymod(&expanded(prefix, &values)) != 1 {
        return None;
    }
    Some((prefix, regrouped(data, 5, 8, false)?))
}

/// The text of these bytes.
pub(super) fn encode(prefix: &str, bytes: &[u8]) -> String {
    let mut values = regrouped(bytes, 8, 5, true).unwrap_or_default();
    let mut with_room = values.clone();
    with_room.extend([0; CHECKSUM]);
    let checksum = polymod(&expanded(prefix, &with_room)) ^ 1;
    values.extend((0..CHECKSUM).map(|at| ((checksum >> (5 * (CHECKSUM - 1 - at))) & 31) as u8));
    let characters = values.iter().filter_map(|value| CHARACTERS.get(usize::from(*value)));
    format!(
        "{prefix}1{}",
        characters.map(|byte| char::from(*byte)).collect::<String>()
    )
}

fn expanded(prefix: &str, values: &[u8]) -> Vec<u8> {
    let high = prefix.bytes().map(|byte| byte >> 5);
    let low = prefix.bytes().map(|byte| byte & 31);
    high.chain([0]).chain(low).chain(values.iter().copied()).collect()
}

fn polymod(values: &[u8]) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    values.iter().fold(1, |checksum: u32, value| {
        let top = checksum >> 25;
        let next = (checksum & 0x01ff_ffff) << 5 ^ u32::from(*value);
        let chosen = GENERATOR.iter().enumerate().filter(|(at, _)| (top >> at) & 1 == 1);
        chosen.fold(next, |next, (_, generator)| next ^ generator)
    })
}

/// The same bits in groups of another size. Without padding, what is left must be less than a group, and zero.
fn regrouped(values: &[u8], from: u32, to: u32, pad: bool) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut groups) = (0_u32, 0, Vec::new());
    for value in values {
        bits = (bits << from | u32::from(*value)) & 0xffff;
        count += from;
        while count >= to {
            count -= to;
            groups.push(u8::try_from((bits >> count) & ((1 << to) - 1)).ok()?);
        }
    }
    let rest = bits & ((1 << count) - 1);
    match pad {
        true if count > 0 => groups.push(u8::try_from(rest << (to - count)).ok()?),
        false if count >= from || rest != 0 => return None,
        _ => {}
    }
    Some(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        for length in 0..70_u8 {
            let bytes: Vec<u8> = (0..length).map(|byte| byte.wrapping_mul(37)).collect();
            let text = encode("age", &bytes);
            assert_eq!(decode(&text), Some(("age", bytes)), "{text}");
        }
    }

    /// Vectors of BIP 173.
    #[test]
    fn valid_texts_are_read_and_others_are_not() {
        for valid in [
            "a12uel5l",
            "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
            "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
            "?1ezyfcl",
        ] {
            let (prefix, values) = valid.rsplit_once('1').unwrap();
            let values: Vec<u8> = values
                .bytes()
                .map(|byte| CHARACTERS.iter().position(|known| *known == byte).unwrap() as u8)
                .collect();
            assert_eq!(polymod(&expanded(prefix, &values)), 1, "{valid}");
        }
        for wrong in [
            "pzry9x0s0muk",
            "1pzry9x0s0muk",
            "x1b4n0q5v",
            "li1dgmt3",
            "A1G7SGD8",
            "10a06t8",
            "1qzzfhee",
            "a12uel5m",
        ] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
