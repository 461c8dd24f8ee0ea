//! A JSON document as a tree, and the tree as a source of typed values.

use super::mistyped::{Mistyped, Step};
use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer as _, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use std::fmt;

/// A value of a document, with all that the text says: an object's members in their order, one of a name that came before
/// included. Boxed slices, since a document may be a list of a million short numbers: a value is 24 bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number without a point, below zero.
    Negative(i64),
    /// A number without a point, not below zero.
    Integer(u64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(Box<str>),
    /// A list.
    List(Box<[Node]>),
    /// An object.
    Object(Box<[(String, Node)]>),
}

impl Node {
    /// A value of a type.
    ///
    /// # Errors
    /// Where in this value the first is that does not fit, and why.
    pub fn typed<'de, T: Deserialize<'de>>(&'de self) -> Result<T, Mistyped> {
        T::deserialize(self)
    }

    /// The value that a path leads to, if it leads to one.
    pub(super) fn at(&self, path: &[Step]) -> Option<&Node> {
        path.iter().try_fold(self, |node, step| match (node, step) {
            (Node::List(items), Step::Item(at)) => items.get(*at),
            (Node::Object(members), Step::Member(name)) => {
                members.iter().rev().find(|(member, _)| member == name).map(|(_, value)| value)
            }
            _ => None,
        })
    }

    /// Takes the member that a path leads to, or that is nearest above it, out; whether there was one.
    pub fn leave_out(&mut self, path: &[Step]) -> bool {
        let Some(last) = path.iter().rposition(|step| matches!(step, Step::Member(_))) else { return false };
        let mut node = self;
        for (depth, step) in path.iter().enumerate() {
            let inner = match (node, step) {
                (Node::Object(members), Step::Member(name)) if depth == last => {
                    let mut left = std::mem::take(members).into_vec();
                    let before = left.len();
                    left.retain(|(member, _)| member != name);
                    let is_left_out = left.len() < before;
                    *members = left.into();
                    return is_left_out;
                }
                (Node::Object(members), Step::Member(name)) => {
                    members.iter_mut().rev().find(|(member, _)| member == name).map(|(_, value)| value)
                }
                (Node::List(items), Step::Item(at)) => items.get_mut(*at),
                _ => None,
            };
            let Some(inner) = inner else { return false };
            node = inner;
        }
        false
    }
}

/// JSON on one line.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        match self {
            Node::Null => f.write_str("null"),
            Node::Bool(value) => write!(f, "{value}"),
            Node::Negative(value) => write!(f, "{value}"),
            Node::Integer(value) => write!(f, "{value}"),
            Node::Float(value) => write!(f, "{}", serde_json::Value::from(*value)),
            Node::Text(text) => f.write_str(&quoted(text)),
            Node::List(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at == 0 { "" } else { "," })?;
                }
                f.write_str("]")
            }
            Node::Object(members) => {
                f.write_str("{")?;
                for (at, (name, value)) in members.iter().enumerate() {
                    write!(f, "{}{}:{value}", if at == 0 { "" } else { "," }, quoted(name))?;
                }
                f.write_str("}")
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(AnyNode)
    }
}

struct AnyNode;

