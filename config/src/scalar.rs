// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Values that remember where they stand in the file.
//!
//! A value that cannot be read does not stop the reading: it keeps its complaint, so that one run
//! reports every bad value. The complaint surfaces when validation asks for the value.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::report::{Complaint, Place, Problems, Severity};

/// A kind of value that is written as one word or number.
pub trait FromText: Sized {
    /// Reads it, without surrounding quotes.
    ///
    /// # Errors
    /// What is wrong with the text, and what to write instead.
    fn from_text(text: &str) -> Result<Self, Complaint>;

    /// Its JSON Schema.
    fn schema() -> Schema;
}

/// One value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar<T> {
    /// Where it stands.
    pub place: Place,
    value: Result<T, Complaint>,
}

impl<T: Clone> Scalar<T> {
    /// The value; a bad one is noted as an error instead.
    pub(crate) fn get(&self, problems: &mut Problems) -> Option<T> {
        match &self.value {
            Ok(value) => Some(value.clone()),
            Err(complaint) => {
                problems.note(self.place, Severity::Error, complaint.clone());
                None
            }
        }
    }
}

/// The value of an optional key; a bad one is noted as an error.
pub(crate) fn get<T: Clone>(key: &Option<Scalar<T>>, problems: &mut Problems) -> Option<T> {
    key.as_ref().and_then(|scalar| scalar.get(problems))
}

impl<'de, T: FromText> Deserialize<'de> for Scalar<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Spanned::<Cow<'de, str>>::deserialize(deserializer)?;
        Ok(Self {
            place: text.referenced.into(),
            value: T::from_text(&text.value),
        })
    }
}

impl<T: FromText> JsonSchema for Scalar<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        T::schema()
    }
}

/// A list or a mapping and the place of its start.
#[derive(Clone, Debug, PartialEq)]
pub struct Located<T> {
    /// Where it starts.
    pub place: Place,
    /// What stands there.
    pub value: T,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let inner = Spanned::<T>::deserialize(deserializer)?;
        Ok(Self {
            place: inner.referenced.into(),
            value: inner.value,
        })
    }
}

impl<T: JsonSchema> JsonSchema for Located<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// What has a place in the file.
pub(crate) trait Placed {
    /// Where it starts.
    fn place(&self) -> Place;
}

impl<T> Placed for Scalar<T> {
    fn place(&self) -> Place {
        self.place
    }
}

impl<T> Placed for Located<T> {
    fn place(&self) -> Place {
        self.place
    }
}

impl<T> Placed for OneOrMany<T> {
    fn place(&self) -> Place {
        self.place
    }
}

impl<W, K> Placed for WordOrKeys<W, K> {
    fn place(&self) -> Place {
        self.place
    }
}

/// Where an optional key's value starts.
pub(crate) fn at<T: Placed>(key: &Option<T>) -> Option<Place> {
    key.as_ref().map(Placed::place)
}

/// One value, or a list of them.
#[derive(Clone, Debug, PartialEq)]
pub struct OneOrMany<T> {
    /// Where it starts.
    pub place: Place,
    /// The values; one that stands alone has the place of the whole.
    pub items: Vec<Scalar<T>>,
    /// Whether it was written as a list.
    pub is_list: bool,
}

impl<'de, T: FromText> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let inner = Spanned::<Items<T>>::deserialize(deserializer)?;
        let place = inner.referenced.into();
        Ok(match inner.value {
            Items::One(value) => Self {
                place,
                items: vec![Scalar { place, value }],
                is_list: false,
            },
            Items::Many(items) => Self {
                place,
                items,
                is_list: true,
            },
        })
    }
}

impl<T: FromText> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OneOrMany".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let item = T::schema();
        schemars::json_schema!({ "anyOf": [item, { "type": "array", "items": item }] })
    }
}

enum Items<T> {
    One(Result<T, Complaint>),
    Many(Vec<Scalar<T>>),
}

impl<'de, T: FromText> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemsVisitor(PhantomData))
    }
}

struct ItemsVisitor<T>(PhantomData<T>);

impl<'de, T: FromText> Visitor<'de> for ItemsVisitor<T> {
    type Value = Items<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value or a list of values")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Items::One(T::from_text(text)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Items::One(T::from_text(&number.to_string())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Items::One(T::from_text(&number.to_string())))
    }

    fn visit_u128<E>(self, number: u128) -> Result<Self::Value, E> {
        Ok(Items::One(T::from_text(&number.to_string())))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Self::Value, E> {
        Ok(Items::One(T::from_text(&number.to_string())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Items::One(T::from_text(&number.to_string())))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Items::One(T::from_text(&value.to_string())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Items::Many(items))
    }
}

/// A word, or a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct WordOrKeys<W, K> {
    /// Where it starts.
    pub place: Place,
    /// What stands there.
    pub value: Either<W, K>,
}

/// Which of the two it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Either<W, K> {
    /// The word.
    Word(Scalar<W>),
    /// The mapping.
    Keys(K),
}

impl<'de, W: FromText, K: Deserialize<'de>> Deserialize<'de> for WordOrKeys<W, K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let inner = Spanned::<Shape<W, K>>::deserialize(deserializer)?;
        let place = inner.referenced.into();
        let value = match inner.value {
            Shape::Word(value) => Either::Word(Scalar { place, value }),
            Shape::Keys(keys) => Either::Keys(keys),
        };
        Ok(Self { place, value })
    }
}

impl<W: FromText, K: JsonSchema> JsonSchema for WordOrKeys<W, K> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "WordOrKeys".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let keys = generator.subschema_for::<K>();
        schemars::json_schema!({ "anyOf": [W::schema(), keys] })
    }
}

enum Shape<W, K> {
    Word(Result<W, Complaint>),
    Keys(K),
}

impl<'de, W: FromText, K: Deserialize<'de>> Deserialize<'de> for Shape<W, K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor(PhantomData))
    }
}

struct ShapeVisitor<W, K>(PhantomData<(W, K)>);

impl<'de, W: FromText, K: Deserialize<'de>> Visitor<'de> for ShapeVisitor<W, K> {
    type Value = Shape<W, K>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word or a mapping")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Shape::Word(W::from_text(text)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Shape::Word(W::from_text(&number.to_string())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Shape::Word(W::from_text(&number.to_string())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Shape::Word(W::from_text(&number.to_string())))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Shape::Word(W::from_text(&value.to_string())))
    }

    fn visit_map<A: MapAccess<'de>>(self, keys: A) -> Result<Self::Value, A::Error> {
        K::deserialize(MapAccessDeserializer::new(keys)).map(Shape::Keys)
    }
}
