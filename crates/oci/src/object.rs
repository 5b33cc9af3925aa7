//! JSON objects that every reader understands alike.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, IntoDeserializer, MapAccess},
};

use crate::error::Quoted;

/// A `T` written as a JSON object whose members have exactly the names of `T`'s fields, or quite others.
///
/// Derived readers also take an array of the fields in order, which no other reader of manifests would understand.
/// And they pass `Layers` over, which Go's encoding/json, and so nearly every client, reads as `layers`: a manifest
/// that is one image here would be another there (the kind of CVE-2021-41190).
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

/// The name of a member, escapes undone.
#[derive(Debug, PartialEq, Eq, Hash, Deserialize)]
pub(crate) struct Name<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OnlyObject<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for OnlyObject<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(Fields(map)).map(Object)
            }
        }
        deserializer.deserialize_map(OnlyObject(PhantomData))
    }
}

/// Asks the derived reader for the names of its fields, so that they are written once.
struct Fields<A>(A);

impl<'de, A: MapAccess<'de>> Deserializer<'de> for Fields<A> {
    type Error = A::Error;

    fn deserialize_struct<V: de::Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_map(ExactNames { members: self.0, fields })
    }

    fn deserialize_any<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_map(self.0)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The members, none of them called almost like a field.
struct ExactNames<A> {
    members: A,
    fields: &'static [&'static str],
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for ExactNames<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let Some(Name(name)) = self.members.next_key()? else { return Ok(None) };
        if !self.fields.contains(&name.as_ref())
            && let Some(field) = self.fields.iter().find(|field| folded(&name).eq(folded(field)))
        {
            let name = Quoted(&name);
            return Err(de::Error::custom(format_args!(
                "some clients read {name} as {field}; write {field}"
            )));
        }
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.members.next_value_seed(seed)
    }
}

/// As Go's encoding/json compares names: Unicode's simple folding, under which two more letters are ASCII ones.
fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().map(|character| match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    })
}
