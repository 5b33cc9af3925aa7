//! The size and the shape of a JSON text, before a parser reads it: what the parser may allocate depends on them.

/// Deepest nesting that is taken. Real manifests have five levels; serde_json itself stops at 128, but not inside
/// members that it skips, and those bytes go on to clients that may recurse.
pub const MAX_DEPTH: usize = 128;

/// Which bound a JSON text exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StructureError {
    /// Objects and arrays stand inside each other more than [`MAX_DEPTH`] times.
    #[error("it is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// It has more values than `limit`.
    #[error("it has too many values (members of objects and items of arrays); at most {limit} are taken")]
    TooManyValues {
        /// How many are taken.
        limit: usize,
    },
}

/// Checks that `json` has at most `max_values` members and items, and at most [`MAX_DEPTH`] levels. Allocates nothing, and
/// reads each byte once. Whether the text is JSON is for the parser to decide: a text that is not may pass.
///
/// Each object, each array and each comma counts as one value, which is never less than there are.
pub fn check_structure(json: &[u8], max_values: usize) -> Result<(), StructureError> {
    let (mut depth, mut values, mut in_string, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => (depth, values) = (depth + 1, values + 1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(StructureError::TooDeep);
        }
        if values > max_values {
            return Err(StructureError::TooManyValues { limit: max_values });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_outside_strings() {
        for (json, values) in
            [(r#"{"a":1,"b":[2,3]}"#, 4), (r#"{"a,{[":"\",[{"}"#, 1), ("[[],[],{}]", 6), ("\"\"", 0)]
        {
            assert_eq!(check_structure(json.as_bytes(), values), Ok(()), "{json}");
            if let Some(limit) = values.checked_sub(1) {
                let refused = Err(StructureError::TooManyValues { limit });
                assert_eq!(check_structure(json.as_bytes(), limit), refused, "{json}");
            }
        }
    }
}
