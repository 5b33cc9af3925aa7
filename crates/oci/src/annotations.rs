//! Annotations: notes of their authors about a manifest or about what a descriptor points at (OCI image 1.1, "Annotations").

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess},
};

use crate::descriptor::Text;

/// The most annotations of one object. Images and artifacts have a dozen; each costs memory on top of its bytes.
pub const MAX_ANNOTATIONS: usize = 1024;
/// The annotation by which BuildKit says what an entry of an index is to another one.
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";

/// All annotations of an object.
#[derive(Debug)]
pub(crate) struct Annotations(pub(crate) BTreeMap<String, String>);

/// The annotations of a descriptor, of which only [`REFERENCE_TYPE`] is kept: a manifest may have thousands of descriptors.
#[derive(Debug)]
pub(crate) struct DescriptorAnnotations {
    pub(crate) reference_type: Option<String>,
}

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut all = BTreeMap::new();
        deserializer.deserialize_map(EachOf(|key: String, value| drop(all.insert(key, value))))?;
        Ok(Self(all))
    }
}

impl<'de> Deserialize<'de> for DescriptorAnnotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut reference_type = None;
        deserializer.deserialize_map(EachOf(|key: String, value| {
            if key == REFERENCE_TYPE {
                reference_type = Some(value);
            }
        }))?;
        Ok(Self { reference_type })
    }
}

/// Reads an object of strings, and gives each of at most [`MAX_ANNOTATIONS`] to the function.
struct EachOf<F>(F);

impl<'de, F: FnMut(String, String)> de::Visitor<'de> for EachOf<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut count = 0;
        while let Some((Text(key), Text(value))) = map.next_entry()? {
            count += 1;
            if count > MAX_ANNOTATIONS {
                return Err(de::Error::custom(format_args!(
                    "an object has more than {MAX_ANNOTATIONS} annotations; at most so many are taken"
                )));
            }
            (self.0)(key, value);
        }
        Ok(())
    }
}
