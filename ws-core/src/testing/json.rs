//! As much JSON as a line of a log needs: strings out, any value in.
//!
//! It knows nothing of frames.

use alloc::string::String;
use alloc::vec::Vec;

/// Appends a string with its quotes.
pub(super) fn quote(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0..0x20 => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let [high, low] = [byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]);
                out.extend([b'\\', b'u', b'0', b'0', high, low]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// A value. What no line of a log needs is read and forgotten.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Integer(u64),
    Null,
    Object(Vec<(String, Self)>),
    Other,
    String(String),
}

impl Value {
    /// The first field of that name.
    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else {
            return None;
        };
        let mut fields = fields.iter();
        fields.find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn integer(&self) -> Option<u64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

/// Reads one value and nothing after it.
pub(super) fn parse(text: &str) -> Option<Value> {
    let mut parser = Parser { rest: text };
    let value = parser.value(MAX_DEPTH)?;
    parser.skip_space();
    parser.rest.is_empty().then_some(value)
}

/// How deep values may be nested; a log needs two levels.
const MAX_DEPTH: u8 = 16;

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    fn eat(&mut self, token: &str) -> bool {
        self.skip_space();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn value(&mut self, depth: u8) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        self.skip_space();
        match self.rest.as_bytes().first()? {
            b'"' => self.string().map(Value::String),
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'-' | b'0'..=b'9' => self.number(),
            b'n' => self.eat("null").then_some(Value::Null),
            _ => {
                let known = ["true", "false"];
                known
                    .iter()
                    .any(|word| self.eat(word))
                    .then_some(Value::Other)
            }
        }
    }

    fn object(&mut self, depth: u8) -> Option<Value> {
        let mut fields = Vec::new();
        self.eat("{");
        if self.eat("}") {
            return Some(Value::Object(fields));
        }
        loop {
            self.skip_space();
            let key = self.string()?;
            if !self.eat(":") {
                return None;
            }
            fields.push((key, self.value(depth)?));
            if self.eat("}") {
                return Some(Value::Object(fields));
            }
            if !self.eat(",") {
                return None;
            }
        }
    }

    fn array(&mut self, depth: u8) -> Option<Value> {
        self.eat("[");
        if self.eat("]") {
            return Some(Value::Other);
        }
        loop {
            self.value(depth)?;
            if self.eat("]") {
                return Some(Value::Other);
            }
            if !self.eat(",") {
                return None;
            }
        }
    }

    /// Non-negative integers are kept; other numbers are only skipped.
    fn number(&mut self) -> Option<Value> {
        let part = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
        let end = self.rest.find(|c| !part(c)).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        self.rest = rest;
        let other = number.parse::<f64>().ok().map(|_| Value::Other);
        number.parse().ok().map(Value::Integer).or(other)
    }

    fn string(&mut self) -> Option<String> {
        self.rest = self.rest.strip_prefix('"')?;
        let mut text = String::new();
        loop {
            let special = |c: char| c == '"' || c == '\\' || c < ' ';
            let end = self.rest.find(special)?;
            text.push_str(&self.rest[..end]);
            let found = self.rest[end..].chars().next()?;
            self.rest = &self.rest[end + 1..];
            match found {
                '"' => return Some(text),
                '\\' => text.push(self.escape()?),
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let escape = chars.next()?;
        self.rest = chars.as_str();
        Some(match escape {
            '"' | '\\' | '/' => escape,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let unit = self.hex()?;
                if !(0xd800..0xdc00).contains(&unit) {
                    return char::from_u32(unit);
                }
                self.rest = self.rest.strip_prefix("\\u")?;
                let low = self.hex()?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                return char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + low);
            }
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn text(text: &str) -> Value {
        Value::String(text.into())
    }

    #[test]
    fn values_of_all_kinds_are_read() {
        let read = parse(r#" {"a" : "x", "b":[1, {}, "y"], "c":{"d":7}, "e":-1.5e3, "f":null} "#);
        let fields = [
            ("a", text("x")),
            ("b", Value::Other),
            ("c", Value::Object(vec![("d".into(), Value::Integer(7))])),
            ("e", Value::Other),
            ("f", Value::Null),
        ];
        let fields = fields.map(|(key, value)| (key.into(), value));
        assert_eq!(read, Some(Value::Object(fields.into())));
        assert_eq!(parse(r#""\u00e9\ud83d\ude00\/\n""#), Some(text("é😀/\n")));
        assert_eq!(parse("[]"), Some(Value::Other));
    }

    #[test]
    fn what_is_not_json_is_not_read() {
        for bad in [
            "",
            "{",
            "{}x",
            "{\"a\"}",
            "{\"a\":1,}",
            "[1 2]",
            "[1,",
            "\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\udc00\"",
            "\"\n\"",
            "nul",
            "-",
            "1e",
            "+1",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(
            parse(&"[".repeat(100_000)),
            None,
            "nor is it a stack overflow"
        );
    }

    proptest! {
        #[test]
        fn every_string_comes_back(original: String) {
            let mut out = Vec::new();
            quote(&original, &mut out);
            let line = String::from_utf8(out).unwrap();
            prop_assert!(!line.contains('\n'), "one line");
            prop_assert_eq!(parse(&line), Some(text(&original)));
        }

        #[test]
        fn no_text_panics(text in "[\\[\\]{}\":,\\\\u0-9a-f.e+-]{0,60}") {
            let _ = parse(&text);
        }
    }
}
