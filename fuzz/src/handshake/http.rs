//! Heads of HTTP/1.1, read in the plainest way. What is read here was accepted or written by the
//! crate, so whatever is wrong with it is a bug.

/// A head, and where it ends.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) line: &'a [u8],
    fields: Vec<(&'a str, &'a [u8])>,
    pub(crate) end: usize,
}

/// Reads the head at the beginning of `bytes`.
pub(crate) fn head(bytes: &[u8]) -> Head<'_> {
    let whole = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let end = whole.expect("a whole head") + 4;
    let mut lines = split(&bytes[..end - 4]);
    let line = lines.next().expect("a first line");
    // A tab is fine in the phrase that ends a status line (RFC 9112 §4), as in a value.
    let control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    assert!(!line.iter().any(control), "{line:?}");
    let fields = lines.map(|line| {
        let colon = line.iter().position(|&byte| byte == b':');
        let (name, value) = line.split_at(colon.expect("a colon"));
        assert!(!name.is_empty() && name.iter().all(|byte| is_token_byte(*byte)));
        let value = trim(&value[1..]);
        assert!(!value.iter().any(control), "{value:?}");
        (core::str::from_utf8(name).expect("a token"), value)
    });
    Head {
        fields: fields.collect(),
        line,
        end,
    }
}

pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte)
}

/// Drops spaces and tabs at both ends, and nothing else.
pub(crate) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

fn split(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(lines);
    core::iter::from_fn(move || {
        let bytes = rest?;
        let Some(at) = bytes.windows(2).position(|two| two == b"\r\n") else {
            rest = None;
            return Some(bytes);
        };
        rest = Some(&bytes[at + 2..]);
        Some(&bytes[..at])
    })
}

impl<'a> Head<'a> {
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    pub(crate) fn all(&self, name: &str) -> Vec<&'a [u8]> {
        let named = |field: &&(&str, &[u8])| field.0.eq_ignore_ascii_case(name);
        self.fields
            .iter()
            .filter(named)
            .map(|field| field.1)
            .collect()
    }

    /// The value of a field that must be there, once.
    pub(crate) fn one(&self, name: &str) -> &'a [u8] {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name} in {self:?}");
        all[0]
    }

    /// The elements of a list in any number of fields.
    pub(crate) fn list(&self, name: &str) -> Vec<&'a [u8]> {
        let elements = self.all(name).into_iter();
        let elements = elements.flat_map(|value| value.split(|&byte| byte == b','));
        elements
            .map(trim)
            .filter(|element| !element.is_empty())
            .collect()
    }

    pub(crate) fn lists(&self, name: &str, token: &str) -> bool {
        let token = token.as_bytes();
        self.list(name)
            .iter()
            .any(|element| element.eq_ignore_ascii_case(token))
    }
}
