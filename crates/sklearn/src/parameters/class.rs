//! Parameters and fitted attributes of one class. One description declares the parameters as a struct that is read from
//! JSON (unknown members and wrong types are refused with their path), the attributes as another, both together as
//! [`Fitted`] in one flat object, and the attributes of the object in Python.

use super::values::{ToPython, names_array};
use byoc_formats::pickle::Python;
use serde::{Deserialize, Deserializer, Serialize};

/// The version of scikit-learn whose attributes and behaviour a fit follows.
pub(crate) const SCIKIT_LEARN_VERSION: &str = "1.9.1";

/// The attributes of an object in Python.
pub(crate) type State = Vec<(String, Python)>;

/// The parameters of a transformer without parts. [`parameters!`] implements it.
pub(crate) trait Parameters: Clone {
    /// The attributes that a fit adds, except the names and the number of its features.
    type Attributes: Clone;
    const MODULE: &'static str;
    const NAME: &'static str;

    fn parameters(&self) -> State;
    fn attributes(attributes: &Self::Attributes) -> State;
}

/// A fitted transformer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fitted<C: Parameters> {
    pub(crate) parameters: C,
    pub(crate) features: InputFeatures,
    pub(crate) attributes: C::Attributes,
}

/// The columns that a transformer was fitted on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct InputFeatures {
    pub(crate) count: usize,
    /// The names of the columns of a frame; none for a bare array.
    pub(crate) names: Option<Vec<String>>,
}

impl InputFeatures {
    /// `n_features_in_` and `feature_names_in_`.
    pub(crate) fn state(&self) -> State {
        let mut state = State::new();
        if let Some(names) = &self.names {
            state.push(("feature_names_in_".to_owned(), names_array(names)));
        }
        state.extend(self.count.to_python().map(|count| ("n_features_in_".to_owned(), count)));
        state
    }
}

/// An attribute that users see but that objects do not store: a property in scikit-learn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Property<T>(pub(crate) T);

impl<T> ToPython for Property<T> {
    fn to_python(&self) -> Option<Python> {
        None
    }
}

/// A value that may be null, but not absent.
pub(crate) fn required<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::deserialize(deserializer)
}

macro_rules! parameters {
    ($(
        $(#[$doc:meta])*
        $name:ident / $attributes:ident in $module:literal {
            $($parameter:ident: $type:ty = $default:expr),* $(,)?
        } fitted {
            $($attribute:ident: $attribute_type:ty),* $(,)?
        }
    )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct $name { $(pub(crate) $parameter: $type),* }

        impl Default for $name {
            fn default() -> $name {
                $name { $($parameter: $default),* }
            }
        }

        #[doc = concat!("What a fit adds to a ", stringify!($name), ".")]
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct $attributes { $(pub(crate) $attribute: $attribute_type),* }

        impl $crate::parameters::class::Parameters for $name {
            type Attributes = $attributes;
            const MODULE: &'static str = $module;
            const NAME: &'static str = stringify!($name);

            fn parameters(&self) -> $crate::parameters::class::State {
                use $crate::parameters::values::ToPython;
                let state = [$((stringify!($parameter), ToPython::to_python(&self.$parameter))),*];
                state.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
            }

            fn attributes(_attributes: &$attributes) -> $crate::parameters::class::State {
                #[allow(unused_imports, reason = "some transformers have no fitted attributes")]
                use $crate::parameters::values::ToPython;
                let state: Vec<(&str, Option<byoc_formats::pickle::Python>)> =
                    vec![$((stringify!($attribute), ToPython::to_python(&_attributes.$attribute))),*];
                state.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
            }
        }

        const _: () = {
            #[derive(serde::Serialize, serde::Deserialize)]
            #[serde(deny_unknown_fields)]
            struct Flat {
                $(#[serde(deserialize_with = "crate::parameters::class::required")] $parameter: $type,)*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                feature_names_in_: Option<Vec<String>>,
                n_features_in_: usize,
                $(#[serde(deserialize_with = "crate::parameters::class::required")] $attribute: $attribute_type,)*
            }

            impl serde::Serialize for $crate::parameters::class::Fitted<$name> {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    let $crate::parameters::class::Fitted { parameters, features, attributes: _attributes } = self.clone();
                    Flat {
                        $($parameter: parameters.$parameter,)*
                        feature_names_in_: features.names,
                        n_features_in_: features.count,
                        $($attribute: _attributes.$attribute,)*
                    }
                    .serialize(serializer)
                }
            }

            impl<'de> serde::Deserialize<'de> for $crate::parameters::class::Fitted<$name> {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let flat = <Flat as serde::Deserialize>::deserialize(deserializer)?;
                    Ok($crate::parameters::class::Fitted {
                        parameters: $name { $($parameter: flat.$parameter),* },
                        features: $crate::parameters::class::InputFeatures { count: flat.n_features_in_, names: flat.feature_names_in_ },
                        attributes: $attributes { $($attribute: flat.$attribute),* },
                    })
                }
            }
        };
    )* };
}

pub(crate) use parameters;

/// An attribute of an object in Python, unless it has no such attribute.
pub(crate) fn entry(name: &str, value: impl ToPython) -> Option<(String, Python)> {
    Some((name.to_owned(), value.to_python()?))
}

/// Text.
pub(crate) fn text(text: &str) -> Python {
    Python::Text(text.to_owned())
}

/// An object; scikit-learn writes its version last.
pub(crate) fn object(module: &'static str, class: &'static str, mut state: State) -> Python {
    state.push(("_sklearn_version".to_owned(), text(SCIKIT_LEARN_VERSION)));
    Python::Object(module, class, state)
}

impl<C: Parameters> Fitted<C> {
    /// The object that scikit-learn would have, with its private attributes.
    pub(crate) fn object(&self, private: State) -> Python {
        let mut state = self.parameters.parameters();
        state.extend(self.features.state());
        state.extend(C::attributes(&self.attributes));
        state.extend(private);
        object(C::MODULE, C::NAME, state)
    }
}
