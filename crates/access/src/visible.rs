//! Which characters of a free text a reader sees. The threat: a text that shows as another one. `admin` and `ad<U+200B>min` look
//! the same, and a direction override (Unicode UAX #9) shows a text in another order than it is compared in.

use std::borrow::Cow;

/// Code points with the property Default_Ignorable_Code_Point: a program that has no glyph for them shows nothing. From
/// DerivedCoreProperties.txt of Unicode 17.0; whole blocks are reserved, so later versions hardly change it. Bidirectional
/// controls, tags, soft hyphen, fillers and joiners are among them.
const IGNORABLE: [(char, char); 17] = [
    ('\u{AD}', '\u{AD}'),
    ('\u{34F}', '\u{34F}'),
    ('\u{61C}', '\u{61C}'),
    ('\u{115F}', '\u{1160}'),
    ('\u{17B4}', '\u{17B5}'),
    ('\u{180B}', '\u{180F}'),
    ('\u{200B}', '\u{200F}'),
    ('\u{202A}', '\u{202E}'),
    ('\u{2060}', '\u{206F}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{FE00}', '\u{FE0F}'),
    ('\u{FEFF}', '\u{FEFF}'),
    ('\u{FFA0}', '\u{FFA0}'),
    ('\u{FFF0}', '\u{FFF8}'),
    ('\u{1BCA0}', '\u{1BCA3}'),
    ('\u{1D173}', '\u{1D17A}'),
    ('\u{E0000}', '\u{E0FFF}'),
];
/// Blocks whose letters a joiner or a non-joiner changes visibly: Arabic, and the scripts of India and Sri Lanka (The Unicode
/// Standard, section 23.2). Persian and Hindi are not written without them.
const JOINED_SCRIPTS: [(char, char); 4] =
    [('\u{600}', '\u{6FF}'), ('\u{750}', '\u{77F}'), ('\u{8A0}', '\u{8FF}'), ('\u{900}', '\u{DFF}')];
/// Blocks of the characters that emoji are made of (Unicode UTS #51, section 1.4).
const PICTOGRAPHS: [(char, char); 17] = [
    ('\u{A9}', '\u{A9}'),
    ('\u{AE}', '\u{AE}'),
    ('\u{203C}', '\u{203C}'),
    ('\u{2049}', '\u{2049}'),
    ('\u{2122}', '\u{2122}'),
    ('\u{2139}', '\u{2139}'),
    ('\u{2194}', '\u{21AA}'),
    ('\u{231A}', '\u{23FF}'),
    ('\u{24C2}', '\u{24C2}'),
    ('\u{25AA}', '\u{25FE}'),
    ('\u{2600}', '\u{27BF}'),
    ('\u{2934}', '\u{2935}'),
    ('\u{2B05}', '\u{2B55}'),
    ('\u{3030}', '\u{303D}'),
    ('\u{3297}', '\u{3297}'),
    ('\u{3299}', '\u{3299}'),
    ('\u{1F000}', '\u{1FAFF}'),
];
const NON_JOINER: char = '\u{200C}';
const JOINER: char = '\u{200D}';
const TEXT_STYLE: char = '\u{FE0E}';
const EMOJI_STYLE: char = '\u{FE0F}';
const KEYCAP: char = '\u{20E3}';
const SKIN_TONES: (char, char) = ('\u{1F3FB}', '\u{1F3FF}');

/// Returns the first character that a reader would not see, or that a terminal would obey. Line breaks and tabs count; what
/// holds an emoji together does not, nor do joiners in the scripts that are written with them.
pub fn hidden(text: &str) -> Option<char> {
    hidden_in(text, |_| false).map(|(_, hidden)| hidden)
}

/// The same for a text of several lines, where line breaks and tabs are fine.
pub fn hidden_in_lines(text: &str) -> Option<char> {
    hidden_in(text, is_layout).map(|(_, hidden)| hidden)
}

/// The text with [`hidden`] characters written as Rust writes them, such as `\u{202e}`: for terminals and pages.
pub fn escaped(text: &str) -> Cow<'_, str> {
    escape(text, |_| false, |hidden| hidden.escape_unicode().to_string())
}

/// The same for a text of several lines, whose line breaks and tabs stay.
pub fn escaped_lines(text: &str) -> Cow<'_, str> {
    escape(text, is_layout, |hidden| hidden.escape_unicode().to_string())
}

/// The same for JSON, whose strings stay what they are: escapes as RFC 8259 §7 writes them.
pub fn escaped_json(text: &str) -> Cow<'_, str> {
    escape(text, is_layout, |hidden| {
        hidden.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
    })
}

fn escape(text: &str, is_fine: fn(char) -> bool, write: fn(char) -> String) -> Cow<'_, str> {
    let Some((mut at, mut hidden)) = hidden_in(text, is_fine) else { return Cow::Borrowed(text) };
    let (mut escaped, mut done) = (String::with_capacity(text.len() + 16), 0);
    loop {
        escaped.push_str(&text[done..at]);
        escaped.push_str(&write(hidden));
        done = at + hidden.len_utf8();
        // The rest is judged alone: a hidden character justifies no joiner.
        match hidden_in(&text[done..], is_fine) {
            Some((offset, next)) => (at, hidden) = (done + offset, next),
            None => break,
        }
    }
    escaped.push_str(&text[done..]);
    Cow::Owned(escaped)
}

