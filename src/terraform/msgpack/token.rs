//! Reads msgpack one token at a time from a byte slice, without allocation (<https://github.com/msgpack/msgpack/blob/master/spec.md>).

use rmp::Marker;

/// One token; the elements of arrays and maps follow as further tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'a> {
    Nil,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Str(&'a str),
    Bin(&'a [u8]),
    Array(u32),
    Map(u32),
    Ext(i8, &'a [u8]),
}

impl Token<'_> {
    /// The token's kind, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "null",
            Self::Bool(_) => "a boolean",
            Self::Signed(_) | Self::Unsigned(_) | Self::Float(_) => "a number",
            Self::Str(_) => "a string",
            Self::Bin(_) => "binary data",
            Self::Array(_) => "an array",
            Self::Map(_) => "a map",
            Self::Ext(..) => "an unknown value",
        }
    }
}

/// A cursor over msgpack bytes.
pub(super) struct Tokens<'a> {
    rest: &'a [u8],
    left: u32,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            left: super::MOST_TOKENS,
        }
    }

    /// Whether everything has been read.
    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Counts what is read elsewhere, as much as so many tokens.
    pub(super) fn spend(&mut self, tokens: usize) -> Result<(), &'static str> {
        let left = u32::try_from(tokens)
            .ok()
            .and_then(|tokens| self.left.checked_sub(tokens));
        self.left = left.ok_or(TOO_MANY)?;
        Ok(())
    }

    /// The next token, or what is wrong with the bytes.
    pub(super) fn next(&mut self) -> Result<Token<'a>, &'static str> {
        self.spend(1)?;
        let marker = Marker::from_u8(self.u8()?);
        Ok(match marker {
            Marker::Null => Token::Nil,
            Marker::True => Token::Bool(true),
            Marker::False => Token::Bool(false),
            Marker::FixPos(value) => Token::Unsigned(value.into()),
            Marker::U8 => Token::Unsigned(self.u8()?.into()),
            Marker::U16 => Token::Unsigned(self.u16()?.into()),
            Marker::U32 => Token::Unsigned(self.u32()?.into()),
            Marker::U64 => Token::Unsigned(u64::from_be_bytes(self.array()?)),
            Marker::FixNeg(value) => Token::Signed(value.into()),
            Marker::I8 => Token::Signed(i8::from_be_bytes(self.array()?).into()),
            Marker::I16 => Token::Signed(i16::from_be_bytes(self.array()?).into()),
            Marker::I32 => Token::Signed(i32::from_be_bytes(self.array()?).into()),
            Marker::I64 => Token::Signed(i64::from_be_bytes(self.array()?)),
            Marker::F32 => Token::Float(f32::from_be_bytes(self.array()?).into()),
            Marker::F64 => Token::Float(f64::from_be_bytes(self.array()?)),
            Marker::FixStr(length) => self.text(length.into())?,
            Marker::Str8 => self.u8().and_then(|length| self.text(length.into()))?,
            Marker::Str16 => self.u16().and_then(|length| self.text(length.into()))?,
            Marker::Str32 => self.u32().and_then(|length| self.text(length))?,
            Marker::Bin8 => self.u8().and_then(|length| self.binary(length.into()))?,
            Marker::Bin16 => self.u16().and_then(|length| self.binary(length.into()))?,
            Marker::Bin32 => self.u32().and_then(|length| self.binary(length))?,
            Marker::FixArray(length) => Token::Array(length.into()),
            Marker::Array16 => Token::Array(self.u16()?.into()),
            Marker::Array32 => Token::Array(self.u32()?),
            Marker::FixMap(length) => Token::Map(length.into()),
            Marker::Map16 => Token::Map(self.u16()?.into()),
            Marker::Map32 => Token::Map(self.u32()?),
            Marker::FixExt1 => self.ext(1)?,
            Marker::FixExt2 => self.ext(2)?,
            Marker::FixExt4 => self.ext(4)?,
            Marker::FixExt8 => self.ext(8)?,
            Marker::FixExt16 => self.ext(16)?,
            Marker::Ext8 => self.u8().and_then(|length| self.ext(length.into()))?,
            Marker::Ext16 => self.u16().and_then(|length| self.ext(length.into()))?,
            Marker::Ext32 => self.u32().and_then(|length| self.ext(length))?,
            Marker::Reserved => return Err("byte 0xc1 is not msgpack"),
        })
    }

    fn text(&mut self, length: u32) -> Result<Token<'a>, &'static str> {
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes)
            .map(Token::Str)
            .map_err(|_| "a string is not UTF-8")
    }

    fn binary(&mut self, length: u32) -> Result<Token<'a>, &'static str> {
        self.take(length).map(Token::Bin)
    }

    fn ext(&mut self, length: u32) -> Result<Token<'a>, &'static str> {
        let kind = i8::from_be_bytes(self.array()?);
        let body = self.take(length)?;
        if body.len() > super::LONGEST_EXT {
            return Err("an unknown value's refinement is too long");
        }
        Ok(Token::Ext(kind, body))
    }

    fn u8(&mut self) -> Result<u8, &'static str> {
        self.array().map(u8::from_be_bytes)
    }

    fn u16(&mut self) -> Result<u16, &'static str> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, &'static str> {
        self.array().map(u32::from_be_bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(*head)
    }

    fn take(&mut self, length: u32) -> Result<&'a [u8], &'static str> {
        let length = usize::try_from(length).map_err(|_| TRUNCATED)?;
        let (head, rest) = self.rest.split_at_checked(length).ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(head)
    }
}

const TOO_MANY: &str = "there are too many values";

const TRUNCATED: &str = "the msgpack data ends too early";
