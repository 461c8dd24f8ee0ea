//! The macro that expands the list of transformers.

/// Declares the module of each transformer and the list of its classes in pickles; and, for those that can be fitted,
/// the two enums of `preprocessor.json` (`Specified` and `FittedTransformer`) and their deserialization.
///
/// A transformer under `fitted` has a `write.rs` and a `fit.rs` that implement `specification::Specify` for the type
/// named after its module; one under `applied` has neither.
macro_rules! transformers {
    (
        fitted { $($module:ident: $name:ident),* $(,)? }
        applied { $($applied:ident),* $(,)? }
    ) => {
        $(mod $module;)*
        $(mod $applied;)*

        /// The classes of all transformers.
        const CLASSES: &[&dyn class::PickledClass] = &[$(&$module::Class,)* $(&$applied::Class),*];

        /// The folders of the classes, in the same order.
        #[cfg(test)]
        const FOLDERS: &[&str] = &[$(stringify!($module),)* $(stringify!($applied)),*];

        /// The classes that a document may name.
        const SPECIFIED: &[&str] = &[$(stringify!($name)),*];

        /// A transformer as it is specified: `"passthrough"`, `"drop"`, or an object whose one key is the class.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        pub(crate) enum Specified {
            #[serde(rename = "passthrough")]
            Passthrough,
            #[serde(rename = "drop")]
            Drop,
            $($name($module::$name)),*
        }

        /// A transformer as it is fitted.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        pub(crate) enum FittedTransformer {
            #[serde(rename = "passthrough")]
            Passthrough,
            #[serde(rename = "drop")]
            Drop,
            $($name(<$module::$name as Specify>::Fitted)),*
        }

        read_transformer! { Specified, "an object of the parameters of ", $($name),* }
        read_transformer! { FittedTransformer, "an object of the parameters and attributes of ", $($name),* }

        impl Specified {
            /// scikit-learn's name of the class.
            pub(crate) fn name(&self) -> &'static str {
                match self {
                    Specified::Passthrough => "passthrough",
                    Specified::Drop => "drop",
                    $(Specified::$name(_) => stringify!($name)),*
                }
            }

            /// The object that scikit-learn would have before `fit`.
            pub(crate) fn to_python(&self) -> Python {
                match self {
                    Specified::Passthrough => text("passthrough"),
                    Specified::Drop => text("drop"),
                    $(Specified::$name(specified) => Specify::to_python(specified)),*
                }
            }

            /// The transformer before it is fitted; `path` is its path in the document.
            ///
            /// # Errors
            /// As [`Plan::node`].
            pub(crate) fn node(&self, path: &str) -> Checked<Node> {
                let path = format!("{path}.{}", self.name());
                match self {
                    Specified::Passthrough => Ok(Node::Passthrough),
                    Specified::Drop => Ok(Node::Drop),
                    $(Specified::$name(specified) => Plan::node(specified, &path)),*
                }
            }
        }

        impl FittedTransformer {
            /// The transformer as it was before it was fitted.
            pub(crate) fn specified(&self) -> Specified {
                match self {
                    FittedTransformer::Passthrough => Specified::Passthrough,
                    FittedTransformer::Drop => Specified::Drop,
                    $(FittedTransformer::$name(fitted) => {
                        Specified::$name(FittedDocument::parameters(fitted))
                    }),*
                }
            }

            /// The object that scikit-learn would have after `fit`.
            pub(crate) fn to_python(&self) -> Python {
                match self {
                    FittedTransformer::Passthrough => text("passthrough"),
                    FittedTransformer::Drop => text("drop"),
                    $(FittedTransformer::$name(fitted) => FittedDocument::to_python(fitted)),*
                }
            }

            /// How many features it gives for `inputs` features.
            pub(crate) fn width(&self, inputs: usize) -> usize {
                match self {
                    FittedTransformer::Passthrough => inputs,
                    FittedTransformer::Drop => 0,
                    $(FittedTransformer::$name(fitted) => FittedDocument::width(fitted, inputs)),*
                }
            }

            /// As [`FittedDocument::gives_sparse`].
            pub(crate) fn gives_sparse(&self, is_given: bool) -> bool {
                match self {
                    FittedTransformer::Passthrough | FittedTransformer::Drop => is_given,
                    $(FittedTransformer::$name(fitted) => FittedDocument::gives_sparse(fitted, is_given)),*
                }
            }

            /// As [`FittedDocument::keeps_names`].
            pub(crate) fn keeps_names(&self) -> bool {
                match self {
                    FittedTransformer::Passthrough | FittedTransformer::Drop => false,
                    $(FittedTransformer::$name(fitted) => FittedDocument::keeps_names(fitted)),*
                }
            }

            /// Checks a transformer and its parts; `path` is its path in the document.
            ///
            /// # Errors
            /// As [`FittedDocument::check`].
            pub(crate) fn check(&self, path: &str) -> Checked<()> {
                match self {
                    FittedTransformer::Passthrough | FittedTransformer::Drop => Ok(()),
                    $(FittedTransformer::$name(fitted) => {
                        FittedDocument::check(fitted, &format!("{path}.{}", stringify!($name)))
                    }),*
                }
            }
        }

        $(impl From<<$module::$name as Specify>::Fitted> for FittedTransformer {
            fn from(fitted: <$module::$name as Specify>::Fitted) -> FittedTransformer {
                FittedTransformer::$name(fitted)
            }
        })*
    };
}

/// How a transformer is read: a word, or an object with one key.
macro_rules! read_transformer {
    ($transformer:ident, $holds:literal, $($name:ident),*) => {
        impl<'de> Deserialize<'de> for $transformer {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$transformer, D::Error> {
                struct WordOrObject;
                impl<'de> Visitor<'de> for WordOrObject {
                    type Value = $transformer;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(
                            "an object whose one key is the class, such as {\"StandardScaler\": {}}, or \
                             \"passthrough\" or \"drop\"",
                        )
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$transformer, E> {
                        match text {
                            "passthrough" => Ok($transformer::Passthrough),
                            "drop" => Ok($transformer::Drop),
                            text if SPECIFIED.contains(&text) => Err(E::custom(format_args!(
                                "expected an object, {{{text:?}: {{}}}}, found the text {text:?}"
                            ))),
                            text => Err(E::invalid_value(Unexpected::Str(text), &self)),
                        }
                    }

                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$transformer, A::Error> {
                        let Some(class) = map.next_key::<String>()? else {
                            return Err(de::Error::invalid_value(Unexpected::Other("an empty object"), &self));
                        };
                        let transformer = match class.as_str() {
                            $(stringify!($name) => {
                                let object = Object::new(concat!($holds, stringify!($name)));
                                $transformer::$name(map.next_value_seed(object)?)
                            })*
                            class => return Err(de::Error::unknown_variant(class, SPECIFIED)),
                        };
                        match map.next_key::<String>()? {
                            Some(second) => Err(de::Error::custom(format_args!(
                                "expected an object with one key, the class, found two: {class} and {second}"
                            ))),
                            None => Ok(transformer),
                        }
                    }
                }
                deserializer.deserialize_any(WordOrObject)
            }
        }
    };
}