/// Where the first hidden character is, in bytes.
fn hidden_in(text: &str, is_fine: fn(char) -> bool) -> Option<(usize, char)> {
    let mut characters = text.char_indices().peekable();
    // The letter or pictograph before, behind which a joiner or a style may stand.
    let (mut before, mut base) = (None, None);
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let is_hidden = match character {
            JOINER | NON_JOINER => !joins(base, character, next),
            TEXT_STYLE | EMOJI_STYLE => !styles(before, next),
            character => is_never_seen(character) && !is_fine(character),
        };
        if is_hidden {
            return Some((at, character));
        }
        before = Some(character);
        if !is_in(character, &[SKIN_TONES, (TEXT_STYLE, EMOJI_STYLE)]) {
            base = before;
        }
    }
    None
}

/// Whether a joiner between the two belongs there.
fn joins(before: Option<char>, joiner: char, next: Option<char>) -> bool {
    let (Some(before), Some(next)) = (before, next) else { return false };
    let both = |ranges| is_in(before, ranges) && is_in(next, ranges);
    both(&JOINED_SCRIPTS) || (joiner == JOINER && both(&PICTOGRAPHS))
}

/// Whether a variation selector belongs there: behind a pictograph, or within a keycap such as 1️⃣.
fn styles(before: Option<char>, next: Option<char>) -> bool {
    let Some(before) = before else { return false };
    let is_key = before.is_ascii_digit() || before == '#' || before == '*';
    is_in(before, &PICTOGRAPHS) || (is_key && next == Some(KEYCAP))
}

fn is_never_seen(character: char) -> bool {
    // Separators of lines and paragraphs forge lines of a log; annotations (U+FFF9 to U+FFFB) hide what they annotate.
    let others = [('\u{2028}', '\u{2029}'), ('\u{FFF9}', '\u{FFFB}')];
    let is_beyond_ascii = || is_in(character, &IGNORABLE) || is_in(character, &others);
    character.is_control() || (!character.is_ascii() && is_beyond_ascii())
}

const fn is_layout(character: char) -> bool {
    matches!(character, '\n' | '\t')
}

fn is_in(character: char, ranges: &[(char, char)]) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&character))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn what_no_reader_sees_is_hidden() {
        for hidden_one in [
            '\0',
            '\x1b',
            '\x7f',
            '\u{85}',
            '\n',
            '\t',
            '\u{AD}',
            '\u{34F}',
            '\u{61C}',
            '\u{115F}',
            '\u{1160}',
            '\u{17B4}',
            '\u{180B}',
            '\u{180E}',
            '\u{200B}',
            '\u{200C}',
            '\u{200D}',
            '\u{200E}',
            '\u{200F}',
            '\u{2028}',
            '\u{2029}',
            '\u{202A}',
            '\u{202E}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{206F}',
            '\u{3164}',
            '\u{FE00}',
            '\u{FE0E}',
            '\u{FE0F}',
            '\u{FEFF}',
            '\u{FFA0}',
            '\u{FFF9}',
            '\u{1D173}',
            '\u{E0001}',
            '\u{E0061}',
            '\u{E007F}',
            '\u{E0100}',
            '\u{E01EF}',
        ] {
            for text in
                [format!("ad{hidden_one}min"), format!("{hidden_one}admin"), format!("admin{hidden_one}")]
            {
                assert_eq!(hidden(&text), Some(hidden_one), "{text:?}");
            }
            let escape = hidden_one.escape_unicode().to_string();
            assert_eq!(escaped(&format!("a{hidden_one}{hidden_one}b")), format!("a{escape}{escape}b"));
        }
    }

    #[test]
    fn what_readers_see_stays_as_it_is() {
        for text in [
            "",
            "Ann's läptop 💻",
            "Grüße, 世界 · العربية · עברית · हिन्दी",
            "👩\u{200D}💻 👨🏽\u{200D}🚒 ❤\u{FE0F}\u{200D}🔥 🏳\u{FE0F}\u{200D}🌈 1\u{FE0F}\u{20E3} ☎\u{FE0E} 🇩🇪",
            // Persian and Hindi, with the joiners that they are written with.
            "می\u{200C}خواهم",
            "क\u{94D}\u{200D}ष",
        ] {
            assert_eq!(hidden(text), None, "{text:?}");
            assert!(matches!(escaped(text), Cow::Borrowed(same) if same == text), "{text:?}");
        }
        assert_eq!(hidden_in_lines("one\n\ttwo"), None);
        assert_eq!(hidden_in_lines("one\r\ntwo"), Some('\r'));
    }

    #[test]
    fn a_joiner_out_of_its_place_is_hidden() {
        for text in [
            "\u{200D}💻",
            "💻\u{200D}",
            "💻\u{200D}a",
            "a\u{200D}💻",
            "💻\u{200C}💻",
            "💻\u{200D}\u{200D}💻",
            "a\u{FE0F}",
            "あ\u{FE0F}",
            "1\u{FE0F}",
            "💻\u{FE0F}\u{FE0F}",
            "م\u{200C}a",
            "م\u{200C}\u{200C}م",
            "م\u{200C}",
        ] {
            assert!(hidden(text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn escapes_are_those_of_their_readers() {
        let text = "a\u{202E}b\n\u{E0041}c\x1b";
        assert_eq!(escaped(text), "a\\u{202e}b\\u{a}\\u{e0041}c\\u{1b}");
        assert_eq!(escaped_lines(text), "a\\u{202e}b\n\\u{e0041}c\\u{1b}");
        assert_eq!(escaped_json(text), "a\\u202eb\n\\udb40\\udc41c\\u001b");
        let json = serde_json::json!({ "name": "a\u{202E}b\u{E0041}" });
        let read: serde_json::Value = serde_json::from_str(&escaped_json(&json.to_string())).expect("JSON");
        assert_eq!(read, json);
    }
}
