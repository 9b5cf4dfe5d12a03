//! A strict reader of JSON (RFC 8259): it takes what is valid, and says where something is not.

use std::collections::BTreeMap;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// The value of a key; the null of keys that are not there.
    pub(crate) fn get(&self, key: &str) -> &Json {
        match self {
            Json::Object(map) => map.get(key).unwrap_or(&Json::Null),
            other => panic!("no object: {other:?}"),
        }
    }

    /// A text.
    pub(crate) fn text(&self) -> &str {
        match self {
            Json::Text(text) => text,
            other => panic!("no text: {other:?}"),
        }
    }

    /// A number.
    pub(crate) fn number(&self) -> f64 {
        match self {
            Json::Number(number) => *number,
            other => panic!("no number: {other:?}"),
        }
    }

    /// A list.
    pub(crate) fn list(&self) -> &[Json] {
        match self {
            Json::List(list) => list,
            other => panic!("no list: {other:?}"),
        }
    }
}

/// Reads the whole text as one value.
pub(crate) fn read(text: &str) -> Json {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value();
    reader.space();
    assert_eq!(reader.at, text.len(), "something follows");
    value
}

/// What is read, and how far.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.as_bytes().get(self.at) {
            self.at += 1;
        }
    }

    /// Whether this comes next, which is then read.
    fn has(&mut self, what: &str) -> bool {
        self.space();
        let has = self.text[self.at..].starts_with(what);
        self.at += if has { what.len() } else { 0 };
        has
    }

    fn expect(&mut self, what: &str) {
        let at = self.at;
        assert!(self.has(what), "no {what} at {at}: {}", self.rest());
    }

    fn rest(&self) -> String {
        self.text[self.at..].chars().take(40).collect()
    }

    fn value(&mut self) -> Json {
        self.space();
        match self.text.as_bytes().get(self.at) {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => Json::Text(self.string()),
            Some(b'-' | b'0'..=b'9') => self.digits(),
            _ if self.has("true") => Json::Bool(true),
            _ if self.has("false") => Json::Bool(false),
            _ if self.has("null") => Json::Null,
            _ => panic!("no value at {}: {}", self.at, self.rest()),
        }
    }

    fn object(&mut self) -> Json {
        self.expect("{");
        let mut map = BTreeMap::new();
        if self.has("}") {
            return Json::Object(map);
        }
        loop {
            self.space();
            let key = self.string();
            self.expect(":");
            let value = self.value();
            assert!(map.insert(key, value).is_none(), "twice at {}", self.at);
            if !self.has(",") {
                self.expect("}");
                return Json::Object(map);
            }
        }
    }

    fn array(&mut self) -> Json {
        self.expect("[");
        let mut list = Vec::new();
        if self.has("]") {
            return Json::List(list);
        }
        loop {
            list.push(self.value());
            if !self.has(",") {
                self.expect("]");
                return Json::List(list);
            }
        }
    }

    fn digits(&mut self) -> Json {
        let end = self.text[self.at..]
            .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
            .map_or(self.text.len(), |end| self.at + end);
        let digits = &self.text[self.at..end];
        let whole = digits.trim_start_matches('-');
        let has_zero = whole.len() > 1 && whole.starts_with('0') && !whole.starts_with("0.");
        assert!(!has_zero && !digits.ends_with('.'), "no number: {digits}");
        self.at = end;
        Json::Number(
            digits
                .parse()
                .unwrap_or_else(|_| panic!("no number: {digits}")),
        )
    }

    fn string(&mut self) -> String {
        assert_eq!(self.text.as_bytes()[self.at], b'"', "at {}", self.at);
        self.at += 1;
        let mut string = String::new();
        loop {
            let c = self.text[self.at..].chars().next().expect("an end");
            self.at += c.len_utf8();
            match c {
                '"' => return string,
                '\\' => string.push(self.escape()),
                c => {
                    assert!(c >= ' ', "a bare control character at {}", self.at);
                    string.push(c);
                }
            }
        }
    }

    fn escape(&mut self) -> char {
        let c = self.text.as_bytes()[self.at];
        self.at += 1;
        match c {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'"' | b'\\' | b'/' => char::from(c),
            b'u' => {
                let code = &self.text[self.at..self.at + 4];
                self.at += 4;
                let code = u32::from_str_radix(code, 16).expect("four digits");
                char::from_u32(code).expect("no half of a pair")
            }
            c => panic!("no escape: {c}"),
        }
    }
}