impl<'de> Visitor<'de> for AnyNode {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Negative(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Integer(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Node::Object(members.into()))
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Mistyped;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistyped> {
        match self {
            Node::Null => visitor.visit_unit(),
            Node::Bool(value) => visitor.visit_bool(*value),
            Node::Negative(value) => visitor.visit_i64(*value),
            Node::Integer(value) => visitor.visit_u64(*value),
            Node::Float(value) => visitor.visit_f64(*value),
            Node::Text(text) => visitor.visit_borrowed_str(text),
            Node::List(items) => {
                let mut list = Items { items, at: 0 };
                let value = visitor.visit_seq(&mut list)?;
                if list.at == items.len() { Ok(value) } else { Err(Error::invalid_length(items.len(), &"fewer items")) }
            }
            Node::Object(members) => visitor.visit_map(Members { members, value: None }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistyped> {
        if *self == Node::Null { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &str, visitor: V) -> Result<V::Value, Mistyped> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &str, _: &[&str], visitor: V) -> Result<V::Value, Mistyped> {
        match self {
            Node::Text(word) => visitor.visit_enum(word.as_ref().into_deserializer()),
            Node::Object(members) if members.len() == 1 => visitor.visit_enum(Variant(&members[0])),
            Node::Object(_) => Err(Error::invalid_value(Unexpected::Map, &"an object with one key")),
            other => Err(Error::invalid_type(other.unexpected(), &"text, or an object with one key")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistyped> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier
    }
}

impl Node {
    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Node::Null => Unexpected::Other("null"),
            Node::Bool(value) => Unexpected::Bool(*value),
            Node::Negative(value) => Unexpected::Signed(*value),
            Node::Integer(value) => Unexpected::Unsigned(*value),
            Node::Float(value) => Unexpected::Float(*value),
            Node::Text(text) => Unexpected::Str(text),
            Node::List(_) => Unexpected::Seq,
            Node::Object(_) => Unexpected::Map,
        }
    }
}

struct Items<'de> {
    items: &'de [Node],
    at: usize,
}

impl<'de> SeqAccess<'de> for &mut Items<'de> {
    type Error = Mistyped;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Mistyped> {
        let Some(item) = self.items.get(self.at) else { return Ok(None) };
        let at = self.at;
        self.at += 1;
        seed.deserialize(item).map(Some).map_err(|error| error.within_item(at))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.at)
    }
}

struct Members<'de> {
    members: &'de [(String, Node)],
    value: Option<&'de (String, Node)>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Mistyped;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Mistyped> {
        let Some((member, rest)) = self.members.split_first() else { return Ok(None) };
        self.members = rest;
        self.value = Some(member);
        seed.deserialize(StrDeserializer::new(&member.0)).map(Some).map_err(|error: Mistyped| error.within(&member.0))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Mistyped> {
        let Some((name, value)) = self.value.take() else {
            return Err(Error::custom("a member's value was asked for before its name"));
        };
        seed.deserialize(value).map_err(|error| error.within(name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.members.len())
    }
}

/// The variant of an enum that has something in it.
struct Variant<'de>(&'de (String, Node));

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Mistyped;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Mistyped> {
        seed.deserialize(StrDeserializer::new(&self.0.0)).map(|variant| (variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Mistyped;

    fn unit_variant(self) -> Result<(), Mistyped> {
        <()>::deserialize(&self.0.1).map_err(|error| error.within(&self.0.0))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Mistyped> {
        seed.deserialize(&self.0.1).map_err(|error| error.within(&self.0.0))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mistyped> {
        self.0.1.deserialize_any(visitor).map_err(|error| error.within(&self.0.0))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &[&str], visitor: V) -> Result<V::Value, Mistyped> {
        self.0.1.deserialize_any(visitor).map_err(|error| error.within(&self.0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use serde_json::Value;
    use std::collections::BTreeMap;

    #[test]
    fn a_value_is_small() {
        assert_eq!(size_of::<Node>(), 24);
    }

    fn node(json: &str) -> Node {
        serde_json::from_str(json).unwrap()
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 64, 6, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..6).prop_map(Value::from),
                btree_map(".{0,4}", inner, 0..6).prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_tree_says_what_serde_jsons_own_value_says(value in any_json()) {
            let text = value.to_string();
            prop_assert_eq!(node(&text).typed::<Value>().unwrap(), value);
            prop_assert_eq!(node(&node(&text).to_string()), node(&text));
        }
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Shape {
        Point,
        Circle(f64),
        Line(i32, i32),
        Box { width: u8 },
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Width(u8);

    #[test]
    fn types_are_read_as_serde_json_reads_them() {
        for json in
            [r#"["point", {"circle": 1.5}, {"line": [1, -2]}, {"box": {"width": 7}}]"#, r#"[{"point": null}]"#, "[]"]
        {
            assert_eq!(node(json).typed::<Vec<Shape>>().unwrap(), serde_json::from_str::<Vec<Shape>>(json).unwrap());
        }
        type Mixed = (Option<bool>, Option<Width>, f64, BTreeMap<String, i64>, String);
        for json in [r#"[null, 7, 1, {"a": -1}, "x"]"#, r#"[true, null, 0.5, {}, ""]"#] {
            assert_eq!(node(json).typed::<Mixed>().unwrap(), serde_json::from_str::<Mixed>(json).unwrap());
        }
    }

    #[test]
    fn what_does_not_fit_is_named_by_its_path() {
        let fails = |json: &str| node(json).typed::<BTreeMap<String, Vec<Shape>>>().unwrap_err().to_string();
        assert_eq!(fails("7"), "invalid type: integer `7`, expected a map");
        assert_eq!(fails(r#"{"a": 7}"#), "a: invalid type: integer `7`, expected a sequence");
        assert!(fails(r#"{"a": ["point", "star"]}"#).starts_with("a[1]: unknown variant `star`"));
        assert!(fails(r#"{"a": [{"circle": "x"}]}"#).starts_with("a[0].circle: invalid type: string \"x\""));
        assert!(
            fails(r#"{"a": [{"box": {"width": 300}}]}"#).starts_with("a[0].box.width: invalid value: integer `300`")
        );
        assert!(fails(r#"{"a": [{"circle": 1, "line": 2}]}"#).starts_with("a[0]: invalid value: map"));
        assert!(fails(r#"{"a": [[]]}"#).starts_with("a[0]: invalid type: sequence"));
        assert_eq!(
            node("[1, 2, 3]").typed::<(u8, u8)>().unwrap_err().to_string(),
            "invalid length 3, expected fewer items"
        );
    }

    #[test]
    fn a_member_that_is_there_twice_is_noticed() {
        #[derive(Debug, serde::Deserialize)]
        struct One {
            #[expect(dead_code, reason = "only read into")]
            a: u8,
        }
        let error = node(r#"{"a": 1, "a": 2}"#).typed::<One>().unwrap_err();
        assert!(error.to_string().contains("duplicate field `a`"), "{error}");
    }

    #[test]
    fn a_member_is_left_out_by_the_path_of_what_is_wrong_in_it() {
        let path = |steps: &[&str]| -> Vec<Step> {
            let step = |text: &&str| text.parse().map_or_else(|_| Step::Member((*text).to_owned()), Step::Item);
            steps.iter().map(step).collect()
        };
        for (steps, left) in [
            (vec!["a", "1", "b"], r#"{"a":[1,{}],"c":[]}"#),
            (vec!["a", "0"], r#"{"c":[]}"#),
            (vec!["c"], r#"{"a":[1,{"b":2}]}"#),
        ] {
            let mut document = node(r#"{"a":[1,{"b":2}],"c":[]}"#);
            assert!(document.leave_out(&path(&steps)), "{steps:?}");
            assert_eq!(document, node(left), "{steps:?}");
        }
        for steps in [vec![], vec!["0"], vec!["d"], vec!["a", "7", "b"], vec!["c", "b"]] {
            assert!(!node(r#"{"a":[1,{"b":2}],"c":[]}"#).leave_out(&path(&steps)), "{steps:?}");
        }
    }
}
